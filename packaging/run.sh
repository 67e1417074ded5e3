#!/usr/bin/env bash
# Opens the window; without a display, performs the demo review on a virtual one and writes what it did to demo-output/.
# Usage: packaging/run.sh [STUDY]
set -euo pipefail
cd "$(dirname "$0")/.."
if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    exec .venv/bin/breastlens window "${@:---demo}"
fi
echo "No display found: the demo review runs on a virtual display."
exec env QT_QPA_PLATFORM=xcb xvfb-run --auto-servernum --server-args="-screen 0 1920x1080x24" \
    .venv/bin/breastlens review "$@" --out demo-output

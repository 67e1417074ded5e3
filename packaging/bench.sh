#!/usr/bin/env bash
# The figures of the README, measured in a real window on a virtual display.
set -euo pipefail
cd "$(dirname "$0")/.."
exec env QT_QPA_PLATFORM=xcb xvfb-run --auto-servernum --server-args="-screen 0 1920x1080x24" \
    .venv/bin/pytest tests/benchmarks --benchmark-only -o addopts="--import-mode=importlib" -p no:timeout -q "$@"

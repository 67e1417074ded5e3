#!/usr/bin/env bash
# The figures of the README, measured in a real window on a virtual display; medians and 95th percentiles come last.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p .out
QT_QPA_PLATFORM=xcb xvfb-run --auto-servernum --server-args="-screen 0 1920x1080x24" \
    .venv/bin/pytest tests/benchmarks --benchmark-only --benchmark-json=.out/bench.json \
    -o addopts="--import-mode=importlib" -o timeout=600 -q "$@"
.venv/bin/python - <<'EOF'
import json

for one in json.load(open(".out/bench.json"))["benchmarks"]:
    data = sorted(one["stats"]["data"])
    p95 = data[round(0.95 * (len(data) - 1))]
    memory = "".join(f", {key} {value}" for key, value in one["extra_info"].items())
    print(f"{one['name']}: median {1000 * one['stats']['median']:.1f} ms, p95 {1000 * p95:.1f} ms{memory}")
EOF

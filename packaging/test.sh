#!/usr/bin/env bash
# Lint, contracts, types, licences and the whole test suite.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
step() { printf '\n== %s\n' "$*"; }

step "lint";      $bin/ruff check .; $bin/ruff format --check .
step "contracts"; $bin/lint-imports --no-cache
step "types";     $bin/pyright --pythonpath "$bin/python"
step "licences";  bash packaging/licences.sh
step "tests, offscreen"
QT_QPA_PLATFORM=offscreen $bin/pytest -q -m "not xvfb"
step "tests in a real window under Xvfb"
QT_QPA_PLATFORM=xcb xvfb-run --auto-servernum --server-args="-screen 0 1920x1080x24" $bin/pytest -q -m xvfb

#!/usr/bin/env bash
# Installs what is missing: system libraries (as root, through apt), a virtual environment in .venv, the package.
# Usage: packaging/setup.sh [dev]
set -euo pipefail
cd "$(dirname "$0")/.."
extra="${1:-}"

# What Qt's xcb and offscreen platforms, its fonts, the virtual display and python's venv need on Debian 12.
packages=(
    python3-venv ca-certificates
    libegl1 libgl1 libopengl0 libglib2.0-0 libdbus-1-3 libfontconfig1 libfreetype6 libxkbcommon0 libxkbcommon-x11-0
    libx11-xcb1 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0
    libxcb-shape0 libxcb-shm0 libxcb-sync1 libxcb-xfixes0 libxcb-xkb1 libxcb-xinerama0
    fonts-dejavu-core xvfb xauth
)

missing_packages() {
    local name
    for name in "${packages[@]}"; do
        if ! dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q "install ok installed"; then
            echo "$name"
        fi
    done
}

install_system_libraries() {
    command -v dpkg-query >/dev/null || {
        echo "setup: this is not a Debian system; make sure that the equivalents of these are installed: ${packages[*]}" >&2
        return 0
    }
    local missing
    missing=$(missing_packages | tr '\n' ' ')
    [ -z "${missing// /}" ] && return 0
    if [ "$(id -u)" -ne 0 ]; then
        echo "setup: these system packages are missing and need an administrator. Please run once:" >&2
        echo "    sudo apt-get install -y --no-install-recommends ${missing}" >&2
        exit 1
    fi
    echo "setup: installing system packages: ${missing}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends ${missing} >/dev/null
}

find_python() {
    local candidate
    for candidate in "${PYTHON:-python3}" /usr/bin/python3 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return 0
        fi
    done
    echo "setup: Python 3.11 or newer with its venv module is needed (Debian: python3 and python3-venv)." >&2
    exit 1
}

install_package() {
    local python stamp target
    stamp=".venv/.installed-$(cat pyproject.toml packaging/constraints.txt | sha256sum | cut -c1-16)"
    if [ -e "$stamp-dev" ] || { [ -z "$extra" ] && [ -e "$stamp" ]; }; then
        return 0
    fi
    python=$(find_python)
    [ -x .venv/bin/python ] || "$python" -m venv .venv
    target="."
    [ -n "$extra" ] && target=".[dev]"
    echo "setup: installing BreastLens into .venv (PyTorch is large; the first time takes minutes)"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check uv
    .venv/bin/uv pip install --quiet --python .venv/bin/python --constraint packaging/constraints.txt --editable "$target" ||
        .venv/bin/python -m pip install --quiet --constraint packaging/constraints.txt --editable "$target"
    rm -f .venv/.installed-*
    touch "$stamp${extra:+-dev}"
}

install_system_libraries
install_package

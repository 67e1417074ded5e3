#!/usr/bin/env bash
# Fails when a dependency of the shipped program is under the GPL or AGPL (LGPL is allowed).
set -euo pipefail
cd "$(dirname "$0")/.."
exec .venv/bin/pip-licenses --from=mixed --summary --format=plain \
    --fail-on="GPL;GPLv2;GPLv3;GPL-2.0-only;GPL-2.0-or-later;GPL-3.0-only;GPL-3.0-or-later;AGPL-3.0-only;AGPL-3.0-or-later;GNU General Public License (GPL);GNU General Public License v2 (GPLv2);GNU General Public License v3 (GPLv3);GNU General Public License v3 or later (GPLv3+);GNU Affero General Public License v3;GNU Affero General Public License v3 or later (AGPLv3+)"

#!/usr/bin/env bash
# Installs merzoo with the given extras into .venv, once: `tools/install.sh NAME EXTRA,EXTRA,...`.
# A later call with nothing changed does nothing, so the scripts that call this run offline.
set -euo pipefail
cd "$(dirname "$0")/.."
name=$1 extras=$2
python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || {
  echo "merzoo needs Python 3.11 to 3.13, but $python is $("$python" --version 2>&1); set PYTHON=/path/to/python3." >&2
  exit 2
}
[ -x .venv/bin/python ] || "$python" -m venv .venv || {
  echo "Could not make .venv; on Debian: apt-get install python3-venv." >&2
  exit 2
}
stamp=.venv/installed-$name
wanted=$(cat setup.cfg tools/constraints.txt | sha256sum)
[ "$(cat "$stamp" 2>/dev/null)" = "$wanted $extras" ] && exit 0
echo "Installing merzoo[$extras] into .venv ..."
.venv/bin/python -m pip install --quiet --disable-pip-version-check \
  --constraint tools/constraints.txt --editable ".[$extras]"
echo "$wanted $extras" >"$stamp"

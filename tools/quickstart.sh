#!/usr/bin/env bash
# The main job, from nothing: installs into .venv, trains and tests a network with every subject held
# out once, and says where the report is.   usage: tools/quickstart.sh [FOLDER]
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
"$root/tools/install.sh" quickstart tensorflow-cpu,jax
out=${1:-$root/runs/quickstart}
"$root/.venv/bin/merzoo" evaluate ststnet --recipe merzoo-flow \
  --data 'synthetic:easy?subjects=10' --jobs 2 --out "$out"

#!/usr/bin/env bash
# Installs what the tests need and runs them: lint, types, everything on JAX, and what depends on the
# backend on TensorFlow and PyTorch too.   usage: tools/test.sh [--all]   (--all: the slow tests as well)
set -euo pipefail
cd "$(dirname "$0")/.."
tools/install.sh test tensorflow-cpu,jax,torch,faces,tune,export,app,distributed,dev
# The web page is tested in Chromium, which Debian has; without it those tests are skipped and say so.
if ! command -v chromium >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  { apt-get update -qq && apt-get install -y -qq chromium; } >/dev/null 2>&1 ||
    echo "Chromium could not be installed: the browser tests are skipped."
fi
fast=(-m "not slow")
[ "${1:-}" = --all ] && fast=()
# Two tests run at a time: threads of one that wait for each other would wait for the other's too. What
# JAX has compiled for one test, others of the same networks take from disk.
compiled=$(mktemp -d)
trap 'rm -rf "$compiled"' EXIT
export TF_CPP_MIN_LOG_LEVEL=3 OMP_NUM_THREADS=1 JAX_COMPILATION_CACHE_DIR=$compiled
export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0.2 JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES=-1
.venv/bin/ruff check .
.venv/bin/ruff format --check --quiet .
.venv/bin/mypy
tools/docs.sh --build
backend_tests=(
  tests/models/test_all.py tests/models/test_golden.py tests/layers tests/explain/test_cam_golden.py
  tests/preprocessing/test_augment_backends.py
  tests/training/test_{trainer,losses,seeds,long_training,pretrained,devices,best_epoch}.py
  tests/evaluation/test_epoch_weights.py
  tests/weights/test_shipped.py::test_weights_give_the_recorded_outputs
)
for backend in tensorflow torch; do
  KERAS_BACKEND=$backend .venv/bin/python -m pytest -q -n 2 --durations=12 "${fast[@]}" "${backend_tests[@]}"
done
KERAS_BACKEND=jax .venv/bin/python -m pytest -q -n 2 --durations=25 "${fast[@]}" tests merzoo --doctest-modules

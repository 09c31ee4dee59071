#!/usr/bin/env bash
# Builds the documentation site into site/, without a network and without a warning, then parses every
# command of README and documentation and runs those that are marked.   usage: tools/docs.sh [--build]
# (--build: the site alone)
set -euo pipefail
cd "$(dirname "$0")/.."
tools/install.sh docs tensorflow-cpu,jax,faces,export,distributed,dev,docs
export NO_MKDOCS_2_WARNING=1 TF_CPP_MIN_LOG_LEVEL=3 KERAS_BACKEND=jax
.venv/bin/mkdocs build --quiet --strict --config-file tools/mkdocs.yml
echo "site/index.html: $(find site -name '*.html' | wc -l) pages, $(du -sm site | cut -f1) MB"
[ "${1:-}" = --build ] && exit 0
.venv/bin/python tools/make_tables.py --check
.venv/bin/python -m pytest -q -n 2 --durations=30 tests/docs

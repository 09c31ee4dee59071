#!/usr/bin/env bash
# What a release is: builds the package, checks it, installs it into an empty environment on each Python
# that it is for, and does the main job there. Publishes nothing: prints what is to be uploaded where.
#   usage: tools/release.sh [FOLDER]      (dist; EXTRAS=tensorflow-cpu,jax and PYTHONS="3.11 3.12 3.13")
set -euo pipefail
cd "$(dirname "$0")/.."
dist=${1:-dist}
largest=12000000
unset PYTHONPATH PYTHONHOME KERAS_BACKEND MERZOO_HOME  # a stranger has none of them
mkdir -p "$dist"
dist=$(cd "$dist" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

find_python() { # the path of a Python 3.X that runs, or nothing
  local candidate
  for candidate in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1."*/bin/python; do
    if "$candidate" -c "import sys, venv; assert sys.version_info[:2] == (3, ${1#3.})" 2>/dev/null; then
      echo "$candidate" && return
    fi
  done
  if command -v uv >/dev/null; then uv python find "$1" 2>/dev/null || true; fi
}

main_job() { # evaluate and predict with the `merzoo` of an environment, away from the repository
  local bin=$1 place=$2
  mkdir -p "$place" && cd "$place"
  export MERZOO_HOME=$place/home TF_CPP_MIN_LOG_LEVEL=3
  "$bin/merzoo" evaluate ststnet --recipe merzoo-flow --data 'synthetic:easy?subjects=4' --jobs 2 --out evaluated
  "$bin/merzoo" predict sample --out predicted
  test -s evaluated/report.html && test -s predicted/predictions.csv
}

echo "== build"
python=""
for version in 3.11 3.12 3.13; do python=${python:-$(find_python "$version")}; done
[ -n "$python" ] || { echo "No Python 3.11 to 3.13 was found." >&2; exit 2; }
"$python" -m venv "$work/tools"
"$work/tools/bin/pip" install --quiet --disable-pip-version-check build twine
rm -f "$dist"/merzoo-*
"$work/tools/bin/python" -m build --outdir "$dist" . >"$work/build.log" 2>&1 || { cat "$work/build.log" >&2; exit 1; }
wheel=$(ls "$dist"/merzoo-*.whl)
echo "== check"
"$work/tools/bin/twine" check --strict "$dist"/merzoo-*
size=$(stat -c %s "$wheel")
echo "$(basename "$wheel"): $size bytes, of $largest at most"
[ "$size" -lt "$largest" ] || exit 1

ran="" missing=""
for version in ${PYTHONS:-3.11 3.12 3.13}; do
  python=$(find_python "$version")
  if [ -z "$python" ]; then
    missing="$missing $version"
    continue
  fi
  echo "== Python $("$python" -c 'import platform; print(platform.python_version())')"
  environment=$work/$version
  "$python" -m venv "$environment"
  "$environment/bin/pip" install --quiet --disable-pip-version-check "$wheel[${EXTRAS:-tensorflow-cpu,jax}]"
  "$environment/bin/pip" check
  (main_job "$environment/bin" "$work/run-$version")
  "$environment/bin/python" -c 'from merzoo.versions import package_versions as p
print(", ".join(f"{name} {version}" for name, version in p().items()))'
  echo "environment: $(du -sm "$environment" | cut -f1) MB"
  rm -rf "$environment"
  ran="$ran $version"
done

echo "== to publish"
echo "to the package index: $(ls "$dist"/merzoo-* | xargs -n 1 basename | paste -sd ' ')"
"$work/tools/bin/python" - <<'END'
import json
for row in json.load(open("merzoo/weights/files/manifest.json")):
    if row["url"]:
        print(f"weights/{row['file']} ({row['bytes']} bytes): {row['url']}")
END
echo "The main job ran on:${ran:- none}; not on this machine:${missing:- none}."
[ -n "$ran" ]

"""What the first two commands cost: minutes and disk of an installation, and of the first run.

    python benchmarks/install.py          # a new environment in a temporary folder, with a network

Packages come from the index that pip uses here: the minutes of an installation are this network's.
Writes `results/install.csv`, from which `tools/make_tables.py` writes the README's table.
"""

import csv
import os
import subprocess
import sys
import tempfile
import time
import venv
from datetime import date
from pathlib import Path

from machine import machine

ROOT = Path(__file__).resolve().parent.parent
RESULT = Path(__file__).parent / "results" / "install.csv"
EXTRAS = "tensorflow-cpu,jax"  # as tools/quickstart.sh
FIRST = ["evaluate", "ststnet", "--recipe", "merzoo-flow", "--data", "synthetic:easy?subjects=10"]
COMMANDS = {  # as the README and tools/quickstart.sh say them
    "tools/quickstart.sh": [*FIRST, "--jobs", "2", "--out", "runs/quickstart"],
    "merzoo predict sample --out runs/predicted": ["predict", "sample", "--out", "runs/predicted"],
}


def megabytes(folder: Path) -> int:
    """Disk that a folder takes, MB."""
    blocks = (p.lstat().st_blocks for p in folder.rglob("*") if not p.is_symlink())
    return round(512 * sum(blocks) / 1e6)


def timed(words: list, folder: Path, **variables: str) -> float:
    start = time.perf_counter()
    subprocess.run(words, check=True, cwd=folder, env=os.environ | variables, stdout=sys.stderr)
    return time.perf_counter() - start


def main() -> None:
    rows = []
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        environment = place / "environment"
        venv.create(environment, with_pip=True)
        pip = [environment / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
        pins = ["--constraint", ROOT / "tools" / "constraints.txt"]
        seconds = timed([*pip, *pins, f"{ROOT}[{EXTRAS}]"], place)
        free = {"MERZOO_HOME": str(place / "home"), "PYTHONPATH": "", "KERAS_BACKEND": ""}
        for command, words in COMMANDS.items():
            took = timed([environment / "bin" / "merzoo", *words], place, **free)
            rows.append({"command": command, "run_s": round(took)})
        rows[0] |= {"install_s": round(seconds), "environment_mb": megabytes(environment)}
        rows[0]["written_mb"] = megabytes(place / "runs") + megabytes(place / "home")
    facts = {"date": date.today().isoformat()} | machine()
    with RESULT.open("w", newline="") as stream:
        fields = ["command", "install_s", "environment_mb", "run_s", "written_mb", *facts]
        writer = csv.DictWriter(stream, fields, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(row | facts for row in rows)
    print(RESULT.read_text())


if __name__ == "__main__":
    main()

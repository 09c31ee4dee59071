"""What the first two commands cost: CPU time and disk of an installation, and of the first run.

    python benchmarks/install.py          # a new environment in a temporary folder, with a network

Downloading is not in it: how long that takes is a matter of the network. Writes
`results/install.csv`, from which `tools/make_tables.py` writes the README's table.
"""

import csv
import os
import resource
import subprocess
import sys
import tempfile
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


def cpu_seconds(words: list, folder: Path, **variables: str) -> int:
    """CPU time of a program and of all that it started."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, check=True, cwd=folder, env=os.environ | variables, stdout=sys.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def main() -> None:
    rows = []
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        environment = place / "environment"
        venv.create(environment, with_pip=True)
        pip = [environment / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
        pins = ["--constraint", ROOT / "tools" / "constraints.txt"]
        seconds = cpu_seconds([*pip, *pins, f"{ROOT}[{EXTRAS}]"], place)
        free = {"MERZOO_HOME": str(place / "home"), "PYTHONPATH": "", "KERAS_BACKEND": ""}
        for command, words in COMMANDS.items():
            took = cpu_seconds([environment / "bin" / "merzoo", *words], place, **free)
            rows.append({"command": command, "run_cpu_s": took})
        rows[0] |= {"install_cpu_s": seconds, "environment_mb": megabytes(environment)}
        rows[0]["written_mb"] = megabytes(place / "runs") + megabytes(place / "home")
    facts = {"date": date.today().isoformat()} | machine()
    with RESULT.open("w", newline="") as stream:
        fields = ["command", "install_cpu_s", "environment_mb", "run_cpu_s", "written_mb", *facts]
        writer = csv.DictWriter(stream, fields, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(row | facts for row in rows)
    print(RESULT.read_text())


if __name__ == "__main__":
    main()

"""All speed goals of merzoo, measured: prints each as met or not, with a table and a plot.

`--quick` takes the short form of every benchmark that has goals, under ten minutes on two cores;
`--all` runs the benchmarks in full first, one after another. Run it on an idle machine. Writes
`results/goals.csv` and `results/goals.png`.

    python benchmarks/run.py --quick
"""

import argparse
import csv
import importlib.util
import os
import re
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")
HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from machine import machine  # noqa: E402

# Benchmarks with goals: each has `quick()`, which gives {"goal", "measured", "met"} for each.
WITH_GOALS = ("startup", "latency", "folds", "convolutions", "frozen_trunk", "growth")
FULL = (  # their full forms, and those without goals of speed that need nothing but the package
    *("startup", "latency", "folds", "convolutions", "frozen_trunk", "growth"),
    *("preprocessing", "speed", "export"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    form = parser.add_mutually_exclusive_group(required=True)
    form.add_argument("--quick", action="store_true", help="short forms, under ten minutes")
    form.add_argument("--all", action="store_true", help="everything in full first: hours")
    parser.add_argument("--only", nargs="+", choices=WITH_GOALS, help="these benchmarks only")
    options = parser.parse_args()
    if importlib.util.find_spec("torch") is None:
        print("The yardstick is a PyTorch loop: tools/install.sh test tensorflow-cpu,jax,torch")
        return 2
    chosen = options.only or WITH_GOALS
    if options.all:
        for name in options.only or FULL:
            print(f"== {name}, in full", flush=True)
            subprocess.run([sys.executable, str(HERE / f"{name}.py")], check=True)
    rows = [row for name in chosen for row in goals_of(name)]
    show(rows)
    write(rows)
    plot(rows, HERE / "results" / "goals.png")
    return 0


def goals_of(name: str) -> list[dict]:
    """The goals of one benchmark, with what was measured; one that fails says so as a goal."""
    start = time.perf_counter()
    print(f"== {name}", flush=True)
    found = importlib.import_module(name).quick()
    seconds = time.perf_counter() - start
    print(f"== {name}: {seconds:.0f} s", flush=True)
    shared = {"benchmark": name, "seconds": f"{seconds:.0f}"}
    return [row | shared | {"measured": _shown(row["measured"])} for row in found]


def _shown(value) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def show(rows: list[dict]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("benchmark", "goal", "measured", "", title="Goals")
    for row in rows:
        table.add_row(row["benchmark"], row["goal"], row["measured"], met(row))
    Console(width=140).print(table)
    print(f"{sum(bool(row['met']) for row in rows)} of {len(rows)} goals met")


def met(row: dict) -> str:
    return "met" if row["met"] else "NOT MET"


def write(rows: list[dict]) -> None:
    facts = machine() | {"date": time.strftime("%Y-%m-%d")}
    with (HERE / "results" / "goals.csv").open("w", newline="") as stream:
        names = ["benchmark", "goal", "measured", "met", "seconds", *facts]
        writer = csv.DictWriter(stream, names, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        for row in rows:
            writer.writerow(row | {"met": met(row)} | facts)


def plot(rows: list[dict], file: Path) -> None:
    """Each goal's figure as a share of what is wanted: left of the line is met."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    shares = [(row, share) for row in rows if (share := share_of(row)) is not None]
    figure, axes = plt.subplots(figsize=(10, 0.42 * len(shares) + 1.2), layout="constrained")
    for place, (row, share) in enumerate(reversed(shares)):
        axes.barh(place, share, color="#2a7f62" if row["met"] else "#b3432b", height=0.6)
        axes.text(share * 1.05, place, f"{share:.2g}", va="center", fontsize=8)
    axes.axvline(1, color="black", linewidth=1)
    names = [row["goal"] for row, _ in reversed(shares)]
    axes.set_yticks(range(len(shares)), [re.sub(r"(.{60}\S*) ", r"\1\n", n) for n in names])
    axes.tick_params(axis="y", labelsize=7)
    axes.set_xscale("log")
    axes.set_xlim(right=axes.get_xlim()[1] * 1.6)
    axes.set_xlabel("measured, as a share of the goal (left of the line: met)")
    figure.savefig(file, dpi=130)


def share_of(row: dict) -> float | None:
    """Measured over wanted (turned round where more is better); `None` without two numbers."""
    goal = re.findall(r"(<=|>=|at most|at least|under|<|>)\s*([\d.]+)", row["goal"])
    number = re.search(r"[\d.]+(?:e-?\d+)?", str(row["measured"]))
    if not goal or number is None:
        return None
    kind, wanted = goal[-1][0], float(goal[-1][1].rstrip("."))
    value = float(number[0].rstrip("."))
    if not wanted or not value:
        return None
    return wanted / value if kind in (">=", ">", "at least") else value / wanted


if __name__ == "__main__":
    sys.exit(main())

"""CPU seconds of leave-one-subject-out: one reused compiled model against the usual ways.

Runs, one after another in whole processes: merzoo (one compiled model, reset in each fold), merzoo
with a model built and compiled anew in each fold, a plain PyTorch loop of the same network, batch
and steps. Writes `results/folds.csv`.

    python benchmarks/folds.py --data arrays:flow.npz
"""

import argparse
import csv
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from machine import machine  # noqa: E402


def measure(command: list[str]) -> tuple[float, float]:
    """(CPU seconds, wall seconds) of a whole process and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, wall


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="arrays:FILE.npz with flow_image")
    parser.add_argument("--seeds", type=int, default=3, help="of the merzoo run (3)")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    merzoo = [sys.executable, "-m", "merzoo.cli", "evaluate", "ststnet", "--data", options.data]
    merzoo += ["--epochs", str(options.epochs)]
    folder = Path(tempfile.mkdtemp(prefix="folds-"))
    file = options.data.removeprefix("arrays:")
    ways = [
        (
            "merzoo, one compiled model reset for each fold",
            options.seeds,
            [*merzoo, "--seeds", str(options.seeds), "--jobs", str(options.jobs)],
        ),
        (
            "(a) the same model built and compiled in each fold",
            1,
            [*merzoo, "--engine", "fresh", "--jobs", str(options.jobs)],
        ),
        (
            "(b) plain PyTorch loop, one thread",
            1,
            [sys.executable, str(HERE / "folds_torch.py"), file, str(options.epochs)],
        ),
    ]
    rows = []
    for number, (way, seeds, command) in enumerate(ways):
        if "merzoo.cli" in command:
            command = [*command, "--out", str(folder / str(number))]
        cpu, wall = measure(command)
        rows.append({"way": way, "seeds": seeds, "cpu_s_per_seed": cpu / seeds, "wall_s": wall})
        ratio = rows[0]["cpu_s_per_seed"] / rows[-1]["cpu_s_per_seed"]
        rows[-1]["merzoo_over_this"] = ratio
        print(f"{way}: {cpu / seeds:.1f} CPU s a seed; merzoo / this = {ratio:.2f}", flush=True)
    facts = machine() | {"epochs": options.epochs, "jobs": options.jobs}
    results = HERE / "results" / "folds.csv"
    with results.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, [*rows[0], *facts])
        writer.writeheader()
        for row in rows:
            row = {k: f"{v:.3f}" if isinstance(v, float) else v for k, v in row.items()}
            writer.writerow(row | facts)
    print(f"written: {results}")


if __name__ == "__main__":
    main()

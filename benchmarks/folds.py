"""CPU seconds of leave-one-subject-out: merzoo's engines beside a plain PyTorch loop.

Whole processes, from start to report, one core each; a merzoo process and a PyTorch process run at
the same time on two cores and then change cores, so that both see the same machine. Each way runs
a few folds and then more of them: the straight line through both gives what starting costs, what
a gradient step costs, and so what the whole of 68 folds under three seeds costs. `--all` runs that
whole instead. Writes `results/folds.csv`.

    python benchmarks/folds.py [--data arrays:flow.npz] [--all]
"""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from machine import machine  # noqa: E402

SAMPLES, SUBJECTS, SEEDS, BATCH = 442, 68, 3, 32  # as many as the MEGC 2019 flow images
STEPS = -(-SAMPLES // BATCH)  # an epoch

# (network, recipe, the recipe's epochs, those of a fold that is timed, folds of the short and of
# the longer run, largest ratio wanted)
PAIRS = (
    ("ststnet", "merzoo-flow", 12, 12, (2, 8), 1.0),
    ("ststnet", "ststnet", 12, 12, (2, 8), 1.0),
    ("offapexnet", "offapexnet", 40, 4, (1, 4), 1.0),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="arrays:FILE.npz with flow_image (random ones of that size)")
    parser.add_argument("--engines", nargs="+", default=["scan"], help="scan, reuse, fresh (scan)")
    parser.add_argument("--all", action="store_true", help="the whole of 68 folds, three seeds")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="folds-") as folder:
        file = (options.data or "").removeprefix("arrays:") or random_flow(Path(folder))
        rows = [
            row
            for pair in PAIRS
            for engine in options.engines
            for row in compared(*pair, engine, file, options.all)
        ]
    write(rows)


def quick() -> list[dict]:
    """Goals with what was measured, for run.py."""
    with tempfile.TemporaryDirectory(prefix="folds-") as folder:
        file = random_flow(Path(folder))
        rows = [row for pair in PAIRS for row in compared(*pair, "scan", file, False, both=False)]
    write(rows)
    return [
        {
            "goal": f"{row['network']}, recipe {row['recipe']}: CPU of three-seed "
            f"leave-one-subject-out, merzoo / PyTorch loop <= {row['wanted']}",
            "measured": f"{row['ratio']:.2f}",
            "met": row["ratio"] <= row["wanted"],
        }
        for row in rows
        if row["way"] != "plain PyTorch loop"
    ]


def compared(
    network, recipe, full_epochs, epochs, folds, wanted, engine, file, whole, both=True
) -> list[dict]:
    """Rows of one network, recipe and engine, and of the PyTorch loop beside it; `both` ways round
    on the two cores, or each size one way."""
    epochs = full_epochs if whole else epochs
    commands = (
        lambda count: merzoo_command(network, recipe, epochs, engine, file, count),
        lambda count: torch_command(network, epochs, file, count),
    )
    sizes = (SUBJECTS,) if whole else folds
    cpu = np.array(
        [
            pair_of_processes(*(one(size) for one in commands), turned=place % 2 == 1, both=both)
            for place, size in enumerate(sizes)
        ]
    )
    full = SUBJECTS * SEEDS * STEPS * full_epochs
    rows = []
    for place, way in enumerate((f"merzoo, engine {engine}", "plain PyTorch loop")):
        if whole:
            start, step = float("nan"), cpu[0, place] / full
        else:
            counts = np.array(sizes) * SEEDS * STEPS * epochs
            step = (cpu[1, place] - cpu[0, place]) / (counts[1] - counts[0])
            start = cpu[0, place] - step * counts[0]
        total = cpu[0, place] if whole else start + step * full
        rows.append(
            {
                "network": network,
                "recipe": recipe,
                "way": way,
                "start_cpu_s": start,
                "step_cpu_ms": 1000 * step,
                "whole_cpu_s": total,
                "method": "whole" if whole else f"line through {sizes[0]} and {sizes[1]} folds",
            }
        )
    for row in rows:
        row["ratio"] = row["whole_cpu_s"] / rows[1]["whole_cpu_s"]
        row["wanted"] = wanted
        print(
            f"{network} {recipe}, {row['way']}: {row['step_cpu_ms']:.2f} CPU ms a step, start "
            f"{row['start_cpu_s']:.1f} s, whole {row['whole_cpu_s']:.0f} s, "
            f"ratio {row['ratio']:.2f}",
            flush=True,
        )
    return rows


def merzoo_command(network, recipe, epochs, engine, file, count) -> list[str]:
    command = [sys.executable, "-m", "merzoo.cli", "evaluate", network, "--recipe", recipe]
    command += ["--data", f"arrays:{file}", "--epochs", str(epochs), "--seeds", str(SEEDS)]
    command += ["--engine", engine, "--out", tempfile.mkdtemp(prefix="folds-")]
    return command if count == SUBJECTS else [*command, "--subjects", *subjects_of(file)[:count]]


def torch_command(network, epochs, file, count) -> list[str]:
    command = [sys.executable, str(HERE / "folds_torch.py"), network, str(file)]
    return [*command, "--epochs", str(epochs), "--seeds", str(SEEDS), "--folds", str(count)]


def pair_of_processes(one: list[str], other: list[str], turned: bool, both: bool) -> tuple:
    """CPU seconds of two processes side by side on two cores, the mean of both ways round."""
    cores = sorted(os.sched_getaffinity(0))[:2]
    found = []
    for order in (cores, cores[::-1]) if both else ((cores[::-1] if turned else cores),):
        running = [start(command, core) for command, core in zip((one, other), order, strict=False)]
        if len(cores) == 1:
            running.append(start(other, cores[0]))
        found.append([cpu_of(process) for process in running])
    mean = np.mean(found, 0)
    return float(mean[0]), float(mean[1])


def start(command: list[str], core: int) -> subprocess.Popen:
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    environment = os.environ | {"OMP_NUM_THREADS": "1", "KERAS_BACKEND": "jax"}
    return subprocess.Popen(
        command, env=environment, preexec_fn=lambda: os.sched_setaffinity(0, [core]), **quiet
    )


def cpu_of(process: subprocess.Popen) -> float:
    """CPU seconds of a process, waited for."""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(process.args)} ended with {process.returncode}")
    return used.ru_utime + used.ru_stime


def random_flow(folder: Path) -> Path:
    """A file of flow images with nothing in them: what a step costs does not depend on it."""
    rng = np.random.default_rng(0)
    number = np.arange(SAMPLES)
    np.savez(
        folder / "flow.npz",
        flow_image=rng.uniform(0, 255, (SAMPLES, 28, 28, 3)).astype("float32"),
        label=number % 3,
        subject=[f"s{i:02d}" for i in number % SUBJECTS],
        dataset=["random"] * SAMPLES,
        clip=[f"c{i:03d}" for i in number],
        classes=["negative", "positive", "surprise"],
    )
    return folder / "flow.npz"


def subjects_of(file) -> list[str]:
    """`"dataset/subject"` of a file, sorted."""
    content = np.load(file)
    return sorted(set(np.char.add(content["dataset"], np.char.add("/", content["subject"]))))


def write(rows: list[dict]) -> None:
    facts = machine() | {"date": time.strftime("%Y-%m-%d"), "seeds": SEEDS, "folds": SUBJECTS}
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

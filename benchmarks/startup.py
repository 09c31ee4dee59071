"""Start-up: what a process costs before it does anything for you, in CPU seconds.

Each question is a whole process, from the start of Python to its end, user and system time of it
and its children; the processes run in turn, so that a busy machine is unfair to none, and the
median counts. `create_model`, of DFR-Net, is what it adds to a process that imports Keras with JAX
and ends; `predict` has done all that `merzoo predict` does up to the first frame of a film:
imports, the network with its weights, the opened film, and that frame decoded. A first round, which
fills the system's file cache and compiles Python, is not counted. Writes `results/startup.csv`.

    python benchmarks/startup.py --times 5
"""

import argparse
import csv
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from machine import machine  # noqa: E402

RESULTS = HERE / "results" / "startup.csv"
FILM = "film.avi"  # in the folder in which every process runs

CREATE = "import merzoo; merzoo.create_model('dfrnet', weights='synthetic')"
FRESH = "import merzoo; merzoo.create_model('dfrnet')"
PREDICT = f"""
from merzoo.commands import predict
from merzoo.commands._shared import choose_backend
from merzoo.prediction.sources import group_inputs, open_source
(film,) = group_inputs(["{FILM}"])
choose_backend()
from merzoo.prediction import Classifier
model = Classifier("ststnet")
assert open_source(film).frames[0].shape == (480, 640, 3)
"""


@dataclass(frozen=True)
class Question:
    """A process, and the CPU seconds that it may take.

    Args:
        words: for Python.
        goal: `None` for what others are compared with.
        beyond: the question whose seconds do not count.
    """

    words: tuple[str, ...]
    goal: float | None = None
    beyond: str | None = None


QUESTIONS = {
    "python": Question(("-c", "pass")),
    "import keras": Question(("-c", "import keras")),
    "merzoo --help": Question(("-m", "merzoo", "--help"), 0.3),
    "merzoo list": Question(("-m", "merzoo", "list"), 1),
    "merzoo info dfrnet": Question(("-m", "merzoo", "info", "dfrnet"), 1),
    "create_model, weights": Question(("-c", CREATE), 2, beyond="import keras"),
    "create_model, fresh": Question(("-c", FRESH), beyond="import keras"),
    "predict": Question(("-c", PREDICT), 5),
}


def cpu_seconds(question: Question, folder: str) -> float:
    """CPU seconds of one process."""
    chosen = {"KERAS_BACKEND": "jax", "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(HERE.parent)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, *question.words]
    subprocess.run(
        command, cwd=folder, env=os.environ | chosen, stdout=subprocess.DEVNULL, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def write_film(path: Path) -> None:
    """Two seconds of an empty room, 640 x 480: nothing in it costs the first frame anything."""
    import cv2
    import numpy as np

    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 30, (640, 480))
    for number in range(60):
        writer.write(np.full((480, 640, 3), 100 + number % 2, np.uint8))
    writer.release()


def measure(times: int, questions: dict[str, Question] = QUESTIONS) -> list[dict]:
    """One row a question: median, lowest and highest CPU seconds, its goal, and whether met."""
    taken: dict[str, list[float]] = {name: [] for name in questions}
    with tempfile.TemporaryDirectory() as folder:
        write_film(Path(folder) / FILM)
        for number in range(times + 1):
            for name, question in questions.items():
                seconds = cpu_seconds(question, folder)
                if number:
                    taken[name].append(seconds)
    rows = []
    for name, question in questions.items():
        less = taken[question.beyond] if question.beyond else [0.0] * times
        seconds = [one - other for one, other in zip(taken[name], less, strict=True)]
        median = statistics.median(seconds)
        met = "" if question.goal is None else "yes" if median <= question.goal else "no"
        row = {"process": name, "cpu_s": median, "lowest": min(seconds), "highest": max(seconds)}
        row = {key: f"{x:.2f}" if isinstance(x, float) else x for key, x in row.items()}
        row |= {"beyond": question.beyond or "", "goal": "" if met == "" else question.goal}
        rows.append(row | {"met": met, "times": times})
    return rows


def quick() -> list[dict]:
    """The goals, each with what was measured in three rounds and whether it is met."""
    needed = {question.beyond for question in QUESTIONS.values()}
    asked = {name: q for name, q in QUESTIONS.items() if q.goal is not None or name in needed}
    return [
        {
            "goal": f"{row['process']}{' beyond ' + row['beyond'] if row['beyond'] else ''}: "
            f"at most {row['goal']} CPU s",
            "measured": row["cpu_s"],
            "met": row["met"] == "yes",
        }
        for row in measure(3, asked)
        if row["met"]
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=5, help="rounds that count (5)")
    options = parser.parse_args()
    rows, facts = measure(options.times), machine()
    for row in rows:
        beyond = f" beyond {row['beyond']}" if row["beyond"] else ""
        goal = f"  goal {row['goal']}: {'met' if row['met'] == 'yes' else 'NOT met'}"
        spread = f"{row['lowest']} to {row['highest']}"
        print(f"{row['process'] + beyond:<34} {row['cpu_s']:>6} s ({spread})", end="")
        print(goal if row["met"] else "")
    with RESULTS.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, [*rows[0], *facts], lineterminator="\n")
        writer.writeheader()
        writer.writerows(row | facts for row in rows)


if __name__ == "__main__":
    main()

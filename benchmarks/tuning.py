"""CPU seconds of a search's trials: one compiled model an architecture against the naive loops.

Trials differ in learning rate, schedule, class weights and augmentation, not in architecture. Each
way runs in a process of its own and must reach the same UF1 in every trial. Writes
`results/tuning.csv`.

    python benchmarks/tuning.py --data arrays:flow.npz
"""

import argparse
import csv
import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from machine import machine  # noqa: E402

WAYS = {
    "shared": "merzoo, one compiled model for all trials and folds",
    "trial": "one compiled model a trial, reset for each fold",
    "fold": "the naive loop: built and compiled in each fold and trial",
}


def recipes(trials: int, epochs: int):
    """Recipes of one architecture."""
    from merzoo.training.recipes import Recipe

    first = Recipe("trial", epochs=epochs)
    kinds = [
        {},
        {"schedule": "cosine", "learning_rate": 2e-3, "class_weights": "sqrt"},
        {"learning_rate": 5e-4, "augment": ("flip",), "test_time": "flip"},
        {"schedule": "exponential", "decay": 0.9, "class_weights": "balanced"},
    ]
    return [replace(first, **kinds[i % len(kinds)]) for i in range(trials)]


def run(way: str, options) -> dict:
    """CPU and wall seconds of one way, and the UF1 of each trial."""
    import numpy as np

    from merzoo.metrics import confusion_matrix, uf1
    from merzoo.preprocessing.samples import load_samples
    from merzoo.training.learner import resolve
    from merzoo.training.trainer import Trainer
    from merzoo.tuning.search import grouped_folds
    from merzoo.tuning.shared_trainers import SharedTrainers

    data = load_samples(options.data, {})
    folds = grouped_folds(data, options.folds)
    fitters = SharedTrainers(resolve("ststnet"), data.classes)

    def own(recipe, steps):
        return Trainer(resolve("ststnet", recipe), data.classes, steps)

    start, wall, found = time.process_time(), time.perf_counter(), []
    for recipe in recipes(options.trials, options.epochs):
        steps = recipe.steps(len(data))
        fitter = fitters.get(recipe, steps) if way == "shared" else own(recipe, steps)
        predicted = np.zeros(len(data), int)
        for fold in folds:
            if way == "fold":
                fitter = own(recipe, steps)
            fitter.fit(data.take(fold.train), 0)
            predicted[fold.test] = fitter.predict(data.take(fold.test)).argmax(1)
        found.append(float(uf1(confusion_matrix(data.label, predicted, len(data.classes)))))
    return {
        "cpu_s": time.process_time() - start,
        "wall_s": time.perf_counter() - wall,
        "uf1": found,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="arrays:FILE.npz with flow_image")
    parser.add_argument("--trials", type=int, default=4)
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        print(json.dumps(run(options.way, options)))
        return
    rows, first = [], None
    for way, text in WAYS.items():
        command = [sys.executable, __file__, *sys.argv[1:], "--way", way]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        found = json.loads(output.splitlines()[-1])
        scores = found.pop("uf1")
        first = first or scores
        rows.append({"way": text} | found)
        rows[-1]["over_merzoo"] = found["cpu_s"] / rows[0]["cpu_s"]
        rows[-1]["same_uf1"] = scores == first
        print(f"{text}: {found['cpu_s']:.1f} CPU s, {rows[-1]['over_merzoo']:.2f} x", flush=True)
    import keras

    facts = {"trials": options.trials, "folds": options.folds, "epochs": options.epochs}
    facts |= {"backend": keras.backend.backend()} | machine()
    results = HERE / "results" / "tuning.csv"
    with results.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, [*rows[0], *facts])
        writer.writeheader()
        for row in rows:
            row = {k: f"{v:.3f}" if isinstance(v, float) else v for k, v in row.items()}
            writer.writerow(row | facts)
    print(f"written: {results}")


if __name__ == "__main__":
    main()

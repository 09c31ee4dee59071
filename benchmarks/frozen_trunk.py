"""What KeyRegionNet's frozen trunk costs when it runs once a clip instead of once an epoch.

CPU milliseconds of the trunk a clip, alone and within a training step of the whole network, and of
a step of the part behind it at the recipe's batch; from these the CPU hours of leaving one subject
out on 442 clips of 68 people, by the recipe's epochs, with `cache_backbone` and without. Writes
`results/frozen_trunk.csv`.

    python benchmarks/frozen_trunk.py
"""

import csv
import os
import statistics
import sys
import time
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")
HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from machine import machine  # noqa: E402

CLIPS, FOLDS, WANTED = 442, 68, 10


def measured(steps: int = 3) -> dict:
    """CPU ms of each part, and the ratio of both ways."""
    import numpy as np

    from merzoo.evaluation.runs.backbone import without_backbone
    from merzoo.models.keyregionnet import split_trunk
    from merzoo.models.random_inputs import random_inputs
    from merzoo.training.learner import resolve
    from merzoo.training.optimizers import make_optimizer
    from merzoo.training.trainer import compile_model

    learner = resolve("keyregionnet", "keyregionnet-cached")
    recipe, model = learner.recipe, learner.build(3)
    rest, (trunk, _) = without_backbone(model), split_trunk(model)
    one = random_inputs(model, batch=1)
    features = one | {"sequence": np.asarray(trunk.predict_on_batch(one["sequence"]))}
    several = {n: np.repeat(x, recipe.batch_size, axis=0) for n, x in features.items()}
    found = {"trunk_ms": median(lambda: trunk.predict_on_batch(one["sequence"]), steps)}
    for name, network, given in (
        ("whole_step_of_1_ms", model, one),
        ("rest_step_of_1_ms", rest, features),
        ("rest_step_ms", rest, several),
    ):
        label = np.zeros(len(given["sequence"]), "int32")
        compile_model(network, recipe, make_optimizer(recipe, 1))
        network.train_on_batch(given, label)  # compiles
        count = 1 if given is several else steps  # half a minute each
        found[name] = median(lambda n=network, g=given, y=label: n.train_on_batch(g, y), count)
    found |= {"batch": recipe.batch_size}
    within = found["whole_step_of_1_ms"] - found["rest_step_of_1_ms"]  # the trunk, in a step
    count = FOLDS * recipe.epochs * recipe.steps(CLIPS)
    hours = {
        "whole_cpu_h": count * (recipe.batch_size * within + found["rest_step_ms"]) / 3.6e6,
        "cached_cpu_h": (CLIPS * found["trunk_ms"] + count * found["rest_step_ms"]) / 3.6e6,
    }
    return found | hours | {"ratio": hours["whole_cpu_h"] / hours["cached_cpu_h"]}


def median(function, times: int) -> float:
    """CPU ms of a call, the median."""
    found = []
    for _ in range(times):
        start = time.process_time()
        function()
        found.append(1000 * (time.process_time() - start))
    return statistics.median(found)


def quick() -> list[dict]:
    """The goal, with what was measured."""
    row = measured()
    write(row)
    return [
        {
            "goal": f"keyregionnet, leave-one-subject-out: CPU time end to end / trunk once a clip "
            f">= {WANTED}",
            "measured": f"{row['ratio']:.0f}",
            "met": row["ratio"] >= WANTED,
        }
    ]


def write(row: dict) -> None:
    row = {k: f"{v:.2f}" for k, v in row.items()} | machine()
    results = HERE / "results" / "frozen_trunk.csv"
    with results.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, row, lineterminator="\n")
        writer.writeheader()
        writer.writerow(row)
    print(f"written: {results}")


if __name__ == "__main__":
    for fact in quick():
        print(fact)

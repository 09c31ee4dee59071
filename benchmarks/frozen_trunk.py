"""What KeyRegionNet's frozen trunk costs when it runs once a clip instead of once an epoch.

CPU milliseconds of a training step of the whole network and of the part behind its trunk, and of
the trunk alone, one clip at a time; from these the CPU hours of leave-one-subject-out on 442 clips
of 68 people, by the epochs of the recipe, with `cache_backbone` and without. Writes
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
    model = learner.build(3)
    rest, (trunk, _) = without_backbone(model), split_trunk(model)
    inputs, label = random_inputs(model, batch=1), np.zeros(1, "int32")
    features = np.asarray(trunk.predict_on_batch(inputs["sequence"]))
    others = inputs | {"sequence": features}
    found = {"trunk_ms": median(lambda: trunk.predict_on_batch(inputs["sequence"]), steps)}
    for name, network, given in (("whole_ms", model, inputs), ("rest_ms", rest, others)):
        compile_model(network, learner.recipe, make_optimizer(learner.recipe, 1))
        network.train_on_batch(given, label)  # compiles
        found[name] = median(lambda n=network, g=given: n.train_on_batch(g, label), steps)
    visits = FOLDS * learner.recipe.epochs * CLIPS
    hours = {
        "whole_cpu_h": visits * found["whole_ms"] / 3.6e6,
        "cached_cpu_h": (CLIPS * found["trunk_ms"] + visits * found["rest_ms"]) / 3.6e6,
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

"""What each difficulty of the synthetic clips allows: UF1 with every person held out once.

A flow network on each, and on `hard` two that must stay near chance: one that sees apex
pixels only, and "always the most frequent class". Three seeds. Writes `results/synthetic.csv`, from
which `tools/make_synthetic_pictures.py --tables` makes the table of the generator's README.

    python benchmarks/synthetic.py
"""

import csv
import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from machine import machine  # noqa: E402

SEEDS = 3


def main() -> None:
    from merzoo.commands._shared import choose_backend

    choose_backend()
    import merzoo
    from merzoo.metrics import uf1
    from merzoo.training.recipes import change_recipe, get_recipe

    jobs = len(os.sched_getaffinity(0))
    runs = [(level, "ststnet", get_recipe("merzoo-flow")) for level in ("easy", "medium", "hard")]
    runs.append(
        ("hard", "broadbentnet (apex pixels only)", change_recipe(get_recipe("broadbentnet")))
    )
    rows = []
    for difficulty, model, recipe in runs:
        result = merzoo.evaluate(
            model.split()[0], f"synthetic:{difficulty}", recipe=recipe, seeds=SEEDS, jobs=jobs
        )
        for seed, scores in enumerate(result.metrics["full"]["per_seed"]):
            rows.append((difficulty, model, seed, scores["uf1"]))
        print(f"{difficulty} {model}: UF1 {result.uf1:.3f}", flush=True)
        counts = result.metrics["full"]["n_per_class"]
    always = [[n if k == counts.index(max(counts)) else 0 for k in range(3)] for n in counts]
    import numpy as np

    rows.append(("hard", "always the most frequent class", 0, float(uf1(np.array(always)))))
    with (HERE / "results" / "synthetic.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        facts = machine()
        writer.writerow(["difficulty", "model", "seed", "uf1", *facts])
        for difficulty, model, seed, score in rows:
            writer.writerow([difficulty, model, seed, f"{score:.3f}", *facts.values()])


if __name__ == "__main__":
    main()

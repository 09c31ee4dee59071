"""What each difficulty of the synthetic clips allows: UF1 with every person held out once.

A flow network on each, and on `hard` two that must stay near chance: one that sees apex
pixels only, and "always the most frequent class". Three seeds. Writes `results/synthetic.csv`, from
which `tools/make_synthetic_pictures.py --tables` makes the table of the generator's README.
`--rate` measures how fast pairs of onset and apex are made against full clips, and writes
`results/synthetic_pairs.csv`.

    python benchmarks/synthetic.py
    python benchmarks/synthetic.py --rate
"""

import argparse
import csv
import os
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from machine import machine  # noqa: E402

SEEDS = 3
PEOPLE = 6  # of the measurement of rates, with 7 clips each
INPUTS = {"flow_image": (28, 28, 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rate", action="store_true", help="how fast pairs are made, only")
    if parser.parse_args().rate:
        rate()
    else:
        scores()


def rate() -> None:
    """Clips a second of a core, from nothing to the picture that flow networks take."""
    import cv2

    import merzoo

    cv2.setNumThreads(1)
    found, clips = {}, 0
    for kind, seed in (("full", 31), ("pairs", 32)):
        with tempfile.TemporaryDirectory() as folder:
            os.environ["MERZOO_HOME"] = folder
            start = time.process_time()
            name = {"full": "synthetic", "pairs": "synthetic-pairs"}[kind]
            options = {"subjects": PEOPLE, "seed": seed} | ({"jobs": 1} if kind == "full" else {})
            made = merzoo.data.load(name, "medium", **options)
            data = merzoo.preprocessing.prepare(made, INPUTS, "megc3", jobs=1)
            clips = len(data)
            found[kind] = clips / (time.process_time() - start)
    row = {"clips": clips} | {f"{n}_a_second": f"{r:.1f}" for n, r in found.items()}
    row |= {"ratio": f"{found['pairs'] / found['full']:.0f}"} | machine()
    with (HERE / "results" / "synthetic_pairs.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, row, lineterminator="\n")
        writer.writeheader()
        writer.writerow(row)
    print({n: row[n] for n in ("full_a_second", "pairs_a_second", "ratio")})


def scores() -> None:
    """UF1 by difficulty."""
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

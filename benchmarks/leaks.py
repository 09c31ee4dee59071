"""The leak audit on trial: planted leaks it must find, and clean set-ups it must keep silent on.

Leaks of many kinds are planted in synthetic clips, splits, features, weights, recipes, callbacks.
A leak counts as caught when a finding of the right kind names every sample concerned; any finding
on a clean set-up is a false alarm. Writes `results/leaks.csv`.

    python benchmarks/leaks.py
"""

import argparse
import csv
import dataclasses
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import leaks_clean  # noqa: E402, F401 - fills CLEAN, as the next does
import leaks_clean_near  # noqa: E402, F401
import leaks_planted  # noqa: E402, F401 - fills PLANTED, as the next three do
import leaks_planted_code  # noqa: E402, F401
import leaks_planted_inputs  # noqa: E402, F401
import leaks_planted_spotting  # noqa: E402, F401
from leak_parts import CLEAN, INPUTS, PLANTED  # noqa: E402
from leaks_planted_spotting import spotting_leaks  # noqa: E402
from machine import machine  # noqa: E402


def samples(subjects: int, clips: int):
    """Synthetic clips as faces and flow, the apex spotted, the face taken as it is."""
    from merzoo.data import synthetic
    from merzoo.preprocessing import prepare

    found = synthetic.clips("medium", subjects, clips)
    return prepare(found, INPUTS, "megc3", detector="none", apex="flow", jobs=2)


def try_case(name: str, kind: str | None, build: Callable, data) -> dict:
    """Runs the audit on one set-up; a row of the result file."""
    from merzoo.evaluation.leakage import find_leaks
    from merzoo.models.registry import REGISTRY
    from merzoo.training.learner import resolve

    with patch.dict(REGISTRY):  # a set-up may register a model of its own
        made = build(data)
        arguments, concerned = made if kind else (made, set())
        if "model" in arguments:
            learner = resolve(arguments.pop("model"))
            recipe = arguments.pop("recipe", learner.recipe)
            arguments["learner"] = dataclasses.replace(learner, recipe=recipe)
        start = time.perf_counter()
        spotting = "videos" in arguments
        findings = spotting_leaks(**arguments) if spotting else find_leaks(**arguments)
    seconds = time.perf_counter() - start
    right = [f for f in findings if f.kind == kind and concerned <= set(f.samples)]
    found = "; ".join(sorted({f"{f.severity}: {f.kind}" for f in findings}))
    good = bool(right) if kind else not findings
    return {
        "set_up": name,
        "planted": kind or "",
        "result": {True: "caught", False: "missed"}[good]
        if kind
        else {True: "silent", False: "false alarm"}[good],
        "findings": found,
        "samples": max((len(f.samples) for f in right), default=0),
        "seconds": f"{seconds:.2f}",
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subjects", type=int, default=10)
    parser.add_argument("--clips", type=int, default=4)
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args()
    start = time.perf_counter()
    data = samples(options.subjects, options.clips)
    rows = [try_case(*case, data) for case in (*PLANTED, *CLEAN)]
    for row in rows:
        print(f"{row['result']:<12} {row['set_up']:<75} {row['findings']}")
    facts = {"data": f"synthetic:medium, {len(data)} clips of {options.subjects}", **machine()}
    options.out.mkdir(parents=True, exist_ok=True)
    with open(options.out / "leaks.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*rows[0], *facts], lineterminator="\n")
        writer.writeheader()
        writer.writerows(row | facts for row in rows)
    results = [row["result"] for row in rows]
    caught, alarms = results.count("caught"), results.count("false alarm")
    missed = len(PLANTED) - caught
    print(f"tried {len(PLANTED)} planted leaks: {missed} missed")
    print(f"tried {len(CLEAN)} clean set-ups: {alarms} false alarms")
    print(f"{time.perf_counter() - start:.0f} seconds")
    print(f"written: {options.out / 'leaks.csv'}")
    return 1 if missed or alarms else 0


if __name__ == "__main__":
    sys.exit(main())

"""What of fine-tuning does harm: the head, the body, or that one follows the other?

Runs of `synthetic_to_real.py`, by the plan of `results/PLAN.md`: STSTNet from weights of invented
people with a fresh head, with its body frozen, at a rate and freezing that inner people choose,
and trained on real and invented people at once, in ten folds of people.
"""

import itertools
from collections.abc import Iterator
from dataclasses import replace

import keras
import numpy as np
import pandas as pd
from synthetic_to_real_parts import RECIPES, Bench, drawn, judged, of_levels, table_of

import merzoo
from merzoo.evaluation.scores.predictions import read_predictions
from merzoo.evaluation.splits.protocols import Fold, make_folds
from merzoo.metrics import confusion_matrix, scores
from merzoo.preprocessing.arrays import Arrays, join_arrays
from merzoo.preprocessing.samples import load_samples
from merzoo.training.learner import resolve
from merzoo.training.parts import Part
from merzoo.training.pretrained import Start, find_start
from merzoo.training.recipes import change_recipe
from merzoo.training.trainer import Trainer
from merzoo.training.validation import inner_split

NETWORK, LAST_OF_BODY = "ststnet", "flatten"
SEEDS, CLIPS, MIXED, FOLDS = 2, 2000, 560, "kfold:10"
SETTINGS = tuple(itertools.product((2e-3, 5e-4, 1e-4), (None, LAST_OF_BODY)))  # rate, freezing


def why(bench: Bench, clips: int = CLIPS, mixed: int = MIXED, seeds: int = SEEDS) -> Iterator[str]:
    """The runs, each pooled over seeds; yields the name of each when it has ended."""
    bench = replace(bench, protocol=FOLDS)
    ways = {
        "random": lambda seed, out: _random(bench, seeds, out),  # all seeds at once
        "planned": lambda seed, out: _from(bench, _start(bench, clips, seed), out),
        "head": lambda seed, out: _from(bench, fresh_head(_start(bench, clips, seed)), out),
        "frozen": lambda seed, out: _from(bench, _start(bench, clips, seed, LAST_OF_BODY), out),
        "mixed": lambda seed, out: _mixed(bench, mixed, seed, out),
        "chosen": lambda seed, out: _chosen(bench, clips, seed, out),
    }
    for way, run in ways.items():
        name = f"{NETWORK}-why-{way}"
        if not bench.done(name):
            parts = []
            for seed in range(1 if way == "random" else seeds):
                out = bench.work / "runs" / "parts" / f"{name}-s{seed}"
                if not (out / "metrics.json").is_file():
                    run(seed, out)
                table = read_predictions(out / "predictions.csv")
                parts.append(table if way == "random" else table.assign(seed=seed))
            judged(bench, name, pd.concat(parts))
        yield name


def fresh_head(start: Start) -> Start:
    """Weights whose classes go by other names than the real ones, so that the head begins anew."""
    classes = tuple(f"{name} of invented people" for name in start.entry.classes)
    return replace(start, entry=replace(start.entry, classes=classes))


def beside_real(real: Arrays, invented: Arrays, protocol: str) -> tuple[Arrays, list[Fold]]:
    """Both joined, and the protocol's folds of the real people, each of which trains on all of the
    invented ones as well; none of these is tested."""
    more = np.arange(len(real), len(real) + len(invented))
    folds = [
        Fold(fold.name, np.concatenate([fold.train, more]), fold.test)
        for fold in make_folds(protocol, real)
    ]
    return join_arrays([real, invented]), folds


def _start(bench: Bench, clips: int, seed: int, freeze: str | None = None) -> Start:
    return find_start(of_levels(bench, NETWORK, clips, seed), NETWORK, freeze)


def _random(bench: Bench, seeds: int, out) -> None:
    how = {"recipe": RECIPES[NETWORK], "protocol": bench.protocol, "jobs": bench.jobs}
    merzoo.evaluate(NETWORK, bench.data, seeds=seeds, out=out, **how)


def _from(bench: Bench, start: Start, out) -> None:
    how = {"recipe": RECIPES[NETWORK], "protocol": bench.protocol, "jobs": bench.jobs}
    merzoo.evaluate(NETWORK, bench.data, start=start, out=out, **how)


def _mixed(bench: Bench, clips: int, seed: int, out) -> None:
    learner = resolve(NETWORK, RECIPES[NETWORK])
    real = learner.take(load_samples(bench.data, learner.inputs))
    invented = drawn(clips, bench.pools[clips], seed, bench.jobs)
    data, folds = beside_real(real, invented, bench.protocol)
    merzoo.evaluate(learner, data, split=folds, jobs=bench.jobs, out=out)


def _chosen(bench: Bench, clips: int, seed: int, out) -> None:
    """Rate and freezing by the inner people of each fold; what they chose stands beside the run."""
    data = load_samples(bench.data, resolve(NETWORK).inputs)
    trainers = {
        (rate, freeze): Trainer(
            resolve(NETWORK, change_recipe(RECIPES[NETWORK], learning_rate=rate)),
            data.classes,
            RECIPES[NETWORK].steps(len(data)),
            _start(bench, clips, seed, freeze),
            on_device=keras.backend.backend() == "jax",
        )
        for rate, freeze in SETTINGS
    }
    found, chosen = np.zeros((len(data), len(data.classes)), np.float32), []
    for fold in make_folds(bench.protocol, data):
        train = Part.of(data, fold.train)
        rows, held = inner_split(train, seed, fold.name)
        inner = [_uf1(t, train.take(rows), train.take(held), seed) for t in trainers.values()]
        best = SETTINGS[int(np.argmax(inner))]
        trainers[best].fit(train, seed)
        found[fold.test] = trainers[best].predict(data.take(fold.test))
        chosen.append({"fold": fold.name, "rate": best[0], "freeze": best[1] or "", "uf1": inner})
        print(f"{NETWORK}-why-chosen, seed {seed}, {fold.name}: {best}", flush=True)
    path = bench.work / "predictions" / f"{NETWORK}-why-chosen-s{seed}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    table_of(data, found, seed).to_csv(path, index=False)
    pd.DataFrame(chosen).to_csv(path.with_name(f"{path.stem}-settings.csv"), index=False)
    merzoo.score(path, name=path.stem, out=out)


def _uf1(trainer: Trainer, train: Part, held: Part, seed: int) -> float:
    """Of held people, after training on the others."""
    trainer.fit(train, seed)
    predicted = trainer.predict(held.arrays()).argmax(-1)
    return scores(confusion_matrix(held.label, predicted, len(held.classes)))["uf1"]

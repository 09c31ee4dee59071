"""Trains one of the weights that come with merzoo, a row of `weights_runs.RUNS`, and logs it.

    python tools/train_weights.py ststnet.synthetic
    python tools/train_weights.py ststnet.synthetic --calibrate
    python tools/train_weights.py rcn-s.megc2019 --data megc2019_flow28.npz --loso runs/rcn-s
    python tools/train_weights.py rcn-s.megc2019 --data megc2019_flow28.npz
    python tools/train_weights.py broadbentnet.fer2013-7 --data /data/fer2013
    python tools/train_weights.py --group fer2013 --minutes 8 --data /data/fer2013

A run writes `ID.weights.h5` (where it was, else into `weights`), `weights/logs/ID.json`, and its
row of `merzoo/weights/files/manifest.json`; `tools/make_weight_cards.py` makes the cards. The test
parts are scored once, at the end, with the weights as they are stored. `--check` looks at
validation figures only and stores nothing. Where everything is trained on, `--loso` scores the
recipe with every subject left out once, and `tools/make_tables.py --collect` keeps the figure.
`--calibrate` leaves the weights as they are and gives their row a temperature and a threshold.
`--minutes` is for a graphics card: as many epochs as end in time, by the row of
`weights_runs.LONGER` where there is one; `--group` trains all networks of a data set at once. With
`--out` nothing of the project changes: `tools/take_weights.py` takes what is found good.
"""

import argparse
import hashlib
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
BEGAN = time.time()  # before what takes seconds to import
ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

import keras  # noqa: E402
import numpy as np  # noqa: E402
from weights_data import SPLITS, Split  # noqa: E402
from weights_group import fitting, train_group  # noqa: E402
from weights_runs import LONGER, RUNS, Run  # noqa: E402
from weights_store import HUB_FOLDER, WEIGHTS, add_to_manifest, shrink  # noqa: E402

import merzoo  # noqa: E402
from merzoo.errors import InputError, unknown  # noqa: E402
from merzoo.evaluation.units import evaluate_units  # noqa: E402
from merzoo.files import write_json  # noqa: E402
from merzoo.metrics import UF1, UNITS, confusion_matrix, headline, scores  # noqa: E402
from merzoo.models import create_model  # noqa: E402
from merzoo.training.learner import resolve  # noqa: E402
from merzoo.training.parts import Part  # noqa: E402
from merzoo.training.pretrained import Start, find_start  # noqa: E402
from merzoo.training.recipes import change_recipe, recipe_as_dict  # noqa: E402
from merzoo.training.trainer import Trainer  # noqa: E402
from merzoo.versions import package_versions  # noqa: E402
from merzoo.weights import WeightsEntry, load  # noqa: E402
from merzoo.weights.entry import read_entry  # noqa: E402
from merzoo.weights.manifest import files_folder, find  # noqa: E402
from merzoo.weights.verify import sample_outputs  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("id", nargs="?", help=f"one of {', '.join(RUNS)}")
    parser.add_argument("--group", choices=list(SPLITS), help="all of one data set, at once")
    parser.add_argument("--networks", nargs="+", default=[], help="of a group, these alone")
    parser.add_argument("--minutes", type=float, help="for how long, tests and all")
    parser.add_argument("--out", type=Path, help="keep file, log and row in this folder")
    parser.add_argument("--data", default="", help="file or folder of the data; none for synthetic")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's, with --check")
    parser.add_argument("--loso", metavar="FOLDER", help="score the recipe by LOSO, into a folder")
    parser.add_argument(
        "--calibrate",
        action="store_true",
        help="temperature and threshold of weights that are there, from the inner people of folds",
    )
    parser.add_argument("--check", action="store_true", help="no test part, nothing is stored")
    options = parser.parse_args()
    if options.minutes is not None and not 0 < options.minutes < float("inf"):
        raise InputError(f"--minutes {options.minutes:g} is no time to train in.")
    if bool(options.id) == bool(options.group) or (options.networks and not options.group):
        raise InputError("Give the id of weights, or --group (and --networks of it, if not all).")
    if options.group:
        out = options.out or Path("runs") / options.group
        how = (options.data, out, options.minutes)
        return train_group(options.group, options.networks, *how)
    if options.id not in RUNS:
        raise unknown("weights", options.id, RUNS)
    run = (LONGER if options.minutes else RUNS).get(options.id, RUNS[options.id])
    log = (options.out or WEIGHTS / "logs") / f"{options.id}.json"
    if options.loso:
        data = f"arrays:{options.data}"
        result = merzoo.evaluate(_network(options.id), data, recipe=run.recipe, out=options.loso)
        print(f"UF1 {result.uf1:.3f} UAR {result.uar:.3f}: {result.folder}")
        return 0
    if options.calibrate:
        split = SPLITS[run.data](options.data, _inputs(options.id, run), run.labels)
        entry = replace(
            find(options.id, _network(options.id)), confidence=calibrated(options.id, run, split)
        )
        add_to_manifest(entry)
        print(json.dumps(entry.confidence, indent=1))
        return 0
    if log.exists() and not options.check:
        raise InputError(f"{log}: trained and tested already; remove it to do so again.")
    split = SPLITS[run.data](options.data, _inputs(options.id, run), run.labels)
    end = BEGAN + 60 * options.minutes if options.minutes else None
    how = {"epochs": options.epochs if options.check else None, "end": end, "out": options.out}
    trainer, report = train(options.id, run, split, **how)
    if options.check:
        print(json.dumps(report, indent=1))
        return 0
    entry = store(options.id, run, split, trainer, report, options.out)
    write_json(log, report)
    if options.out:
        write_json(options.out / f"{options.id}.entry.json", entry.as_dict())
    else:
        add_to_manifest(entry)
    print(json.dumps(entry.metrics, indent=1))
    return 0


def train(
    name: str,
    run: Run,
    split: Split,
    *,
    epochs: int | None = None,
    end: float | None = None,
    out: Path | None = None,
):
    """Fits the network; where there is a validation part, to the weights of its best epoch.

    Args:
        name: of the weights.
        run: their row.
        split: the data.
        epochs: instead of the recipe's.
        end: when all must be done, as `time.time` has it: the epochs are those that end in time.
        out: where weights to start from may lie.

    Returns:
        The `Trainer`, holding the weights to keep, and the log: plain JSON types.
    """
    data = split.train
    learner = resolve(
        _network(name), change_recipe(run.recipe, epochs=epochs), arguments=run.arguments
    )
    steps, start = learner.recipe.steps(len(data)), _start(name, run, out)
    wall, cpu = time.perf_counter(), time.process_time()
    part, how = data, {}
    if end is not None:
        part = Part.of(data, np.arange(len(data)))
        how = {"adjustable": True, "on_device": keras.backend.backend() == "jax"}
    trainer = Trainer(learner, data.classes, steps, start, **how)
    if end is not None:
        epochs = fitting(trainer, part, split.validation, end)
        trainer.use(change_recipe(learner.recipe, epochs=epochs), steps)
    recipe = trainer.recipe
    history = trainer.fit(part, 0, [Told()], split.validation, by_uf1=True)
    validated_by = recipe.test_time
    if run.scored:  # by more views than are looked through after every epoch
        recipe = change_recipe(recipe, test_time=run.scored)
        trainer.use(recipe, steps)
    validated = _by_epoch(history, split.validation)
    log = {
        "id": name,
        "data": {
            "source": split.source,
            "train": _described(data),
            "validation": _described(split.validation) if split.validation else None,
            "notes": list(split.notes),
        },
        "recipe": recipe_as_dict(recipe),
        "start": start.entry.id if start else None,
        "model_arguments": recipe.model_arguments,
        "compiled": trainer.facts(),
        "history": {key: np.round(values, 4).tolist() for key, values in history.items()},
        "validation": validated,
        "validation_test_time": validated_by,
        "kept_epoch": int(np.argmax(history["inner_uf1"])) + 1 if validated else recipe.epochs,
        "seconds": {
            "wall": round(time.perf_counter() - wall),
            "cpu": round(time.process_time() - cpu),
        },
        "backend": keras.backend.backend(),
        "versions": package_versions(),
    }
    return trainer, log


def _start(name: str, run: Run, out: Path | None):
    """Weights to start from: of the folder that is written to, else of the manifest."""
    if run.start is None:
        return None
    beside = out / f"{_network(name)}.{run.start}.entry.json" if out else None
    if beside is None or not beside.is_file():
        return find_start(run.start, _network(name))
    entry = read_entry(beside)
    return Start(entry, out / entry.file, text=str(beside))


class Told(keras.callbacks.Callback):
    """Says after each epoch how far training is."""

    def on_train_begin(self, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        line = f"epoch {epoch + 1} loss {logs['loss']:.3f} accuracy {logs['accuracy']:.3f}"
        if "inner_uf1" in logs:
            line += f" validation UF1 {logs['inner_uf1']:.3f}"
        print(f"{time.perf_counter() - self.start:.0f} s {line}", file=sys.stderr)


def calibrated(name: str, run: Run, split: Split) -> dict:
    """Temperature and threshold by the inner people of five folds of the training part, each fold
    trained anew by the same recipe (see `merzoo.training.confidence`)."""
    learner = resolve(_network(name), run.recipe, arguments=run.arguments)
    how = {"protocol": "kfold:5", "calibrate": True}
    if learner.multilabel:
        result = evaluate_units(learner, split.train, labels=run.labels, **how)
    else:
        result = merzoo.evaluate(learner, split.train, **how)
    found = result.metrics["calibration"]
    print(json.dumps(found, indent=1), file=sys.stderr)
    return found["chosen"]


def measured(trainer: Trainer, data) -> dict:
    """UF1, UAR and accuracy of the current weights, and what they stand on."""
    predicted = trainer.predict(data).argmax(-1)
    matrix = confusion_matrix(data.label, predicted, len(data.classes))
    found = {key: round(value, 6) for key, value in scores(matrix).items()}
    return found | standing(matrix.sum(-1))


def _loso_units(name: str, run: Run, data) -> dict:
    """Of action units: the same recipe trained anew without each subject in turn."""
    result = evaluate_units(_network(name), data, recipe=run.recipe, labels=run.labels)
    full = result.metrics["full"]
    key = f"leave one of {full['subjects']} subjects out, {result.metrics['seeds']} seed(s)"
    always = [unit["always_present"] for unit in full["units"]]
    found = {metric.name: round(full[metric.name], 4) for metric in headline(UNITS)}
    found |= {"n": full["n"], "always_present_macro_f1": round(float(np.mean(always)), 4)}
    units = {
        unit["name"]: {
            "n": unit["present"],
            "f1": round(unit["f1"], 4),
            "always_present": round(unit["always_present"], 4),
        }
        for unit in full["units"]
    }
    return {key: found | {"units": units}}


def _by_epoch(history: dict, validation) -> list[dict]:
    """The scores of each epoch's weights on the validation part, and what they stand on."""
    if validation is None:
        return []
    kept = {k.removeprefix("inner_"): v for k, v in history.items() if k.startswith("inner_")}
    ground = standing(np.bincount(validation.label, minlength=len(validation.classes)))
    epochs = zip(*kept.values(), strict=True)
    return [
        dict(zip(kept, np.round(values, 4).tolist(), strict=True)) | ground for values in epochs
    ]


def standing(counts: np.ndarray) -> dict:
    """The number of samples, and the UF1 of always answering the most frequent class."""
    return {"n": int(counts.sum()), "most_frequent_uf1": round(UF1.floor(counts), 4)}


def store(
    name: str, run: Run, split: Split, trainer: Trainer, log: dict, out: Path | None = None
) -> WeightsEntry:
    """Writes the file of weights, and measures it as it was written."""
    file = f"{name}.weights.h5"
    packaged = (files_folder() / file).is_file()
    path = (out or (files_folder() if packaged else WEIGHTS)) / file
    path.parent.mkdir(parents=True, exist_ok=True)
    sample = next(iter(split.tests.values()), split.train)
    before = trainer.predict(sample)
    arguments = log["model_arguments"]
    outputs = trainer.learner.outputs(split.train.classes)
    if trainer.learner.multilabel:
        arguments = {"classifier_activation": "sigmoid"} | arguments
    model = create_model(_network(name), classes=len(outputs), **arguments)
    model.set_weights(trainer.model.get_weights())
    model.save_weights(path)  # of a model that was not compiled: no state of an optimizer
    shrink(path)
    load(model, path)
    trainer.model.set_weights(model.get_weights())
    metrics = {key: measured(trainer, data) for key, data in split.tests.items()}
    log["float16_difference"] = float(np.abs(trainer.predict(sample) - before).max())
    if trainer.learner.multilabel:
        metrics = _loso_units(name, run, split.train)
    log["tests"] = metrics = metrics or _loso(name)
    return WeightsEntry(
        id=name,
        file=file,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        bytes=path.stat().st_size,
        licence=split.licence,
        trained_on=tuple(sorted(set(split.train.dataset.tolist()))),
        subjects=split.subjects,
        classes=outputs,
        labels=run.labels,
        model_arguments=arguments,
        protocol=_protocol(split, log),
        metrics=metrics,
        merzoo_version=merzoo.__version__,
        url=None if packaged else f"{HUB_FOLDER}/{file}",
        preprocessing=dict(run.recipe.preprocessing),
        golden=tuple(round(float(x), 6) for x in sample_outputs(model)),
    )


def _loso(name: str) -> dict:
    """The figure of the same recipe with every subject left out once, from its own result file."""
    recipe = RUNS[name].recipe.name
    path = ROOT / "benchmarks" / "results" / "megc2019" / f"{_network(name)}-{recipe}.json"
    content = json.loads(path.read_text())
    full = content["metrics"]["full"]
    key = f"leave one of {full['subjects']} subjects out, {content['metrics']['seeds']} seed(s)"
    found = {m.name: round(full[m.name], 6) for m in headline() if m.name in full}
    return {key: found | standing(np.array(full["n_per_class"]))}


def _protocol(split: Split, log: dict) -> str:
    recipe, counts = log["recipe"], log["data"]["train"]
    begun = f"started from {log['start']}, " if log["start"] else ""
    chosen = (
        f"weights of epoch {log['kept_epoch']} of {recipe['epochs']}, the best on "
        f"{log['data']['validation']['samples']} samples held out of training"
        if split.validation
        else f"final weights of {recipe['epochs']} epochs"
    )
    return (
        f"recipe {recipe['name']}, {counts['samples']} samples, {begun}{chosen}; "
        f"{log['seconds']['cpu'] / 60:.1f} minutes of a CPU core"
    )


def _inputs(name: str, run: Run) -> dict[str, tuple]:
    return resolve(_network(name), run.recipe, arguments=run.arguments).inputs


def _network(name: str) -> str:
    return name.rpartition(".")[0]


def _described(data) -> dict:
    return {"samples": len(data), "classes": data.counts(), "fingerprint": data.fingerprint()}


if __name__ == "__main__":
    try:
        sys.exit(main())
    except InputError as error:
        sys.exit(f"train_weights: {error}")

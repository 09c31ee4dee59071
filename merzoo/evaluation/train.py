"""`train`: the model to use, trained once on everybody, with the figure of the run that judged it.

A run of `merzoo.evaluate` says how good a recipe is on people it has not seen, and leaves as many
models as it has folds. The one to use is trained by the same recipe on all samples of that run;
nobody is left to test it on, so what is known of it is the run's figure, and its card says so.
"""

import os

import numpy as np

from merzoo.errors import InputError
from merzoo.evaluation.runs.card import OWN_CLASSES, rerun_options
from merzoo.evaluation.runs.read import Run, read_run
from merzoo.evaluation.runs.samples import samples_for
from merzoo.metrics import UF1, UNITS, headline
from merzoo.preprocessing.arrays import Arrays
from merzoo.training.learner import Learner, resolve
from merzoo.training.pretrain import TrainedWeights, run_training
from merzoo.training.recipes import Recipe, change_preprocessing, change_recipe, recipe_as_dict


def train(
    model=None,
    data=None,
    *,
    run: str | os.PathLike | None = None,
    labels: str | None = None,
    recipe: Recipe | str | None = None,
    arguments: dict | None = None,
    epochs: int | None = None,
    parameters: dict | None = None,
    jobs: int = 1,
    seed: int = 0,
    out: str | os.PathLike | None = None,
) -> TrainedWeights:
    """Trains a network once on all samples, by the recipe that `evaluate` would use in every fold.

    Args:
        model, data: as for `merzoo.evaluate`; `None` for those of the run.
        run: folder of a finished `merzoo.evaluate`. What is not said here is as it was there, and
            its figures stand on the card of the weights, with the temperature and the threshold
            that its inner people gave; the model, recipe and samples must be its.
        labels, recipe, parameters: as for `merzoo.evaluate`.
        arguments: of the builder, over the recipe's.
        epochs: instead of the recipe's.
        jobs: worker processes that prepare clips.
        seed: of weights, order and augmentation.
        out: folder for the results; `None` makes a temporary one. A training that was stopped goes
            on when called again with the same folder.

    Returns:
        `TrainedWeights`, whose folder `merzoo.create_model(..., weights=FOLDER)`, `merzoo.predict`
        and `merzoo.load_model` take. Without a run its `entry.metrics` are empty.

    Raises:
        InputError: as `merzoo.evaluate`; for an estimator, which has no weights; and where the run
            was of another model, recipe or data, naming what differs.

    Example:

    >>> import numpy as np
    >>> y = np.arange(32) % 2
    >>> x = np.full((32, 16, 16, 1), 60.0); x[y == 1, :8] = 200
    >>> data = Arrays({"apex": x}, y, [f"s{i // 4}" for i in range(32)], ["demo"] * 32,
    ...               [str(i) for i in range(32)], ("negative", "positive"))
    >>> found = train("broadbentnet", data, arguments={"input_shape": (16, 16, 1)}, epochs=1)
    >>> len(found.entry.subjects), found.entry.metrics
    (8, {})
    """
    judged = None if run is None else read_run(run)
    said = {} if judged is None else _of_run(judged)
    model, data = model or said.get("model"), data or said.get("data")
    for value, what in ((model, "a model"), (data, "data (--data KIND:PLACE)")):
        if value is None:
            where, instead = "", ", or a finished run (--run FOLDER)"
            if judged is not None:
                where, instead = f"{judged.folder} names an object of Python's: ", ""
            raise InputError(f"{where}give {what}{instead}. merzoo train --help shows how.")
    learner = resolve(model, recipe or said.get("recipe"), arguments=arguments)
    if learner.kind != "network":
        raise InputError(f"{learner.name} is fitted to data in seconds and has no weights to keep.")
    changed = change_preprocessing(change_recipe(learner.recipe, epochs=epochs), parameters)
    learner = learner.with_recipe(changed)
    labels = labels or said.get("labels")
    samples = learner.take(samples_for(learner, data, labels, jobs=jobs))
    if judged is not None:
        _check_same(learner, samples, judged)
    own = learner.recipe
    how = {"validation": own.validation, "plateau": own.plateau, "stop": own.stop}
    how |= {"factor": own.factor, "balance": None, "seed": seed}
    told = labels or (own.labels if samples.preparation else OWN_CLASSES)
    settings = (own, None, None, False, None, out, how)
    found = {} if judged is None else {"measured": _figures(judged)}
    if judged is not None:
        found["confidence"] = (judged.metrics.get("calibration") or {}).get("chosen")
    return run_training(learner, samples, None, told, *settings, **found, as_folds=True)


def _of_run(run: Run) -> dict:
    if "pretrained" in run.card:
        raise InputError(
            f"{run.folder}: each of its folds started from pretrained weights; merzoo.finetune "
            "makes one model of those."
        )
    return rerun_options(run.card, str(run.folder / "protocol.json"))


def _check_same(learner: Learner, samples: Arrays, run: Run) -> None:
    """Raises `InputError` where the run's figures are of something else than is to be trained."""
    card = run.card
    ours = recipe_as_dict(learner.recipe)
    pairs = {f"recipe.{name}": (ours.get(name), card["recipe"].get(name)) for name in ours}
    pairs |= {
        "model": (learner.name, card["model"]),
        "classes": (list(samples.classes), card["data"]["classes"]),
        "samples": (samples.fingerprint(), card["data"].get("fingerprint")),
    }
    for name, (here, there) in pairs.items():
        if _plain(here) != _plain(there):
            values = "are others" if name == "samples" else f"{here!r} here, {there!r} there"
            raise InputError(
                f"{run.folder}: its figures are of another training: {name}: {values}; leave that "
                "out, or evaluate it first."
            )
    if run.metrics.get("by_subject"):
        raise InputError(
            f"{run.folder}: {card['protocol']} puts one person on both sides of a split: its "
            "figures are not those of new people; evaluate with --protocol loso."
        )
    leak = next((told for told in run.metrics["warnings"] if told.startswith("LEAK: ")), None)
    if leak is not None:
        raise InputError(f"{run.folder}: its figures are not those of new people: {leak}")
    if card["rerun"]["selection"] == "inner":
        raise InputError(
            f"{run.folder}: its figures are of epochs chosen on inner people (--selection inner), "
            "which training on everybody cannot do; evaluate with --selection last or fixed:N."
        )
    if card["held_out_subjects"] != "all":
        raise InputError(f"{run.folder}: only some subjects were held out; evaluate all of them.")


def _plain(value):
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value


def _figures(run: Run) -> dict:
    """The scores of a run in the form of a weights entry: what they stand on -> name -> value."""
    full = run.metrics["full"]
    seeds = run.metrics["seeds"]
    about = f"{run.card['protocol']} of {full['subjects']} subjects, {seeds} seed(s)"
    if run.task == UNITS:
        always = float(np.mean([unit["always_present"] for unit in full["units"]]))
        found = {"macro_f1": round(full["macro_f1"], 4), "n": full["n"]}
        return {about: found | {"always_present_macro_f1": round(always, 4)}}
    found = {metric.name: round(full[metric.name], 4) for metric in headline()}
    floor = round(UF1.floor(full["n_per_class"]), 4)
    return {about: found | {"n": full["n"], "most_frequent_uf1": floor}}

"""`pretrain`: a network trained once on sets of full expressions, and what is written of it.

The order of things follows Gan et al., "Transfer-Learning Enabled Micro-Expression Recognition
Using Dense Connections and Mixed Attention", sections 3.2 and 4.1.3: mixed macro sets, classes
balanced, a fifth of the samples to validate on, the weights of the best epoch kept. Here the fifth
is whole persons, and the authors' own test parts are not touched.
"""

import dataclasses
import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from merzoo import modalities
from merzoo.arguments import MOST_JOBS, whole_number
from merzoo.data.unit_labels import unit_table
from merzoo.errors import InputError, unknown
from merzoo.files import check_folder, claim_folder, write_json, write_table, write_weights
from merzoo.metrics import UNITS, confusion_matrix, scores, unit_confusion
from merzoo.pages.html_table import html_table
from merzoo.preprocessing.relabel import relabel
from merzoo.progress import name_folder
from merzoo.surroundings import surroundings
from merzoo.training.batches import check_feed
from merzoo.training.builders import named_builder, takes
from merzoo.training.learner import Learner, resolve
from merzoo.training.options import Training
from merzoo.training.parts import Rows
from merzoo.training.pool import Pool, check_still, make_pool, read_sources
from merzoo.training.recipes import (
    RECIPES,
    Recipe,
    change_preprocessing,
    change_recipe,
    get_recipe,
    recipe_as_dict,
)
from merzoo.versions import VERSION, package_versions
from merzoo.weights import WeightsEntry
from merzoo.weights.entry import ENTRY_FILE as ENTRY
from merzoo.weights.entry import WEIGHTS_FILE as WEIGHTS
from merzoo.weights.entry import read_entry, size_and_hash
from merzoo.whole import alone, sweep

QUICK_SAMPLES = 96
QUICK_EPOCHS = 2
PROTOCOL = "protocol.json"
_MAY_DIFFER = ("versions", "source", "surroundings", "compiled")


@dataclass(frozen=True)
class TrainedWeights:
    """What `pretrain` and `finetune` leave.

    Args:
        folder: where everything was written.
        entry: what is known of the weights; the content of `weights.json`.
        history: the logs of every epoch; the content of `history.csv`.
        card: the content of `protocol.json`.
    """

    folder: Path
    entry: WeightsEntry
    history: list[dict[str, float]]
    card: dict

    @property
    def weights(self) -> Path:
        """The `.weights.h5` file."""
        return self.folder / self.entry.file

    def _repr_html_(self) -> str:
        rows = [[name, value] for name, value in self.entry.metrics.items()]
        seen = f"{len(self.entry.subjects)} subjects of {', '.join(self.entry.trained_on)}"
        below = f"{self.entry.protocol}; {seen}; {self.entry.licence}. {self.weights}"
        return html_table(self.entry.id, ["figure", "value"], rows, below)


def pretrain(
    model,
    data,
    *,
    labels: str | None = None,
    recipe: Recipe | str | None = None,
    arguments: dict | None = None,
    epochs: int | None = None,
    quick: bool = False,
    parameters: dict | None = None,
    out: str | os.PathLike | None = None,
    **training,
) -> TrainedWeights:
    """Trains a network once, on pictures of full expressions, and keeps the best epoch.

    Args:
        model: a name of `merzoo.list_models(kind="network")`, a builder, a Keras model,
            `"module:function"` or the path of a `.keras` file.
        data: text such as `"fer2013:ROOT"`, clips, `Arrays`, or a list of these, joined. The test
            parts of FER-2013 and RAF-DB are left out.
        labels: label map, such as `"macro7"`; `None` for `"macro3"` of clips. Arrays keep the
            classes that they bring, unless a map is asked for here.
        recipe: a `Recipe`, a name of one, a path to a `.json`, or `None` for
            `"<network>-pretraining"` where there is one, else the network's own.
        arguments: of the builder, such as `{"input_shape": (48, 48, 1)}`. A builder with a
            `modality` is built for `"apex"` where the data are single pictures.
        epochs: instead of the recipe's.
        quick: a thin slice, to see that it works: about 96 samples, at most 2 epochs.
        parameters: of `merzoo.preprocessing.prepare`, such as `{"detector": "haar"}`, `jobs` and
            `cache` among them. Frames of at most 112 pixels are taken as face crops.
        out: folder for the results; `None` makes a temporary one. A training that was stopped goes
            on when called again with the same folder, and ends as if it had not been stopped.
        training: fields of `merzoo.training.options.Training`, such as `plateau=10, stop=20`.

    Returns:
        `TrainedWeights`. Its folder holds `model.weights.h5`, `weights.json` (a
        `merzoo.weights.WeightsEntry`, with every subject seen), `history.csv`, `training.png`,
        `protocol.json` and, where `tensorboard` is installed, its `logs`.

    Raises:
        InputError: for an unknown model, recipe or option, data that the model cannot take, or a
            folder that holds another training.

    Source:
        Gan et al., "Transfer-Learning Enabled Micro-Expression Recognition Using Dense Connections
        and Mixed Attention", Table 3.

    Example:

    >>> from merzoo.preprocessing.arrays import Arrays
    >>> y = np.arange(32) % 2
    >>> x = np.full((32, 16, 16, 1), 60.0); x[y == 1, :8] = 200
    >>> data = Arrays({"apex": x}, y, [f"s{i // 4}" for i in range(32)], ["demo"] * 32,
    ...               [str(i) for i in range(32)], ("negative", "positive"))
    >>> found = pretrain("broadbentnet", data, arguments={"input_shape": (16, 16, 1)}, epochs=1)
    >>> found.entry.trained_on, found.entry.subjects[:2], found.weights.name
    (('demo',), ('demo/s0', 'demo/s1'), 'model.weights.h5')
    """
    how = (recipe, arguments, epochs, quick, parameters, out, training)
    return run_training(model, data, labels, "macro3", *how)


def run_training(
    model,
    data,
    labels,
    usual,
    recipe,
    arguments,
    epochs,
    quick,
    parameters,
    out,
    training,
    find=None,
    measured: dict | None = None,
    confidence: dict | None = None,
    as_folds: bool = False,
) -> TrainedWeights:
    """`pretrain`, `finetune` and `train`.

    `usual` is the label map of clips where none is asked for, `find` gives the `Start` for a
    network's name, or is `None`; `measured` are figures of the same recipe from elsewhere, and
    `confidence` is what its inner people gave there; `as_folds` counts the steps of an epoch as the
    folds of an evaluation do, from all samples and not from those that are trained on."""
    check_folder(out, kind="training")
    options = _options(Training, training)
    check_feed()
    from merzoo.training.validation import split_validation

    parameters = dict(parameters or {})
    how = {name: parameters.pop(name) for name in ("jobs", "cache") if name in parameters}
    if how.get("jobs") is not None:
        whole_number("jobs", how["jobs"], most=MOST_JOBS)
    arrays, clips = read_sources(data, parameters.get("on_error", "fail"))
    arrays, labels = [relabel(part, labels) for part in arrays], labels or usual
    start = None if find is None else find(named_builder(model)[0])
    learner = full_learner(model, recipe, start, arguments, clips)
    recipe = change_preprocessing(change_recipe(learner.recipe, epochs=epochs), parameters)
    if quick:
        recipe = replace(recipe, epochs=min(recipe.epochs, QUICK_EPOCHS))
    learner = replace(learner, recipe=options.applied_to(recipe))
    check_devices(options, learner.recipe)
    check_still(learner.name, learner.inputs, clips)
    limit = QUICK_SAMPLES if quick else None
    chosen = learner.recipe.preprocessing | how
    pool = make_pool(
        arrays, clips, learner.inputs, labels, limit=limit, seed=options.seed, **chosen
    )
    learner.recipe.check_classes(len(pool.classes))
    if start is not None:
        start.check_unseen(pool.subject, pool.source)
    rows = split_validation(pool, options.validation, options.seed)
    card = _card(learner, pool, rows, labels, options, quick, start)
    card |= {} if measured is None else {"measured": measured}
    card |= {} if confidence is None else {"confidence": confidence}
    begun = out is not None and (Path(out) / PROTOCOL).is_file()
    trainer = _trainer(learner, pool, rows, start, options, as_folds, rehearsed=not begun)
    folder = Path(out or tempfile.mkdtemp(prefix="merzoo-"))
    with alone(folder):
        sweep(folder, deep=True)
        before = claim_folder(folder, card, may_differ=_MAY_DIFFER, kind="training")
        name_folder(folder)
        if (folder / ENTRY).is_file():
            return _finished(folder, before or card)
        return _trained(folder, trainer, pool, rows, labels, options, card, start)


def _trainer(learner, pool, rows, start, options, as_folds: bool, rehearsed: bool):
    """What trains; `rehearsed` builds it: what cannot be is said before a folder is taken."""
    from merzoo.training.trainer import Trainer

    steps = learner.recipe.steps(len(pool if as_folds else rows[0]))
    trainer = Trainer(learner, pool.classes, steps, start, options)
    if rehearsed:
        trainer.reset(options.seed)
    return trainer


def _trained(folder, trainer, pool, rows, labels, options, card, start) -> TrainedWeights:
    """Trains, and leaves all of it in the folder; goes on where an earlier call was stopped."""
    history = trainer.fit(
        Rows(pool, rows[0], balanced=options.balance == "sampling"),
        options.seed,
        validation=Rows(pool, rows[1]) if len(rows[1]) else None,
        folder=folder,
    )
    found = _write(folder, trainer, history, pool, rows, labels, card, start)
    shutil.rmtree(folder / "state", ignore_errors=True)
    return found


def check_devices(options: Training, recipe: Recipe) -> None:
    """Raises `InputError` for devices that are not there or cannot train so, before any work."""
    import keras

    from merzoo.training.devices import distributed

    if options.devices and options.accumulate > 1 and keras.backend.backend() == "tensorflow":
        raise InputError(
            f"accumulate={options.accumulate}: TensorFlow cannot accumulate gradients on several "
            f"devices; set KERAS_BACKEND=jax, or give the recipe a larger batch_size instead."
        )
    with distributed(options.devices, recipe.batch_size):
        pass


def _options(kind, given: dict):
    names = [field.name for field in dataclasses.fields(kind)]
    for name in given:
        if name not in names:
            raise unknown("option of training", name, names)
    return kind(**given)


def full_learner(model, recipe, start, arguments, clips) -> Learner:
    """The learner, with all arguments of the builder in its recipe: those of the weights that it
    starts from, over them the recipe's own, over these the user's; and `modality="apex"` where
    clips are single pictures and nobody says otherwise."""
    from merzoo.training.pretrained import plain_arguments

    if isinstance(model, Learner):
        name, builder, entry = model.name, model.builder, model.entry
    else:
        name, builder, entry = named_builder(model)
    if entry is not None and entry.kind != "network":
        raise InputError(f"{name} is not a network: it has no weights to train beforehand.")
    own = entry.recipe if entry else "default"
    default = f"{own}-pretraining"
    if start is not None or default not in RECIPES:
        default = own
    recipe = get_recipe(recipe, default=default)
    of_weights = plain_arguments(start.entry) if start else {}
    stills = modalities.names(still=True)
    if (
        of_weights.get("modality") in stills
    ):  # of pictures: the network takes what it takes of clips
        of_weights.pop("modality")
    merged = of_weights | recipe.model_arguments | dict(arguments or {})
    if takes(builder, "modality") and any(len(clip.frames) == 1 for clip in clips):
        merged = {"modality": stills[0]} | merged
    learner = resolve(model, replace(recipe, model_arguments=merged))
    if learner.kind != "network":
        raise InputError(f"{name} is not a network: it has no weights to train beforehand.")
    return learner


def _card(learner: Learner, pool: Pool, rows, labels, options: Training, quick, start) -> dict:
    """Everything needed to rerun, and to tell whether a rerun goes on with the same training."""
    import keras

    rule = "the last epoch's weights"
    if options.validation:
        best = "highest accuracy" if learner.recipe.monitor == "accuracy" else "lowest loss"
        rule = f"the weights of the epoch with the {best} on the validation samples"
        if options.balance:
            rule += ", in which every class counts alike"
    digest = hashlib.sha256(b"".join(np.asarray(r, "<i8").tobytes() for r in rows))
    card = {
        "model": learner.name,
        "model_arguments": learner.recipe.model_arguments,
        "recipe": recipe_as_dict(learner.recipe),
        "training": dataclasses.asdict(options),
        "quick": quick,
        "labels": labels,
        "selection": rule,
        "source": pool.source,
        "data": {
            "fingerprint": pool.fingerprint(),
            "classes": list(pool.classes),
            "trained_on": pool.counts(rows[0]),
            "validated_on": pool.counts(rows[1]),
            "left_out": pool.left_out,
            "unknown_persons": pool.unnamed(),
            "preparation": pool.preparation(),
        },
        "split_fingerprint": digest.hexdigest(),
        "pretrained": None if start is None else start.card(),
        "backend": keras.backend.backend(),
        "versions": package_versions(),
        "surroundings": surroundings(),
    }
    return json.loads(json.dumps(card))


def _finished(folder: Path, card: dict) -> TrainedWeights:
    import pandas as pd

    entry, file = read_entry(folder / ENTRY), folder / "history.csv"
    try:
        history = pd.read_csv(file).drop(columns="epoch").astype(float).to_dict("records")
    except (OSError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"{file}: no table of epochs ({reason}); remove {folder} and train again."
        ) from None
    return TrainedWeights(folder, entry, history, card)


def _write(folder, trainer, history, pool, rows, labels, card, start) -> TrainedWeights:
    """Weights, history and picture first; `weights.json`, which says that all is there, last."""
    import pandas as pd

    from merzoo.training.curves import draw_curves

    learner, final, epochs = trainer.learner, trainer.final(), len(history["loss"])
    write_weights(folder / WEIGHTS, final)
    table = pd.DataFrame(history)
    table.insert(0, "epoch", range(1, epochs + 1))
    write_table(folder / "history.csv", table)
    size, digest = size_and_hash(folder / WEIGHTS)
    seen = set(pool.seen()) | set(start.entry.subjects if start else ())
    datasets = set(pool.dataset.tolist()) | set(start.entry.trained_on if start else ())
    entry = WeightsEntry(
        id=f"{learner.name}.{folder.resolve().name}",
        file=WEIGHTS,
        sha256=digest,
        bytes=size,
        licence=f"for research; the terms of {', '.join(sorted(datasets))} apply",
        trained_on=tuple(sorted(datasets)),
        subjects=tuple(sorted(seen)),
        classes=learner.outputs(pool.classes),
        labels=labels,
        model_arguments=json.loads(json.dumps(learner.arguments)),
        protocol=f"{len(rows[0])} samples, {epochs} of up to {learner.recipe.epochs} epochs"
        f"{' (quick: a thin slice)' if card['quick'] else ''}; {card['selection']}",
        metrics=card.get("measured") or _metrics(learner, final, pool, rows[1]),
        merzoo_version=VERSION,
        preprocessing=dict(learner.recipe.preprocessing),
        confidence=card.get("confidence"),
    )
    card["compiled"] = trainer.facts()
    write_json(folder / PROTOCOL, card)
    rows_of_epochs = [
        dict(zip(history, values, strict=True)) for values in zip(*history.values(), strict=True)
    ]
    draw_curves(rows_of_epochs, folder / "training.png", f"{entry.id}, {learner.recipe.name}")
    write_json(folder / ENTRY, entry.as_dict())
    return TrainedWeights(folder, entry, rows_of_epochs, card)


def _metrics(learner: Learner, final, pool: Pool, rows) -> dict:
    """Scores of the kept weights on the validation samples, and what these are."""
    if not len(rows):
        return {}
    probabilities, label = learner.predict(final, Rows(pool, rows)), pool.label[rows]
    if learner.multilabel:
        shown = unit_table(pool.classes)[1][label]
        found = scores(unit_confusion(shown, probabilities > 0.5), UNITS)
    else:
        matrix = confusion_matrix(label, probabilities.argmax(1), len(pool.classes))
        found = scores(matrix)
    data = f"{len(rows)} validation samples, on which the epoch was chosen"
    return {f"validation_{name}": value for name, value in found.items()} | {"data": data}

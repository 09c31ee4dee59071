"""`pretrain`: a network trained once on sets of full expressions, and what is written of it.

The order of things follows Gan et al., "Transfer-Learning Enabled Micro-Expression Recognition
Using Dense Connections and Mixed Attention", sections 3.2 and 4.1.3: mixed macro sets, classes
balanced, a fifth of the samples to validate on, the weights of the best epoch kept. Here the fifth
is whole persons, and the authors' own test parts are not touched.
"""

import dataclasses
import hashlib
import inspect
import json
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from merzoo.errors import InputError, unknown
from merzoo.training.pool import STILL, Pool, check_still, make_pool, read_sources
from merzoo.training.recipes import Recipe, change_recipe, get_recipe, recipe_as_dict
from merzoo.weights import WeightsEntry

QUICK_SAMPLES = 96
QUICK_EPOCHS = 2
WEIGHTS, ENTRY, PROTOCOL = "model.weights.h5", "weights.json", "protocol.json"
_MAY_DIFFER = ("versions", "source")


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


def pretrain(
    model: str,
    data,
    *,
    labels: str = "macro3",
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
        model: a name of `merzoo.list_models(kind="network")`.
        data: text such as `"fer2013:ROOT"`, clips, `Arrays`, or a list of these, joined. The test
            parts of FER-2013 and RAF-DB are left out.
        labels: label map of clips, such as `"macro3"` or `"macro7"`.
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
        training: fields of `merzoo.training.single.Training`, such as `plateau=10, stop=20`.

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
    return run_training(
        model, data, labels, recipe, arguments, epochs, quick, parameters, out, training
    )


def run_training(
    model, data, labels, recipe, arguments, epochs, quick, parameters, out, training, start=None
) -> TrainedWeights:
    """`pretrain` and `finetune`; `start` is a `merzoo.training.pretrained.Start` or `None`."""
    from merzoo.models import create_model
    from merzoo.training.single import Training, check_devices, forget_state, train_once
    from merzoo.training.validation import split_validation

    training = _options(Training, training)
    arrays, clips = read_sources(data)
    recipe = full_recipe(model, recipe, start, arguments, clips)
    recipe = change_recipe(recipe, epochs=epochs)
    if quick:
        recipe = replace(recipe, epochs=min(recipe.epochs, QUICK_EPOCHS))
    recipe = training.applied_to(recipe)
    check_devices(training, recipe)
    inputs = builder_inputs(model, recipe)
    check_still(model, inputs, clips)
    limit = QUICK_SAMPLES if quick else None
    pool = make_pool(
        arrays, clips, inputs, labels, limit=limit, seed=training.seed, **parameters or {}
    )
    if start is not None:
        start.check_unseen(pool.subject, pool.source)
    rows = split_validation(pool, training.validation, training.seed)
    card = _card(model, pool, rows, labels, recipe, training, quick, start)
    folder = _claim(out, card)
    if (folder / ENTRY).is_file():
        return _finished(folder, card)

    def build():
        return create_model(model, **{"classes": len(pool.classes)} | recipe.model_arguments)

    final, history = train_once(build, pool, rows, recipe, training, folder, start)
    found = _write(folder, final, history, model, pool, rows, labels, recipe, card, start)
    forget_state(folder)
    return found


def _options(kind, given: dict):
    names = [field.name for field in dataclasses.fields(kind)]
    for name in given:
        if name not in names:
            raise unknown("option of training", name, names)
    return kind(**given)


def full_recipe(model: str, recipe, start, arguments, clips) -> Recipe:
    """The recipe, with all arguments of the builder in it: those of the weights that it starts
    from, over them the recipe's own, over these the user's; and `modality="apex"` where clips are
    single pictures and nobody says otherwise."""
    from merzoo.models.registry import entry
    from merzoo.training.pretrained import plain_arguments
    from merzoo.training.recipes import RECIPES

    found = entry(model)
    if found.kind != "network":
        raise InputError(f"{model} is not a network: it has no weights to train beforehand.")
    default = f"{found.recipe}-pretraining"
    if start is not None or default not in RECIPES:
        default = found.recipe
    recipe = get_recipe(recipe, default=default)
    of_weights = plain_arguments(start.entry) if start else {}
    if of_weights.get("modality") in STILL:  # of pictures: the network takes what it takes of clips
        of_weights.pop("modality")
    merged = of_weights | recipe.model_arguments | (arguments or {})
    choosable = "modality" in inspect.signature(found.builder).parameters
    if choosable and any(len(clip.frames) == 1 for clip in clips):
        (still,) = STILL
        merged = {"modality": still} | merged
    return replace(recipe, model_arguments=merged)


def builder_inputs(model: str, recipe: Recipe) -> dict[str, tuple[int, ...]]:
    """Modality -> shape of one sample, of the network that a recipe builds."""
    from merzoo.models import create_model

    try:
        built = create_model(model, **recipe.model_arguments)
    except TypeError as error:
        raise InputError(f"{model} cannot be built so: {error}.") from None
    return {tensor.name: tuple(tensor.shape[1:]) for tensor in built.inputs}


def _card(model, pool: Pool, rows, labels, recipe, training, quick, start) -> dict:
    """Everything needed to rerun, and to tell whether a rerun goes on with the same training."""
    import keras

    from merzoo.versions import package_versions

    rule = "the last epoch's weights"
    if training.validation:
        rule = "the weights of the epoch with the highest accuracy on the validation samples"
        if training.balance:
            rule += ", in which every class counts alike"
    digest = hashlib.sha256(b"".join(np.asarray(r, "<i8").tobytes() for r in rows))
    card = {
        "model": model,
        "model_arguments": recipe.model_arguments,
        "recipe": recipe_as_dict(recipe),
        "training": dataclasses.asdict(training),
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
        },
        "split_fingerprint": digest.hexdigest(),
        "pretrained": None if start is None else start.card(),
        "backend": keras.backend.backend(),
        "versions": package_versions(),
    }
    return json.loads(json.dumps(card))


def _claim(out, card: dict) -> Path:
    """The folder, which is new, empty, or that of the same training."""
    from merzoo.files import write_json

    folder = Path(out or tempfile.mkdtemp(prefix="merzoo-"))
    file = folder / PROTOCOL
    if file.is_file():
        try:
            found = json.loads(file.read_text())
        except ValueError:
            raise InputError(f"{file}: damaged; remove the folder or give another --out.") from None
        for key in card:
            if key not in _MAY_DIFFER and found.get(key) != card[key]:
                raise InputError(
                    f"{folder}: holds another training: its {key} differs. Give another --out, or "
                    f"remove that folder."
                )
    elif folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder}: not empty and not of a training; give another --out.")
    folder.mkdir(parents=True, exist_ok=True)
    write_json(file, card)
    return folder


def _finished(folder: Path, card: dict) -> TrainedWeights:
    import pandas as pd

    content = json.loads((folder / ENTRY).read_text())
    history = pd.read_csv(folder / "history.csv").drop(columns="epoch").to_dict("records")
    return TrainedWeights(folder, WeightsEntry.from_dict(content, folder / ENTRY), history, card)


def _write(folder, final, history, model, pool, rows, labels, recipe, card, start):
    """Weights, history and picture first; `weights.json`, which says that all is there, last."""
    import pandas as pd

    from merzoo.files import write_json
    from merzoo.training.curves import draw_curves
    from merzoo.versions import VERSION

    final.save_weights(folder / WEIGHTS)
    table = pd.DataFrame(history)
    table.insert(0, "epoch", range(1, len(table) + 1))
    table.to_csv(folder / "history.csv", index=False)
    content = (folder / WEIGHTS).read_bytes()
    seen = set(pool.seen()) | set(start.entry.subjects if start else ())
    datasets = set(pool.dataset.tolist()) | set(start.entry.trained_on if start else ())
    entry = WeightsEntry(
        id=f"{model}.{folder.resolve().name}",
        file=WEIGHTS,
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        licence=f"for research; the terms of {', '.join(sorted(datasets))} apply",
        trained_on=tuple(sorted(datasets)),
        subjects=tuple(sorted(seen)),
        classes=pool.classes,
        labels=labels,
        model_arguments=card["model_arguments"],
        protocol=f"{len(rows[0])} samples, {len(history)} of up to {recipe.epochs} epochs"
        f"{' (quick: a thin slice)' if card['quick'] else ''}; {card['selection']}",
        metrics=_metrics(final, pool, rows[1], recipe),
        merzoo_version=VERSION,
    )
    draw_curves(history, folder / "training.png", f"{entry.id}, {recipe.name}")
    write_json(folder / ENTRY, entry.as_dict())
    return TrainedWeights(folder, entry, history, card)


def _metrics(final, pool: Pool, rows, recipe) -> dict:
    """Scores of the kept weights on the validation samples, and what these are."""
    from merzoo.metrics import confusion_matrix, scores
    from merzoo.training.single import predict

    if not len(rows):
        return {}
    predicted = predict(final, pool, rows, recipe.batch_size).argmax(1)
    found = scores(confusion_matrix(pool.label[rows], predicted, len(pool.classes)))
    data = f"{len(rows)} validation samples, on which the epoch was chosen"
    return {f"validation_{name}": value for name, value in found.items()} | {"data": data}

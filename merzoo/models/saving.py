"""One's own trained network as a folder that others take: `merzoo.save_model`."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from merzoo.errors import InputError
from merzoo.files import check_folder, write_json, write_weights
from merzoo.models.registry import create_model
from merzoo.versions import VERSION
from merzoo.weights.entry import ENTRY_FILE, WEIGHTS_FILE, WeightsEntry, size_and_hash
from merzoo.weights.load import load
from merzoo.weights.verify import sample_outputs


def save_model(
    model: Any,
    folder: str | os.PathLike,
    network: str,
    *,
    classes: Sequence[str],
    trained_on: Sequence[str],
    subjects: Sequence[str],
    licence: str,
    labels: str = "classes of its own",
    arguments: dict | None = None,
    preprocessing: dict | None = None,
    protocol: str = "",
    metrics: dict | None = None,
) -> WeightsEntry:
    """Writes a network that you trained yourself, with Keras' own `fit` for one, to be shared.

    The folder holds the weights and a `weights.json` that says what they are.
    `merzoo.create_model(network, weights=FOLDER)`, `merzoo.load_model(FOLDER)`, `merzoo predict`
    and `merzoo.transfer` take it, here or, wherever its two files are put, as
    `hf://OWNER/REPOSITORY` or `https://HOST/FOLDER`. `merzoo.train` and `merzoo.pretrain` leave
    such a folder themselves.

    Args:
        model: a trained `keras.Model` that `merzoo.create_model(network, ...)` made.
        folder: to write; its name becomes the tag of the weights.
        network: name of the variant, such as `"ststnet"`.
        classes: names of its outputs, in order.
        trained_on: names of the data, such as `["casme2"]`.
        subjects: every `"dataset/subject"` that training or the choice of an epoch has seen, so
            that nobody tests on them; `"casme2/*"` for all of a set, or where they are unknown.
        licence: terms of use, one line.
        labels: name of the label map.
        arguments: of the builder, besides `classes`.
        preprocessing: choices of `merzoo.preprocessing.parameters` other than the defaults.
        protocol: how it was trained and chosen, one line.
        metrics: name -> value on people never trained on, with what these were.

    Returns:
        What was written, as a `WeightsEntry`.

    Raises:
        InputError: for a folder that holds something, a network that is no such variant with these
            arguments, or facts that are missing.

    Example:

    >>> import tempfile
    >>> import merzoo
    >>> model = merzoo.create_model("ststnet", classes=2)
    >>> folder = Path(tempfile.mkdtemp()) / "mine"
    >>> found = merzoo.save_model(model, folder, "ststnet", classes=["no", "yes"], subjects=["a/*"],
    ...                           trained_on=["a"], licence="CC BY 4.0")
    >>> merzoo.load_model(folder).output_shape, merzoo.class_names(folder)
    ((None, 2), ('no', 'yes'))
    """
    place = Path(folder)
    check_folder(place, file=ENTRY_FILE)
    if (place / ENTRY_FILE).exists():
        raise InputError(f"{place}: holds weights already; name a folder that is empty or new.")
    for name, value in {"classes": classes, "trained_on": trained_on, "subjects": subjects}.items():
        if isinstance(value, str) or not value:
            raise InputError(f"{name}={value!r}: give a list of names, at least one.")
    if not licence.strip():
        raise InputError("licence: say in one line by which terms the weights may be used.")
    arguments = dict(arguments or {})
    again = create_model(network, classes=len(classes), **arguments)
    place.mkdir(parents=True, exist_ok=True)
    try:
        write_weights(place / WEIGHTS_FILE, model)
        load(again, place / WEIGHTS_FILE)  # what others will do
    except InputError:
        (place / WEIGHTS_FILE).unlink(missing_ok=True)
        raise InputError(
            f"the model is no {network} with classes={len(classes)} and arguments={arguments}: "
            "give the arguments that it was made with."
        ) from None
    size, digest = size_and_hash(place / WEIGHTS_FILE)
    entry = WeightsEntry(
        id=f"{network}.{place.resolve().name}",
        file=WEIGHTS_FILE,
        sha256=digest,
        bytes=size,
        licence=licence,
        trained_on=tuple(trained_on),
        subjects=tuple(subjects),
        classes=tuple(classes),
        labels=labels,
        model_arguments=arguments,
        protocol=protocol,
        metrics=dict(metrics or {}),
        merzoo_version=VERSION,
        preprocessing=dict(preprocessing or {}),
        golden=tuple(float(value) for value in sample_outputs(again)),
    )
    entry = WeightsEntry.from_dict(entry.as_dict(), "what was said of the weights")
    write_json(place / ENTRY_FILE, entry.as_dict())
    return entry

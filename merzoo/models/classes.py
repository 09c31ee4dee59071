"""Names of what a network puts out: `merzoo.class_names`, `merzoo.decode_predictions`."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from merzoo.data.labels import LABEL_MAPS
from merzoo.errors import InputError, unknown
from merzoo.weights.entry import ENTRY_FILE, read_entry
from merzoo.weights.load import shared_folder
from merzoo.weights.manifest import entries


def class_names(place: str | os.PathLike) -> tuple[str, ...]:
    """Names of the classes, in the order of a network's outputs.

    Args:
        place: an id of `merzoo.list_models(weights=True)`, the folder or address of a training run,
            or the name of a label map, such as `"megc3"`.

    Raises:
        InputError: if it is none of them.

    Example:

    >>> class_names("ststnet.synthetic")
    ('negative', 'positive', 'surprise')
    """
    folder = shared_folder(place)
    if folder is not None:
        return read_entry(folder / ENTRY_FILE).classes
    known = {entry.id: entry.classes for entry in entries()}
    known |= {name: found.classes for name, found in LABEL_MAPS.items()}
    if str(place) not in known:
        raise unknown("classes of", str(place), known)
    return tuple(known[str(place)])


def decode_predictions(
    predictions: Any, classes: str | os.PathLike | Sequence[str], top: int = 3
) -> list[list[tuple[str, float]]]:
    """Names and probabilities of the most probable classes, as `keras.applications` give them.

    Args:
        predictions: (N, K) probabilities, of `model.predict`.
        classes: their K names, or what `class_names` takes.
        top: how many of each sample.

    Returns:
        For each sample the `top` of (name, probability), the most probable first.

    Raises:
        InputError: for another shape or number.

    Example:

    >>> decode_predictions(np.array([[0.1, 0.7, 0.2]]), "megc3", top=2)
    [[('positive', 0.7), ('surprise', 0.2)]]
    """
    names = class_names(classes) if isinstance(classes, str | os.PathLike) else tuple(classes)
    rows = np.asarray(predictions)
    if rows.ndim != 2 or rows.shape[1] != len(names):
        raise InputError(
            f"predictions of shape {rows.shape}: {len(names)} classes ({', '.join(names)}) need "
            f"(N, {len(names)})."
        )
    if top < 1:
        raise InputError(f"top={top}: give a whole number from 1.")
    order = np.argsort(-rows, axis=1, kind="stable")[:, :top]
    return [[(names[k], float(row[k])) for k in of] for row, of in zip(rows, order, strict=True)]

"""A label map applied to samples that came as arrays: their classes become those of the map.

Arrays bring classes of their own, so a map is only applied where one was asked for. It reads the
names of the classes as it reads the labels of clips, data set by data set.
"""

import warnings
from collections import Counter
from dataclasses import replace

import numpy as np

from merzoo.data.action_units import ACTION_UNITS
from merzoo.data.labels import LabelMap, emotion, label_map
from merzoo.data.unit_labels import (
    chosen_units,
    combination,
    in_order,
    is_unit_labels,
    units_in,
)
from merzoo.errors import InputError
from merzoo.preprocessing.arrays import Arrays


def relabel(data: Arrays, labels: str | LabelMap | None) -> Arrays:
    """Samples in the classes of a label map.

    Args:
        data: samples, whose classes are taken as annotated labels.
        labels: name of a label map, or a `LabelMap`; `None` and `"annotated"` keep the classes as
            they are; `"action_units"` (`merzoo.data.unit_labels`) takes the units that the classes
            name, or else those of the modality `action_units`.

    Returns:
        The same object where nothing changes; else new arrays, without the samples that the map
        leaves out. How many of which class were left out is warned of and stands in the notes of
        `Arrays.preparation`.

    Raises:
        InputError: for an unknown map, a class that the map does not know for its data set, or
            where no sample is left.

    Example:

    >>> data = Arrays({}, [0, 1, 1], ["s"] * 3, ["casme2"] * 3, list("abc"), ("disgust", "happy"))
    >>> found = relabel(data, "megc3")
    >>> found.classes, found.label.tolist()
    (('negative', 'positive', 'surprise'), [0, 1, 1])
    """
    if labels is None or labels == "annotated":
        return data
    if is_unit_labels(labels):
        return _in_units(data, str(labels))
    chosen = label_map(labels) if isinstance(labels, str) else labels
    if data.classes == chosen.classes:
        return data
    pairs = list(zip(data.dataset.tolist(), data.label.tolist(), strict=True))
    to = {pair: _class_of(data, *pair, chosen) for pair in dict.fromkeys(pairs)}
    rows = [row for row, pair in enumerate(pairs) if to[pair] is not None]
    if not rows:
        raise InputError(
            f"{data.source}: no sample is left under the label map {chosen.name!r}; choose another."
        )
    out = Counter(f"{d}/{data.classes[k]}" for d, k in pairs if to[d, k] is None)
    preparation = data.preparation
    if out:
        left = ", ".join(f"{count} {name}" for name, count in sorted(out.items()))
        note = f"left out by the label map {chosen.name}: {left}."
        warnings.warn(f"{data.source}: {note}", stacklevel=3)
        preparation = preparation | {"notes": [*preparation.get("notes", []), note]}
        data = data.take(np.array(rows))
    label = np.array([to[pairs[row]] for row in rows], np.int64)
    return replace(data, label=label, classes=chosen.classes, preparation=preparation)


def _in_units(data: Arrays, labels: str) -> Arrays:
    """The samples in combinations of the action units that are scored."""
    held = data.modalities.get("action_units")
    try:
        of_classes = [units_in(name) for name in data.classes]
        shown = [of_classes[label] for label in data.label]
    except InputError:
        if held is None:
            raise InputError(
                f"{data.source}: says of no sample which action units it shows: give a modality "
                f"'action_units' (N, {len(ACTION_UNITS)}), or classes such as 'AU4+AU12' and "
                f"'none'; these are {', '.join(data.classes)}."
            ) from None
        flags = np.asarray(held) > 0.5  # without intensities
        shown = [dict.fromkeys(np.array(ACTION_UNITS)[row].tolist(), np.nan) for row in flags]
    scored, note = chosen_units(shown, data.subject.tolist(), labels)
    names = [combination(units or {}) for units in scored]
    classes = in_order(names)
    label = np.array([classes.index(name) for name in names], np.int64)
    told = data.preparation | {"notes": [*data.preparation.get("notes", []), note]}
    return replace(data, label=label, classes=classes, preparation=told)


def _class_of(data: Arrays, dataset: str, label: int, chosen: LabelMap) -> int | None:
    """The number of a class of one data set under the map; `None` where the map leaves it out."""
    name = data.classes[label]
    own = [k for k, known in enumerate(chosen.classes) if known.casefold() == name.casefold()]
    if own and set(data.classes) <= set(chosen.classes):  # in the map's classes already
        return own[0]
    table = chosen.table(dataset)
    if emotion(name) not in table:
        raise InputError(
            f"{data.source}: the label map {chosen.name!r} cannot be applied: its class {name!r} "
            f"is none that the map knows for {dataset}. Leave the map out to take the classes as "
            f"they are."
        )
    found = table[emotion(name)]
    return None if found is None else chosen.classes.index(found)

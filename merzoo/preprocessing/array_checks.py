"""What is checked when samples come in as arrays: names, labels, shapes and values.

Every function takes `source`, which names the file or object in its message, and raises
`InputError`.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from merzoo.errors import InputError
from merzoo.limits import MOST_CLASSES, check_names, shown
from merzoo.modalities import MODALITIES


def as_array(source: str, name: str, values) -> np.ndarray:
    """Values as one array; rows of different lengths are none.

    >>> as_array("data", "flow", [[1, 2], [3, 4]]).shape
    (2, 2)
    """
    if isinstance(values, np.ndarray):
        return values
    try:
        return np.asarray(values)
    except (ValueError, TypeError) as error:
        raise InputError(f"{source}: {name!r} is no array of numbers ({error}).") from None


def texts(source: str, name: str, values) -> np.ndarray:
    """Names as an array of text: (N,), or a single text as it is.

    Args:
        source: of the message.
        name: of the column.
        values: text, bytes of UTF-8, or whole numbers; a gap (None, NaN) is no name.

    >>> texts("data", "subject", [1, "s2"]).tolist(), texts("data", "clip", [b"a"]).tolist()
    (['1', 's2'], ['a'])
    """
    array = values if isinstance(values, np.ndarray) else None
    if array is not None and array.ndim > 1:
        raise InputError(f"{source}: {name!r} must be a list of names, got shape {array.shape}.")
    if array is None or array.dtype.kind in "OSf":
        if array is not None:
            rows = np.atleast_1d(array).tolist()
        elif isinstance(values, Iterable) and not isinstance(values, str | bytes):
            rows = list(values)
        else:
            rows = [values]
        rows = [_text(source, name, place, row) for place, row in enumerate(rows)]
        check_names(name, rows, source)  # before one long name makes all of them as long
        array = np.asarray(rows, str)
    elif array.dtype.kind != "U":
        array = array.astype(str)
    check_names(name, np.atleast_1d(array).ravel().tolist(), source)
    return array


def _text(source: str, name: str, place: int, value) -> str:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise InputError(f"{source}: {name!r} of sample {place} is not UTF-8.") from None
    if isinstance(value, str):
        return value
    if value is None or value != value or isinstance(value, Mapping | list | tuple | np.ndarray):
        raise InputError(f"{source}: {name!r} of sample {place} is {value!r}, not one name.")
    return str(value)


def whole_numbers(source: str, name: str, values) -> np.ndarray:
    """(N,) int64 labels.

    >>> whole_numbers("data", "label", np.array([0, 2], "uint8")).dtype
    dtype('int64')
    """
    array = as_array(source, name, values)
    if array.size == 0:
        raise InputError(f"{source}: holds no samples.")
    if array.ndim != 1 or not np.issubdtype(array.dtype, np.integer):
        raise InputError(
            f"{source}: {name!r} must be one whole number a sample, from 0; "
            f"got {array.dtype} {array.shape}."
        )
    if array.max() > np.iinfo(np.int64).max:
        raise InputError(f"{source}: {name!r} holds {array.max()}, which numbers no class.")
    return array.astype(np.int64)


def numbered_classes(source: str, label: np.ndarray) -> tuple[str, ...]:
    """Names for the classes of labels that come without: `class 0`, `class 1`, ...

    >>> numbered_classes("data", np.array([0, 1, 1]))
    ('class 0', 'class 1')
    """
    most = int(label.max())
    if most >= MOST_CLASSES:
        raise InputError(
            f"{source}: 'label' goes up to {most}; without 'classes' it numbers the classes from "
            f"0, and {MOST_CLASSES} are the most. If these are ids, number them 0, 1, ... and save "
            "their names as 'classes'."
        )
    return tuple(f"class {k}" for k in range(most + 1))


def check_lengths(source: str, size: int, fields: Mapping[str, np.ndarray]) -> None:
    """Refuses arrays that do not hold one row a sample, and empty names."""
    for name, array in fields.items():
        column = name in ("subject", "dataset", "clip")
        if array.shape[:1] != (size,) or (column and array.ndim != 1):
            raise InputError(
                f"{source}: {name!r} has shape {array.shape}, but there are {size} labels."
            )
        if column:
            empty = [i for i, text in enumerate(array.tolist()) if not text.strip()]
            if empty:
                raise InputError(f"{source}: sample {empty[0]} has an empty {name!r}.")


def check_labels(source: str, label: np.ndarray, clip: np.ndarray, classes: int) -> None:
    """Refuses labels that number none of the classes."""
    bad = np.flatnonzero((label < 0) | (label >= classes))
    if bad.size:
        i = int(bad[0])
        raise InputError(
            f"{source}: sample {i} (clip {clip[i]}) has label {label[i]}, but the "
            f"{classes} classes are numbered 0..{classes - 1}."
        )


def check_clips(source: str, dataset: np.ndarray, clip: np.ndarray) -> None:
    """Refuses a clip that stands twice in its data set."""
    seen: dict[tuple, int] = {}
    for i, key in enumerate(zip(dataset.tolist(), clip.tolist(), strict=True)):
        if key in seen:
            raise InputError(
                f"{source}: clip {key[1]!r} of {key[0]!r} stands twice, in samples "
                f"{seen[key]} and {i}."
            )
        seen[key] = i


def check_fitted(source: str, names: Iterable[str]) -> None:
    """Refuses `fitted_on` that names no person of any data set."""
    for name in names:
        dataset, _, person = name.partition("/")
        if not dataset.strip() or not person.strip():
            raise InputError(
                f"{source}: 'fitted_on' names {shown(name)}, which is nobody; write "
                "dataset/subject, or a pattern such as casme2/*."
            )


def check_modality(source: str, name: str, array: np.ndarray, clip: np.ndarray) -> None:
    """Refuses samples of a wrong shape or type, and values that are no measurements."""
    if name not in MODALITIES:
        raise InputError(f"{source}: {name!r} is no modality; use {sorted(MODALITIES)}.")
    row = MODALITIES[name]
    if array.dtype.kind not in "uif":
        raise InputError(f"{source}: {name!r} must be numeric, got {array.dtype}.")
    if array.ndim - 1 not in row.ranks or 0 in array.shape:
        axes = " or ".join(map(str, row.ranks))
        raise InputError(
            f"{source}: one sample of {name!r} must have {axes} axes, got shape {array.shape[1:]}."
        )
    least, most = row.usable(array.shape[1:])
    for i in range(len(array)):  # one sample at a time: constant memory on a memory map
        low, high = array[i].min(), array[i].max()
        if not (np.isfinite(low) and np.isfinite(high)):
            raise InputError(
                f"{source}: {name!r} of sample {i} (clip {clip[i]}) holds NaN or infinity."
            )
        if low < least or high > most:
            raise InputError(
                f"{source}: {name!r} of sample {i} (clip {clip[i]}) holds "
                f"{float(low if low < least else high):g}; values from {least:g} to {most:g} are "
                f"read as {row.about or row.kind}."
            )

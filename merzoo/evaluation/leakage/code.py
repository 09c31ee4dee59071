"""Code that is run during training and can reach test samples: callbacks and builders of models.

What it refers to (`merzoo.evaluation.leakage.walk`) is compared with the tested samples, up to a
change of scale and offset, with their labels, and with the names of samples and people.
"""

import hashlib
from collections.abc import Iterator, Mapping

import numpy as np

from merzoo.evaluation.leakage.findings import Finding, Sides, some
from merzoo.evaluation.leakage.told import Told
from merzoo.evaluation.leakage.walk import as_array, reachable

_LABELS = 6  # as many in a row are no coincidence, if they are of two classes
_NAMES = 3  # as many short names are no coincidence, if most of the keys are such
_ANSWERS = 64  # numbers a sample that may be answers; more are features


def reachable_test_samples(sides: Sides, things: dict[str, object]) -> tuple[list[Finding], dict]:
    """Findings for objects that refer to tested samples, their labels, or what is known of them.

    Args:
        sides: of the split.
        things: what it is called -> object.

    Returns:
        The findings, and place -> array of numbers, for `history.class_priors` and
        `fitted.fitted_constants`.
    """
    samples, labels, names = _Samples(sides), _Labels(sides), _Names(sides)
    numbers: dict[str, np.ndarray] = {}
    held: dict[str, tuple[list[str], set[int]]] = {}
    for where, value in reachable(things):
        if isinstance(value, str):
            found = [("the file of the test samples", _names_source(value, sides))]
        elif isinstance(value, Mapping):
            found = list(names.known(value, labels))
        else:
            rows = samples.rows_of(value)
            found = [("test samples", rows)]
            if not rows.size:
                found = [("labels of test samples", labels.rows_of(value))]
            if value.dtype.kind in "uif":
                numbers[where] = value
        for what, rows in found:
            if len(rows):
                places, all_rows = held.setdefault(what, ([], set()))
                places.append(where)
                all_rows.update(np.asarray(rows).tolist())
    return [_finding(sides, what, *found) for what, found in held.items()], numbers


def _finding(sides: Sides, what: str, places: list[str], rows: set[int]) -> Finding:
    message = (
        f"{some(places)} holds {what} ({len(rows)}). What runs during training must not reach "
        f"them: take them out."
    )
    return Finding("code holds test samples", "error", message, sides.names(sorted(rows)))


class _Samples:
    """Looks up whether the rows of an array are tested samples."""

    def __init__(self, sides: Sides):
        self.sides = sides
        self._rows: dict[str, dict[bytes, int]] = {}

    def rows_of(self, array: np.ndarray) -> np.ndarray:
        found: set[int] = set()
        if array.dtype.kind in "uif" and array.size >= 16:
            for name, samples in self.sides.data.modalities.items():
                for rows in _rows_like(array, samples.shape[1:]):
                    known = self._known(name, samples)
                    numbers = (known.get(_digest(row)) for row in rows)
                    found |= {number for number in numbers if number is not None}
        return np.array(sorted(found), int)

    def _known(self, name, samples) -> dict[bytes, int]:
        if name not in self._rows:
            tested = np.flatnonzero(self.sides.tested)
            self._rows[name] = {_digest(np.ravel(samples[i])): int(i) for i in tested}
            self._rows[name].pop(_digest(np.zeros(1)), None)
        return self._rows[name]


def _rows_like(array: np.ndarray, shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    """(M, size) an array as samples of a shape, where it can be that: samples along its leading
    axes, perhaps flattened, or the bytes of such."""
    size = int(np.prod(shape))
    if size < 16:
        return
    if array.size % size == 0 and (
        array.ndim == 1 or array.shape[-len(shape) :] == shape or array.shape[-1] == size
    ):
        yield array.reshape(-1, size)
    if array.dtype == np.uint8 and array.ndim == 1 and array.size % (4 * size) == 0:
        floats = array.view("float32")
        if np.isfinite(floats).all():
            yield floats.reshape(-1, size)


def _digest(row: np.ndarray) -> bytes:
    """Of the values of a sample, whatever their scale and offset."""
    row = np.asarray(row, "float64").ravel()
    low, high = row.min(), row.max()
    if not low < high:
        return b"constant"
    steps = np.rint((row - low) / (high - low) * 200.3).astype("int16")
    return hashlib.blake2b(steps.tobytes(), digest_size=16).digest()


class _Labels:
    """Looks up whether numbers or texts are, or tell, labels of tested samples: of all samples, of
    those of one fold, or of the folds one after another."""

    def __init__(self, sides: Sides):
        self.data, everything = sides.data, np.arange(len(sides.data))
        tests = [fold.test for fold in sides.folds]
        parts = [everything, np.flatnonzero(sides.tested), np.concatenate([*tests, []]), *tests]
        kept = {part.astype(int).tobytes(): part.astype(int) for part in parts if self._tell(part)}
        self.parts = list(kept.values())
        self.tested = sides.tested
        self._told: dict[bytes, Told] = {}

    def _tell(self, rows) -> bool:
        rows = rows.astype(int)
        return len(rows) >= _LABELS and len(set(self.data.label[rows].tolist())) > 1

    def rows_of(self, array: np.ndarray) -> np.ndarray:
        """Rows of tested samples whose labels an array holds or tells."""
        if array.ndim not in (1, 2) or (array.ndim == 2 and array.shape[1] > _ANSWERS):
            return np.array([], int)
        for rows in self.parts:
            if len(rows) == len(array) and self.tell(array, rows):
                return rows[self.tested[rows]]
        return np.array([], int)

    def tell(self, array: np.ndarray, rows: np.ndarray) -> bool:
        """Whether numbers or texts, one or several for each of some samples, tell their classes."""
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            return False
        label = self.data.label[rows]
        if array.ndim == 1 and array.dtype.kind in "uif" and np.array_equal(array, label):
            return True
        if array.dtype.kind == "U":
            array = np.unique(array, return_inverse=True)[1].reshape(array.shape)
        array = array.reshape(len(array), -1)
        if array.dtype.kind not in "uif":
            return False
        told = self._of(rows)
        varied = array[:, (array != array[:1]).any(0)]
        if array.shape[1] == len(self.data.classes) and (
            np.array_equal(array.argmax(1), label) or told.agrees(array)
        ):
            return True
        return bool(varied.shape[1] and told.by_values(varied))

    def _of(self, rows) -> Told:
        key = rows.tobytes()
        if key not in self._told:
            self._told[key] = Told(self.data.label[rows], self.data.subject[rows])
        return self._told[key]


class _Names:
    """Looks up what is kept by the names of tested samples or people."""

    def __init__(self, sides: Sides):
        data, tested = sides.data, np.flatnonzero(sides.tested)
        self.long: dict[str, list[int]] = {}
        self.short: dict[str, list[int]] = {}
        self.clips: dict[str, int] = {}
        for i in tested.tolist():
            subject, clip = str(data.subject[i]), str(data.clip[i])
            for name in {subject, str(sides.ids[i])}:
                self.long.setdefault(name, []).append(i)
            for name in {subject.partition("/")[2], clip, clip.rpartition("/")[2]}:
                self.short.setdefault(name, []).append(i)
            self.clips |= {str(sides.ids[i]): i, clip: i}

    def known(self, table: Mapping, labels: _Labels) -> Iterator[tuple[str, np.ndarray]]:
        """(what, rows) that a mapping keeps for tested samples or people."""
        rows = self._keyed(table)
        if rows:
            yield "something for each of some tested people or samples by name", np.array(rows)
        elif table and all(isinstance(key, int | np.integer) for key in table):
            values = as_array([table[key] for key in sorted(table)])
            if values is not None and sorted(table) == list(range(len(table))):
                yield "labels of test samples", labels.rows_of(values)
        yield "labels of test samples", self._columns(table, labels)

    def _keyed(self, table: Mapping) -> list[int]:
        keys = [key for key in table if isinstance(key, str)]
        known = [key for key in keys if key in self.long]
        short = [key for key in keys if key in self.short]
        if len(short) >= max(_NAMES, len(table) / 2):
            known += short
        values = {_print(table[key]) for key in known}
        if len(values) < 2 and not (len(known) == 1 and len(table) == 1 and table[known[0]]):
            return []
        return sorted({i for key in known for i in self.long.get(key, self.short.get(key, []))})

    def _columns(self, table: Mapping, labels: _Labels) -> np.ndarray:
        """Rows whose labels a column of a table tells, another column of which holds names."""
        columns = {str(name): as_array(part) for name, part in table.items() if _is_column(part)}
        for names in columns.values():
            if names is None or names.dtype.kind != "U" or names.ndim != 1:
                continue
            rows = np.array([self.clips.get(name, -1) for name in names.tolist()])
            known = rows >= 0
            if known.sum() < _LABELS or len(set(labels.data.label[rows[known]].tolist())) < 2:
                continue
            for other in columns.values():
                if other is not None and other is not names and other.shape[:1] == names.shape:
                    part = other[known]
                    few = part.ndim < 3 and part[0].size <= _ANSWERS
                    if few and labels.tell(part, rows[known]):
                        return rows[known]
        return np.array([], int)


def _is_column(value) -> bool:
    return hasattr(value, "shape") or isinstance(value, list | tuple)


def _print(value) -> str:
    array = as_array(value)
    return repr(value)[:200] if array is None else f"{array.shape}{array.tobytes()!r}"


def _names_source(text: str, sides: Sides) -> np.ndarray:
    source = sides.data.source
    if source.endswith(".npz") and text and text in source.split(" + "):
        return np.flatnonzero(sides.tested)
    return np.array([], int)

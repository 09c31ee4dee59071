"""Code that is run during training and can reach test samples: callbacks and builders of models.

Everything that an object refers to is followed: attributes, containers, what functions close over,
their defaults and the globals that they name, `tf.data` datasets. Arrays on the way are compared
with the tested samples, up to a change of scale and offset, and with their labels.
"""

import hashlib
import itertools
import types
from collections.abc import Iterator, Mapping

import numpy as np

from merzoo.evaluation.leakage.findings import Finding, Sides
from merzoo.preprocessing.arrays import Arrays

_DEPTH, _OBJECTS, _BATCHES = 8, 20_000, 64
_LIBRARIES = (
    "numpy",
    "keras",
    "tensorflow",
    "jax",
    "jaxlib",
    "torch",
    "sklearn",
    "scipy",
    "pandas",
)
_OWN = ("builtins", "merzoo", "collections", "functools", "os", "pathlib", "logging", "threading")
_LABELS = 6  # as many in a row are no coincidence, if they are of two classes


def reachable_test_samples(sides: Sides, things: dict[str, object]) -> tuple[list[Finding], dict]:
    """Findings for objects that refer to tested samples, labels, or the file that they lie in.

    Args:
        sides: of the split.
        things: what it is called -> object.

    Returns:
        The findings, and place -> vector of one number a class, for `history.class_priors`.
    """
    samples, labels = _Samples(sides), _Labels(sides)
    vectors, held = {}, {}
    for place, thing in things.items():
        for where, value in _reachable(place, thing):
            if isinstance(value, str):
                rows, what = _names_source(value, sides), "the file of the test samples"
            else:
                rows, what = samples.rows_of(value), "test samples"
                if not rows.size:
                    rows, what = labels.rows_of(value), "labels of test samples"
                if value.ndim == 1 and len(value) == len(sides.data.classes):
                    vectors[where] = value
            if rows.size:
                held.setdefault((place, what), (where, set()))[1].update(rows.tolist())
    return [_finding(sides, what, *found) for (_, what), found in held.items()], vectors


def _finding(sides: Sides, what: str, where: str, rows: set[int]) -> Finding:
    message = (
        f"{where} holds {what} ({len(rows)}). What runs during training must not reach them: take "
        f"them out."
    )
    return Finding("code holds test samples", "error", message, sides.names(sorted(rows)))


class _Samples:
    """Looks up whether the rows of an array are tested samples."""

    def __init__(self, sides: Sides):
        self.sides = sides
        self._rows: dict[tuple, dict[bytes, int]] = {}

    def rows_of(self, array: np.ndarray) -> np.ndarray:
        if array.dtype.kind not in "uif" or array.size < 16:
            return np.array([], int)
        found: set[int] = set()
        for name, samples in self.sides.data.modalities.items():
            shape = samples.shape[1:]
            size = int(np.prod(shape))
            if size >= 16 and array.size % size == 0 and _fits(array.shape, shape):
                known = self._known(name, samples)
                rows = (known.get(_digest(row)) for row in array.reshape(-1, size))
                found |= {row for row in rows if row is not None}
        return np.array(sorted(found), int)

    def _known(self, name, samples) -> dict[bytes, int]:
        if name not in self._rows:
            tested = np.flatnonzero(self.sides.tested)
            self._rows[name] = {_digest(np.ravel(samples[i])): int(i) for i in tested}
            self._rows[name].pop(_digest(np.zeros(1)), None)
        return self._rows[name]


def _fits(shape: tuple[int, ...], sample: tuple[int, ...]) -> bool:
    """Whether an array is one sample, or samples along its leading axes, perhaps flattened."""
    size = int(np.prod(sample))
    return shape[-len(sample) :] == sample or shape[-1] == size


def _digest(row: np.ndarray) -> bytes:
    """Of the values of a sample, whatever their scale and offset."""
    row = np.asarray(row, "float64").ravel()
    low, high = row.min(), row.max()
    if not low < high:
        return b"constant"
    steps = np.rint((row - low) / (high - low) * 200.3).astype("int16")
    return hashlib.blake2b(steps.tobytes(), digest_size=16).digest()


class _Labels:
    """Looks up whether a vector is the labels of the tested samples of a fold, or of all."""

    def __init__(self, sides: Sides):
        self.data, everything = sides.data, np.arange(len(sides.data))
        tests = [fold.test for fold in sides.folds]
        self.parts = [p for p in [everything, *tests] if self._tell(p)]

    def _tell(self, rows) -> bool:
        return len(rows) >= _LABELS and len(set(self.data.label[rows].tolist())) > 1

    def rows_of(self, array: np.ndarray) -> np.ndarray:
        if array.ndim == 2 and array.shape[1] == len(self.data.classes) and self._one_hot(array):
            array = array.argmax(1)
        if array.ndim == 1 and array.dtype.kind in "ui":
            for rows in self.parts:
                if len(rows) == len(array) and np.array_equal(array, self.data.label[rows]):
                    return rows
        return np.array([], int)

    @staticmethod
    def _one_hot(array) -> bool:
        return array.dtype.kind in "uif" and bool(
            np.isin(array, (0, 1)).all() and (array.sum(1) == 1).all()
        )


def _names_source(text: str, sides: Sides) -> np.ndarray:
    source = sides.data.source
    if source.endswith(".npz") and text and text in source.split(" + "):
        return np.flatnonzero(sides.tested)
    return np.array([], int)


def _reachable(place: str, thing) -> Iterator[tuple[str, np.ndarray | str]]:
    """(where, array or text) of everything that an object refers to."""
    todo, seen = [(place, thing, 0)], set()
    while todo and len(seen) < _OBJECTS:
        where, value, depth = todo.pop()
        if id(value) in seen or value is None or isinstance(value, bool | int | float | bytes):
            continue
        seen.add(id(value))
        array = _as_array(value)
        if array is not None:
            yield where, array
        elif isinstance(value, str):
            yield where, value
        elif depth < _DEPTH:
            todo += [(f"{where}{step}", part, depth + 1) for step, part in _parts(value)]


def _as_array(value) -> np.ndarray | None:
    if isinstance(value, np.ndarray):
        return value if value.dtype.kind in "uifb" else None
    if isinstance(value, list | tuple) and value and all(isinstance(v, int | float) for v in value):
        return np.asarray(value)
    if isinstance(value, Mapping) and value and all(isinstance(v, float) for v in value.values()):
        return np.asarray(list(value.values()))  # such as class_weight={0: 0.8, 1: 1.3}
    library = type(value).__module__.partition(".")[0]
    if library in ("tensorflow", "jax", "jaxlib", "torch", "pandas") and hasattr(value, "shape"):
        try:
            array = np.asarray(value.detach().cpu() if library == "torch" else value)
        except (TypeError, ValueError, NotImplementedError, AttributeError):
            return None
        return array if array.dtype.kind in "uifb" else None
    return None


def _parts(value) -> Iterator[tuple[str, object]]:
    """(step, object) of what an object refers to, one step on."""
    if isinstance(value, Arrays):
        yield from ((f".{name}", part) for name, part in vars(value).items())
        return
    if isinstance(value, Mapping):
        yield from ((f"[{key!r}]", part) for key, part in value.items())
    elif isinstance(value, list | tuple | set | frozenset):
        yield from ((f"[{i}]", part) for i, part in enumerate(value))
    elif isinstance(value, types.FunctionType):
        yield from _parts_of_function(value)
    elif isinstance(value, types.MethodType):
        yield from ((".__self__", value.__self__), ("()", value.__func__))
    elif _is_dataset(value):
        yield from _batches(value)
    elif not isinstance(value, type | types.ModuleType) and not _is_network(value):
        if hasattr(value, "func") and hasattr(value, "args"):  # functools.partial
            yield from ((f".{n}", getattr(value, n)) for n in ("func", "args", "keywords"))
        yield from ((f".{name}", part) for name, part in getattr(value, "__dict__", {}).items())
        yield from _parts_of_class(type(value))


def _parts_of_function(function) -> Iterator[tuple[str, object]]:
    code = function.__code__
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield f"() {name}", cell.cell_contents
        except ValueError:  # not filled yet
            continue
    yield "() defaults", [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    module = function.__module__ or ""
    if module.partition(".")[0] not in (*_LIBRARIES, *_OWN):
        for name in sorted(_global_names(code)):
            if name in function.__globals__:
                yield f"() {name}", function.__globals__[name]


def _global_names(code) -> set[str]:
    inner = (c for c in code.co_consts if isinstance(c, types.CodeType))
    return set(code.co_names).union(*(_global_names(c) for c in inner))


def _parts_of_class(kind: type) -> Iterator[tuple[str, object]]:
    """What a user's class itself holds, and what its methods name."""
    for base in kind.__mro__:
        if base.__module__.partition(".")[0] in (*_LIBRARIES, *_OWN):
            continue
        for name, part in vars(base).items():
            if isinstance(part, staticmethod | classmethod):
                part = part.__func__
            if not name.startswith("__") or isinstance(part, types.FunctionType):
                yield f".{name}", part


def _is_dataset(value) -> bool:
    return any(base.__name__ == "DatasetV2" for base in type(value).__mro__)


def _batches(dataset) -> Iterator[tuple[str, object]]:
    batches = itertools.islice(dataset.as_numpy_iterator(), _BATCHES)
    yield from ((f" batch {i}", batch) for i, batch in enumerate(batches))


def _is_network(value) -> bool:
    """Models, layers, optimizers and variables: their numbers come from training."""
    return any(
        base.__module__.startswith(("keras.src", "torch.nn", "tensorflow"))
        and base.__name__
        in ("Layer", "Operation", "Optimizer", "BaseOptimizer", "Variable", "Module")
        for base in type(value).__mro__
    )

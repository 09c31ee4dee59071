"""One walk over everything that callbacks, builders and arguments refer to.

Attributes, containers, what functions close over, their defaults, the texts in their code and the
globals that they name, `tf.data` datasets, and files that a text or path names
(`merzoo.evaluation.leakage.files`) are followed; every object is visited once.
"""

import itertools
import types
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from merzoo.evaluation.leakage.files import is_data_file, parts_of_file
from merzoo.preprocessing.arrays import Arrays

_DEPTH, _OBJECTS, _BATCHES = 8, 50_000, 64
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
    "h5py",
)
_OWN = ("builtins", "merzoo", "collections", "functools", "os", "pathlib", "logging", "threading")


def reachable(things: dict[str, object]) -> Iterator[tuple[str, np.ndarray | str | Mapping]]:
    """(where, object) of every array of numbers or texts, text and mapping that things refer to.

    Lists of numbers or texts come as arrays, tables as mappings of their columns.

    Args:
        things: what it is called -> object.

    Example:

    >>> list(reachable({"callback": {"file": "a.txt", "shares": [0.5, 0.25]}}))[1:]
    [("callback['shares']", array([0.5 , 0.25])), ("callback['file']", 'a.txt')]
    """
    todo = [(place, thing, 0) for place, thing in reversed(things.items())]
    seen: dict[int, object] = {}  # kept, so that no two objects share a number
    while todo and len(seen) < _OBJECTS:
        where, value, depth = todo.pop()
        if id(value) in seen or value is None or isinstance(value, bool | complex):
            continue
        seen[id(value)] = value
        array = as_array(value)
        if array is not None:
            yield where, array
            if array.dtype.kind == "U":
                todo += [(where, text, depth + 1) for text in array.ravel().tolist()[:_BATCHES]]
            continue
        if isinstance(value, str | Mapping) or _is_table(value):
            if not isinstance(value, str | Mapping):
                value = {name: value[name] for name in value.columns}  # type: ignore[attr-defined, index]
            yield where, value
        if depth < _DEPTH:
            todo += [(f"{where}{step}", part, depth + 1) for step, part in _parts(value)]


def as_array(value) -> np.ndarray | None:
    """Numbers or texts as an array; `None` for anything else."""
    if isinstance(value, np.ndarray):
        return _told(value)
    if isinstance(value, bytes | bytearray):
        return np.frombuffer(value, "uint8") if len(value) > 64 else None
    if isinstance(value, int | float):
        return np.asarray([value])
    if isinstance(value, list | tuple) and value:
        if all(isinstance(v, int | float | np.number) for v in value):
            return _told(np.asarray(value))
        if all(isinstance(v, str) for v in value):
            return np.asarray(value)
        return _nested(value)
    library = type(value).__module__.partition(".")[0]
    if library in ("tensorflow", "jax", "jaxlib", "torch", "pandas", "h5py", "numpy") and hasattr(
        value, "shape"
    ):
        if _is_table(value):
            return None
        try:
            return _told(np.asarray(value.detach().cpu() if library == "torch" else value))
        except (TypeError, ValueError, NotImplementedError, AttributeError, MemoryError):
            return None
    return None


def _told(array: np.ndarray) -> np.ndarray | None:
    if array.dtype.kind == "O" and array.size and all(isinstance(v, str) for v in array.flat):
        return array.astype(str)
    return array if array.dtype.kind in "uifbU" else None


def _nested(value) -> np.ndarray | None:
    """Lists of equally long lists of numbers as one array."""
    if not all(isinstance(row, list | tuple) and row for row in value):
        return None
    try:
        array = np.asarray(value)
    except ValueError:
        return None
    return array if array.dtype.kind in "uif" and array.ndim > 1 else None


def _is_table(value) -> bool:
    return type(value).__name__ == "DataFrame" and hasattr(value, "columns")


def _parts(value) -> Iterator[tuple[str, object]]:
    """(step, object) of what an object refers to, one step on."""
    if isinstance(value, str | Path):
        if is_data_file(value):
            yield from parts_of_file(Path(value))
    elif isinstance(value, Arrays):
        yield from ((f".{name}", part) for name, part in vars(value).items())
    elif isinstance(value, Mapping):
        yield from ((f"[{key!r}]", part) for key, part in value.items())
        yield from ((" key", key) for key in value if isinstance(key, Path))
    elif isinstance(value, list | tuple | set | frozenset):
        yield from ((f"[{i}]", part) for i, part in enumerate(value))
    elif isinstance(value, types.FunctionType):
        yield from _parts_of_function(value)
    elif isinstance(value, types.MethodType):
        yield from ((".__self__", value.__self__), ("()", value.__func__))
    elif _is_dataset(value):
        yield from _batches(value)
    elif not isinstance(value, type | types.ModuleType | bytes) and not _is_network(value):
        if hasattr(value, "func") and hasattr(value, "args"):  # functools.partial
            yield from ((f".{n}", getattr(value, n)) for n in ("func", "args", "keywords"))
        yield from ((f".{name}", part) for name, part in getattr(value, "__dict__", {}).items())
        yield from _slots(value)
        yield from _parts_of_class(type(value))


def _slots(value) -> Iterator[tuple[str, object]]:
    for base in type(value).__mro__:
        if base.__module__.partition(".")[0] not in (*_LIBRARIES, *_OWN):
            names = base.__dict__.get("__slots__", ())
            for name in (names,) if isinstance(names, str) else names:
                if hasattr(value, name):
                    yield f".{name}", getattr(value, name)


def _parts_of_function(function) -> Iterator[tuple[str, object]]:
    code = function.__code__
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield f"() {name}", cell.cell_contents
        except ValueError:  # not filled yet
            continue
    yield "() defaults", [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    yield from ((f"() {name}", part) for name, part in vars(function).items())
    if (function.__module__ or "").partition(".")[0] not in (*_LIBRARIES, *_OWN):
        for inner in _codes(code):
            texts = (c for c in inner.co_consts if isinstance(c, str) and is_data_file(c))
            yield from (("()", text) for text in texts)
            for name in sorted(set(inner.co_names)):
                if name in function.__globals__:
                    yield f"() {name}", function.__globals__[name]


def _codes(code) -> Iterator[types.CodeType]:
    yield code
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from _codes(inner)


def _parts_of_class(kind: type) -> Iterator[tuple[str, object]]:
    """What a user's class itself holds, and what its methods name."""
    for base in kind.__mro__:
        if base.__module__.partition(".")[0] in (*_LIBRARIES, *_OWN):
            continue
        for name, part in vars(base).items():
            if isinstance(part, staticmethod | classmethod):
                part = part.__func__
            if isinstance(part, property):
                part = part.fget
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

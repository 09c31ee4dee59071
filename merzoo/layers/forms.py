"""Which form a convolution or pooling takes: one table by backend, device and size, all measured.

`benchmarks/convolutions.py --forms` measures each row, in `benchmarks/results/forms.csv`.
"""

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import keras

Form = Literal["library", "ordered", "patches", "slices"]


@dataclass(frozen=True)
class Row:
    """Where a form was the fastest in a step of training.

    Args:
        layer: `"convolution"` or `"max"` (pooling).
        backend: of Keras.
        device: `"cpu"`, or `None` for any.
        cells: of the kernel or window, at most.
        numbers: of a patch (height x width x channels), at most.
        filters: at most.
        form: `"library"`: the backend's own. `"ordered"`: its own, and gradients written as
            convolutions in the order of axes that XLA does fast inside of loops. `"patches"`: one
            product of all patches and the kernel. `"slices"`: maxima of strided slices.
    """

    layer: str
    backend: str
    device: str | None
    form: Form
    cells: float = math.inf
    numbers: float = math.inf
    filters: float = math.inf


TABLE = (  # the first that fits; what none fits takes the backend's own form
    Row("convolution", "jax", None, "patches", cells=1),
    Row("convolution", "jax", None, "patches", numbers=100, filters=16),
    Row("convolution", "jax", None, "ordered"),
    Row("max", "jax", "cpu", "slices"),
)

_forced: list[Form] = []


def form_of(layer: str, window: tuple[int, int], channels: int, filters: int = 1) -> Form:
    """The form of a layer on the backend and the device that are in use.

    Args:
        layer: `"convolution"` or `"max"`.
        window: sides of the kernel or window, cells.
        channels: of the inputs.
        filters: of a convolution.

    >>> form_of("convolution", (3, 3), 64, 64) in ("library", "ordered")
    True
    """
    if _forced:
        return _forced[-1]
    cells = math.prod(window)
    for row in TABLE:
        fits = row.layer == layer and row.backend == keras.backend.backend()
        fits = fits and cells <= row.cells and cells * channels <= row.numbers
        fits = fits and filters <= row.filters
        if fits and row.device in (None, _device()):
            return row.form
    return "library"


def slow_in_loops(model: keras.Model) -> list[str]:
    """Names of layers whose gradients XLA does many times slower inside of a loop on a CPU.

    They are convolutions of Keras itself, as networks from elsewhere have them; those of
    `merzoo.layers` are none. On another backend or device there are none.

    >>> slow_in_loops(keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Dense(2)]))
    []
    """
    if keras.backend.backend() != "jax" or _device() != "cpu":
        return []
    kinds = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)
    found = (layer for layer in model._flatten_layers() if isinstance(layer, kinds))
    return [x.name for x in found if type(x).__module__.partition(".")[0] != "merzoo"]


@contextlib.contextmanager
def forced(form: Form) -> Iterator[None]:
    """Layers called inside take this form, for measurements; other kinds of layer `"library"`."""
    _forced.append(form)
    try:
        yield
    finally:
        _forced.pop()


def _device() -> str:
    """Kind of device that JAX computes on."""
    import jax

    return jax.default_backend()

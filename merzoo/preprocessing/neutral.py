"""The dozen functions of arrays that augmentation needs, in NumPy, TensorFlow, JAX and PyTorch.

What an augmentation does is written once, in these: `tf.data` calls it with TensorFlow's tensors
whatever the backend of Keras is, a compiled training with those of the backend, which may be traced
or stacked (`jax.jit`, `jax.vmap`), a test-time view with NumPy's arrays. No framework is imported
before one of its tensors is seen.

>>> ops = operations_of(np.zeros((2, 3), "float32"))
>>> ops.take(np.array([[1, 2], [3, 4]]), np.array([1, 1, 0])).tolist()
[[3, 4], [3, 4], [1, 2]]
"""

import importlib
from functools import cache

import numpy as np


class Operations:
    """The functions as NumPy has them, and `jax.numpy` alike.

    Args:
        module: `numpy`, or what has its functions.
    """

    def __init__(self, module):
        self.module = module

    def array(self, values, like):
        """Values as an array of this kind, where `like` is."""
        return self.module.asarray(values if _framework(values) == "jax" else np.asarray(values))

    def cast(self, x, dtype: str):
        return x.astype(dtype)

    def arange(self, count, like):
        """0 to count - 1, int32, where `like` is."""
        return self.module.arange(count, dtype="int32")

    def length(self, x):
        """Of the first axis; in a graph that does not know it, a tensor."""
        return x.shape[0]

    def reshape(self, x, shape):
        return self.module.reshape(x, shape)

    def concatenate(self, parts):
        """Along the last axis."""
        return self.module.concatenate(parts, axis=-1)

    def where(self, condition, x, y):
        return self.module.where(condition, x, y)

    def clip(self, x, low: float, high: float):
        return self.module.clip(x, low, high)

    def mirror(self, x):
        """Left to right: (..., W, C), turned round along W."""
        return self.module.flip(x, -2)

    def parts(self, x, order: tuple[int, ...]):
        """The parts of (..., R, C) in another order."""
        return self.module.take(x, np.array(order), axis=-2)

    def roll(self, x):
        """Each row of the first axis takes the place of the next, the last that of the first."""
        return self.module.roll(x, 1, 0)

    def floor(self, x):
        return self.module.floor(x)

    def cos(self, x):
        return self.module.cos(x)

    def sin(self, x):
        return self.module.sin(x)

    def take(self, table, rows):
        """Rows of a table (N, C) by number: (...) int32 -> (..., C). All numbers must be in it."""
        return self.module.take(table, rows, axis=0, mode="clip")  # without a look at each number


class _TensorFlow(Operations):
    def array(self, values, like):
        return self.module.convert_to_tensor(
            values if _framework(values) == "tensorflow" else np.asarray(values)
        )

    def cast(self, x, dtype: str):
        return self.module.cast(x, dtype)

    def arange(self, count, like):
        return self.module.range(count, dtype="int32")

    def length(self, x):
        return self.module.shape(x)[0] if x.shape[0] is None else x.shape[0]

    def concatenate(self, parts):
        return self.module.concat(parts, axis=-1)

    def clip(self, x, low: float, high: float):
        return self.module.clip_by_value(x, low, high)

    def mirror(self, x):
        return self.module.reverse(x, [-2])

    def parts(self, x, order: tuple[int, ...]):
        return self.module.gather(x, list(order), axis=len(x.shape) - 2)

    def roll(self, x):
        return self.module.roll(x, 1, axis=0)

    def take(self, table, rows):
        return self.module.gather(table, rows)


class _PyTorch(Operations):
    def array(self, values, like):
        if _framework(values) != "torch":
            values = self.module.from_numpy(np.array(values))
        return values.to(like.device) if _framework(like) == "torch" else values

    def cast(self, x, dtype: str):
        return x.to(getattr(self.module, dtype))

    def arange(self, count, like):
        return self.module.arange(count, dtype=self.module.int32, device=like.device)

    def concatenate(self, parts):
        return self.module.cat(parts, dim=-1)

    def mirror(self, x):
        return self.module.flip(x, (-2,))

    def parts(self, x, order: tuple[int, ...]):
        return self.module.index_select(x, -2, self.array(np.array(order), x))

    def take(self, table, rows):
        found = self.module.index_select(table, 0, rows.reshape(-1))
        return found.reshape(*rows.shape, table.shape[-1])


def operations_of(*arrays) -> Operations:
    """The functions for these arrays: those of the first that is not NumPy's (or a list)."""
    for x in arrays:
        framework = _framework(x)
        if framework:
            return _of_framework(framework)
    return _NUMPY


def static_shape(x) -> tuple[int, ...]:
    """The shape of x (B, ...) for `reshape`: -1 for a B that a graph does not know."""
    return (-1 if x.shape[0] is None else x.shape[0], *x.shape[1:])


_NUMPY = Operations(np)


@cache
def _of_framework(name: str) -> Operations:
    kinds = {"tensorflow": _TensorFlow, "torch": _PyTorch, "jax": Operations}
    return kinds[name](importlib.import_module("jax.numpy" if name == "jax" else name))


def _framework(x) -> str:
    """Whose tensor it is; empty for NumPy's arrays, numbers and lists."""
    name = type(x).__module__.partition(".")[0]
    name = "jax" if name == "jaxlib" else name
    return name if name in ("tensorflow", "torch", "jax") else ""

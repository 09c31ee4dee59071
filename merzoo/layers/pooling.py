"""Pooling as PyTorch ancestors do it, and Keras' pooling in the form that trains fastest."""

import functools

import keras
from keras import layers, ops

from merzoo.layers.forms import form_of


def slices(x, size, strides, rows: int, columns: int, combine):
    """`combine` of two, over windows: of strided slices, over rows and then over columns.

    XLA compiles the gradient of this for a CPU far better than that of a window reduction.

    Args:
        x: (B, H, W, C), padded already.
        size: height and width of the window, cells.
        strides: between windows, cells.
        rows: of windows.
        columns: of windows.
        combine: such as `ops.maximum`.

    Returns:
        (B, rows, columns, C).
    """
    last = strides[0] * (rows - 1) + 1
    x = functools.reduce(combine, [x[:, i : i + last : strides[0]] for i in range(size[0])])
    last = strides[1] * (columns - 1) + 1
    return functools.reduce(combine, [x[:, :, j : j + last : strides[1]] for j in range(size[1])])


def lowest(dtype: str) -> float:
    """What no number of a map is below; finite, as `inf - inf` would be NaN."""
    return -6e4 if dtype == "float16" else -1e30


@keras.saving.register_keras_serializable("merzoo")
class MaxPooling2D(layers.MaxPooling2D):
    """`keras.layers.MaxPooling2D`, computed in the form that was measured to train fastest.

    The form is that of `merzoo.layers.forms`: maxima of strided slices, or Keras' own. Where
    several numbers of a window are the largest, slices share the gradient among them, and Keras
    gives it to the first.

    Example:

    >>> import numpy as np
    >>> x = np.ones((1, 9, 9, 2), "float32")
    >>> MaxPooling2D(3, strides=2, padding="same")(x).shape == (1, 5, 5, 2)
    True
    """

    def call(self, inputs):
        if self.data_format != "channels_last" or _form("max", self, inputs) != "slices":
            return super().call(inputs)
        _, rows, columns, _ = self.compute_output_shape(inputs.shape)
        if self.padding == "same":
            padding = [
                _padding(side, count, size, stride)
                for side, count, size, stride in zip(
                    inputs.shape[1:3], (rows, columns), self.pool_size, self.strides, strict=True
                )
            ]
            fill = lowest(keras.backend.standardize_dtype(inputs.dtype))
            inputs = ops.pad(inputs, ((0, 0), *padding, (0, 0)), constant_values=fill)
        return slices(inputs, self.pool_size, self.strides, rows, columns, ops.maximum)


def _form(kind, layer, inputs) -> str:
    return form_of(kind, layer.pool_size, inputs.shape[-1])


def _padding(side, count, size, stride) -> tuple[int, int]:
    """What `padding="same"` adds before and behind an axis."""
    total = max((count - 1) * stride + size - side, 0)
    return total // 2, total - total // 2


@keras.saving.register_keras_serializable("merzoo")
class MaxPoolPadded(layers.Layer):
    """Max pooling over square windows with `padding` cells of minus infinity on every side.

    Equals `torch.nn.MaxPool2d(pool_size, strides, padding)`. Keras' `padding="same"` pads one side
    only for even inputs, and `ZeroPadding2D` is wrong where inputs can be negative. Written as
    maxima of strided slices on every backend.

    Args:
        pool_size: side of the window, cells.
        strides: step between windows, cells; `None` means `pool_size`.
        padding: cells added on every side.

    Call arguments:
        inputs: (B, H, W, C).

    Returns:
        (B, (H + 2 padding - pool_size) // strides + 1, the same for W, C).

    Example:

    >>> import numpy as np
    >>> MaxPoolPadded(3, padding=1)(np.ones((1, 28, 28, 2), "float32")).shape[1:3] == (10, 10)
    True
    """

    def __init__(self, pool_size: int, strides: int | None = None, padding: int = 0, **kwargs):
        super().__init__(**kwargs)
        self.pool_size, self.strides, self.padding = pool_size, strides or pool_size, padding

    def call(self, inputs):
        p, size, strides = self.padding, (self.pool_size,) * 2, (self.strides,) * 2
        fill = lowest(self.compute_dtype)
        x = ops.pad(inputs, ((0, 0), (p, p), (p, p), (0, 0)), constant_values=fill)
        _, rows, columns, _ = self.compute_output_shape(inputs.shape)
        return slices(x, size, strides, rows, columns, ops.maximum)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape

        def side(length):
            return (length + 2 * self.padding - self.pool_size) // self.strides + 1

        return (batch, side(height), side(width), channels)

    def get_config(self):
        return super().get_config() | {
            "pool_size": self.pool_size,
            "strides": self.strides,
            "padding": self.padding,
        }

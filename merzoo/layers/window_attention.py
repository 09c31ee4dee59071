"""Self-attention within the windows of a feature map, as in nested and Swin transformers."""

import keras
from keras import layers, ops

from merzoo.errors import InputError


@keras.saving.register_keras_serializable("merzoo")
class WindowAttention(layers.Layer):
    """Multi-head self-attention among the cells of each square window, windows side by side.

    Args:
        heads: number of heads.
        window: side of a window, cells; it divides the map's sides.
        head_width: channels of a head; `None` means channels // heads.
        use_bias: whether query, key and value have biases (the output always has one).

    Call arguments:
        inputs: (B, H, W, C).

    Returns:
        (B, H, W, C).

    Source:
        Vaswani et al., "Attention Is All You Need", NIPS 2017, Eq. 1, within windows.

    Example:

    >>> import numpy as np
    >>> WindowAttention(2, window=4)(np.ones((1, 8, 8, 6), "float32")).shape == (1, 8, 8, 6)
    True
    """

    def __init__(self, heads: int, window: int, head_width=None, use_bias=False, **kwargs):
        super().__init__(**kwargs)
        self.heads, self.window = heads, window
        self.head_width, self.use_bias = head_width, use_bias

    def build(self, input_shape):
        _, height, width, channels = input_shape
        if height % self.window or width % self.window:
            raise InputError(
                f"window={self.window} does not divide a map of {height} x {width} cells: choose "
                "another window or input_shape."
            )
        self.width = self.head_width or channels // self.heads
        inner = self.heads * self.width

        def dense(units, use_bias, name):
            layer = layers.Dense(units, use_bias=use_bias, dtype=self.dtype_policy, name=name)
            layer.build((None, inner if name == "output" else channels))
            return layer

        self.query = dense(inner, self.use_bias, "query")
        self.key = dense(inner, self.use_bias, "key")
        self.value = dense(inner, self.use_bias, "value")
        self.output_projection = dense(channels, True, "output")

    def call(self, inputs):
        _, height, width, _ = inputs.shape
        x = split_windows(inputs, self.window)  # (B, windows, cells, C)
        query, key, value = (self._heads(p(x)) for p in (self.query, self.key, self.value))
        scores = ops.einsum("bwihd,bwjhd->bwhij", query, key) * self.width**-0.5
        scores = self.adjust_scores(scores)
        # The softmax; that of Keras warns of windows of one cell, where it is 1, as it should be.
        scores = ops.exp(scores - ops.logsumexp(scores, axis=-1, keepdims=True))
        x = ops.einsum("bwhij,bwjhd->bwihd", scores, value)
        x = ops.reshape(x, (-1, *x.shape[1:3], self.heads * self.width))
        return join_windows(self.output_projection(x), self.window, height, width)

    def adjust_scores(self, scores):
        """What a subclass adds to the scores (B, windows, heads, cells, cells)."""
        return scores

    def _heads(self, x):
        return ops.reshape(x, (-1, *x.shape[1:3], self.heads, self.width))

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def multiply_adds(self, input_shape) -> int:
        batch, height, width, channels = input_shape
        inner = self.heads * self.width
        return batch * height * width * (4 * channels * inner + 2 * self.window**2 * inner)

    def get_config(self):
        return super().get_config() | {
            "heads": self.heads,
            "window": self.window,
            "head_width": self.head_width,
            "use_bias": self.use_bias,
        }


def split_windows(x, window: int):
    """(B, H, W, C) -> (B, H / window * W / window, window * window, C), row by row."""
    _, height, width, channels = x.shape
    rows, columns = height // window, width // window
    x = ops.reshape(x, (-1, rows, window, columns, window, channels))
    x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
    return ops.reshape(x, (-1, rows * columns, window * window, channels))


def join_windows(x, window: int, height: int, width: int):
    """Undoes `split_windows`."""
    rows, columns, channels = height // window, width // window, x.shape[-1]
    x = ops.reshape(x, (-1, rows, columns, window, window, channels))
    x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
    return ops.reshape(x, (-1, height, width, channels))


@keras.saving.register_keras_serializable("merzoo")
class WindowPosition(layers.Layer):
    """Adds one learned number per cell of a window, the same in all windows and channels.

    Args:
        window: side of a window, cells; it divides the map's sides.

    Call arguments:
        inputs: (B, H, W, C).

    Returns:
        The same shape.

    Example:

    >>> import numpy as np
    >>> layer = WindowPosition(2); layer(np.ones((1, 4, 4, 3), "float32")).shape == (1, 4, 4, 3)
    True
    >>> layer.count_params()
    4
    """

    def __init__(self, window: int, **kwargs):
        super().__init__(**kwargs)
        self.window = window

    def build(self, input_shape):
        self.position = self.add_weight(
            shape=(self.window * self.window,),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            name="position",
        )

    def call(self, inputs):
        _, height, width, _ = inputs.shape
        cells = ops.reshape(self.position, (self.window, self.window))
        cells = ops.tile(cells, (height // self.window, width // self.window))
        return inputs + ops.cast(cells[None, :, :, None], inputs.dtype)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return super().get_config() | {"window": self.window}

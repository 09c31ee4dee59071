"""The blocks of the Swin Transformer.

Liu et al., "Swin Transformer: Hierarchical Vision Transformer using Shifted Windows", ICCV 2021.
"""

import keras
import numpy as np
from keras import layers, ops

from merzoo.layers.stochastic_depth import StochasticDepth
from merzoo.layers.window_attention import WindowAttention


@keras.saving.register_keras_serializable("merzoo")
class ShiftedWindowAttention(WindowAttention):
    """Attention within windows that are shifted by `shift` cells, with relative position bias.

    The map is rolled so that shifted windows wrap around its edges; cells that are neighbours only
    by the wrapping are kept apart with -100 on their scores.

    Args:
        heads, window, head_width, use_bias: see `WindowAttention`.
        shift: of the windows, cells; 0 for none.

    Call arguments:
        inputs: (B, H, W, C).

    Returns:
        (B, H, W, C).

    Source:
        Liu et al., ICCV 2021, Eq. 4 and Fig. 4.

    Example:

    >>> import numpy as np
    >>> layer = ShiftedWindowAttention(2, window=4, shift=2)
    >>> layer(np.ones((1, 8, 8, 6), "float32")).shape == (1, 8, 8, 6)
    True
    """

    def __init__(self, heads, window, head_width=None, use_bias=True, shift=0, **kwargs):
        super().__init__(heads, window, head_width, use_bias, **kwargs)
        self.shift = shift

    def build(self, input_shape):
        super().build(input_shape)
        self.bias_table = self.add_weight(
            shape=((2 * self.window - 1) ** 2, self.heads),
            initializer=keras.initializers.TruncatedNormal(stddev=0.02),
            name="bias_table",
        )
        self._places = relative_places(self.window)
        self._mask = None
        if self.shift:
            self._mask = shift_mask(*input_shape[1:3], self.window, self.shift)

    def call(self, inputs):
        if not self.shift:
            return super().call(inputs)
        x = ops.roll(inputs, (-self.shift, -self.shift), axis=(1, 2))
        return ops.roll(super().call(x), (self.shift, self.shift), axis=(1, 2))

    def adjust_scores(self, scores):
        cells = self.window**2
        bias = ops.take(self.bias_table, self._places.ravel(), axis=0)
        bias = ops.transpose(ops.reshape(bias, (cells, cells, self.heads)), (2, 0, 1))
        scores = scores + ops.cast(bias, scores.dtype)  # (B, windows, heads, cells, cells)
        if self._mask is None:
            return scores
        return scores + ops.cast(self._mask[None, :, None], scores.dtype)

    def get_config(self):
        return super().get_config() | {"shift": self.shift}


def relative_places(window: int) -> np.ndarray:
    """(cells, cells) row of the bias table for each pair of cells: one row per displacement."""
    row, column = np.divmod(np.arange(window * window), window)
    rows = row[:, None] - row[None] + window - 1
    columns = column[:, None] - column[None] + window - 1
    return rows * (2 * window - 1) + columns


def shift_mask(height: int, width: int, window: int, shift: int) -> np.ndarray:
    """(windows, cells, cells) of 0, or -100 where two cells come from different sides of a map."""

    def band(length):
        place = np.arange(length)
        return (place >= length - window).astype(int) + (place >= length - shift)

    area = 3 * band(height)[:, None] + band(width)[None]
    area = area.reshape(height // window, window, width // window, window)
    area = area.transpose(0, 2, 1, 3).reshape(-1, window * window)  # (windows, cells)
    return np.where(area[:, None] == area[:, :, None], 0.0, -100.0).astype("float32")


@keras.saving.register_keras_serializable("merzoo")
class SwinBlock(layers.Layer):
    """Shifted-window attention and a two-layer perceptron, each pre-normalised and residual.

    Args:
        heads: number of heads.
        window: side of a window, cells; it divides the map's sides.
        shift: of the windows, cells; 0 for none.
        drop_path: rate of stochastic depth of both branches.
        mlp_ratio: width of the hidden layer, in channels.

    Call arguments:
        inputs: (B, H, W, C).

    Returns:
        (B, H, W, C).

    Source:
        Liu et al., ICCV 2021, Eq. 3.

    Example:

    >>> import numpy as np
    >>> SwinBlock(2, window=4, shift=2)(np.ones((1, 8, 8, 6), "float32")).shape == (1, 8, 8, 6)
    True
    """

    def __init__(self, heads, window=7, shift=0, drop_path=0.0, mlp_ratio=4, **kwargs):
        super().__init__(**kwargs)
        self.heads, self.window, self.shift = heads, window, shift
        self.drop_path, self.mlp_ratio = drop_path, mlp_ratio

    def build(self, input_shape):
        channels, policy = input_shape[-1], self.dtype_policy
        hidden = self.mlp_ratio * channels
        self.norm_1 = layers.LayerNormalization(epsilon=1e-5, dtype=policy, name="norm_1")
        self.attention = ShiftedWindowAttention(
            self.heads, self.window, shift=self.shift, dtype=policy, name="attention"
        )
        self.norm_2 = layers.LayerNormalization(epsilon=1e-5, dtype=policy, name="norm_2")
        self.dense_1 = layers.Dense(hidden, activation="gelu", dtype=policy, name="dense_1")
        self.dense_2 = layers.Dense(channels, dtype=policy, name="dense_2")
        self.drop = StochasticDepth(self.drop_path, dtype=policy, name="drop_path")
        for layer in (self.norm_1, self.attention, self.norm_2, self.dense_1):
            layer.build(input_shape)
        self.dense_2.build((*input_shape[:-1], hidden))

    def call(self, inputs):
        x = inputs + self.drop(self.attention(self.norm_1(inputs)))
        return x + self.drop(self.dense_2(self.dense_1(self.norm_2(x))))

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def multiply_adds(self, input_shape) -> int:
        batch, height, width, channels = input_shape
        perceptron = 2 * batch * height * width * self.mlp_ratio * channels**2
        return self.attention.multiply_adds(input_shape) + perceptron

    def get_config(self):
        return super().get_config() | {
            "heads": self.heads,
            "window": self.window,
            "shift": self.shift,
            "drop_path": self.drop_path,
            "mlp_ratio": self.mlp_ratio,
        }


@keras.saving.register_keras_serializable("merzoo")
class PatchMerging(layers.Layer):
    """Halves a map's sides: 2 x 2 neighbours side by side, normalised, to twice the channels.

    Call arguments:
        inputs: (B, H, W, C), even sides.

    Returns:
        (B, H / 2, W / 2, 2 C).

    Source:
        Liu et al., ICCV 2021, section 3.1; the order of the neighbours (row, column) is that of
        their code: (0, 0), (1, 0), (0, 1), (1, 1).

    Example:

    >>> import numpy as np
    >>> PatchMerging()(np.ones((1, 8, 8, 6), "float32")).shape == (1, 4, 4, 12)
    True
    """

    def build(self, input_shape):
        channels, policy = input_shape[-1], self.dtype_policy
        self.norm = layers.LayerNormalization(epsilon=1e-5, dtype=policy, name="norm")
        self.reduction = layers.Dense(2 * channels, use_bias=False, dtype=policy, name="reduction")
        self.norm.build((*input_shape[:-1], 4 * channels))
        self.reduction.build((*input_shape[:-1], 4 * channels))

    def call(self, inputs):
        parts = [inputs[:, i::2, j::2] for i, j in ((0, 0), (1, 0), (0, 1), (1, 1))]
        return self.reduction(self.norm(ops.concatenate(parts, axis=-1)))

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, height // 2, width // 2, 2 * channels)

    def multiply_adds(self, input_shape) -> int:
        batch, height, width, channels = input_shape
        return batch * (height // 2) * (width // 2) * 8 * channels**2

"""Fixed position embeddings of sines and cosines, over one axis of places or two."""

import keras
import numpy as np
from keras import layers, ops

from merzoo.errors import InputError


@keras.saving.register_keras_serializable("merzoo")
class SinusoidPosition(layers.Layer):
    """Flattens places into tokens and adds to each the sines and cosines of where it is.

    Of one axis, channels i and dim / 2 + i are the sine and cosine of place / 10000^(2i / dim). Of
    two axes, the column takes the first half of the channels so, and the row the second.

    Args:
        class_token: whether a learned token, at no place, stands before the others.

    Call arguments:
        inputs: (B, N, dim) or (B, H, W, dim); dim a multiple of 2, of 4 over two axes.

    Returns:
        (B, N or H W, and 1 with a class token, dim).

    Raises:
        InputError: for another shape.

    Source:
        Vaswani et al., "Attention is All You Need", NIPS 2017, section 3.5; over two axes as in
        He et al., "Masked Autoencoders Are Scalable Vision Learners", CVPR 2022.

    Example:

    >>> import numpy as np
    >>> y = SinusoidPosition()(np.zeros((1, 2, 4), "float32"))
    >>> np.asarray(y)[0].astype(float).round(2).tolist()
    [[0.0, 0.0, 1.0, 1.0], [0.84, 0.01, 0.54, 1.0]]
    """

    def __init__(self, class_token: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.class_token = class_token

    def build(self, input_shape):
        self.compute_output_shape(input_shape)
        *sides, dim = input_shape[1:]
        places = np.indices(sides).reshape(len(sides), -1)[::-1]  # columns before rows
        self.table = np.concatenate([_waves(x, dim // len(sides)) for x in places], axis=-1)
        if self.class_token:
            self.first = self.add_weight(
                shape=(1, 1, dim),
                initializer=keras.initializers.RandomNormal(stddev=0.02),
                name="class_token",
            )

    def call(self, inputs):
        tokens = ops.reshape(inputs, (-1, *self.table.shape))
        tokens = tokens + ops.cast(ops.convert_to_tensor(self.table), tokens.dtype)
        if not self.class_token:
            return tokens
        first = ops.zeros_like(tokens[:, :1]) + ops.cast(self.first, tokens.dtype)
        return ops.concatenate([first, tokens], axis=1)

    def compute_output_shape(self, input_shape):
        batch, *sides, dim = input_shape
        if len(sides) not in (1, 2) or None in (*sides, dim) or dim % (2 * len(sides)):
            raise InputError(
                f"SinusoidPosition takes (B, N, dim) or (B, H, W, dim) with dim a multiple of 2 "
                f"(4 over two axes), got {tuple(input_shape)}."
            )
        return (batch, int(np.prod(sides)) + self.class_token, dim)

    def multiply_adds(self, input_shape) -> int:
        return 0

    def get_config(self):
        return super().get_config() | {"class_token": self.class_token}


def _waves(places, dim):
    """Sines and cosines of places (N,): (N, dim)."""
    rates = 10000.0 ** (-np.arange(dim // 2) / (dim // 2))
    angles = places[:, None] * rates
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=-1).astype("float32")

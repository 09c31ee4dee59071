"""Learned position embeddings of a Vision Transformer without a class token."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("merzoo")
class LearnedPosition(layers.Layer):
    """Adds a learned vector to each token.

    Call arguments:
        inputs: (B, tokens, C).

    Returns:
        The same shape.

    Source:
        Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021, Eq. 1, E_pos.

    Example:

    >>> import numpy as np
    >>> layer = LearnedPosition(); layer(np.ones((2, 196, 8), "float32")).shape == (2, 196, 8)
    True
    >>> layer.count_params()
    1568
    """

    def build(self, input_shape):
        self.position = self.add_weight(
            shape=tuple(input_shape[1:]),
            initializer=keras.initializers.TruncatedNormal(stddev=0.02),
            name="position",
        )

    def call(self, inputs):
        return inputs + ops.cast(self.position, inputs.dtype)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def multiply_adds(self, input_shape) -> int:
        return 0

"""From a feature map to the tokens of a Vision Transformer.

Dosovitskiy et al., "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale",
ICLR 2021, Eq. 1.
"""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("merzoo")
class ClassAndPositionTokens(layers.Layer):
    """Flattens a map of patch embeddings, puts a class token first and adds learned positions.

    Call arguments:
        inputs: (B, H, W, D).

    Returns:
        (B, 1 + H W, D).

    Source:
        Dosovitskiy et al., Eq. 1.

    Example:

    >>> import numpy as np
    >>> ClassAndPositionTokens()(np.ones((2, 14, 14, 8), "float32")).shape == (2, 197, 8)
    True
    """

    def build(self, input_shape):
        _, height, width, dim = input_shape
        start = keras.initializers.TruncatedNormal(stddev=0.02)
        self.class_token = self.add_weight(
            shape=(1, 1, dim), initializer="zeros", name="class_token"
        )
        self.position = self.add_weight(
            shape=(1, 1 + height * width, dim), initializer=start, name="position"
        )

    def call(self, inputs):
        _, height, width, dim = inputs.shape
        patches = ops.reshape(inputs, (-1, height * width, dim))
        first = ops.zeros_like(patches[:, :1]) + ops.cast(self.class_token, patches.dtype)
        tokens = ops.concatenate([first, patches], axis=1)
        return tokens + ops.cast(self.position, tokens.dtype)

    def compute_output_shape(self, input_shape):
        batch, height, width, dim = input_shape
        return (batch, 1 + height * width, dim)

    def multiply_adds(self, input_shape) -> int:
        return 0

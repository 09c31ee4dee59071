"""The attention layer of the Broadbent network: one head of dot-product selection over a map."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("merzoo")
class BroadbentAttention(layers.Layer):
    """Filters a feature map by queries, keys and values of its places.

    Broadbent's filter model lets through what is attended to and drops the rest. Here each place
    asks (query), every place answers (key), and what passes is the softmax-weighted mean of the
    values: `softmax(Q K^T / sqrt(attention_dim)) V`. There is no residual path, since the width
    changes.

    Args:
        attention_dim: width of queries, keys, values and of the result.

    Call arguments:
        inputs: (B, H, W, C).

    Returns:
        (B, H, W, attention_dim).

    Source:
        Ashraf et al., section III-E-2. No equation is given there; this is the plain reading.

    Example:

    >>> import numpy as np
    >>> BroadbentAttention(16)(np.ones((1, 8, 8, 64), "float32")).shape == (1, 8, 8, 16)
    True
    """

    def __init__(self, attention_dim: int = 16, **kwargs):
        super().__init__(**kwargs)
        self.attention_dim = attention_dim

    def build(self, input_shape):
        for name in ("query", "key", "value"):
            projection = layers.Dense(self.attention_dim, dtype=self.dtype_policy, name=name)
            projection.build((None, None, input_shape[-1]))
            setattr(self, name, projection)

    def attention_weights(self, inputs):
        """Of every place (second axis), how much it takes from each place: (B, H W, H W)."""
        tokens = self._tokens(inputs)
        scores = ops.matmul(self.query(tokens), ops.swapaxes(self.key(tokens), 1, 2))
        return ops.softmax(scores / self.attention_dim**0.5, axis=-1)

    def _tokens(self, inputs):
        _, height, width, channels = inputs.shape
        return ops.reshape(inputs, (-1, height * width, channels))

    def call(self, inputs):
        selected = ops.matmul(self.attention_weights(inputs), self.value(self._tokens(inputs)))
        return ops.reshape(selected, (-1, *inputs.shape[1:3], self.attention_dim))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.attention_dim)

    def multiply_adds(self, input_shape) -> int:
        batch, height, width, channels = input_shape
        places = height * width
        projections = 3 * places * channels * self.attention_dim
        return batch * (projections + 2 * places**2 * self.attention_dim)

    def get_config(self):
        return super().get_config() | {"attention_dim": self.attention_dim}

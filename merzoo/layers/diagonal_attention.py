"""How much each patch of a face has changed: attention of a frame to another, on its diagonal."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("merzoo")
class DiagonalAttention(layers.Layer):
    """Diagonal micro-attention: tokens of a frame, each times its attention to its own place in
    another frame, and a dense layer behind.

    Attention is softmax(Q K^T / sqrt(dim)) with Q of the first frame and K of the second; of it
    only the diagonal is used, where a patch that has not changed agrees with itself.

    Call arguments:
        inputs: a list of the tokens of a frame and of the one that it is compared with, each
            (B, N, dim).

    Returns:
        (B, N, dim).

    Source:
        Nguyen et al., "Micron-BERT: BERT-based Facial Micro-Expression Recognition", CVPR 2023.

    Example:

    >>> import numpy as np
    >>> apex, onset = np.ones((2, 1, 196, 8), "float32")
    >>> DiagonalAttention()([apex, onset]).shape == (1, 196, 8)
    True
    """

    def build(self, input_shape):
        dim = input_shape[0][-1]
        for name in ("query", "key", "value", "output"):
            dense = layers.Dense(dim, dtype=self.dtype_policy, name=name)
            dense.build((None, None, dim))
            setattr(self, f"{name}_dense", dense)

    def call(self, inputs):
        tokens, others = inputs
        query = self.query_dense(tokens) / tokens.shape[-1] ** 0.5
        scores = ops.matmul(query, ops.transpose(self.key_dense(others), (0, 2, 1)))  # (B, N, N)
        scores = ops.softmax(ops.cast(scores, "float32"), axis=-1)
        weight = ops.expand_dims(ops.diagonal(scores, axis1=1, axis2=2), -1)  # (B, N, 1)
        value = self.value_dense(tokens)
        return self.output_dense(ops.cast(weight, value.dtype) * value)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[0])

    def multiply_adds(self, input_shape) -> int:
        batch, places, dim = input_shape[0]
        return batch * places * dim * (4 * dim + places)

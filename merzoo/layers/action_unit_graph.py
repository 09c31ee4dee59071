"""A graph of action units, whose nodes weigh the features of a face."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("merzoo")
class ActionUnitGraph(layers.Layer):
    """Scores of action units: the features of a part of the face times those of each unit's node.

    The nodes start as learned embeddings E and pass through two graph convolutions with the
    adjacency A, both learned: LeakyReLU(A LeakyReLU(A E W_1) W_2). All samples share them.

    Args:
        units: action units of each part.
        embedding: channels of E.
        hidden: channels between the convolutions.

    Call arguments:
        inputs: a list with the features (B, C) of each part.

    Returns:
        (B, sum of units).

    Source:
        Lei, Li, Chen, Li, "Micro-Expression Recognition Based on Facial Graph Representation
        Learning and Facial Action Unit Fusion", CVPRW 2021.

    Example:

    >>> import numpy as np
    >>> brows, mouth = np.ones((2, 2, 160), "float32")
    >>> ActionUnitGraph((3, 6))([brows, mouth]).shape == (2, 9)
    True
    """

    def __init__(self, units: tuple[int, ...], embedding: int = 40, hidden: int = 80, **kwargs):
        super().__init__(**kwargs)
        self.units, self.embedding, self.hidden = tuple(units), embedding, hidden

    def build(self, input_shape):
        nodes, channels = sum(self.units), input_shape[0][-1]
        self.nodes = self.add_weight(
            shape=(nodes, self.embedding), initializer="random_normal", name="embedding"
        )
        self.adjacency = self.add_weight(
            shape=(nodes, nodes), initializer="identity", name="adjacency"
        )
        self.first = self.add_weight(
            shape=(self.embedding, self.hidden), initializer="glorot_uniform", name="first_kernel"
        )
        self.second = self.add_weight(
            shape=(self.hidden, channels), initializer="glorot_uniform", name="second_kernel"
        )

    def call(self, inputs):
        x = self.nodes
        for kernel in (self.first, self.second):
            x = ops.matmul(ops.matmul(self.adjacency, x), kernel)
            x = ops.leaky_relu(ops.cast(x, self.compute_dtype), 0.2)
        scores, start = [], 0
        for features, count in zip(inputs, self.units, strict=True):
            scores.append(ops.matmul(features, ops.transpose(x[start : start + count])))
            start += count
        return ops.concatenate(scores, axis=-1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0][0], sum(self.units))

    def multiply_adds(self, input_shape) -> int:
        (batch, channels), nodes = input_shape[0], sum(self.units)
        first = nodes * self.embedding * (nodes + self.hidden)
        second = nodes * self.hidden * (nodes + channels)
        return first + second + batch * nodes * channels

    def get_config(self):
        return super().get_config() | {
            "units": list(self.units),
            "embedding": self.embedding,
            "hidden": self.hidden,
        }

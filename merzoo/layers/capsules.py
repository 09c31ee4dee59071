"""Capsule layers: vectors whose length is a probability, routed by agreement.

Sabour, Frosst, Hinton, "Dynamic Routing Between Capsules", NIPS 2017.
"""

import keras
from keras import layers, ops

from merzoo.errors import InputError


def squash(x):
    """Shrinks vectors along the last axis to a length below 1, keeping their direction (Eq. 1).

    >>> import numpy as np
    >>> np.allclose(squash(np.array([3.0, 4.0])), np.array([3, 4]) / 5 * 25 / 26)
    True
    """
    energy = ops.sum(x * x, axis=-1, keepdims=True)
    return x * energy / (1 + energy) / ops.sqrt(energy + 1e-12)


@keras.saving.register_keras_serializable("merzoo")
class PrimaryCapsules(layers.Layer):
    """Capsules from a map: the channels of each cell, in groups, squashed.

    Args:
        width: numbers in a capsule; it divides the channels.

    Call arguments:
        inputs: (B, H, W, C), what a convolution found.

    Returns:
        (B, H W C / width, width), lengths below 1.

    Source:
        Sabour et al., section 4 and Eq. 1.

    Example:

    >>> import numpy as np
    >>> PrimaryCapsules(8)(np.ones((1, 6, 6, 256), "float32")).shape == (1, 1152, 8)
    True
    """

    def __init__(self, width: int = 8, **kwargs):
        super().__init__(**kwargs)
        self.width = width

    def call(self, inputs):
        _, count, _ = self.compute_output_shape(inputs.shape)
        x = ops.reshape(ops.cast(inputs, "float32"), (-1, count, self.width))
        return ops.cast(squash(x), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, height * width * channels // self.width, self.width)

    def get_config(self):
        return super().get_config() | {"width": self.width}


@keras.saving.register_keras_serializable("merzoo")
class RoutedCapsules(layers.Layer):
    """Each capsule predicts each class capsule; routing weighs the predictions by agreement.

    Only the last iteration passes gradients; those before it set the weights.

    Args:
        count: number of class capsules.
        width: numbers in a class capsule.
        iterations: of routing, from 1.

    Call arguments:
        inputs: (B, capsules, C).

    Returns:
        (B, count, width), lengths below 1.

    Source:
        Sabour et al., Procedure 1 and Eqs. 1-3.

    Example:

    >>> import numpy as np
    >>> RoutedCapsules(3, 16)(np.ones((2, 20, 8), "float32")).shape == (2, 3, 16)
    True
    """

    def __init__(self, count: int, width: int = 16, iterations: int = 3, **kwargs):
        super().__init__(**kwargs)
        if iterations < 1:
            raise InputError(f"iterations={iterations} is not possible here: give 1 or more.")
        self.count, self.width, self.iterations = count, width, iterations

    def build(self, input_shape):
        _, capsules, channels = input_shape
        self.kernel = self.add_weight(
            shape=(self.count, capsules, self.width, channels),
            initializer=keras.initializers.RandomNormal(stddev=0.01),
            name="kernel",
        )

    def call(self, inputs):
        x, kernel = ops.cast(inputs, "float32"), ops.cast(self.kernel, "float32")
        predictions = ops.einsum("kiwc,bic->bkiw", kernel, x)  # (B, count, capsules, width)
        fixed = ops.stop_gradient(predictions)
        agreement = ops.zeros_like(fixed[..., 0])  # (B, count, capsules)
        for _ in range(self.iterations - 1):
            weighted = squash(ops.einsum("bki,bkiw->bkw", _over_classes(agreement), fixed))
            agreement = agreement + ops.einsum("bkw,bkiw->bki", weighted, fixed)
        outputs = squash(ops.einsum("bki,bkiw->bkw", _over_classes(agreement), predictions))
        return ops.cast(outputs, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.count, self.width)

    def multiply_adds(self, input_shape) -> int:
        batch, capsules, channels = input_shape
        predictions = batch * self.count * capsules * self.width
        return predictions * channels + (2 * self.iterations - 1) * predictions

    def get_config(self):
        return super().get_config() | {
            "count": self.count,
            "width": self.width,
            "iterations": self.iterations,
        }


def _over_classes(agreement):
    return ops.softmax(agreement, axis=1)


@keras.saving.register_keras_serializable("merzoo")
class CapsuleLength(layers.Layer):
    """Length of each capsule: (B, capsules, C) -> (B, capsules).

    Example:

    >>> import numpy as np
    >>> np.asarray(CapsuleLength()(np.array([[[3.0, 4.0]]], "float32"))).round(4).tolist()
    [[5.0]]
    """

    def call(self, inputs):
        x = ops.cast(inputs, "float32")
        x = ops.sqrt(ops.sum(x * x, axis=-1) + 1e-12)  # a gradient at length 0, too
        return ops.cast(x, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[:-1])

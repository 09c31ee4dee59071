"""A convolution with few input channels as one matrix product, for XLA on a CPU."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("merzoo")
class PatchConv2D(layers.Conv2D):
    """`keras.layers.Conv2D` (stride 1, no padding), as one matrix product where that is faster.

    XLA compiles the gradient of a small convolution badly on a CPU; the product of the image's
    patches with the kernel, the same sum in another order, about halves the time of a training
    step. Used on the JAX backend; elsewhere this is `Conv2D` itself. Weights and arguments are
    those of `Conv2D`.

    Example:

    >>> import numpy as np
    >>> PatchConv2D(16, 3)(np.ones((1, 28, 28, 3), "float32")).shape[1:] == (26, 26, 16)
    True
    """

    def call(self, inputs):
        if keras.backend.backend() != "jax":
            return super().call(inputs)
        height, width = self.kernel_size
        rows, columns = inputs.shape[1] - height + 1, inputs.shape[2] - width + 1
        parts = [
            inputs[:, i : i + rows, j : j + columns] for i in range(height) for j in range(width)
        ]
        patches = ops.concatenate(parts, axis=-1)  # (B, rows, columns, height * width * C)
        kernel = ops.reshape(self.kernel, (-1, self.filters))
        return self.activation(ops.matmul(patches, kernel) + self.bias)

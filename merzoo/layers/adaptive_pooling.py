"""Average pooling to a given size, as PyTorch's `AdaptiveAvgPool2d`."""

import keras
import numpy as np
from keras import layers, ops


@keras.saving.register_keras_serializable("merzoo")
class AdaptiveAveragePool(layers.Layer):
    """Averages over windows i H / size .. (i + 1) H / size, rounded outwards, to size x size cells.

    The windows overlap where the sides don't divide. It is a product with one averaging matrix per
    axis. (`keras.layers.AdaptiveAveragePooling2D` of Keras 3.15 gives NaN on JAX.)

    Args:
        size: side of the result, cells.

    Call arguments:
        inputs: (B, H, W, C).

    Returns:
        (B, size, size, C).

    Example:

    >>> import numpy as np
    >>> row = np.arange(5, dtype="float32").reshape(1, 1, 5, 1)
    >>> np.asarray(AdaptiveAveragePool(2)(row))[0, 0].ravel().tolist()
    [1.0, 3.0]
    """

    def __init__(self, size: int, **kwargs):
        super().__init__(**kwargs)
        self.size = size

    def call(self, inputs):
        rows, columns = (averaging_matrix(side, self.size) for side in inputs.shape[1:3])
        rows, columns = (ops.cast(m, self.compute_dtype) for m in (rows, columns))
        return ops.einsum("iy,byxc,jx->bijc", rows, inputs, columns)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.size, self.size, input_shape[-1])

    def get_config(self):
        return super().get_config() | {"size": self.size}


def averaging_matrix(length: int, size: int) -> np.ndarray:
    """(size, length) matrix whose rows average the windows of adaptive pooling."""
    matrix = np.zeros((size, length), "float32")
    for i in range(size):
        start, stop = i * length // size, -(-(i + 1) * length // size)
        matrix[i, start:stop] = 1 / (stop - start)
    return matrix

"""Local response normalisation across channels, as in AlexNet."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("merzoo")
class LocalResponseNormalization(layers.Layer):
    """Divides each value by a power of the energy of its neighbour channels.

    `y_c = x_c / (k + alpha * sum of x_j^2 over the size channels around c) ^ beta`. This is
    `tf.nn.local_response_normalization(depth_radius=size // 2)`; PyTorch's `LocalResponseNorm`
    takes `alpha * size` for the same function.

    Args:
        size: channels in the window, odd.
        alpha: weight of the energy.
        beta: the power.
        k: the constant.

    Call arguments:
        inputs: (B, H, W, C).

    Returns:
        The same shape.

    Source:
        Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural
        Networks", NIPS 2012, section 3.3.

    Example:

    >>> import numpy as np
    >>> layer = LocalResponseNormalization(size=3, alpha=1.0, beta=1.0, k=2.0)
    >>> np.asarray(layer(np.ones((1, 1, 1, 3), "float32")))[0, 0, 0].tolist()
    [0.25, 0.20000000298023224, 0.25]
    """

    def __init__(self, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k=2.0, **kwargs):
        super().__init__(**kwargs)
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def call(self, inputs):
        x = ops.cast(inputs, "float32")  # squares overflow in half precision
        channels, half = x.shape[-1], self.size // 2
        square = ops.pad(x * x, ((0, 0), (0, 0), (0, 0), (half, half)))
        energy = sum(square[..., i : i + channels] for i in range(self.size))
        return ops.cast(x / (self.k + self.alpha * energy) ** self.beta, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return super().get_config() | {
            "size": self.size,
            "alpha": self.alpha,
            "beta": self.beta,
            "k": self.k,
        }

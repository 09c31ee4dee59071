"""Stochastic depth: residual branches that are left out at random in training."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("merzoo")
class StochasticDepth(layers.Layer):
    """Drops a residual branch of each sample with probability `rate` in training.

    What is kept is divided by 1 - rate, so that the expected value stays; outside training the
    layer does nothing.

    Args:
        rate: probability of dropping, from 0 to below 1.
        seed: of the draws.

    Call arguments:
        inputs: (B, ...), the branch before it is added.

    Returns:
        The same shape.

    Source:
        Huang, Sun, Liu, Sedra, Weinberger, "Deep Networks with Stochastic Depth", ECCV 2016.

    Example:

    >>> import numpy as np
    >>> x = np.ones((200, 2), "float32")
    >>> sorted(set(np.asarray(StochasticDepth(0.5, seed=0)(x, training=True)).ravel().tolist()))
    [0.0, 2.0]
    """

    def __init__(self, rate: float, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.rate, self.seed = rate, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs, training=False):
        if not training or self.rate == 0:
            return inputs
        shape = (ops.shape(inputs)[0],) + (1,) * (len(inputs.shape) - 1)
        kept = keras.random.uniform(shape, seed=self.seed_generator) >= self.rate
        return inputs * ops.cast(kept, inputs.dtype) / (1 - self.rate)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return super().get_config() | {"rate": self.rate, "seed": self.seed}

"""Continuous vertical attention: one weight per row and channel, carried from block to block."""

import keras
from keras import layers, ops

from merzoo.errors import InputError
from merzoo.layers.pooling import MaxPoolPadded


@keras.saving.register_keras_serializable("merzoo")
class ContinuousVerticalAttention(layers.Layer):
    """The attention map of one CVA block: a weight for each row (or column) and channel.

    The rows' means go through a bottleneck of two 1x1 convolutions to a sigmoid, and the result is
    multiplied by the map of the block before, halved by max pooling and matched in channels by a
    1x1 convolution. The map multiplies the features it was made of (Eq. 4), outside this layer.

    Args:
        direction: `"vertical"` for a weight per row, `"horizontal"` for one per column.
        prior_activation: of the matched prior: `None` as printed, or `"sigmoid"`.

    Call arguments:
        inputs: (B, H, W, C), or a list of it and of the prior map (B, 2 H, 1, C') (vertical) or
            (B, 1, 2 W, C') (horizontal).

    Returns:
        (B, H, 1, C) if vertical, (B, 1, W, C) if horizontal.

    Source:
        The CVA paper, Eqs. 2-4.

    Example:

    >>> import numpy as np
    >>> x, prior = np.ones((1, 8, 8, 16), "float32"), np.ones((1, 16, 1, 4), "float32")
    >>> ContinuousVerticalAttention()([x, prior]).shape == (1, 8, 1, 16)
    True
    """

    def __init__(self, direction="vertical", prior_activation=None, **kwargs):
        super().__init__(**kwargs)
        for name, value, allowed in (
            ("direction", direction, ("vertical", "horizontal")),
            ("prior_activation", prior_activation, (None, "sigmoid")),
        ):
            if value not in allowed:
                raise InputError(
                    f"{name}={value!r} is not possible here: use one of {list(allowed)}."
                )
        self.direction, self.prior_activation = direction, prior_activation

    def build(self, input_shape):
        features, prior = _features_and_prior(input_shape)
        channels, policy = features[-1], self.dtype_policy
        self.reduced = max(8, channels // 32)
        self.squeeze = layers.Dense(self.reduced, dtype=policy, name="f1")
        self.norm = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, dtype=policy, name="bn")
        self.excite = layers.Dense(channels, activation="sigmoid", dtype=policy, name="f2")
        self.squeeze.build((None, 1, 1, channels))
        self.norm.build((None, 1, 1, self.reduced))
        self.excite.build((None, 1, 1, self.reduced))
        if prior is not None:
            self.halve = MaxPoolPadded(3, strides=2, padding=1, dtype=policy, name="halve")
            self.match = layers.Dense(
                channels, activation=self.prior_activation, dtype=policy, name="match"
            )
            self.match.build((None, 1, 1, prior[-1]))

    def call(self, inputs):
        features, prior = _features_and_prior(inputs)
        axis = 2 if self.direction == "vertical" else 1
        x = ops.mean(features, axis=axis, keepdims=True)  # (B, H, 1, C), P_AY
        x = keras.activations.hard_silu(self.norm(self.squeeze(x)))  # x ReLU6(x + 3) / 6
        x = self.excite(x)
        if prior is None:
            return x
        # P_M; a side of one cell stays one cell: its window holds nothing else but padding.
        return x * self.match(self.halve(prior))

    def compute_output_shape(self, input_shape):
        (batch, height, width, channels), _ = _features_and_prior(input_shape)
        if self.direction == "vertical":
            return (batch, height, 1, channels)
        return (batch, 1, width, channels)

    def multiply_adds(self, input_shape) -> int:
        (batch, height, width, channels), prior = _features_and_prior(input_shape)
        cells = batch * (height if self.direction == "vertical" else width)
        matched = prior[-1] * channels if prior is not None else 0
        return cells * (2 * channels * self.reduced + matched)

    def get_config(self):
        return super().get_config() | {
            "direction": self.direction,
            "prior_activation": self.prior_activation,
        }


def _features_and_prior(inputs):
    """Arrays or shapes: one of features, or two, of features and of the prior."""
    if isinstance(inputs, list | tuple) and not isinstance(inputs[-1], int):
        features, prior = inputs
        return features, prior
    return inputs, None

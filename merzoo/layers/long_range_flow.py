"""The flow of every later frame of a clip from its first frame, inside a model."""

import keras
from keras import layers, ops

from merzoo.errors import InputError
from merzoo.layers.farneback import FarnebackFlow


@keras.saving.register_keras_serializable("merzoo")
class LongRangeFlow(layers.Layer):
    """Optical flow from the first frame of each clip to every other one. Has no weights.

    The flow is that of `FarnebackFlow` with its default settings. No gradient is needed of it:
    clips do not learn.

    Call arguments:
        inputs: (B, T, H, W, 1 or 3), 0..255; T from 2, sides from 8, all but B fixed.

    Returns:
        (B, T - 1, H, W, 2): u (to the right) and v (down), in pixels.

    Raises:
        InputError: for another shape.

    Source:
        Zhang, Hong, Arandjelovic, Zhao, "Short and Long Range Relation Based Spatio-Temporal
        Transformer for Micro-Expression Recognition", 2022: long-term optical flow.

    Example:

    >>> import numpy as np
    >>> clips = np.zeros((2, 4, 16, 16, 1), "float32")
    >>> LongRangeFlow()(clips).shape == (2, 3, 16, 16, 2)
    True
    """

    def __init__(self, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.flow = FarnebackFlow(dtype="float32", name="flow")

    def build(self, input_shape):
        self.compute_output_shape(input_shape)
        frame = (None, *input_shape[2:])
        self.flow.build([frame, frame])

    def call(self, inputs):
        later = inputs[:, 1:]
        first = ops.broadcast_to(inputs[:, :1], ops.shape(later))
        shape = tuple(inputs.shape)
        pairs = [ops.reshape(x, (-1, *shape[2:])) for x in (first, later)]
        flow = ops.reshape(self.flow(pairs), (-1, shape[1] - 1, *shape[2:4], 2))
        return ops.cast(ops.stop_gradient(flow), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        if len(input_shape) != 5 or None in input_shape[1:] or input_shape[1] < 2:
            raise InputError(
                f"LongRangeFlow takes clips (B, T, H, W, 1 or 3) of 2 frames or more, got "
                f"{tuple(input_shape)}."
            )
        return (input_shape[0], input_shape[1] - 1, *input_shape[2:4], 2)

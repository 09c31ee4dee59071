"""A flow image and its mirror image, side by side, for networks that shall judge both alike."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("merzoo")
class MirrorViews(layers.Layer):
    """Puts the mirror image of a flow beside it: left and right change places, u its sign.

    Call arguments:
        inputs: (B, H, W, C), u first, with 0 for no movement.

    Returns:
        (B, 2, H, W, C): as given, and mirrored.

    Example:

    >>> import numpy as np
    >>> flow = np.array([[[[1.0, 5.0], [2.0, 6.0]]]], "float32")  # (1, 1, 2, 2)
    >>> np.asarray(MirrorViews()(flow))[0, 1].tolist()
    [[[-2.0, 6.0], [-1.0, 5.0]]]
    """

    def call(self, inputs):
        turned = ops.flip(inputs, axis=2)
        mirrored = ops.concatenate([-turned[..., :1], turned[..., 1:]], axis=-1)
        return ops.stack([inputs, mirrored], axis=1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 2, *input_shape[1:])

    def multiply_adds(self, input_shape) -> int:
        return 0

"""Frames of a clip: time folded into the batch and back, and VGG16's view of a frame."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("merzoo")
class FoldTime(layers.Layer):
    """Makes every frame a sample of its own, so that image layers run once over all of them.

    Call arguments:
        inputs: (B, T, ...).

    Returns:
        (B T, ...).

    Example:

    >>> import numpy as np
    >>> FoldTime()(np.ones((2, 10, 8, 8, 3), "float32")).shape == (20, 8, 8, 3)
    True
    """

    def call(self, inputs):
        return ops.reshape(inputs, (-1, *inputs.shape[2:]))

    def compute_output_shape(self, input_shape):
        batch, frames = input_shape[:2]
        return (None if None in (batch, frames) else batch * frames, *input_shape[2:])

    def multiply_adds(self, input_shape) -> int:
        return 0


@keras.saving.register_keras_serializable("merzoo")
class UnfoldTime(layers.Layer):
    """Puts the frames of a clip together again after `FoldTime`.

    Args:
        frames: T, the number of frames in a clip.

    Call arguments:
        inputs: (B T, ...).

    Returns:
        (B, T, ...).

    Example:

    >>> import numpy as np
    >>> UnfoldTime(10)(np.ones((20, 8), "float32")).shape == (2, 10, 8)
    True
    """

    def __init__(self, frames: int, **kwargs):
        super().__init__(**kwargs)
        self.frames = frames

    def call(self, inputs):
        return ops.reshape(inputs, (-1, self.frames, *inputs.shape[1:]))

    def compute_output_shape(self, input_shape):
        batch = input_shape[0]
        return (None if batch is None else batch // self.frames, self.frames, *input_shape[1:])

    def multiply_adds(self, input_shape) -> int:
        return 0

    def get_config(self):
        return super().get_config() | {"frames": self.frames}


@keras.saving.register_keras_serializable("merzoo")
class VGGPreparation(layers.Layer):
    """What the VGG networks expect of a colour image: channels B, G, R, less their ImageNet means.

    Call arguments:
        inputs: (B, H, W, 3), R G B, 0..255.

    Returns:
        (B, H, W, 3).

    Source:
        Simonyan, Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition",
        2015, section 2.1; means as in the released Caffe models.

    Example:

    >>> import numpy as np
    >>> image = np.full((1, 1, 1, 3), [1.0, 2.0, 3.0], "float32")
    >>> np.asarray(VGGPreparation()(image)).ravel().round().astype(int).tolist()
    [-101, -115, -123]
    """

    MEANS = (103.939, 116.779, 123.68)  # B, G, R

    def call(self, inputs):
        return ops.flip(inputs, axis=-1) - ops.cast(ops.array(self.MEANS), inputs.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def multiply_adds(self, input_shape) -> int:
        return 0

"""Frames of a clip: time folded into the batch and back, neighbours in time, VGG16's view."""

import keras
from keras import layers, ops

from merzoo.errors import InputError


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
class NeighbourFrames(layers.Layer):
    """Puts the channels of `size` frames, one after another, in place of each frame's own.

    An image convolution over the result is a convolution over space and time: its kernel
    (h, w, size C, F) is the kernel (size, h, w, C, F) of `keras.layers.Conv3D`, time before
    channels. So it trains as fast as image convolutions do in every engine.

    Args:
        size: frames that a convolution sees, odd; zeros stand before the first and behind the last.
        strides: step between the frames that are kept.

    Call arguments:
        inputs: (B, T, H, W, C).

    Returns:
        (B, ceil(T / strides), H, W, size C).

    Raises:
        InputError: for an even `size`, or one below 1.

    Example:

    >>> import numpy as np
    >>> clip = np.arange(1, 5, dtype="float32").reshape(1, 4, 1, 1, 1)
    >>> np.asarray(NeighbourFrames(3)(clip)).reshape(4, 3).astype(int).tolist()
    [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 0]]
    """

    def __init__(self, size: int = 3, strides: int = 1, **kwargs):
        super().__init__(**kwargs)
        if size < 1 or size % 2 == 0:
            raise InputError(f"size={size} is not possible here: give an odd number from 1.")
        self.size, self.strides = size, strides

    def call(self, inputs):
        frames, half = inputs.shape[1], self.size // 2
        x = ops.pad(inputs, ((0, 0), (half, half), (0, 0), (0, 0), (0, 0)))
        kept = [x[:, i : i + frames : self.strides] for i in range(self.size)]
        return kept[0] if self.size == 1 else ops.concatenate(kept, axis=-1)

    def compute_output_shape(self, input_shape):
        batch, frames, height, width, channels = input_shape
        return (batch, -(-frames // self.strides), height, width, self.size * channels)

    def multiply_adds(self, input_shape) -> int:
        return 0

    def get_config(self):
        return super().get_config() | {"size": self.size, "strides": self.strides}


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

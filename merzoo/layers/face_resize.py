"""Resizing of 8-bit face crops inside a model, as `merzoo.preprocessing` does on the way in."""

import keras
import numpy as np
from keras import layers, ops

from merzoo.errors import InputError
from merzoo.layers.banded import BandedFilter

# OpenCV's own integers for grey of 8-bit colour: ITU-R BT.601 in 15 bits.
GREY_OF_BYTES = (9798.0, 19235.0, 3735.0)
# OpenCV's remap looks up bilinear weights at places rounded to this part of a pixel.
PLACES = 32


@keras.saving.register_keras_serializable("merzoo")
class FaceResize(layers.Layer):
    """Resizes 8-bit face crops, and turns them grey if asked, to the very grey levels of OpenCV.

    What `merzoo.preprocessing` makes of a frame that is a face crop already (detector `"none"`):
    bilinear sampling; a crop more than 1.5 times finer than the result is sampled at about its own
    resolution and averaged. Each step is rounded to whole grey levels, as 8-bit images are.

    Args:
        size: (height, width) of the result.
        channels: 1 for grey, 3 for colour.

    Call arguments:
        inputs: (B, H, W, 3) RGB, uint8; H and W fixed.

    Returns:
        (B, *size, channels), whole numbers 0..255.

    Raises:
        InputError: for another shape.

    Example:

    >>> crops = np.full((2, 224, 224, 3), (255, 0, 0), "uint8")
    >>> grey = FaceResize((28, 28), channels=1)(crops)
    >>> tuple(grey.shape), float(grey[0, 0, 0, 0])
    ((2, 28, 28, 1), 76.0)
    """

    def __init__(self, size: tuple[int, int], channels: int = 3, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.size, self.channels = tuple(int(side) for side in size), int(channels)
        if self.channels not in (1, 3):
            raise InputError(f"FaceResize gives 1 or 3 channels, not {channels}.")

    def build(self, input_shape):
        if len(input_shape) != 4 or input_shape[-1] != 3 or None in input_shape[1:3]:
            raise InputError(
                f"FaceResize takes (B, H, W, 3) of a fixed height and width, got {input_shape}."
            )
        sides = input_shape[1:3]
        step = max(old / new for old, new in zip(sides, self.size, strict=True))
        self._fine = round(step) if step > 1.5 else 1
        self._filters = None
        if sides != (self.size[0] * self._fine, self.size[1] * self._fine):
            matrices = (
                _sampling_matrix(new * self._fine, old)
                for new, old in zip(self.size, sides, strict=True)
            )
            self._filters = [BandedFilter(matrix) for matrix in matrices]
        self.built = True

    def call(self, inputs):
        x = ops.cast(inputs, "float32")
        if self._filters is not None:
            along_y, along_x = self._filters
            x = ops.transpose(x, (1, 3, 0, 2))  # (H, 3, B, W)
            x = ops.floor(along_x.along_last(along_y.along_first(x)) + 0.5)
            x = ops.transpose(x, (2, 0, 3, 1))
        if self._fine > 1:
            x = ops.average_pool(x, self._fine, self._fine)
            # OpenCV rounds halves up for 2 x 2 cells, and to even for larger ones.
            x = ops.floor(x + 0.5) if self._fine == 2 else ops.round(x)
        if self.channels == 1:
            red, green, blue = GREY_OF_BYTES
            x = red * x[..., 0:1] + green * x[..., 1:2] + blue * x[..., 2:3]  # exact in float32
            x = ops.floor(x / 32768 + 0.5)
        return ops.cast(x, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.size, self.channels)

    def get_config(self):
        return super().get_config() | {"size": list(self.size), "channels": self.channels}


def _sampling_matrix(new: int, old: int) -> np.ndarray:
    """The (new, old) matrix of `cv2.remap` at half-pixel centres, clamped at the ends."""
    place: np.ndarray = ((np.arange(new) + 0.5) * old / new - 0.5).astype(np.float32)
    place = np.rint(place * PLACES) / PLACES
    first = np.floor(place).astype(int)
    share = place - first
    matrix = np.zeros((new, old))
    np.add.at(matrix, (np.arange(new), np.clip(first, 0, old - 1)), 1 - share)
    np.add.at(matrix, (np.arange(new), np.clip(first + 1, 0, old - 1)), share)
    return matrix

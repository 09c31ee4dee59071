"""Motion inside a model: what `merzoo.preprocessing` does on the way in, as layers.

With these a model can take the raw onset and apex, so that an export carries its preprocessing and
flow runs where the model runs. `FarnebackFlow` stands in a file of its own.
"""

import keras
from keras import layers, ops

from merzoo.errors import InputError
from merzoo.layers.banded import BandedFilter, resize_matrix
from merzoo.layers.farneback import FarnebackFlow

__all__ = ["FarnebackFlow", "FlowImage", "FrameDifference", "OpticalStrain"]


def _strain(flow):
    """(B, H, W, 2 or more) -> (B, H, W, 1): see `merzoo.preprocessing.flow.optical_strain`."""
    u, v = flow[..., 0:1], flow[..., 1:2]
    u_y, u_x, v_y, v_x = _slope(u, 1), _slope(u, 2), _slope(v, 1), _slope(v, 2)
    squared = u_x * u_x + v_y * v_y + (u_y + v_x) * (u_y + v_x) / 2
    moving = squared > 0  # the square root has no finite gradient at 0
    return ops.where(moving, ops.sqrt(ops.where(moving, squared, 1.0)), 0.0)


def _slope(x, axis):
    """Derivative along axis 1 or 2: central differences, one-sided at both ends."""
    if axis == 2:
        first, inner, last = x[:, :, 1:2], x[:, :, 2:] - x[:, :, :-2], x[:, :, -1:]
        return ops.concatenate([first - x[:, :, :1], inner / 2, last - x[:, :, -2:-1]], axis=2)
    first, inner, last = x[:, 1:2], x[:, 2:] - x[:, :-2], x[:, -1:]
    return ops.concatenate([first - x[:, :1], inner / 2, last - x[:, -2:-1]], axis=1)


def _check_flow(name, shape):
    if len(shape) != 4 or shape[-1] is None or shape[-1] < 2:
        raise InputError(f"{name} takes flow (B, H, W, 2), got {tuple(shape)}.")


@keras.saving.register_keras_serializable("merzoo")
class OpticalStrain(layers.Layer):
    """Optical strain of a flow field: the Frobenius norm of its symmetric gradient.

    Zero for a translation and, to first order, for a rotation. Concatenate it behind the flow for
    the `flow` modality.

    Call arguments:
        inputs: (B, H, W, 2 or more), u and v first, in pixels; sides from 2.

    Returns:
        (B, H, W, 1).

    Raises:
        InputError: for another shape.

    Source: Shreve et al., "Macro- and micro-expression spotting in long videos using
    spatio-temporal strain", FG 2011, Eq. 3-5.

    Example:

    >>> import numpy as np
    >>> y, x = np.mgrid[:8, :8]
    >>> stretch = np.stack([0.03 * x, 0.05 * y], axis=-1)[None].astype("float32")
    >>> round(float(OpticalStrain()(stretch)[0, 4, 4, 0]), 4)
    0.0583
    """

    def __init__(self, **kwargs):
        super().__init__(autocast=False, **kwargs)

    def call(self, inputs):
        return ops.cast(_strain(ops.cast(inputs, "float32")), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        _check_flow("OpticalStrain", input_shape)
        return (*input_shape[:-1], 1)


@keras.saving.register_keras_serializable("merzoo")
class FlowImage(layers.Layer):
    """Turns flow into a flow image: u, v and strain, resized, then each min-max scaled to 0..255.

    Equals `merzoo.preprocessing.flow.flow_image`: strain at full size, bilinear resize without
    antialiasing, scaling last and for each image and channel by itself. A constant channel is 0.

    Args:
        size: (height, width) of the flow image.
        magnitude: whether a fourth channel has the length of the flow, scaled as the others.

    Call arguments:
        inputs: (B, H, W, 2 or more), u and v first, in pixels; H and W fixed.

    Returns:
        (B, *size, 3), 0..255; 4 channels with the magnitude.

    Raises:
        InputError: for another shape.

    Source: Liong et al., "Shallow Triple Stream Three-dimensional CNN (STSTNet)", FG 2019.

    Example:

    >>> import numpy as np
    >>> flow = np.random.default_rng(0).normal(size=(2, 112, 112, 2)).astype("float32")
    >>> image = FlowImage()(flow)
    >>> tuple(image.shape), round(float(ops.max(image[0, ..., 0])))
    ((2, 28, 28, 3), 255)
    """

    def __init__(self, size: tuple[int, int] = (28, 28), magnitude: bool = False, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.size = tuple(int(side) for side in size)
        self.magnitude = magnitude

    def build(self, input_shape):
        _check_flow("FlowImage", input_shape)
        if None in input_shape[1:3]:
            raise InputError(f"FlowImage needs a fixed height and width, got {input_shape}.")
        self._resize_y = BandedFilter(resize_matrix(self.size[0], input_shape[1]))
        self._resize_x = BandedFilter(resize_matrix(self.size[1], input_shape[2]))
        self.built = True

    def call(self, inputs):
        flow = ops.cast(inputs, "float32")[..., :2]
        planes = [flow, _strain(flow)]
        if self.magnitude:
            planes.append(ops.sqrt(ops.sum(flow * flow, axis=-1, keepdims=True)))
        planes = ops.transpose(ops.concatenate(planes, axis=-1), (1, 3, 0, 2))  # (H, 3, B, W)
        planes = self._resize_x.along_last(self._resize_y.along_first(planes))
        low = ops.min(planes, axis=(0, 3), keepdims=True)  # (1, 3, B, 1)
        reach = ops.max(planes, axis=(0, 3), keepdims=True) - low
        planes = (planes - low) / ops.where(reach > 0, reach, 1.0) * 255.0
        return ops.cast(ops.transpose(planes, (2, 0, 3, 1)), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.size, 3 + self.magnitude)

    def get_config(self):
        return super().get_config() | {"size": list(self.size), "magnitude": self.magnitude}


@keras.saving.register_keras_serializable("merzoo")
class FrameDifference(layers.Layer):
    """Absolute difference of two frames, the `difference` modality.

    `keras.layers.Subtract()([apex, onset])` gives the signed one.

    Call arguments:
        inputs: a list of the onset and the apex, each (B, H, W, C), 0..255.

    Returns:
        (B, H, W, C), 0..255.

    Source: DynamicFusionResNet (2025), Eq. 8.

    Example:

    >>> import numpy as np
    >>> onset, apex = np.full((2, 1, 4, 4, 1), [[[[[9.0]]]], [[[[4.0]]]]], "float32")
    >>> float(FrameDifference()([onset, apex])[0, 0, 0, 0])
    5.0
    """

    def __init__(self, **kwargs):
        super().__init__(autocast=False, **kwargs)

    def call(self, inputs):
        onset, apex = (ops.cast(image, "float32") for image in inputs)
        return ops.cast(ops.abs(apex - onset), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        if len(input_shape) != 2 or tuple(input_shape[0]) != tuple(input_shape[1]):
            raise InputError(f"FrameDifference takes two frames of one size, got {input_shape}.")
        return tuple(input_shape[0])

"""Flow as the grey pictures that networks made for photographs take."""

import keras
from keras import layers, ops

from merzoo.errors import InputError


@keras.saving.register_keras_serializable("merzoo")
class FlowPicture(layers.Layer):
    """One scalar map of a flow field as a picture: 0..255 over the field's own range.

    Args:
        quantity: `"magnitude"`, the length sqrt(u^2 + v^2), or `"strain"`, the third channel.
        channels: copies of the map, side by side; 3 for networks made for colour pictures.

    Call arguments:
        inputs: (B, H, W, 3), u and v in pixels and optical strain, a `flow`.

    Returns:
        (B, H, W, channels), 0..255; a field of one constant value gives 0.

    Example:

    >>> import numpy as np
    >>> flow = np.zeros((1, 1, 2, 3), "float32"); flow[0, 0, 1, :2] = (3, 4)
    >>> np.asarray(FlowPicture("magnitude", channels=1)(flow)).ravel().tolist()
    [0.0, 255.0]
    """

    def __init__(self, quantity: str = "magnitude", channels: int = 3, **kwargs):
        super().__init__(**kwargs)
        if quantity not in ("magnitude", "strain"):
            raise InputError(
                f"quantity={quantity!r} is not possible here: use one of ['magnitude', 'strain']."
            )
        self.quantity, self.channels = quantity, channels

    def call(self, inputs):
        x = ops.cast(inputs, "float32")
        if self.quantity == "magnitude":
            x = ops.sqrt(ops.sum(x[..., :2] ** 2, axis=-1, keepdims=True))  # (B, H, W, 1)
        else:
            x = x[..., 2:3]
        low = ops.min(x, axis=(1, 2), keepdims=True)
        high = ops.max(x, axis=(1, 2), keepdims=True)
        x = 255 * (x - low) / ops.maximum(high - low, 1e-6)
        return ops.cast(ops.repeat(x, self.channels, axis=-1), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.channels)

    def get_config(self):
        return super().get_config() | {"quantity": self.quantity, "channels": self.channels}

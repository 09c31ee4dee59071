"""A class layer whose kernel other layers can see, and maps of the classes' evidence made of it."""

import keras
import numpy as np
from keras import layers, ops

from merzoo.errors import InputError


@keras.saving.register_keras_serializable("merzoo")
class ClassKernel(layers.Layer):
    """Owns kernel and bias of a class layer and hands them out as tensors.

    Args:
        classes: number of classes.

    Call arguments:
        inputs: (B, ..., C); only its shape counts: the class layer will see it flattened.

    Returns:
        Kernel (features, classes) and bias (classes,); neither has a batch axis.

    Example:

    >>> import numpy as np
    >>> kernel, bias = ClassKernel(3)(np.ones((1, 7, 7, 64), "float32"))
    >>> tuple(kernel.shape), tuple(bias.shape)
    ((3136, 3), (3,))
    """

    def __init__(self, classes: int, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(classes, int) or classes < 2:
            raise InputError(
                f"classes={classes!r} is not possible here: give a whole number from 2."
            )
        self.classes = classes

    def build(self, input_shape):
        (kernel, bias) = self.compute_output_shape(input_shape)
        start = keras.initializers.RandomNormal(stddev=0.01)
        self.kernel = self.add_weight(shape=kernel, initializer=start, name="kernel")
        self.bias = self.add_weight(shape=bias, initializer="zeros", name="bias")

    def call(self, inputs):
        # Added zeros: a weight itself is no tensor on every backend.
        return [ops.cast(w, self.compute_dtype) + 0 for w in (self.kernel, self.bias)]

    def compute_output_shape(self, input_shape):
        features = 1
        for length in input_shape[1:]:
            features *= length
        return [(features, self.classes), (self.classes,)]

    def multiply_adds(self, input_shape) -> int:
        return 0

    def get_config(self):
        return super().get_config() | {"classes": self.classes}


@keras.saving.register_keras_serializable("merzoo")
class ClassActivationMap(layers.Layer):
    """Where a feature map speaks for the classes: the mean of the classes' scaled evidence.

    For each class, the features times that class's kernel, meaned over channels and min-max scaled
    to 0..1 over the map.

    Args:
        size: (height, width) to which the map is stretched by repeating cells, or `None`.

    Call arguments:
        inputs: a list of features (B, p, p, C) and a kernel (p p C, classes), as from
            `ClassKernel` on a tensor of the same shape.

    Returns:
        (B, p, p, 1), or (B, *size, 1), 0..1.

    Source:
        Xia et al., IEEE TIP 2020, the attention unit; Zhou et al., "Learning Deep Features for
        Discriminative Localization", CVPR 2016, for the class activation map.

    Example:

    >>> import numpy as np
    >>> features = np.arange(4, dtype="float32").reshape(1, 2, 2, 1)
    >>> kernel = np.ones((4, 3), "float32")
    >>> np.asarray(ClassActivationMap()([features, kernel])).ravel()[[0, 3]].tolist()
    [0.0, 1.0]
    """

    def __init__(self, size=None, **kwargs):
        super().__init__(**kwargs)
        self.size = tuple(size) if size else None

    def call(self, inputs):
        features, kernel = inputs
        _, height, width, channels = features.shape
        kernel = ops.reshape(kernel, (height, width, channels, -1))
        evidence = ops.einsum("byxc,yxck->byxk", features, kernel) / channels
        evidence = ops.cast(evidence, "float32")
        low = ops.min(evidence, axis=(1, 2), keepdims=True)
        high = ops.max(evidence, axis=(1, 2), keepdims=True)
        scaled = (evidence - low) / ops.maximum(high - low, 1e-12)
        scaled = ops.cast(ops.mean(scaled, axis=-1, keepdims=True), self.compute_dtype)
        if self.size is None:
            return scaled
        for axis, (length, wanted) in enumerate(zip((height, width), self.size, strict=True), 1):
            scaled = ops.take(scaled, np.arange(wanted) * length // wanted, axis=axis)
        return scaled

    def compute_output_shape(self, input_shape):
        (batch, height, width, _), _ = input_shape
        return (batch, *(self.size or (height, width)), 1)

    def multiply_adds(self, input_shape) -> int:
        (batch, *_), (features, classes) = input_shape
        return batch * features * classes

    def get_config(self):
        return super().get_config() | {"size": self.size}

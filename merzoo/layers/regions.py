"""Regions of a face as blocks of a feature map: cropping, and learning from each under a gate.

Zhu, Li, Liu, Zeng, "Micro-Expression Recognition Based on Spatio-Temporal Feature Extraction of
Key Regions", 2023; the gate's sizes are those of its ancestor, Li, Zeng, Shan, Chen, "Occlusion
Aware Facial Expression Recognition Using CNN With Attention Mechanism", TIP 2019 (gACNN).
"""

import math

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("merzoo")
class RegionCrop(layers.Layer):
    """Crops boxes from a feature map to one size by bilinear interpolation.

    Sample k of n along an axis of L cells lies at `(lo + (hi - lo) (k + 0.5) / n) L - 0.5`, held
    within the map, so a box that covers n whole cells is copied. Differentiable in the map and in
    the boxes.

    Args:
        size: side of the crops, cells.

    Call arguments:
        inputs: a map (B, H, W, C) and boxes (B, N, 4) as y1 x1 y2 x2 in 0..1 of its sides.

    Returns:
        (B, N, size, size, C).

    Source:
        Zhu et al., section 3.2.2: blocks are taken after the transfer learning layer.

    Example:

    >>> import numpy as np
    >>> face = np.arange(16, dtype="float32").reshape(1, 4, 4, 1)
    >>> box = np.array([[[0.0, 0.5, 0.5, 1.0]]], "float32")  # the upper right quarter
    >>> np.asarray(RegionCrop(size=2)([face, box])).reshape(2, 2).astype(int).tolist()
    [[2, 3], [6, 7]]
    """

    def __init__(self, size: int = 6, **kwargs):
        kwargs.setdefault("autocast", False)  # boxes keep float32 under mixed precision
        super().__init__(**kwargs)
        self.size = size

    def _weights(self, low, high, length):
        """How much each cell gives to each sample of one axis: (B, N, size, length)."""
        steps = (ops.arange(self.size, dtype="float32") + 0.5) / self.size
        low, high = ops.expand_dims(low, -1), ops.expand_dims(high, -1)  # (B, N, 1)
        place = ops.clip((low + (high - low) * steps) * length - 0.5, 0, length - 1)
        cells = ops.arange(length, dtype="float32")
        return ops.relu(1 - ops.abs(ops.expand_dims(place, -1) - cells))

    def call(self, inputs):
        feature_map, boxes = inputs
        feature_map = ops.cast(feature_map, self.compute_dtype)
        boxes = ops.cast(boxes, "float32")
        height, width = feature_map.shape[1:3]
        rows = self._weights(boxes[..., 0], boxes[..., 2], height)
        columns = self._weights(boxes[..., 1], boxes[..., 3], width)
        rows, columns = ops.cast(rows, self.compute_dtype), ops.cast(columns, self.compute_dtype)
        strips = ops.einsum("bniy,byxc->bnixc", rows, feature_map)
        return ops.einsum("bnixc,bnjx->bnijc", strips, columns)

    def compute_output_shape(self, input_shape):
        (batch, _, _, channels), (_, regions, _) = input_shape
        return (batch, regions, self.size, self.size, channels)

    def multiply_adds(self, input_shape) -> int:
        return 0  # resampling, which like pooling is not counted

    def get_config(self):
        return super().get_config() | {"size": self.size}


@keras.saving.register_keras_serializable("merzoo")
class GatedRegion(layers.Layer):
    """Features of each region, weighed by a gate that looks at the region: p_i tau(c_i).

    tau flattens the region into a dense layer. The gate phi is a 2x2 max pooling, a 1x1
    convolution with ReLU and batch normalisation, global average pooling, a dense layer with ReLU
    and one sigmoid unit. Every region has weights of its own.

    Args:
        units: width of tau.
        share_weights: whether all regions use the same weights.
        convolutions: 3x3 convolutions with ReLU, as wide as the input, before tau and gate; the
            ancestor has two.
        gate_filters: filters of the gate's 1x1 convolution.
        gate_units: width of the gate's dense layer.

    Call arguments:
        inputs: (B, N, H, W, C), regions of sides from 2.

    Returns:
        (B, N, units).

    Source:
        Zhu et al., Eqs. 1 to 3, and section 3.3, where the whole map is the one region.

    Example:

    >>> import numpy as np
    >>> GatedRegion(64)(np.ones((2, 10, 6, 6, 8), "float32")).shape == (2, 10, 64)
    True
    """

    def __init__(
        self,
        units: int = 64,
        share_weights: bool = False,
        convolutions: int = 0,
        gate_filters: int = 128,
        gate_units: int = 64,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units, self.share_weights, self.convolutions = units, share_weights, convolutions
        self.gate_filters, self.gate_units = gate_filters, gate_units

    def build(self, input_shape):
        _, regions, height, width, channels = input_shape
        self.own = () if self.share_weights else (regions,)
        for number in range(self.convolutions):
            self._add_dense(f"convolution_{number}", 9 * channels, channels)
        self._add_dense("tau", height * width * channels, self.units)
        self._add_dense("gate_convolution", channels, self.gate_filters)
        self._add_dense("gate_dense", self.gate_filters, self.gate_units)
        self._add_dense("gate", self.gate_units, 1)
        self.gate_norm = layers.BatchNormalization(
            momentum=0.9, epsilon=1e-5, dtype=self.dtype_policy, name="gate_norm"
        )
        ones = (None,) * (4 if self.share_weights else 3)
        self.gate_norm.build((*ones, math.prod(self.own) * self.gate_filters))

    def _add_dense(self, name, inputs, outputs):
        """Kernel and bias, for each region or for all; Glorot's range of one region's matrix."""
        limit = (6 / (inputs + outputs)) ** 0.5
        start = keras.initializers.RandomUniform(-limit, limit)
        kernel = self.add_weight(
            shape=(*self.own, inputs, outputs), initializer=start, name=f"{name}_kernel"
        )
        bias = self.add_weight(shape=(*self.own, outputs), initializer="zeros", name=f"{name}_bias")
        setattr(self, f"{name}_kernel", kernel)
        setattr(self, f"{name}_bias", bias)

    def _dense(self, name, x):
        """One matrix product for each region: (B, N, ..., inputs) -> (B, N, ..., outputs)."""
        kernel, bias = getattr(self, f"{name}_kernel"), getattr(self, f"{name}_bias")
        middle = "hw"[: len(x.shape) - 3]
        n = "" if self.share_weights else "n"
        y = ops.einsum(f"bn{middle}i,{n}io->bn{middle}o", x, kernel)
        if not self.share_weights:
            bias = ops.reshape(bias, (-1, *[1] * len(middle), bias.shape[-1]))
        return y + bias

    def _convolve(self, name, x):
        """A 3x3 convolution of each region, as a matrix product over its nine shifts."""
        height, width = x.shape[2:4]
        padded = ops.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1), (0, 0)))
        shifts = [padded[:, :, i : i + height, j : j + width] for i in range(3) for j in range(3)]
        return ops.relu(self._dense(name, ops.concatenate(shifts, axis=-1)))

    def _normalise(self, x, training):
        """Batch normalisation with statistics of each region, or of all where they share."""
        if self.share_weights:
            return self.gate_norm(x, training=training)
        regions, height, width, channels = x.shape[1:]
        x = ops.transpose(x, (0, 2, 3, 1, 4))
        x = ops.reshape(x, (-1, height, width, regions * channels))
        x = self.gate_norm(x, training=training)
        x = ops.reshape(x, (-1, height, width, regions, channels))
        return ops.transpose(x, (0, 3, 1, 2, 4))

    def _gate(self, x, training):
        """phi of Eq. 1: (B, N, H, W, C) -> (B, N, 1), in 0..1."""
        regions, height, width, channels = x.shape[1:]
        rows, columns = height // 2, width // 2
        x = x[:, :, : 2 * rows, : 2 * columns]
        x = ops.reshape(x, (-1, regions, rows, 2, columns, 2, channels))
        x = ops.max(x, axis=(3, 5))  # (B, N, H / 2, W / 2, C)
        x = self._normalise(ops.relu(self._dense("gate_convolution", x)), training)
        x = ops.mean(x, axis=(2, 3))  # (B, N, gate_filters)
        x = ops.relu(self._dense("gate_dense", x))
        return ops.sigmoid(self._dense("gate", x))

    def attention_weights(self, inputs):
        """The gate of each region, p_i of Eq. 1: (B, N, 1), in 0..1."""
        for number in range(self.convolutions):
            inputs = self._convolve(f"convolution_{number}", inputs)
        return self._gate(inputs, training=False)

    def call(self, inputs, training=None):
        x = inputs
        for number in range(self.convolutions):
            x = self._convolve(f"convolution_{number}", x)
        regions, height, width, channels = x.shape[1:]
        flat = ops.reshape(x, (-1, regions, height * width * channels))
        features = ops.relu(self._dense("tau", flat))  # Eq. 2
        return self._gate(x, training) * features  # Eq. 3

    def compute_output_shape(self, input_shape):
        return (*input_shape[:2], self.units)

    def multiply_adds(self, input_shape) -> int:
        batch, regions, height, width, channels = input_shape
        convolutions = self.convolutions * height * width * 9 * channels**2
        tau = height * width * channels * self.units
        gate = (height // 2) * (width // 2) * channels * self.gate_filters
        gate += self.gate_filters * self.gate_units + self.gate_units
        return batch * regions * (convolutions + tau + gate)

    def get_config(self):
        return super().get_config() | {
            "units": self.units,
            "share_weights": self.share_weights,
            "convolutions": self.convolutions,
            "gate_filters": self.gate_filters,
            "gate_units": self.gate_units,
        }

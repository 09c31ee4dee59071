"""Channel and spatial attention over feature maps, in the CBAM family's several wordings.

Woo, Park, Lee, Kweon, "CBAM: Convolutional Block Attention Module", ECCV 2018, is the common
ancestor; DFR-Net (Li, Huang, Wu) and the dense network of Gan et al. each print their own variant,
and the arguments here tell them apart.
"""

import keras
from keras import layers, ops

from merzoo.errors import InputError
from merzoo.layers.patch_convolution import Conv2D


@keras.saving.register_keras_serializable("merzoo")
class ChannelAttention(layers.Layer):
    """Weighs every channel by a small perceptron over its spatial mean and maximum.

    Args:
        reduction: the perceptron's hidden layer has `channels // reduction` units.
        combine: `"sum_then_mlp"` adds the two pooled vectors before the perceptron (DFR-Net,
            Eq. 13), `"mlp_then_sum"` adds its two outputs (CBAM; Gan et al., Eq. 5).
        negative_slope: of the leaky ReLU between the two dense layers; 0 is a plain ReLU.
        use_bias: whether the two dense layers have biases.

    Call arguments:
        inputs: (B, H, W, C).

    Returns:
        (B, H, W, C), each channel times its weight in 0..1.

    Source:
        DFR-Net, Eq. 13; Gan et al., Eqs. 5 and 6.

    Example:

    >>> import numpy as np
    >>> layer = ChannelAttention(reduction=4)
    >>> layer(np.ones((1, 7, 7, 8), "float32")).shape == (1, 7, 7, 8)
    True
    """

    def __init__(
        self,
        reduction: int = 16,
        combine: str = "sum_then_mlp",
        negative_slope: float = 0.0,
        use_bias: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if combine not in ("sum_then_mlp", "mlp_then_sum"):
            raise InputError(
                f"combine={combine!r} is not possible here: use one of "
                "['sum_then_mlp', 'mlp_then_sum']."
            )
        self.reduction, self.combine = reduction, combine
        self.negative_slope, self.use_bias = negative_slope, use_bias

    def build(self, input_shape):
        channels = input_shape[-1]
        self.hidden = max(1, channels // self.reduction)
        dense = {"use_bias": self.use_bias, "dtype": self.dtype_policy}
        self.squeeze = layers.Dense(self.hidden, name="squeeze", **dense)
        self.excite = layers.Dense(channels, name="excite", **dense)
        self.squeeze.build((None, channels))
        self.excite.build((None, self.hidden))

    def _perceptron(self, x):
        return self.excite(ops.leaky_relu(self.squeeze(x), self.negative_slope))

    def attention_weights(self, inputs):
        """The weights alone: (B, 1, 1, C), in 0..1."""
        mean = ops.mean(inputs, axis=(1, 2), keepdims=True)
        highest = ops.max(inputs, axis=(1, 2), keepdims=True)
        if self.combine == "sum_then_mlp":
            return ops.sigmoid(self._perceptron(mean + highest))
        return ops.sigmoid(self._perceptron(mean) + self._perceptron(highest))

    def call(self, inputs):
        return inputs * self.attention_weights(inputs)

    def compute_output_shape(self, input_shape):
        return input_shape

    def multiply_adds(self, input_shape) -> int:
        passes = 1 if self.combine == "sum_then_mlp" else 2
        return passes * input_shape[0] * 2 * input_shape[-1] * self.hidden

    def get_config(self):
        return super().get_config() | {
            "reduction": self.reduction,
            "combine": self.combine,
            "negative_slope": self.negative_slope,
            "use_bias": self.use_bias,
        }


@keras.saving.register_keras_serializable("merzoo")
class SpatialAttention(layers.Layer):
    """Weighs every place by a convolution over the mean and maximum of its channels.

    Args:
        kernel_size: side of the convolution, cells.
        use_bias: whether the convolution has a bias.

    Call arguments:
        inputs: (B, H, W, C).

    Returns:
        (B, H, W, C), each place times its weight in 0..1.

    Source:
        DFR-Net, Eq. 14; Gan et al., Eqs. 7 and 8.

    Example:

    >>> import numpy as np
    >>> SpatialAttention(kernel_size=5)(np.ones((1, 7, 7, 8), "float32")).shape == (1, 7, 7, 8)
    True
    """

    def __init__(self, kernel_size: int = 7, use_bias: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.kernel_size, self.use_bias = kernel_size, use_bias

    def build(self, input_shape):
        self.convolution = Conv2D(
            1,
            self.kernel_size,
            padding="same",
            use_bias=self.use_bias,
            dtype=self.dtype_policy,
            name="convolution",
        )
        self.convolution.build((*input_shape[:-1], 2))

    def attention_weights(self, inputs):
        """The weights alone: (B, H, W, 1), in 0..1."""
        mean = ops.mean(inputs, axis=-1, keepdims=True)
        highest = ops.max(inputs, axis=-1, keepdims=True)
        return ops.sigmoid(self.convolution(ops.concatenate([mean, highest], axis=-1)))

    def call(self, inputs):
        return inputs * self.attention_weights(inputs)

    def compute_output_shape(self, input_shape):
        return input_shape

    def multiply_adds(self, input_shape) -> int:
        batch, height, width, _ = input_shape
        return batch * height * width * 2 * self.kernel_size**2

    def get_config(self):
        return super().get_config() | {"kernel_size": self.kernel_size, "use_bias": self.use_bias}


@keras.saving.register_keras_serializable("merzoo")
class MixedAttention(layers.Layer):
    """Channel attention, then spatial attention on what it leaves, as in the dense network.

    Args:
        reduction: r of Eq. 5.
        kernel_size: side of the convolution of Eq. 7, cells.
        negative_slope: of the perceptron's leaky ReLU; 0.3 is that of Keras' `LeakyReLU`.

    Call arguments:
        inputs: (B, H, W, C).

    Returns:
        (B, H, W, C).

    Source:
        Gan, Xiao, Zhu, Jain, Struc, Eqs. 5 to 8.

    Example:

    >>> import numpy as np
    >>> MixedAttention(reduction=4)(np.ones((1, 7, 7, 8), "float32")).shape == (1, 7, 7, 8)
    True
    """

    def __init__(
        self,
        reduction: int = 4,
        kernel_size: int = 5,
        negative_slope: float = 0.3,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.reduction, self.kernel_size = reduction, kernel_size
        self.negative_slope = negative_slope
        self.channel = ChannelAttention(
            reduction,
            "mlp_then_sum",
            negative_slope,
            use_bias=True,
            dtype=self.dtype_policy,
            name="channel",
        )
        self.spatial = SpatialAttention(
            kernel_size, use_bias=True, dtype=self.dtype_policy, name="spatial"
        )

    def build(self, input_shape):
        self.channel.build(input_shape)
        self.spatial.build(input_shape)

    def call(self, inputs):
        return self.spatial(self.channel(inputs))  # Eq. 6, then Eq. 8

    def compute_output_shape(self, input_shape):
        return input_shape

    def multiply_adds(self, input_shape) -> int:
        return self.channel.multiply_adds(input_shape) + self.spatial.multiply_adds(input_shape)

    def get_config(self):
        return super().get_config() | {
            "reduction": self.reduction,
            "kernel_size": self.kernel_size,
            "negative_slope": self.negative_slope,
        }

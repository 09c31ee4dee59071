"""ResNet3D-18: the residual network with kernels over space and time, for clips.

Hara, Kataoka, Satoh, "Can Spatiotemporal 3D CNNs Retrace the History of 2D CNNs and ImageNet?",
CVPR 2018.
"""

import keras
from keras import layers, ops

from merzoo.errors import InputError
from merzoo.layers import Conv2D, FoldTime, MaxPooling2D, MaxPoolPadded, NeighbourFrames, UnfoldTime
from merzoo.models.common import (
    check_choice,
    check_input_shape,
    class_head,
    imagenet_scaling,
    load_weights,
    three_channels,
)
from merzoo.models.registry import register


@register(
    "resnet3d18",
    title="ResNet3D-18",
    reference="Hara, Kataoka, Satoh. Can Spatiotemporal 3D CNNs Retrace the History of 2D CNNs and "
    "ImageNet? CVPR 2018.",
    url="https://arxiv.org/abs/1711.09577",
    recipe="resnet18",
    trainable=33_031_619,
    small={"input_shape": (32, 32, 3), "frames": 4, "filters": 4},
    readings=(
        "Shortcuts of another shape are identities with zeros for the new channels, without "
        "weights (the paper's type A, which it uses for 18 and 34 layers).",
        "The first convolution is 7x7x7 with stride 1 in time and 2 in space, and the max pooling "
        "3x3x3 has stride 2 in both, as in its Table 1.",
        "Every convolution over space and time is written as an image convolution over the "
        "channels of neighbouring frames: the same sums and numbers of weights.",
        "Grey frames are repeated to three channels; 0..255 is standardised with ImageNet's means "
        "and deviations. The paper subtracts the mean of its training videos.",
    ),
)
def ResNet3D18(
    input_shape=(112, 112, 3),
    classes=3,
    weights=None,
    include_top=True,
    pooling=None,
    classifier_activation="softmax",
    frames=16,
    filters=64,
    name="resnet3d18",
) -> keras.Model:
    """Builds ResNet3D-18.

    Args:
        input_shape: (height, width, 1 or 3) of one frame, sides from 32.
        classes: number of classes.
        weights: `None`, or a path to a `.weights.h5` file; `create_model` takes tags too.
        include_top: whether to end in the class layer; `False` ends in the map (1, 4, 4, 512).
        pooling: `None`, `"avg"` or `"max"`, where `include_top=False`.
        classifier_activation: `"softmax"`, or `None` for logits.
        frames: T, frames of `sequence`.
        filters: of the first convolution; the four stages have 1, 2, 4 and 8 times as many.
        name: of the model.

    Returns:
        A `keras.Model` from `sequence` (B, 16, 112, 112, 3), 0..255, to (B, classes).

    Raises:
        InputError: for an impossible argument, naming it.

    Example:

    >>> ResNet3D18((32, 32, 3), filters=4, include_top=False).output_shape
    (None, 1, 1, 1, 32)
    """
    check_input_shape(input_shape, smallest=32)
    sequence, x = clip_input(input_shape, frames)
    x = resnet3d_body(x, filters)  # (1, 4, 4, 512)
    if include_top:
        x = layers.GlobalAveragePooling3D(name="avg_pool")(x)
        x = class_head(x, classes, classifier_activation)
    else:
        x = clip_pooling(x, pooling)
    return load_weights(keras.Model([sequence], x, name=name), weights)


def clip_input(input_shape, frames):
    """The input `sequence` (T, H, W, C), 0..255, and the same standardised, in three channels."""
    if not isinstance(frames, int) or frames < 1:
        raise InputError(f"frames={frames!r} is not possible here: give a whole number from 1.")
    sequence = keras.Input((frames, *input_shape), name="sequence")
    return sequence, imagenet_scaling(three_channels(sequence))


def clip_pooling(x, pooling: str | None):
    """The `pooling` argument of Keras Applications for maps (T, H, W, C)."""
    check_choice("pooling", pooling, (None, "avg", "max"))
    if pooling == "avg":
        return layers.GlobalAveragePooling3D(name="avg_pool")(x)
    if pooling == "max":
        return layers.GlobalMaxPooling3D(name="max_pool")(x)
    return x


def resnet3d_body(x, filters=64):
    """Stem, max pooling and four stages of two blocks: (16, 112, 112, 3) -> (1, 4, 4, 512)."""
    x = conv3d_bn(x, filters, (7, 7), (1, 2), "stem")  # (16, 56, 56, 64)
    x = layers.ReLU(name="stem_relu")(x)
    x = _max_pooling(x)  # (8, 28, 28, 64)
    for stage in range(1, 5):
        for block in (1, 2):
            strides = 2 if stage > 1 and block == 1 else 1
            name = f"stage_{stage}_block_{block}"
            x = _block(x, filters * 2 ** (stage - 1), strides, name)
    return x


def conv3d_bn(x, filters, size, strides, name):
    """Convolution over space and time without bias, zeros around, and batch normalisation.

    Args:
        x: (T, H, W, C).
        filters: of the convolution.
        size: of the kernel (frames, sides), odd.
        strides: in (time, space).
        name: of the layers.
    """
    frames, side = size
    if frames > 1 or strides[0] > 1:
        x = NeighbourFrames(frames, strides[0], name=f"{name}_neighbours")(x)
    left = x.shape[1]
    x = FoldTime(name=f"{name}_fold")(x)
    if side > 1:
        x = layers.ZeroPadding2D(side // 2, name=f"{name}_pad")(x)
    # PyTorch's kaiming_normal_(mode="fan_out") of the kernel (frames, side, side).
    start = keras.initializers.VarianceScaling(2.0 / frames, "fan_out", "untruncated_normal")
    convolution = Conv2D(
        filters, side, strides[1], use_bias=False, kernel_initializer=start, name=f"{name}_conv"
    )
    x = UnfoldTime(left, name=f"{name}_unfold")(convolution(x))
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(x)


def pool_frames(x, size, strides, name, padding="same"):
    """Max pooling over time alone: (T, H, W, C) -> (ceil(T / strides), H, W, C)."""
    _, frames, height, width, channels = x.shape
    x = layers.Reshape((frames, height * width, channels), name=f"{name}_rows")(x)
    pooling = MaxPooling2D((size, 1), strides=(strides, 1), padding=padding, name=name)
    x = pooling(x)
    return layers.Reshape((x.shape[1], height, width, channels), name=f"{name}_map")(x)


def pool_cells(x, name):
    """Max pooling 3x3 with stride 2 of every frame: (T, H, W, C) -> (T, H / 2, W / 2, C)."""
    frames = x.shape[1]
    x = MaxPoolPadded(3, strides=2, padding=1, name=name)(FoldTime(name=f"{name}_fold")(x))
    return UnfoldTime(frames, name=f"{name}_unfold")(x)


def _max_pooling(x):
    """3x3x3 with stride 2, one cell of padding: over space, then over time."""
    x = pool_cells(x, "stem_pool")
    # Nothing is below zero behind a ReLU, so zeros pad as minus infinity does.
    x = layers.ZeroPadding3D((1, 0, 0), name="stem_pool_pad")(x)
    return pool_frames(x, 3, 2, "stem_pool_frames", padding="valid")


def _block(x, filters, strides, name):
    """ReLU(x + CB(CBR(x))), every convolution 3x3x3."""
    past = x
    if strides > 1:
        past = past[:, ::strides, ::strides, ::strides]
    if past.shape[-1] != filters:
        new = filters - past.shape[-1]
        past = ops.pad(past, ((0, 0), (0, 0), (0, 0), (0, 0), (0, new)))
    x = conv3d_bn(x, filters, (3, 3), (strides, strides), f"{name}_1")
    x = layers.ReLU(name=f"{name}_relu_1")(x)
    x = conv3d_bn(x, filters, (3, 3), (1, 1), f"{name}_2")
    x = layers.Add(name=f"{name}_add")([past, x])
    return layers.ReLU(name=f"{name}_relu_2")(x)

"""TSCNN: a stream for the whole apex, one for its blocks, and one for the flow.

Song, Li, Zong, Zhu, Zheng, Shi, Zhao, "Recognizing Spontaneous Micro-Expression Using a
Three-Stream Convolutional Neural Network", IEEE Access 7, 2019; layers as its successor SKD-TSTSAN
(Zhu et al., 2024) has them in public PyTorch code.
"""

import keras
from keras import layers

from merzoo.errors import InputError
from merzoo.layers import Conv2D, MaxPoolPadded
from merzoo.models.common import (
    check_input_shape,
    class_head,
    flow_image_input,
    global_pooling,
    load_weights,
)
from merzoo.models.registry import register


@register(
    "tscnn",
    title="TSCNN",
    reference="Song, Li, Zong, Zhu, Zheng, Shi, Zhao. Recognizing Spontaneous Micro-Expression "
    "Using a Three-Stream Convolutional Neural Network. IEEE Access 7, 2019.",
    url="https://github.com/GuanghaoZhu663/SKD-TSTSAN",
    recipe="default",
    trainable=918_979,
    small={"input_shape": (12, 12, 3), "filters": (8, 16)},
    readings=(
        "The paper's text could not be had, nor any code of its authors. Layers follow the three "
        "streams of SKD-TSTSAN, which is built on it, without what that paper adds: learned "
        "magnification, channel attention, temporal shift, self-distillation.",
        "So each stream ends in a global average, and one class layer behind dropout 0.2 takes all "
        "three; dense layers that the original may have there are not known.",
        "Biases before batch normalisation are left out: it takes them away again.",
        "The dynamic stream of the original also sees the flow from apex to offset. No modality "
        "gives it, so here it is the flow from onset to apex alone.",
        "The apex is grey, and min-max scaled by that code; here 0..255 becomes 0..1. The whole "
        "face is the mean over squares of 4 x 4 pixels of a picture four times as large, whose "
        "4 x 4 blocks are the channels of the local stream, left to right, top row first.",
        "That code trains first on faces of macro-expressions; here training starts at random.",
    ),
)
def TSCNN(
    input_shape=(48, 48, 3),
    classes=3,
    weights=None,
    include_top=True,
    pooling=None,
    classifier_activation="softmax",
    preparation=None,
    grid=4,
    filters=(64, 128),
    dropout=0.2,
    name="tscnn",
) -> keras.Model:
    """Builds TSCNN: a static-spatial, a local-spatial and a dynamic-temporal stream.

    Args:
        input_shape: (height, width, 3) of `flow_image`, sides from 8. The sides of `apex` are
            `grid` times as long, so that one block of it is as large.
        classes: number of classes.
        weights: `None`, or a path to a `.weights.h5` file; `create_model` takes tags too.
        include_top: whether to end in the class layer; `False` ends in the maps of all streams
            (11, 11, 384).
        pooling: `None`, `"avg"` or `"max"`, where `include_top=False`.
        classifier_activation: `"softmax"`, or `None` for logits.
        preparation: `None` scales the flow image to 0..1; `"flow"` puts
            `merzoo.layers.FlowPreparation` in its place.
        grid: blocks along each side of the apex.
        filters: of the first three convolutions of a stream, and of the other two.
        dropout: rate before the class layer.
        name: of the model.

    Returns:
        A `keras.Model` from `apex` (B, 192, 192, 1) and `flow_image` (B, 48, 48, 3), 0..255, to
        (B, classes).

    Raises:
        InputError: for an impossible argument, naming it.

    Example:

    >>> model = TSCNN(input_shape=(12, 12, 3), filters=(8, 16))
    >>> {x.name: x.shape[1:] for x in model.inputs}
    {'apex': (48, 48, 1), 'flow_image': (12, 12, 3)}
    """
    check_input_shape(input_shape, channels=(3,), smallest=8)
    if not isinstance(grid, int) or grid < 1:
        raise InputError(f"grid={grid!r} is not possible here: give a whole number from 1.")
    height, width, _ = input_shape
    apex = keras.Input((grid * height, grid * width, 1), name="apex")
    flow_image, flow = flow_image_input(input_shape, preparation)
    if preparation is None:
        flow = layers.Rescaling(1 / 255, name="flow_scale")(flow)
    face = layers.Rescaling(1 / 255, name="apex_scale")(apex)

    streams = {
        "static": layers.AveragePooling2D(grid, name="whole_face")(face),  # (48, 48, 1)
        "local": _blocks(face, grid, height, width),  # (48, 48, 16)
        "dynamic": flow[..., :2],  # (48, 48, 2): u and v
    }
    maps = [_stream(x, filters, stream) for stream, x in streams.items()]  # (11, 11, 128) each
    x = layers.Concatenate(name="streams")(maps)  # (11, 11, 384)

    if include_top:
        x = global_pooling(x, "avg")
        x = layers.Dropout(dropout, name="dropout")(x)
        x = class_head(x, classes, classifier_activation)
    else:
        x = global_pooling(x, pooling)
    return load_weights(keras.Model([apex, flow_image], x, name=name), weights)


def _blocks(face, grid, height, width):
    """The blocks of a picture as channels: (grid H, grid W, 1) -> (H, W, grid^2)."""
    x = layers.Reshape((grid, height, grid, width), name="grid")(face)
    x = layers.Permute((2, 4, 1, 3), name="grid_last")(x)  # (H, W, grid, grid)
    return layers.Reshape((height, width, grid * grid), name="blocks")(x)


def _stream(x, filters, name):
    """Five convolutions, pooled after the first and third: (48, 48, C) -> (11, 11, 128)."""
    first, last = filters
    x = _conv(x, first, 5, "valid", f"{name}_1")  # (44, 44, 64)
    x = MaxPoolPadded(5, strides=2, padding=2, name=f"{name}_max_pool")(x)  # (22, 22, 64)
    for place in (2, 3):
        x = _conv(x, first, 3, "same", f"{name}_{place}")
    x = layers.ZeroPadding2D(1, name=f"{name}_pad")(x)
    x = layers.AveragePooling2D(3, strides=2, name=f"{name}_avg_pool")(x)  # (11, 11, 64)
    for place in (4, 5):
        x = _conv(x, last, 3, "same", f"{name}_{place}")
    return x


def _conv(x, filters, size, padding, name):
    x = Conv2D(filters, size, padding=padding, use_bias=False, name=f"{name}_conv")(x)
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)

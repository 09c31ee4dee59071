"""P3D ResNet: a deep residual network whose 3x3x3 kernels are split into space and time.

Qiu, Yao, Mei, "Learning Spatio-Temporal Representation with Pseudo-3D Residual Networks", ICCV
2017. S is a convolution 1x3x3 over space, T one of 3x1x1 over time.
"""

import keras
from keras import layers

from merzoo.errors import InputError
from merzoo.models.common import check_choice, check_input_shape, class_head, load_weights
from merzoo.models.registry import register
from merzoo.models.resnet3d18 import (
    clip_input,
    clip_pooling,
    conv3d_bn,
    pool_cells,
    pool_frames,
)


@register(
    "p3d",
    title="P3D ResNet",
    reference="Qiu, Yao, Mei. Learning Spatio-Temporal Representation with Pseudo-3D Residual "
    "Networks. ICCV 2017.",
    url="https://arxiv.org/abs/1711.10305",
    recipe="resnet18",
    trainable=24_931_779,
    small={"input_shape": (64, 64, 3), "frames": 4, "filters": 4, "blocks": (1, 1, 1, 1)},
    readings=(
        "The paper builds on ResNet-50 and, for its best figures, on ResNet-152; the public "
        "reimplementation counts these as P3D63, the form here, and P3D199: "
        "`blocks=(3, 8, 36, 3)`.",
        "As in the authors' released model, the last stage is of plain image blocks: three "
        "poolings over time of 2 leave one of 16 frames before it. Where frames are left over, "
        "their maps are pooled by the mean at the end.",
        "Pooling over time keeps the last frame of an odd number.",
        "The types A, B, C follow each other from block to block over all stages, as in the "
        "paper's mixed P3D ResNet.",
        "The micro-expression paper that this project's tables cite for it is read as this network "
        "on the frames of a clip; its own changes are not known here.",
        "Grey frames are repeated to three channels; 0..255 is standardised with ImageNet's means "
        "and deviations. The recipe is that of ResNet-18.",
    ),
)
def P3D(
    input_shape=(160, 160, 3),
    classes=3,
    weights=None,
    include_top=True,
    pooling=None,
    classifier_activation="softmax",
    frames=16,
    blocks=(3, 4, 6, 3),
    types="ABC",
    filters=64,
    dropout=0.5,
    name="p3d",
) -> keras.Model:
    """Builds the pseudo-3D residual network.

    Args:
        input_shape: (height, width, 1 or 3) of one frame, sides from 32.
        classes: number of classes.
        weights: `None`, or a path to a `.weights.h5` file; `create_model` takes tags too.
        include_top: whether to end in the mean, dropout and class layer; `False` ends in the map
            (1, 5, 5, 2048).
        pooling: `None`, `"avg"` or `"max"`, where `include_top=False`.
        classifier_activation: `"softmax"`, or `None` for logits.
        frames: T, frames of `sequence`.
        blocks: of the four stages: (3, 4, 6, 3) is P3D63, (3, 4, 23, 3) P3D131 and (3, 8, 36, 3)
            P3D199.
        types: of the blocks, one letter each, over and over: A is T behind S, B is T beside S, C is
            T behind S with S added.
        filters: of the first convolution; stages have 4, 8, 16 and 32 times as many.
        dropout: rate before the class layer.
        name: of the model.

    Returns:
        A `keras.Model` from `sequence` (B, 16, 160, 160, 3), 0..255, to (B, classes).

    Raises:
        InputError: for an impossible argument, naming it.

    Example:

    >>> P3D((64, 64, 3), blocks=(1, 1, 1, 1), filters=4, include_top=False).output_shape
    (None, 1, 2, 2, 128)
    """
    check_input_shape(input_shape, smallest=32)
    if len(blocks) != 4 or min(blocks) < 1:
        raise InputError(f"blocks={blocks!r} is not possible here: give four numbers from 1.")
    if not types:
        raise InputError("types='' is not possible here: give letters of 'ABC'.")
    for letter in types:
        check_choice("types", letter, tuple("ABC"))
    sequence, x = clip_input(input_shape, frames)
    x = _conv_relu(x, filters, (1, 7), (1, 2), "stem")  # (16, 80, 80, 64)
    x = pool_frames(pool_cells(x, "stem_pool"), 2, 2, "stem_pool_frames")  # (8, 40, 40, 64)
    number = 0
    for stage, count in enumerate(blocks[:3], 1):
        width = filters * 2 ** (stage - 1)
        for block in range(1, count + 1):
            strides = 2 if stage > 1 and block == 1 else 1
            kind = types[number % len(types)]
            x = _bottleneck(x, width, strides, kind, f"stage_{stage}_block_{block}")
            number += 1
        x = pool_frames(x, 2, 2, f"stage_{stage}_pool_frames")
    # (1, 10, 10, 1024)
    for block in range(1, blocks[3] + 1):
        strides = 2 if block == 1 else 1
        x = _bottleneck(x, 8 * filters, strides, "S", f"stage_4_block_{block}")
    # (1, 5, 5, 2048)
    if include_top:
        x = layers.GlobalAveragePooling3D(name="avg_pool")(x)
        x = layers.Dropout(dropout, name="dropout")(x)
        x = class_head(x, classes, classifier_activation)
    else:
        x = clip_pooling(x, pooling)
    return load_weights(keras.Model([sequence], x, name=name), weights)


def _conv_relu(x, filters, size, strides, name):
    x = conv3d_bn(x, filters, size, strides, name)
    return layers.ReLU(name=f"{name}_relu")(x)


def _bottleneck(x, filters, strides, kind, name):
    """1x1x1, the pair of S and T of its kind, 1x1x1 to four times the filters, and the shortcut."""
    past = x
    if strides > 1 or x.shape[-1] != 4 * filters:
        past = conv3d_bn(x, 4 * filters, (1, 1), (1, strides), f"{name}_shortcut")
    x = _conv_relu(x, filters, (1, 1), (1, strides), f"{name}_1")
    space = _conv_relu(x, filters, (1, 3), (1, 1), f"{name}_space")
    if kind == "S":
        x = space
    elif kind == "A":
        x = _conv_relu(space, filters, (3, 1), (1, 1), f"{name}_time")
    else:
        time = _conv_relu(x if kind == "B" else space, filters, (3, 1), (1, 1), f"{name}_time")
        x = layers.Add(name=f"{name}_{kind}")([space, time])
    x = conv3d_bn(x, 4 * filters, (1, 1), (1, 1), f"{name}_2")
    x = layers.Add(name=f"{name}_add")([past, x])
    return layers.ReLU(name=f"{name}_relu")(x)

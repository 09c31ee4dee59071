"""DenseMixedNet: densely connected 5x5 convolutions and mixed attention on a magnified apex.

Gan, Xiao, Zhu, Jain, Struc, "Transfer-Learning Enabled Micro-Expression Recognition Using Dense
Connections and Mixed Attention"; equations 4 to 9 of its sections 3.3 and 3.4.
"""

import keras
from keras import layers

from merzoo.layers import (
    ChannelAttention,
    Conv2D,
    MixedAttention,
    SpatialAttention,
)
from merzoo.models.common import (
    check_choice,
    check_input_shape,
    class_head,
    global_pooling,
    load_weights,
    three_channels,
)
from merzoo.models.registry import register

LEAKY_SLOPE = 0.3  # of Keras' LeakyReLU layer; the paper was written with Keras


@register(
    "densemixednet",
    title="DenseMixedNet",
    reference="Gan, Xiao, Zhu, Jain, Struc. Transfer-Learning Enabled Micro-Expression "
    "Recognition Using Dense Connections and Mixed Attention.",
    recipe="densemixednet",
    trainable=3115378,
    paper_figures={
        "parameters": 3.115e6,
        "note": "The paper prints 6.26e6 FLOPs (Table 13), which is twice the parameters and not "
        "convolution work: a profiler's artefact, not a target.",
    },
    small={"input_shape": (32, 32, 3), "growth": 8},
    readings=(
        "112 to 7 needs four halvings: four blocks, each ending in average pooling; the attention "
        "of the last block comes before its pooling.",
        "Growth 64, two layers a block and one mixed attention with r = 4 give 3.116 M (total) and "
        "3.115 M (trainable), as printed. The count does not identify the network: 103 settings "
        "lie within 1 %, and the simplest was taken.",
        "The text's plural skip pathways would favour attention_at='each'; the default follows the "
        "count and the sentence that the attention's output goes straight to the 7x7 step.",
        "'Down-samples and splices' is pooling of the concatenated features; there is no stem, "
        "bottleneck or 1x1 transition.",
        "The slope of the leaky ReLU is not stated: 0.3, that of Keras' layer.",
        "Grey frames are repeated to three channels inside the model.",
        "The recipe magnifies the whole video before the face is cropped, 15 times at 0.1-0.4 Hz "
        "with the ideal filter. A clip shorter than 2.5 s holds no frequency of that band and "
        "would stay as it is: it is magnified at 0.5-10 Hz by a first-order Butterworth filter, "
        "and how many clips were is recorded with every result.",
        "The face is found in the onset frame, not in the magnified apex; the spatial cut-off of "
        "the magnification (16 pixels) and its share of colour (0.1) are choices. "
        "densemixednet-merzoo trains the same on aligned crops magnified at 0.5-10 Hz.",
    ),
)
def DenseMixedNet(
    input_shape=(112, 112, 3),
    classes=3,
    weights=None,
    include_top=True,
    pooling=None,
    classifier_activation="softmax",
    modality="magnified_apex",
    block="dense",
    attention="mixed",
    attention_at="last",
    reduction=4,
    growth=64,
    layers_per_block=2,
    blocks=4,
    name="densemixednet",
) -> keras.Model:
    """Builds DenseMixedNet.

    Args:
        input_shape: (height, width, channels), grey or colour, sides from `2 ** blocks`.
        classes: number of classes.
        weights: `None`, or a path to a `.weights.h5` file; `create_model` takes tags too.
        include_top: whether to end in the class layer.
        pooling: `None`, `"avg"` or `"max"`, where `include_top=False`.
        classifier_activation: `"softmax"`, or `None` for logits.
        modality: name of the input: `"magnified_apex"`, or `"apex"` for pretraining on single
            images.
        block: `"dense"`, or `"residual"` for Table 12 (widths 32, 64, 128, ..., two convolutions
            a block; `growth` and `layers_per_block` play no part).
        attention: `"mixed"`, `"channel"`, `"spatial"` or `None`: Tables 10 and 11.
        attention_at: `"last"` or `"each"` block.
        reduction: r of Eq. 5.
        growth: filters of each dense convolution.
        layers_per_block: convolutions in a dense block.
        blocks: number of blocks, each halving the sides.
        name: of the model.

    Returns:
        A `keras.Model` from the modality (B, 112, 112, 3), 0..255, to (B, classes).

    Raises:
        InputError: for an impossible argument, naming it.

    Example:

    >>> DenseMixedNet().count_params()
    3116402
    """
    check_input_shape(input_shape, smallest=2**blocks)
    check_choice("modality", modality, ("magnified_apex", "apex"))
    check_choice("block", block, ("dense", "residual"))
    check_choice("attention", attention, ("mixed", "channel", "spatial", None))
    check_choice("attention_at", attention_at, ("last", "each"))
    image = keras.Input(input_shape, name=modality)
    x = layers.Rescaling(1 / 255, name="scale")(three_channels(image))

    for number in range(1, blocks + 1):
        if block == "dense":
            x = _dense_block(x, growth, layers_per_block, f"block_{number}")
        else:
            x = _residual_block(x, 16 * 2**number, f"block_{number}")
        if attention and (attention_at == "each" or number == blocks):
            x = _attention(attention, reduction, f"block_{number}_attention")(x)  # (14, 14, 515)
        x = layers.AveragePooling2D(2, name=f"block_{number}_pool")(x)

    if include_top:
        x = layers.Flatten(name="flatten")(x)  # (7, 7, 515) -> (25235,)
        x = class_head(x, classes, classifier_activation)  # Eq. 9
    else:
        x = global_pooling(x, pooling)
    return load_weights(keras.Model([image], x, name=name), weights)


def _dense_block(x, growth, depth, name):
    """Eq. 4: every convolution sees the block's input and all outputs before it."""
    for number in range(1, depth + 1):
        y = _convolution(x, growth, f"{name}_{number}")
        x = layers.Concatenate(name=f"{name}_concat_{number}")([x, y])
    return x


def _residual_block(x, filters, name):
    """The residual block of Table 12: two convolutions beside a 1x1 shortcut."""
    shortcut = Conv2D(filters, 1, name=f"{name}_shortcut")(x)
    for number in (1, 2):
        x = _convolution(x, filters, f"{name}_{number}")
    return layers.Add(name=f"{name}_add")([x, shortcut])


def _convolution(x, filters, name):
    """BN(ReLU(Conv 5x5)), in the order of Eq. 4."""
    x = Conv2D(filters, 5, padding="same", activation="relu", name=f"{name}_conv")(x)
    return layers.BatchNormalization(name=f"{name}_bn")(x)


def _attention(kind, reduction, name):
    """Eqs. 5 and 6 (channel), 7 and 8 (spatial), or one after the other (mixed)."""
    if kind == "channel":
        return ChannelAttention(reduction, "mlp_then_sum", LEAKY_SLOPE, use_bias=True, name=name)
    if kind == "spatial":
        return SpatialAttention(5, use_bias=True, name=name)
    return MixedAttention(reduction, 5, LEAKY_SLOPE, name=name)

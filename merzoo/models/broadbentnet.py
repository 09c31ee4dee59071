"""BroadbentNet: three convolutions, Broadbent attention and a dense head on one grey frame.

Ashraf et al., "Enhancing Micro-Expression Recognition with Broadbent Attention Mechanism: A
High-Performance Approach for Emotion Detection"; layers as in its section III-E and Fig. 1.
"""

import keras
from keras import layers

from merzoo.layers import BroadbentAttention, Conv2D, MaxPooling2D
from merzoo.models.common import (
    check_choice,
    check_input_shape,
    class_head,
    global_pooling,
    load_weights,
)
from merzoo.models.registry import register


@register(
    "broadbentnet",
    title="BroadbentNet",
    reference="Ashraf et al. Enhancing Micro-Expression Recognition with Broadbent Attention "
    "Mechanism: A High-Performance Approach for Emotion Detection.",
    recipe="broadbentnet",
    trainable=37592,
    small={"input_shape": (16, 16, 1)},
    readings=(
        "Filters 16, 32, 64, kernel 3x3, ReLU, BN, query, key and value, the 1x1x16 pooled map, "
        "dropout and 64x64 grey input are stated; the three convolutions are read as one chain.",
        "Max pooling after each convolution is not stated: without it (pool=False) attention runs "
        "over 4096 places. Parameters are equal either way.",
        "Only the attention can produce 16 channels after a 64-channel convolution: the "
        "projections are 16 wide and there is no residual path. No equation is given; plain "
        "scaled dot-product attention is used.",
        "Dense sizes (128, 64) and dropout 0.5 are chosen, not stated; initialisers are Keras'.",
        "The 99.7 % of the paper come from folds over frames, in which subjects and clips leak.",
    ),
)
def BroadbentNet(
    input_shape=(64, 64, 1),
    classes=8,
    weights=None,
    include_top=True,
    pooling=None,
    classifier_activation="softmax",
    pool=True,
    attention="broadbent",
    attention_dim=16,
    dense_units=(128, 64),
    dropout=0.5,
    name="broadbentnet",
) -> keras.Model:
    """Builds BroadbentNet.

    Args:
        input_shape: (height, width, channels) of `apex`, grey or colour, sides from 8.
        classes: number of classes; the paper has 8 emotions.
        weights: `None`, or a path to a `.weights.h5` file; `create_model` takes tags too.
        include_top: whether to end in the dense layers and the class layer.
        pooling: `None`, `"avg"` or `"max"`, where `include_top=False`.
        classifier_activation: `"softmax"`, or `None` for logits.
        pool: whether max pooling follows each convolution.
        attention: `"broadbent"`, or `None` for a 1x1 convolution to the same width.
        attention_dim: width of the projections and of the pooled vector.
        dense_units: units of the dense layers before the class layer.
        dropout: rate after each dense layer.
        name: of the model.

    Returns:
        A `keras.Model` from `apex` (B, 64, 64, 1), 0..255, to (B, classes).

    Raises:
        InputError: for an impossible argument, naming it.

    Example:

    >>> BroadbentNet().count_params()
    37816
    """
    check_input_shape(input_shape, smallest=8)
    check_choice("attention", attention, ("broadbent", None))
    apex = keras.Input(input_shape, name="apex")
    x = layers.Rescaling(1 / 255, name="scale")(apex)

    for number, filters in enumerate((16, 32, 64), start=1):  # section III-E-1
        x = Conv2D(filters, 3, padding="same", activation="relu", name=f"conv_{number}")(x)
        x = layers.BatchNormalization(name=f"bn_{number}")(x)
        if pool:
            x = MaxPooling2D(2, name=f"pool_{number}")(x)  # at last (8, 8, 64)

    if attention is None:
        x = Conv2D(attention_dim, 1, name="projection")(x)
    else:
        x = BroadbentAttention(attention_dim, name="attention")(x)  # section III-E-2: (8, 8, 16)

    if include_top:  # section III-E-3
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)  # (16,)
        for number, units in enumerate(dense_units, start=1):
            x = layers.Dense(units, activation="relu", name=f"dense_{number}")(x)
            x = layers.Dropout(dropout, name=f"dropout_{number}")(x)
        x = class_head(x, classes, classifier_activation)
    else:
        x = global_pooling(x, pooling)
    return load_weights(keras.Model([apex], x, name=name), weights)

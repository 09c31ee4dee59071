"""SOFTNet: three shallow convolutional streams on u, v and strain of a window of a long video.

Liong, See, Wong, "Shallow Optical Flow Three-Stream CNN for Macro- and Micro-Expression Spotting
from Long Videos", ICIP 2021. As a spotter (`merzoo evaluate softnet --task spot`) it says of
windows whether they are of an expression; it takes flow images and can be trained as any network.
"""

import keras
from keras import layers

from merzoo.layers import Conv2D, MaxPooling2D
from merzoo.models.common import (
    check_input_shape,
    class_head,
    flow_image_input,
    global_pooling,
    load_weights,
)
from merzoo.models.registry import register

_FILTERS = {"u": 3, "v": 5, "strain": 8}


@register(
    "softnet",
    title="SOFTNet",
    reference="Liong, See, Wong. Shallow Optical Flow Three-Stream CNN for Macro- and "
    "Micro-Expression Spotting from Long Videos. ICIP 2021.",
    url="https://github.com/genbing99/SoftNet-SpotME",
    recipe="softnet",
    trainable=315_619,
    small={"input_shape": (12, 12, 3), "dense_units": 8},
    readings=(
        "The paper's one linear output, fitted to 0 or 1 by the squared error, is a softmax of two "
        "classes here (none, expression), trained by cross-entropy as all networks are; as a "
        "network of its own it has as many classes as asked for.",
        "A window is of an expression where they share a frame: the authors' code makes 1 of every "
        "intersection over union above 0.",
        "The interval of a peak is k frames on both sides, k = 0.2 s for micro- and 0.6 s for "
        "macro-expressions: 6 and 18 frames of CAS(ME)^2, as in the authors' code. The threshold, "
        "the paper's mean + p (max - mean), is chosen on people who are not tested instead.",
        "Eyes are not masked out and the nose is not taken as the head: its motion is fitted, as "
        "everywhere in merzoo.",
    ),
)
def SOFTNet(
    input_shape=(42, 42, 3),
    classes=3,
    weights=None,
    include_top=True,
    pooling=None,
    classifier_activation="softmax",
    preparation=None,
    dense_units=400,
    name="softnet",
) -> keras.Model:
    """Builds SOFTNet: one convolution for u, one for v and one for the strain, then a dense layer.

    Args:
        input_shape: (height, width, 3) of `flow_image`, sides from 6.
        classes: number of classes.
        weights: `None`, or a path to a `.weights.h5` file; `create_model` takes tags too.
        include_top: whether to end in the dense and class layers; `False` ends in the streams' maps
            (7, 7, 16).
        pooling: `None`, `"avg"` or `"max"`, where `include_top=False`.
        classifier_activation: `"softmax"`, or `None` for logits.
        preparation: `None` scales 0..255 to 0..1; `"flow"` puts `merzoo.layers.FlowPreparation` in
            its place.
        dense_units: width of the dense layer.
        name: of the model.

    Returns:
        A `keras.Model` from `flow_image` (B, 42, 42, 3), 0..255, to (B, classes).

    Raises:
        InputError: for an impossible argument, naming it.

    Example:

    >>> SOFTNet(classes=2).count_params()  # 78 + 130 + 208 + 784 * 400 + 400 + 802
    315218
    """
    check_input_shape(input_shape, channels=(3,), smallest=6)
    flow_image, x = flow_image_input(input_shape, preparation)
    if preparation is None:
        x = layers.Rescaling(1 / 255, name="scale")(x)
    streams = []
    for place, (stream, filters) in enumerate(_FILTERS.items()):
        plane = x[..., place : place + 1]
        y = Conv2D(filters, 5, padding="same", activation="relu", name=f"{stream}_conv")(plane)
        streams.append(MaxPooling2D(3, name=f"{stream}_pool")(y))  # (14, 14, filters)
    x = layers.Concatenate(name="streams")(streams)  # (14, 14, 16)
    x = MaxPooling2D(2, name="pool")(x)  # (7, 7, 16)
    if include_top:
        x = layers.Flatten(name="flatten")(x)  # (784,)
        x = layers.Dense(dense_units, activation="relu", name="dense")(x)
        x = class_head(x, classes, classifier_activation)
    else:
        x = global_pooling(x, pooling)
    return load_weights(keras.Model([flow_image], x, name=name), weights)

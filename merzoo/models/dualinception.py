"""Dual-Inception: one stream of two inception blocks for each flow component.

Zhou, Mao, Xue, "Dual-inception network for cross-database micro-expression recognition", FG 2019;
layers as in the authors' public code.
"""

import keras
from keras import layers

from merzoo.layers import Conv2D, MaxPooling2D
from merzoo.models.common import (
    check_choice,
    check_input_shape,
    class_head,
    flow_image_input,
    global_pooling,
    load_weights,
)
from merzoo.models.registry import register


@register(
    "dualinception",
    title="Dual-Inception",
    reference="Zhou, Mao, Xue. Dual-inception network for cross-database micro-expression "
    "recognition. FG 2019.",
    url="https://github.com/xly135846/MEGC2019",
    recipe="dualinception",
    trainable=6_449_963,
    readings=(
        "Layers follow the authors' code, which reads u and v as grey pictures of three equal "
        "channels and divides by 255; `flow_channels=1` drops the copies.",
        "The strain channel of the flow image is not used.",
    ),
)
def DualInception(
    input_shape=(28, 28, 3),
    classes=3,
    weights=None,
    include_top=True,
    pooling=None,
    classifier_activation="softmax",
    preparation=None,
    flow_channels=3,
    dense_units=1024,
    name="dualinception",
) -> keras.Model:
    """Builds the Dual-Inception network.

    The authors train with Adam at learning rate 1e-4, batch 3, 40 epochs.

    Args:
        input_shape: (height, width, 3) of `flow_image`, sides from 4.
        classes: number of classes.
        weights: `None`, or a path to a `.weights.h5` file; `create_model` takes tags too.
        include_top: whether to end in the dense and class layers; `False` ends in both streams'
            maps (7, 7, 128).
        pooling: `None`, `"avg"` or `"max"`, where `include_top=False`.
        classifier_activation: `"softmax"`, or `None` for logits.
        preparation: `None` scales 0..255 to 0..1 as the authors do; `"flow"` puts
            `merzoo.layers.FlowPreparation` in its place.
        flow_channels: 3 repeats each component to three channels, as the authors do; 1 does not.
        dense_units: width of the dense layer.
        name: of the model.

    Returns:
        A `keras.Model` from `flow_image` (B, 28, 28, 3), 0..255, to (B, classes).

    Raises:
        InputError: for an impossible argument, naming it.

    Example:

    >>> DualInception(classes=3).count_params()
    6449963
    """
    check_input_shape(input_shape, channels=(3,), smallest=4)
    check_choice("flow_channels", flow_channels, (1, 3))
    flow_image, x = flow_image_input(input_shape, preparation)
    if preparation is None:
        x = layers.Rescaling(1 / 255, name="scale")(x)

    streams = []
    for component, place in (("u", 0), ("v", 1)):
        y = x[..., place : place + 1]
        if flow_channels == 3:
            y = layers.Concatenate(name=f"{component}_channels")([y, y, y])
        y = _inception(y, 6, f"{component}_inception_1")  # (14, 14, 24) at 28
        streams.append(_inception(y, 16, f"{component}_inception_2"))  # (7, 7, 64)
    x = layers.Concatenate(name="streams")(streams)  # (7, 7, 128)

    if include_top:
        x = layers.Flatten(name="flatten")(x)  # (6272,)
        x = layers.Dense(dense_units, activation="relu", name="dense")(x)
        x = class_head(x, classes, classifier_activation)
    else:
        x = global_pooling(x, pooling)
    return load_weights(keras.Model([flow_image], x, name=name), weights)


def _inception(x, filters, name):
    """Four branches of `filters` each, side by side, then a pooling by 2."""

    def conv(x, size, branch):
        layer = Conv2D(filters, size, padding="same", activation="relu", name=f"{name}_{branch}")
        return layer(x)

    one = conv(x, 1, "1x1")
    three = conv(conv(x, 1, "3x3_reduce"), 3, "3x3")
    five = conv(conv(x, 1, "5x5_reduce"), 5, "5x5")
    pooled = MaxPooling2D(3, strides=1, padding="same", name=f"{name}_pool")(x)
    pooled = conv(pooled, 1, "pool_1x1")
    x = layers.Concatenate(name=name)([one, three, five, pooled])  # (H, W, 4 filters)
    return MaxPooling2D(2, name=f"{name}_pool_2")(x)

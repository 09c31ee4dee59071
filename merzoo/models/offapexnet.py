"""OFF-ApexNet: two small convolutional streams on horizontal and vertical flow.

Gan, Liong, Yau, Huang, Tan, "OFF-ApexNet on micro-expression recognition system", Signal
Processing: Image Communication 74, 2019; layers as in a public re-implementation.
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


@register(
    "offapexnet",
    title="OFF-ApexNet",
    reference="Gan, Liong, Yau, Huang, Tan. OFF-ApexNet on micro-expression recognition system. "
    "Signal Processing: Image Communication 74, 2019.",
    url="https://github.com/ECNU-Cross-Innovation-Lab/PRICAI2021-Off-TANet",
    recipe="offapexnet",
    trainable=2_664_475,
    readings=(
        "Layers follow the re-implementation of the OFF-TANet authors; ReLU after the convolutions "
        "is ours (theirs has none, so its two convolutions are one linear map up to the pooling).",
        "u and v are taken from the flow image and scaled to 0..1; the strain channel is not used.",
    ),
)
def OffApexNet(
    input_shape=(28, 28, 3),
    classes=3,
    weights=None,
    include_top=True,
    pooling=None,
    classifier_activation="softmax",
    preparation=None,
    dense_units=(1024, 1024),
    dropout=0.5,
    name="offapexnet",
) -> keras.Model:
    """Builds OFF-ApexNet: a stream of two convolutions for u, another for v, and dense layers.

    Trained with Adam at learning rate 1e-4.

    Args:
        input_shape: (height, width, 3) of `flow_image`, sides from 4.
        classes: number of classes.
        weights: `None`, or a path to a `.weights.h5` file; `create_model` takes tags too.
        include_top: whether to end in the dense and class layers; `False` ends in both streams'
            maps (7, 7, 32).
        pooling: `None`, `"avg"` or `"max"`, where `include_top=False`.
        classifier_activation: `"softmax"`, or `None` for logits.
        preparation: `None` scales 0..255 to 0..1; `"flow"` puts `merzoo.layers.FlowPreparation` in
            its place.
        dense_units: widths of the dense layers.
        dropout: rate after each dense layer.
        name: of the model.

    Returns:
        A `keras.Model` from `flow_image` (B, 28, 28, 3), 0..255, to (B, classes).

    Raises:
        InputError: for an impossible argument, naming it.

    Example:

    >>> OffApexNet(classes=3).count_params()
    2664475
    """
    check_input_shape(input_shape, channels=(3,), smallest=4)
    flow_image, x = flow_image_input(input_shape, preparation)
    if preparation is None:
        x = layers.Rescaling(1 / 255, name="scale")(x)

    u = _stream(x[..., 0:1], "u")  # (7, 7, 16) at 28
    v = _stream(x[..., 1:2], "v")
    x = layers.Concatenate(name="streams")([u, v])  # (7, 7, 32)

    if include_top:
        x = layers.Flatten(name="flatten")(x)  # (1568,)
        for place, units in enumerate(dense_units, 1):
            x = layers.Dense(units, activation="relu", name=f"dense_{place}")(x)
            x = layers.Dropout(dropout, name=f"dropout_{place}")(x)
        x = class_head(x, classes, classifier_activation)
    else:
        x = global_pooling(x, pooling)
    return load_weights(keras.Model([flow_image], x, name=name), weights)


def _stream(x, name):
    for place, filters in enumerate((6, 16), 1):
        x = Conv2D(filters, 5, padding="same", activation="relu", name=f"{name}_conv_{place}")(x)
        x = MaxPooling2D(2, name=f"{name}_pool_{place}")(x)
    return x

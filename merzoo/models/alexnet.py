"""AlexNet: the first deep network of photographs, a baseline of micro-expression papers.

Krizhevsky, "One weird trick for parallelizing convolutional neural networks", arXiv 1404.5997,
2014; layers as in torchvision.
"""

import keras
from keras import layers

from merzoo.layers import AdaptiveAveragePool, Conv2D, MaxPooling2D
from merzoo.models.common import (
    check_input_shape,
    check_picture,
    class_head,
    global_pooling,
    imagenet_scaling,
    load_weights,
    three_channels,
)
from merzoo.models.registry import register


@register(
    "alexnet",
    title="AlexNet",
    reference="Krizhevsky. One weird trick for parallelizing convolutional neural networks. "
    "arXiv 1404.5997, 2014.",
    url="https://arxiv.org/abs/1404.5997",
    recipe="alexnet",
    trainable=57_016_131,
    small={"input_shape": (95, 95, 3), "dense_units": (64, 64)},
    readings=(
        "The torchvision layout (one tower, no local response normalisation), as the papers that "
        "compare with it use; grey pictures are repeated to three channels.",
    ),
)
def AlexNet(
    input_shape=(224, 224, 3),
    classes=3,
    weights=None,
    include_top=True,
    pooling=None,
    classifier_activation="softmax",
    modality="apex",
    dense_units=(4096, 4096),
    dropout=0.5,
    name="alexnet",
) -> keras.Model:
    """Builds AlexNet.

    Args:
        input_shape: (height, width, 1 or 3), sides from 63.
        classes: number of classes.
        weights: `None`, or a path to a `.weights.h5` file; `create_model` takes tags too.
        include_top: whether to end in the dense and class layers; `False` ends in the map
            (6, 6, 256).
        pooling: `None`, `"avg"` or `"max"`, where `include_top=False`.
        classifier_activation: `"softmax"`, or `None` for logits.
        modality: name of the input: `"apex"`, `"onset"`, `"magnified_apex"`, `"difference"` or
            `"flow_image"`.
        dense_units: widths of the dense layers.
        dropout: rate before each dense layer.
        name: of the model.

    Returns:
        A `keras.Model` from pictures (B, 224, 224, 3), 0..255, to (B, classes).

    Raises:
        InputError: for an impossible argument, naming it.

    Example:

    >>> AlexNet(include_top=False).output_shape
    (None, 6, 6, 256)
    """
    check_input_shape(input_shape, smallest=63)
    check_picture(modality)
    picture = keras.Input(input_shape, name=modality)
    x = imagenet_scaling(three_channels(picture))
    x = layers.ZeroPadding2D(2, name="pad")(x)
    x = Conv2D(64, 11, strides=4, activation="relu", name="conv_1")(x)  # (55, 55, 64)
    x = MaxPooling2D(3, strides=2, name="pool_1")(x)  # (27, 27, 64)
    x = Conv2D(192, 5, padding="same", activation="relu", name="conv_2")(x)
    x = MaxPooling2D(3, strides=2, name="pool_2")(x)  # (13, 13, 192)
    for place, filters in ((3, 384), (4, 256), (5, 256)):
        x = Conv2D(filters, 3, padding="same", activation="relu", name=f"conv_{place}")(x)
    x = MaxPooling2D(3, strides=2, name="pool_5")(x)  # (6, 6, 256)

    if include_top:
        x = AdaptiveAveragePool(6, name="adaptive_pool")(x)  # as it is at 224
        x = layers.Flatten(name="flatten")(x)  # (9216,)
        for place, units in enumerate(dense_units, 1):
            x = layers.Dropout(dropout, name=f"dropout_{place}")(x)
            x = layers.Dense(units, activation="relu", name=f"dense_{place}")(x)
        x = class_head(x, classes, classifier_activation)
    else:
        x = global_pooling(x, pooling)
    return load_weights(keras.Model([picture], x, name=name), weights)

"""STSTNet: shallow triple-stream three-dimensional CNN on a flow image.

Liong, Gan, See, Khor, Huang, "Shallow Triple Stream Three-dimensional CNN (STSTNet) for
Micro-expression Recognition", FG 2019; layers as in the authors' public PyTorch code.
"""

import keras
from keras import layers

from merzoo.layers import MaxPoolPadded, PatchConv2D
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
    "ststnet",
    title="STSTNet",
    reference="Liong, Gan, See, Khor, Huang. Shallow Triple Stream Three-dimensional CNN "
    "(STSTNet) for Micro-expression Recognition. FG 2019.",
    url="https://github.com/christy1206/STSTNet",
    recipe="ststnet",
    trainable=1683,
    readings=(
        "Layers follow the authors' PyTorch code: padding 2, ReLU before BN, dropout 0.5 in each "
        "stream, input 0..255 without scaling.",
    ),
)
def STSTNet(
    input_shape=(28, 28, 3),
    classes=3,
    weights=None,
    include_top=True,
    pooling=None,
    classifier_activation="softmax",
    preparation=None,
    streams="fused",
    dropout=0.5,
    name="ststnet",
) -> keras.Model:
    """Builds STSTNet: three streams of one convolution with 3, 5 and 8 filters.

    The streams differ in nothing but their filters, so one convolution with 16 filters computes the
    same function with the same parameters in half the time; that is the default.

    Args:
        input_shape: (height, width, 3) of `flow_image`, sides from 7.
        classes: number of classes.
        weights: `None`, or a path to a `.weights.h5` file; `create_model` takes tags too.
        include_top: whether to end in the class layer.
        pooling: `None`, `"avg"` or `"max"`, where `include_top=False`.
        classifier_activation: `"softmax"`, or `None` for logits.
        preparation: `None` feeds 0..255 as the authors do; `"flow"` puts
            `merzoo.layers.FlowPreparation` first.
        streams: `"fused"`, or `"separate"` as published (the same function, slower).
        dropout: rate in each stream.
        name: of the model.

    Returns:
        A `keras.Model` from `flow_image` (B, 28, 28, 3), 0..255, to (B, classes).

    Raises:
        InputError: for an impossible argument, naming it.

    Example:

    >>> STSTNet(classes=3).count_params()
    1715
    """
    check_input_shape(input_shape, channels=(3,), smallest=7)
    check_choice("streams", streams, ("fused", "separate"))
    flow_image, x = flow_image_input(input_shape, preparation)

    x = layers.ZeroPadding2D(2, name="pad")(x)  # (H + 4, W + 4, 3)
    if streams == "fused":
        x = _stream(x, 16, dropout)  # (10, 10, 16) at 28
    else:
        parts = [_stream(x, filters, dropout) for filters in (3, 5, 8)]
        x = layers.Concatenate(name="streams")(parts)  # (10, 10, 16)
    x = layers.AveragePooling2D(2, name="avg_pool_2")(x)  # (5, 5, 16)

    if include_top:
        x = layers.Flatten(name="flatten")(x)  # (400,)
        x = class_head(x, classes, classifier_activation)
    else:
        x = global_pooling(x, pooling)
    return load_weights(keras.Model([flow_image], x, name=name), weights)


def _stream(x, filters, dropout):
    bound = (3 * 3 * 3) ** -0.5  # PyTorch's default initialiser, which knows the fan-in only
    x = PatchConv2D(
        filters,
        3,
        activation="relu",
        kernel_initializer=keras.initializers.RandomUniform(-bound, bound),
        bias_initializer=keras.initializers.RandomUniform(-bound, bound),
        name=f"conv_{filters}",
    )(x)
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"bn_{filters}")(x)
    x = MaxPoolPadded(3, padding=1, name=f"pool_{filters}")(x)
    return layers.Dropout(dropout, name=f"dropout_{filters}")(x)

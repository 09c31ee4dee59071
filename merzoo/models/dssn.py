"""SSSN and DSSN: single- and dual-stream shallow networks, the first two layers of AlexNet.

Khor, See, Liong, Phan, Lin, "Dual-stream Shallow Networks for Facial Micro-expression Recognition",
ICIP 2019; layers as in the authors' public code.
"""

import keras
from keras import layers

from merzoo.layers import Conv2D, FlowPicture, LocalResponseNormalization, MaxPooling2D
from merzoo.models.common import (
    check_choice,
    check_input_shape,
    class_head,
    global_pooling,
    load_weights,
)
from merzoo.models.registry import register
from merzoo.models.trunk import load_trunk

TRUNK = ("conv_1", "conv_2_1", "conv_2_2")  # layers of each stream

_FACTS: dict = dict(
    reference="Khor, See, Liong, Phan, Lin. Dual-stream Shallow Networks for Facial "
    "Micro-expression Recognition. ICIP 2019.",
    url="https://github.com/IcedDoggie/DSSN-MER",
)
_READINGS = (
    "Layers follow the authors' code: AlexNet's first two convolutions with local response "
    "normalisation. It starts from AlexNet's ImageNet weights, which are not bundled: "
    "`weights_backbone` takes a file of them.",
    "Flow magnitude and strain enter that code as 8-bit pictures whose scaling is not in it: here "
    "each map of the `flow` input is min-max scaled to 0..255 inside the model and repeated to "
    "three channels; then, as there, the channel means of AlexNet go and 255 divides.",
)


@register(
    "sssn",
    title="SSSN",
    recipe="sssn",
    trainable=630_405,
    small={"input_shape": (67, 67, 3)},
    readings=_READINGS,
    **_FACTS,
)
def SSSN(
    input_shape=(227, 227, 3),
    classes=5,
    weights=None,
    include_top=True,
    pooling=None,
    classifier_activation="softmax",
    quantity="strain",
    dropout=0.5,
    weights_backbone=None,
    name="sssn",
) -> keras.Model:
    """Builds the single-stream shallow network on optical strain or flow magnitude.

    Args:
        input_shape: (height, width, 3) of `flow`, sides from 35.
        classes: number of classes.
        weights: `None`, or a path to a `.weights.h5` file; `create_model` takes tags too.
        include_top: whether to end in the class layer; `False` ends in the map (15, 15, 256).
        pooling: `None`, `"avg"` or `"max"`, where `include_top=False`.
        classifier_activation: `"softmax"`, or `None` for logits.
        quantity: what the stream sees: `"strain"` or `"magnitude"`.
        dropout: rate before the class layer.
        weights_backbone: `None`, or a path to AlexNet's convolutions as
            `tools/convert_trunk_torch.py` writes them.
        name: of the model.

    Returns:
        A `keras.Model` from `flow` (B, 227, 227, 3), u and v in pixels and strain, to (B, classes).

    Raises:
        InputError: for an impossible argument, naming it.

    Example:

    >>> SSSN().count_params()
    630405
    """
    check_input_shape(input_shape, channels=(3,), smallest=35)
    check_choice("quantity", quantity, ("strain", "magnitude"))
    flow = keras.Input(input_shape, name="flow")
    x = _stream(flow, quantity)
    model = _finish(flow, x, classes, include_top, pooling, classifier_activation, dropout, name)
    load_trunk(model, weights_backbone, TRUNK, [f"{quantity}_"])
    return load_weights(model, weights)


@register(
    "dssn",
    title="DSSN",
    recipe="dssn",
    trainable=972_805,
    small={"input_shape": (67, 67, 3)},
    readings=_READINGS,
    **_FACTS,
)
def DSSN(
    input_shape=(227, 227, 3),
    classes=5,
    weights=None,
    include_top=True,
    pooling=None,
    classifier_activation="softmax",
    fusion="multiply",
    dropout=0.5,
    weights_backbone=None,
    name="dssn",
) -> keras.Model:
    """Builds the dual-stream shallow network on flow magnitude and optical strain.

    Args:
        input_shape: (height, width, 3) of `flow`, sides from 35.
        classes: number of classes.
        weights: `None`, or a path to a `.weights.h5` file; `create_model` takes tags too.
        include_top: whether to end in the class layer; `False` ends in the map (15, 15, 256).
        pooling: `None`, `"avg"` or `"max"`, where `include_top=False`.
        classifier_activation: `"softmax"`, or `None` for logits.
        fusion: of the two streams' maps: `"multiply"`, `"add"` or `"concatenate"`.
        dropout: rate before the class layer.
        weights_backbone: `None`, or a path to AlexNet's convolutions as
            `tools/convert_trunk_torch.py` writes them.
        name: of the model.

    Returns:
        A `keras.Model` from `flow` (B, 227, 227, 3), u and v in pixels and strain, to (B, classes).

    Raises:
        InputError: for an impossible argument, naming it.

    Example:

    >>> DSSN().count_params()
    972805
    """
    check_input_shape(input_shape, channels=(3,), smallest=35)
    fusions = {
        "multiply": layers.Multiply,
        "add": layers.Add,
        "concatenate": layers.Concatenate,
    }
    check_choice("fusion", fusion, fusions)
    flow = keras.Input(input_shape, name="flow")
    streams = [_stream(flow, quantity) for quantity in ("magnitude", "strain")]
    x = fusions[fusion](name="fusion")(streams)  # (15, 15, 256)
    model = _finish(flow, x, classes, include_top, pooling, classifier_activation, dropout, name)
    load_trunk(model, weights_backbone, TRUNK, ["magnitude_", "strain_"])
    return load_weights(model, weights)


def _stream(flow, quantity):
    x = FlowPicture(quantity, name=quantity)(flow)  # (227, 227, 3), 0..255
    x = layers.Rescaling(
        1 / 255, [-m / 255 for m in (123.68, 116.779, 103.939)], name=f"{quantity}_scale"
    )(x)
    x = _conv(96, 11, f"{quantity}_conv_1", strides=4)(x)  # (55, 55, 96)
    x = MaxPooling2D(3, strides=2, name=f"{quantity}_pool_1")(x)  # (27, 27, 96)
    x = LocalResponseNormalization(name=f"{quantity}_lrn_1")(x)
    x = layers.ZeroPadding2D(2, name=f"{quantity}_pad_1")(x)  # (31, 31, 96)
    # A convolution in two groups, as two: grouped gradients are missing on some CPU backends.
    halves = [
        _conv(128, 5, f"{quantity}_conv_2_{i + 1}")(x[..., 48 * i : 48 * (i + 1)]) for i in range(2)
    ]
    x = layers.Concatenate(name=f"{quantity}_conv_2")(halves)  # (27, 27, 256)
    x = MaxPooling2D(3, strides=2, name=f"{quantity}_pool_2")(x)  # (13, 13, 256)
    x = LocalResponseNormalization(name=f"{quantity}_lrn_2")(x)
    return layers.ZeroPadding2D(1, name=f"{quantity}_pad_2")(x)  # (15, 15, 256)


def _conv(filters, size, name, strides=1):
    return Conv2D(
        filters,
        size,
        strides=strides,
        activation="relu",
        kernel_initializer="he_normal",
        bias_initializer="he_normal",
        name=name,
    )


def _finish(flow, x, classes, include_top, pooling, activation, dropout, name):
    if include_top:
        x = layers.Flatten(name="flatten")(x)  # (57600,)
        x = layers.Dropout(dropout, name="dropout")(x)
        x = class_head(x, classes, activation)
    else:
        x = global_pooling(x, pooling)
    return keras.Model([flow], x, name=name)

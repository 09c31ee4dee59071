"""RCN: recurrent convolutional networks whose extra parts add no parameters.

Xia, Peng, Khor, Feng, "Revealing the invisible with model and data shrinking for composite-database
micro-expression recognition", IEEE TIP 29, 2020; layers as in the authors' public PyTorch code.
"""

import keras
from keras import layers

from merzoo.layers import AdaptiveAveragePool, ClassActivationMap, ClassKernel, Conv2D, MaxPooling2D
from merzoo.models.common import (
    check_choice,
    check_input_shape,
    class_head,
    flow_image_input,
    global_pooling,
    load_weights,
)
from merzoo.models.registry import register
from merzoo.models.resnet18 import fan_out_normal

_FACTS = dict(
    reference="Xia, Peng, Khor, Feng. Revealing the Invisible with Model and Data Shrinking for "
    "Composite-database Micro-expression Recognition. IEEE Transactions on Image Processing 29, "
    "2020.",
    url="https://github.com/xiazhaoqiang/ParameterFreeRCNs-MicroExpressionRec",
)
_READINGS = (
    "Layers follow the authors' code: pictures are scaled to 0..1; the recurrent convolution "
    "shares its batch normalisation over the steps as well. The size of the picture is not in the "
    "code; 60 is ours.",
)


_MAP_READING = (
    "The map of the classes' evidence is made with the class layer's own kernel, and gradients "
    "flow through both uses, as in the authors' code.",
)


@register(
    "rcn-a",
    arguments={"variant": "a"},
    title="RCN-A (attention)",
    recipe="rcn",
    trainable=55_747,
    readings=(*_READINGS, *_MAP_READING),
    **_FACTS,
)
@register(
    "rcn-w",
    arguments={"variant": "w"},
    title="RCN-W (wide)",
    recipe="rcn",
    trainable=52_675,
    readings=_READINGS,
    **_FACTS,
)
@register(
    "rcn-f",
    arguments={"variant": "f"},
    title="RCN-F (fused)",
    recipe="rcn",
    trainable=52_675,
    readings=(
        *_READINGS,
        *_MAP_READING,
        "The authors' class runs its second stream twice in place of the third, and cannot be "
        "built as it stands; here the third stream is used.",
    ),
    **_FACTS,
)
@register(
    "rcn-s",
    arguments={"variant": "s"},
    title="RCN-S (shortcuts)",
    recipe="rcn",
    trainable=55_747,
    readings=(*_READINGS, "An unused convolution of the authors' class is left out."),
    **_FACTS,
)
def RCN(
    input_shape=(60, 60, 3),
    classes=3,
    weights=None,
    include_top=True,
    pooling=None,
    classifier_activation="softmax",
    preparation=None,
    variant="s",
    filters=64,
    pool_size=7,
    dropout=0.5,
    name="rcn-s",
) -> keras.Model:
    """Builds a recurrent convolutional network.

    The authors train with SGD at learning rate 5e-4 and momentum 0.9, halved every 10 epochs, batch
    64, 100 epochs.

    Args:
        input_shape: (height, width, 3) of `flow_image`, sides from 12.
        classes: number of classes.
        weights: `None`, or a path to a `.weights.h5` file; `create_model` takes tags too.
        include_top: whether to end in the class layer; without it `"a"` and `"f"` still own the
            class layer's kernel, which their maps are made of.
        pooling: `None`, `"avg"` or `"max"`, where `include_top=False`.
        classifier_activation: `"softmax"`, or `None` for logits.
        preparation: `None` scales 0..255 to 0..1 as the authors do; `"flow"` puts
            `merzoo.layers.FlowPreparation` in its place.
        variant: `"s"`: dense shortcuts between the recurrent steps; `"a"`: no shortcuts, and the
            last map is weighted by a map of the classes' evidence in an early one; `"w"`: a front
            of three streams with dilations 1, 2 and 3, no shortcuts; `"f"`: that front, shortcuts,
            and the evidence weighting the first step.
        filters: width of every convolution; 64, or 32 for the paper's smaller network.
        pool_size: side of the map that is classified, cells; 7, or 5 for the smaller network.
        dropout: rate after each max pooling.
        name: of the model.

    Returns:
        A `keras.Model` from `flow_image` (B, 60, 60, 3), 0..255, to (B, classes).

    Raises:
        InputError: for an impossible argument, naming it.

    Example:

    >>> import math
    >>> sum(math.prod(w.shape) for w in RCN(filters=32, pool_size=5).trainable_weights)
    15331
    """
    check_input_shape(input_shape, channels=(3,), smallest=12)
    check_choice("variant", variant, ("a", "s", "w", "f"))
    flow_image, x = flow_image_input(input_shape, preparation)
    if preparation is None:
        x = layers.Rescaling(1 / 255, name="scale")(x)

    if variant in ("w", "f"):
        x = _wide_front(x, filters, dropout)  # (20, 20, 64) at 60
    else:
        x = _conv_bn_relu(x, filters, 5, "valid", "conv")  # (56, 56, 64) at 60
        x = _halve(x, dropout, "1")  # (28, 28, 64)
    evidence = kernel = bias = None
    if variant in ("a", "f"):
        early = AdaptiveAveragePool(pool_size, name="early_pool")(x)  # (7, 7, 64)
        kernel, bias = ClassKernel(classes, name="classes")(early)
        size = x.shape[1:3] if variant == "f" else None
        evidence = ClassActivationMap(size, name="evidence")([early, kernel])

    if variant in ("a", "w"):
        x = _recurrent(x, filters)
    else:
        x = _recurrent_with_shortcuts(x, filters, evidence)
    x = _halve(x, dropout, "2")  # (14, 14, 64), or (10, 10, 64) behind the wide front
    x = AdaptiveAveragePool(pool_size, name="adaptive_pool")(x)  # (7, 7, 64)
    if variant == "a":
        x = layers.Multiply(name="attend")([x, evidence])

    if not include_top:
        x = global_pooling(x, pooling)
        return load_weights(keras.Model([flow_image], x, name=name), weights)
    x = layers.Flatten(name="flatten")(x)  # (3136,)
    if kernel is None:
        x = class_head(x, classes, classifier_activation)
    else:
        x = keras.ops.matmul(x, kernel) + bias
        activation = classifier_activation or "linear"
        x = layers.Activation(activation, dtype="float32", name="predictions")(x)
    return load_weights(keras.Model([flow_image], x, name=name), weights)


def _wide_front(x, filters, dropout):
    """Three 3x3 convolutions with stride 3, the second and third dilated: (60, 60) -> (20, 20)."""
    streams = []
    for dilation, width in ((1, filters // 2), (2, filters // 4), (3, filters // 4)):
        name = f"stream_{dilation}"
        y = layers.ZeroPadding2D(dilation, name=f"{name}_pad")(x)
        y = Conv2D(
            width,
            3,
            dilation_rate=dilation,
            activation="relu",
            kernel_initializer=fan_out_normal(),
            name=f"{name}_conv",
        )(y)
        y = y[:, ::3, ::3]  # Keras has no convolution with both strides and dilation
        y = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(y)
        streams.append(layers.Dropout(dropout, name=f"{name}_dropout")(y))
    return layers.Concatenate(name="streams")(streams)


def _recurrent(x, filters):
    """One shared 3x3 step R, twice: y = R(x + y)."""
    step = _shared_step(filters)
    y = _conv_bn_relu(x, filters, 1, "valid", "feed_forward")
    for place in range(2):
        y = step(layers.Add(name=f"sum_{place + 1}")([x, y]))
    return y


def _recurrent_with_shortcuts(x, filters, evidence):
    """One shared 3x3 step R: z = R(x + y), e = R(x + y + z), R(x + y + z + e)."""
    step = _shared_step(filters)
    y = _conv_bn_relu(x, filters, 1, "valid", "feed_forward")
    if evidence is not None:
        y = layers.Multiply(name="attend")([y, evidence])
    parts = [x, y]
    for place in range(3):
        parts.append(step(layers.Add(name=f"sum_{place + 1}")(parts)))
    return parts[-1]


def _shared_step(filters):
    """The recurrent step: one convolution and one batch normalisation for all its calls."""
    conv = Conv2D(
        filters, 3, padding="same", kernel_initializer=fan_out_normal(), name="recurrent_conv"
    )
    bn = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name="recurrent_bn")

    def step(x):
        return layers.ReLU()(bn(conv(x)))

    return step


def _conv_bn_relu(x, filters, size, padding, name):
    x = Conv2D(
        filters, size, padding=padding, kernel_initializer=fan_out_normal(), name=f"{name}_conv"
    )(x)
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def _halve(x, dropout, name):
    x = MaxPooling2D(2, name=f"pool_{name}")(x)
    return layers.Dropout(dropout, name=f"dropout_{name}")(x)

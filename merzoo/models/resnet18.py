"""ResNet-18: the residual network that micro-expression papers compare with and build on.

He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016; layers as in
torchvision.
"""

import keras
from keras import layers

from merzoo.layers import Conv2D, MaxPoolPadded
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
    "resnet18",
    title="ResNet-18",
    reference="He, Zhang, Ren, Sun. Deep Residual Learning for Image Recognition. CVPR 2016.",
    url="https://arxiv.org/abs/1512.03385",
    recipe="resnet18",
    trainable=11_179_077,
    small={"input_shape": (64, 64, 3)},
    readings=(
        "Grey pictures are repeated to three channels; 0..255 is standardised with ImageNet's "
        "means and deviations.",
    ),
)
def ResNet18(
    input_shape=(224, 224, 3),
    classes=5,
    weights=None,
    include_top=True,
    pooling=None,
    classifier_activation="softmax",
    modality="apex",
    name="resnet18",
) -> keras.Model:
    """Builds ResNet-18.

    Args:
        input_shape: (height, width, 1 or 3), sides from 32.
        classes: number of classes.
        weights: `None`, or a path to a `.weights.h5` file; `create_model` takes tags too.
        include_top: whether to end in global average pooling and the class layer.
        pooling: `None`, `"avg"` or `"max"`, where `include_top=False`.
        classifier_activation: `"softmax"`, or `None` for logits.
        modality: name of the input: `"apex"`, `"onset"`, `"magnified_apex"`, `"difference"` or
            `"flow_image"`.
        name: of the model.

    Returns:
        A `keras.Model` from pictures (B, 224, 224, 3), 0..255, to (B, classes).

    Raises:
        InputError: for an impossible argument, naming it.

    Example:

    >>> ResNet18(include_top=False).output_shape
    (None, 7, 7, 512)
    """
    check_input_shape(input_shape, smallest=32)
    check_picture(modality)
    picture = keras.Input(input_shape, name=modality)
    x = imagenet_scaling(three_channels(picture))
    x = resnet_body(x)  # (7, 7, 512)
    if include_top:
        x = global_pooling(x, "avg")
        x = class_head(x, classes, classifier_activation)
    else:
        x = global_pooling(x, pooling)
    return load_weights(keras.Model([picture], x, name=name), weights)


def resnet_body(x, last_strides=2):
    """Stem, max pooling and four stages: (224, 224, C) -> (7, 7, 512)."""
    x = resnet_stem(x)  # (112, 112, 64)
    x = MaxPoolPadded(3, strides=2, padding=1, name="stem_pool")(x)  # (56, 56, 64)
    for stage, (filters, strides) in enumerate(
        ((64, 1), (128, 2), (256, 2), (512, last_strides)), 1
    ):
        x = resnet_stage(x, filters, strides, name=f"stage_{stage}")
    return x


def resnet_stem(x, name="stem"):
    """Convolution 7x7 with stride 2, batch normalisation, ReLU: (H, W, C) -> (H / 2, W / 2, 64)."""
    return layers.ReLU(name=f"{name}_relu")(conv_bn(x, 64, 7, 2, name))


def resnet_stage(x, filters, strides, name, blocks=2):
    """Residual blocks of two 3x3 convolutions; the first one has the stride."""
    for block in range(1, blocks + 1):
        x = residual_block(x, filters, strides if block == 1 else 1, f"{name}_block_{block}")
    return x


def residual_block(x, filters, strides, name):
    """ReLU(shortcut + CB(CBR(x))); the shortcut is a 1x1 convolution where the shape changes."""
    shortcut = x
    if strides != 1 or x.shape[-1] != filters:
        shortcut = conv_bn(x, filters, 1, strides, f"{name}_shortcut")
    x = conv_bn(x, filters, 3, strides, f"{name}_1")
    x = layers.ReLU(name=f"{name}_relu_1")(x)
    x = conv_bn(x, filters, 3, 1, f"{name}_2")
    x = layers.Add(name=f"{name}_add")([shortcut, x])
    return layers.ReLU(name=f"{name}_relu_2")(x)


def conv_bn(x, filters, size, strides, name):
    """Convolution without bias, padded by size // 2 on every side, and batch normalisation.

    Keras' `padding="same"` pads one side less where a stride of 2 meets an even size.
    """
    if size > 1:
        x = layers.ZeroPadding2D(size // 2, name=f"{name}_pad")(x)
    x = Conv2D(
        filters,
        size,
        strides=strides,
        use_bias=False,
        kernel_initializer=fan_out_normal(),
        name=f"{name}_conv",
    )(x)
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(x)


def fan_out_normal():
    """PyTorch's `kaiming_normal_(mode="fan_out", nonlinearity="relu")`."""
    return keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal")

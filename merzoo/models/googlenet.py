"""GoogLeNet: inception modules one after another, a baseline of micro-expression papers.

Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, Erhan, Vanhoucke, Rabinovich, "Going Deeper with
Convolutions", CVPR 2015; layers as in its Table 1.
"""

import keras
from keras import layers

from merzoo.errors import InputError
from merzoo.layers import Conv2D, LocalResponseNormalization, MaxPooling2D
from merzoo.models.common import (
    check_choice,
    check_input_shape,
    check_picture,
    class_head,
    global_pooling,
    imagenet_scaling,
    load_weights,
    three_channels,
)
from merzoo.models.dfrnet_bodies import INCEPTION_MODULES, inception_module
from merzoo.models.registry import register

# Filters of 1x1 | 3x3 reduce, 3x3 | 5x5 reduce, 5x5 | pool.
MODULES = INCEPTION_MODULES | {
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


@register(
    "googlenet",
    title="GoogLeNet",
    reference="Szegedy et al. Going Deeper with Convolutions. CVPR 2015.",
    url="https://arxiv.org/abs/1409.4842",
    recipe="resnet18",
    trainable=5_976_627,
    small={"input_shape": (64, 64, 3), "modules": ("3a", "4a", "5a"), "width": 0.25},
    readings=(
        "The two classifiers at the side, which the paper trains with and throws away, are left "
        "out.",
        "Table 1 has no batch normalisation and none is used; local response normalisation has the "
        "paper's five channels, alpha 1e-4 and beta 0.75 of its predecessor, and k = 1 of the "
        "released Caffe model.",
        "The first pooling and all later ones are padded as Keras' 'same', which gives the sides "
        "of Table 1.",
        "Grey pictures are repeated to three channels; 0..255 is standardised with ImageNet's "
        "means and deviations.",
        "Micro-expression papers that compare with it do not say how they trained it: the recipe "
        "is that of ResNet-18.",
    ),
)
def GoogLeNet(
    input_shape=(224, 224, 3),
    classes=3,
    weights=None,
    include_top=True,
    pooling=None,
    classifier_activation="softmax",
    modality="apex",
    modules=tuple(MODULES),
    width=1.0,
    dropout=0.4,
    name="googlenet",
) -> keras.Model:
    """Builds GoogLeNet.

    Args:
        input_shape: (height, width, 1 or 3), sides from 32.
        classes: number of classes.
        weights: `None`, or a path to a `.weights.h5` file; `create_model` takes tags too.
        include_top: whether to end in the mean, dropout and class layer; `False` ends in the map
            (7, 7, 1024).
        pooling: `None`, `"avg"` or `"max"`, where `include_top=False`.
        classifier_activation: `"softmax"`, or `None` for logits.
        modality: name of the input: `"apex"`, `"onset"`, `"magnified_apex"`, `"difference"` or
            `"flow_image"`.
        modules: names of the inception modules that are used, in the order of Table 1.
        width: times every number of filters.
        dropout: rate before the class layer.
        name: of the model.

    Returns:
        A `keras.Model` from pictures (B, 224, 224, 3), 0..255, to (B, classes).

    Raises:
        InputError: for an impossible argument, naming it.

    Example:

    >>> GoogLeNet(modules=("3a", "4a", "5a"), width=0.25, include_top=False).output_shape
    (None, 7, 7, 208)
    """
    check_input_shape(input_shape, smallest=32)
    check_picture(modality)
    for module in modules:
        check_choice("modules", module, tuple(MODULES))
    if width <= 0:
        raise InputError(f"width={width!r} is not possible here: give a number above 0.")

    def filters(count):
        return max(1, round(width * count))

    picture = keras.Input(input_shape, name=modality)
    x = imagenet_scaling(three_channels(picture))
    x = _convolution(x, filters(64), 7, "conv_1", strides=2)  # (112, 112, 64)
    x = MaxPooling2D(3, strides=2, padding="same", name="pool_1")(x)  # (56, 56, 64)
    x = LocalResponseNormalization(k=1.0, name="normalise_1")(x)
    x = _convolution(x, filters(64), 1, "conv_2_reduce")
    x = _convolution(x, filters(192), 3, "conv_2")
    x = LocalResponseNormalization(k=1.0, name="normalise_2")(x)
    for stage in "345":
        x = MaxPooling2D(3, strides=2, padding="same", name=f"pool_{stage}")(x)
        for module, counts in MODULES.items():
            if module in modules and module.startswith(stage):
                x = inception_module(x, [filters(n) for n in counts], f"inception_{module}")
    # (7, 7, 1024)
    if include_top:
        x = global_pooling(x, "avg")
        x = layers.Dropout(dropout, name="dropout")(x)
        x = class_head(x, classes, classifier_activation)
    else:
        x = global_pooling(x, pooling)
    return load_weights(keras.Model([picture], x, name=name), weights)


def _convolution(x, filters, size, name, strides=1):
    return Conv2D(filters, size, strides, padding="same", activation="relu", name=name)(x)

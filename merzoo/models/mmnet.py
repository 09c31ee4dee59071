"""MMNet: motion between onset and apex in one branch, positions of facial areas in another.

Li, Sui, Zhu, Zhao, "MMNet: Muscle Motion-Guided Network for Micro-Expression Recognition", IJCAI
2022; layers as in the authors' public PyTorch code.
"""

import keras
from keras import layers

from merzoo.errors import InputError
from merzoo.layers import Conv2D, LearnedPosition, MaxPoolPadded
from merzoo.models.common import (
    check_input_shape,
    class_head,
    global_pooling,
    imagenet_scaling,
    load_weights,
)
from merzoo.models.registry import register
from merzoo.models.resnet18 import conv_bn

STAGES = ((128, 1), (128, 2), (256, 2), (512, 2))  # filters and stride of the motion blocks


@register(
    "mmnet",
    title="MMNet",
    reference="Li, Sui, Zhu, Zhao. MMNet: Muscle Motion-Guided Network for Micro-Expression "
    "Recognition. IJCAI 2022.",
    url="https://github.com/muse1998/MMNet",
    recipe="mmnet",
    trainable=9_438_841,
    small={"input_shape": (32, 32, 3)},
    readings=(
        "Layers follow the authors' code; layers that it registers without using are left out.",
        "Grey pictures are repeated to three channels.",
    ),
)
def MMNet(
    input_shape=(224, 224, 3),
    classes=5,
    weights=None,
    include_top=True,
    pooling=None,
    classifier_activation="softmax",
    name="mmnet",
) -> keras.Model:
    """Builds MMNet: continuous attention on the difference of two frames, plus face positions.

    The authors train with AdamW at learning rate 8e-4 and weight decay 0.6, decayed by 0.987 each
    epoch up to epoch 50, batch 32; flips, rotations to 3 degrees, crops with padding 15.

    Args:
        input_shape: (height, width, 1 or 3) of `onset` and `apex`, sides multiples of 16.
        classes: number of classes.
        weights: `None`, or a path to a `.weights.h5` file; `create_model` takes tags too.
        include_top: whether to end in the class layer; `False` ends in the fused map
            (14, 14, 512).
        pooling: `None`, `"avg"` or `"max"`, where `include_top=False`.
        classifier_activation: `"softmax"`, or `None` for logits.
        name: of the model.

    Returns:
        A `keras.Model` from `onset` and `apex` (B, 224, 224, 3), 0..255, to (B, classes).

    Raises:
        InputError: for an impossible argument, naming it.

    Example:

    >>> MMNet(input_shape=(32, 32, 1), include_top=False).output_shape
    (None, 2, 2, 512)
    """
    onset, apex, onset_scaled, apex_scaled = onset_and_apex(input_shape)
    motion = layers.Subtract(name="difference")([apex_scaled, onset_scaled])
    x = motion_stem(motion)  # (112, 112, 128)
    prior = None
    for number, (filters, strides) in enumerate(STAGES, 1):
        block = f"block_{number}"
        x = motion_convolutions(x, filters, strides, block, shortcut=number > 1)
        prior = _attention_map(x, prior, block)  # (H, W, 1)
        x = layers.Multiply(name=f"{block}_attend")([x, prior])
    # (14, 14, 512)
    cells = (input_shape[0] // 16, input_shape[1] // 16)
    positions = position_calibration(onset_scaled, cells)  # (14, 14, 512)
    x = layers.Add(name="fusion")([x, positions])

    if include_top:
        x = layers.Flatten(name="flatten")(x)  # (100352,)
        x = class_head(x, classes, classifier_activation)
    else:
        x = global_pooling(x, pooling)
    return load_weights(keras.Model([onset, apex], x, name=name), weights)


def onset_and_apex(input_shape, multiple: int = 16):
    """The inputs `onset` and `apex`, and both in three channels standardised for ImageNet."""
    check_input_shape(input_shape, smallest=multiple)
    if input_shape[0] % multiple or input_shape[1] % multiple:
        raise InputError(
            f"input_shape={tuple(input_shape)} is not possible here: the sides have to be "
            f"multiples of {multiple}."
        )
    pictures, scaled = [], []
    for name in ("onset", "apex"):
        picture = keras.Input(input_shape, name=name)
        colour = picture
        if input_shape[-1] == 1:
            colour = layers.Concatenate(name=f"{name}_colour")([picture] * 3)
        pictures.append(picture)
        scaled.append(imagenet_scaling(colour, name=f"{name}_scaling"))
    return (*pictures, *scaled)


def motion_stem(x):
    """(224, 224, 3) -> (112, 112, 128): two 3x3 convolutions, the first with stride 2."""
    x = layers.ReLU(name="stem_relu_1")(conv_bn(x, 180, 3, 2, "stem_1"))  # (112, 112, 180)
    return layers.ReLU(name="stem_relu_2")(conv_bn(x, 128, 3, 1, "stem_2"))


def motion_convolutions(x, filters, strides, name, shortcut):
    """ReLU(1x1 after 3x3, plus the input, through a 1x1 convolution if `shortcut`)."""
    past = conv_bn(x, filters, 1, strides, f"{name}_shortcut") if shortcut else x
    x = layers.ReLU(name=f"{name}_relu_1")(conv_bn(x, filters, 3, strides, f"{name}_1"))
    x = conv_bn(x, filters, 1, 1, f"{name}_2")
    x = layers.Add(name=f"{name}_add")([x, past])
    return layers.ReLU(name=f"{name}_relu_2")(x)


def _attention_map(x, prior, name):
    """One number a cell from channel mean and maximum, times the map of the block before."""
    mean = keras.ops.mean(x, axis=-1, keepdims=True)
    largest = keras.ops.max(x, axis=-1, keepdims=True)
    y = layers.Concatenate(name=f"{name}_mean_max")([mean, largest])  # (H, W, 2)
    y = conv_bn(y, 1, 1, 1, f"{name}_map")
    y = layers.Activation("sigmoid", name=f"{name}_sigmoid")(y)
    if prior is None:
        return y
    prior = MaxPoolPadded(3, strides=2, padding=1, name=f"{name}_prior")(prior)
    return layers.Multiply(name=f"{name}_continue")([prior, y])


def position_calibration(picture, cells, depth=2, width=512, heads=4):
    """Position embeddings of a face by a small Vision Transformer: (224, 224, 3) -> (14, 14, 512).

    The picture is shrunk to one pixel a cell; each pixel is a token.
    """
    start = keras.initializers.TruncatedNormal(stddev=0.02)
    x = layers.Resizing(*cells, name="positions_resize")(picture)  # (14, 14, 3)
    x = Conv2D(width, 1, name="positions_embed")(x)
    x = layers.Reshape((cells[0] * cells[1], width), name="positions_tokens")(x)  # (196, 512)
    x = LearnedPosition(name="positions_learned")(x)
    for block in range(1, depth + 1):
        name = f"positions_block_{block}"
        y = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm_1")(x)
        attention = layers.MultiHeadAttention(
            heads, width // heads, kernel_initializer=start, name=f"{name}_attention"
        )
        x = layers.Add(name=f"{name}_add_1")([x, attention(y, y)])
        y = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm_2")(x)
        y = layers.Dense(
            4 * width, activation="gelu", kernel_initializer=start, name=f"{name}_dense_1"
        )(y)
        y = layers.Dense(width, kernel_initializer=start, name=f"{name}_dense_2")(y)
        x = layers.Add(name=f"{name}_add_2")([x, y])
    x = layers.LayerNormalization(epsilon=1e-6, name="positions_norm")(x)
    return layers.Reshape((*cells, width), name="positions")(x)

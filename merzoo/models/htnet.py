"""HTNet: a hierarchical transformer on four facial areas of a flow image.

Wang, Zhang, Luo, Sankaranarayana, "HTNet for micro-expression recognition", Neurocomputing 602,
2024; layers as in the authors' public PyTorch code, itself after NesT (Zhang et al., AAAI 2022).
"""

import keras
from keras import layers

from merzoo.errors import InputError
from merzoo.layers import Conv2D, MaxPoolPadded, WindowAttention, WindowPosition
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
    "htnet",
    title="HTNet",
    reference="Wang, Zhang, Luo, Sankaranarayana. HTNet for micro-expression recognition. "
    "Neurocomputing 602, 2024.",
    url="https://github.com/wangzhifengharrison/HTNet",
    recipe="htnet",
    trainable=139_582_982,
    small={"dim": 24, "depths": (1, 1, 1)},
    readings=(
        "At 28 pixels and patches of 7 every window holds one token, so its softmax is 1 and no "
        "gradient reaches queries and keys; a larger input_shape or smaller patches change that.",
        "The last level's position number moves all channels alike, which the last layer "
        "normalisation undoes: it gets no gradient at one token either.",
        "The authors put crops around eyes and lip corners side by side (top row left eye, left "
        "lip corner; bottom row right eye, right lip corner) before the network: "
        "`modality='flow_regions'`, which holds the eyes above and the corners below, so that its "
        "mirror image is right, and is put in their order first. The plain network takes any flow "
        "image; both are 0..255 without scaling, as theirs is.",
        "They look for the four points in the apex scaled to 28 x 28; here the points are where an "
        "aligned face has them, as theirs are where no face is found.",
    ),
)
def HTNet(
    input_shape=(28, 28, 3),
    classes=3,
    weights=None,
    include_top=True,
    pooling=None,
    classifier_activation="softmax",
    preparation=None,
    patch_size=7,
    dim=256,
    heads=3,
    depths=(2, 2, 10),
    modality="flow_image",
    name="htnet",
) -> keras.Model:
    """Builds HTNet: attention within ever fewer, ever larger areas of the image.

    The authors train with Adam at learning rate 5e-5, batch 256, 800 epochs. At its default size
    the weights take 560 MB, and training three to four times that.

    Args:
        input_shape: (height, width, 3) of the input; the sides are equal and divided by
            patch_size * 2^(levels - 1), 28 by default.
        classes: number of classes.
        weights: `None`, or a path to a `.weights.h5` file; `create_model` takes tags too.
        include_top: whether to end in the class layer; `False` ends in the last level's
            normalised map (1, 1, 1024).
        pooling: `None`, `"avg"` or `"max"`, where `include_top=False`.
        classifier_activation: `"softmax"`, or `None` for logits.
        preparation: `None` feeds 0..255 as the authors do; `"flow"` puts
            `merzoo.layers.FlowPreparation` first.
        patch_size: side of a patch, pixels.
        dim: channels of the first level; each further one has twice as many.
        heads: of the first level; each further one has twice as many.
        depths: transformer blocks of each level.
        modality: name of the input: `"flow_image"`, or `"flow_regions"` as the authors have it.
        name: of the model.

    Returns:
        A `keras.Model` from flow (B, 28, 28, 3), 0..255, to (B, classes).

    Raises:
        InputError: for an impossible argument, naming it.

    Example:

    >>> HTNet(dim=24, depths=(1, 1, 1), include_top=False).output_shape
    (None, 1, 1, 96)
    """
    check_input_shape(input_shape, channels=(3,))
    step = patch_size * 2 ** (len(depths) - 1)
    if input_shape[0] != input_shape[1] or input_shape[0] % step:
        raise InputError(
            f"input_shape={tuple(input_shape)} is not possible here: HTNet takes squares whose "
            f"side is a multiple of {step} (patch_size * 2 ** (levels - 1))."
        )
    check_choice("modality", modality, ("flow_image", "flow_regions"))
    flow, x = flow_image_input(input_shape, preparation, modality)
    if modality == "flow_regions":
        x = _eye_beside_corner(x)
    x = Conv2D(dim, patch_size, strides=patch_size, name="patches")(x)  # (4, 4, 256)

    window = input_shape[0] // step  # the same on all levels: areas are merged, not windows
    for level, depth in enumerate(depths):
        prefix = f"level_{level + 1}"
        if level:
            x = _merge_areas(x, dim * 2**level, prefix)  # (4, 4) -> (2, 2) -> (1, 1)
        x = WindowPosition(window, name=f"{prefix}_position")(x)
        for block in range(1, depth + 1):
            x = _block(x, heads * 2**level, window, f"{prefix}_block_{block}")
    x = layers.LayerNormalization(epsilon=1e-5, name="norm")(x)  # (1, 1, 1024)

    if include_top:
        x = global_pooling(x, "avg")
        x = class_head(x, classes, classifier_activation)
    else:
        x = global_pooling(x, pooling)
    return load_weights(keras.Model([flow], x, name=name), weights)


def _eye_beside_corner(x):
    """The four areas in the authors' order: left eye and left corner above, right ones below."""
    height, width, channels = x.shape[1:]
    x = layers.Reshape((2, height // 2, 2, width // 2, channels), name="areas")(x)
    x = layers.Permute((3, 2, 1, 4, 5), name="areas_turned")(x)
    return layers.Reshape((height, width, channels), name="areas_joined")(x)


def _block(x, heads, window, name):
    """Attention within windows and a feed-forward layer, each after a layer normalisation."""
    channels = x.shape[-1]
    y = layers.LayerNormalization(epsilon=1e-5, name=f"{name}_norm_1")(x)
    y = WindowAttention(heads, window, name=f"{name}_attention")(y)
    x = layers.Add(name=f"{name}_add_1")([x, y])
    y = layers.LayerNormalization(epsilon=1e-5, name=f"{name}_norm_2")(x)
    y = layers.Dense(4 * channels, activation="gelu", name=f"{name}_dense_1")(y)
    y = layers.Dense(channels, name=f"{name}_dense_2")(y)
    return layers.Add(name=f"{name}_add_2")([x, y])


def _merge_areas(x, channels, name):
    """(H, W, C) -> (H / 2, W / 2, channels): convolution, layer normalisation, max pooling."""
    x = Conv2D(channels, 3, padding="same", name=f"{name}_merge_conv")(x)
    x = layers.LayerNormalization(epsilon=1e-5, name=f"{name}_merge_norm")(x)
    return MaxPoolPadded(3, strides=2, padding=1, name=f"{name}_merge_pool")(x)

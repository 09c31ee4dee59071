"""ConvNeXt and EfficientNetV2 of Keras Applications as trunks, for pictures of faces or of flow.

Liu, Mao, Wu, Feichtenhofer, Darrell, Xie, "A ConvNet for the 2020s", CVPR 2022; Tan, Le,
"EfficientNetV2: Smaller Models and Faster Training", ICML 2021.
"""

import keras
from keras import layers

from merzoo.errors import InputError
from merzoo.layers import Conv2D
from merzoo.models.building import leave_without_values
from merzoo.models.common import (
    check_choice,
    check_input_shape,
    check_picture,
    class_head,
    global_pooling,
    load_weights,
    three_channels,
)
from merzoo.models.registry import register

# Trunk -> its builder in Keras Applications, and the layers that end its stages but for the last.
TRUNKS = {
    "convnext-tiny": (
        "ConvNeXtTiny",
        tuple(f"convnext_tiny_stage_{n}_block_{b}_identity" for n, b in ((0, 2), (1, 2), (2, 8))),
    ),
    "efficientnetv2-b0": (
        "EfficientNetV2B0",
        ("block1a_project_activation", "block2b_add", "block3b_add", "block5e_add"),
    ),
}
_FACTS: dict = {
    "recipe": "resnet18",
    "small": {"input_shape": (32, 32, 3), "stages": 1},
    "url": "https://keras.io/api/applications/",
    "readings": (
        "The trunk is that of Keras Applications, its own scaling of 0..255 inside, with merzoo's "
        "convolutions in place of Keras': the same weights and outputs. Behind it are the mean "
        "over the map, dropout and the class layer.",
        "Nothing is loaded unless it is asked for: weights_backbone=None starts at random, and a "
        "path takes Keras' own `notop` file of weights.",
        "The recipe is that of ResNet-18.",
    ),
}


@register(
    "convnext-tiny",
    title="ConvNeXt-T",
    reference="Liu, Mao, Wu, Feichtenhofer, Darrell, Xie. A ConvNet for the 2020s. CVPR 2022.",
    trainable=27_822_435,
    **_FACTS,
)
@register(
    "efficientnetv2-b0",
    title="EfficientNetV2-B0",
    reference="Tan, Le. EfficientNetV2: Smaller Models and Faster Training. ICML 2021.",
    arguments={"trunk": "efficientnetv2-b0"},
    trainable=5_862_547,
    **_FACTS,
)
def VisionEncoder(
    input_shape=(224, 224, 3),
    classes=3,
    weights=None,
    include_top=True,
    pooling=None,
    classifier_activation="softmax",
    weights_backbone=None,
    freeze_trunk=False,
    trunk="convnext-tiny",
    stages=None,
    modality="flow_image",
    dropout=0.2,
    name="vision-encoder",
) -> keras.Model:
    """Builds an encoder of general vision with a class layer.

    Args:
        input_shape: (height, width, 1 or 3), sides from 32.
        classes: number of classes.
        weights: `None`, or a path to a `.weights.h5` file; `create_model` takes tags too.
        include_top: whether to end in global average pooling, dropout and the class layer; `False`
            ends in the trunk's map (7, 7, 768).
        pooling: `None`, `"avg"` or `"max"`, where `include_top=False`.
        classifier_activation: `"softmax"`, or `None` for logits.
        weights_backbone: `None` for a random trunk, `"imagenet"` for the weights of Keras
            Applications, or a path to their `notop` file.
        freeze_trunk: whether the trunk is kept from training.
        trunk: `"convnext-tiny"` or `"efficientnetv2-b0"`.
        stages: how many of the trunk's stages are used (4 and 5 of them); `None` for all.
        modality: name of the input: `"flow_image"`, `"difference"`, `"apex"`, `"onset"` or
            `"magnified_apex"`.
        dropout: rate before the class layer.
        name: of the model.

    Returns:
        A `keras.Model` from pictures (B, 224, 224, 3), 0..255, to (B, classes).

    Raises:
        InputError: for an impossible argument, naming it, and where the trunk's weights cannot be
            had.

    Example:

    >>> VisionEncoder((32, 32, 3), stages=1, include_top=False).output_shape
    (None, 8, 8, 96)
    """
    check_input_shape(input_shape, smallest=32)
    check_picture(modality)
    check_choice("trunk", trunk, tuple(TRUNKS))
    ends = TRUNKS[trunk][1]
    check_choice("stages", stages, (None, *range(1, len(ends) + 2)))
    with keras.StatelessScope() as scope:  # of this graph only the copy gets values
        picture = keras.Input(input_shape, name=modality)
        whole = _trunk(trunk, three_channels(picture), weights_backbone)
        whole.trainable = not freeze_trunk
        x = whole.output  # (7, 7, 768)
        if stages is not None and stages <= len(ends):
            x = whole.get_layer(ends[stages - 1]).output
        if include_top:
            x = global_pooling(x, "avg")
            x = layers.Dropout(dropout, name="dropout")(x)
            x = class_head(x, classes, classifier_activation)
        else:
            x = global_pooling(x, pooling)
        graph = keras.Model([picture], x, name=name)
        values = [scope.get_current_value(variable) for variable in graph.weights]
        leave_without_values(whole)
        leave_without_values(graph)
    model = keras.models.clone_model(graph, clone_function=_with_own_convolution, recursive=True)
    for variable, value in zip(model.weights, values, strict=True):
        if value is not None:  # of the trunk's file
            variable.assign(value)
    return load_weights(model, weights)


def _trunk(trunk, x, weights_backbone):
    """Keras' model from a picture to its last map, or why its weights cannot be had."""
    build = getattr(keras.applications, TRUNKS[trunk][0])
    try:
        return build(include_top=False, input_tensor=x, weights=weights_backbone)
    except Exception as error:
        if weights_backbone is None:
            raise
        raise InputError(
            f"weights_backbone={str(weights_backbone)!r} is not possible here: give None, "
            f"'imagenet', or a path to the notop file of Keras' {TRUNKS[trunk][0]} ({error})."
        ) from error


def _with_own_convolution(layer):
    """A layer as it is, `merzoo.layers.Conv2D` in place of Keras'; its weights are new."""
    kind = Conv2D if type(layer) is layers.Conv2D else type(layer)
    return kind.from_config(layer.get_config())

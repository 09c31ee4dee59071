"""EMR: a residual network on a picture of flow, whose upper and lower half are pooled apart.

Liu, Du, Zheng, Gedeon, "A Neural Micro-Expression Recognizer", FG 2019; layers as in the authors'
public PyTorch code.
"""

import keras
from keras import layers

from merzoo.models.common import (
    check_input_shape,
    class_head,
    flow_image_input,
    global_pooling,
    load_weights,
)
from merzoo.models.registry import register
from merzoo.models.resnet18 import resnet_body


@register(
    "emr",
    title="EMR",
    reference="Liu, Du, Zheng, Gedeon. A Neural Micro-Expression Recognizer. FG 2019.",
    url="https://github.com/xiaobaishu0097/MEGC2019",
    recipe="emr",
    trainable=11_242_563,
    small={"input_shape": (64, 64, 3)},
    readings=(
        "Layers follow the authors' code; the upper part is the first 3 of 7 rows of the trunk's "
        "map. The trunk starts from ResNet-18's ImageNet weights there, which are not bundled.",
        "What only training needs is left out: the class layers of each part alone, and the layers "
        "that tell micro- from macro-expressions (CK+) behind reversed gradients. So training here "
        "has no macro-expressions and none of the paper's domain adaptation.",
        "The authors colour their picture of Farneback flow by direction (hue), length (value) and "
        "the apex itself (saturation), from magnified videos; here it is the flow image: u, v and "
        "strain. `magnification` of the preprocessing magnifies; its strength is not in the code.",
    ),
)
def EMR(
    input_shape=(224, 224, 3),
    classes=3,
    weights=None,
    include_top=True,
    pooling=None,
    classifier_activation="softmax",
    preparation=None,
    part_units=64,
    dropout=0.1,
    name="emr",
) -> keras.Model:
    """Builds EMR: ResNet-18, average pooling of the upper and the lower part, a dense layer each.

    Args:
        input_shape: (height, width, 3) of `flow_image`, sides from 33.
        classes: number of classes.
        weights: `None`, or a path to a `.weights.h5` file; `create_model` takes tags too.
        include_top: whether to end in the parts and the class layer; `False` ends in the trunk's
            map (7, 7, 512).
        pooling: `None`, `"avg"` or `"max"`, where `include_top=False`.
        classifier_activation: `"softmax"`, or `None` for logits.
        preparation: `None` scales 0..255 to -1..1 as the authors do; `"flow"` puts
            `merzoo.layers.FlowPreparation` in its place.
        part_units: width of each part's features.
        dropout: rate after them.
        name: of the model.

    Returns:
        A `keras.Model` from `flow_image` (B, 224, 224, 3), 0..255, to (B, classes).

    Raises:
        InputError: for an impossible argument, naming it.

    Example:

    >>> EMR(include_top=False).output_shape
    (None, 7, 7, 512)
    """
    check_input_shape(input_shape, channels=(3,), smallest=33)
    flow_image, x = flow_image_input(input_shape, preparation)
    if preparation is None:
        x = layers.Rescaling(1 / 127.5, -1, name="scale")(x)
    x = resnet_body(x)  # (7, 7, 512)

    if include_top:
        middle = x.shape[1] // 2
        parts = {"top": x[:, :middle], "bottom": x[:, middle:]}  # (3, 7, 512), (4, 7, 512)
        features = []
        for part, y in parts.items():
            y = layers.GlobalAveragePooling2D(name=f"{part}_pool")(y)
            y = layers.Dense(part_units, activation="tanh", name=f"{part}_dense")(y)
            features.append(layers.Dropout(dropout, name=f"{part}_dropout")(y))
        x = layers.Concatenate(name="parts")(features)  # (128,)
        x = class_head(x, classes, classifier_activation)
    else:
        x = global_pooling(x, pooling)
    return load_weights(keras.Model([flow_image], x, name=name), weights)

"""FGRL-AUF: patches of brows and mouth as nodes, attention as edges, action units as a graph.

Lei, Li, Chen, Li, "Micro-Expression Recognition Based on Facial Graph Representation Learning and
Facial Action Unit Fusion", CVPR Workshops 2021; sizes as in public PyTorch code that builds on it.
"""

import keras
from keras import layers

from merzoo.layers import ActionUnitGraph, RegionCrop
from merzoo.models.common import check_choice, check_input_shape, class_head, load_weights
from merzoo.models.registry import register
from merzoo.models.transformer import transformer_blocks

# Of the 24 identification blocks, those centred on brows (landmarks 19, 22, 23, 26, above 38 and
# above 45) and on the mouth (49, 51, 53, 55, 59, 57 and beside its corners).
BROWS = ((0, 4), (16, 17), (19, 20))
MOUTH = ((10, 16), (22, 24))
PATCH = 7  # pixels


@register(
    "fgrl-auf",
    title="FGRL-AUF",
    reference="Lei, Li, Chen, Li. Micro-Expression Recognition Based on Facial Graph "
    "Representation Learning and Facial Action Unit Fusion. CVPR Workshops 2021.",
    url="https://github.com/ini17/Micro-expression-recognition-by-fusing-Action-Unit-detection-and-"
    "spatio-temporal-features",
    recipe="default",
    trainable=800_793,
    small={"encoders": 1, "heads": 2, "head_units": (16, 8)},
    readings=(
        "Beside the abstract, sizes are those of the public code of a later network, which keeps "
        "its parts: 7 x 7 pixels a node, a 3 x 3 convolution for each node alone, six encoders of "
        "8 heads for brows and mouth apart, dense layers of 320 and 160, and nine action units "
        "(three of the brows, six of the mouth) whose graph has 40, 80 and 160 channels.",
        "The paper's nodes lie on 30 landmarks, 10 of the brows and 20 of the mouth. No modality "
        "holds landmarks: here they are the identification blocks that are centred on brows (6) "
        "and mouth (8), sampled at 7 x 7 points. At 32 pixels a block is 7 pixels wide.",
        "The paper's pixels are of the shape representation of a learned magnification network, "
        "given onset and apex. Here they are the signed difference of the two, over 255.",
        "The paper's adjacency is how often action units occur together in its training data, "
        "which no network here sees: it is learned, and starts as the identity.",
        "The encoders are normed before attention and feed-forward network; which way the paper "
        "has it is not known.",
    ),
)
def FGRLAUF(
    input_shape=(32, 32, 1),
    classes=3,
    weights=None,
    include_top=True,
    pooling=None,
    classifier_activation="softmax",
    encoders=6,
    heads=8,
    head_units=(320, 160),
    dropout=0.5,
    name="fgrl-auf",
) -> keras.Model:
    """Builds FGRL-AUF.

    Args:
        input_shape: (height, width, 1 or 3) of `signed_difference`, square, sides from 7.
        classes: number of classes.
        weights: `None`, or a path to a `.weights.h5` file; `create_model` takes tags too.
        include_top: whether to end in the class layer; `False` ends in the scores of the nine
            action units.
        pooling: `None`, `"avg"` or `"max"`; all the same here, since those are a vector.
        classifier_activation: `"softmax"`, or `None` for logits.
        encoders: transformer blocks, of brows and of mouth.
        heads: of each block, 16 channels each.
        head_units: widths of the dense layers behind each encoder.
        dropout: rate between them.
        name: of the model.

    Returns:
        A `keras.Model` from `signed_difference` (B, 32, 32, 1), -255..255, and `regions`
        (B, 24, 4) as y1 x1 y2 x2 in 0..1, to (B, classes).

    Raises:
        InputError: for an impossible argument, naming it.

    Example:

    >>> FGRLAUF(encoders=1, include_top=False).output_shape
    (None, 9)
    """
    check_input_shape(input_shape, smallest=PATCH)
    check_choice("pooling", pooling, (None, "avg", "max"))
    difference = keras.Input(input_shape, name="signed_difference")
    regions = keras.Input((24, 4), name="regions")
    chosen = [regions[:, first:last] for first, last in (*BROWS, *MOUTH)]
    boxes = layers.Concatenate(axis=1, name="nodes")(chosen)  # (14, 4)
    brows = sum(last - first for first, last in BROWS)

    x = layers.Rescaling(1 / 255, name="scale")(difference)
    if input_shape[-1] == 3:
        x = keras.ops.mean(x, axis=-1, keepdims=True)
    x = RegionCrop(PATCH, name="patches")([x, boxes])  # (14, 7, 7, 1)
    x = _node_learning(x)  # (14, 49)
    parts = {"brows": x[:, :brows], "mouth": x[:, brows:]}  # (6, 49), (8, 49)
    features = []
    for part, y in parts.items():
        y = transformer_blocks(y, encoders, heads, key_dim=16, hidden=128, dropout=0.1, name=part)
        y = layers.Flatten(name=f"{part}_flatten")(y)
        for place, units in enumerate(head_units, start=1):
            if place > 1:
                y = layers.Dropout(dropout, name=f"{part}_dropout")(y)
            y = layers.Dense(units, activation="relu", name=f"{part}_dense_{place}")(y)
        features.append(y)  # (160,)
    x = ActionUnitGraph((3, 6), name="action_units")(features)  # (9,)
    x = layers.LayerNormalization(epsilon=1e-6, name="norm")(x)
    if include_top:
        x = class_head(x, classes, classifier_activation)
    return load_weights(keras.Model([difference, regions], x, name=name), weights)


def _node_learning(x):
    """A 3 x 3 convolution for each node alone: (N, 7, 7, 1) -> (N, 49)."""
    nodes = x.shape[1]
    x = layers.Reshape((nodes, PATCH, PATCH), name="node_patches")(x)
    x = layers.Permute((2, 3, 1), name="nodes_last")(x)  # (7, 7, N)
    x = layers.DepthwiseConv2D(3, padding="same", name="node_conv")(x)
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name="node_bn")(x)
    x = layers.ReLU(name="node_relu")(x)
    x = layers.Permute((3, 1, 2), name="nodes_first")(x)
    return layers.Reshape((nodes, PATCH * PATCH), name="node_features")(x)

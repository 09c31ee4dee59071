"""MirrorFlowNet: merzoo's own small network, to which a face and its mirror image are the same.

A micro-expression and its mirror image are of one class. Other networks are shown mirrored faces in
training and hear both views at test time; here one trunk sees both views of every sample, and their
mean is classified.
"""

import keras
from keras import layers

from merzoo.layers import Conv2D, FoldTime, MirrorViews, UnfoldTime
from merzoo.models.common import (
    check_input_shape,
    class_head,
    flow_image_input,
    global_pooling,
    load_weights,
)
from merzoo.models.registry import register


@register(
    "mirrorflownet",
    title="MirrorFlowNet",
    reference="This project: not a published method.",
    url="",
    recipe="merzoo-flow",
    trainable=105_699,
    readings=(
        "A network of this project, with which it asks what invented faces are worth for real "
        "ones (benchmarks/README.md). Nothing of it was chosen by scores on real faces.",
    ),
)
def MirrorFlowNet(
    input_shape=(28, 28, 3),
    classes=3,
    weights=None,
    include_top=True,
    pooling=None,
    classifier_activation="softmax",
    preparation="flow",
    filters=(16, 32),
    units=64,
    dropout=0.3,
    name="mirrorflownet",
) -> keras.Model:
    """Builds MirrorFlowNet: one trunk for a flow image and its mirror image, then their mean.

    Args:
        input_shape: (height, width, 3) of `flow_image`, sides from 4.
        classes: number of classes.
        weights: `None`, or a path to a `.weights.h5` file; `create_model` takes tags too.
        include_top: whether to end in the class layer; `False` ends in the mean of both maps
            (7, 7, 32), of which the mirrored one is not turned back.
        pooling: `None`, `"avg"` or `"max"`, where `include_top=False`.
        classifier_activation: `"softmax"`, or `None` for logits.
        preparation: `"flow"` puts `merzoo.layers.FlowPreparation` first; `None` scales 0..255 to
            -1..1.
        filters: of the convolutions 3 x 3, each followed by an average over 2 x 2.
        units: width of the dense layer.
        dropout: rate before and after the dense layer.
        name: of the model.

    Returns:
        A `keras.Model` from `flow_image` (B, 28, 28, 3), 0..255, to (B, classes).

    Raises:
        InputError: for an impossible argument, naming it.

    Example:

    >>> import numpy as np
    >>> model = MirrorFlowNet()
    >>> face = np.random.default_rng(0).uniform(0, 255, (1, 28, 28, 3)).astype("float32")
    >>> mirrored = face[:, :, ::-1] * [-1, 1, 1] + [255, 0, 0]
    >>> bool(np.allclose(model(face), model(mirrored.astype("float32")), atol=1e-5))
    True
    """
    check_input_shape(input_shape, channels=(3,), smallest=4)
    flow_image, x = flow_image_input(input_shape, preparation)
    if preparation is None:
        x = layers.Rescaling(2 / 255, offset=-1, name="scale")(x)

    x = MirrorViews(name="mirror")(x)  # (2, H, W, 3)
    x = FoldTime(name="views")(x)  # (H, W, 3), both views in the batch
    for place, count in enumerate(filters, 1):
        x = Conv2D(count, 3, padding="same", activation="relu", name=f"conv_{place}")(x)
        x = layers.AveragePooling2D(2, name=f"pool_{place}")(x)

    if not include_top:
        shape = x.shape[1:]
        x = layers.Flatten(name="flatten")(x)
        x = UnfoldTime(2, name="both")(x)
        x = layers.GlobalAveragePooling1D(name="mean")(x)
        x = layers.Reshape(shape, name="map")(x)
        x = global_pooling(x, pooling)
        return load_weights(keras.Model([flow_image], x, name=name), weights)
    x = layers.Flatten(name="flatten")(x)  # (1568,)
    x = layers.Dropout(dropout, name="dropout_1")(x)
    x = layers.Dense(units, activation="relu", name="dense")(x)
    x = UnfoldTime(2, name="both")(x)  # (2, 64)
    x = layers.GlobalAveragePooling1D(name="mean")(x)  # (64,)
    x = layers.Dropout(dropout, name="dropout_2")(x)
    x = class_head(x, classes, classifier_activation)
    return load_weights(keras.Model([flow_image], x, name=name), weights)

"""KeyRegionNet: a whole face and its key regions under gates, frame by frame, into a Bi-LSTM.

Zhu, Li, Liu, Zeng, "Micro-Expression Recognition Based on Spatio-Temporal Feature Extraction of
Key Regions", 2023. GIA is its global, BIA its block (region) attention; IB is an identification
block.
"""

from pathlib import Path

import keras
from keras import layers

from merzoo.errors import InputError
from merzoo.layers import (
    Conv2D,
    FoldTime,
    GatedRegion,
    MaxPooling2D,
    RegionCrop,
    UnfoldTime,
    VGGPreparation,
)
from merzoo.models.common import (
    check_choice,
    check_input_shape,
    class_head,
    load_weights,
    three_channels,
)
from merzoo.models.registry import register

# VGG16 up to what GIA needs; "pool" halves the sides. What stands in TRUNK is frozen.
TRUNK = (
    *("conv1_1", "conv1_2", "pool1"),
    *("conv2_1", "conv2_2", "pool2"),
    *("conv3_1", "conv3_2", "conv3_3", "pool3"),
    *("conv4_1", "conv4_2"),
)
GLOBAL = ("conv4_3", "pool4", "conv5_1", "conv5_2")
FILTERS = {"1": 64, "2": 128, "3": 256, "4": 512, "5": 512}

_FACTS: dict = {
    "title": "KeyRegionNet",
    "reference": "Zhu, Li, Liu, Zeng. Micro-Expression Recognition Based on Spatio-Temporal "
    "Feature Extraction of Key Regions. 2023.",
    "recipe": "keyregionnet",
    "readings": (
        "The trunk is VGG16 conv1_1 to conv4_2 with its ReLU, frozen; conv4_3 to conv5_2 belong to "
        "GIA and are trained. Pretrained weights come through weights_backbone='imagenet'; without "
        "them the frozen trunk is random and only good for tests.",
        "Widths 64 (region) and 512 (global), 6x6 blocks and the gate 128, 64, 1 are those of the "
        "ancestor gACNN; every block has weights of its own.",
        "gACNN's two 3x3 convolutions of every block are not mentioned: ib_convs=0.",
        "Eqs. 13 to 15 are a standard bidirectional LSTM; its linear output layer is absorbed by "
        "the dense head, which takes the last states of both directions.",
        "Dense sizes (128, 64) before the class layer and dropout 0.5 are chosen, not stated.",
        "The L2 norm of the weights (1e-5) is part of the recipe, not of the model.",
        "The recipe spots the apex of every clip by Eqs. 16 and 17, also where one is annotated, "
        "and aligns faces by the local weighted mean. The text aligns the 10 interpolated frames; "
        "here the transform is fitted once, on the first frame (one a frame would take part of the "
        "expression away), and comes before the interpolation.",
        "Landmarks are dlib's 68; the 72 of face_recognition are the same ones with both lips "
        "closed. keyregionnet-merzoo trains the same with the annotated apex, else that of the "
        "flow, and a similarity.",
    ),
}
_SMALL = {
    "input_shape": (32, 32, 3),
    "frames": 2,
    "global_units": 8,
    "ib_units": 4,
    "lstm_units": 4,
    "fc_units": (8, 4),
}


@register("keyregionnet-0", arguments={"blocks": 0}, trainable=59232132, small=_SMALL, **_FACTS)
@register("keyregionnet-24", arguments={"blocks": 24}, trainable=90899868, small=_SMALL, **_FACTS)
@register("keyregionnet", trainable=72427022, small=_SMALL, **_FACTS)
def KeyRegionNet(
    input_shape=(224, 224, 3),
    classes=3,
    weights=None,
    include_top=True,
    pooling=None,
    classifier_activation="softmax",
    weights_backbone=None,
    freeze_vgg=True,
    frames=10,
    blocks=10,
    share_block_weights=False,
    ib_units=64,
    ib_convs=0,
    global_units=512,
    lstm_units=128,
    fc_units=(128, 64),
    dropout=0.5,
    name="keyregionnet",
) -> keras.Model:
    """Builds KeyRegionNet.

    Args:
        input_shape: (height, width, channels) of one frame of `sequence`, sides from 32; grey
            frames are repeated to three channels inside.
        classes: number of classes.
        weights: `None`, or a path to a `.weights.h5` file; `create_model` takes tags too.
        include_top: whether to end in the dense layers and the class layer; without them the
            output is the last states of the Bi-LSTM.
        pooling: `None`, `"avg"` or `"max"`; all the same here, since those states are a vector.
        classifier_activation: `"softmax"`, or `None` for logits.
        weights_backbone: `None` for random VGG16 layers, `"imagenet"` for those of Keras
            Applications, or a path to their `notop` file.
        freeze_vgg: whether conv1_1 to conv4_2 are kept from training.
        frames: T, frames of `sequence`.
        blocks: identification blocks of a frame: 0, 10 or 24 (Table 5).
        share_block_weights: whether all blocks use the same weights.
        ib_units: width of each block's features.
        ib_convs: 3x3 convolutions of each block before its gate.
        global_units: width of the global features.
        lstm_units: of each direction.
        fc_units: widths of the dense layers before the class layer.
        dropout: rate after the Bi-LSTM.
        name: of the model.

    Returns:
        A `keras.Model` from `sequence` (B, T, 224, 224, 3), 0..255, and, with blocks, `regions`
        (B, T, blocks, 4) as y1 x1 y2 x2 in 0..1, to (B, classes).

    Raises:
        InputError: for an impossible argument, naming it, and where VGG16 weights cannot be had.

    Example:

    >>> model = KeyRegionNet((32, 32, 3), frames=2, global_units=8, ib_units=4)
    >>> {x.name: x.shape[1:] for x in model.inputs}
    {'sequence': (2, 32, 32, 3), 'regions': (2, 10, 4)}
    """
    check_input_shape(input_shape, smallest=32)
    check_choice("blocks", blocks, (0, 10, 24))
    check_choice("pooling", pooling, (None, "avg", "max"))
    sequence = keras.Input((frames, *input_shape), name="sequence")
    inputs = [sequence]

    x = FoldTime(name="frames")(sequence)  # (T, 224, 224, 3), T in the batch
    x = VGGPreparation(name="vgg_preparation")(three_channels(x))
    x = _vgg(x, TRUNK, trainable=not freeze_vgg)
    x = UnfoldTime(frames, name="trunk_features")(x)  # (T, 28, 28, 512)
    trunk = FoldTime(name="trunk_frames")(x)

    x = _vgg(trunk, GLOBAL, trainable=True)  # GIA, section 3.3: (14, 14, 512)
    x = layers.Reshape((1, *x.shape[1:]), name="whole_face")(x)
    x = GatedRegion(global_units, name="global")(x)
    features = [layers.Flatten(name="global_features")(x)]  # (512,)

    if blocks:  # BIA, section 3.2
        regions = keras.Input((frames, blocks, 4), name="regions")
        inputs.append(regions)
        x = RegionCrop(6, name="crop")([trunk, FoldTime(name="region_frames")(regions)])
        x = GatedRegion(ib_units, share_block_weights, ib_convs, name="blocks")(x)  # Eqs. 1 to 3
        features.append(layers.Flatten(name="block_features")(x))  # (64 blocks,)
        x = layers.Concatenate(name="features")(features)  # (512 + 64 blocks,)
    else:
        (x,) = features

    x = UnfoldTime(frames, name="feature_sequence")(x)  # (T, 1152)
    x = layers.Bidirectional(layers.LSTM(lstm_units), name="bi_lstm")(x)  # Eqs. 13 to 15: (256,)

    if include_top:
        x = layers.Dropout(dropout, name="dropout")(x)
        for number, units in enumerate(fc_units, start=1):
            x = layers.Dense(units, activation="relu", name=f"dense_{number}")(x)
        x = class_head(x, classes, classifier_activation)
    model = keras.Model(inputs, x, name=name)
    _load_backbone(model, weights_backbone)
    return load_weights(model, weights)


def split_trunk(model) -> tuple[keras.Model, keras.Model]:
    """Splits a KeyRegionNet behind its frozen trunk, so that VGG16 runs once per clip.

    Args:
        model: what `KeyRegionNet` built. The two parts share its layers: training the second
            trains the model.

    Returns:
        A model from `sequence` to the trunk's features (B, T, 28, 28, 512), and a model from
        these, with `regions` where there are blocks, to the model's output.

    Example:

    >>> model = KeyRegionNet((32, 32, 3), frames=2, blocks=0, global_units=8)
    >>> trunk, rest = split_trunk(model)
    >>> trunk.output_shape, rest.output_shape
    ((None, 2, 4, 4, 512), (None, 3))
    """
    features = model.get_layer("trunk_features").output
    trunk = keras.Model(model.inputs[0], features, name=f"{model.name}_trunk")
    rest = keras.Model([features, *model.inputs[1:]], model.outputs[0], name=f"{model.name}_rest")
    return trunk, rest


def _vgg(x, stages, trainable):
    """Layers of VGG16, configuration D, by their names in the paper."""
    for stage in stages:
        if stage.startswith("pool"):
            x = MaxPooling2D(2, name=stage)(x)
        else:
            layer = Conv2D(FILTERS[stage[4]], 3, padding="same", activation="relu", name=stage)
            layer.trainable = trainable
            x = layer(x)
    return x


def _load_backbone(model, weights_backbone):
    """Copies VGG16's weights into the layers of `TRUNK` and `GLOBAL`, or says why it can't."""
    if weights_backbone is None:
        return
    if weights_backbone != "imagenet" and not Path(weights_backbone).is_file():
        raise InputError(
            f"weights_backbone={str(weights_backbone)!r} is not possible here: give None, "
            "'imagenet', or the path of an existing VGG16 'notop' weights file."
        )
    try:
        vgg = keras.applications.VGG16(include_top=False, weights=str(weights_backbone))
    except Exception as error:  # Keras raises a bare Exception where a download fails
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"VGG16 weights for weights_backbone={str(weights_backbone)!r} could not be loaded "
            f"({reason}): connect to the network once, or give the path of the 'notop' file."
        ) from error
    for stage in TRUNK + GLOBAL:
        if stage.startswith("conv"):
            theirs = vgg.get_layer(f"block{stage[4]}_conv{stage[6]}")
            model.get_layer(stage).set_weights(theirs.get_weights())

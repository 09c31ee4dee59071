"""ELRCN: VGG16 on flow, strain and face of each frame, and an LSTM over the frames.

Khor, See, Phan, Lin, "Enriched Long-term Recurrent Convolutional Network for Facial
Micro-Expression Recognition", FG 2018; sizes as in the authors' public Keras code.
"""

import keras
from keras import layers

from merzoo.errors import InputError
from merzoo.layers import Conv2D, FlowImage, FoldTime, LongRangeFlow, MaxPooling2D, UnfoldTime
from merzoo.models.common import check_choice, check_input_shape, class_head, load_weights
from merzoo.models.registry import register

VGG16 = ((2, 1), (2, 2), (3, 4), (3, 8), (3, 8))  # convolutions of a stage, and filters over 64


@register(
    "elrcn",
    title="ELRCN",
    reference="Khor, See, Phan, Lin. Enriched Long-term Recurrent Convolutional Network for Facial "
    "Micro-Expression Recognition. FG 2018.",
    url="https://github.com/IcedDoggie/Micro-Expression-with-Deep-Learning",
    recipe="elrcn",
    trainable=219_810_211,
    small={
        "input_shape": (32, 32, 1),
        "frames": 3,
        "filters": 4,
        "fc_units": (8, 8),
        "lstm_units": 8,
    },
    readings=(
        "This is ELRCN-SE, enriched in space: one VGG16 on five channels. ELRCN-TE, three of them "
        "side by side, has some 590 million weights, more than networks here may have.",
        "The five channels are u, v and the length of the flow, its strain, and the grey face, "
        "0..1. Each of the first four is min-max scaled in its frame; how the authors write flow "
        "into pictures is not in their code.",
        "10 frames from onset to apex give 9 flows, each from the first frame, by Farneback's "
        "method. The authors interpolate the whole clip to 10 frames, and use TV-L1.",
        "The whole network learns at once. The authors train VGG16 on single frames first, and "
        "the LSTM on its features; of VGG-Face's weights, which their 3-channel forms start from, "
        "the five-channel form takes none in their code.",
        "The class layer ends in a softmax; in the authors' code the LSTM's ends in sigmoids under "
        "the same cross-entropy.",
    ),
)
def ELRCN(
    input_shape=(224, 224, 1),
    classes=3,
    weights=None,
    include_top=True,
    pooling=None,
    classifier_activation="softmax",
    frames=10,
    filters=64,
    fc_units=(4096, 4096),
    lstm_units=3000,
    dense_units=128,
    dropout=0.5,
    name="elrcn",
) -> keras.Model:
    """Builds ELRCN-SE.

    Args:
        input_shape: (height, width, 1 or 3) of one frame of `sequence`, sides from 32.
        classes: number of classes.
        weights: `None`, or a path to a `.weights.h5` file; `create_model` takes tags too.
        include_top: whether to end in a dense and the class layer; `False` ends in the LSTM's last
            state (3000,).
        pooling: `None`, `"avg"` or `"max"`; all the same here, since that is a vector.
        classifier_activation: `"softmax"`, or `None` for logits.
        frames: T, frames of `sequence`, from 2; the first is what the others have moved from.
        filters: of VGG16's first convolutions; the other stages have 2, 4, 8 and 8 times as many.
        fc_units: widths of VGG16's dense layers.
        lstm_units: width of the LSTM.
        dense_units: width of the dense layer behind it.
        dropout: rate behind each of VGG16's dense layers.
        name: of the model.

    Returns:
        A `keras.Model` from `sequence` (B, T, 224, 224, 1), 0..255, to (B, classes).

    Raises:
        InputError: for an impossible argument, naming it.

    Example:

    >>> small = {"frames": 3, "filters": 4, "fc_units": (8,), "lstm_units": 8}
    >>> ELRCN((32, 32, 1), **small, include_top=False).output_shape
    (None, 8)
    """
    check_input_shape(input_shape, smallest=32)
    check_choice("pooling", pooling, (None, "avg", "max"))
    if not isinstance(frames, int) or frames < 2:
        raise InputError(f"frames={frames!r} is not possible here: give a whole number from 2.")
    sequence = keras.Input((frames, *input_shape), name="sequence")
    x = _enriched(sequence)  # (224, 224, 5), the 9 later frames in the batch
    x = layers.Rescaling(1 / 255, name="scale")(x)
    x = _vgg16(x, filters, fc_units, dropout)  # (4096,)
    x = UnfoldTime(frames - 1, name="features")(x)  # (9, 4096)
    x = layers.LSTM(lstm_units, name="lstm")(x)  # (3000,)
    if include_top:
        x = layers.Dense(dense_units, activation="relu", name="dense")(x)  # (128,)
        x = class_head(x, classes, classifier_activation)
    return load_weights(keras.Model([sequence], x, name=name), weights)


def _enriched(sequence):
    """u, v, strain and length of each frame's flow, and its grey face: (B T', H, W, 5)."""
    x = FoldTime(name="flows")(LongRangeFlow(name="long_range_flow")(sequence))
    x = FlowImage(tuple(sequence.shape[2:4]), magnitude=True, name="flow_image")(x)
    face = FoldTime(name="faces")(sequence[:, 1:])
    if face.shape[-1] == 3:
        face = keras.ops.mean(face, axis=-1, keepdims=True)
    return layers.Concatenate(name="channels")([x, face])


def _vgg16(x, filters, fc_units, dropout):
    """VGG16 (configuration D) up to its second dense layer."""
    for stage, (count, times) in enumerate(VGG16, start=1):
        for number in range(1, count + 1):
            name = f"stage_{stage}_conv_{number}"
            x = Conv2D(times * filters, 3, padding="same", activation="relu", name=name)(x)
        x = MaxPooling2D(2, name=f"stage_{stage}_pool")(x)
    x = layers.Flatten(name="flatten")(x)
    for number, units in enumerate(fc_units, start=1):
        x = layers.Dense(units, activation="relu", name=f"vgg_dense_{number}")(x)
        x = layers.Dropout(dropout, name=f"vgg_dropout_{number}")(x)
    return x

"""SLSTT: a Vision Transformer on the long-range flow of each frame, and an LSTM over the frames.

Zhang, Hong, Arandjelovic, Zhao, "Short and Long Range Relation Based Spatio-Temporal Transformer
for Micro-Expression Recognition", IEEE Transactions on Affective Computing 13, 2022; sizes as in
the authors' public PyTorch code.
"""

import keras
from keras import layers

from merzoo.errors import InputError
from merzoo.layers import Conv2D, FlowImage, FoldTime, LongRangeFlow, UnfoldTime
from merzoo.models.common import (
    check_choice,
    check_input_shape,
    class_head,
    imagenet_scaling,
    load_weights,
)
from merzoo.models.registry import register
from merzoo.models.transformer import vit_encoder

_FACTS: dict = {
    "title": "SLSTT",
    "reference": "Zhang, Hong, Arandjelovic, Zhao. Short and Long Range Relation Based "
    "Spatio-Temporal Transformer for Micro-Expression Recognition. IEEE Transactions on Affective "
    "Computing 13, 2022.",
    "url": "https://github.com/Vision-Intelligence-and-Robots-Group/SLSTT",
    "recipe": "default",
    "readings": (
        "The flow of each frame from the first is worked out inside the network, by Farneback's "
        "method, so that it takes the frames of a clip; u, v and strain are min-max scaled to "
        "0..255 and standardised as the authors' loader does with its pictures.",
        "12 frames from onset to apex give 11 flows. The authors take 11 frames about the apex.",
        "224 pixels, as the authors' script of evaluation; that of training has 384 by default.",
        "The whole network learns at once. The authors train the encoder on single frames first, "
        "and keep it fixed under the LSTM; freeze_encoder=True does the latter.",
        "The mean aggregator is the class layer on the mean of the frames' class tokens: the mean "
        "of the logits that the encoder alone gives for the frames.",
        "GELU is exact; the authors' is its approximation by tanh. An LSTM has one bias a gate, "
        "where PyTorch's has two that are added. Both start anew: ImageNet weights of the encoder "
        "are not converted.",
    ),
}
_SMALL = {
    "input_shape": (32, 32, 1),
    "frames": 3,
    "dim": 16,
    "depth": 1,
    "heads": 2,
    "lstm_units": (8, 8),
    "fc_units": 8,
}


@register(
    "slstt-mean", arguments={"aggregator": "mean"}, trainable=85_800_963, small=_SMALL, **_FACTS
)
@register("slstt", trainable=92_752_643, small=_SMALL, **_FACTS)
def SLSTT(
    input_shape=(224, 224, 3),
    classes=3,
    weights=None,
    include_top=True,
    pooling=None,
    classifier_activation="softmax",
    aggregator="lstm",
    freeze_encoder=False,
    frames=12,
    patch_size=16,
    dim=768,
    depth=12,
    heads=12,
    dropout=0.1,
    lstm_units=(512, 512, 512),
    fc_units=256,
    name="slstt",
) -> keras.Model:
    """Builds SLSTT: short-range relations within a frame, long-range ones between frames.

    The authors train with SGD at momentum 0.9, weight decay 1e-4 and cosine restarts every four
    epochs, from ImageNet weights of the encoder.

    Args:
        input_shape: (height, width, 1 or 3) of one frame of `sequence`, sides multiples of
            `patch_size`.
        classes: number of classes.
        weights: `None`, or a path to a `.weights.h5` file; `create_model` takes tags too.
        include_top: whether to end in the class layer; `False` ends in what the aggregator gives:
            the LSTM's last state (512,), or the mean of the class tokens (768,).
        pooling: `None`, `"avg"` or `"max"`; all the same here, since that is a vector.
        classifier_activation: `"softmax"`, or `None` for logits.
        aggregator: of the frames, `"lstm"` or `"mean"`.
        freeze_encoder: whether the transformer is kept from training.
        frames: T, frames of `sequence`, from 2; the first is what the others have moved from.
        patch_size: side of a patch, pixels.
        dim: channels of a token; a multiple of `heads`.
        depth: transformer blocks.
        heads: of each block.
        dropout: rate in the transformer blocks.
        lstm_units: widths of the LSTM's layers.
        fc_units: width of the dense layer behind the LSTM.
        name: of the model.

    Returns:
        A `keras.Model` from `sequence` (B, T, 224, 224, 3), 0..255, to (B, classes).

    Raises:
        InputError: for an impossible argument, naming it.

    Example:

    >>> small = {"frames": 3, "dim": 16, "depth": 1, "heads": 2, "lstm_units": (8,)}
    >>> SLSTT((32, 32, 1), **small, include_top=False).output_shape
    (None, 8)
    """
    check_input_shape(input_shape, smallest=patch_size)
    check_choice("aggregator", aggregator, ("lstm", "mean"))
    check_choice("pooling", pooling, (None, "avg", "max"))
    if any(side % patch_size for side in input_shape[:2]) or dim % heads or frames < 2:
        raise InputError(
            f"input_shape={tuple(input_shape)}, dim={dim}, frames={frames} are not possible here: "
            f"the sides have to be multiples of patch_size={patch_size}, dim of heads={heads}, and "
            "frames at least 2."
        )
    sequence = keras.Input((frames, *input_shape), name="sequence")
    x = LongRangeFlow(name="long_range_flow")(sequence)  # (11, 224, 224, 2)
    x = FoldTime(name="frames")(x)
    x = FlowImage(tuple(input_shape[:2]), name="flow_image")(x)  # (224, 224, 3): u, v, strain
    x = imagenet_scaling(x)
    features = _encoder(x, patch_size, dim, depth, heads, dropout, not freeze_encoder)
    x = UnfoldTime(frames - 1, name="class_tokens")(features)  # (11, 768)

    if aggregator == "mean":
        x = layers.GlobalAveragePooling1D(name="mean")(x)  # (768,)
    else:
        for place, units in enumerate(lstm_units, start=1):
            last = place == len(lstm_units)
            x = layers.LSTM(units, return_sequences=not last, name=f"lstm_{place}")(x)  # (512,)
    if include_top:
        if aggregator == "lstm":
            x = layers.Dense(fc_units, activation="relu", name="dense")(x)  # (256,)
        x = class_head(x, classes, classifier_activation)
    return load_weights(keras.Model([sequence], x, name=name), weights)


def _encoder(pictures, patch_size, dim, depth, heads, dropout, trainable):
    """ViT-B/16 on each picture by itself: its class token (768,)."""
    x = Conv2D(dim, patch_size, strides=patch_size, name="patches")(pictures)  # (14, 14, 768)
    x = vit_encoder(x, depth, heads, dropout)
    if not trainable:
        for layer in keras.Model(pictures, x).layers:
            layer.trainable = False
    return x

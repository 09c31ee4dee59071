"""CVANet: continuous vertical attention on motion, and a face position stream.

"A novel approach for micro-expression recognition incorporating vertical attention and position
localization", anonymous submission; what it leaves unsaid follows its ancestor, MMNet.
"""

import keras
import numpy as np
from keras import layers

from merzoo.errors import InputError
from merzoo.layers import ContinuousVerticalAttention, Conv2D, PatchMerging, SwinBlock
from merzoo.models.common import (
    check_choice,
    class_head,
    global_pooling,
    load_weights,
)
from merzoo.models.mmnet import (
    STAGES,
    motion_convolutions,
    motion_stem,
    onset_and_apex,
    position_calibration,
)
from merzoo.models.registry import register
from merzoo.models.resnet18 import resnet_body

DIRECTIONS = {
    "vertical": ("vertical",),
    "horizontal": ("horizontal",),
    "both": ("vertical", "horizontal"),
    None: (),
}
SWIN_HEADS = (4, 8, 16)  # of 32 channels each, in the three stages


@register(
    "cvanet",
    title="CVANet (CVA + FPF + AU)",
    reference="Anonymous authors. A novel approach for micro-expression recognition incorporating "
    "vertical attention and position localization. Under double-blind review.",
    recipe="cvanet",
    trainable=24_830_850,
    small={"input_shape": (32, 32, 3), "window": 2, "swin_blocks": (2, 1, 1)},
    readings=(
        "The stem, the order of convolution, batch normalisation and ReLU, and the initialisers "
        "are MMNet's, whose recipe constants and map sizes the paper shares.",
        "P_AY averages over the width: the weight is one per row, and only an (H, 1) map gives the "
        "broadcast product of Eq. 4.",
        "P_M is a max pooling of 3 with stride 2, as in MMNet; on an (H, 1) map that "
        "gives (H / 2, 1).",
        "F_act is printed with ReLU, which leaves x ReLU(x + 3) / 6 unbounded; its cited ancestor "
        "has ReLU6 (hard swish), used here.",
        "The reduction factor max(8, C / 32) is the number of reduced channels, as in Coordinate "
        "Attention.",
        "The sigmoid covers the current map; the prior factor is linear "
        "(`prior_activation='sigmoid'` for the other reading).",
        "'128 patches' is the embedding width, '196*14*14' a misprint of 512*14*14, three "
        "downsampling layers are the 4x4 patch embedding and two mergings.",
        "The position stream shares its weights between the frames and adds their outputs; its "
        "stochastic depth of 0.1 is Swin's default.",
        "The 'MLP' has no sizes in the paper: one linear layer, as in MMNet, unless `mlp_units`.",
        "`direction='both'` runs two independent branches and multiplies both maps.",
    ),
)
def CVANet(
    input_shape=(224, 224, 3),
    classes=5,
    weights=None,
    include_top=True,
    pooling=None,
    classifier_activation="softmax",
    trunk="cva",
    direction="vertical",
    continuous=True,
    prior_activation=None,
    fpf="swin",
    frames="dual",
    au=True,
    num_aus=21,
    mlp_units=(),
    window=7,
    swin_blocks=(2, 2, 6),
    drop_path=0.1,
    name="cvanet",
) -> keras.Model:
    """Builds CVANet: attention over rows of the motion, Swin features of the faces, action units.

    The authors train with AdamW at learning rate 8e-4 and weight decay 0.6, decayed exponentially
    for the first 50 of 75 epochs, batch 16 with two accumulation steps; flips, crops with padding
    15 and rotations to 3 degrees, the same for both frames.

    Args:
        input_shape: (height, width, 1 or 3) of `onset` and `apex`; sides multiples of 16, and of
            16 * window for the Swin stream.
        classes: number of classes.
        weights: `None`, or a path to a `.weights.h5` file; `create_model` takes tags too.
        include_top: whether to end in the class layer; `False` ends in the fused map
            (14, 14, 512), before the action units, which then are no input.
        pooling: `None`, `"avg"` or `"max"`, where `include_top=False`.
        classifier_activation: `"softmax"`, or `None` for logits.
        trunk: `"cva"`, or `"resnet18"` on the difference of the frames (Table 2); its last stage
            keeps (14, 14) where something is fused with it, else it is the plain network.
        direction: `"vertical"`, `"horizontal"`, `"both"` or `None` for no attention (Table 3).
        continuous: whether a block's map is multiplied by the one before (Table 4).
        prior_activation: of the map handed on: `None` or `"sigmoid"`.
        fpf: the position stream: `"swin"`, `"vit"` (MMNet's) or `None` (Table 5).
        frames: what the position stream sees: `"dual"`, `"onset"` or `"apex"` (Table 6).
        au: whether action units are an input (Table 7).
        num_aus: their number.
        mlp_units: widths of ReLU layers before the class layer.
        window: side of the Swin stream's windows, cells.
        swin_blocks: blocks of the Swin stream's three stages.
        drop_path: stochastic depth of the Swin stream's last block, growing linearly from 0.
        name: of the model.

    Returns:
        A `keras.Model` from `onset`, `apex` (B, 224, 224, 3), 0..255, and `action_units` (B, 21),
        0 or 1, to (B, classes).

    Raises:
        InputError: for an impossible argument or combination, naming it.

    Example:

    >>> model = CVANet(input_shape=(32, 32, 3), window=2, classes=3)
    >>> [tensor.name for tensor in model.inputs], model.output_shape
    (['onset', 'apex', 'action_units'], (None, 3))
    """
    _check(trunk, direction, continuous, fpf, frames)
    multiple = 16 * window if fpf == "swin" else 16
    onset, apex, onset_scaled, apex_scaled = onset_and_apex(input_shape, multiple)
    motion = layers.Subtract(name="difference")([apex_scaled, onset_scaled])
    au = au and include_top

    if trunk == "resnet18":
        x = resnet_body(motion, last_strides=1 if fpf or au else 2)
    else:
        x = _motion_stream(motion, DIRECTIONS[direction], continuous, prior_activation)
    if fpf is not None:
        seen = {"dual": [onset_scaled, apex_scaled], "onset": [onset_scaled], "apex": [apex_scaled]}
        stream = _position_stream(onset_scaled.shape[1:], fpf, window, swin_blocks, drop_path)
        x = layers.Add(name="fusion")([x, *(stream(frame) for frame in seen[frames])])

    inputs = [onset, apex]
    if not include_top:
        x = global_pooling(x, pooling)  # of (14, 14, 512)
        return load_weights(keras.Model(inputs, x, name=name), weights)
    if trunk == "resnet18" and not (fpf or au):
        x = global_pooling(x, "avg")  # (512,)
    else:
        x = layers.Flatten(name="flatten")(x)  # (100352,)
    if au:
        inputs.append(keras.Input((num_aus,), name="action_units"))
        x = layers.Concatenate(name="with_action_units")([x, inputs[-1]])  # (100373,)
    for place, units in enumerate(mlp_units, 1):
        x = layers.Dense(units, activation="relu", name=f"mlp_{place}")(x)
    x = class_head(x, classes, classifier_activation)
    return load_weights(keras.Model(inputs, x, name=name), weights)


def _check(trunk, direction, continuous, fpf, frames):
    check_choice("trunk", trunk, ("cva", "resnet18"))
    check_choice("direction", direction, tuple(DIRECTIONS))
    check_choice("fpf", fpf, ("swin", "vit", None))
    check_choice("frames", frames, ("dual", "onset", "apex"))
    if trunk == "resnet18" and (direction != "vertical" or not continuous):
        raise InputError(
            "direction and continuous belong to trunk='cva': leave them out with trunk='resnet18'."
        )
    if direction is None and not continuous:
        raise InputError("continuous=False needs attention: direction=None has none.")
    if fpf is None and frames != "dual":
        raise InputError(
            f"frames={frames!r} belongs to the position stream: leave it out with fpf=None."
        )


def _motion_stream(motion, directions, continuous, prior_activation):
    """Four blocks of Eq. 2 and Eq. 4; each hands its attention map to the next."""
    x = motion_stem(motion)  # (112, 112, 128)
    priors = {}
    for number, (filters, strides) in enumerate(STAGES, 1):
        block = f"block_{number}"
        x = motion_convolutions(x, filters, strides, block, shortcut=True)  # F_conv, Eq. 2
        maps = []
        for direction in directions:
            attention = ContinuousVerticalAttention(
                direction, prior_activation, name=f"{block}_{direction}"
            )
            prior = priors.get(direction) if continuous else None
            priors[direction] = attention(x if prior is None else [x, prior])  # (H, 1, filters)
            maps.append(priors[direction])
        for direction, weight in zip(directions, maps, strict=True):
            x = layers.Multiply(name=f"{block}_{direction}_attend")([x, weight])  # Eq. 4
    return x  # (14, 14, 512)


def _position_stream(shape, fpf, window, swin_blocks, drop_path):
    """A model from one scaled frame to its position features (14, 14, 512)."""
    frame = keras.Input(shape, name="frame")
    if fpf == "vit":
        x = position_calibration(frame, (shape[0] // 16, shape[1] // 16))
    else:
        x = _swin(frame, window, swin_blocks, drop_path)
    return keras.Model(frame, x, name="positions")


def _swin(x, window, blocks, drop_path):
    x = Conv2D(128, 4, strides=4, name="patches")(x)  # (56, 56, 128)
    x = layers.LayerNormalization(epsilon=1e-5, name="patches_norm")(x)
    rates = iter(np.linspace(0, drop_path, sum(blocks)))
    for stage, (heads, depth) in enumerate(zip(SWIN_HEADS, blocks, strict=True), 1):
        if stage > 1:
            x = PatchMerging(name=f"merge_{stage - 1}")(x)  # (28, 28, 256), (14, 14, 512)
        for block in range(depth):
            one_window = window == x.shape[1] == x.shape[2]
            shift = window // 2 if block % 2 and not one_window else 0
            name = f"stage_{stage}_block_{block + 1}"
            x = SwinBlock(heads, window, shift, float(next(rates)), name=name)(x)
    return layers.LayerNormalization(epsilon=1e-5, name="norm")(x)

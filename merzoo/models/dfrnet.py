"""DFR-Net: spatial, differential and temporal features fused, then an attentive ResNet.

Li, Huang, Wu, "A Semi-Lightweight Multi-Feature Integration Architecture for Micro-Expression
Recognition", 2025. Features: S is the apex frame, D the absolute difference of apex and onset
(Eq. 8), T the optical flow with its strain (Eqs. 6 and 7).
"""

import keras
from keras import layers

from merzoo.layers import ChannelAttention, Conv2D, MaxPooling2D, SpatialAttention
from merzoo.models import dfrnet_bodies
from merzoo.models.common import (
    check_choice,
    check_input_shape,
    class_head,
    global_pooling,
    load_weights,
)
from merzoo.models.registry import register

MODALITIES = {"S": "apex", "D": "difference", "T": "flow"}

# Mean and standard deviation that standardise each input: round figures in its own unit.
STATISTICS = {
    "apex": (127.5, 64.0),  # grey levels
    "difference": (4.0, 8.0),  # grey levels
    "flow": ([0.0, 0.0, 0.05], [1.0, 1.0, 0.1]),  # u, v in pixels; strain
}

# Width of the dense layer before the class layer that meets the paper's counts, by body (Table 5).
HEAD_UNITS = {"resnet": 1000, "inception": 1000, "alexnet": None, "vgg": None, "vit": None}

BODIES = {
    "vgg": dfrnet_bodies.vgg,
    "alexnet": dfrnet_bodies.alexnet,
    "inception": dfrnet_bodies.inception,
    "vit": dfrnet_bodies.vit,
}

_FACTS: dict = {
    "title": "DFR-Net",
    "reference": "Li, Huang, Wu. A Semi-Lightweight Multi-Feature Integration Architecture for "
    "Micro-Expression Recognition. 2025.",
    "recipe": "dfrnet",
    "readings": (
        "Shallow convolutions run at 224 pixels and a 4x max pooling follows them: only this meets "
        "the printed FLOPs (which are multiply-adds); the kind of pooling is not stated.",
        "The stem's widths 64 | 128, 64 | gate 128 to 64 to 64 and the 1000-wide layer before the "
        "class layer are chosen by fit to Tables 5, 7 and 9; the layer's ReLU is a choice.",
        "The gate A of Eq. 10 acts on 1x1 maps and ends in ReLU as printed; gate='sigmoid' offers "
        "the usual form. Optical flow enters through A alone.",
        "Eqs. 13 and 14 define weights while Eq. 12 nests them as features: each weight multiplies "
        "its input, as in CBAM. Eq. 13 adds the pooled vectors before the perceptron.",
        "There is no 7x7 convolution or pooling between the fusion and the first residual stage.",
        "The 4-stage row of Table 9 (11.412 M) does not agree with the others (ours 12.010 M): "
        "stages 3 to 4 add at least 8.39 M, the table adds 8.116 M.",
        "Means and deviations of the inputs are not printed: round figures, see `statistics`.",
        "The recipe spots the apex by D&C-RoIs where none can be used (SMIC has none); "
        "dfrnet-merzoo by the flow. The landmarks around eyes and mouth are those of the reference "
        "face that every crop is aligned to.",
        "Eq. 7 lacks the cross term u_y v_x of the strain, so a turn of the head counts as "
        "deformation: the default is the full strain, strain='dfrnet_eq7' the print.",
        "The flow's method is not stated: Farneback.",
    ),
}
_SMALL = {"input_shape": (32, 32, 3), "head_units": 16}


@register(
    "dfrnet-1",
    arguments={"stages": 1},
    trainable=456359,
    small=_SMALL,
    paper_figures={"parameters": 0.456e6, "multiply_adds": 1.404e9},
    **_FACTS,
)
@register(
    "dfrnet-2",
    arguments={"stages": 2},
    trainable=1050219,
    small=_SMALL,
    paper_figures={"parameters": 1.046e6, "multiply_adds": 1.817e9},
    **_FACTS,
)
@register(
    "dfrnet-4",
    arguments={"stages": 4},
    trainable=12009971,
    small=_SMALL,
    paper_figures={"parameters": 11.412e6, "multiply_adds": 2.640e9},
    **_FACTS,
)
@register(
    "dfrnet",
    trainable=3294511,
    small=_SMALL,
    paper_figures={"parameters": 3.296e6, "multiply_adds": 2.231e9},
    **_FACTS,
)
def DFRNet(
    input_shape=(224, 224, 3),
    classes=3,
    weights=None,
    include_top=True,
    pooling=None,
    classifier_activation="softmax",
    features="TSD",
    fusion="attention",
    gate="relu",
    backbone="resnet",
    stages=3,
    attention=("ca", "sa"),
    ca_pool="sum_then_mlp",
    head_units="paper",
    statistics=None,
    name="dfrnet",
) -> keras.Model:
    """Builds DFR-Net.

    Args:
        input_shape: (height, width, channels) of `apex` and `difference`, grey or colour, sides
            from 32; `flow` has three channels always.
        classes: number of classes.
        weights: `None`, or a path to a `.weights.h5` file; `create_model` takes tags too.
        include_top: whether to end in the dense layer and the class layer.
        pooling: `None`, `"avg"` or `"max"`, where `include_top=False`; all the same for the body
            `"vit"`, whose class token is a vector.
        classifier_activation: `"softmax"`, or `None` for logits.
        features: `"TSD"`, `"SD"`, `"TD"` or `"TS"`: Table 3. A missing feature drops its fusion
            step.
        fusion: `"attention"`, `"add"`, `"mul"` or `"cat"`: Table 4.
        gate: last activation of A (Eq. 10): `"relu"` or `"sigmoid"`.
        backbone: `"resnet"`, `"alexnet"`, `"vgg"`, `"inception"` or `"vit"`: Table 5.
        stages: 1 to 4 stages of the ResNet: Tables 8 and 9.
        attention: `()`, `("ca",)`, `("sa",)` or `("ca", "sa")` in the residual blocks: Tables 6, 7.
        ca_pool: `"sum_then_mlp"` (Eq. 13) or `"mlp_then_sum"` (CBAM).
        head_units: width of the dense layer before the class layer, `None` for no such layer, or
            `"paper"`: what meets the paper's count for the backbone.
        statistics: mean and standard deviation by modality, such as `{"difference": (4, 8)}`, in
            grey levels or, for `flow`, pixels; those not given are of `STATISTICS`.
        name: of the model.

    Returns:
        A `keras.Model` from `apex` and `difference` (B, 224, 224, 3), 0..255, and `flow`
        (B, 224, 224, 3), pixels, to (B, classes).

    Raises:
        InputError: for an impossible argument, naming it.

    Example:

    >>> model = DFRNet(stages=1)
    >>> [x.name for x in model.inputs], model.count_params()
    (['apex', 'difference', 'flow'], 456871)
    """
    check_input_shape(input_shape, smallest=32)
    check_choice("features", features, ("TSD", "SD", "TD", "TS"))
    check_choice("fusion", fusion, ("attention", "add", "mul", "cat"))
    check_choice("gate", gate, ("relu", "sigmoid"))
    check_choice("backbone", backbone, tuple(HEAD_UNITS))
    check_choice("stages", stages, (1, 2, 3, 4))
    attention = tuple(attention)
    check_choice("attention", attention, ((), ("ca",), ("sa",), ("ca", "sa")))
    check_choice("ca_pool", ca_pool, ("sum_then_mlp", "mlp_then_sum"))

    shapes = {"S": input_shape, "D": input_shape, "T": (*input_shape[:2], 3)}
    present = [feature for feature in "SDT" if feature in features]
    inputs = {f: keras.Input(shapes[f], name=MODALITIES[f]) for f in present}
    scale = STATISTICS | (statistics or {})
    maps = {f: _shallow(inputs[f], MODALITIES[f], scale) for f in present}

    if fusion == "attention":
        x = _attention_fusion(maps, gate)
    else:
        x = _plain_fusion(list(maps.values()), fusion)  # (56, 56, 64)

    if backbone == "resnet":
        x = _attentive_resnet(x, stages, attention, ca_pool)  # (14, 14, 256) after 3 stages
    else:
        x = BODIES[backbone](x)

    if include_top:
        if backbone != "vit":
            x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
        units = HEAD_UNITS[backbone] if head_units == "paper" else head_units
        if units:
            x = layers.Dense(units, activation="relu", name="dense")(x)
        x = class_head(x, classes, classifier_activation)
    elif backbone != "vit":
        x = global_pooling(x, pooling)
    return load_weights(keras.Model(list(inputs.values()), x, name=name), weights)


def _shallow(x, modality, statistics):
    """Shallow features of one branch (section 3.2), after its standardisation."""
    mean, deviation = statistics[modality]
    variance = [d**2 for d in deviation] if isinstance(deviation, list | tuple) else deviation**2
    x = layers.Normalization(mean=mean, variance=variance, name=f"{modality}_standardise")(x)
    x = Conv2D(64, 3, padding="same", activation="relu", name=f"{modality}_conv")(x)
    return MaxPooling2D(4, name=f"{modality}_pool")(x)  # (56, 56, 64)


def _attention_fusion(maps, gate):
    """Eq. 9 fuses S and D, where both are there; Eq. 10 weighs the result by A, where T is."""
    images = [maps[feature] for feature in "SD" if feature in maps]
    if len(images) == 2:
        x = layers.Concatenate(name="spatial_differential")(images)  # [F_s, F_d]
        x = Conv2D(128, 3, padding="same", activation="relu", name="fusion_1")(x)  # f_1
        x = Conv2D(64, 3, padding="same", activation="relu", name="fusion_2")(x)  # f_2
    else:
        (x,) = images
    if "T" not in maps:
        return x
    fused = layers.GlobalAveragePooling2D(keepdims=True, name="fused_pool")(x)
    temporal = layers.GlobalAveragePooling2D(keepdims=True, name="temporal_pool")(maps["T"])
    a = layers.Concatenate(name="pooled")([fused, temporal])  # (1, 1, 128)
    a = Conv2D(64, 1, activation="relu", name="gate_1")(a)
    a = Conv2D(64, 1, activation=gate, name="gate_2")(a)
    return layers.Multiply(name="fused")([x, a])  # Eq. 10


def _plain_fusion(maps, fusion):
    """The conventional fusions of Table 4."""
    if fusion == "add":
        return layers.Add(name="fused")(maps)
    if fusion == "mul":
        return layers.Multiply(name="fused")(maps)
    x = layers.Concatenate(name="concatenated")(maps)
    return Conv2D(64, 1, name="fused")(x)


def _attentive_resnet(x, stages, attention, ca_pool):
    """Section 3.3: two residual blocks a stage, halving the sides from the second stage on."""
    for stage in range(1, stages + 1):
        filters = 32 * 2**stage
        for block in (1, 2):
            strides = 2 if stage > 1 and block == 1 else 1
            x = _residual_block(
                x, filters, strides, attention, ca_pool, name=f"stage_{stage}_{block}"
            )
    return x


def _residual_block(x, filters, strides, attention, ca_pool, name):
    """Eq. 12: ReLU(x + SA(CA(f_2(ReLU(f_1(x)))))); Eq. 11 where there is no attention."""
    shortcut = x
    if strides > 1:
        shortcut = _convolution(x, filters, 1, strides, f"{name}_shortcut")
    y = _convolution(x, filters, 3, strides, f"{name}_1")
    y = layers.ReLU(name=f"{name}_1_relu")(y)
    y = _convolution(y, filters, 3, 1, f"{name}_2")
    if "ca" in attention:
        y = ChannelAttention(16, ca_pool, name=f"{name}_ca")(y)  # Eq. 13
    if "sa" in attention:
        y = SpatialAttention(7, name=f"{name}_sa")(y)  # Eq. 14
    y = layers.Add(name=f"{name}_add")([shortcut, y])
    return layers.ReLU(name=f"{name}_relu")(y)


def _convolution(x, filters, size, strides, name):
    """Convolution without bias, padded on every side as in PyTorch, and BN."""
    if size > 1:
        x = layers.ZeroPadding2D(size // 2, name=f"{name}_pad")(x)
    x = Conv2D(filters, size, strides=strides, use_bias=False, name=f"{name}_conv")(x)
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(x)

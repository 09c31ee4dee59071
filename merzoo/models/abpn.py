"""ABPN: a 1-D temporal network on the movement of the face's regions.

Leng, Zhao, Zhang, Liu, Mao, Wang, Xu, Chen, "ABPN: Apex and Boundary Perception Network for Micro-
and Macro-Expression Spotting", ACM Multimedia 2022. As a spotter (`merzoo evaluate abpn --task
spot`) it says of the middle frame of a window whether it is of a micro- or a macro-expression.
"""

import keras
from keras import layers

from merzoo.errors import InputError
from merzoo.models.common import check_choice, class_head, load_weights
from merzoo.models.registry import register

REGIONS = 14
_DILATIONS = (1, 2, 4, 8)


@register(
    "abpn",
    title="ABPN",
    reference="Leng, Zhao, Zhang, Liu, Mao, Wang, Xu, Chen. ABPN: Apex and Boundary Perception "
    "Network for Micro- and Macro-Expression Spotting. ACM Multimedia 2022.",
    url="https://github.com/wenhaocold/USTC_ME_Spotting",
    recipe="abpn",
    trainable=51_779,
    small={"frames": 9, "filters": 4},
    readings=(
        "14 regions of `region_motion` instead of the paper's 12 of MDMO; the softmax weights of "
        "the regions are left out, since the first convolution over them can learn the same.",
        "Convolutions of dilation 4 and 8 follow the paper's of 1 and 2: one network sees both "
        "kinds of expressions at 30 frames a second here, and a macro-expression is longer than 11 "
        "frames.",
        "Of the paper's probabilities that of the expression is kept, as a softmax of none, micro "
        "and macro at the middle frame; those of apex and boundaries are not trained: an "
        "interval goes as far as the curve stays above half of its peak.",
    ),
)
def ABPN(
    frames=33,
    classes=3,
    weights=None,
    include_top=True,
    pooling=None,
    classifier_activation="softmax",
    filters=64,
    name="abpn",
) -> keras.Model:
    """Builds ABPN: convolutions over time with batch normalisation, read at the middle frame.

    Args:
        frames: of a window of `region_motion`, an odd number from 9.
        classes: number of classes.
        weights: `None`, or a path to a `.weights.h5` file; `create_model` takes tags too.
        include_top: whether to end in the class layer; `False` ends in the maps (frames, filters).
        pooling: `None`, `"avg"` or `"max"`, where `include_top=False`.
        classifier_activation: `"softmax"`, or `None` for logits.
        filters: of each convolution.
        name: of the model.

    Returns:
        A `keras.Model` from `region_motion` (B, frames, 14, 2), pixels, to (B, classes).

    Raises:
        InputError: for an impossible argument, naming it.

    Example:

    >>> ABPN(classes=3).count_params() - 2 * 5 * 64  # less the moving averages
    51779
    """
    if not isinstance(frames, int) or frames < 9 or frames % 2 == 0:
        raise InputError(f"frames={frames!r} is not possible here: give an odd number from 9.")
    region_motion = keras.Input((frames, REGIONS, 2), name="region_motion")
    x = layers.Reshape((frames, 2 * REGIONS), name="vectors")(region_motion)  # (T, 28)
    x = _convolution(x, filters, 1, 1, "regions")
    for dilation in _DILATIONS:
        x = _convolution(x, filters, 3, dilation, f"time_{dilation}")
    if include_top:
        x = class_head(x[:, frames // 2], classes, classifier_activation)
    else:
        check_choice("pooling", pooling, (None, "avg", "max"))
        if pooling == "avg":
            x = layers.GlobalAveragePooling1D(name="avg_pool")(x)
        elif pooling == "max":
            x = layers.GlobalMaxPooling1D(name="max_pool")(x)
    return load_weights(keras.Model([region_motion], x, name=name), weights)


def _convolution(x, filters: int, size: int, dilation: int, name: str):
    options = {"padding": "same", "dilation_rate": dilation, "use_bias": False}
    x = layers.Conv1D(filters, size, name=f"{name}_conv", **options)(x)
    x = layers.BatchNormalization(name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)

"""CapsuleNet for micro-expressions: a shortened ResNet-18 under routed capsules.

Quang, Chun, Tokuyama, "CapsuleNet for Micro-Expression Recognition", FG 2019; layers as in the
authors' public PyTorch code.
"""

import keras
from keras import layers, ops

from merzoo.layers import CapsuleLength, Conv2D, PrimaryCapsules, RoutedCapsules
from merzoo.models.common import (
    check_choice,
    check_classes,
    check_input_shape,
    check_picture,
    global_pooling,
    load_weights,
    three_channels,
)
from merzoo.models.registry import register
from merzoo.models.resnet18 import resnet_stage, resnet_stem
from merzoo.models.trunk import load_trunk


@register(
    "capsulenet",
    title="CapsuleNet-MER",
    reference="Quang, Chun, Tokuyama. CapsuleNet for Micro-Expression Recognition. FG 2019.",
    url="https://github.com/davidnvq/me_recognition",
    recipe="capsulenet",
    trainable=13_842_496,
    small={"input_shape": (129, 129, 3), "filters": 16, "stage_filters": (8, 8, 16)},
    readings=(
        "Layers follow the authors' code: ResNet-18 without its max pooling and fourth stage, "
        "pictures scaled to 0..1, three routing iterations of which the last passes gradients. It "
        "starts from ResNet-18's ImageNet weights, which are not bundled: `weights_backbone` takes "
        "a file of them.",
        "Its capsule lengths do not sum to 1; here each is divided by their sum, which keeps their "
        "order and suits a cross-entropy. `classifier_activation=None` gives the lengths, for "
        "`MarginLoss` as in the paper.",
    ),
)
def CapsuleNet(
    input_shape=(224, 224, 3),
    classes=3,
    weights=None,
    include_top=True,
    pooling=None,
    classifier_activation="normalized",
    modality="apex",
    stage_filters=(64, 128, 256),
    filters=256,
    capsule_width=8,
    class_width=16,
    iterations=3,
    weights_backbone=None,
    name="capsulenet",
) -> keras.Model:
    """Builds the capsule network of the apex frame.

    The authors train with Adam at learning rate 1e-4, times 0.9 each epoch, batch 32, 30 epochs,
    and a margin loss of 0.99, 0.01 and 0.5; rotations to 8 degrees, flips, colour jitter, crops.

    Args:
        input_shape: (height, width, 1 or 3), sides from 129.
        classes: number of classes.
        weights: `None`, or a path to a `.weights.h5` file; `create_model` takes tags too.
        include_top: whether to end in the capsules; `False` ends in the map (6, 6, 256) that they
            are made of.
        pooling: `None`, `"avg"` or `"max"`, where `include_top=False`.
        classifier_activation: `"normalized"` divides the capsules' lengths by their sum,
            `"softmax"` takes their softmax, `None` gives the lengths.
        modality: name of the input: `"apex"`, `"onset"`, `"magnified_apex"`, `"difference"` or
            `"flow_image"`.
        stage_filters: widths of the three residual stages.
        filters: width of the two 9x9 convolutions.
        capsule_width: numbers in a primary capsule; it divides `filters`.
        class_width: numbers in a class capsule.
        iterations: of routing.
        weights_backbone: `None`, or a path to the stem and stages of a ResNet-18 as
            `tools/convert_trunk_torch.py` writes them.
        name: of the model.

    Returns:
        A `keras.Model` from pictures (B, 224, 224, 3), 0..255, to (B, classes).

    Raises:
        InputError: for an impossible argument, naming it.

    Example:

    >>> CapsuleNet(include_top=False).output_shape
    (None, 6, 6, 256)
    """
    check_input_shape(input_shape, smallest=129)
    check_classes(classes)
    check_picture(modality)
    check_choice("classifier_activation", classifier_activation, ("normalized", "softmax", None))
    picture = keras.Input(input_shape, name=modality)
    x = layers.Rescaling(1 / 255, name="scale")(three_channels(picture))
    x = resnet_stem(x)  # (112, 112, 64), and no max pooling
    for stage, width in enumerate(stage_filters, 1):
        x = resnet_stage(x, width, strides=1 if stage == 1 else 2, name=f"stage_{stage}")
    trunk = keras.Model(picture, x)  # (28, 28, 256)
    names = [layer.name for layer in trunk.layers if layer.variables]
    load_trunk(trunk, weights_backbone, names)
    x = Conv2D(filters, 9, activation="relu", name="conv")(x)  # (20, 20, 256)
    x = Conv2D(filters, 9, strides=2, name="primary_conv")(x)  # (6, 6, 256)
    if not include_top:
        x = global_pooling(x, pooling)
        return load_weights(keras.Model([picture], x, name=name), weights)

    x = PrimaryCapsules(capsule_width, name="primary_capsules")(x)  # (1152, 8)
    x = RoutedCapsules(classes, class_width, iterations, name="classes")(x)  # (3, 16)
    x = CapsuleLength(name="lengths", dtype="float32")(x)  # (3,)
    if classifier_activation == "normalized":
        total = ops.sum(x, axis=-1, keepdims=True)
        x = layers.Activation("linear", dtype="float32", name="predictions")(x / total)
    else:
        activation = classifier_activation or "linear"
        x = layers.Activation(activation, dtype="float32", name="predictions")(x)
    return load_weights(keras.Model([picture], x, name=name), weights)


@keras.saving.register_keras_serializable("merzoo")
class MarginLoss(keras.losses.Loss):
    """Lengths of class capsules: above `present` for the class, below `absent` for the others.

    Args:
        present: the least length for the true class.
        absent: the greatest length for another class.
        weight: of the other classes' term.

    Call arguments:
        y_true: (B,) class numbers.
        y_pred: (B, classes) lengths.

    Source:
        Sabour et al., Eq. 4.

    Example:

    >>> import numpy as np
    >>> lengths = np.array([[0.9, 0.11, 0.0]], "float32")
    >>> round(float(MarginLoss(present=1.0)(np.array([0]), lengths)), 6)  # 0.1^2 + 0.5 0.1^2
    0.015
    """

    def __init__(self, present=0.99, absent=0.01, weight=0.5, name="margin_loss", **kwargs):
        super().__init__(name=name, **kwargs)
        self.present, self.absent, self.weight = present, absent, weight

    def call(self, y_true, y_pred):
        y_pred = ops.cast(y_pred, "float32")
        true = ops.one_hot(ops.cast(ops.reshape(y_true, (-1,)), "int32"), y_pred.shape[-1])
        short = ops.maximum(self.present - y_pred, 0) ** 2
        long = ops.maximum(y_pred - self.absent, 0) ** 2
        return ops.sum(true * short + self.weight * (1 - true) * long, axis=-1)

    def get_config(self):
        return super().get_config() | {
            "present": self.present,
            "absent": self.absent,
            "weight": self.weight,
        }

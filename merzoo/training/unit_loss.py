"""Training by action units: the targets, the loss and the accuracy of a network of yes and no.

A target holds two numbers a unit: what its presence weighs in the loss and what its absence does,
of which one is 0 for a sample that is not mixed. So weights that a fold works out from its own
training people travel with their labels, and two mixed samples are a mixture of their losses.
"""

from collections.abc import Sequence

import keras
import numpy as np

from merzoo.data.unit_labels import unit_table
from merzoo.errors import InputError

_LEAST = 1e-7  # probability that counts as none


def unit_targets(label, classes: Sequence[str], rule: str | tuple | None) -> np.ndarray:
    """(C, 2U) what the loss takes for a sample of each class: presence, then absence of each unit.

    Args:
        label: (N,) classes of the training samples, by which units are balanced.
        classes: C combinations of U units, see `merzoo.data.unit_labels`.
        rule: `None`; or `"balanced"` or `"sqrt"`, by which rare presence (or absence) weighs more;
            the mean weight of a unit over the samples is 1.

    Raises:
        InputError: for one number a class, which units have not.

    Two of three samples show AU4: balanced, each weighs 3 / (2 * 2), and the third 3 / (2 * 1).

    >>> unit_targets([0, 1, 1], ("none", "AU4"), "balanced").tolist()
    [[0.0, 1.5], [0.75, 0.0]]
    """
    _, shown = unit_table(classes)
    if isinstance(rule, tuple):
        raise InputError(
            f"class_weights={rule} are of classes; action units take 'balanced', 'sqrt' or none."
        )
    weights = np.ones((2, shown.shape[1]))
    if rule is not None:
        counts = np.bincount(np.asarray(label), minlength=len(shown))
        present = counts @ shown
        both = np.stack([present, counts.sum() - present])  # (2, U)
        weights = 1 / np.maximum(both, 1) ** (0.5 if rule == "sqrt" else 1.0)
        weights *= counts.sum() / (weights * both).sum(0)
    return np.concatenate([shown * weights[0], (1 - shown) * weights[1]], 1).astype("float32")


@keras.saving.register_keras_serializable("merzoo")
class UnitCrossEntropy(keras.losses.Loss):
    """Binary cross-entropy, mean over units, with a weight for presence and one for absence.

    Args:
        from_logits: whether the network puts out logits instead of probabilities.

    Call arguments:
        y_true: (B, 2U) as `unit_targets` gives them.
        y_pred: (B, U).

    Example: a unit that is there and has 0.5, and one that is not and has 0.1.

    >>> target = np.array([[1, 0, 0, 1]], "float32")
    >>> found = float(UnitCrossEntropy()(target, np.array([[0.5, 0.1]], "float32")))
    >>> round(found, 4), round(float(-(np.log(0.5) + np.log(0.9)) / 2), 4)
    (0.3993, 0.3993)
    """

    def __init__(self, from_logits: bool = False, name: str = "unit_cross_entropy", **kwargs):
        super().__init__(name=name, **kwargs)
        self.from_logits = from_logits

    def call(self, y_true, y_pred):
        units = y_pred.shape[-1]
        present, absent = y_true[:, :units], y_true[:, units:]
        if self.from_logits:
            yes, no = -keras.ops.softplus(-y_pred), -keras.ops.softplus(y_pred)
        else:
            y_pred = keras.ops.clip(y_pred, _LEAST, 1 - _LEAST)
            yes, no = keras.ops.log(y_pred), keras.ops.log(1 - y_pred)
        return -keras.ops.mean(present * yes + absent * no, axis=-1)

    def get_config(self):
        return super().get_config() | {"from_logits": self.from_logits}


def unit_accuracy(y_true, y_pred, threshold: float = 0.5):
    """(B,) share of units that are told right; arguments as of `UnitCrossEntropy`.

    >>> target = np.array([[1, 0, 0, 1]], "float32")
    >>> np.asarray(unit_accuracy(target, np.array([[0.9, 0.8]], "float32"))).tolist()
    [0.5]
    """
    units = y_pred.shape[-1]
    shown = y_true[:, :units] > y_true[:, units:]
    right = keras.ops.equal(shown, y_pred > threshold)
    return keras.ops.mean(keras.ops.cast(right, "float32"), axis=-1)

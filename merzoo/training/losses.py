"""The losses that recipes name, and what goes with them: soft labels, and the L2 norm of weights.

Cross-entropy of whole-number labels is the default. Smoothed, focal and mixed labels need a row of
shares for each sample instead (soft labels), and action units one of `merzoo.training.unit_loss`,
which the training graph then gives.
"""

from functools import partial

import keras
import numpy as np

from merzoo.errors import InputError
from merzoo.preprocessing.mixing import MIXINGS
from merzoo.training.recipes import MULTILABEL_LOSS, Recipe


def wants_soft_labels(recipe: Recipe) -> bool:
    """Whether the recipe's loss takes (B, K) shares of the classes instead of (B,) numbers."""
    if recipe.loss == "margin":
        return False
    mixes = any(name in MIXINGS for name in recipe.augment)
    return mixes or recipe.loss == "focal" or bool(recipe.loss_arguments)


def target_rows(data, recipe: Recipe, weighted: bool = True) -> np.ndarray | None:
    """What the recipe's loss takes for a sample of each class; `None` for the class's number.

    Args:
        data: the training samples: whatever has `label` and `classes`.
        recipe: with its loss.
        weighted: whether action units are balanced as the recipe says.

    Returns:
        (C, C) shares of the classes, or (C, 2U) of `merzoo.training.unit_loss.unit_targets`.
    """
    if recipe.loss == MULTILABEL_LOSS:
        from merzoo.training.unit_loss import unit_targets

        return unit_targets(data.label, data.classes, recipe.class_weights if weighted else None)
    return np.eye(len(data.classes), dtype="float32") if wants_soft_labels(recipe) else None


def make_accuracy(recipe: Recipe, outputs: str = "probabilities"):
    """The metric that is called `accuracy` in the history of a training: of units, the share of
    them that is told right; arguments as of `make_loss`."""
    if recipe.loss != MULTILABEL_LOSS:
        return "accuracy"
    from merzoo.training.unit_loss import unit_accuracy

    threshold = 0.0 if outputs == "logits" else 0.5
    told = partial(unit_accuracy, threshold=threshold)
    return keras.metrics.MeanMetricWrapper(told, name="accuracy")


def make_loss(recipe: Recipe, outputs: str = "probabilities"):
    """The Keras loss of a recipe.

    Args:
        outputs: what the network puts out (see `merzoo.training.learner.output_kind`): losses of
            logits take them as such.
        recipe: its `loss` is `"cross-entropy"` (argument `label_smoothing`), `"focal"` (arguments
            `gamma`, 2 by default, and `alpha`, 1), `"margin"` (of capsules' lengths; arguments
            `present`, `absent`, `weight`) or `"binary-cross-entropy"` (of action units).

    Raises:
        InputError: for an argument that the loss does not have, or a loss that is not for these
            outputs.

    Source: Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017; Sabour et al., "Dynamic
    Routing Between Capsules", NIPS 2017, Eq. 4.

    Example:

    >>> make_loss(Recipe("plain"))
    'sparse_categorical_crossentropy'
    >>> make_loss(Recipe("smooth", loss_arguments={"label_smoothing": 0.1})).label_smoothing
    0.1
    """
    logits = {"from_logits": True} if outputs == "logits" else {}
    if recipe.loss == MULTILABEL_LOSS:
        if outputs == "probabilities":
            raise InputError(
                f"recipe {recipe.name}: the network ends in a softmax, which gives one class of "
                f"several; action units take a sigmoid each: classifier_activation='sigmoid'."
            )
        from merzoo.training.unit_loss import UnitCrossEntropy

        return UnitCrossEntropy(**logits)
    if outputs == "lengths" and recipe.loss != "margin":
        raise InputError(
            f"recipe {recipe.name}: the network puts out lengths of capsules, which are no "
            f"probabilities: use loss='margin', or classifier_activation='normalized'."
        )
    if recipe.loss == "margin" and logits:
        raise InputError(
            f"recipe {recipe.name}: the margin loss is for lengths of capsules, the network puts "
            f"out logits."
        )
    if recipe.loss == "cross-entropy" and not wants_soft_labels(recipe):
        if logits:
            return keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        return "sparse_categorical_crossentropy"
    from merzoo.models.capsulenet import MarginLoss

    losses = {
        "cross-entropy": (keras.losses.CategoricalCrossentropy, logits),
        "focal": (
            keras.losses.CategoricalFocalCrossentropy,
            {"alpha": 1.0, "gamma": 2.0} | logits,
        ),
        "margin": (MarginLoss, {}),
    }
    loss, defaults = losses[recipe.loss]
    try:
        return loss(**defaults | recipe.loss_arguments)
    except TypeError as error:
        reason = str(error).split(" ", 1)[-1]
        raise InputError(f"recipe {recipe.name}: the loss {recipe.loss!r} {reason}.") from None


def add_l2(model, l2: float) -> None:
    """Adds `l2` times the sum of squares of every trained weight to a model's loss, beside the
    regularizers that the network brings.

    >>> layer = keras.layers.Dense(1, kernel_initializer="ones")
    >>> model = keras.Sequential([keras.Input((2,)), layer])
    >>> add_l2(model, 0.5)
    >>> float(sum(model.losses))
    1.0
    """
    if l2:
        for variable in model.trainable_variables:
            own, norm = variable.regularizer, keras.regularizers.L2(l2)
            variable.regularizer = norm if own is None else _Both(own, norm)


class _Both(keras.regularizers.Regularizer):
    """The regularizer that a network brings for a weight, and the recipe's norm."""

    def __init__(self, own, norm: keras.regularizers.L2):
        self.own, self.norm = own, norm
        self.l2 = float(getattr(own, "l2", 0.0)) + float(norm.l2)

    def __call__(self, x):
        return self.own(x) + self.norm(x)


def class_weights(data, rule: str | tuple[float, ...] | None) -> np.ndarray | None:
    """(N,) weights from the class counts of `data` (the training samples), mean 1; `None` for none.

    A tuple gives the weight of each class itself.

    Args:
        data: `Arrays` or `Rows`: whatever has `label` and `classes`.
        rule: of a recipe.

    >>> from merzoo.preprocessing.arrays import Arrays
    >>> data = Arrays({}, [0, 0, 0, 1], ["s"] * 4, ["d"] * 4, list("abcd"), ("no", "yes"))
    >>> class_weights(data, "balanced").round(2).tolist()
    [0.67, 0.67, 0.67, 2.0]
    """
    if rule is None:
        return None
    counts = np.bincount(data.label, minlength=len(data.classes))
    if isinstance(rule, tuple):
        if len(rule) != len(counts):
            raise InputError(f"class_weights={rule}: give one weight a class, {len(counts)}.")
        weights = np.array(rule, float)
    else:
        weights = 1 / np.maximum(counts, 1) ** (0.5 if rule == "sqrt" else 1.0)
    weights = weights[data.label]
    return weights / weights.mean()


def sample_weights(data, recipe: Recipe) -> np.ndarray | None:
    """(N,) weights of the training samples by a recipe; action units have theirs in the targets."""
    return None if recipe.loss == MULTILABEL_LOSS else class_weights(data, recipe.class_weights)

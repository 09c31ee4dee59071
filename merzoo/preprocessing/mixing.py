"""Mixing two samples into one, with soft labels: mixup, and CutMix by the halves of the face.

Mixup (Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018) blends two samples.
CutMix (Yun et al., ICCV 2019) puts a part of one into the other; a random rectangle would cut
through eyes and lips, so the part is the upper or the lower face here, divided as the Facial Action
Coding System divides its action units. Faces are aligned, so the parts fit.

The partner of a sample is its neighbour in the shuffled batch. All modalities are mixed alike: two
pictures, two flows, two sequences; in a cut, regions and action units follow the half of the face
that they are on. The label becomes shares of two classes, and the sample's weight (of its class in
the loss) is mixed by the same shares.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from merzoo.data.action_units import ACTION_UNITS
from merzoo.errors import InputError
from merzoo.modalities import Modality, rows_of
from merzoo.preprocessing.neutral import operations_of

# The border of upper and lower face as a share of an aligned crop's height: below the eyes and the
# cheeks that AU 6 raises, above the tip of the nose (`merzoo.preprocessing.landmarks`).
BORDER = 0.45

# Ekman and Friesen's upper-face units; 43 closes the eyes.
UPPER_FACE_UNITS = (1, 2, 4, 5, 6, 7, 43)


def mixup(sample: dict, label, weight, share) -> tuple:
    """Blends each sample with its neighbour.

    Args:
        sample: {modality: (B, ...) float32}.
        label: (B, K) shares of the classes, float32.
        weight: (B,) float32.
        share: (B,) of the sample's own in the mixture, 0..1.

    Returns:
        The mixed sample, label and weight, in the same forms.

    >>> label, weight = np.eye(2, dtype="float32"), np.float32([1, 3])
    >>> _, label, weight = mixup({}, label, weight, np.float32([0.75, 0.5]))
    >>> label.tolist(), weight.tolist()
    ([[0.75, 0.25], [0.5, 0.5]], [1.5, 2.0])
    """
    mixed = {name: _blend(sample[name], share) for name in rows_of(sample)}
    return mixed, _blend(label, share), _blend(weight, share)


def cutmix(sample: dict, label, weight, number, *, probability: float) -> tuple:
    """Gives some samples the upper or the lower face of their neighbours.

    A class' share is its share of the pictures' rows (of nominal height where there is no picture).

    Args:
        sample, label, weight: as for `mixup`.
        number: (B,) drawn evenly from 0..1; those below half of `probability` have the upper face
            cut, those from there to `probability` the lower one.
        probability: of a sample being cut at all.

    Returns:
        The mixed sample, label and weight, in the same forms.

    Raises:
        InputError: for flags of one's own, which may be of either half.

    >>> label, number = np.eye(2, dtype="float32"), np.float32([0.2, 0.9])
    >>> _, label, _ = cutmix({}, label, np.ones(2, "float32"), number, probability=0.5)
    >>> label.astype(float).round(2).tolist()
    [[0.55, 0.45], [0.0, 1.0]]
    """
    ops = operations_of(label, number)
    number = ops.array(number, label)
    cut, upper = number < probability, number < probability / 2
    own = ~(cut & upper), ~(cut & ~upper)  # upper and lower face
    rows = rows_of(sample)
    mixed = {name: _cut(row, sample[name], *own) for name, row in rows.items()}
    heights = [sample[name].shape[-3] for name, row in rows.items() if row.is_image]
    border = float(_upper_rows(heights[0]).mean()) if heights else BORDER
    own_upper, own_lower = (ops.cast(half, "float32") for half in own)
    share = border * own_upper + (1 - border) * own_lower
    return mixed, _blend(label, share), _blend(weight, share)


@dataclass(frozen=True)
class Mixing:
    """A way of mixing two samples: what is drawn, and what is done by it.

    Args:
        draw: function of the number of samples B and two integers, the seed, to (B,) draws, by
            TensorFlow's stateless generators, in `tf.data` or outside of it.
        apply: function of (sample, label, weight, draws) to the mixed sample, label and weight.
    """

    draw: Callable
    apply: Callable


def _own_share(size, seed, *, alpha: float):
    """(B,) draws from Beta(alpha, alpha); 1 where both of its gamma numbers are too small."""
    import tensorflow as tf

    draws = tf.random.stateless_gamma([2, size], seed, alpha=alpha)
    share = tf.math.divide_no_nan(draws[0], draws[0] + draws[1])
    return tf.where(draws[0] + draws[1] > 0, share, 1.0)


def _number(size, seed):
    import tensorflow as tf

    return tf.random.stateless_uniform([size], seed)


# Names for recipes' `augment`; strengths are choices.
MIXINGS = {
    "mixup": Mixing(partial(_own_share, alpha=0.4), mixup),
    "cutmix": Mixing(_number, partial(cutmix, probability=0.5)),
}


def _blend(x, share):
    """share * x + (1 - share) * neighbour, for (B, ...) x and (B,) share."""
    ops = operations_of(x, share)
    x = ops.array(x, share) if isinstance(x, np.ndarray) else x
    share = _to_rank(ops, share, x)
    return share * x + (1 - share) * ops.roll(x)


def _cut(row: Modality, x, own_upper, own_lower):
    """x where the sample keeps its own half of the face, its neighbour's elsewhere."""
    ops = operations_of(x, own_upper)
    x = ops.array(x, own_upper) if isinstance(x, np.ndarray) else x
    if row.is_image:
        upper = ops.array(_upper_rows(x.shape[-3])[:, None, None], x)  # (H, 1, 1)
    elif row.kind == "regions":
        upper = (x[..., :1] + x[..., 2:3]) / 2 < BORDER  # by the height of the box's centre
    elif row.name == "action_units":
        upper = ops.array(np.array([unit in UPPER_FACE_UNITS for unit in ACTION_UNITS]), x)
    else:
        raise InputError(
            f"cutmix cannot tell which flags of {row.name!r} are of the upper face; use 'mixup'."
        )
    own = ops.where(upper, _to_rank(ops, own_upper, x), _to_rank(ops, own_lower, x))
    return ops.where(own, x, ops.roll(x))


def _upper_rows(height: int) -> np.ndarray:
    """(H,) whether a row belongs to the upper face."""
    return (np.arange(height) + 0.5) / height < BORDER


def _to_rank(ops, values, x):
    """(B,) values, shaped to broadcast against x (B, ...)."""
    return ops.reshape(ops.array(values, x), (-1, *[1] * (len(x.shape) - 1)))

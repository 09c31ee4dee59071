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

from functools import partial

import numpy as np

from merzoo.data.action_units import ACTION_UNITS
from merzoo.errors import InputError
from merzoo.modalities import Modality, rows_of

# The border of upper and lower face as a share of an aligned crop's height: below the eyes and the
# cheeks that AU 6 raises, above the tip of the nose (`merzoo.preprocessing.landmarks`).
BORDER = 0.45

# Ekman and Friesen's upper-face units; 43 closes the eyes.
UPPER_FACE_UNITS = (1, 2, 4, 5, 6, 7, 43)


def mixup(sample: dict, label, weight, seed, *, alpha: float):
    """Blends each sample with its neighbour.

    Args:
        sample: {modality: (B, ...) float32}.
        label: (B, K) shares of the classes, float32.
        weight: (B,) float32.
        seed: two integers.
        alpha: the sample's own share is drawn from Beta(alpha, alpha).

    Returns:
        The mixed sample, label and weight, in the same forms.
    """
    import tensorflow as tf

    size = tf.shape(label)[0]
    draws = tf.random.stateless_gamma([2, size], seed, alpha=alpha)
    share = tf.math.divide_no_nan(draws[0], draws[0] + draws[1])
    share = tf.where(draws[0] + draws[1] > 0, share, 1.0)
    mixed = {name: _blend(sample[name], share) for name in rows_of(sample)}
    return mixed, _blend(label, share), _blend(weight, share)


def cutmix(sample: dict, label, weight, seed, *, probability: float):
    """Gives some samples the upper or the lower face of their neighbours.

    A class' share is its share of the pictures' rows (of nominal height where there is no picture).

    Args:
        sample, label, weight, seed: as for `mixup`.
        probability: of a sample being cut at all; either half is taken equally often.

    Returns:
        The mixed sample, label and weight, in the same forms.

    Raises:
        InputError: for flags of one's own, which may be of either half.
    """
    import tensorflow as tf

    draws = tf.random.stateless_uniform([tf.shape(label)[0]], seed)
    cut = draws < probability
    upper = draws < probability / 2  # whether the neighbour gives the upper half
    own_upper, own_lower = tf.logical_not(cut & upper), tf.logical_not(cut & ~upper)
    rows = rows_of(sample)
    mixed = {n: _cut(row, sample[n], own_upper, own_lower) for n, row in rows.items()}
    heights = [sample[name].shape[-3] for name, row in rows.items() if row.is_image]
    border = _upper_rows(heights[0]).mean() if heights else BORDER
    share = border * tf.cast(own_upper, "float32") + (1 - border) * tf.cast(own_lower, "float32")
    return mixed, _blend(label, share), _blend(weight, share)


# Name -> function of (batch, label, weight, seed), for recipes' `augment`; strengths are choices.
MIXINGS = {
    "mixup": partial(mixup, alpha=0.4),
    "cutmix": partial(cutmix, probability=0.5),
}


def _blend(x, share):
    """share * x + (1 - share) * neighbour, for (B, ...) x and (B,) share."""
    share = _to_rank(share, x)
    return share * x + (1 - share) * _neighbour(x)


def _cut(row: Modality, x, own_upper, own_lower):
    """x where the sample keeps its own half of the face, its neighbour's elsewhere."""
    import tensorflow as tf

    if row.is_image:
        upper = _upper_rows(x.shape[-3])[:, None, None]  # (H, 1, 1)
    elif row.kind == "regions":
        upper = (x[..., :1] + x[..., 2:3]) / 2 < BORDER  # by the height of the box's centre
    elif row.name == "action_units":
        units = [unit in UPPER_FACE_UNITS for unit in ACTION_UNITS]
        upper = np.array(units)
    else:
        raise InputError(
            f"cutmix cannot tell which flags of {row.name!r} are of the upper face; use 'mixup'."
        )
    own = tf.where(upper, _to_rank(own_upper, x), _to_rank(own_lower, x))
    return tf.where(own, x, _neighbour(x))


def _upper_rows(height: int) -> np.ndarray:
    """(H,) whether a row belongs to the upper face."""
    return (np.arange(height) + 0.5) / height < BORDER


def _neighbour(x):
    import tensorflow as tf

    return tf.roll(x, 1, axis=0)


def _to_rank(values, x):
    """(B,) values, shaped to broadcast against x (B, ...)."""
    import tensorflow as tf

    return tf.reshape(values, [-1] + [1] * (len(x.shape) - 1))

"""The one `tf.data` graph: shuffling, batching and augmentation, alike for every model and backend.

An augmentation draws one value a sample, from stateless seeds, and changes all modalities of the
sample by it; their geometry is that of `merzoo.preprocessing.transforms`.

Mixup and CutMix (`merzoo.preprocessing.mixing`) mix two samples of a batch. Where one is named,
labels become shares of the classes, (B, K), and class weights are mixed alike; otherwise labels are
whole numbers, as are always those that class weights and scores are made of.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np

from merzoo.errors import unknown
from merzoo.moved import moved_names
from merzoo.preprocessing.mixing import MIXINGS
from merzoo.preprocessing.transforms import (
    brighten,
    flip,
    rotate,
    strengthen_motion,
    stretch_contrast,
    translate,
)

__getattr__ = moved_names(__name__)

_PAPER_SIDE = 224  # pixels; the side of the pictures that the papers pad


def random_flip(sample: dict, seed) -> dict:
    """Mirrors each sample of a batch with probability one half."""
    import tensorflow as tf

    chosen = tf.random.stateless_uniform([_size(sample)], seed) < 0.5
    mirrored = flip(sample)
    return {
        name: tf.where(tf.reshape(chosen, [-1] + [1] * (x.shape.rank - 1)), mirrored[name], x)
        for name, x in sample.items()
    }


def random_crop(sample: dict, seed, *, padding: int) -> dict:
    """Pads each sample and crops it to its size again at a random place: moves it.

    By whole pixels of a 224 pixel picture, and by as large a share of smaller ones.

    Args:
        sample: {modality: (B, ...) float32}.
        seed: two integers.
        padding: pixels on each side of a 224 pixel picture.
    """
    import tensorflow as tf

    pixels = tf.random.stateless_uniform(
        [_size(sample), 2], seed, -padding, padding + 1, dtype="int32"
    )
    return translate(sample, tf.cast(pixels, "float32") / _PAPER_SIDE)


def random_rotation(sample: dict, seed, *, degrees: tuple[float, float]) -> dict:
    """Turns each sample by an angle between the two `degrees`, clockwise as seen."""
    return rotate(sample, _uniform(sample, seed, *np.deg2rad(degrees)))


def random_brightness(sample: dict, seed, *, largest: float) -> dict:
    """Brightens or darkens each sample by up to `largest` grey levels."""
    return brighten(sample, _uniform(sample, seed, -largest, largest))


def random_contrast(sample: dict, seed, *, factor: tuple[float, float]) -> dict:
    """Multiplies the contrast of each sample by a factor between the two."""
    return stretch_contrast(sample, _uniform(sample, seed, *factor))


def random_magnification(sample: dict, seed, *, factor: tuple[float, float]) -> dict:
    """Multiplies the motion of each sample by a factor between the two."""
    return strengthen_motion(sample, _uniform(sample, seed, *factor))


# Name -> function of (batch, stateless seed of two integers), for recipes' `augment`. The papers
# print the padding and the angles; the strengths of the others are choices.
AUGMENTATIONS = {
    "flip": random_flip,
    "crop-15": partial(random_crop, padding=15),
    "rotate-3": partial(random_rotation, degrees=(0, 3)),
    "rotate-8": partial(random_rotation, degrees=(-8, 8)),
    "brightness": partial(random_brightness, largest=51),  # a fifth of the range
    "contrast": partial(random_contrast, factor=(0.8, 1.2)),
    "magnification": partial(random_magnification, factor=(0.8, 1.25)),
}
STANDARD = ("flip",)  # what is right for every set of modalities


def augmentation_names(augment: str | Sequence[str] | None) -> tuple[str, ...]:
    """Checked names of augmentations.

    Args:
        augment: names, one name, `"standard"`, or `None` for none.

    Raises:
        InputError: for an unknown name.

    >>> augmentation_names("standard"), augmentation_names(["flip", "crop-15"])
    (('flip',), ('flip', 'crop-15'))
    """
    if augment is None:
        return ()
    if isinstance(augment, str):
        augment = STANDARD if augment == "standard" else (augment,)
    for name in augment:
        if name not in AUGMENTATIONS | MIXINGS:
            raise unknown("augmentation", name, AUGMENTATIONS | MIXINGS)
    return tuple(augment)


def _size(sample: dict):
    import tensorflow as tf

    return tf.shape(next(iter(sample.values())))[0]


def _uniform(sample: dict, seed, low: float, high: float):
    """(B,) draws, one a sample."""
    import tensorflow as tf

    return tf.random.stateless_uniform([_size(sample)], seed, low, high)

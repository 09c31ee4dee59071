"""Augmentation: what is drawn at random, and what is done by the draws.

Both are kept apart. Draws are numbers, one or two a sample, from TensorFlow's stateless generators:
they depend on the seed, the number of the batch and the place of the augmentation, and on nothing
that ran before. They are made in the graph of `tf.data` (`merzoo.training.batches`), or for all
steps of a training at once (`draws_of_steps`). What is done by them runs wherever the samples are:
in `tf.data`, or within a compiled training on the device, and changes all modalities of a sample
alike; its geometry is that of `merzoo.preprocessing.transforms`.

Mixup and CutMix (`merzoo.preprocessing.mixing`) mix two samples of a batch. Where one is named,
labels become shares of the classes, (B, K), and class weights are mixed alike; otherwise labels are
whole numbers, as are always those that class weights and scores are made of.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from merzoo.errors import unknown
from merzoo.moved import moved_names
from merzoo.preprocessing.mixing import MIXINGS
from merzoo.preprocessing.transforms import (
    brighten,
    flip_chosen,
    rotate,
    strengthen_motion,
    stretch_contrast,
    translate,
)

__getattr__ = moved_names(__name__)

_PAPER_SIDE = 224  # pixels; the side of the pictures that the papers pad


@dataclass(frozen=True)
class Augmentation:
    """A change of each sample of a batch by itself: what is drawn, and what is done by it.

    Args:
        draw: function of the number of samples B and two integers, the seed, to draws (B, ...), by
            TensorFlow's stateless generators, in `tf.data` or outside of it.
        apply: function of ({modality: (B, ...) float32}, draws) to the changed samples.
    """

    draw: Callable
    apply: Callable


def _half_of_them(size, seed):
    """(B,) booleans: each true with probability one half."""
    import tensorflow as tf

    return tf.random.stateless_uniform([size], seed) < 0.5


def _shift(size, seed, *, padding: int):
    """(B, 2) shares of the height and width that a random crop of the padded picture is off by.

    By whole pixels of a 224 pixel picture, and by as large a share of others.
    """
    import tensorflow as tf

    pixels = tf.random.stateless_uniform([size, 2], seed, -padding, padding + 1, dtype="int32")
    # From a table: some graphs turn a division into a product that is the last bit off.
    shares = np.arange(-padding, padding + 1, dtype="float32") / np.float32(_PAPER_SIDE)
    return tf.gather(shares, pixels + padding)


def _between(size, seed, *, low: float, high: float):
    """(B,) numbers, evenly."""
    import tensorflow as tf

    return tf.random.stateless_uniform([size], seed, low, high)


def _angle(low: float, high: float) -> Callable:
    return partial(_between, low=np.deg2rad(low), high=np.deg2rad(high))


# Names for recipes' `augment`. The papers print the padding and the angles; the strengths of the
# others are choices.
AUGMENTATIONS = {
    "flip": Augmentation(_half_of_them, flip_chosen),
    "crop-15": Augmentation(partial(_shift, padding=15), translate),
    "rotate-3": Augmentation(_angle(0, 3), rotate),
    "rotate-8": Augmentation(_angle(-8, 8), rotate),
    "brightness": Augmentation(partial(_between, low=-51, high=51), brighten),  # a fifth of 0..255
    "contrast": Augmentation(partial(_between, low=0.8, high=1.2), stretch_contrast),
    "magnification": Augmentation(partial(_between, low=0.8, high=1.25), strengthen_motion),
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


def draw_all(names: Sequence[str], batch_size, counter, seed) -> tuple:
    """The draws of one batch, in the graph of `tf.data` or outside of it.

    Args:
        names: from `AUGMENTATIONS` and `MIXINGS`; one may come twice, and is drawn anew then.
        batch_size: B; a number or a scalar tensor.
        counter: number of the batch; a number or a scalar tensor, as is `seed`.
        seed: of the training.

    Returns:
        Tensors (B, ...), one for each name.

    >>> chosen, shift = draw_all(("flip", "crop-15"), 4, counter=0, seed=1)
    >>> chosen.shape.as_list(), shift.shape.as_list()
    ([4], [4, 2])
    """
    import tensorflow as tf

    counter, seed = tf.cast(counter, "int64"), tf.cast(seed, "int64")
    seeds = [tf.stack([counter, seed * 1000 + place]) for place in range(len(names))]
    rows = [(AUGMENTATIONS | MIXINGS)[name] for name in names]
    return tuple(row.draw(batch_size, pair) for row, pair in zip(rows, seeds, strict=True))


def draws_of_steps(
    names: Sequence[str], batch_size: int, steps: int, seed: int
) -> tuple[np.ndarray, ...]:
    """The draws of all batches of a training: to the bit those that `tf.data` makes on the way.

    Args:
        names: as for `draw_all`.
        batch_size: B.
        steps: batches, from number 0 on.
        seed: of the training.

    Returns:
        Arrays (steps, B, ...), one for each name.

    >>> (shift,) = draws_of_steps(["crop-15"], batch_size=4, steps=10, seed=1)
    >>> (alone,) = draw_all(["crop-15"], 4, counter=3, seed=1)
    >>> shift.shape, np.array_equal(shift[3], alone)
    ((10, 4, 2), True)
    """
    if not names:
        return ()
    found = _many_steps(tuple(names), batch_size)(np.int64(steps), np.int64(seed))
    return tuple(draws.numpy() for draws in found)


def augment_all(sample: dict, label, weight, names: Sequence[str], draws: Sequence) -> tuple:
    """A batch, changed by draws; in `tf.data`, or in a compiled training on the device.

    Args:
        sample: {modality: (B, ...) float32}; tensors of any framework, or NumPy's arrays.
        label: (B,), or (B, K) shares of the classes where samples are mixed.
        weight: (B,) float32.
        names: from `AUGMENTATIONS` and `MIXINGS`, applied in this order.
        draws: (B, ...) for each name, of `draw_all` or one step of `draws_of_steps`.

    Returns:
        The changed sample, label and weight, in the same forms.

    >>> sample = {"onset": np.full((2, 4, 4, 1), 100, "float32")}
    >>> changed, _, _ = augment_all(sample, [0, 1], [1, 1], ["brightness"], [[10.0, -20.0]])
    >>> changed["onset"][:, 0, 0, 0].tolist()
    [110.0, 80.0]
    """
    for name, drawn in zip(names, draws, strict=True):
        if name in MIXINGS:
            sample, label, weight = MIXINGS[name].apply(sample, label, weight, drawn)
        else:
            sample = AUGMENTATIONS[name].apply(sample, drawn)
    return sample, label, weight


@lru_cache(maxsize=32)
def _many_steps(names: tuple[str, ...], batch_size: int):
    """A compiled function of (number of steps, seed) to the draws of all of them."""
    import tensorflow as tf

    forms = tuple(tf.type_spec_from_value(draws) for draws in draw_all(names, batch_size, 0, 0))

    @tf.function(autograph=False, input_signature=[tf.TensorSpec((), "int64")] * 2)
    def draws_of(steps, seed):
        def of_step(counter):
            return draw_all(names, batch_size, counter, seed)

        with tf.device("CPU"):
            return tf.map_fn(of_step, tf.range(steps), fn_output_signature=forms)

    return draws_of

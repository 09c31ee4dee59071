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

from merzoo.errors import InputError, unknown
from merzoo.preprocessing.arrays import Arrays
from merzoo.preprocessing.mixing import MIXINGS
from merzoo.preprocessing.transforms import (
    brighten,
    flip,
    rotate,
    strengthen_motion,
    stretch_contrast,
    translate,
)

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


def training_graph(
    data: Arrays,
    *,
    batch_size: int,
    augment: tuple[str, ...] = (),
    seed: int = 0,
    sample_weight: np.ndarray | None = None,
    soft_labels: bool = False,
):
    """An endless, shuffled, augmented `tf.data.Dataset` of full batches.

    Every sample is seen once before any is seen again, and batches run across the ends of epochs,
    so that all have the same shape and a compiled step is never compiled twice.

    Args:
        data: the training samples.
        batch_size: samples a batch.
        augment: names from `AUGMENTATIONS` and `MIXINGS`, applied in this order.
        seed: of order and augmentation.
        sample_weight: (N,) weight of each sample in the loss, or `None` for 1.
        soft_labels: whether labels are shares of the classes even where nothing is mixed.

    Returns:
        A dataset of ({modality: (B, ...) float32}, label (B,) or, soft, (B, K), weight (B,)).
    """
    import tensorflow as tf

    names = augmentation_names(augment)
    size = len(data)
    tensors = _tensors(data, sample_weight, soft_labels or _mixes(names))

    def gather(counter, rows):
        return _augmented(*tensors, rows, names, counter, seed)

    def epoch_rows(epoch):  # stateless: the order depends on `seed` alone, not on what ran before
        order = tf.random.experimental.stateless_shuffle(tf.range(size), tf.stack([epoch, seed]))
        return tf.data.Dataset.from_tensor_slices(order)

    rows = tf.data.Dataset.counter().flat_map(epoch_rows)
    rows = rows.batch(batch_size, drop_remainder=True)
    graph = _mapped(tf.data.Dataset.zip(tf.data.Dataset.counter(), rows), gather)
    return graph.prefetch(2)


def epoch_graph(
    data: Arrays,
    *,
    batch_size: int = 32,
    augment: str | Sequence[str] | None = None,
    seed: int = 0,
):
    """One shuffled, augmented pass over the samples, in another order each time it is iterated.

    Args:
        data: the samples.
        batch_size: samples a batch; the last batch holds what is left.
        augment: names from `AUGMENTATIONS` and `MIXINGS`, applied in this order, `"standard"`, or
            `None`.
        seed: of order and augmentation: a dataset made again starts with the same numbers.

    Returns:
        A finite `tf.data.Dataset` of ({modality: (B, ...) float32}, label (B,) or, mixed, (B, K)).

    Raises:
        InputError: for an unknown augmentation or a batch size below 1.
    """
    import tensorflow as tf

    names = augmentation_names(augment)
    if not isinstance(batch_size, int) or batch_size < 1:
        raise InputError(f"batch_size must be a whole number from 1, got {batch_size!r}.")
    size = len(data)
    tensors = _tensors(data, None, _mixes(names))
    rows = tf.data.Dataset.range(size).shuffle(size, seed=seed).batch(batch_size)
    draws = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True)

    def gather(draw, rows):
        return _augmented(*tensors, rows, names, draw, seed)[:2]

    graph = _mapped(tf.data.Dataset.zip(draws, rows), gather)
    return graph.apply(tf.data.experimental.assert_cardinality(-(-size // batch_size))).prefetch(2)


def _mixes(names: tuple[str, ...]) -> bool:
    return any(name in MIXINGS for name in names)


def _tensors(data: Arrays, weight: np.ndarray | None, soft: bool):
    """Modalities, labels (N,) or, soft, (N, K), and weights (N,) of all samples."""
    import tensorflow as tf

    modalities = {name: tf.constant(np.asarray(x)) for name, x in data.modalities.items()}
    label = tf.constant(data.label.astype("int32"))
    if soft:
        label = tf.one_hot(label, len(data.classes))
    weight = np.ones(len(data)) if weight is None else weight
    return modalities, label, tf.constant(np.asarray(weight, "float32"))


def _mapped(dataset, function):
    """Maps without AutoGraph, which nothing here needs and which would wrap an `InputError`."""
    import tensorflow as tf

    return dataset.map(tf.autograph.experimental.do_not_convert(function))


def _augmented(modalities: dict, label, weight, rows, names: tuple[str, ...], counter, seed: int):
    """The samples at `rows`, augmented by draws that depend on `counter`, `seed` and the place."""
    import tensorflow as tf

    sample = {n: tf.cast(tf.gather(x, rows), "float32") for n, x in modalities.items()}
    label, weight = tf.gather(label, rows), tf.gather(weight, rows)
    for place, name in enumerate(names):
        draw = tf.stack([counter, seed * 1000 + place])
        if name in MIXINGS:
            sample, label, weight = MIXINGS[name](sample, label, weight, draw)
        else:
            sample = AUGMENTATIONS[name](sample, draw)
    return sample, label, weight


def _size(sample: dict):
    import tensorflow as tf

    return tf.shape(next(iter(sample.values())))[0]


def _uniform(sample: dict, seed, low: float, high: float):
    """(B,) draws, one a sample."""
    import tensorflow as tf

    return tf.random.stateless_uniform([_size(sample)], seed, low, high)

"""The one `tf.data` graph: order, batches, augmentation and mixing, from memory or from disk.

An augmentation draws one value a sample, from stateless seeds made of the seed, the number of the
batch and the place of the augmentation, so that what a batch is does not depend on what ran before.
Samples in memory (`Arrays`, of folds) are shuffled by TensorFlow, and batches run across the ends
of epochs; samples on disk (a `Pool`, of a long training) are read as they are needed, in an order
that depends on the seed and the epoch's number alone, so that a training that was stopped goes on
with the batches that it would have had.
"""

import contextlib
import functools
import importlib.util
from collections.abc import Iterator, Sequence

import numpy as np

from merzoo.arguments import whole_number
from merzoo.errors import InputError
from merzoo.preprocessing.arrays import Arrays
from merzoo.preprocessing.augment import augment_all, augmentation_names, draw_all
from merzoo.preprocessing.mixing import MIXINGS
from merzoo.training.parts import Part, Rows
from merzoo.training.pool import Pool

IN_GRAPH = 1 << 30  # bytes of samples above which `tf.data` gets them batch by batch


def check_feed() -> None:
    """Raises `InputError` where TensorFlow, whose `tf.data` feeds every backend, is missing, and
    on a backend that cannot train."""
    import keras

    if importlib.util.find_spec("tensorflow") is None:
        raise InputError(
            "Networks are fed by TensorFlow's tf.data whatever the backend, and TensorFlow is not "
            "installed: pip install 'merzoo[tensorflow]'."
        )
    if keras.backend.backend() == "numpy":
        raise InputError(
            "KERAS_BACKEND=numpy: NumPy's backend cannot train networks; set jax, tensorflow or "
            "torch."
        )


@functools.cache
def leave_devices_alone() -> None:
    """Keeps TensorFlow, where it only feeds another backend, from taking graphics cards' memory."""
    import keras
    import tensorflow as tf

    if keras.backend.backend() != "tensorflow":
        with contextlib.suppress(RuntimeError):  # it is in use already
            tf.config.set_visible_devices([], "GPU")


def training_graph(
    data: Arrays | Part | Rows,
    *,
    batch_size: int,
    augment: Sequence[str] = (),
    seed: int = 0,
    sample_weight: np.ndarray | None = None,
    targets: np.ndarray | None = None,
    steps: int | None = None,
    first_epoch: int = 0,
):
    """An endless, shuffled, augmented `tf.data.Dataset` of full batches.

    Every sample is seen once before any is seen again, and all batches have one shape, so that a
    compiled step is never compiled twice.

    Args:
        data: the training samples.
        batch_size: samples a batch.
        augment: names from `AUGMENTATIONS` and `MIXINGS`, applied in this order.
        seed: of order and augmentation.
        sample_weight: (N,) weight of each sample in the loss, or `None` for 1.
        targets: (K, T) what the loss takes for a sample of each class; `None` for the class's
            number, or, where samples are mixed, shares of the classes.
        steps: of samples on disk: batches an epoch.
        first_epoch: of samples on disk: to go on with.

    Returns:
        A dataset of ({modality: (B, ...) float32}, label (B,) or, of targets, (B, T), weight (B,)).

    Raises:
        InputError: for an unknown augmentation.
    """
    leave_devices_alone()
    names = augmentation_names(augment)
    targets = _targets(data, names, targets)
    weight = np.ones(len(data)) if sample_weight is None else sample_weight
    if isinstance(data, Part) and data.nbytes > IN_GRAPH:
        source = _from_rows(data, weight, batch_size, seed, targets)
    elif isinstance(data, Arrays | Part):
        data = data.arrays() if isinstance(data, Part) else data
        source = _from_memory(data, weight, batch_size, seed, targets)
    else:
        source = _from_disk(data, weight, batch_size, seed, targets, steps, first_epoch)

    def augmented(counter, sample, label, weight):
        return _augmented(sample, label, weight, names, counter, seed)

    return _mapped(source, augmented).prefetch(2)


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
    whole_number("batch_size", batch_size)
    size = len(data)
    tensors = _tensors(data, np.ones(size), _targets(data, names, None))
    rows = tf.data.Dataset.range(size).shuffle(size, seed=seed).batch(batch_size)
    draws = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True)

    def gather(draw, rows):
        return _augmented(*_gathered(tensors, rows), names, draw, seed)[:2]

    graph = _mapped(tf.data.Dataset.zip(draws, rows), gather)
    return graph.apply(tf.data.experimental.assert_cardinality(-(-size // batch_size))).prefetch(2)


def validation_graph(data: Arrays | Rows, batch_size: int, weight=None, targets=None):
    """One pass over samples in order, in batches of one size, the last filled up with weight 0.

    The weights are scaled so that Keras' mean over all batches is the weighted mean over samples.

    Args:
        data: the samples.
        batch_size: samples a batch.
        weight: (N,) of each sample; `None` for 1.
        targets: as of `training_graph`.
    """
    import tensorflow as tf

    size = len(data)
    count = -(-size // batch_size) * batch_size
    weight = np.ones(size) if weight is None else weight
    scaled = np.zeros(count)
    scaled[:size] = weight * count / weight.sum()
    filled = np.resize(np.arange(size), count)

    def batches():
        for start in range(0, count, batch_size):
            part = slice(start, start + batch_size)
            yield _batch(data, filled[part], scaled[part], targets)

    signature = _signature(data, batch_size, targets)
    graph = tf.data.Dataset.from_generator(batches, output_signature=signature)
    graph = graph.apply(tf.data.experimental.assert_cardinality(count // batch_size))
    return graph.prefetch(2)


def prediction_batches(data, batch_size: int) -> Iterator[tuple[dict[str, np.ndarray], int]]:
    """Batches of one constant shape in sample order, the last one padded with its first samples.

    Args:
        data: `Rows`, or whatever has `modalities` (name -> array (N, ...)) and a length.
        batch_size: samples a batch.

    Yields:
        ({modality: (batch_size, ...) float32}, number of true samples in it).
    """
    for start in range(0, len(data), batch_size):
        rows = np.arange(start, min(start + batch_size, len(data)))
        yield _samples(data, np.resize(rows, batch_size)), len(rows)


def epoch_rows(
    label: np.ndarray, rows: np.ndarray, size: int, epoch: int, seed: int, balanced: bool
) -> np.ndarray:
    """The `size` samples of one epoch of samples on disk, in random order.

    Args:
        label: (N,) classes of the pool.
        rows: those that are trained on.
        size: samples an epoch; each is seen once before any is seen again.
        epoch, seed: what the order depends on.
        balanced: draw every class equally often, so that samples of rare ones come again.

    >>> label = np.array([0] * 8 + [1] * 2)
    >>> found = epoch_rows(label, np.arange(10), 8, epoch=3, seed=0, balanced=True)
    >>> np.bincount(label[found]).tolist()
    [4, 4]
    """
    rng = np.random.default_rng([seed, epoch])
    if not balanced:
        return np.resize(rng.permutation(rows), size)
    classes = sorted(set(label[rows].tolist()))
    each = -(-size // len(classes))
    drawn = [np.resize(rng.permutation(rows[label[rows] == k]), each) for k in classes]
    return rng.permutation(np.stack(drawn, 1).reshape(-1)[:size])


@functools.lru_cache(maxsize=256)
def order_of_steps(size: int, batch_size: int, steps: int, seed: int) -> np.ndarray:
    """(steps, batch_size) places of the samples that `training_graph` gives from memory.

    Args:
        size: number of training samples.
        batch_size, steps, seed: of the training.

    >>> order_of_steps(4, 3, 3, seed=0).tolist()
    [[2, 1, 0], [3, 1, 2], [0, 3, 3]]
    """
    leave_devices_alone()
    epochs = -(-steps * batch_size // size)
    rows = np.concatenate([np.asarray(_order(size, epoch, seed)) for epoch in range(epochs)])
    return rows[: steps * batch_size].reshape(steps, batch_size)


def _order(size: int, epoch, seed: int):
    """The samples of one epoch of samples in memory: depends on nothing that ran before."""
    import tensorflow as tf

    return tf.random.experimental.stateless_shuffle(tf.range(size), tf.stack([epoch, seed]))


def _from_memory(data: Arrays, weight, batch_size: int, seed: int, targets):
    """(number of the batch, samples, labels, weights), endless, across the ends of epochs."""
    import tensorflow as tf

    size, tensors = len(data), _tensors(data, weight, targets)

    def rows_of(epoch):
        return tf.data.Dataset.from_tensor_slices(_order(size, epoch, seed))

    rows = tf.data.Dataset.counter().flat_map(rows_of).batch(batch_size, drop_remainder=True)
    numbered = tf.data.Dataset.zip(tf.data.Dataset.counter(), rows)
    return _mapped(numbered, lambda counter, rows: (counter, *_gathered(tensors, rows)))


def _from_rows(data: Part, weight, batch_size: int, seed: int, targets):
    """As `_from_memory`, for samples that are too many to be held twice: read batch by batch."""
    import tensorflow as tf

    def batches():
        step = 0
        while True:
            rows = _order_of_step(len(data), batch_size, step, seed)
            yield step, *_batch(data, rows, weight[rows], targets)
            step += 1

    signature = (tf.TensorSpec((), "int64"), *_signature(data, batch_size, targets))
    return tf.data.Dataset.from_generator(batches, output_signature=signature)


def _order_of_step(size: int, batch_size: int, step: int, seed: int) -> np.ndarray:
    """(batch_size,) places of one step, across the ends of epochs."""
    places = np.arange(step * batch_size, (step + 1) * batch_size)
    return np.array([_epoch_order(size, place // size, seed)[place % size] for place in places])


@functools.lru_cache(maxsize=4)
def _epoch_order(size: int, epoch: int, seed: int) -> np.ndarray:
    return np.asarray(_order(size, epoch, seed))


def _from_disk(data: Rows, weight, batch_size: int, seed: int, targets, steps, first_epoch):
    """The same of samples that stay on disk, from an epoch on."""
    import tensorflow as tf

    places, label = np.arange(len(data)), data.label

    def batches():
        epoch = first_epoch
        while True:
            order = epoch_rows(label, places, steps * batch_size, epoch, seed, data.balanced)
            for step, chosen in enumerate(order.reshape(steps, batch_size)):
                yield epoch * steps + step, *_batch(data, chosen, weight[chosen], targets)
            epoch += 1

    signature = (tf.TensorSpec((), "int64"), *_signature(data, batch_size, targets))
    return tf.data.Dataset.from_generator(batches, output_signature=signature)


def _targets(data, names: Sequence[str], targets: np.ndarray | None) -> np.ndarray | None:
    """The targets, or shares of the classes where samples are mixed."""
    if targets is None and any(name in MIXINGS for name in names):
        return np.eye(len(data.classes), dtype="float32")
    return targets


def _tensors(data: Arrays, weight: np.ndarray, targets: np.ndarray | None):
    """Modalities, labels (N,) or, of targets, (N, T), and weights (N,) of all samples."""
    import tensorflow as tf

    modalities = {name: tf.constant(np.asarray(x)) for name, x in data.modalities.items()}
    label = data.label.astype("int32") if targets is None else targets[data.label]
    label = tf.constant(label)
    return modalities, label, tf.constant(np.asarray(weight, "float32"))


def _gathered(tensors, rows):
    import tensorflow as tf

    modalities, label, weight = tensors
    sample = {n: tf.cast(tf.gather(x, rows), "float32") for n, x in modalities.items()}
    return sample, tf.gather(label, rows), tf.gather(weight, rows)


def _mapped(dataset, function):
    """Maps in parallel and in order, without AutoGraph, which nothing here needs and which would
    wrap an `InputError`."""
    import tensorflow as tf

    function = tf.autograph.experimental.do_not_convert(function)
    return dataset.map(function, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)


def _augmented(sample: dict, label, weight, names: Sequence[str], counter, seed: int):
    """The samples, augmented by draws that depend on `counter`, `seed` and the place."""
    import tensorflow as tf

    size = label.shape[0] or tf.shape(label)[0]  # the last batch of one pass may be smaller
    return augment_all(sample, label, weight, names, draw_all(names, size, counter, seed))


def _samples(data, places) -> dict[str, np.ndarray]:
    if isinstance(data, Rows | Pool):
        return data.gather(places)
    if isinstance(data, Part):
        rows = data.rows[places]
        return {name: np.asarray(x[rows], "float32") for name, x in data.shared.items()}
    return {name: np.asarray(x[places], "float32") for name, x in data.modalities.items()}


def _batch(data, places, weight, targets):
    label = data.label[places].astype(np.int32)
    if targets is not None:
        label = targets[label]
    return _samples(data, places), label, weight.astype(np.float32)


def _signature(data, batch_size: int, targets):
    import tensorflow as tf

    shapes = {name: x.shape[1:] for name, x in _samples(data, np.array([0])).items()}
    modalities = {n: tf.TensorSpec((batch_size, *s), "float32") for n, s in shapes.items()}
    shape = (batch_size,) if targets is None else (batch_size, targets.shape[1])
    label = tf.TensorSpec(shape, "int32" if targets is None else "float32")
    return modalities, label, tf.TensorSpec((batch_size,))

"""The data graph of one long training: batches read from disk as they are needed.

What `merzoo.preprocessing.augment.training_graph` is for folds that fit in memory, this is for
pools that do not. Order and augmentation of an epoch depend on the seed and the epoch's number
alone, so a training that was stopped goes on with the batches that it would have had.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from merzoo.preprocessing.augment import AUGMENTATIONS, augmentation_names
from merzoo.training.pool import Pool


def epoch_rows(
    label: np.ndarray, rows: np.ndarray, size: int, epoch: int, seed: int, balanced: bool
) -> np.ndarray:
    """The `size` samples of one epoch, in random order.

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


def training_stream(
    pool: Pool,
    rows: np.ndarray,
    *,
    batch_size: int,
    steps: int,
    seed: int = 0,
    first_epoch: int = 0,
    augment: Sequence[str] = (),
    weight: np.ndarray | None = None,
    balanced: bool = False,
):
    """An endless `tf.data.Dataset` of full, shuffled, augmented batches, from an epoch on.

    Args:
        pool, rows: the samples, and those that are trained on.
        batch_size, steps: samples a batch, batches an epoch.
        seed, first_epoch: what order and augmentation depend on.
        augment: names from `merzoo.preprocessing.augment.AUGMENTATIONS`.
        weight: (N,) weight in the loss of each sample of the pool; `None` for 1.
        balanced: see `epoch_rows`.

    Returns:
        A dataset of ({modality: (B, ...) float32}, label (B,), weight (B,)).
    """
    import tensorflow as tf

    names = augmentation_names(augment)
    weight = np.ones(len(pool)) if weight is None else weight

    def batches():
        epoch = first_epoch
        while True:
            order = epoch_rows(pool.label, rows, steps * batch_size, epoch, seed, balanced)
            for step, chosen in enumerate(order.reshape(steps, batch_size)):
                yield epoch * steps + step, *_batch(pool, chosen, weight[chosen])
            epoch += 1

    def augmented(counter, sample, label, weight):
        for place, name in enumerate(names):
            sample = AUGMENTATIONS[name](sample, tf.stack([counter, seed * 1000 + place]))
        return sample, label, weight

    graph = tf.data.Dataset.from_generator(
        batches, output_signature=(tf.TensorSpec((), "int64"), *_signature(pool, batch_size))
    )
    return graph.map(tf.autograph.experimental.do_not_convert(augmented)).prefetch(2)


def ordered_stream(pool: Pool, rows: np.ndarray, batch_size: int, weight=None):
    """One pass over `rows` in order, in batches of one size, the last filled up with weight 0.

    The weights are scaled so that Keras' mean over all batches is the weighted mean over `rows`.
    """
    import tensorflow as tf

    count = -(-len(rows) // batch_size) * batch_size
    weight = np.ones(len(pool)) if weight is None else weight
    scaled = np.zeros(count)
    scaled[: len(rows)] = weight[rows] * count / weight[rows].sum()
    filled = np.resize(rows, count)

    def batches():
        for start in range(0, count, batch_size):
            part = slice(start, start + batch_size)
            yield _batch(pool, filled[part], scaled[part])

    graph = tf.data.Dataset.from_generator(batches, output_signature=_signature(pool, batch_size))
    graph = graph.apply(tf.data.experimental.assert_cardinality(count // batch_size))
    return graph.prefetch(2)


def _batch(pool: Pool, rows, weight):
    return pool.gather(rows), pool.label[rows].astype(np.int32), weight.astype(np.float32)


def _signature(pool: Pool, batch_size: int):
    import tensorflow as tf

    modalities = {n: tf.TensorSpec((batch_size, *s), "float32") for n, s in pool.shapes.items()}
    return modalities, tf.TensorSpec((batch_size,), "int32"), tf.TensorSpec((batch_size,))


def prediction_batches(data, batch_size: int) -> Iterator[tuple[dict[str, np.ndarray], int]]:
    """Batches of one constant shape in sample order, the last one padded with its first samples.

    Args:
        data: a `Pool`, or whatever has `modalities` (name -> array (N, ...)) and a length.
        batch_size: samples a batch.

    Yields:
        ({modality: (batch_size, ...) float32}, number of true samples in it).
    """
    for start in range(0, len(data), batch_size):
        rows = np.arange(start, min(start + batch_size, len(data)))
        padded = np.resize(rows, batch_size)
        if isinstance(data, Pool):
            batch = data.gather(padded)
        else:
            batch = {n: np.asarray(x[padded], "float32") for n, x in data.modalities.items()}
        yield batch, len(rows)

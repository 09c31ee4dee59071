"""One training on several devices of one machine, by the means of the backend itself.

JAX: `keras.distribution.DataParallel`; TensorFlow: `tf.distribute.MirroredStrategy`. Every device
gets an equal share of each batch and the same weights, so the steps are those of one device up to
rounding (and to BatchNorm on TensorFlow, whose statistics are then of a share of the batch). Keras
has no such means on PyTorch.
"""

import contextlib
import functools
import os

import keras

from merzoo.errors import InputError
from merzoo.surroundings import ONE_THREAD, surroundings


@contextlib.contextmanager
def distributed(devices: str | list[str] | None, batch_size: int | None = None):
    """Everything inside (building, compiling, fitting) runs on several devices.

    Args:
        devices: `None` for one device as ever, `"all"`, or names, as the backend writes them:
            `["gpu:0", "gpu:1"]`.
        batch_size: of the training, checked to be shared out evenly; `None` for no check.

    Yields:
        The number of devices.

    Raises:
        InputError: on PyTorch, for a name of no device, or a batch that cannot be shared evenly.

    Example:

    >>> with distributed(None) as count:
    ...     count
    1
    """
    if devices is None:
        yield 1
        return
    backend = keras.backend.backend()
    if backend not in _BACKENDS:
        raise InputError(
            f"devices={devices!r}: Keras trains on one device with the backend {backend}; set "
            f"KERAS_BACKEND=jax or KERAS_BACKEND=tensorflow."
        )
    names, scope = _BACKENDS[backend]
    chosen = names() if devices == "all" else [str(name).lower() for name in devices]
    unknown = [name for name in chosen if name not in names()]
    if unknown:
        raise InputError(f"devices: {unknown[0]!r} is none of {', '.join(names())}.")
    if batch_size is not None and batch_size % len(chosen):
        raise InputError(
            f"a batch of {batch_size} cannot be shared evenly by {len(chosen)} devices; choose a "
            f"multiple."
        )
    with scope(chosen):
        yield len(chosen)


def threads_used() -> dict:
    """Threads that this process computes with, and what follows from their number, for cards.

    A process that trains beside others has one (`merzoo.surroundings.ONE_THREAD`).

    >>> sorted(threads_used())
    ['each', 'why']
    """
    each = surroundings()["processors"]
    if all(os.environ.get(name) == value for name, value in ONE_THREAD.items()):
        each = 1
    return {
        "each": each,
        "why": "Several threads add the parts of a sum in another order than one does: folds of "
        "the same seed that were trained by another number of threads differ in their last digits.",
    }


def xla_pays(devices=None) -> bool:
    """Whether to compile with XLA.

    Always on JAX. On TensorFlow with a GPU, unless there are several devices, where XLA cannot
    reach the copies of a variable; on a CPU its gradients of convolutions are slower than
    TensorFlow's own. Not on PyTorch, where `torch.compile` takes minutes where it works at all.

    Args:
        devices: as for `distributed`.
    """
    backend = keras.backend.backend()
    if backend != "tensorflow" or devices is not None:
        return backend == "jax"
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


def _jax_names() -> list[str]:
    return keras.distribution.list_devices()


@contextlib.contextmanager
def _jax_scope(names: list[str]):
    before = keras.distribution.distribution()
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=names))
    try:
        yield
    finally:
        keras.distribution.set_distribution(before)


def _tensorflow_names() -> list[str]:
    import tensorflow as tf

    for kind in ("GPU", "CPU"):
        found = tf.config.list_logical_devices(kind)
        if found:
            return [device.name.removeprefix("/device:").lower() for device in found]
    return []


def _tensorflow_scope(names: list[str]):
    return _strategy(tuple(name.upper() for name in names)).scope()


@functools.cache
def _strategy(names: tuple[str, ...]):
    """One strategy for the same devices: TensorFlow does not let two of them mix."""
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(names)


_BACKENDS = {
    "jax": (_jax_names, _jax_scope),
    "tensorflow": (_tensorflow_names, _tensorflow_scope),
}

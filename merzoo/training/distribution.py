"""One training on several devices of one machine, by the means of the backend itself.

JAX: `keras.distribution.DataParallel`; TensorFlow: `tf.distribute.MirroredStrategy`. Every device
gets an equal share of each batch and the same weights, so the steps are those of one device up to
rounding (and to BatchNorm on TensorFlow, whose statistics are then of a share of the batch). Keras
has no such means on PyTorch.
"""

import contextlib
import functools

import keras

from merzoo.errors import InputError


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


def can_compile(devices) -> bool:
    """Whether XLA is of use: `torch.compile` takes minutes where it works at all, and TensorFlow's
    XLA cannot reach the copies of a variable on other devices."""
    backend = keras.backend.backend()
    return backend == "jax" or (backend == "tensorflow" and devices is None)


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

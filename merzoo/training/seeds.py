"""Fresh models that depend on their seed and on nothing else."""

import contextlib
import random
from collections.abc import Iterator

import keras
from keras.src.random import seed_generator


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """What is built inside gets the values that `keras.utils.set_random_seed(seed)` gives it.

    Keras draws the seeds of initializers and dropout from Python's global generator. Other threads
    of the process draw from that too, such as the event loop of a Dask worker, and would change the
    model; so Keras gets a generator of its own. (There is no public way to give it one.)

    Example:

    >>> with seeded(0):
    ...     one = keras.initializers.RandomNormal()((2,))
    >>> with seeded(0):
    ...     other = keras.initializers.RandomNormal()((2,))
    >>> bool(keras.ops.all(one == other))
    True
    """
    keras.utils.set_random_seed(seed)
    everyones = seed_generator.python_random
    seed_generator.python_random = random.Random(seed)
    try:
        yield
    finally:
        seed_generator.python_random = everyones

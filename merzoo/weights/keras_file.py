"""Models from `.keras` files, without ever running code that the file brings."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from merzoo.errors import InputError

if TYPE_CHECKING:
    import keras


def load_keras(path: str | os.PathLike) -> "keras.Model":
    """A model from a `.keras` file, without ever running code that the file brings.

    Raises:
        InputError: if there is no such file, it is damaged, or it holds layers that merzoo and
            Keras do not have or that would run code of their own.
    """
    import keras

    import merzoo.layers  # noqa: F401 - known to Keras once imported

    if not Path(path).is_file():
        raise InputError(f"{path}: no such file.")
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # of zip, JSON, HDF5 and Keras, whatever a damaged file provokes
        line = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{path}: cannot be loaded: {line}") from None

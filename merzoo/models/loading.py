"""One call for every form in which merzoo keeps a model: `merzoo.load_model`."""

import os
from pathlib import Path
from typing import Any

from merzoo.errors import InputError
from merzoo.models.registry import create_model
from merzoo.weights.entry import ENTRY_FILE, read_entry
from merzoo.weights.keras_file import load_keras
from merzoo.weights.load import shared_folder
from merzoo.weights.manifest import entries


def load_model(place: str | os.PathLike) -> Any:
    """A trained model, from wherever it is.

    Args:
        place: path of a `.keras` file (loaded in Keras' safe mode, uncompiled); the folder of a
            training run, on this machine or as `hf://OWNER/REPOSITORY` or `https://HOST/FOLDER`; or
            an id of `merzoo.list_models(weights=True)`.

    Returns:
        An uncompiled `keras.Model`.

    Raises:
        InputError: if there is none, or it is damaged.

    Example:

    >>> import merzoo
    >>> merzoo.load_model("ststnet.synthetic").output_shape
    (None, 3)
    """
    folder = shared_folder(place)
    if folder is not None:
        return create_model(read_entry(folder / ENTRY_FILE).network, weights=folder)
    if Path(place).suffix == ".keras":
        return load_keras(place)
    found = [entry for entry in entries() if entry.id == str(place)]
    if not found:
        raise InputError(
            f"{place}: no model: give a .keras file, the folder of a training run, or an id of "
            "merzoo weights list, such as ststnet.synthetic."
        )
    return create_model(found[0].network, weights=found[0].id)

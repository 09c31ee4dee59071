"""Weights of a trunk that was trained on photographs, put into the layers of a network.

The file is an `.npz` of arrays named `layer/variable`, such as `conv_1/kernel`, in Keras' shapes.
`tools/convert_trunk_torch.py` writes it of a PyTorch state dict; nothing of it comes with merzoo.
"""

import os
from collections.abc import Sequence

import keras
import numpy as np

from merzoo.errors import InputError
from merzoo.limits import regular_file


def load_trunk(
    model: keras.Model, path: str | os.PathLike | None, layers: Sequence[str], streams=("",)
) -> None:
    """Puts the weights of a file into the trunk of a just built model, if any is given.

    Args:
        model: a network of merzoo.
        path: of the `.npz` file; `None` leaves the trunk as it is.
        layers: names of the trunk's layers, all of which the file holds and no others.
        streams: what stands before these names in the model, once for each copy of the trunk.

    Raises:
        InputError: for a missing or damaged file, or weights of another network.

    Example:

    >>> import tempfile
    >>> inputs = keras.Input((4,))
    >>> model = keras.Model(inputs, keras.layers.Dense(2, name="left_dense")(inputs))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/t.npz", **{"dense/kernel": np.ones((4, 2)), "dense/bias": [1, 2]})
    ...     load_trunk(model, f"{folder}/t.npz", ["dense"], streams=["left_"])
    >>> model.predict_on_batch(np.ones((1, 4))).tolist()
    [[5.0, 6.0]]
    """
    if path is None:
        return
    found = _read(path)
    variables = {
        f"{name}/{variable.name}": [
            model.get_layer(f"{stream}{name}").variables[place] for stream in streams
        ]
        for name in layers
        for place, variable in enumerate(model.get_layer(f"{streams[0]}{name}").variables)
    }
    for name, copies in variables.items():
        shape = tuple(copies[0].shape)
        if name not in found:
            raise InputError(f"{path}: {name!r} is missing: not the weights of this trunk.")
        if found[name].shape != shape:
            raise InputError(
                f"{path}: {name!r} has the shape {found[name].shape}, the network {shape}."
            )
    for name in found:
        if name not in variables:
            raise InputError(f"{path}: {name!r} belongs to another network.")
    for name, copies in variables.items():
        for variable in copies:
            variable.assign(found[name])


def _read(path) -> dict[str, np.ndarray]:
    try:
        regular_file(path)
        with np.load(path, allow_pickle=False) as archive:
            found = {name: archive[name] for name in archive.files}
    except InputError:
        raise
    except Exception as error:  # of zip, zlib and NumPy, whatever a damaged file provokes
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path}: no .npz of weights ({reason}).") from None
    for name, values in found.items():
        if values.dtype.kind not in "fiu" or not np.isfinite(values).all():
            raise InputError(f"{path}: {name!r} holds what is no number.")
    return found

"""Loading a file of weights into a built model, and the arguments that make the model it fits."""

import os
import warnings
from pathlib import Path
from typing import Any

from merzoo.errors import InputError
from merzoo.weights.download import ADDRESSES, fault, fetch, fetch_folder
from merzoo.weights.entry import ENTRY_FILE, WeightsEntry, read_entry
from merzoo.weights.manifest import find


def load(model: Any, weights: str | os.PathLike) -> None:
    """Loads a `.weights.h5` file into a model of the same architecture.

    Args:
        model: just built.
        weights: path of the file, or of the folder of a training run. Tags of the manifest are
            `merzoo.create_model`'s, which also knows the arguments that fit them.

    Raises:
        InputError: if there is no such file, it is damaged, or it holds another network's weights.

    Example:

    >>> import tempfile
    >>> import merzoo
    >>> model = merzoo.create_model("ststnet")
    >>> path = Path(tempfile.mkdtemp()) / "mine.weights.h5"
    >>> model.save_weights(path)
    >>> load(merzoo.create_model("ststnet"), path)
    """
    path = Path(weights)
    if (path / ENTRY_FILE).is_file():
        path, _ = _of_run(path)
    if not path.is_file() or not path.name.endswith(".weights.h5"):
        raise InputError(
            f"weights={str(weights)!r}: no such file; give the path of a .weights.h5 file of "
            f"{model.name}, a tag to merzoo.create_model, or weights=None for fresh weights."
        )
    with warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter("always")
        try:
            model.load_weights(path)
        except Exception as error:  # of HDF5 and Keras, whatever a damaged file provokes
            line = (str(error).splitlines() or [type(error).__name__])[0]
            raise InputError(f"{path}: cannot be loaded into {model.name}: {line}") from None
    skipped = [str(w.message) for w in noted if "freshly-initialized" in str(w.message)]
    if skipped:  # Keras only warns where the file lacks a group of layers
        raise InputError(f"{path}: does not hold all of {model.name}: {skipped[0]}")


def locate(weights: str | os.PathLike, network: str) -> tuple[Path, WeightsEntry | None]:
    """The file that `weights` names, and its entry where it has one.

    Args:
        weights: a tag or id of the manifest (downloaded if it has to be), the folder of a training
            run that holds `weights.json` (also as an address, `hf://OWNER/REPOSITORY` or
            `https://HOST/FOLDER`), that file itself, or the path of a `.weights.h5` file, whose
            entry is that of the `weights.json` beside it, where there is one.
        network: name of the variant.

    Raises:
        InputError: if there is none, it is of another network, or it is not what its entry says.
    """
    path = shared_folder(weights) or Path(weights)
    folder = path if path.is_dir() else path.parent
    named = path.is_dir() or path.name == ENTRY_FILE or path.name.endswith(".weights.h5")
    if named and (folder / ENTRY_FILE).is_file():
        entry = read_entry(folder / ENTRY_FILE)
        if not path.name.endswith(".weights.h5") or path.name == entry.file:
            if entry.network != network:
                raise InputError(f"{path}: holds weights of {entry.network}, not of {network}.")
            return _of_run(folder)
    if path.name.endswith(".weights.h5") or path.name != str(weights):
        return path, None
    try:
        entry = find(str(weights), network)
    except InputError:
        if not path.is_dir():
            raise
        raise InputError(
            f"{path}: this folder lacks {ENTRY_FILE}, which describes its weights; give the folder "
            f"that merzoo pretrain wrote, or a .weights.h5 file."
        ) from None
    return fetch(entry), entry


def shared_folder(place: str | os.PathLike) -> Path | None:
    """The folder of a training run that `place` is or, downloaded, is the address of; else `None`.

    Raises:
        InputError: if an address cannot be reached, or has no such folder.
    """
    if isinstance(place, str) and place.startswith(ADDRESSES):
        return fetch_folder(place)
    return Path(place) if (Path(place) / ENTRY_FILE).is_file() else None


def fitting_arguments(network: str, arguments: dict) -> dict:
    """Arguments of a builder, completed by those that the weights among them were trained with.

    Args:
        network: name of the variant.
        arguments: what the caller gave, with `weights` among it.

    Returns:
        The arguments of the builder, `weights` being the path of a file.

    Raises:
        InputError: if the caller asks for something else than the weights are, naming it.
    """
    weights = arguments["weights"]
    file, entry = locate(weights, network)
    if entry is None:
        return arguments | {"weights": file}
    fitting = {"classes": len(entry.classes)} | entry.model_arguments
    for name, value in fitting.items():
        headless = name == "classes" and arguments.get("include_top") is False
        if name in arguments and not headless and _plain(arguments[name]) != _plain(value):
            classes = f" ({', '.join(entry.classes)})" if name == "classes" else ""
            raise InputError(
                f"{name}={arguments[name]!r}: {entry.id} has {name}={value!r}{classes}; leave "
                f"{name} out, or give weights=None for a fresh model."
            )
    return fitting | arguments | {"weights": file}


def _of_run(folder: Path) -> tuple[Path, WeightsEntry]:
    """The checked file of weights in the folder of a training run, and its entry."""
    entry = read_entry(folder / ENTRY_FILE)
    wrong = fault(folder / entry.file, entry)
    if wrong is not None:
        raise InputError(f"{folder / entry.file}: not what {ENTRY_FILE} says: {wrong}.")
    return folder / entry.file, entry


def _plain(value: Any) -> Any:
    """Lists and tuples alike."""
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value

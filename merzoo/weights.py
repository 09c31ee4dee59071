"""Loading of trained weights into a built model: never random weights in place of missing ones."""

from pathlib import Path

from merzoo.errors import InputError


def load(model, weights: str | Path) -> None:
    """Loads a `.weights.h5` file into a model of the same architecture.

    Args:
        model: just built.
        weights: path of the file.

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
    if not path.is_file() or not path.name.endswith(".weights.h5"):
        raise InputError(
            f"weights={str(weights)!r}: no such file; give the path of a .weights.h5 file of "
            f"{model.name}, or weights=None for fresh weights."
        )
    try:
        model.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        line = str(error).splitlines()[0]
        raise InputError(f"{path}: cannot be loaded into {model.name}: {line}") from None

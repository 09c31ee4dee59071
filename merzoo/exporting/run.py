"""Runs an exported model, whatever its format: for checks, benchmarks and as an example."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from merzoo.errors import InputError
from merzoo.exporting.formats import FORMATS, format_named

Run = Callable[[Mapping[str, np.ndarray]], np.ndarray]


def load_export(path: str | Path) -> Run:
    """Opens an export in the runtime of its format, on the CPU.

    Args:
        path: a SavedModel folder, or a file `.onnx`, `.tflite` or `.xml` (OpenVINO).

    Returns:
        A function from named inputs (B, ...) to the output (B, classes). Any batch size will do.

    Raises:
        InputError: for a path that is none of these.
    """
    path = Path(path)
    formats = {found.SUFFIX: found for found in map(format_named, FORMATS)}
    if (path / "saved_model.pb").is_file():
        return formats[""].load(path)
    if path.is_file() and path.suffix in formats:
        return formats[path.suffix].load(path)
    endings = ", ".join(filter(None, formats))
    raise InputError(f"{path}: no export; give a SavedModel folder or a file {endings}.")

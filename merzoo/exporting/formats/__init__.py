"""The formats of an export, one file each: its name is what `--format` takes.

A file holds `SUFFIX`, the ending of an export's path; `PACKAGES`, the modules that it needs;
`convert(saved, serve, target, properties, representative)`, which writes `target` from a SavedModel
(`serve` is its function, `properties` its classes and card as text, `representative` the named
inputs that 8-bit scales are chosen by, or `None`); and `load(path)`, which opens an export as a
function from named inputs to the output.
"""

import importlib
import pkgutil
from types import ModuleType

from merzoo.errors import unknown

FORMATS = tuple(module.name for module in pkgutil.iter_modules(__path__))


def format_named(name: str) -> ModuleType:
    """The file of a format; raises `InputError` with the nearest name if there is none.

    >>> format_named("onnx").SUFFIX
    '.onnx'
    """
    if name not in FORMATS:
        raise unknown("export format", name, FORMATS)
    return importlib.import_module(f"{__name__}.{name}")

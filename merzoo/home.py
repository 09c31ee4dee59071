"""The folder for downloads, generated data and caches: `MERZOO_HOME`, else `~/.cache/merzoo`."""

import os
from pathlib import Path


def home(*parts: str) -> Path:
    """The path of `parts` inside merzoo's home folder (not created).

    >>> home("cache", "flow").name
    'flow'
    """
    root = os.environ.get("MERZOO_HOME") or Path.home() / ".cache" / "merzoo"
    return Path(root).joinpath(*parts)

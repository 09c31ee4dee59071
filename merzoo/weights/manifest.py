"""The weights that this project trained: their list, where their files lie, and finding one.

The list and the small files under the licence of the code are part of every installation
(`merzoo/weights/files`). Large ones, and those for research only, lie in `weights` of the source
tree, and are downloaded elsewhere: see `download.py`.
"""

import fnmatch
import importlib.resources
from pathlib import Path

from merzoo.errors import InputError, unknown
from merzoo.home import homes
from merzoo.weights.entry import WeightsEntry, read_entries

MANIFEST = "manifest.json"


def files_folder() -> Path:
    """The folder of the list, and of the files that come with every installation."""
    return Path(str(importlib.resources.files("merzoo.weights"))) / "files"


def tree_folder() -> Path:
    """The folder of the other files, where merzoo runs from its source tree."""
    return Path(__file__).resolve().parents[2] / "weights"


def places(entry: WeightsEntry) -> dict[Path, str]:
    """Where the file of an entry may lie -> what that place is called, the nearest first."""
    return {
        files_folder() / entry.file: "package",
        tree_folder() / entry.file: "source tree",
        **{path: "home" for path in homes("weights", entry.file)},
    }


def entries(pattern: str = "*") -> list[WeightsEntry]:
    """The entries whose id or network matches a shell-style wildcard, sorted by id.

    >>> [entry.id for entry in entries("stst*.synthetic")]
    ['ststnet.synthetic']
    """
    found = read_entries(files_folder() / MANIFEST)
    chosen = [e for e in found if any(fnmatch.fnmatch(t, pattern) for t in (e.id, e.network))]
    return sorted(chosen, key=lambda entry: entry.id)


def find(weights: str, network: str) -> WeightsEntry:
    """The entry of a network for a tag (`"synthetic"`) or a whole id (`"dfrnet.synthetic"`).

    Raises:
        InputError: if there is none, or it belongs to another network.
    """
    known = {entry.id: entry for entry in entries()}
    wanted = weights if "." in weights else f"{network}.{weights}"
    of_network = [name for name, entry in known.items() if entry.network == network]
    if wanted in known and known[wanted].network != network:
        raise InputError(
            f"weights={weights!r} are of {known[wanted].network}, not of {network}: "
            f"create_model({known[wanted].network!r}, weights={weights!r}) takes them."
        )
    if wanted not in known and not of_network:
        raise InputError(
            f"weights={weights!r}: there are no trained weights for {network}; give None or the "
            f"path of a .weights.h5 file. merzoo weights list shows what there is."
        )
    if wanted not in known:
        hint = "merzoo weights list shows all; a file's name ends in .weights.h5."
        raise unknown("weights", wanted, of_network, hint)
    return known[wanted]

"""The weights that this project trained: `weights/manifest.json`, and finding an entry of it."""

import fnmatch
import importlib.metadata
from pathlib import Path

from merzoo.errors import InputError, unknown
from merzoo.weights.entry import WeightsEntry, read_entries

MANIFEST = "manifest.json"


def weights_folder() -> Path:
    """The folder of the manifest: `weights` of the source tree, or where pip installed it.

    Raises:
        InputError: if this installation has none.
    """
    tree = Path(__file__).resolve().parents[2] / "weights"
    if (tree / MANIFEST).is_file():
        return tree
    try:
        files = importlib.metadata.files("merzoo") or ()
    except importlib.metadata.PackageNotFoundError:
        files = ()
    for file in files:
        if file.parts[-3:] == ("merzoo", "weights", MANIFEST):
            return Path(file.locate()).resolve().parent
    raise InputError("This installation has no list of weights: install merzoo again with pip.")


def entries(pattern: str = "*") -> list[WeightsEntry]:
    """The entries whose id or network matches a shell-style wildcard, sorted by id.

    >>> [entry.id for entry in entries("ststnet.syn*")]
    ['ststnet.synthetic']
    """
    found = read_entries(weights_folder() / MANIFEST)
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

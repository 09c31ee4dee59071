"""What `predict` and the page take where no network is named.

Of the weights that any installation has, those that reached most on real flow images that they had
never seen (`benchmarks/README.md`, "Invented faces and real ones").
"""

import os

from merzoo.models.registry import list_models
from merzoo.weights.entry import ENTRY_FILE, read_entry
from merzoo.weights.load import shared_folder
from merzoo.weights.manifest import entries

DEFAULT_MODEL, DEFAULT_WEIGHTS = "offapexnet", "synthetic"
UNIT_WEIGHTS = "ststnet.synthetic-au"  # that go with weights of invented faces


def network_of(weights: str | os.PathLike | None) -> str:
    """The network of weights that say it: the folder of a training run, here or at an address, or
    an id; else the default.

    Raises:
        InputError: for an address that cannot be reached, or a damaged `weights.json`.

    >>> network_of(None), network_of("dfrnet.synthetic"), network_of("synthetic")
    ('offapexnet', 'dfrnet', 'offapexnet')
    """
    if weights is None:
        return DEFAULT_MODEL
    folder = shared_folder(weights)
    if folder is not None:
        network = read_entry(folder / ENTRY_FILE).network
        return network if network in list_models(kind="network") else DEFAULT_MODEL
    return {entry.id: entry.network for entry in entries()}.get(str(weights), DEFAULT_MODEL)

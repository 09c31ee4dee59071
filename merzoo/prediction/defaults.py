"""What `predict` and the page take where no network is named.

Of the weights that any installation has, those that reached most on real flow images that they had
never seen (`benchmarks/README.md`, "Invented faces and real ones").
"""

import os
from pathlib import Path

from merzoo.models.registry import list_models
from merzoo.weights.entry import ENTRY_FILE, read_entry
from merzoo.weights.manifest import entries

DEFAULT_MODEL, DEFAULT_WEIGHTS = "offapexnet", "synthetic"
UNIT_WEIGHTS = "ststnet.synthetic-au"  # that go with weights of invented faces


def network_of(weights: str | os.PathLike | None) -> str:
    """The network of weights that say it: the folder of a training run, or an id; else the default.

    Raises:
        InputError: for a folder whose `weights.json` is damaged.

    >>> network_of(None), network_of("dfrnet.synthetic"), network_of("synthetic")
    ('offapexnet', 'dfrnet', 'offapexnet')
    """
    if weights is None:
        return DEFAULT_MODEL
    card = Path(weights) / ENTRY_FILE
    if card.is_file():
        network = read_entry(card).network
        return network if network in list_models(kind="network") else DEFAULT_MODEL
    return {entry.id: entry.network for entry in entries()}.get(str(weights), DEFAULT_MODEL)

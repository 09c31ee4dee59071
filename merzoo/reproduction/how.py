"""How the rows of papers' tables are run, whatever they are of."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field

from merzoo.arguments import MOST_JOBS, MOST_SEEDS, whole_number
from merzoo.errors import InputError
from merzoo.evaluation.runs.cluster import check_cluster
from merzoo.models.registry import create_model, entry


@dataclass(frozen=True)
class How:
    """How rows are run, whatever they are of; see `merzoo.reproduction.reproduce`."""

    quick: bool = False
    labels: str | None = None
    epochs: int | None = None
    parameters: dict | None = None
    seeds: int = 1
    jobs: int = 1
    cluster: str | None = None
    trunks: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self):
        whole_number("seeds", self.seeds, most=MOST_SEEDS)
        whole_number("jobs", self.jobs, most=MOST_JOBS)
        if self.epochs is not None:
            whole_number("epochs", self.epochs)
        if self.cluster is not None:  # before rows fail one by one
            check_cluster(self.cluster)
        if self.trunks and self.quick:
            raise InputError(
                "trunks are of whole networks, and quick runs small ones: give one of the two."
            )
        for network, file in self.trunks.items():
            if "weights_backbone" not in inspect.signature(entry(network).builder).parameters:
                raise InputError(f"trunks: {network} takes no weights of a trunk.")
            create_model(network, weights_backbone=file)  # or says why the file cannot be used

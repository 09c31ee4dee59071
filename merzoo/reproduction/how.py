"""How the rows of papers' tables are run, whatever they are of."""

from dataclasses import dataclass

from merzoo.arguments import MOST_JOBS, MOST_SEEDS, whole_number
from merzoo.evaluation.runs.cluster import check_cluster


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

    def __post_init__(self):
        whole_number("seeds", self.seeds, most=MOST_SEEDS)
        whole_number("jobs", self.jobs, most=MOST_JOBS)
        if self.epochs is not None:
            whole_number("epochs", self.epochs)
        if self.cluster is not None:  # before rows fail one by one
            check_cluster(self.cluster)

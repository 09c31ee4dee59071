"""How the rows of papers' tables are run, whatever they are of."""

from dataclasses import dataclass


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

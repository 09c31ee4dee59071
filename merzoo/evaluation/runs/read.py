"""A finished run, read back from its files alone."""

from dataclasses import dataclass, replace
from pathlib import Path

from merzoo.errors import InputError
from merzoo.evaluation.runs.folder import read_fold
from merzoo.evaluation.runs.schema import HINT, Card, Oracle, read_metrics
from merzoo.evaluation.scores.oracle import ORACLE_FILE
from merzoo.evaluation.scores.predictions import completed, metrics_of, read_predictions
from merzoo.schema import read_json


@dataclass(frozen=True)
class Run:
    """One run's folder.

    Args:
        folder: of the run.
        card: content of `protocol.json`.
        metrics: content of `metrics.json`.
        predictions: DataFrame of `predictions.csv`.
        oracle: content of `oracle.json`, or `None` where epochs were not audited.
        name: the folder's name, unless given.
    """

    folder: Path
    card: dict
    metrics: dict
    predictions: object
    oracle: dict | None = None
    name: str = ""

    def __post_init__(self):
        object.__setattr__(self, "name", self.name or self.folder.resolve().name)

    @property
    def deterministic(self) -> bool:
        """Whether the card says that every seed gives the same."""
        return bool(self.card.get("deterministic"))

    @property
    def classes(self) -> list[str]:
        """Names of the classes, in order."""
        return self.metrics["classes"]

    def renamed(self, name: str) -> "Run":
        """The run under another name."""
        return replace(self, name=name)

    def histories(self) -> list[dict[str, list[float]]]:
        """Training history of every finished fold of the run's seeds that has one."""
        found = []
        seeds = {f"seed{seed}" for seed in self.predictions["seed"]}
        for file in sorted((self.folder / "folds").glob("*.npz")):
            if file.name.split("-")[0] not in seeds:
                continue  # left by an earlier run with more seeds
            found.append(read_fold(file).history)
        return [history for history in found if history]


def load_run(path: str | Path) -> Run:
    """A run's folder, or a file of another model's predictions (see `merzoo.score`)."""
    path = Path(path)
    if path.is_dir() or not path.exists():
        return read_run(path)
    from merzoo.evaluation.scores.foreign import foreign_card, read_foreign

    table, classes = read_foreign([path])
    metrics = metrics_of(table, classes)
    card = foreign_card(path.stem, table, classes, [path])
    return Run(path, card, metrics, table, name=path.stem)


def read_run(folder: str | Path) -> Run:
    """Reads the folder that `merzoo evaluate` or `merzoo score` wrote.

    Raises:
        InputError: where the folder is missing, unfinished, or damaged: the message names the file
            and the field or row.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give the --out folder of an evaluation.")
    for name in ("protocol.json", "predictions.csv"):
        if not (folder / name).is_file():
            raise InputError(
                f"{folder}: holds no {name}: not a finished run of merzoo evaluate or merzoo score."
            )
    card = read_json(folder / "protocol.json", Card, HINT)
    predictions = read_predictions(folder / "predictions.csv", card["data"]["classes"])
    if (folder / "metrics.json").is_file():
        metrics = completed(_metrics(folder, card, predictions), predictions)
    else:
        metrics = metrics_of(predictions, card["data"]["classes"], bool(card.get("deterministic")))
    oracle = folder / ORACLE_FILE
    found = read_json(oracle, Oracle, HINT) if oracle.is_file() else None
    return Run(folder, card, metrics, predictions, found)


def _metrics(folder: Path, card: dict, predictions) -> dict:
    """The content of `metrics.json`, which must be of the same run as the other files."""
    metrics = read_metrics(folder / "metrics.json")
    clips = len(predictions) // predictions["seed"].nunique()
    for what, here, there in (
        ("classes", metrics["classes"], card["data"]["classes"]),
        ("seeds", metrics["seeds"], predictions["seed"].nunique()),
        ("clips", metrics["full"]["n"], clips),
    ):
        if here != there:
            raise InputError(
                f"{folder}: metrics.json is of the {what} {here}, the other files are of {there}: "
                f"one of them is cut or of another run; {HINT}."
            )
    return metrics

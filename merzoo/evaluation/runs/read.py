"""A finished run, read back from its files alone."""

from dataclasses import dataclass, replace
from pathlib import Path

from merzoo.errors import InputError
from merzoo.evaluation.runs.folder import read_fold
from merzoo.evaluation.runs.schema import HINT, Card, Oracle, read_metrics, read_unit_metrics
from merzoo.evaluation.scores.judges import judge_of, outputs_of
from merzoo.evaluation.scores.oracle import ORACLE_FILE
from merzoo.evaluation.scores.predictions import completed
from merzoo.metrics import CLASSIFY, UNITS
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
    def task(self) -> str:
        """What it was asked, see `merzoo.evaluation.tasks`."""
        return self.card.get("task", CLASSIFY)

    @property
    def deterministic(self) -> bool:
        """Whether the card says that every seed gives the same."""
        return bool(self.card.get("deterministic"))

    @property
    def classes(self) -> list[str]:
        """Names of the classes, in order; of a run of action units, of the units."""
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
    card = foreign_card(path.stem, table, classes, [path])
    metrics = judge_of(card).metrics_of(table, classes)
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
    judge, outputs = judge_of(card), outputs_of(card)
    predictions = judge.read_predictions(folder / "predictions.csv", outputs)
    if (folder / "metrics.json").is_file():
        metrics = _metrics(folder, card, predictions)
    else:
        metrics = judge.metrics_of(predictions, outputs, bool(card.get("deterministic")))
    oracle = folder / ORACLE_FILE
    found = read_json(oracle, Oracle, HINT) if oracle.is_file() else None
    return Run(folder, card, metrics, predictions, found)


def _metrics(folder: Path, card: dict, predictions) -> dict:
    """The content of `metrics.json`, which must be of the same run as the other files."""
    units = card.get("task") == UNITS
    metrics = (read_unit_metrics if units else read_metrics)(folder / "metrics.json")
    clips = len(predictions) // predictions["seed"].nunique()
    for what, here, there in (
        ("classes", metrics["classes"], outputs_of(card)),
        ("seeds", metrics["seeds"], predictions["seed"].nunique()),
        ("clips", metrics["full"]["n"], clips),
    ):
        if here != there:
            raise InputError(
                f"{folder}: metrics.json is of the {what} {here}, the other files are of {there}: "
                f"one of them is cut or of another run; {HINT}."
            )
    return metrics if units else completed(metrics, predictions)

"""`EvaluationResult`: what a run of classes found, for Python and notebooks."""

from dataclasses import dataclass, field
from pathlib import Path

from merzoo.evaluation.pages.paper_tables import beside_told, score_cells, score_columns
from merzoo.evaluation.runs.folder import RunFolder
from merzoo.pages.html_table import html_table


@dataclass(frozen=True)
class EvaluationResult:
    """Scores of one evaluation.

    Args:
        uf1, uar, accuracy: pooled over folds, mean over seeds, 0..1.
        by_dataset: name -> the same scores, counts and intervals within one dataset.
        metrics: the content of `metrics.json`.
        predictions: pandas DataFrame, one row a clip and seed.
        warnings: what a reader must know.
        preparation: what of the samples was spotted, left out or replaced, one line each.
        engine: `name` and `why` of the engine that trained; see `merzoo.training.engines`.
        deterministic: whether the model gives the same under every seed.
        folder: where everything was written.
        yardstick: what `flow-krr` reaches in the same folds, and the run less that, or why it is
            not known; see `merzoo.evaluation.runs.yardstick`. `None` for `flow-krr` itself.
        oracle: with `audit_epochs=True`, what choosing the epoch on test subjects would claim
            (not a result; see `merzoo.evaluation.scores.oracle`).
    """

    uf1: float
    uar: float
    accuracy: float
    by_dataset: dict
    metrics: dict = field(repr=False)
    predictions: object = field(repr=False)
    warnings: tuple[str, ...]
    folder: Path
    oracle: dict | None = None
    preparation: tuple[str, ...] = ()
    engine: dict | None = None
    deterministic: bool = False
    yardstick: dict | None = None

    def _repr_html_(self) -> str:
        parts = [("all", self.metrics["full"]), *sorted(self.by_dataset.items())]
        rows = [[name, *score_cells(part), part["n"], part["subjects"]] for name, part in parts]
        told = [*beside_told(self.metrics), *self.preparation, *self.warnings]
        told.append(f"Report: {self.folder / 'report.html'}")
        columns = ["", *score_columns(), "samples", "subjects"]
        return html_table(str(self.folder), columns, rows, " ".join(told))


def result_of(folder: RunFolder, metrics: dict, predictions, oracle=None, told=()):
    """The `EvaluationResult` of what a folder holds."""
    full = metrics["full"]
    return EvaluationResult(
        uf1=full["uf1"],
        uar=full["uar"],
        accuracy=full["accuracy"],
        by_dataset=metrics["by_dataset"],
        metrics=metrics,
        predictions=predictions,
        warnings=tuple(metrics["warnings"]),
        folder=folder.path,
        oracle=oracle,
        preparation=tuple(told),
        engine=folder.card.get("engine"),
        deterministic=bool(folder.card.get("deterministic")),
        yardstick=metrics.get("yardstick"),
    )

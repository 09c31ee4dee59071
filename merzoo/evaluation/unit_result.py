"""`UnitResult`: what a run of action units found, for Python and for the terminal."""

from dataclasses import dataclass, field
from pathlib import Path

from merzoo.evaluation.pages.unit_tables import part_rows, unit_rows
from merzoo.evaluation.scores.confidence import calibration_row

Table = tuple[str, list[str], list[list[str]]]


@dataclass(frozen=True)
class UnitResult:
    """What `evaluate_units` found: everything that `metrics.json` and `predictions.csv` hold.

    Args:
        macro_f1: mean F1 over the units, mean over seeds, 0..1.
        auc: mean area under their ROC curves; `None` where no unit is both there and absent.
        metrics: content of `metrics.json`.
        predictions: DataFrame of `predictions.csv`.
        warnings: what a reader must know before believing it.
        folder: where everything was written.
        preparation: how clips were made into samples, and which units are scored, in words.
        engine: what trained, and why.
    """

    macro_f1: float
    auc: float | None
    metrics: dict = field(repr=False)
    predictions: object = field(repr=False)
    warnings: tuple[str, ...]
    folder: Path
    preparation: tuple[str, ...] = ()
    engine: dict | None = None
    title: str = ""

    def tables(self) -> list[Table]:
        """(title, columns, rows) for the terminal: all data and by data set, then by unit."""
        columns, rows = part_rows(self.metrics)
        parts = (self.title, columns, rows)
        told = "\n".join(self.preparation)
        tables = [parts, (told, *unit_rows(self.metrics["full"]))]
        if self.metrics.get("calibration"):
            row = calibration_row(self.metrics["calibration"])
            tables.append(("confidence, calibrated on inner people", *row))
        return tables


def unit_result(folder, metrics: dict, predictions, told=()) -> UnitResult:
    """The `UnitResult` of what a folder holds."""
    card, full = folder.card, metrics["full"]
    seeds = f"{metrics['seeds']} seed" + ("s" if metrics["seeds"] > 1 else "")
    return UnitResult(
        macro_f1=full["macro_f1"],
        auc=full["auc"],
        metrics=metrics,
        predictions=predictions,
        warnings=tuple(metrics["warnings"]),
        folder=folder.path,
        preparation=tuple(told),
        engine=card.get("engine"),
        title=f"{card['model']}, action units, {card['protocol']}, {seeds}",
    )

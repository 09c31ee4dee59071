"""`report.html` of a run of action units: the scores of each unit beside what needs no network."""

from pathlib import Path

import numpy as np

from merzoo.evaluation.pages import plots
from merzoo.evaluation.pages.paper_tables import seeds_told
from merzoo.evaluation.pages.unit_tables import part_rows, unit_rows
from merzoo.evaluation.runs.read import Run
from merzoo.evaluation.scores.confidence import calibration_row
from merzoo.evaluation.scores.units import THRESHOLD
from merzoo.files import write_text
from merzoo.metrics import UNITS, headline
from merzoo.pages.figures import keep_figures
from merzoo.pages.render import render
from merzoo.preprocessing.preparation import preparation_told
from merzoo.training.confidence import RIGHT


def write_unit_report(run: Run) -> Path:
    """Writes `report.html` and `plots/` into the folder of a run of action units.

    Returns:
        The path of the page.
    """
    metrics, full = run.metrics, run.metrics["full"]
    figures = {"units": plots.units(full["units"])}
    histories = [h for h in run.histories() if {"loss", "accuracy"} <= set(h)]
    if histories:
        figures["training"] = plots.training_curves(histories)
    parts = [("", full)]
    if len(metrics["by_dataset"]) > 1:
        parts += sorted(metrics["by_dataset"].items())
    path = run.folder / "report.html"
    text = render(
        "unit_report.html",
        card=run.card,
        preparation=preparation_told(run.card.get("data", {}).get("preparation") or {}),
        metrics=metrics,
        seeds=seeds_told(run.card, metrics),
        threshold=THRESHOLD,
        headline=headline(UNITS),
        always_present=float(np.mean([unit["always_present"] for unit in full["units"]])),
        by_dataset=part_rows(metrics),
        by_unit=[(name, *unit_rows(part)) for name, part in parts],
        calibration=calibration_row(metrics["calibration"]) if "calibration" in metrics else None,
        right=RIGHT,
        svg=keep_figures(figures, run.folder / "plots"),
    )
    write_text(path, text)
    return path

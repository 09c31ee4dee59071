"""`report.html`: one self-contained page that says what was reached, how, and what to doubt.

Made from the files of a run's folder alone, so that it can be made again at any time; its plots are
kept beside it in `plots/` as PNG and PDF for papers.
"""

from pathlib import Path

import numpy as np

from merzoo.evaluation.pages import plots
from merzoo.evaluation.pages.hardest_clips import hardest_clips, read_pictures, write_pictures
from merzoo.evaluation.pages.paper_tables import (
    as_difference,
    classes_table,
    most_frequent,
    results_table,
    seeds_told,
)
from merzoo.evaluation.pages.unit_report import write_unit_report
from merzoo.evaluation.runs.read import Run, read_run
from merzoo.evaluation.scores.confidence import (
    calibrated_runs,
    calibration_row,
    risk_coverage,
)
from merzoo.evaluation.scores.predictions import runs_of
from merzoo.files import write_text
from merzoo.metrics import UF1, UNITS, headline
from merzoo.pages.figures import keep_figures
from merzoo.pages.render import render
from merzoo.preprocessing.arrays import Arrays
from merzoo.preprocessing.preparation import preparation_told
from merzoo.training.confidence import RIGHT


def write_report(
    folder: str | Path, samples: Arrays | None = None, *, pictures: bool = True
) -> Path:
    """Writes `report.html` and `plots/` into a run's folder, from its other files.

    Args:
        folder: of the run.
        samples: the samples that were tested, to draw the hardest clips; `None` uses the pictures
            that an earlier report kept, if any.
        pictures: show pictures of the hardest clips.

    Returns:
        The path of the page.

    Raises:
        InputError: for a folder that holds no finished run.
    """
    run = read_run(folder)
    if run.task == UNITS:
        return write_unit_report(run)
    hardest = hardest_clips(run.predictions, run.classes)
    if samples is not None:
        write_pictures(run.folder, hardest, samples)
    figures = draw_figures(run)
    svg = keep_figures(figures, run.folder / "plots")
    path = run.folder / "report.html"
    text = render(
        "report.html",
        run=run,
        card=run.card,
        preparation=preparation_told(run.card.get("data", {}).get("preparation") or {}),
        metrics=run.metrics,
        seeds=seeds_told(run.card, run.metrics),
        oracle=run.oracle,
        headline=headline(),
        most_frequent=most_frequent(run.metrics),
        yardstick=run.metrics.get("yardstick"),
        as_difference=as_difference,
        uf1=UF1,
        by_dataset=results_table(run.card, run.metrics),
        by_class=classes_table(run.card, run.metrics),
        confusions=[(name, _confusion(part)) for name, part in _parts(run.metrics)],
        calibration=calibration_row(run.metrics["calibration"]) if "coverage" in svg else None,
        right=RIGHT,
        hardest=hardest,
        pictures=read_pictures(run.folder) if pictures else {},
        svg=svg,
    )
    write_text(path, text)
    return path


def draw_figures(run: Run) -> dict:
    """Name -> matplotlib figure of everything that a run's files allow to be drawn."""
    _, label, _, probabilities = runs_of(run.predictions, run.classes)
    metrics, figures = run.metrics, {}
    if probabilities is not None and metrics.get("roc_auc"):
        figures["roc"] = plots.roc(label, probabilities, run.classes, metrics["roc_auc"])
        figures |= _confidence_figures(run, label, probabilities)
    counts = [(name, np.mean(part["confusion"], axis=0)) for name, part in _parts(metrics)]
    figures["confusion"] = plots.confusions(counts, run.classes)
    figures["subjects"] = _strip(run.predictions)
    if run.oracle:
        figures["oracle"] = plots.oracle_bars(run.oracle)
        figures["oracle-epochs"] = plots.oracle_epochs(run.oracle)
    histories = [h for h in run.histories() if {"loss", "accuracy"} <= set(h)]
    if histories:
        figures["training"] = plots.training_curves(histories)
    return figures


def _parts(metrics: dict) -> list[tuple[str, dict]]:
    """The scores of all samples, and of each data set where there are several."""
    by_dataset = sorted(metrics["by_dataset"].items())
    return [("all", metrics["full"]), *(by_dataset if len(by_dataset) > 1 else [])]


def _confidence_figures(run: Run, label, probabilities) -> dict:
    """What the probabilities say of themselves; where inner people gave a temperature, before and
    after it, and what is right of what is answered."""
    part, found = run.metrics.get("calibration"), calibrated_runs(run.predictions, probabilities)
    if not part or found is None:
        rows = [("this run", probabilities, run.metrics["ece"])]
        return {"calibration": plots.calibration(label, rows)}
    calibrated, _ = found
    rows = [("as the network says", probabilities, part["ece_before"])]
    rows += [("calibrated on inner people", calibrated, part["ece"])]
    curves = [risk_coverage(one.max(-1), one.argmax(-1) == label) for one in calibrated]
    return {
        "calibration": plots.calibration(label, rows),
        "coverage": plots.coverage(curves, part),
    }


def _confusion(part: dict) -> list[list[tuple[float, float]]]:
    """Rows of (mean count over seeds, share of the row)."""
    counts = np.mean(part["confusion"], axis=0)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    return [
        list(zip(c, s, strict=True)) for c, s in zip(counts.tolist(), shares.tolist(), strict=True)
    ]


def _strip(predictions):
    right = predictions["label"] == predictions["predicted"]
    by_subject = right.groupby(predictions["subject"])
    seeds = predictions["seed"].nunique()
    correct, total = by_subject.sum() / seeds, by_subject.size() / seeds
    return plots.subject_strip(list(correct.index), correct.tolist(), total.tolist())

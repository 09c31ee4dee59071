"""`report.html`: one self-contained page that says what was reached, how, and what to doubt."""

from pathlib import Path

import numpy as np

from merzoo.evaluation import plots


def write_report(folder: Path, card: dict, metrics: dict, predictions, results) -> Path:
    """Writes `report.html` into a run's folder.

    Args:
        folder: of the run.
        card: content of `protocol.json`.
        metrics: content of `metrics.json`.
        predictions: DataFrame of `predictions.csv`.
        results: (job, result) pairs, for the training curves.

    Returns:
        The path of the page.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("merzoo.evaluation", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["score"] = lambda value: f"{value:.3f}"
    histories = [r.history for _, r in results if {"loss", "accuracy"} <= set(r.history)]
    page = environment.get_template("report.html").render(
        card=card,
        metrics=metrics,
        rows=[("All", metrics["full"]), *sorted(metrics["by_dataset"].items())],
        confusions=[
            (name, _confusion(part))
            for name, part in [("All", metrics["full"]), *sorted(metrics["by_dataset"].items())]
        ],
        curves=plots.training_curves(histories) if histories else None,
        strip=_strip(predictions),
    )
    path = folder / "report.html"
    path.write_text(page)
    return path


def _confusion(part: dict) -> list[list[tuple[float, float]]]:
    """Rows of (mean count over seeds, share of the row)."""
    counts = np.mean(part["confusion"], axis=0)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    return [
        list(zip(c, s, strict=True)) for c, s in zip(counts.tolist(), shares.tolist(), strict=True)
    ]


def _strip(predictions) -> str:
    right = predictions["label"] == predictions["predicted"]
    by_subject = right.groupby(predictions["subject"])
    seeds = predictions["seed"].nunique()
    correct, total = by_subject.sum() / seeds, by_subject.size() / seeds
    return plots.subject_strip(list(correct.index), correct.tolist(), total.tolist())

"""Figures of scores: confusion matrices, ROC curves, losses by epoch."""

from collections.abc import Sequence

import numpy as np

from merzoo.errors import InputError
from merzoo.evaluation.pages import plots
from merzoo.evaluation.scores.predictions import runs_of
from merzoo.pages.figures import as_svg, close
from merzoo.reproduction.drawings.given import Given


def confusion(given: Given, runs: Sequence[str], parts: Sequence[str] = ("full",)) -> str:
    """Confusion matrices, one for each run and part of its data.

    Args:
        given: with the runs.
        runs: such as `"table10/ours"`; runs of other classes than the first's have their own rows.
        parts: `"full"`, or data sets within the run; those that a run lacks are left out.
    """
    matrices, classes = [], None
    for name in runs:
        run = given.run(name)
        classes = classes or run.classes
        if run.classes != classes:
            raise InputError(f"{name} has the classes {run.classes}, the others {classes}.")
        found = {"full": run.metrics["full"]}
        found |= {k.lower(): part for k, part in run.metrics["by_dataset"].items()}
        for part in parts:
            if part in found:
                title = name if len(parts) == 1 else f"{name}: {part}"
                matrices.append((title, np.mean(found[part]["confusion"], axis=0)))
    return _svg(plots.confusions(matrices, classes))


def roc(given: Given, run: str) -> str:
    """ROC curve of each class of a run, with the area under it.

    Args:
        given: with the run.
        run: such as `"table3/broadbent/kfold"`.
    """
    found = given.run(run)
    _, label, _, probabilities = runs_of(found.predictions, found.classes)
    if probabilities is None or not found.metrics.get("roc_auc"):
        raise InputError(f"{run} has no probabilities.")
    return _svg(plots.roc(label, probabilities, found.classes, found.metrics["roc_auc"]))


def curves(given: Given, run: str) -> str:
    """Loss and accuracy by epoch over the folds of a run.

    Args:
        given: with the run.
        run: such as `"table10/ours"`.
    """
    histories = [h for h in given.run(run).histories() if {"loss", "accuracy"} <= set(h)]
    if not histories:
        raise InputError(f"{run} has no record of its epochs.")
    return _svg(plots.training_curves(histories))


def _svg(figure) -> str:
    text = as_svg(figure)
    close([figure])
    return text

"""Figures of scores: confusion matrices and ROC curves."""

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
        runs: such as `"table10/ours"`; those of the same classes stand together, those that were
            not made are left out as far as there is one.
        parts: `"full"`, or data sets within the run; those that a run lacks are left out.
    """
    groups: dict[tuple[str, ...], list] = {}
    for name in given.there(runs) or runs:
        run = given.run(name)
        found = {"full": run.metrics["full"]}
        found |= {k.lower(): part for k, part in run.metrics["by_dataset"].items()}
        for part in parts:
            if part in found:
                title = ", ".join([given.title(name), *([part] if len(parts) > 1 else [])])
                matrix = np.mean(found[part]["confusion"], axis=0)
                groups.setdefault(tuple(run.classes), []).append((title, matrix))
    return "".join(_svg(plots.confusions(group, list(names))) for names, group in groups.items())


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


def _svg(figure) -> str:
    text = as_svg(figure)
    close([figure])
    return text

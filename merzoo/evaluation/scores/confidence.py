"""What a fold's inner people say of its confidence, and what that is worth on its test people.

In every fold a temperature and a least confidence to answer with are chosen on the answers about
inner people (`merzoo.training.confidence`), who are neither trained on nor tested. Both stand in
each row of `predictions.csv`, so that everything here follows from that table: the expected
calibration error before and after, how many answers are given (coverage), and how many of those
are right.
"""

from collections.abc import Sequence

import numpy as np

from merzoo.data.unit_labels import unit_table
from merzoo.evaluation.scores.calibration import expected_calibration_error
from merzoo.preprocessing.arrays import Arrays
from merzoo.training.confidence import (
    Confidence,
    fit_confidence,
    fit_unit_confidence,
    sides,
    tempered,
)

COLUMNS = ("temperature", "threshold")


def with_confidence(table, data: Arrays, results) -> tuple:
    """A table of predictions with the temperature and the threshold of each row's fold.

    Args:
        table: of all folds, as a judge writes it.
        data: all samples.
        results: (job, result) pairs.

    Returns:
        The table, and the `Confidence` of the answers about the inner people of all folds together,
        for a network that is trained on everybody; as it was and `None` where a fold had none.
    """
    if not results or any(result.inner is None for _, result in results):
        return table, None
    units = unit_table(data.classes)[1] if results[0][0].learner.multilabel else None
    table = table.assign(**dict.fromkeys(COLUMNS, 1.0))
    for job, result in results:
        found = _fitted(units, data, result.inner, result.inner_probabilities)
        rows = (table["seed"] == job.seed) & (table["fold"] == job.fold.name)
        table.loc[rows, list(COLUMNS)] = found.temperature, found.threshold
    places = np.concatenate([result.inner for _, result in results])
    probabilities = np.concatenate([result.inner_probabilities for _, result in results])
    return table, _fitted(units, data, places, probabilities)


def _fitted(units, data: Arrays, places: np.ndarray, probabilities: np.ndarray) -> Confidence:
    people, label = len(set(data.subject[places].tolist())), data.label[places]
    if units is None:
        return fit_confidence(label, probabilities, people)
    return fit_unit_confidence(units[label], probabilities, people)


def calibrated_runs(table, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """(R, N, K) calibrated probabilities and (R, N) thresholds, the seeds side by side; `None` of a
    table without temperatures.

    Args:
        table: of predictions, sorted as its seeds are.
        probabilities: (R, N, K) of it.
    """
    if not set(COLUMNS) <= set(table.columns):
        return None
    runs = [run for _, run in table.groupby("seed", sort=True)]
    temperature, threshold = (
        np.stack([run[name].to_numpy(float) for run in runs]) for name in COLUMNS
    )
    temperature = temperature.reshape(*temperature.shape, *[1] * (probabilities.ndim - 2))
    return tempered(probabilities, temperature), threshold


def calibration_of(table, label, probabilities: np.ndarray) -> dict | None:
    """`calibration` of the metrics of classes, mean over seeds; `None` without temperatures.

    Args:
        table: of predictions.
        label: (N,) class indices.
        probabilities: (R, N, K) as the network gave them.

    Returns:
        `temperature` (least, median, largest of all folds), `ece_before`, `ece`, `coverage` (share
        of answers that are given), `accuracy` of all, `accuracy_known` of those that are given
        (`None` where none is).
    """
    found = calibrated_runs(table, probabilities)
    if found is None:
        return None
    calibrated, threshold = found
    known = calibrated.max(-1) >= threshold
    right = calibrated.argmax(-1) == np.asarray(label)
    return _facts(table, known, right) | {
        "ece_before": expected_calibration_error(label, probabilities),
        "ece": expected_calibration_error(label, calibrated),
    }


def unit_calibration_of(table, shown, probabilities: np.ndarray) -> dict | None:
    """The same of action units: the calibration error is of every yes and no; coverage and accuracy
    are of the units that are said to be there.

    Args:
        table: of predictions.
        shown: (N, U) whether each unit is annotated.
        probabilities: (R, N, U) as the network gave them.
    """
    found = calibrated_runs(table, sides(probabilities))
    if found is None:
        return None
    calibrated, threshold = found  # (R, N, U, 2), (R, N)
    label, there = np.where(shown, 0, 1).ravel(), calibrated[..., 0]
    said = there > 0.5
    known = (there >= threshold[..., None])[said]
    right = np.broadcast_to(np.asarray(shown, bool), said.shape)[said]
    flat = [p.reshape(len(p), -1, 2) for p in (sides(probabilities), calibrated)]
    return _facts(table, known, right) | {
        "ece_before": expected_calibration_error(label, flat[0]),
        "ece": expected_calibration_error(label, flat[1]),
    }


def risk_coverage(confidence, right) -> tuple[np.ndarray, np.ndarray]:
    """Share of answers that are given, and share of these that are right, for every threshold.

    Args:
        confidence: (N,) calibrated.
        right: (N,) whether each answer is.

    >>> coverage, accuracy = risk_coverage([0.9, 0.6, 0.8], [True, False, True])
    >>> coverage.round(2).tolist(), accuracy.round(2).tolist()
    ([0.33, 0.67, 1.0], [1.0, 1.0, 0.67])
    """
    order = np.argsort(-np.asarray(confidence, float), kind="stable")
    count = np.arange(1, len(order) + 1)
    return count / len(order), np.cumsum(np.asarray(right)[order]) / count


def calibration_row(part: dict) -> tuple[list[str], list[list[str]]]:
    """Columns and the row of a `calibration`, for the terminal and the report."""
    low, middle, high = part["temperature"]
    known = part["accuracy_known"]
    columns = ["temperature (all folds)", "ECE before", "ECE after", "answers given"]
    columns += ["right of all", "right of those given"]
    row = [f"{middle:.2f} ({low:.2f}-{high:.2f})", f"{part['ece_before']:.3f}"]
    row += [f"{part['ece']:.3f}", f"{part['coverage']:.1%}", f"{part['accuracy']:.1%}"]
    return columns, [[*row, "-" if known is None else f"{known:.1%}"]]


def _facts(table, known: np.ndarray, right: np.ndarray) -> dict:
    temperatures: Sequence[float] = np.quantile(table["temperature"], [0, 0.5, 1]).tolist()
    return {
        "temperature": list(temperatures),
        "coverage": float(known.mean()) if known.size else 0.0,
        "accuracy": float(right.mean()) if right.size else 0.0,
        "accuracy_known": float(right[known].mean()) if known.any() else None,
    }

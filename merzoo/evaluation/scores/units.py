"""`predictions.csv` of a run of action units, and the metrics that follow from it alone.

The columns are those of `merzoo.evaluation.scores.predictions`: `label` and `predicted` are
combinations such as `"AU4+AU12"`, and each unit has a column `p_AU4` of its probability, which is
said to be there above `THRESHOLD`. True and false positives of a unit are added up over all folds
and only then turned into its F1; the mean over units is the macro F1.

Beside each figure stands what needs no network: how many clips show the unit (prevalence), the
accuracy of always saying that it is absent, and the F1 of always saying that it is there (always
absent has F1 0). Areas under ROC curves have intervals by the same bootstrap over subjects as the
F1: a draw weighs every pair of a clip with the unit and one without by both subjects' weights.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from merzoo.data.unit_labels import combination, intensity_table, unit_table
from merzoo.errors import InputError
from merzoo.evaluation.scores.bootstrap import (
    DRAWS,
    on_log_odds,
    subject_bootstrap,
    subject_weights,
    t_quantile,
)
from merzoo.evaluation.scores.confidence import unit_calibration_of
from merzoo.evaluation.scores.predictions import (
    check_table,
    classes_in,
    read_table,
    seeds_warning,
    table_of,
)
from merzoo.metrics import (
    MACRO_F1,
    UNITS,
    auc_per_unit,
    f1_per_unit,
    probability_scores,
    scores,
    unit_confusion,
)
from merzoo.preprocessing.arrays import Arrays

THRESHOLD = 0.5  # decided beforehand: training weighs presence and absence of a unit alike


def predictions_table(data: Arrays, results):
    """A pandas DataFrame of (job, result) pairs, sorted by seed, dataset, subject and clip."""
    units, _ = unit_table(data.classes)
    return table_of(data, results, units, lambda found: _names(found > THRESHOLD, units))


def read_predictions(path: str | Path, classes: Sequence[str] | None = None):
    """Reads `predictions.csv` as a pandas DataFrame.

    Args:
        path: of the table.
        classes: units that labels and predictions may name; `None` for those of its probability
            columns.

    Raises:
        InputError: as `merzoo.evaluation.scores.predictions.read_predictions`; also for a label
            that is no combination of the units.
    """
    table = read_table(path)
    units, known = set(classes or classes_in(table)), []
    for name in sorted(set(table["label"]) | set(table["predicted"])):
        try:
            named = set(unit_table([name])[0])
        except InputError:
            continue
        known += [name] if named <= units else []
    check_table(table, path, known)
    return table


def runs_of(table, units: Sequence[str]) -> tuple:
    """A table of predictions as arrays, the seeds side by side.

    Args:
        table: as `predictions_table` or `read_predictions` give it.
        units: names of the U units, in order.

    Returns:
        The first seed's rows as a DataFrame, (N, U) whether each unit is annotated, (R, N, U)
        whether it was predicted, and (R, N, U) probabilities.
    """
    runs = [run.reset_index(drop=True) for _, run in table.groupby("seed", sort=True)]
    told = np.stack([intensity_table(run["predicted"], units) != 0 for run in runs])
    columns = [f"p_{name}" for name in units]
    shown = intensity_table(runs[0]["label"], units) != 0
    return runs[0], shown, told, np.stack([r[columns] for r in runs])


def metrics_of(table, classes=None, deterministic: bool = False) -> dict:
    """All metrics of a table of predictions.

    Args:
        table: as `predictions_table` or `read_predictions` give it.
        classes: names of the units, in order; `None` reads them off the probability columns.
        deterministic: whether the model gives the same under every seed, so that one says all.

    Returns:
        A dict with `task`, `classes` (the units), `seeds`, `full` (see `summarise_units`),
        `by_dataset`, `ensemble` (the seeds' probabilities averaged; `None` for one seed) and
        `warnings`; where the table has temperatures, also `calibration`.
    """
    units = list(classes or classes_in(table))
    first, shown, told, probabilities = runs_of(table, units)
    levels = intensity_table(first["label"], units)
    subject, dataset = first["subject"].to_numpy(), first["dataset"].to_numpy()

    def part(rows, told, probabilities):
        given = (levels[rows], subject[rows], told[:, rows], probabilities[:, rows])
        return summarise_units(*given, units)

    mean = probabilities.mean(0, keepdims=True)
    everything = np.arange(len(first))
    metrics = {
        "task": UNITS,
        "classes": units,
        "seeds": len(told),
        "full": part(everything, told, probabilities),
        "by_dataset": {
            name: part(np.flatnonzero(dataset == name), told, probabilities)
            for name in sorted(set(dataset))
        },
        "ensemble": part(everything, mean > THRESHOLD, mean) if len(told) > 1 else None,
    }
    calibration = unit_calibration_of(table, shown, probabilities)
    metrics |= {} if calibration is None else {"calibration": calibration}
    return metrics | {"warnings": _warnings(metrics, deterministic)}


def subject_units(shown, told, subject) -> dict[str, np.ndarray]:
    """The (U, 2, 2) counts of each subject, by subject name in sorted order."""
    names, number = np.unique(np.asarray(subject), return_inverse=True)
    return {
        name: unit_confusion(shown[number == k], told[number == k])
        for k, name in enumerate(names.tolist())
    }


def summarise_units(levels, subject, told, probabilities, units: Sequence[str]) -> dict:
    """Scores of one set of samples under several seeds: mean, each seed, intervals, each unit.

    Args:
        levels: (N, U) intensity of each unit: 0 absent, 1..5, NaN for there without one.
        subject: (N,) `"dataset/subject"`.
        told, probabilities: (R, N, U) of each seed.
        units: names.

    Returns:
        A dict with `macro_f1` and `auc` (means over seeds; `auc` is `None` where no unit is both
        there and absent), `macro_f1_spread`, `per_seed`, `interval`, `n`, `subjects`, `confusion`
        (one (U, 2, 2) list a seed) and `units`: of each its `name`, `present` clips of `subjects`,
        `prevalence`, `f1` and its `f1_interval`, `auc` and its `auc_interval`, `accuracy`, and what
        needs no network: `always_absent` (its accuracy) and `always_present` (its F1). Of those
        that show it the `graded` ones are coded with an intensity, and `intensity_correlation` is
        Spearman's of that with the probability (`None` below three clips or two intensities).
    """
    shown = levels != 0
    runs = [subject_units(shown, one, subject) for one in told]
    pooled = np.stack([np.sum(list(run.values()), axis=0) for run in runs])  # (R, U, 2, 2)
    per_seed = [
        scores(matrix, UNITS) | probability_scores(shown, p, UNITS)
        for matrix, p in zip(pooled, probabilities, strict=True)
    ]
    areas, area_intervals, macro_area = _areas(shown, subject, probabilities, runs)
    if macro_area is None:
        per_seed = [seed | {"auc": None} for seed in per_seed]
    rows = [_unit_metric(place) for place in range(len(units))]
    found = subject_bootstrap(runs, metrics=[MACRO_F1, *rows])
    interval = {"macro_f1": found["macro_f1"]} | ({"auc": macro_area} if macro_area else {})
    present, n = shown.sum(0), len(shown)
    f1, accuracy = f1_per_unit(pooled).mean(0), np.trace(pooled, axis1=-2, axis2=-1).mean(0) / n
    return {
        "macro_f1": float(np.mean([seed["macro_f1"] for seed in per_seed])),
        "auc": None if macro_area is None else float(np.mean([s["auc"] for s in per_seed])),
        "macro_f1_spread": float(np.std([seed["macro_f1"] for seed in per_seed])),
        "per_seed": per_seed,
        "interval": interval,
        "n": n,
        "subjects": len(set(subject.tolist())),
        "confusion": pooled.tolist(),
        "units": [
            {
                "name": name,
                "present": int(present[k]),
                "subjects": len(set(subject[shown[:, k]].tolist())),
                "prevalence": float(present[k] / n),
                "f1": float(f1[k]),
                "f1_interval": found[rows[k].name],
                "auc": areas[k],
                "auc_interval": area_intervals[k],
                "accuracy": float(accuracy[k]),
                "always_absent": float(1 - present[k] / n),
                "always_present": float(2 * present[k] / (n + present[k])),
                "graded": int((levels[:, k] > 0).sum()),
                "intensity_correlation": _rank_correlation(levels[:, k], probabilities[:, :, k]),
            }
            for k, name in enumerate(units)
        ],
    }


def _unit_metric(place: int):
    """The F1 of one unit as a metric, whose interval the bootstrap gives."""
    name = f"f1_of_{place}"
    return replace(MACRO_F1, name=name, label=name, of_matrix=lambda m: f1_per_unit(m)[..., place])


def _rank_correlation(levels: np.ndarray, probabilities: np.ndarray) -> float | None:
    """Spearman's correlation of the probabilities (R, N) of a unit with its coded intensities (N,),
    over the clips that have one; mean over seeds."""
    from scipy.stats import spearmanr

    coded = levels > 0
    if coded.sum() < 3 or len(set(levels[coded])) < 2:
        return None
    found = [
        spearmanr(levels[coded], run[coded]).statistic if np.ptp(run[coded]) else 0.0
        for run in probabilities
    ]
    return float(np.mean(found))


def _areas(shown, subject, probabilities, runs) -> tuple:
    """The AUC of each unit, its interval, and the interval of their mean (`None` without any)."""
    subjects = list(runs[0])
    counts = np.stack([[run[s] for s in subjects] for run in runs])
    width = t_quantile(subjects, counts)
    weights = subject_weights(subjects, DRAWS)  # (D, S)
    owner = np.asarray(subject)[:, None] == np.array(subjects)  # (N, S)
    values = auc_per_unit(shown, probabilities).mean(0)  # (U,)
    drawn, areas, intervals = [], [], []
    for k, value in enumerate(values):
        if np.isnan(value):
            areas.append(None)
            intervals.append(None)
            continue
        found = _drawn_areas(shown[:, k], probabilities[:, :, k], owner, weights)
        drawn.append(found)
        areas.append(float(value))
        intervals.append(on_log_odds(float(value), width * float(np.nanstd(found)), 0.0, 1.0))
    if not drawn:
        return areas, intervals, None
    error = float(np.nanmean(np.stack(drawn), 0).std())
    return areas, intervals, on_log_odds(float(np.nanmean(values)), width * error, 0.0, 1.0)


def _drawn_areas(shown, probabilities, owner, weights) -> np.ndarray:
    """(D,) AUC of one unit in each draw of subjects, mean over seeds; NaN where a draw has no clip
    with it or none without."""
    there, away = owner[shown].astype(float), owner[~shown].astype(float)  # (P, S), (A, S)
    ordered = np.zeros((owner.shape[1],) * 2)
    for run in probabilities:
        with_, without = run[shown][:, None], run[~shown][None]
        right = (with_ > without) + 0.5 * (with_ == without)  # (P, A)
        ordered += there.T @ right @ away / len(probabilities)
    pairs = (weights @ there.sum(0)) * (weights @ away.sum(0))
    inside = np.einsum("ds,st,dt->d", weights, ordered, weights, optimize=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(pairs > 0, inside / pairs, np.nan)


def _names(shown: np.ndarray, units: Sequence[str]) -> list[str]:
    numbers = [int(name.removeprefix("AU")) for name in units]
    return [combination(n for n, on in zip(numbers, row, strict=True) if on) for row in shown]


def _warnings(metrics: dict, deterministic: bool) -> list[str]:
    """What a reader of the result must know before believing it."""
    found = []
    for name, part in metrics["by_dataset"].items():
        missing = [row["name"] for row in part["units"] if row["present"] == 0]
        if missing:
            found.append(
                f"{name}: no clip shows {', '.join(missing)}; its F1 counts as 0 in macro F1 there."
            )
    return found + seeds_warning(metrics, deterministic)

"""`predictions.csv` and the metrics that follow from it alone.

One row a clip and seed: seed, dataset, subject, clip, fold, label, predicted (class names) and one
column `p_<class>` of probabilities for each class, in class order.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from merzoo.errors import InputError
from merzoo.evaluation.scores.bootstrap import summarise
from merzoo.evaluation.scores.calibration import expected_calibration_error, roc_auc
from merzoo.evaluation.scores.confidence import COLUMNS, calibration_of
from merzoo.limits import regular_file
from merzoo.metrics import UF1, headline
from merzoo.preprocessing.arrays import Arrays

LARGEST_TABLE = 200 << 20  # bytes
TEXTS = ("dataset", "subject", "clip", "fold", "label", "predicted")
LEAK_ALARM = 0.80  # honest UF1 on real composites has stayed below (see warnings_of)


def predictions_table(data: Arrays, results):
    """A pandas DataFrame of (job, result) pairs, sorted by seed, dataset, subject and clip."""
    names = np.array(data.classes)
    return table_of(data, results, data.classes, lambda found: names[found.argmax(1)])


def table_of(data: Arrays, results, outputs: Sequence[str], told: Callable):
    """The same of a network whose outputs stand for `outputs`; `told` names what they say."""
    import pandas as pd

    parts = []
    for job, result in results:
        rows = job.fold.test
        part = {
            "seed": job.seed,
            "dataset": data.dataset[rows],
            "subject": data.subject[rows],
            "clip": data.clip[rows],
            "fold": job.fold.name,
            "label": np.array(data.classes)[data.label[rows]],
            "predicted": told(result.probabilities),
        }
        for index, name in enumerate(outputs):
            part[f"p_{name}"] = result.probabilities[:, index].astype("float64")
        parts.append(pd.DataFrame(part))
    table = pd.concat(parts, ignore_index=True)
    return table.sort_values(["seed", "dataset", "subject", "clip"], ignore_index=True)


def read_predictions(path: str | Path, classes: Sequence[str] | None = None):
    """Reads `predictions.csv` as a pandas DataFrame.

    Args:
        path: of the table.
        classes: names that labels and predictions may be; `None` for those of its probability
            columns.

    Raises:
        InputError: for a damaged or cut file: a missing column, no rows, a seed or probability that
            is no number, a class that is none of these, a clip that is missing under a seed.
    """
    table = read_table(path)
    check_table(table, path, classes or classes_in(table))
    return table


def read_table(path: str | Path):
    """The same before its cells are looked at."""
    import pandas as pd

    path = regular_file(path, LARGEST_TABLE)
    try:
        text = dict.fromkeys(TEXTS, str)
        table = pd.read_csv(path, dtype=text, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: not a readable table of predictions ({' '.join(str(error).split())})."
        ) from None
    missing = [c for c in ("seed", *TEXTS) if c not in table]
    if missing:
        raise InputError(
            f"{path}: lacks the column {missing[0]!r}; it has {', '.join(table.columns)}."
        )
    if not len(table):
        raise InputError(f"{path}: holds no rows.")
    return table


def check_table(table, path: str | Path, classes: Sequence[str]) -> None:
    """Raises `InputError` for a cell that cannot be, or a clip that is missing under a seed."""
    _check_cells(table, path, classes)
    counts = table.groupby(["dataset", "subject", "clip"])["seed"].agg(["size", "nunique"])
    wrong = counts[(counts != table["seed"].nunique()).any(axis=1)]
    if len(wrong):
        raise InputError(
            f"{path}: the clip {wrong.index[0][2]!r} of {wrong.index[0][1]} does not stand once "
            f"under each of the {table['seed'].nunique()} seeds: the file is cut or damaged."
        )


def _check_cells(table, path, classes: Sequence[str]) -> None:
    """Raises `InputError` for the first cell that is no seed, class or probability."""
    import pandas as pd

    probabilities = [c for c in table if c.startswith("p_")]
    for column in ("seed", *probabilities):
        numbers = pd.to_numeric(table[column], errors="coerce").to_numpy(float)
        with np.errstate(invalid="ignore"):
            right = (numbers >= 0) & (numbers % 1 == 0 if column == "seed" else numbers <= 1 + 1e-6)
        what = "a whole number from 0" if column == "seed" else "a number from 0 to 1"
        _check_column(table[column], right, path, what)
    for column in COLUMNS:
        if column in table:
            numbers = pd.to_numeric(table[column], errors="coerce").to_numpy(float)
            least = 0 if column == "threshold" else 1e-6
            right = np.isfinite(numbers) & (numbers >= least)
            _check_column(table[column], right, path, "a number above 0")
    for column in ("label", "predicted"):
        _check_column(table[column], table[column].isin(classes), path, f"one of {classes}")


def _check_column(column, right, path, what: str) -> None:
    wrong = np.flatnonzero(~np.asarray(right))
    if wrong.size:
        raise InputError(
            f"{path}, line {wrong[0] + 2}: {column.name!r} is {column.iloc[wrong[0]]!r}; it must "
            f"be {what}."
        )


def runs_of(table, classes) -> tuple:
    """A table of predictions as arrays, the seeds side by side.

    Args:
        table: as `predictions_table` or `read_predictions` give it.
        classes: names of the classes, in order.

    Returns:
        The first seed's rows as a DataFrame, (N,) class indices of the labels, (R, N) of the
        predictions, and (R, N, K) probabilities (`None` where the table has none).
    """
    runs = [run.reset_index(drop=True) for _, run in table.groupby("seed", sort=True)]
    number = {name: k for k, name in enumerate(classes)}
    label = runs[0]["label"].map(number).to_numpy()
    predicted = np.stack([run["predicted"].map(number).to_numpy() for run in runs])
    columns = [f"p_{name}" for name in classes]
    if not set(columns) <= set(table.columns):
        return runs[0], label, predicted, None
    return runs[0], label, predicted, np.stack([run[columns].to_numpy() for run in runs])


def classes_in(table) -> list[str]:
    """The classes that a table's probability columns name, in their order."""
    return [c.removeprefix("p_") for c in table.columns if c.startswith("p_")]


def metrics_of(table, classes=None, deterministic: bool = False) -> dict:
    """All metrics of a table of predictions.

    Args:
        table: as `predictions_table` or `read_predictions` give it.
        classes: names of the classes, in order; `None` reads them off the probability columns.
        deterministic: whether the model gives the same under every seed, so that one says all.

    Returns:
        A dict with `classes`, `full` (see `merzoo.evaluation.scores.bootstrap.summarise`),
        `by_dataset`, `ensemble` (the seeds' probabilities averaged; `None` for a single seed),
        `roc_auc` (one a class) and `ece` (both `None` without probabilities) and `warnings`; where
        the table has temperatures, also `calibration` (see `calibration_of`).
    """
    classes = list(classes or classes_in(table))
    first, label, predicted, probabilities = runs_of(table, classes)
    subject, predictions = first["subject"].to_numpy(), list(predicted)

    def part(rows, found, given):
        given = None if given is None else given[:, rows]
        return summarise(label[rows], subject[rows], [p[rows] for p in found], len(classes), given)

    everything = np.arange(len(first))
    datasets = sorted(set(first["dataset"]))
    several = len(predictions) > 1 and probabilities is not None
    mean = None if probabilities is None else probabilities.mean(0)
    metrics = {
        "classes": classes,
        "seeds": len(predictions),
        "full": part(everything, predictions, probabilities),
        "by_dataset": {
            name: part(np.flatnonzero(first["dataset"] == name), predictions, probabilities)
            for name in datasets
        },
        "ensemble": part(everything, [mean.argmax(-1)], mean[None]) if several else None,
        "roc_auc": None if probabilities is None else roc_auc(label, probabilities),
        "ece": None if probabilities is None else expected_calibration_error(label, probabilities),
    }
    if probabilities is not None:
        found = calibration_of(table, label, probabilities)
        metrics |= {} if found is None else {"calibration": found}
    return metrics | {"warnings": warnings_of(metrics, deterministic)}


def completed(metrics: dict, table) -> dict:
    """The metrics of a run, with those that merzoo has gained since they were written.

    Args:
        metrics: content of `metrics.json`; what stands in it is kept as it is.
        table: content of `predictions.csv`, from which the missing ones follow.
    """
    known = {metric.name for metric in headline()} <= metrics["full"].keys()
    if known and {"roc_auc", "ece"} <= metrics.keys():
        return metrics
    return _joined(metrics, metrics_of(table, metrics["classes"]))


def _joined(old, new):
    """`old` with what `new` adds to it, within dicts and lists of dicts."""
    if isinstance(old, dict) and isinstance(new, dict):
        both = {name: _joined(old.get(name, value), value) for name, value in new.items()}
        return both | {name: value for name, value in old.items() if name not in new}
    if isinstance(old, list) and old and isinstance(old[0], dict):
        return [_joined(a, b) for a, b in zip(old, new, strict=True)]
    return old


def warnings_of(metrics: dict, deterministic: bool = False) -> list[str]:
    """What a reader of the result must know before believing it."""
    found = []
    full, classes = metrics["full"], metrics["classes"]
    real = any(not name.startswith("synthetic") for name in metrics["by_dataset"])
    if real and full[UF1.name] > LEAK_ALARM:
        found.append(
            f"{UF1.label} {full[UF1.name]:.3f} is above {LEAK_ALARM:.2f}, which no honest "
            f"protocol has reached on the MEGC composite: look for a leak."
        )
    for name, part in {"all data": full, **metrics["by_dataset"]}.items():
        missing = [c for c, n in zip(classes, part["n_per_class"], strict=True) if n == 0]
        if missing:
            found.append(
                f"{name}: no samples of {', '.join(missing)}; its F1 and recall count as 0 in "
                f"UF1 and UAR there."
            )
    return found + seeds_warning(metrics, deterministic)


def seeds_warning(metrics: dict, deterministic: bool) -> list[str]:
    """A warning where one seed does not say all."""
    if metrics["seeds"] > 1 or deterministic:
        return []
    return ["A single seed: the spread over seeds is unknown. Use --seeds 3 or more."]

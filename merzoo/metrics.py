"""The table of metrics: `METRICS`, one row each, which everything that shows or tests scores reads.

True and false positives are added up over all folds and only then turned into one F1 per class;
the mean over classes is UF1 (unweighted F1), and the mean recall is UAR (See et al., "MEGC 2019 -
The Second Facial Micro-Expressions Grand Challenge", FG 2019). Averaging an F1 per fold instead
gives other, usually lower, numbers, and is not offered.

A metric more is one `Metric`: a row of the table below, or `register_metric` for one's own. Then
`metrics.json`, the report, the terminal, `compare` and the searches' tables have it; runs of before
too, since all of it follows from their predictions.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from merzoo.errors import InputError

CLASSIFY, UNITS = "classify", "au"  # tasks: one class of several; yes or no of each action unit


def confusion_matrix(label, predicted, classes: int) -> np.ndarray:
    """(K, K) counts: row = annotated class, column = predicted class.

    >>> confusion_matrix([0, 0, 1], [0, 1, 1], 2).tolist()
    [[1, 1], [0, 1]]
    >>> confusion_matrix([], [], 2).tolist()
    [[0, 0], [0, 0]]
    """
    if not len(label):
        return np.zeros((classes, classes), int)
    import sklearn.metrics  # takes a second to load; most of what reads this table counts nothing

    return sklearn.metrics.confusion_matrix(label, predicted, labels=range(classes))


def f1_per_class(matrix: np.ndarray) -> np.ndarray:
    """2 TP / (2 TP + FP + FN) of each class; 0 for a class that neither occurs nor is predicted.

    Args:
        matrix: (..., K, K) confusion matrices.

    Returns:
        (..., K), 0..1.
    """
    true_positives = np.diagonal(matrix, axis1=-2, axis2=-1)
    denominator = matrix.sum(-1) + matrix.sum(-2)  # (TP + FN) + (TP + FP)
    return _divide(2 * true_positives, denominator)


def recall_per_class(matrix: np.ndarray) -> np.ndarray:
    """TP / (TP + FN) of each class; 0 for a class without samples. Shapes as in `f1_per_class`."""
    return _divide(np.diagonal(matrix, axis1=-2, axis2=-1), matrix.sum(-1))


def precision_per_class(matrix: np.ndarray) -> np.ndarray:
    """TP / (TP + FP) of each class; 0 for one never predicted. Shapes as in `f1_per_class`."""
    return _divide(np.diagonal(matrix, axis1=-2, axis2=-1), matrix.sum(-2))


def uf1(matrix: np.ndarray):
    """Unweighted F1 of (..., K, K) pooled confusion matrices, 0..1.

    >>> float(uf1(np.array([[250, 0, 0], [109, 0, 0], [83, 0, 0]])).round(3))
    0.241
    """
    return f1_per_class(matrix).mean(-1)


def uar(matrix: np.ndarray):
    """Unweighted average recall of (..., K, K) pooled confusion matrices, 0..1.

    Recall divides by the rows, the *annotated* clips of a class. With annotated and predicted
    swapped, as in logs that write the prediction first, the same words compute macro precision,
    which divides by the columns; the two only agree by chance. Accuracy and UF1 stay the same under
    the swap, so they don't give it away.

    >>> matrix = np.array([[8, 2], [3, 2]])  # 10 negative clips, 5 positive ones
    >>> float(uar(matrix).round(3))  # (8 / 10 + 2 / 5) / 2
    0.6
    >>> float(precision_per_class(matrix).mean().round(3))  # macro precision: (8 / 11 + 2 / 4) / 2
    0.614
    >>> float(uar(matrix.T).round(3)), bool(uf1(matrix) == uf1(matrix.T))
    (0.614, True)
    """
    return recall_per_class(matrix).mean(-1)


def macro_precision(matrix: np.ndarray):
    """Unweighted mean of the classes' precision of (..., K, K) matrices, 0..1; no recall (`uar`).

    >>> float(macro_precision(np.array([[8, 2], [3, 2]])).round(3))
    0.614
    """
    return precision_per_class(matrix).mean(-1)


def accuracy(matrix: np.ndarray):
    """Share of samples on the diagonal of (..., K, K) pooled confusion matrices, 0..1."""
    return _divide(np.trace(matrix, axis1=-2, axis2=-1), matrix.sum((-2, -1)))


def weighted_precision(matrix: np.ndarray):
    """Mean precision of (..., K, K) matrices' classes, weighted by their sizes, 0..1."""
    return _by_class_size(precision_per_class(matrix), matrix)


def weighted_recall(matrix: np.ndarray):
    """Mean recall of the classes, weighted by their sizes: this is the accuracy."""
    return accuracy(matrix)


def weighted_f1(matrix: np.ndarray):
    """Mean F1 of (..., K, K) matrices' classes, weighted by their sizes, 0..1."""
    return _by_class_size(f1_per_class(matrix), matrix)


def cross_entropy(label, probabilities):
    """Mean of -log p of the annotated class, in nats; p counts as 1e-7 at least.

    Args:
        label: (N,) class indices.
        probabilities: (..., N, K).

    Returns:
        (...), 0 to 16.1.

    >>> float(cross_entropy([0, 1], [[0.5, 0.5], [0.75, 0.25]]).round(3))
    1.04
    """
    label, probabilities = np.asarray(label), np.asarray(probabilities, float)
    chosen = probabilities[..., np.arange(len(label)), label]  # (..., N, K) -> (..., N)
    return -np.log(np.maximum(chosen, 1e-7)).mean(-1)


def unit_confusion(shown, told) -> np.ndarray:
    """(U, 2, 2) counts of each action unit: row = annotated, column = predicted; 0 is absent.

    Args:
        shown, told: (N, U) whether each unit is annotated, and predicted.

    >>> unit_confusion([[1], [1], [0]], [[1], [0], [0]]).tolist()
    [[[1, 0], [1, 1]]]
    """
    shown, told = np.asarray(shown, bool), np.asarray(told, bool)
    cells = [(~shown & ~told), (~shown & told), (shown & ~told), (shown & told)]
    return np.stack([cell.sum(0) for cell in cells], -1).reshape(-1, 2, 2)


def f1_per_unit(matrix: np.ndarray) -> np.ndarray:
    """2 TP / (2 TP + FP + FN) of the presence of each unit; 0 where it is neither there nor told.

    Args:
        matrix: (..., U, 2, 2) counts as of `unit_confusion`.

    Returns:
        (..., U), 0..1.

    Two clips show the unit, and one of them and two others are said to: 2 / (2 + 2 + 1).

    >>> f1_per_unit(np.array([[[5, 2], [1, 1]]])).tolist()
    [0.4]
    """
    return f1_per_class(matrix)[..., 1]


def macro_f1(matrix: np.ndarray):
    """Mean over units of `f1_per_unit` of (..., U, 2, 2) pooled counts, 0..1.

    >>> float(macro_f1(np.array([[[5, 2], [1, 1]], [[7, 0], [0, 2]]])))
    0.7
    """
    return f1_per_unit(matrix).mean(-1)


def auc_per_unit(shown, probabilities) -> np.ndarray:
    """Area under the ROC curve of each unit: how often a clip with it has the higher probability
    than one without (a tie counts half); NaN for a unit that no clip shows, or every one.

    Args:
        shown: (N, U) whether each unit is annotated.
        probabilities: (..., N, U).

    Returns:
        (..., U), 0..1.

    Of the six pairs of one with and one without, five are in order:

    >>> areas = auc_per_unit([[1], [1], [0], [0], [0]], [[0.9], [0.4], [0.5], [0.2], [0.1]])
    >>> areas.round(3).tolist()
    [0.833]
    """
    from scipy.stats import rankdata

    shown, probabilities = np.asarray(shown, bool), np.asarray(probabilities, float)
    ranks = rankdata(probabilities, axis=-2)  # (..., N, U)
    present, absent = shown.sum(0), (~shown).sum(0)
    above = (ranks * shown).sum(-2) - present * (present + 1) / 2
    with np.errstate(invalid="ignore"):
        return np.where(present * absent > 0, above / (present * absent), np.nan)


def macro_auc(shown, probabilities):
    """Mean over units of `auc_per_unit`, of those that some clips show and some do not."""
    areas = auc_per_unit(shown, probabilities)
    known = ~np.isnan(areas)
    return np.where(known, areas, 0).sum(-1) / np.maximum(known.sum(-1), 1)


@dataclass(frozen=True)
class Metric:
    """A row of `METRICS`.

    Args:
        name: in `metrics.json`, `comparison.json` and the like; an identifier.
        label: for people, such as `"UF1"`.
        of_matrix: function of (..., K, K) pooled confusion matrices that returns (...), or `None`.
        of_probabilities: function of (N,) labels and (..., N, K) probabilities that returns (...);
            instead of `of_matrix`, and not known where a run has no probabilities.
        larger_is_better: if not, the least value is the best.
        lowest, highest: the values that are possible.
        headline: stands in `metrics.json` and in every table of results; if not, only in the tables
            of papers that print it.
        compared: a headline metric has 95 % intervals and is tested in comparisons.
        note: what a reader must know of it, in a few words.
        task: whose results it judges: `"classify"`, or `"au"`; of action units `of_matrix` gets
            (..., U, 2, 2) counts of `unit_confusion`, and `of_probabilities` (N, U) labels and
            (..., N, U) probabilities.

    Raises:
        InputError: for a name that isn't an identifier or is a field's beside the scores, for both
            functions or neither, or for intervals where they can't be had.

    Example:

    >>> row = METRICS["uf1"]
    >>> row.label, row.larger_is_better, round(row.floor([250, 109, 83]), 3)
    ('UF1', True, 0.241)
    """

    name: str
    label: str
    of_matrix: Callable | None = None
    of_probabilities: Callable | None = None
    larger_is_better: bool = True
    lowest: float = 0.0
    highest: float = 1.0
    headline: bool = True
    compared: bool = True
    note: str = ""
    task: str = CLASSIFY

    def __post_init__(self):
        if not self.name.isidentifier() or self.name in _FIELDS_BESIDE:
            raise InputError(
                f"metric name {self.name!r}: take one like 'weighted_f1' that isn't a field of "
                f"metrics.json already."
            )
        if (self.of_matrix is None) == (self.of_probabilities is None):
            raise InputError(f"metric {self.name}: give either of_matrix or of_probabilities.")
        if self.compared and (self.of_matrix is None or math.isinf(self.highest - self.lowest)):
            raise InputError(
                f"metric {self.name}: intervals and tests take of_matrix with finite lowest and "
                f"highest; for others say compared=False."
            )

    @property
    def heading(self) -> str:
        """The label over a column; it says so where less is better."""
        return self.label if self.larger_is_better else f"{self.label} (less is better)"

    def best(self, values) -> int:
        """Place of the best of (N,) values; the first of equals.

        >>> METRICS["uf1"].best([0.2, 0.7, 0.7]), METRICS["loss"].best([0.9, 0.4, 0.8])
        (1, 1)
        """
        return int(np.argmax(values) if self.larger_is_better else np.argmin(values))

    def floor(self, n_per_class) -> float | None:
        """The score of always answering the most frequent class; `None` if of probabilities.

        Args:
            n_per_class: (K,) samples of each class.

        >>> METRICS["uar"].floor([5, 3]), METRICS["accuracy"].floor([5, 3])
        (0.5, 0.625)
        """
        if self.of_matrix is None or self.task != CLASSIFY:
            return None
        counts = np.asarray(n_per_class)
        constant = np.zeros((len(counts), len(counts)), counts.dtype)
        constant[:, counts.argmax()] = counts
        return float(self.of_matrix(constant))


# What stands beside the scores in metrics.json, comparison.json and trials.csv.
_FIELDS_BESIDE = {
    "uf1_spread",
    "per_seed",
    "interval",
    "difference",
    "absent",
    "n",
    "n_per_class",
    "subjects",
    "confusion",
    "first",
    "second",
    "seeds",
    "secondary",
    "note",
    "name",
    "model",
    "protocol",
    "search",
    "trial",
    "status",
    "epochs_run",
    "seconds",
    "compiled",
    "worker",
    "cause",
}

_WEIGHTED = "mean over classes, weighted by their sizes"

METRICS: dict[str, Metric] = {
    row.name: row
    for row in (
        Metric("uf1", "UF1", uf1),
        Metric("uar", "UAR", uar),
        Metric(
            "accuracy", "accuracy", accuracy, compared=False, note="not corrected for class sizes"
        ),
        Metric(
            "macro_precision",
            "macro precision",
            macro_precision,
            headline=False,
            note="mean over classes, of the clips predicted as each; UAR is of those annotated",
        ),
        Metric("precision", "precision", weighted_precision, headline=False, note=_WEIGHTED),
        Metric("recall", "recall", weighted_recall, headline=False, note=_WEIGHTED),
        Metric("f1", "F1", weighted_f1, headline=False, note=_WEIGHTED),
        Metric(
            "loss",
            "loss",
            of_probabilities=cross_entropy,
            larger_is_better=False,
            highest=math.inf,
            headline=False,
            compared=False,
            note="cross-entropy in nats",
        ),
        Metric("macro_f1", "macro F1", macro_f1, task=UNITS, note="mean over action units"),
        Metric(
            "auc",
            "AUC",
            of_probabilities=macro_auc,
            compared=False,
            task=UNITS,
            note="mean over action units; 0.5 by chance",
        ),
    )
}

MACRO_F1 = METRICS["macro_f1"]  # of action units what UF1 is of classes
UF1 = METRICS["uf1"]  # what epochs, recipes and trials are chosen by, and claims are judged by


def primary(task: str = CLASSIFY) -> Metric:
    """The metric that a task's results are judged by.

    >>> primary("au").label
    'macro F1'
    """
    return MACRO_F1 if task == UNITS else UF1


def register_metric(metric: Metric) -> Metric:
    """Adds a metric of one's own to `METRICS`, for as long as the program runs.

    Raises:
        InputError: for a name or label that is taken, or a function that doesn't take stacks.

    Example:

    >>> from dataclasses import replace
    >>> row = replace(METRICS["f1"], name="weighted_f1", label="weighted F1", headline=True)
    >>> with registered(row):  # `register_metric(row)` keeps it
    ...     [metric.label for metric in headline()]
    ['UF1', 'UAR', 'accuracy', 'weighted F1']
    >>> "weighted_f1" in METRICS
    False
    """
    for known in METRICS.values():
        for field in ("name", "label"):
            if getattr(known, field) == getattr(metric, field):
                raise InputError(
                    f"metric {metric.name}: the {field} {getattr(metric, field)!r} is taken by "
                    f"{known.name}; give another one."
                )
    counts: tuple[int, ...] = (2, 3, 3)
    label: np.ndarray = np.arange(4) % 3
    if metric.task == UNITS:
        counts, label = ((2, 3, 2, 2), np.arange(12).reshape(4, 3) % 2)
    given, shape = f"{counts} confusion matrices", None
    if metric.of_matrix is not None:
        shape = np.shape(metric.of_matrix(np.ones(counts, int)))
    elif metric.of_probabilities is not None:
        given = "(2, 4, 3) probabilities"
        shape = np.shape(metric.of_probabilities(label, np.full((2, 4, 3), 1 / 3)))
    if shape != (2,):
        raise InputError(
            f"metric {metric.name}: its function gives shape {shape} for {given}; reduce the last "
            f"{len(counts) - 1 if metric.of_matrix else 2} axes only, so that it is (2,)."
        )
    METRICS[metric.name] = metric
    return metric


@contextmanager
def registered(metric: Metric) -> Iterator[Metric]:
    """`register_metric` within a `with` block; the table is as before after it."""
    register_metric(metric)
    try:
        yield metric
    finally:
        del METRICS[metric.name]


def headline(task: str = CLASSIFY) -> list[Metric]:
    """The metrics of every table of a task's results, in order."""
    return [metric for metric in METRICS.values() if metric.headline and metric.task == task]


def compared(task: str = CLASSIFY) -> list[Metric]:
    """The headline metrics with intervals and tests, in order."""
    return [metric for metric in headline(task) if metric.compared]


def scores(matrix: np.ndarray, task: str = CLASSIFY) -> dict[str, float]:
    """The headline metrics of one (K, K) pooled confusion matrix, or of (U, 2, 2) counts of units.

    >>> scores(np.array([[3, 1], [1, 3]]))
    {'uf1': 0.75, 'uar': 0.75, 'accuracy': 0.75}
    """
    rows = ((metric.name, metric.of_matrix) for metric in headline(task))
    return {name: float(of_matrix(matrix)) for name, of_matrix in rows if of_matrix is not None}


def probability_scores(label, probabilities, task: str = CLASSIFY) -> dict[str, float | None]:
    """The headline metrics of (N,) labels and (N, K) probabilities; `None` where there are none."""
    rows = [(m.name, m.of_probabilities) for m in headline(task) if m.of_probabilities is not None]
    if probabilities is None:
        return {name: None for name, _ in rows}
    return {name: float(of_both(label, probabilities)) for name, of_both in rows}


def _by_class_size(values, matrix):
    sizes = matrix.sum(-1)
    return _divide((values * sizes).sum(-1), sizes.sum(-1))


def _divide(numerator, denominator):
    numerator = np.asarray(numerator, float)
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator != 0)

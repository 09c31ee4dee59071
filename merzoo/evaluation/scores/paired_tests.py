"""Tests of two models on the same clips.

The primary one is a permutation test on the pooled score itself: under the null hypothesis the two
models are exchangeable, so that swapping a subject's predictions between them changes nothing in
distribution. Whole subjects are swapped because clips of one subject are alike. McNemar's test
counts clips as independent, and Wilcoxon's and Student's tests weigh every subject the same
whatever its clips: they are what papers print, and secondary here.
"""

from collections.abc import Sequence

import numpy as np

from merzoo.evaluation.scores.bootstrap import DRAWS, subject_weights, t_quantile
from merzoo.metrics import Metric, compared

PERMUTATIONS = 10_000
LEVEL, POWER = 0.05, 0.80


def swap_test(
    first,
    second,
    *,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
    metrics: Sequence[Metric] | None = None,
) -> dict:
    """Subject-swap permutation test, second less first, two-sided.

    Args:
        first, second: (R, S, K, K) confusion matrices of R runs (seeds) on the same S subjects;
            of action units (R, S, U, 2, 2) counts.
        permutations: random swaps; all 2^S of them, where these are no more.
        seed: of the swaps.
        metrics: of a confusion matrix; `None` for those that `merzoo.metrics.compared` names.

    Returns:
        Metric -> `difference` of the means over runs, and `p`.
    """
    first, second = np.asarray(first, float), np.asarray(second, float)
    subjects = first.shape[1]
    exact = subjects <= np.log2(permutations)
    if exact:
        swaps = (np.arange(2**subjects)[:, None] >> np.arange(subjects)) & 1  # row 0: none
    else:
        swaps = np.random.default_rng(seed).integers(0, 2, (permutations, subjects))
    total = first.sum(1) + second.sum(1)  # (R, K, K)
    swapped = np.einsum("ps,rs...->pr...", swaps, second - first) + first.sum(1)
    found = {}
    for metric in compared() if metrics is None else metrics:
        score = metric.of_matrix
        differences = (score(total - swapped) - score(swapped)).mean(1)  # (P,)
        observed = float((score(second.sum(1)) - score(first.sum(1))).mean())
        as_large = int((np.abs(differences) >= abs(observed) - 1e-12).sum())
        p = as_large / len(swaps) if exact else (as_large + 1) / (len(swaps) + 1)
        found[metric.name] = {"difference": observed, "p": float(p)}
    return found


def difference_intervals(
    first,
    second,
    subjects: list[str],
    *,
    level: float = 0.95,
    draws: int = DRAWS,
    seed: int = 0,
    metrics: Sequence[Metric] | None = None,
) -> dict[str, tuple[float, float, float]]:
    """Metric -> low, high and standard error of second less first; one draw of subjects for both.

    Args:
        first, second: as for `swap_test`.
        subjects: the S names, `"dataset/subject"`.
        level, draws, seed, metrics: as for
            `merzoo.evaluation.scores.bootstrap.subject_bootstrap`.
    """
    first, second = np.asarray(first, float), np.asarray(second, float)
    weights = subject_weights(subjects, draws, seed)
    pooled = [np.einsum("ds,rs...->dr...", weights, counts) for counts in (first, second)]
    width = t_quantile(subjects, first, level)
    found = {}
    for metric in compared() if metrics is None else metrics:
        score, reach = metric.of_matrix, metric.highest - metric.lowest
        value = float((score(second.sum(1)) - score(first.sum(1))).mean())
        error = float((score(pooled[1]) - score(pooled[0])).mean(1).std())
        low, high = max(value - width * error, -reach), min(value + width * error, reach)
        found[metric.name] = (low, high, error)
    return found


def paired_scores(
    first: list[dict[str, np.ndarray]],
    second: list[dict[str, np.ndarray]],
    *,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
    metrics: Sequence[Metric] | None = None,
) -> dict[str, dict]:
    """The difference of two models' scores, with all that says how much to believe of it.

    Args:
        first, second: R runs (seeds) each: subject `"dataset/subject"` -> counts as for
            `merzoo.evaluation.scores.bootstrap.subject_bootstrap`; the same subjects in all.
        permutations, seed, metrics: as for `swap_test`.

    Returns:
        Metric -> the `difference` (second less first), its 95 % `interval`, `p` of `swap_test` and
        the `detectable` difference.

    Example:

    >>> one = [{"a/1": np.array([[2, 0], [1, 1]]), "a/2": np.array([[1, 1], [0, 2]])}]
    >>> two = [{"a/1": np.array([[2, 0], [0, 2]]), "a/2": np.array([[1, 1], [0, 2]])}]
    >>> found = paired_scores(one, two)["uar"]
    >>> found["difference"], found["p"]
    (0.125, 1.0)
    """
    subjects = list(first[0])
    counts = [np.stack([[run[s] for s in subjects] for run in runs]) for runs in (first, second)]
    tests = swap_test(*counts, permutations=permutations, seed=seed, metrics=metrics)
    intervals = difference_intervals(*counts, subjects, seed=seed, metrics=metrics)
    found = {}
    for name, test in tests.items():
        low, high, error = intervals[name]
        found[name] = {**test, "interval": (low, high), "detectable": detectable(error)}
    return found


def detectable(error: float) -> float:
    """The true difference that a test at 5 % finds with 80 % power, from its standard error.

    >>> round(detectable(0.02), 3)
    0.056
    """
    from scipy.stats import norm

    return float((norm.ppf(1 - LEVEL / 2) + norm.ppf(POWER)) * error)


def mcnemar(first_right, second_right) -> dict:
    """McNemar's exact test on clips: (N,) whether each model is right.

    >>> found = mcnemar([1, 1, 1, 0, 0], [1, 0, 0, 0, 1])
    >>> found["only_first_right"], found["only_second_right"], found["p"]
    (2, 1, 1.0)
    """
    from scipy.stats import binomtest

    first_right, second_right = np.asarray(first_right, bool), np.asarray(second_right, bool)
    only_first = int((first_right & ~second_right).sum())
    only_second = int((~first_right & second_right).sum())
    both = only_first + only_second
    p = float(binomtest(only_second, both, 0.5).pvalue) if both else 1.0
    return {"only_first_right": only_first, "only_second_right": only_second, "p": p}


def subject_accuracies(table: dict) -> np.ndarray:
    """(S,) share of right clips of each subject, mean over seeds, of a run's table."""
    right = (table["predicted"] == table["label"]).mean(0)
    return np.array([right[table["subject"] == name].mean() for name in table["subjects"]])


def wilcoxon(difference) -> dict:
    """Wilcoxon's signed-rank test on (S,) paired differences; equal pairs are dropped."""
    from scipy import stats

    difference = np.asarray(difference, float).round(12)
    pairs = int((difference != 0).sum())
    return {"pairs": pairs, "p": float(stats.wilcoxon(difference).pvalue) if pairs else 1.0}


def student(difference) -> dict:
    """Student's paired t-test on (S,) differences; p = 1 where all are zero."""
    from scipy import stats

    difference = np.asarray(difference, float)
    if len(difference) < 2 or np.ptp(difference) < 1e-12:
        same = len(difference) < 2 or abs(difference[0]) < 1e-12
        return {"pairs": len(difference), "t": None, "p": 1.0 if same else 0.0}
    found = stats.ttest_1samp(difference, 0)
    return {"pairs": len(difference), "t": float(found.statistic), "p": float(found.pvalue)}


def holm(p_values: list[float]) -> list[float]:
    """Holm's correction for several comparisons (Scandinavian Journal of Statistics 1979).

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    p_values = np.asarray(p_values, float)
    order = np.argsort(p_values)
    factors = np.arange(len(p_values), 0, -1)
    corrected = np.empty(len(p_values))
    corrected[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1)
    return corrected.tolist()

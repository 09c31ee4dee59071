"""Uncertainty of pooled scores: a bootstrap over subjects, stratified by dataset.

Clips of one subject are alike, so subjects, not clips, are drawn with replacement (cluster
bootstrap); within each dataset separately, so that every resample has each dataset's own number of
subjects. Scores are computed on the pooled confusion matrix of a resample, as the score itself is.

The quantiles of such resamples would be too narrow an interval: with subjects this few and this
unequal they hold the true score in about 91 % of cases instead of 95 (`benchmarks/coverage.py`).
So the bootstrap gives the standard error, from draws of n - 1 of a dataset's n subjects (Rao & Wu,
"Resampling inference with complex survey data", JASA 1988: without this correction the variance is
too small by (n - 1) / n); the interval is that of Student's t on the log-odds of the score, which
keeps it within 0..1; and the degrees of freedom count unequal subjects at their effective number
(Carter, Schnepel & Steigerwald, "Asymptotic behavior of a t-test robust to cluster heterogeneity",
Review of Economics and Statistics 2017).
"""

from collections.abc import Sequence

import numpy as np

from merzoo.metrics import (
    UF1,
    Metric,
    compared,
    probability_scores,
    scores,
)

DRAWS = 2000


def subject_matrices(label, predicted, subject, classes: int) -> dict[str, np.ndarray]:
    """The (K, K) confusion matrix of each subject, by subject name in sorted order."""
    names, number = np.unique(np.asarray(subject), return_inverse=True)
    cell = (number * classes + np.asarray(label)) * classes + np.asarray(predicted)
    counts = np.bincount(cell, minlength=len(names) * classes**2)
    return dict(zip(names.tolist(), counts.reshape(-1, classes, classes), strict=True))


def subject_bootstrap(
    matrices: list[dict[str, np.ndarray]],
    *,
    draws: int = DRAWS,
    level: float = 0.95,
    seed: int = 0,
    metrics: Sequence[Metric] | None = None,
) -> dict[str, tuple[float, float]]:
    """Intervals of scores from a stratified cluster bootstrap over subjects.

    Args:
        matrices: one dict a run (seed): subject `"dataset/subject"` -> (K, K) confusion matrix, or
            (U, 2, 2) counts of action units; the same subjects in each. A draw of subjects is
            applied to every run and the scores of the runs are averaged, so the interval is that
            of the mean over seeds.
        draws: number of resamples.
        level: of the interval, 0..1.
        seed: of the draws.
        metrics: rows of `merzoo.metrics.METRICS` that are of a confusion matrix; `None` for those
            with intervals by default (`merzoo.metrics.compared`).

    Returns:
        `{"uf1": (low, high), "uar": (low, high), ...}`. A score at the end of its metric's range
        has no width.
    """
    subjects = list(matrices[0])
    counts = np.stack([[run[s] for s in subjects] for run in matrices])  # (R, S, K, K)
    pooled = np.einsum("ds,rs...->dr...", subject_weights(subjects, draws, seed), counts)
    width = t_quantile(subjects, counts, level)
    intervals = {}
    for metric in compared() if metrics is None else metrics:
        value = float(metric.of_matrix(counts.sum(1)).mean())
        error = float(metric.of_matrix(pooled).mean(1).std())
        intervals[metric.name] = on_log_odds(value, width * error, metric.lowest, metric.highest)
    return intervals


def subject_weights(subjects: list[str], draws: int, seed: int = 0) -> np.ndarray:
    """(draws, S) weights of the rescaled bootstrap: n - 1 of a dataset's n subjects, times n/(n-1).

    The only subject of a dataset has weight 1 in every draw.

    >>> subject_weights(["a/1", "a/2", "b/1"], draws=5000).mean(0).round(1).tolist()
    [1.0, 1.0, 1.0]
    """
    datasets = _datasets(subjects)
    rng = np.random.default_rng(seed)
    weights = np.ones((draws, len(subjects)))
    for name in sorted(set(datasets)):
        members = np.flatnonzero(datasets == name)
        n = len(members)
        if n > 1:
            found = rng.multinomial(n - 1, np.full(n, 1 / n), size=draws)
            weights[:, members] = found * (n / (n - 1))
    return weights


def effective_subjects(subjects: list[str], clips) -> float:
    """Degrees of freedom: over datasets, (sum of clips)^2 / (sum of squares) - 1, at least 1.

    With equal subjects this is their number less one a dataset.

    >>> float(effective_subjects(["a/1", "a/2", "a/3", "a/4"], [5, 5, 5, 5]))
    3.0
    >>> float(effective_subjects(["a/1", "a/2", "a/3", "a/4"], [30, 5, 5, 5]).round(2))
    1.08
    """
    datasets, clips = _datasets(subjects), np.asarray(clips, float)
    parts = [clips[datasets == name] for name in set(datasets)]
    return max(sum(part.sum() ** 2 / (part**2).sum() - 1 for part in parts if part.any()), 1.0)


def t_quantile(subjects: list[str], counts: np.ndarray, level: float = 0.95) -> float:
    """Half width of an interval in standard errors; counts (R, S, ...) as in the bootstrap."""
    from scipy.stats import t

    freedom = effective_subjects(subjects, counts[0].reshape(len(subjects), -1).sum(1))
    return float(t.ppf((1 + level) / 2, freedom))


def on_log_odds(
    value: float, half_width: float, lowest: float, highest: float
) -> tuple[float, float]:
    """The interval around a score, on the log-odds of its place between lowest and highest."""
    from scipy.special import expit, logit

    if value in (lowest, highest) or half_width < 1e-12:
        return value, value
    reach = highest - lowest
    place = (value - lowest) / reach  # 0..1
    spread = half_width / reach / (place * (1 - place))
    ends = expit(logit(place) - spread), expit(logit(place) + spread)
    return float(lowest + reach * ends[0]), float(lowest + reach * ends[1])


def _datasets(subjects: list[str]) -> np.ndarray:
    return np.array([s.split("/", 1)[0] for s in subjects])


def summarise(
    label, subject, predictions: list[np.ndarray], classes: int, probabilities=None
) -> dict:
    """Scores of one set of samples under several seeds: mean, each seed, intervals, counts.

    Args:
        label: (N,) class indices.
        subject: (N,) `"dataset/subject"`.
        predictions: one (N,) array of class indices for each seed.
        classes: number of classes K.
        probabilities: (R, N, K), one (N, K) for each seed, where there are any.

    Returns:
        A dict with the headline metrics of `merzoo.metrics` (`uf1`, `uar`, `accuracy`; means over
        seeds), `uf1_spread`, `per_seed`, `interval`, `n`, `n_per_class`, `subjects` and `confusion`
        (one (K, K) list a seed). A metric of probabilities is `None` without them.
    """
    label, subject = np.asarray(label), np.asarray(subject)
    runs = [subject_matrices(label, predicted, subject, classes) for predicted in predictions]
    pooled = [np.sum(list(run.values()), axis=0) for run in runs]
    given = [None] * len(runs) if probabilities is None else probabilities
    per_seed = [
        scores(matrix) | probability_scores(label, p)
        for matrix, p in zip(pooled, given, strict=True)
    ]
    return {
        **{name: _mean([seed[name] for seed in per_seed]) for name in per_seed[0]},
        "uf1_spread": float(np.std([seed[UF1.name] for seed in per_seed])),
        "per_seed": per_seed,
        "interval": subject_bootstrap(runs),
        "n": len(label),
        "n_per_class": np.bincount(label, minlength=classes).tolist(),
        "subjects": len(set(subject.tolist())),
        "confusion": [matrix.tolist() for matrix in pooled],
    }


def _mean(values: list[float | None]) -> float | None:
    return None if None in values else float(np.mean(values))

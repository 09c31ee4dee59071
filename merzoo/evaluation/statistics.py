"""Uncertainty of pooled scores: a bootstrap over subjects, stratified by dataset.

Clips of one subject are alike, so subjects, not clips, are drawn with replacement (cluster
bootstrap); within each dataset separately, so that every resample has each dataset's own number of
subjects. Scores are computed on the pooled confusion matrix of a resample, as the score itself is.
"""

from collections.abc import Callable

import numpy as np

from merzoo.evaluation.metrics import confusion_matrix, scores, uar, uf1


def subject_matrices(label, predicted, subject, classes: int) -> dict[str, np.ndarray]:
    """The (K, K) confusion matrix of each subject, by subject name in sorted order."""
    label, predicted, subject = map(np.asarray, (label, predicted, subject))
    return {
        name: confusion_matrix(label[subject == name], predicted[subject == name], classes)
        for name in sorted(set(subject.tolist()))
    }


def subject_bootstrap(
    matrices: list[dict[str, np.ndarray]],
    *,
    draws: int = 2000,
    level: float = 0.95,
    seed: int = 0,
    metrics: dict[str, Callable] | None = None,
) -> dict[str, tuple[float, float]]:
    """Percentile intervals of scores from a stratified cluster bootstrap over subjects.

    Args:
        matrices: one dict a run (seed): subject `"dataset/subject"` -> (K, K) confusion matrix; the
            same subjects in each. A draw of subjects is applied to every run and the scores of the
            runs are averaged, so the interval is that of the mean over seeds.
        draws: number of resamples.
        level: of the interval, 0..1.
        seed: of the draws.
        metrics: name -> function of (..., K, K) pooled confusion matrices; `None` for UF1 and UAR.

    Returns:
        `{"uf1": (low, high), "uar": (low, high)}`, or of the metrics given.
    """
    subjects = list(matrices[0])
    counts = np.stack([[run[s] for s in subjects] for run in matrices])  # (R, S, K, K)
    datasets = np.array([s.split("/", 1)[0] for s in subjects])
    rng = np.random.default_rng(seed)
    weights = np.zeros((draws, len(subjects)))
    for name in sorted(set(datasets)):
        members = np.flatnonzero(datasets == name)
        chances = np.full(len(members), 1 / len(members))
        weights[:, members] = rng.multinomial(len(members), chances, size=draws)
    pooled = np.einsum("ds,rsij->drij", weights, counts)  # (draws, R, K, K)
    tails = [(1 - level) / 2, (1 + level) / 2]
    intervals = {}
    for name, score in (metrics or {"uf1": uf1, "uar": uar}).items():
        low, high = np.quantile(score(pooled).mean(1), tails)
        intervals[name] = (float(low), float(high))
    return intervals


def summarise(label, subject, predictions: list[np.ndarray], classes: int) -> dict:
    """Scores of one set of samples under several seeds: mean, each seed, intervals, counts.

    Args:
        label: (N,) class indices.
        subject: (N,) `"dataset/subject"`.
        predictions: one (N,) array of class indices for each seed.
        classes: number of classes K.

    Returns:
        A dict with `uf1`, `uar`, `accuracy` (means over seeds), `per_seed`, `interval`, `n`,
        `n_per_class`, `subjects` and `confusion` (one (K, K) list a seed).
    """
    label, subject = np.asarray(label), np.asarray(subject)
    runs = [subject_matrices(label, predicted, subject, classes) for predicted in predictions]
    pooled = [np.sum(list(run.values()), axis=0) for run in runs]
    per_seed = [scores(matrix) for matrix in pooled]
    return {
        **{name: float(np.mean([s[name] for s in per_seed])) for name in per_seed[0]},
        "uf1_spread": float(np.std([s["uf1"] for s in per_seed])),
        "per_seed": per_seed,
        "interval": subject_bootstrap(runs),
        "n": len(label),
        "n_per_class": np.bincount(label, minlength=classes).tolist(),
        "subjects": len(set(subject.tolist())),
        "confusion": [matrix.tolist() for matrix in pooled],
    }

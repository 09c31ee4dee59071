"""What the probabilities are worth beyond the predicted class: ROC curves and calibration.

ROC curves are one class against the rest, over the clips of all folds together, so they also show
whether the folds' probabilities can be compared with one another. Calibration is that of the
predicted class: reliability bins and the expected calibration error (Guo et al., "On Calibration of
Modern Neural Networks", ICML 2017).
"""

import numpy as np

BINS = 10
FALSE_POSITIVE_RATES = np.linspace(0, 1, 201)


def roc_auc(label, probabilities) -> list[float | None]:
    """Area under the ROC curve of each class against the rest, mean over runs.

    Args:
        label: (N,) class indices.
        probabilities: (R, N, K), one (N, K) a run (seed).

    Returns:
        K areas, 0..1; `None` for a class that has no clips, or all of them.

    >>> roc_auc([0, 0, 1, 1], [[[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.2, 0.8]]])
    [0.75, 0.75]
    """
    from sklearn.metrics import roc_auc_score

    label, probabilities = np.asarray(label), np.asarray(probabilities)
    areas = []
    for k in range(probabilities.shape[-1]):
        truth = label == k
        if truth.all() or not truth.any():
            areas.append(None)
        else:
            areas.append(float(np.mean([roc_auc_score(truth, p[:, k]) for p in probabilities])))
    return areas


def roc_curve(label, probabilities, k: int) -> np.ndarray:
    """True-positive rates of class k at `FALSE_POSITIVE_RATES`, mean over runs; shapes as above."""
    from sklearn import metrics

    truth = np.asarray(label) == k
    curves = []
    for run in np.asarray(probabilities):
        false_positives, true_positives, _ = metrics.roc_curve(truth, run[:, k])
        # The last of several points at one rate is the curve's upper edge there.
        places = np.searchsorted(false_positives, FALSE_POSITIVE_RATES, side="right") - 1
        at_point = false_positives[places] == FALSE_POSITIVE_RATES
        between = np.interp(FALSE_POSITIVE_RATES, false_positives, true_positives)
        curves.append(np.where(at_point, true_positives[places], between))
    return np.mean(curves, axis=0)


def reliability(label, probabilities, bins: int = BINS) -> dict[str, np.ndarray]:
    """Equal bins of the predicted class's probability; shapes as in `roc_auc`.

    Returns:
        `confidence` and `accuracy`, the means in each bin (NaN in an empty one), and `share`, the
        part of all predictions that falls into it, each (bins,).
    """
    probabilities = np.asarray(probabilities)
    right = (probabilities.argmax(-1) == np.asarray(label)).ravel()
    confidence = probabilities.max(-1).ravel()
    places = np.minimum((confidence * bins).astype(int), bins - 1)
    count = np.bincount(places, minlength=bins)
    with np.errstate(invalid="ignore"):
        return {
            "confidence": np.bincount(places, confidence, bins) / count,
            "accuracy": np.bincount(places, right, bins) / count,
            "share": count / count.sum(),
        }


def expected_calibration_error(label, probabilities, bins: int = BINS) -> float:
    """Mean gap between confidence and accuracy over `reliability` bins, 0..1, mean over runs.

    >>> expected_calibration_error([0, 1], [[[0.75, 0.25], [0.75, 0.25]]])
    0.25
    """
    errors = []
    for run in np.asarray(probabilities):
        found = reliability(label, run[None], bins)
        gaps = np.abs(found["confidence"] - found["accuracy"])
        errors.append(np.nansum(gaps * found["share"]))
    return float(np.mean(errors))

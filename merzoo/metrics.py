"""Metrics of the MEGC 2019 challenge, from pooled confusion matrices over a fixed class list.

True and false positives are added up over all folds and only then turned into one F1 per class;
the mean over classes is UF1 (unweighted F1), and the mean recall is UAR (See et al., "MEGC 2019 -
The Second Facial Micro-Expressions Grand Challenge", FG 2019). Averaging an F1 per fold instead
gives other, usually lower, numbers, and is not offered.
"""

import numpy as np
from sklearn.metrics import confusion_matrix as _sklearn_confusion_matrix


def confusion_matrix(label, predicted, classes: int) -> np.ndarray:
    """(K, K) counts: row = annotated class, column = predicted class.

    >>> confusion_matrix([0, 0, 1], [0, 1, 1], 2).tolist()
    [[1, 1], [0, 1]]
    """
    return _sklearn_confusion_matrix(label, predicted, labels=range(classes))


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
    """TP / N of each class; 0 for a class without samples. Shapes as in `f1_per_class`."""
    return _divide(np.diagonal(matrix, axis1=-2, axis2=-1), matrix.sum(-1))


def uf1(matrix: np.ndarray):
    """Unweighted F1 of (..., K, K) pooled confusion matrices, 0..1.

    >>> float(uf1(np.array([[250, 0, 0], [109, 0, 0], [83, 0, 0]])).round(3))
    0.241
    """
    return f1_per_class(matrix).mean(-1)


def uar(matrix: np.ndarray):
    """Unweighted average recall of (..., K, K) pooled confusion matrices, 0..1."""
    return recall_per_class(matrix).mean(-1)


def accuracy(matrix: np.ndarray):
    """Share of samples on the diagonal of (..., K, K) pooled confusion matrices, 0..1."""
    return _divide(np.trace(matrix, axis1=-2, axis2=-1), matrix.sum((-2, -1)))


def scores(matrix: np.ndarray) -> dict[str, float]:
    """UF1, UAR and accuracy of one pooled confusion matrix."""
    return {
        "uf1": float(uf1(matrix)),
        "uar": float(uar(matrix)),
        "accuracy": float(accuracy(matrix)),
    }


def _divide(numerator, denominator):
    numerator = np.asarray(numerator, float)
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator != 0)

"""A handcrafted descriptor, a scaler and a linear SVM as one estimator: the classic baselines.

The scaler is fitted together with the SVM, so only ever on the training samples of a fold.
"""

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from merzoo.errors import InputError


class Descriptor(TransformerMixin, BaseEstimator):
    """Base of the descriptors: a scikit-learn transformer that describes each sample by itself.

    A descriptor names its `modality`, keeps the `input_shape` of one sample, and turns one sample
    into a vector by `describe(sample)`. Nothing is fitted, so nothing leaks between samples.
    """

    modality: str
    input_shape: tuple[int, ...]

    def fit(self, X=None, y=None):
        """Fits nothing."""
        return self

    def transform(self, X) -> np.ndarray:
        """(N, ...) samples -> (N, D) float32 vectors."""
        if np.ndim(X) != len(self.input_shape) + 1:
            raise InputError(
                f"{type(self).__name__} takes samples of {len(self.input_shape)} axes "
                f"({self.modality!r}), got an array of shape {np.shape(X)}."
            )
        return np.stack([self.describe(np.asarray(sample)) for sample in X]).astype(np.float32)

    def __sklearn_is_fitted__(self):
        return True


class DescriptorSVM(ClassifierMixin, BaseEstimator):
    """Linear SVM on the standardised vectors of a descriptor, with balanced class weights.

    Args:
        descriptor: a `Descriptor`.
        cost: C of the SVM times the number of features, so that it means the same for a descriptor
            of 72 numbers and one of thousands.

    Example:

    >>> from merzoo.models.mdmo import MDMO
    >>> rng = np.random.default_rng(0)
    >>> y = np.arange(20) % 2
    >>> X = rng.normal(0, 0.1, (20, 24, 24, 3)); X[y == 1, :, :12, 0] += 1  # left half moves
    >>> model = DescriptorSVM(MDMO()).fit(X[:16], y[:16])
    >>> model.predict(X[16:]).tolist()
    [0, 1, 0, 1]
    """

    def __init__(self, descriptor, cost=1.0):
        self.descriptor, self.cost = descriptor, cost

    @property
    def inputs(self) -> dict[str, tuple[int, ...]]:
        """{modality: shape of one sample}."""
        return {self.descriptor.modality: tuple(self.descriptor.input_shape)}

    def fit(self, X, y, groups=None):
        """Fits scaler and SVM on samples X (N, ...) with labels y; `groups` is not needed."""
        vectors = clone(self.descriptor).transform(X)
        svm = SVC(kernel="linear", C=self.cost / vectors.shape[1], class_weight="balanced")
        self.pipeline_ = make_pipeline(StandardScaler(), svm).fit(vectors, y)
        self.classes_ = self.pipeline_.classes_
        return self

    def decision_function(self, X) -> np.ndarray:
        """(N, K) scores, one against the rest."""
        scores = self.pipeline_.decision_function(self.descriptor.transform(X))
        return np.stack([-scores, scores], axis=1) if scores.ndim == 1 else scores

    def predict_proba(self, X) -> np.ndarray:
        """(N, K) softmax of the scores (not calibrated)."""
        return softmax(self.decision_function(X), axis=1)

    def predict(self, X) -> np.ndarray:
        """(N,) class labels."""
        return self.classes_[self.decision_function(X).argmax(1)]


def block_edges(length: int, blocks: int) -> np.ndarray:
    """The block, 0..blocks - 1, of each of `length` pixels; sizes differ by one at most.

    >>> block_edges(7, 3).tolist()
    [0, 0, 0, 1, 1, 2, 2]
    """
    sizes = [len(part) for part in np.array_split(np.arange(length), blocks)]
    return np.repeat(np.arange(blocks), sizes)


def block_map(height: int, width: int, blocks: int) -> np.ndarray:
    """(height, width) number of the block of each pixel in a blocks x blocks grid, row by row."""
    if min(height, width) < blocks:
        raise InputError(
            f"{height} x {width} pixels cannot be cut into {blocks} x {blocks} blocks."
        )
    return block_edges(height, blocks)[:, None] * blocks + block_edges(width, blocks)


def block_histograms(codes: np.ndarray, bins: int, blocks: int, weights=None) -> np.ndarray:
    """The histogram of each block of a clip, over all of its frames.

    Args:
        codes: (T, H, W) whole numbers, 0..bins - 1.
        bins: of a histogram.
        blocks: per side.
        weights: (T, H, W) what each place counts, from 0; `None` for 1.

    Returns:
        (blocks^2, bins): each adds up to 1, or to 0 where nothing in the block counts.

    Example:

    >>> block_histograms(np.array([[[0, 1], [1, 1]]]), bins=2, blocks=1).tolist()
    [[0.25, 0.75]]
    """
    _, height, width = codes.shape
    place = block_map(height, width, blocks) * bins + codes
    weights = None if weights is None else weights.ravel()
    found = np.bincount(place.ravel(), weights, minlength=blocks**2 * bins)
    found = found.reshape(blocks**2, bins)
    total = found.sum(axis=-1, keepdims=True)
    return found / np.where(total > 0, total, 1)

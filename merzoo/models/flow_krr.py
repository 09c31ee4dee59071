"""`flow-krr`: class-weighted kernel ridge regression on prepared flow images, the yardstick.

A network that does not beat it has learned nothing beyond it. Regularisation is chosen by leaving
out one training subject at a time, in closed form: with the weighted ridge's hat matrix H, the
prediction for a left-out block b is y_b - (I - H_bb)^-1 (y_b - H_b y), so no refit is needed.
"""

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics.pairwise import rbf_kernel

from merzoo.models.registry import register


class FlowKernelRidge(ClassifierMixin, BaseEstimator):
    """Class-weighted RBF kernel ridge classifier on one-hot targets.

    Args:
        alphas: candidates for the regularisation.
        width: of the kernel: gamma = width / (number of pixels and channels).

    Source:
        Saunders, Gammerman, Vovk, "Ridge Regression Learning Algorithm in Dual Variables", 1998.

    Example:

    >>> rng = np.random.default_rng(0)
    >>> y = np.arange(40) % 2
    >>> X = rng.uniform(0, 255, (40, 28, 28, 3)); X[y == 1, :14] += 60
    >>> model = FlowKernelRidge().fit(X[:30], y[:30], groups=np.arange(30) // 5)
    >>> bool((model.predict(X[30:]) == y[30:]).mean() > 0.8)
    True
    """

    inputs = {"flow_image": (28, 28, 3)}  # noqa: RUF012 - read by the runner, never changed

    def __init__(self, alphas=(0.03, 0.1, 0.3, 1.0, 3.0), width=1.0):
        self.alphas, self.width = alphas, width

    def fit(self, X, y, groups=None):
        """Fits on X (N, H, W, 3) in 0..255 with labels y and the subject of each sample."""
        y = np.asarray(y)
        self.classes_ = np.unique(y)
        self.images_ = prepare_flow(X)
        target = (y[:, None] == self.classes_).astype(float)  # (N, K)
        weights = target @ np.sqrt(len(y) / (len(self.classes_) * target.sum(0)))  # (N,)
        kernel = rbf_kernel(self.images_, gamma=self.width / self.images_.shape[1])
        groups = np.arange(len(y)) if groups is None else np.asarray(groups)
        errors = [_left_out_error(kernel, target, weights, a, groups) for a in self.alphas]
        self.alpha_ = self.alphas[int(np.argmin(errors))]
        self.dual_ = _solve(kernel, target, weights, self.alpha_)
        return self

    def decision_function(self, X):
        """(N, K) regressed targets, about 0..1."""
        kernel = rbf_kernel(prepare_flow(X), self.images_, gamma=self.width / self.images_.shape[1])
        return kernel @ self.dual_

    def predict_proba(self, X):
        """(N, K) regressed targets, clipped to 0.. and made to sum to 1 (not calibrated)."""
        scores = np.clip(self.decision_function(X), 1e-6, None)
        return scores / scores.sum(1, keepdims=True)

    def predict(self, X):
        """(N,) class labels."""
        return self.classes_[self.decision_function(X).argmax(1)]


def prepare_flow(images) -> np.ndarray:
    """(N, H, W, 3) flow images as prepared rows; the maths of `merzoo.layers.FlowPreparation`."""
    x = np.asarray(images, "float64")
    x = x - np.median(x, axis=(1, 2), keepdims=True) * np.array([1, 1, 0])
    x = 2 * np.tanh(x / np.maximum(x.std(axis=(1, 2), keepdims=True), 1e-6) / 2)
    return x.reshape(len(x), -1)


def _solve(kernel, target, weights, alpha):
    # Weighted ridge: (K + alpha W^-1) dual = target.
    return cho_solve(cho_factor(kernel + alpha * np.diag(1 / weights)), target)


def _left_out_error(kernel, target, weights, alpha, groups) -> float:
    """Weighted squared error of each group predicted from all the others."""
    inverse = _solve(kernel, np.eye(len(kernel)), weights, alpha)
    dual = inverse @ target
    error = 0.0
    for name in np.unique(groups):
        rows = np.flatnonzero(groups == name)
        # y_b - prediction without b = (G_bb)^-1 (G y)_b, with G the inverse above.
        residual = np.linalg.solve(inverse[np.ix_(rows, rows)], dual[rows])
        error += float((weights[rows, None] * residual**2).sum())
    return error


@register(
    "flow-krr",
    kind="estimator",
    title="Flow kernel ridge",
    reference="This project: a yardstick, not a published method.",
    readings=(
        "Class weights are square-root; regularisation is chosen by leave-one-training-subject-out "
        "squared error.",
    ),
)
def FlowKRR(name="flow-krr", classes=3, **arguments) -> FlowKernelRidge:
    """Builds `FlowKernelRidge`; `classes` is found in the labels when fitting."""
    return FlowKernelRidge(**arguments)

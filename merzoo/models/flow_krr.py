"""`flow-krr`: class-weighted kernel ridge regression on prepared flow images, the yardstick.

A network that does not beat it has learned nothing beyond it. Regularisation is chosen by leaving
out one training subject at a time, in closed form: with the weighted ridge's hat matrix H, the
prediction for a left-out block b is y_b - (I - H_bb)^-1 (y_b - H_b y), so no refit is needed.

The kernel of two samples depends on these two alone, so one matrix serves all folds of an
evaluation (`share`). A fold takes its training samples' rows and columns of it; weights, the choice
of the regularisation and the fit are its own. Beyond `centres` training samples the kernel is
expanded about so many of them (Nyström's method), so that time and memory grow with the samples
and not with their square or cube.
"""

import math
from collections.abc import Callable

import numpy as np
from scipy.linalg import cho_solve, cholesky, eigh, solve_triangular
from scipy.linalg.lapack import dtrtri
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics.pairwise import rbf_kernel

from merzoo.models.registry import register

_BLOCK = 256  # samples prepared at a time
_SPARE = 1.25  # times as many columns as centres: those of the left-out subject are not used
_JITTER = 1e-8  # beside the kernel's diagonal of 1: equal centres would make it singular


class FlowKernel:
    """The kernel of samples with those that may be centres; no label has a part in it.

    A value follows from two samples alone. Columns are worked out for as many samples as folds are
    likely to need, and for others when a fold needs them.

    Args:
        X: (N, H, W, 3) all samples.
        kernel: of prepared rows with others.
        centres: how many samples a fit is expanded about at most.
    """

    def __init__(self, X, kernel: Callable, centres: int):
        self._samples, self._kernel, self._most = X, kernel, centres
        self.values = np.empty((len(X), 0))  # (N, M)
        self._column = np.full(len(X), -1)  # of `values`, for samples that have one
        # Multiples of the golden section: the first few of this order are spread evenly over the
        # samples, and stay so when those of one subject are left out.
        self._rank = np.arange(len(X)) * ((np.sqrt(5) - 1) / 2) % 1
        self._add(np.sort(np.argsort(self._rank)[: math.ceil(_SPARE * centres)]))

    def centres(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The centres of a fit on the samples at `rows`: a mask (n,) and columns of `values`."""
        mask = np.ones(len(rows), bool)
        if len(rows) > self._most:
            mask[np.argsort(self._rank[rows])[self._most :]] = False
        chosen = rows[mask]
        lacking = chosen[self._column[chosen] < 0]
        if lacking.size:
            self._add(lacking)
        return mask, self._column[chosen]

    def _add(self, centres: np.ndarray) -> None:
        images = prepare_flow(np.asarray(self._samples)[centres])
        before, size = self.values.shape[1], len(self.values)
        values = np.empty((size, before + len(centres)))
        values[:, :before] = self.values
        for start in range(0, size, _BLOCK):
            block = slice(start, start + _BLOCK)
            values[block, before:] = self._kernel(prepare_flow(self._samples[block]), images)
        self._column[centres] = np.arange(before, values.shape[1])
        self.values = values


class FlowKernelRidge(ClassifierMixin, BaseEstimator):
    """Class-weighted RBF kernel ridge classifier on one-hot targets.

    Args:
        alphas: candidates for the regularisation.
        width: of the kernel: gamma = width / (number of pixels and channels).
        centres: samples that the kernel is expanded about, spread evenly over those that are
            fitted on; where there are no more than that, each is one, and nothing is approximated.

    Source:
        Saunders, Gammerman, Vovk, "Ridge Regression Learning Algorithm in Dual Variables", 1998;
        Williams, Seeger, "Using the Nyström Method to Speed Up Kernel Machines", 2001.

    Example:

    >>> rng = np.random.default_rng(0)
    >>> y = np.arange(40) % 2
    >>> X = rng.uniform(0, 255, (40, 28, 28, 3)); X[y == 1, :14] += 60
    >>> model = FlowKernelRidge().fit(X[:30], y[:30], groups=np.arange(30) // 5)
    >>> bool((model.predict(X[30:]) == y[30:]).mean() > 0.8)
    True

    The same in folds, with one kernel matrix for all of them:

    >>> kernel, rows = model.share(X), np.arange(30)
    >>> model = FlowKernelRidge().fit_shared(kernel, rows, y[:30], groups=rows // 5)
    >>> model.predict_proba_shared(kernel, np.arange(30, 40)).shape
    (10, 2)
    """

    inputs = {"flow_image": (28, 28, 3)}  # noqa: RUF012 - read by the runner, never changed

    def __init__(self, alphas=(0.03, 0.1, 0.3, 1.0, 3.0), width=1.0, centres=512):
        self.alphas, self.width, self.centres = alphas, width, centres

    def share(self, X) -> FlowKernel:
        """The kernel of samples X (N, H, W, 3), for any number of fits on some of them.

        Nothing is estimated: a value of the kernel follows from two samples alone.
        """
        return FlowKernel(X, self._kernel, self.centres)

    def fit(self, X, y, groups=None):
        """Fits on X (N, H, W, 3) in 0..255 with labels y and the subject of each sample."""
        rows, kernel = np.arange(len(X)), self.share(X)
        self.fit_shared(kernel, rows, y, groups)
        self.images_ = prepare_flow(np.asarray(X)[kernel.centres(rows)[0]])
        return self

    def fit_shared(self, kernel: FlowKernel, rows, y, groups=None):
        """Fits on some of the samples of a kernel.

        Args:
            kernel: as `share` gives it.
            rows: (n,) numbers of the samples to fit on; nothing of the others is looked at.
            y: (n,) their labels.
            groups: (n,) the subject of each.
        """
        y, rows = np.asarray(y), np.asarray(rows)
        self.classes_ = np.unique(y)
        target = (y[:, None] == self.classes_).astype(float)  # (n, K)
        weights = target @ np.sqrt(len(y) / (len(self.classes_) * target.sum(0)))  # (n,)
        is_centre, self.columns_ = kernel.centres(rows)
        values = kernel.values[np.ix_(rows, self.columns_)]  # (n, m)
        groups = np.arange(len(y)) if groups is None else np.asarray(groups)
        _, number = np.unique(groups, return_inverse=True)
        order = np.argsort(number, kind="stable")
        members = np.split(order, np.flatnonzero(np.diff(number[order])) + 1)
        ridge: _Exact | _Expanded
        if is_centre.all():
            ridge = _Exact(values, target, weights)
        else:
            ridge = _Expanded(values, values[is_centre], target, weights)
        errors = [ridge.left_out_error(alpha, members) for alpha in self.alphas]
        self.alpha_ = self.alphas[int(np.argmin(errors))]
        self.left_out_error_ = min(errors)
        self.dual_ = ridge.solve(self.alpha_)  # (m, K)
        return self

    def decision_function(self, X):
        """(N, K) regressed targets, about 0..1."""
        return self._kernel(prepare_flow(X), self.images_) @ self.dual_

    def predict_proba(self, X):
        """(N, K) regressed targets, clipped to 0.. and made to sum to 1 (not calibrated)."""
        return _as_probabilities(self.decision_function(X))

    def predict_proba_shared(self, kernel: FlowKernel, rows):
        """`predict_proba` of samples of the kernel that `fit_shared` was given."""
        return _as_probabilities(kernel.values[np.ix_(rows, self.columns_)] @ self.dual_)

    def predict(self, X):
        """(N,) class labels."""
        return self.classes_[self.decision_function(X).argmax(1)]

    def _kernel(self, images, others):
        return rbf_kernel(images, others, gamma=self.width / images.shape[1])


def prepare_flow(images) -> np.ndarray:
    """(N, H, W, 3) flow images as prepared rows; the maths of `merzoo.layers.FlowPreparation`."""
    x = np.asarray(images, "float64")
    x = x - np.median(x, axis=(1, 2), keepdims=True) * np.array([1, 1, 0])
    x = 2 * np.tanh(x / np.maximum(x.std(axis=(1, 2), keepdims=True), 1e-6) / 2)
    return x.reshape(len(x), -1)


class _Exact:
    """Weighted ridge about every training sample: (K + alpha W^-1) dual = target.

    Args:
        kernel: (n, n) of the training samples.
        target: (n, K).
        weights: (n,).
    """

    def __init__(self, kernel, target, weights):
        self.kernel, self.target, self.weights = kernel, target, weights

    def solve(self, alpha: float) -> np.ndarray:
        return cho_solve((self._factor(alpha), True), self.target)

    def left_out_error(self, alpha: float, members) -> float:
        """Weighted squared error of each group predicted from all the others."""
        # With A = L L' the matrix above, the inverse of A is L^-1' L^-1, of which the blocks of
        # the groups alone are needed.
        lower, _ = dtrtri(self._factor(alpha), lower=1)
        dual = lower.T @ (lower @ self.target)
        error = 0.0
        for rows in members:
            columns = lower[rows.min() :, rows]  # above them the triangle is empty
            # y_b - prediction without b = (G_bb)^-1 (G y)_b, with G the inverse.
            residual = np.linalg.solve(columns.T @ columns, dual[rows])
            error += float((self.weights[rows, None] * residual**2).sum())
        return error

    def _factor(self, alpha: float) -> np.ndarray:
        return cholesky(self.kernel + alpha * np.diag(1 / self.weights), lower=True)


class _Expanded:
    """Weighted ridge about m centres: least squares on features whose products are the kernel's.

    Args:
        kernel: (n, m) of the training samples with the centres; overwritten.
        centres: (m, m) of the centres.
        target: (n, K).
        weights: (n,).
    """

    def __init__(self, kernel, centres, target, weights):
        self._lower = cholesky(centres + _JITTER * np.eye(len(centres)), lower=True)
        root = np.sqrt(weights)[:, None]
        # In the kernel's own memory: these are the largest arrays of a fit.
        features = solve_triangular(self._lower, kernel.T, lower=True, overwrite_b=True).T
        features *= root  # (n, m)
        self._spectrum, self._axes = eigh(features.T @ features)
        self._features = features @ self._axes
        self._target = root * target
        self._moments = self._features.T @ self._target  # (m, K)

    def solve(self, alpha: float) -> np.ndarray:
        weights = self._axes @ self._shrunk(alpha)
        return solve_triangular(self._lower, weights, lower=True, trans=1)

    def left_out_error(self, alpha: float, members) -> float:
        """As of `_Exact`; the centres stay, those of the group too: their use alone is fitted."""
        found = self._shrunk(alpha)
        error = 0.0
        for rows in members:
            features = self._features[rows]
            hat = features / (self._spectrum + alpha) @ features.T  # (b, b)
            residual = self._target[rows] - features @ found
            error += float((np.linalg.solve(np.eye(len(rows)) - hat, residual) ** 2).sum())
        return error

    def _shrunk(self, alpha: float) -> np.ndarray:
        return self._moments / (self._spectrum + alpha)[:, None]


def _as_probabilities(scores) -> np.ndarray:
    scores = np.clip(scores, 1e-6, None)
    return scores / scores.sum(1, keepdims=True)


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

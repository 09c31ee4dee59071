"""More of kernel ridge regression than flow-krr takes: 72 kernels, their mean, and the one chosen.

Everything of a fold is learnt from its training people; a kernel's value follows from two samples
and the sets that they are from.
"""

from itertools import product

import numpy as np
from scipy.ndimage import gaussian_filter
from sklearn.metrics.pairwise import rbf_kernel
from synthetic_to_real_parts import INPUTS, Bench, judged, table_of

from merzoo.models.flow_krr import ExactRidge, FlowKernelRidge, as_probabilities, prepare_flow
from merzoo.preprocessing.samples import load_samples

BLURS, CELLS, WIDTHS = (0, 1), (1, 2, 4), (0.5, 1.0, 2.0)
MIRRORED, BETWEEN_SETS = (False, True), (1.0, 0.5)
MEAN, CHOSEN = "kernels-mean", "kernels-chosen"


def kernels(samples) -> np.ndarray:
    """(72, N, N) of all samples, each with a diagonal of 1."""
    x = prepare_flow(samples.modalities["flow_image"]).reshape(-1, 28, 28, 3)
    same = samples.dataset[:, None] == samples.dataset[None]
    found = []
    for blur, cells, width in product(BLURS, CELLS, WIDTHS):
        soft = gaussian_filter(x, (0, blur, blur, 0)) if blur else x
        plain = in_cells(soft, soft, cells, width)
        both = plain + in_cells(soft, mirror(soft), cells, width)
        root = np.sqrt(np.diag(both))
        for mirrored, between in product(MIRRORED, BETWEEN_SETS):
            kernel = both / root[:, None] / root if mirrored else plain
            found.append(kernel * np.where(same, 1.0, between))
    return np.array(found)


def in_cells(x, y, cells: int, width: float) -> np.ndarray:
    """(N, M) mean of one RBF kernel a cell of (N, H, W, C) and (M, H, W, C)."""
    side = x.shape[1] // cells
    parts = []
    for row, column in product(range(cells), repeat=2):
        place = np.s_[:, row * side : (row + 1) * side, column * side : (column + 1) * side]
        a, b = (images[place].reshape(len(images), -1) for images in (x, y))
        parts.append(rbf_kernel(a, b, gamma=width / a.shape[1]))
    return np.mean(parts, 0)


def mirror(x) -> np.ndarray:
    """Mirrored (N, H, W, 3) prepared flow: left is right, and u has the other sign."""
    return x[:, :, ::-1] * np.array([-1, 1, 1])


def judge(stack: np.ndarray, samples) -> np.ndarray:
    """(N, K) probabilities, each person left out once; kernel and alpha by the others alone."""
    alphas, given = FlowKernelRidge().alphas, np.zeros((len(samples), len(samples.classes)))
    person = samples.subject
    for one in np.unique(person):
        rows, held = np.flatnonzero(person != one), np.flatnonzero(person == one)
        target = np.eye(len(samples.classes))[samples.label[rows]]
        weights = target @ np.sqrt(len(rows) / (target.shape[1] * target.sum(0)))
        members = [np.flatnonzero(person[rows] == other) for other in np.unique(person[rows])]
        best = (np.inf,)
        for number, kernel in enumerate(stack):
            ridge = ExactRidge(kernel[np.ix_(rows, rows)], target, weights)
            for alpha in alphas:
                error = ridge.left_out_error(alpha, members)
                if error < best[0]:
                    best = (error, number, alpha, ridge)
        _, number, alpha, ridge = best
        given[held] = as_probabilities(stack[number][np.ix_(held, rows)] @ ridge.solve(alpha))
        print(f"{one}: kernel {number}, alpha {alpha}", flush=True)
    return given


def run(bench: Bench) -> list[str]:
    """Both rows of the plan."""
    if bench.done(MEAN) and bench.done(CHOSEN):
        return [MEAN, CHOSEN]
    samples = load_samples(bench.data, INPUTS)
    stack = kernels(samples)
    for name, used in ((MEAN, stack.mean(0, keepdims=True)), (CHOSEN, stack)):
        if not bench.done(name):
            judged(bench, name, table_of(samples, judge(used, samples), 0))
    return [MEAN, CHOSEN]

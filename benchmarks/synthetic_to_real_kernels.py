"""More of kernel ridge regression than flow-krr takes: 72 kernels, their mean, and the one chosen.

Everything of a fold is learnt from its training people; a kernel's value follows from two samples
and the sets that they are from.
"""

from itertools import product

import numpy as np
from scipy.ndimage import gaussian_filter
from sklearn.metrics.pairwise import rbf_kernel
from synthetic_to_real_parts import INPUTS, Bench, judged, table_of

from merzoo.models.flow_krr import FlowKernelRidge, prepare_flow
from merzoo.preprocessing.samples import load_samples
from merzoo.preprocessing.transforms import flip

BLURS, CELLS, WIDTHS = (0, 1), (1, 2, 4), (0.5, 1.0, 2.0)
MIRRORED, BETWEEN_SETS = (False, True), (1.0, 0.5)
MEAN, CHOSEN = "kernels-mean", "kernels-chosen"


def kernels(samples) -> np.ndarray:
    """(72, N, N) of all samples, each with a diagonal of 1."""
    images = {"flow_image": np.asarray(samples.modalities["flow_image"], np.float32)}
    views = [prepared(view["flow_image"]) for view in (images, flip(images))]
    same = samples.dataset[:, None] == samples.dataset[None]
    found = []
    for blur, cells, width in product(BLURS, CELLS, WIDTHS):
        x, mirrored_x = (gaussian_filter(v, (0, blur, blur, 0)) if blur else v for v in views)
        plain = in_cells(x, x, cells, width)
        both = plain + in_cells(x, mirrored_x, cells, width)
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


def prepared(images) -> np.ndarray:
    """(N, 28, 28, 3) prepared flow of images in 0..255."""
    return prepare_flow(images).reshape(-1, *INPUTS["flow_image"])


class Whole:
    """A kernel (N, N) that is there already, as `FlowKernelRidge.fit_shared` takes it."""

    def __init__(self, values: np.ndarray):
        self.values = values

    def centres(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Every sample is one."""
        return np.ones(len(rows), bool), rows


def judge(stack: np.ndarray, samples) -> np.ndarray:
    """(N, K) probabilities, each person left out once; kernel and alpha by the others alone."""
    given, person = np.zeros((len(samples), len(samples.classes))), samples.subject
    for one in np.unique(person):
        rows, held = np.flatnonzero(person != one), np.flatnonzero(person == one)
        fits = [
            FlowKernelRidge().fit_shared(Whole(kernel), rows, samples.label[rows], person[rows])
            for kernel in stack
        ]
        best = int(np.argmin([fit.left_out_error_ for fit in fits]))
        given[held] = fits[best].predict_proba_shared(Whole(stack[best]), held)
        print(f"{one}: kernel {best}, alpha {fits[best].alpha_}", flush=True)
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

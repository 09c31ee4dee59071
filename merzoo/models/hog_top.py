"""`hog-top`, `higo-top`: gradient orientations on three orthogonal planes, and a linear SVM.

Li, Hong, Moilanen, Huang, Pfister, Zhao, Pietikainen, "Towards Reading Hidden Emotions: A
Comparative Study of Spontaneous Micro-Expression Spotting and Recognition Methods", IEEE
Transactions on Affective Computing 9, 2018. HOG is the histogram of oriented gradients, HIGO the
histogram of image gradient orientation, which ignores how steep the gradients are.
"""

import numpy as np

from merzoo.errors import InputError
from merzoo.models.bi_woof import direction
from merzoo.models.descriptor_svm import Descriptor, DescriptorSVM, block_histograms
from merzoo.models.registry import register


class HOGTOP(Descriptor):
    """Histograms of the gradient's direction on the XY, XT and YT planes, block by block.

    Args:
        weighted: whether a pixel counts by the size of its gradient (HOG) or as one (HIGO); one
            without gradient has no direction and does not count.
        bins: directions, over the full circle; the first begins at -180 degrees.
        blocks: per side.
        input_shape: (T, H, W, 1) of `clip_sequence`, sides and T from 3.

    Returns (of `transform`):
        (N, 3 * blocks^2 * bins), each plane's histogram of each block adding up to 1, or to 0
        where nothing in it has a gradient.

    Raises:
        InputError: of `transform`, for clips too small for a gradient or for the blocks.

    Example:

    >>> clip = np.zeros((1, 10, 20, 20, 1)); clip[..., 0] += np.arange(20)  # brighter to the right
    >>> HOGTOP(blocks=1).transform(clip)[0].reshape(3, 8).argmax(1).tolist()[:2]
    [4, 4]
    """

    modality = "clip_sequence"

    def __init__(self, weighted=True, bins=8, blocks=6, input_shape=(10, 112, 112, 1)):
        self.weighted, self.bins, self.blocks = weighted, bins, blocks
        self.input_shape = input_shape

    def describe(self, clip):
        """(T, H, W, 1) grey levels -> (3 * blocks^2 * bins,)."""
        t, y, x = gradients(clip[..., 0].astype(np.float64))
        histograms = []
        for along, across in ((x, y), (x, t), (y, t)):
            size = np.hypot(along, across)
            weights = size if self.weighted else size > 0
            codes = direction(along, across, self.bins)
            histograms.append(block_histograms(codes, self.bins, self.blocks, weights))
        return np.ravel(histograms)


def gradients(volume: np.ndarray) -> list[np.ndarray]:
    """Differences of the neighbours ahead and behind, on each axis.

    Args:
        volume: (T, H, W) grey levels.

    Returns:
        Three of (T - 2, H - 2, W - 2), of the pixels that have all neighbours: along t, y and x.

    Raises:
        InputError: for a side below 3.

    Example:

    >>> volume = np.arange(27.0).reshape(3, 3, 3)  # + 9 a frame, + 3 a row, + 1 a column
    >>> [g.item() for g in gradients(volume)]
    [18.0, 6.0, 2.0]
    """
    if min(volume.shape) < 3:
        raise InputError(f"gradients need a clip of 3 x 3 x 3 at least, not {volume.shape}.")
    inner = (slice(1, -1),) * 3
    found = []
    for axis in range(3):
        ahead, behind = list(inner), list(inner)
        ahead[axis], behind[axis] = slice(2, None), slice(None, -2)
        found.append(volume[tuple(ahead)] - volume[tuple(behind)])
    return found


_FACTS: dict = {
    "kind": "estimator",
    "reference": "Li, Hong, Moilanen, Huang, Pfister, Zhao, Pietikainen. Towards Reading Hidden "
    "Emotions: A Comparative Study of Spontaneous Micro-Expression Spotting and Recognition "
    "Methods. IEEE Transactions on Affective Computing 9, 2018.",
    "readings": (
        "Eight directions over the full circle, ten frames of the whole clip by temporal "
        "interpolation.",
        "6 x 6 blocks over all frames: the paper tries several numbers, in time too.",
        "The gradient is the difference of the neighbours ahead and behind; each histogram is "
        "divided by its sum. A pixel without gradient is not counted.",
        "Motion is not magnified; the recipe or the run may do so.",
    ),
}


@register("hog-top", title="HOG-TOP + linear SVM", **_FACTS)
def HOGTOPSVM(name="hog-top", classes=3, cost=1.0, **arguments) -> DescriptorSVM:
    """Builds HOG-TOP with a linear SVM; `classes` is found in the labels when fitting."""
    return DescriptorSVM(HOGTOP(**arguments), cost=cost)


@register("higo-top", title="HIGO-TOP + linear SVM", **_FACTS)
def HIGOTOPSVM(name="higo-top", classes=3, cost=1.0, **arguments) -> DescriptorSVM:
    """Builds HIGO-TOP with a linear SVM; `classes` is found in the labels when fitting."""
    return DescriptorSVM(HOGTOP(weighted=False, **arguments), cost=cost)

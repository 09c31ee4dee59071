"""`bi-woof`: bi-weighted oriented optical flow from onset to apex, and a linear SVM.

Liong, See, Wong, Phan, "Less is More: Micro-expression Recognition from Video using Apex Frame",
Signal Processing: Image Communication 62, 2018.
"""

import numpy as np

from merzoo.models.descriptor_svm import Descriptor, DescriptorSVM, block_map
from merzoo.models.registry import register


class BiWOOF(Descriptor):
    """Histograms of flow directions: pixels weighted by magnitude, blocks by their mean strain.

    Args:
        bins: directions, over the full circle; the first begins at -180 degrees.
        blocks: per side.
        input_shape: (H, W, 3) of `flow`: u, v in pixels and optical strain.

    Returns (of `transform`):
        (N, blocks^2 * bins).

    Example:

    >>> flow = np.zeros((1, 16, 16, 3)); flow[..., 0] = 2; flow[..., 2] = 0.5
    >>> BiWOOF(blocks=2).transform(flow)[0, :8].tolist()  # 64 pixels, 2 px to the right, strain .5
    [0.0, 0.0, 0.0, 0.0, 64.0, 0.0, 0.0, 0.0]
    """

    modality = "flow"

    def __init__(self, bins=8, blocks=8, input_shape=(112, 112, 3)):
        self.bins, self.blocks = bins, blocks
        self.input_shape = input_shape

    def describe(self, flow):
        """(H, W, 3) u, v, strain -> (blocks^2 * bins,)."""
        u, v, strain = np.moveaxis(flow, -1, 0)
        block = block_map(*u.shape, self.blocks).ravel()
        count = self.blocks**2
        place = block * self.bins + direction(u, v, self.bins).ravel()
        histograms = np.bincount(place, np.hypot(u, v).ravel(), minlength=count * self.bins)
        mean_strain = np.bincount(block, strain.ravel()) / np.bincount(block)
        return (histograms.reshape(count, self.bins) * mean_strain[:, None]).ravel()


def direction(u: np.ndarray, v: np.ndarray, bins: int) -> np.ndarray:
    """The bin, 0..bins - 1, of each flow vector's direction; the first begins at -180 degrees.

    >>> direction(np.array([-1.0, 1.0, 0.0]), np.array([-0.1, 0.1, 1.0]), 8).tolist()
    [0, 4, 6]
    """
    share = (np.arctan2(v, u) + np.pi) / (2 * np.pi)  # 0..1
    return np.minimum((share * bins).astype(int), bins - 1)


@register(
    "bi-woof",
    kind="estimator",
    title="Bi-WOOF + linear SVM",
    reference="Liong, See, Wong, Phan. Less is More: Micro-expression Recognition from Video using "
    "Apex Frame. Signal Processing: Image Communication 62, 2018.",
    paper_figures={"MEGC2019 UF1": 0.630, "MEGC2019 UAR": 0.623},
    readings=(
        "8 x 8 blocks: the paper tries several numbers.",
        "Flow is taken from onset to apex by the run's flow method.",
    ),
)
def BiWOOFSVM(name="bi-woof", classes=3, cost=1.0, **arguments) -> DescriptorSVM:
    """Builds Bi-WOOF with a linear SVM; `classes` is found in the labels when fitting."""
    return DescriptorSVM(BiWOOF(**arguments), cost=cost)

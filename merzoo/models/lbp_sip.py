"""`lbp-sip`: local binary patterns of six intersection points, and a linear SVM.

Wang, See, Phan, Oh, "LBP with Six Intersection Points: Reducing Redundant Information in LBP-TOP
for Micro-expression Recognition", ACCV 2014.
"""

import numpy as np

from merzoo.models.descriptor_svm import Descriptor, DescriptorSVM, block_histograms
from merzoo.models.lbp_top import brighter_neighbours, whole_levels
from merzoo.models.registry import register

SPATIAL, TEMPORAL = 2**4, 2**2  # patterns of the four points in the frame, of the two in time


class LBPSIP(Descriptor):
    """Histograms of a pattern in space and one in time, block by block.

    The twelve neighbours of LBP-TOP's three planes are six points, each of them in two planes: here
    each counts once, which leaves 20 patterns of 48.

    Args:
        radius_x, radius_y: of the neighbours, pixels.
        radius_t: of the neighbours in time, frames.
        blocks: per side.
        input_shape: (T, H, W, 1) of `clip_sequence`; T from 2 radius_t + 1.

    Returns (of `transform`):
        (N, blocks^2 * 16 + blocks^2 * 4), each histogram of each block adding up to 1.

    Example:

    >>> clip = np.random.default_rng(0).integers(0, 256, (1, 10, 32, 32, 1))
    >>> LBPSIP().transform(clip).shape
    (1, 500)
    """

    modality = "clip_sequence"

    def __init__(self, radius_x=1, radius_y=1, radius_t=4, blocks=5, input_shape=(10, 112, 112, 1)):
        self.radius_x, self.radius_y, self.radius_t = radius_x, radius_y, radius_t
        self.blocks = blocks
        self.input_shape = input_shape

    def describe(self, clip):
        """(T, H, W, 1) grey levels, 0..255 -> (20 * blocks^2,)."""
        spatial, temporal = self.patterns(whole_levels(clip))
        return np.concatenate(
            [
                block_histograms(spatial, SPATIAL, self.blocks).ravel(),
                block_histograms(temporal, TEMPORAL, self.blocks).ravel(),
            ]
        )

    def patterns(self, volume: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Patterns 0..15 and 0..3 of the pixels that have all neighbours.

        Bits of the first: the neighbour ahead on x, ahead on y, behind on x, behind on y is at
        least as bright as the pixel; of the second: that ahead in time, behind in time.
        """
        signs = brighter_neighbours(volume, (self.radius_t, self.radius_y, self.radius_x))
        t, y, x = range(3)
        spatial = signs[x, 1] | signs[y, 1] << 1 | signs[x, -1] << 2 | signs[y, -1] << 3
        return spatial, signs[t, 1] | signs[t, -1] << 1


@register(
    "lbp-sip",
    kind="estimator",
    title="LBP-SIP + linear SVM",
    reference="Wang, See, Phan, Oh. LBP with Six Intersection Points: Reducing Redundant "
    "Information in LBP-TOP for Micro-expression Recognition. ACCV 2014.",
    readings=(
        "Radii 1, 1, 4, 5 x 5 blocks and ten frames by temporal interpolation, as `lbp-top` has "
        "them: the two differ in the patterns alone.",
        "The six points give two patterns, of four points in the frame and of two in time, whose "
        "histograms are put side by side: 20 numbers of a block.",
        "One resolution: the levels of the paper's Gaussian pyramid are left out.",
    ),
)
def LBPSIPSVM(name="lbp-sip", classes=3, cost=1.0, **arguments) -> DescriptorSVM:
    """Builds LBP-SIP with a linear SVM; `classes` is found in the labels when fitting."""
    return DescriptorSVM(LBPSIP(**arguments), cost=cost)

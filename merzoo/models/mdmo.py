"""`mdmo`: main directional mean optical flow of 36 regions, and a linear SVM.

Liu, Zhang, Yan, Wang, Zhao, Fu, "A Main Directional Mean Optical Flow Feature for Spontaneous
Micro-Expression Recognition", IEEE Transactions on Affective Computing 7, 2016.
"""

import numpy as np

from merzoo.models.bi_woof import direction
from merzoo.models.descriptor_svm import Descriptor, DescriptorSVM, block_map
from merzoo.models.registry import register


class MDMO(Descriptor):
    """Mean flow, in polar form, of the commonest of eight directions in each of 36 regions.

    The regions are the cells of a 6 x 6 grid on the aligned face crop: the `flow` modality carries
    no landmarks, and alignment has put the parts of every face in the same cells.

    Args:
        bins: directions, over the full circle.
        blocks: per side; 6 gives the 36 regions.
        input_shape: (H, W, 3) of `flow`: u, v in pixels and optical strain, which is not used.

    Returns (of `transform`):
        (N, 2 * blocks^2): all magnitudes over the largest of them, then all angles in radians.

    Example:

    >>> flow = np.zeros((1, 12, 12, 3)); flow[..., 0] = 1; flow[:, :2, :2, 0] = 2
    >>> vector = MDMO().transform(flow)[0]
    >>> vector[:3].tolist(), vector[36:39].tolist()
    ([1.0, 0.5, 0.5], [0.0, 0.0, 0.0])
    """

    modality = "flow"

    def __init__(self, bins=8, blocks=6, input_shape=(112, 112, 3)):
        self.bins, self.blocks = bins, blocks
        self.input_shape = input_shape

    def describe(self, flow):
        """(H, W, 2 or more) -> (2 * blocks^2,)."""
        u, v = flow[..., 0], flow[..., 1]
        regions = self.blocks**2
        place = block_map(*u.shape, self.blocks) * self.bins + direction(u, v, self.bins)

        def by_direction(weights=None):
            weights = None if weights is None else weights.ravel()
            total = np.bincount(place.ravel(), weights, minlength=regions * self.bins)
            return total.reshape(regions, self.bins)

        counts = by_direction()
        main = counts.argmax(axis=1)[:, None]
        pixels = np.take_along_axis(counts, main, axis=1)[:, 0]
        mean_u, mean_v = (
            np.take_along_axis(by_direction(w), main, axis=1)[:, 0] / pixels for w in (u, v)
        )
        magnitude = np.hypot(mean_u, mean_v)
        return np.concatenate([magnitude / max(magnitude.max(), 1e-6), np.arctan2(mean_v, mean_u)])


@register(
    "mdmo",
    kind="estimator",
    title="MDMO + linear SVM",
    reference="Liu, Zhang, Yan, Wang, Zhao, Fu. A Main Directional Mean Optical Flow Feature for "
    "Spontaneous Micro-Expression Recognition. IEEE Transactions on Affective Computing 7, 2016.",
    readings=(
        "The 36 regions are a 6 x 6 grid on the aligned crop, not polygons between landmarks.",
        "One flow field, from onset to apex, instead of a mean over all frames.",
        "The scaler takes the place of the paper's weight between magnitudes and angles.",
    ),
)
def MDMOSVM(name="mdmo", classes=3, cost=1.0, **arguments) -> DescriptorSVM:
    """Builds MDMO with a linear SVM; `classes` is found in the labels when fitting."""
    return DescriptorSVM(MDMO(**arguments), cost=cost)

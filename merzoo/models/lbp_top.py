"""`lbp-top`: local binary patterns on three orthogonal planes and a linear SVM.

Zhao, Pietikainen, "Dynamic Texture Recognition Using Local Binary Patterns with an Application to
Facial Expressions", TPAMI 2007; with the settings of the MEGC 2019 baseline.
"""

import numpy as np

from merzoo.errors import InputError
from merzoo.models.descriptor_svm import Descriptor, DescriptorSVM, block_map
from merzoo.models.registry import register

POINTS = 4  # neighbours on each plane; at right angles, so they fall on pixels
PATTERNS = 2**POINTS


class LBPTOP(Descriptor):
    """Histograms of local binary patterns on the XY, XT and YT planes, block by block.

    Args:
        radius_x, radius_y: of the neighbours, pixels.
        radius_t: of the neighbours in time, frames.
        blocks: per side.
        input_shape: (T, H, W, 1) of `sequence`; T from 2 radius_t + 1.

    Returns (of `transform`):
        (N, 3 * blocks^2 * 16), each plane's histogram of each block adding up to 1.

    Example:

    >>> clip = np.random.default_rng(0).integers(0, 256, (1, 10, 32, 32, 1))
    >>> LBPTOP().transform(clip).shape
    (1, 1200)
    """

    modality = "sequence"

    def __init__(self, radius_x=1, radius_y=1, radius_t=4, blocks=5, input_shape=(10, 112, 112, 1)):
        self.radius_x, self.radius_y, self.radius_t = radius_x, radius_y, radius_t
        self.blocks = blocks
        self.input_shape = input_shape

    def describe(self, clip):
        """(T, H, W, 1) grey levels, 0..255 -> (3 * blocks^2 * 16,)."""
        # Interpolated frames are rounded as the images they stand for: still areas stay still.
        volume = np.rint(clip[..., 0]).astype(np.int16)  # (T, H, W)
        codes = self.patterns(volume)  # 3 of (t, h, w)
        block = block_map(*codes.shape[2:], self.blocks) * PATTERNS
        count = self.blocks**2 * PATTERNS
        histograms = [np.bincount((block + c).ravel(), minlength=count) for c in codes]
        histograms = np.reshape(histograms, (3, self.blocks**2, PATTERNS))
        return (histograms / histograms.sum(axis=-1, keepdims=True)).ravel()

    def patterns(self, volume: np.ndarray) -> np.ndarray:
        """Patterns 0..15 of the pixels that have all neighbours: (3, T - 2 rt, H - 2 ry, W - 2 rx).

        Bits 0..3: the neighbour ahead on the plane's first axis, ahead on its second, behind on its
        first, behind on its second, is at least as bright as the pixel.
        """
        radii = (self.radius_t, self.radius_y, self.radius_x)
        if any(2 * r >= side for r, side in zip(radii, volume.shape, strict=True)):
            raise InputError(
                f"LBP-TOP with radii {radii} (t, y, x) needs more than a clip of {volume.shape}."
            )
        inner = [slice(r, side - r) for r, side in zip(radii, volume.shape, strict=True)]
        middle = volume[tuple(inner)]

        def brighter(axis, sign):
            moved = list(inner)
            start = radii[axis] * (1 + sign)
            moved[axis] = slice(start, start + middle.shape[axis])
            return (volume[tuple(moved)] >= middle).astype(np.uint8)

        signs = {(axis, sign): brighter(axis, sign) for axis in range(3) for sign in (1, -1)}
        t, y, x = range(3)
        return np.stack(
            [
                signs[a, 1] | signs[b, 1] << 1 | signs[a, -1] << 2 | signs[b, -1] << 3
                for a, b in ((x, y), (x, t), (y, t))
            ]
        )


@register(
    "lbp-top",
    kind="estimator",
    title="LBP-TOP + linear SVM",
    reference="Zhao, Pietikainen. Dynamic Texture Recognition Using Local Binary Patterns with an "
    "Application to Facial Expressions. TPAMI 2007.",
    paper_figures={"MEGC2019 UF1": 0.588, "MEGC2019 UAR": 0.579},
    readings=(
        "Radii 1, 1, 4, four points, 5 x 5 blocks, ten frames by temporal interpolation, as in the "
        "MEGC 2019 baseline.",
        "All sixteen patterns are counted, over the pixels that have all neighbours on all planes.",
    ),
)
def LBPTOPSVM(name="lbp-top", classes=3, cost=1.0, **arguments) -> DescriptorSVM:
    """Builds LBP-TOP with a linear SVM; `classes` is found in the labels when fitting."""
    return DescriptorSVM(LBPTOP(**arguments), cost=cost)

"""`lbp-top`: local binary patterns on three orthogonal planes and a linear SVM.

Zhao, Pietikainen, "Dynamic Texture Recognition Using Local Binary Patterns with an Application to
Facial Expressions", TPAMI 2007; with the settings of the MEGC 2019 baseline.
"""

import numpy as np

from merzoo.errors import InputError
from merzoo.models.descriptor_svm import Descriptor, DescriptorSVM, block_histograms
from merzoo.models.registry import register

POINTS = 4  # neighbours on each plane; at right angles, so they fall on pixels
PATTERNS = 2**POINTS


class LBPTOP(Descriptor):
    """Histograms of local binary patterns on the XY, XT and YT planes, block by block.

    Args:
        radius_x, radius_y: of the neighbours, pixels.
        radius_t: of the neighbours in time, frames.
        blocks: per side.
        input_shape: (T, H, W, 1) of `clip_sequence`; T from 2 radius_t + 1.

    Returns (of `transform`):
        (N, 3 * blocks^2 * 16), each plane's histogram of each block adding up to 1.

    Example:

    >>> clip = np.random.default_rng(0).integers(0, 256, (1, 10, 32, 32, 1))
    >>> LBPTOP().transform(clip).shape
    (1, 1200)
    """

    modality = "clip_sequence"

    def __init__(self, radius_x=1, radius_y=1, radius_t=4, blocks=5, input_shape=(10, 112, 112, 1)):
        self.radius_x, self.radius_y, self.radius_t = radius_x, radius_y, radius_t
        self.blocks = blocks
        self.input_shape = input_shape

    def describe(self, clip):
        """(T, H, W, 1) grey levels, 0..255 -> (3 * blocks^2 * 16,)."""
        codes = self.patterns(whole_levels(clip))  # 3 of (t, h, w)
        return np.ravel([block_histograms(plane, PATTERNS, self.blocks) for plane in codes])

    def patterns(self, volume: np.ndarray) -> np.ndarray:
        """Patterns 0..15 of the pixels that have all neighbours: (3, T - 2 rt, H - 2 ry, W - 2 rx).

        Bits 0..3: the neighbour ahead on the plane's first axis, ahead on its second, behind on its
        first, behind on its second, is at least as bright as the pixel.
        """
        signs = brighter_neighbours(volume, (self.radius_t, self.radius_y, self.radius_x))
        t, y, x = range(3)
        return np.stack(
            [
                signs[a, 1] | signs[b, 1] << 1 | signs[a, -1] << 2 | signs[b, -1] << 3
                for a, b in ((x, y), (x, t), (y, t))
            ]
        )


def whole_levels(clip: np.ndarray) -> np.ndarray:
    """(T, H, W, 1) grey levels, 0..255 -> (T, H, W) whole numbers.

    Interpolated frames are rounded as the images they stand for: still areas stay still.
    """
    return np.rint(clip[..., 0]).astype(np.int16)


def brighter_neighbours(
    volume: np.ndarray, radii: tuple[int, int, int]
) -> dict[tuple[int, int], np.ndarray]:
    """Whether each pixel's six neighbours on the axes are at least as bright as it.

    Args:
        volume: (T, H, W) grey levels.
        radii: rt, ry, rx: how far the neighbours are, frames and pixels.

    Returns:
        (axis 0..2 of the volume, 1 ahead or -1 behind) -> 0 or 1 of the pixels that have all
        neighbours, (T - 2 rt, H - 2 ry, W - 2 rx).

    Raises:
        InputError: for a volume that is too small for the radii.

    Example:

    >>> signs = brighter_neighbours(np.arange(27).reshape(3, 3, 3), (1, 1, 1))
    >>> signs[0, 1].item(), signs[0, -1].item()  # brighter from frame to frame
    (1, 0)
    """
    if any(2 * r >= side for r, side in zip(radii, volume.shape, strict=True)):
        raise InputError(
            f"LBP with radii {tuple(radii)} (t, y, x) needs more than a clip of {volume.shape}."
        )
    inner = [slice(r, side - r) for r, side in zip(radii, volume.shape, strict=True)]
    middle = volume[tuple(inner)]

    def brighter(axis, sign):
        moved = list(inner)
        start = radii[axis] * (1 + sign)
        moved[axis] = slice(start, start + middle.shape[axis])
        return (volume[tuple(moved)] >= middle).astype(np.uint8)

    return {(axis, sign): brighter(axis, sign) for axis in range(3) for sign in (1, -1)}


@register(
    "lbp-top",
    kind="estimator",
    title="LBP-TOP + linear SVM",
    reference="Zhao, Pietikainen. Dynamic Texture Recognition Using Local Binary Patterns with an "
    "Application to Facial Expressions. TPAMI 2007.",
    paper_figures={"MEGC2019 UF1": 0.588, "MEGC2019 UAR": 0.579},
    readings=(
        "Radii 1, 1, 4, four points, 5 x 5 blocks, ten frames of the whole clip by temporal "
        "interpolation, as in the MEGC 2019 baseline.",
        "All sixteen patterns are counted, over the pixels that have all neighbours on all planes.",
    ),
)
def LBPTOPSVM(name="lbp-top", classes=3, cost=1.0, **arguments) -> DescriptorSVM:
    """Builds LBP-TOP with a linear SVM; `classes` is found in the labels when fitting."""
    return DescriptorSVM(LBPTOP(**arguments), cost=cost)

"""Uniform local binary patterns, by which `dc_rois` compares the skin of two frames."""

import numpy as np


def uniform_patterns(image: np.ndarray) -> np.ndarray:
    """Uniform local binary patterns, 8 neighbours at radius 1 (Ojala et al. 2002), not rotated.

    Args:
        image: (H, W) grey levels.

    Returns:
        (H - 2, W - 2) uint8, 0..58: the 58 patterns with at most two changes around the circle, in
        the order of their binary code, and 58 for all others. Diagonal neighbours are interpolated.
    """
    image = np.asarray(image, np.float32)
    code = np.zeros((image.shape[0] - 2, image.shape[1] - 2), np.uint8)
    middle = image[1:-1, 1:-1]
    for bit in range(8):
        angle = bit * np.pi / 4
        neighbour = _shifted(image, -np.sin(angle), np.cos(angle))
        # The small term keeps the rounding of the interpolation from deciding between equals.
        code |= (neighbour >= middle - 1e-3).astype(np.uint8) << bit
    return _UNIFORM[code]


def _uniform_table() -> np.ndarray:
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    uniform = (bits != np.roll(bits, 1, axis=1)).sum(1) <= 2
    table = np.full(256, 58, np.uint8)
    table[uniform] = np.arange(58)
    return table


_UNIFORM = _uniform_table()


def _shifted(image, dy, dx):
    """The inner part of an image, sampled (bilinear) at a step of at most one pixel."""
    top, left = int(np.floor(dy + 1e-9)), int(np.floor(dx + 1e-9))
    fy, fx = np.float32(round(dy - top, 9)), np.float32(round(dx - left, 9))
    height, width = image.shape[0] - 2, image.shape[1] - 2
    total = np.zeros((height, width), np.float32)
    for row, wy in ((top, 1 - fy), (top + 1, fy)):
        for column, wx in ((left, 1 - fx), (left + 1, fx)):
            if wy * wx > 0:
                part = image[1 + row : 1 + row + height, 1 + column : 1 + column + width]
                total += wy * wx * part
    return total

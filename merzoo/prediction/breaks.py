"""Where the picture of a film jumps: a cut, a zoom, a flash, a black, lost or displaced frame.

What follows such a place is another picture, not a moved face, and the optical flow across it looks
like the strongest of expressions. Undone by its flow, a moved face is the face before again, but
for its skin's light; another picture differs in more places than an expression reaches.
"""

from collections.abc import Sequence

import cv2
import numpy as np

_BLOCKS = 8  # blocks per side of the crop whose mean grey is compared
_PART = 12  # of these 64 must differ; the eyes, in a blink, are fewer
# Of the crop's contrast (the deviation of its grey), and in levels: synthetic faces with blinks,
# nods and noise reach 1.2 levels, a fade over 10 frames 3.5 in its second.
_OTHER, _LEAST = 0.06, 1.5
# Pixels of the 128-pixel crop that a head may move from one frame to the next, and the rate down to
# which that holds: below, a frame takes longer.
_HEAD_STEP, _STEP_RATE = 1.5, 50.0
BLIND = 0.1  # seconds before and after a jump in which nothing is measured


def is_other_picture(anchor: np.ndarray, picture: np.ndarray, flow: np.ndarray) -> bool:
    """Whether a picture is no moved copy of another, in more of it than an expression changes.

    A change of brightness that is the same everywhere is none.

    Args:
        anchor, picture: (H, W) uint8.
        flow: (H, W, 2) float32 pixels from the one to the other.

    >>> face = np.random.default_rng(0).integers(0, 255, (128, 128), np.uint8)
    >>> still = np.zeros((128, 128, 2), np.float32)
    >>> is_other_picture(face, face, still), is_other_picture(face, 0 * face, still)
    (False, True)
    """
    height, width = anchor.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    back = cv2.remap(
        picture,
        x + flow[..., 0],
        y + flow[..., 1],
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    change = cv2.subtract(back, anchor, dtype=cv2.CV_32F)
    blocks = cv2.resize(change, (_BLOCKS, _BLOCKS), interpolation=cv2.INTER_AREA)
    differ = np.sort(np.abs(blocks - np.median(blocks)), axis=None)[-_PART]
    gone = float(picture.std()) < 0.25 * float(anchor.std())
    return bool(gone or differ > max(_LEAST, _OTHER * float(anchor.std())))


def is_jump(head: np.ndarray, fps: float) -> bool:
    """Whether a step of the head, an affine field (H, W, 2) in pixels, is too far for one frame."""
    corners = head[[0, 0, -1, -1], [0, -1, 0, -1]]
    farthest = np.hypot(corners[:, 0], corners[:, 1]).max()
    return bool(farthest > _HEAD_STEP * max(1.0, _STEP_RATE / fps))


def joined_places(places: Sequence[int], gap: int) -> list[tuple[int, int]]:
    """First and last of each group of places that follow within `gap`.

    >>> joined_places([3, 4, 9, 30], 5)
    [(3, 9), (30, 30)]
    """
    groups: list[tuple[int, int]] = []
    for place in places:
        if groups and place - groups[-1][1] <= gap:
            groups[-1] = (groups[-1][0], place)
        else:
            groups.append((place, place))
    return groups

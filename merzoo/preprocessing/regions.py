"""Identification blocks: 24 or 10 squares on a face, from its 68 landmarks.

Zhu, Li, Liu, Zeng, "Micro-Expression Recognition Based on Spatio-Temporal Feature Extraction of Key
Regions", 2023, sections 3.2.2 and 3.2.3. Landmarks are numbered 1..68 as in dlib everywhere: the
paper counts on the 72 points of face_recognition, whose first 55 are the same; its numbers 57 and
59 are read as dlib's (lower lip), as in the patch attention networks that the list comes from. Two
equations are at odds with the symmetry of their neighbours: Eq. 5 moves the right mouth corner
down where Eq. 4 moves the left one up, and Eq. 12 moves the chin sideways instead of up. The plain
functions follow the corrected geometry, those named `_literal` the paper's.
"""

import numpy as np

from merzoo.errors import InputError
from merzoo.preprocessing.landmarks import eye_centres

# A point of a table is the mean of some landmarks plus a step: in pixels of a 224-pixel crop
# for the 24 blocks, in side lengths of a block for the 10 blocks. Rows: landmarks, step x, step y.
PAPER_SIZE = 224
SIDE_24 = 48

POINTS_24_LITERAL = (
    ((19,), 0, 0),
    ((22,), 0, 0),
    ((23,), 0, 0),
    ((26,), 0, 0),
    ((39,), 0, 0),
    ((37,), 0, 0),
    ((44,), 0, 0),
    ((46,), 0, 0),
    ((28,), 0, 0),
    ((30,), 0, 0),
    ((49,), 0, 0),
    ((51,), 0, 0),
    ((53,), 0, 0),
    ((55,), 0, 0),
    ((59,), 0, 0),
    ((57,), 0, 0),
    ((20, 38), 0, 0),
    ((41, 42), 0, 0),
    ((18, 59), 0, 0),
    ((25, 45), 0, 0),
    ((47, 48), 0, 0),
    ((27, 57), 0, 0),
    ((49,), -16, -16),  # Eq. 4
    ((55,), 16, 16),  # Eq. 5
)
POINTS_24 = (*POINTS_24_LITERAL[:-1], ((55,), 16, -16))

POINTS_10_LITERAL = (
    ((49,), 0, 0),
    ((55,), 0, 0),
    ((9,), -1 / 2, 0),  # Eq. 12
    ((32,), -1 / 2, 0),  # Eq. 10
    ((36,), 1 / 2, 0),  # Eq. 11
    ((37,), -1 / 2, 0),  # Eq. 8
    ((46,), 1 / 2, 0),  # Eq. 9
    ((20, 25), 0, 0),
    ((20, 25), -1, 0),  # Eq. 6
    ((20, 25), 1, 0),  # Eq. 7
)
POINTS_10 = (*POINTS_10_LITERAL[:2], ((9,), 0, -1 / 2), *POINTS_10_LITERAL[3:])


def regions_24(landmarks: np.ndarray, height: int, width: int) -> np.ndarray:
    """The 24 identification blocks, 48 pixels wide at 224 pixels, mirror-symmetric.

    Args:
        landmarks: (68, 2) x, y in pixels of the crop, in dlib's order.
        height, width: of the crop, pixels.

    Returns:
        (24, 4) float32 y1 x1 y2 x2 in 0..1 of the crop. A block that would leave the crop is
        moved inwards at its full size.

    Raises:
        InputError: for landmarks of another shape, or that are not finite.

    Source:
        Zhu et al. 2023, section 3.2.2, with the sign of Eq. 5 corrected.

    Example:

    >>> blocks = regions_24(np.full((68, 2), 111.5), 224, 224)
    >>> blocks.shape, (blocks[0] * 224).tolist()
    ((24, 4), [88.0, 88.0, 136.0, 136.0])
    """
    return _regions_24(landmarks, height, width, POINTS_24)


def regions_24_literal(landmarks: np.ndarray, height: int, width: int) -> np.ndarray:
    """As `regions_24`, with Eq. 5 as printed: block 24 lies below the right mouth corner."""
    return _regions_24(landmarks, height, width, POINTS_24_LITERAL)


def regions_10(landmarks: np.ndarray, height: int, width: int) -> np.ndarray:
    """The 10 identification blocks, half as wide as the mouth, mirror-symmetric.

    Args:
        landmarks: (68, 2) x, y in pixels of the crop, in dlib's order.
        height, width: of the crop, pixels.

    Returns:
        (10, 4) float32 y1 x1 y2 x2 in 0..1 of the crop. A block that would leave the crop is
        moved inwards at its full size.

    Raises:
        InputError: for landmarks of another shape, or whose mouth has no width.

    Source:
        Zhu et al. 2023, section 3.2.3, with the axis of Eq. 12 corrected.

    Example:

    >>> points = np.full((68, 2), 111.5)
    >>> points[48, 0], points[54, 0] = 91.5, 131.5  # mouth corners 40 pixels apart
    >>> (regions_10(points, 224, 224)[2] * 224).round(3).tolist()
    [92.0, 102.0, 112.0, 122.0]
    """
    return _regions_10(landmarks, height, width, POINTS_10)


def regions_10_literal(landmarks: np.ndarray, height: int, width: int) -> np.ndarray:
    """As `regions_10`, with Eq. 12 as printed: the chin block is moved left, not up."""
    return _regions_10(landmarks, height, width, POINTS_10_LITERAL)


# By the number of blocks that a model asks for.
REGIONS = {24: regions_24, 10: regions_10}
REGIONS_LITERAL = {24: regions_24_literal, 10: regions_10_literal}


def four_areas(landmarks: np.ndarray, height: int, width: int) -> np.ndarray:
    """Boxes around the eyes and the corners of the mouth, each of half the crop's sides.

    Args:
        landmarks: (68, 2) x, y in pixels of the crop.
        height, width: of the crop, pixels; even.

    Returns:
        (4, 4) whole numbers y1 x1 y2 x2: the eye and then the corner of the mouth on the left of
        the picture, then those on its right; moved inside the crop where they would leave it.

    Raises:
        InputError: for another shape of landmarks, or a side that is odd.

    Source: Wang et al., "HTNet for micro-expression recognition", Neurocomputing 602, 2024: at 28
        pixels, 7 to each side of a point.

    Example:

    >>> from merzoo.preprocessing.landmarks import reference_face
    >>> four_areas(reference_face(28, 28), 28, 28).tolist()[0]
    [1, 2, 15, 16]
    """
    landmarks = _check(landmarks)
    if height % 2 or width % 2:
        raise InputError(f"areas of half a crop need even sides, not {height} x {width}.")
    eyes, corners = eye_centres(landmarks), landmarks[[49 - 1, 55 - 1]]
    sides = np.array([width // 2, height // 2])
    centres = np.stack([eyes[0], corners[0], eyes[1], corners[1]])
    first = np.clip(np.rint(centres + 0.5 - sides / 2).astype(int), 0, [width, height] - sides)
    return np.concatenate([first[:, ::-1], (first + sides)[:, ::-1]], axis=1)


def _regions_24(landmarks, height, width, table):
    landmarks = _check(landmarks)
    scale = np.array([width, height]) / PAPER_SIZE
    centres = _points(landmarks, table, scale)
    return _boxes(centres, SIDE_24 * scale, height, width)


def _regions_10(landmarks, height, width, table):
    landmarks = _check(landmarks)
    side = (landmarks[54, 0] - landmarks[48, 0]) / 2
    if side <= 0:
        raise InputError(
            "regions: the right mouth corner (point 55) is not to the right of the left one "
            "(point 49); give 68 landmarks in dlib's order."
        )
    return _boxes(_points(landmarks, table, side), np.array([side, side]), height, width)


def _points(landmarks, table, step) -> np.ndarray:
    means = [landmarks[np.array(numbers) - 1].mean(0) for numbers, _, _ in table]
    return np.array(means) + np.array([row[1:] for row in table]) * step  # (N, 2) x y


def _boxes(centres, sides, height, width) -> np.ndarray:
    """Squares around pixel positions as y1 x1 y2 x2 of the crop, moved inwards where they leave."""
    size = np.array([width, height])
    half = np.minimum(sides / size, 1.0) / 2
    middle = np.clip((centres + 0.5) / size, half, 1 - half)  # pixel i spans i..i + 1
    low, high = middle - half, middle + half
    boxes = np.stack([low[:, 1], low[:, 0], high[:, 1], high[:, 0]], -1).astype(np.float32)
    return np.clip(boxes, 0, 1)


def _check(landmarks) -> np.ndarray:
    landmarks = np.asarray(landmarks, np.float64)
    if landmarks.shape != (68, 2):
        raise InputError(
            f"regions: landmarks must be (68, 2) x y in dlib's order, got {landmarks.shape}."
        )
    if not np.isfinite(landmarks).all():
        raise InputError("regions: a landmark is NaN or infinite.")
    return landmarks

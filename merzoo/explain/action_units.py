"""Where on a face an action unit shows: boxes around the landmarks that it moves.

After the descriptions of the Facial Action Coding System (Ekman, Friesen, Hager, 2002). For
pictures only: no network sees these boxes.
"""

from collections.abc import Iterable

import numpy as np

# Unit -> groups of landmarks (1..68, dlib's order); a box goes around each group.
_BROWS = ((18, 19, 20, 21, 22), (23, 24, 25, 26, 27))
_EYES = ((37, 38, 39, 40, 41, 42), (43, 44, 45, 46, 47, 48))
_CORNERS = ((49, 60, 61), (55, 56, 65))
_MOUTH = (tuple(range(49, 69)),)
_CHIN = ((8, 9, 10, 57, 58, 59),)
UNIT_LANDMARKS = {
    1: ((21, 22), (23, 24)),
    2: ((18, 19), (26, 27)),
    4: ((20, 21, 22, 23, 24, 25, 28),),
    5: _EYES,
    6: ((37, 41, 42, 32), (46, 47, 48, 36)),
    7: _EYES,
    9: ((28, 29, 30, 32, 36),),
    10: ((32, 33, 34, 35, 36, 51, 52, 53),),
    12: _CORNERS,
    14: _CORNERS,
    15: _CORNERS,
    16: ((57, 58, 59),),
    17: _CHIN,
    18: _MOUTH,
    20: _MOUTH,
    24: _MOUTH,
    25: _MOUTH,
    26: ((49, 55, 7, 9, 11),),
    38: ((32, 33, 34, 35, 36),),
    39: ((32, 33, 34, 35, 36),),
    43: _EYES,
}
MARGIN = 0.04  # around the landmarks, of the picture's sides


def action_unit_boxes(
    units: Iterable[int], landmarks: np.ndarray, height: int, width: int
) -> list[tuple[str, np.ndarray]]:
    """Names and boxes of action units on a face.

    Args:
        units: numbers; those whose place is not known are left out.
        landmarks: (68, 2) x, y in pixels of the crop.
        height, width: of the crop, pixels.

    Returns:
        Name and (4,) y1 x1 y2 x2 in 0..1 of each box; two boxes for a unit of both sides.

    Example:

    >>> from merzoo.preprocessing.landmarks import reference_face
    >>> boxes = action_unit_boxes([4, 12], reference_face(100, 100), 100, 100)
    >>> [name for name, _ in boxes], boxes[0][1].round(2).tolist()
    (['AU4', 'AU12', 'AU12'], [0.12, 0.23, 0.32, 0.77])
    """
    places = (np.asarray(landmarks, np.float64) + 0.5) / [width, height]
    boxes = []
    for unit in units:
        for group in UNIT_LANDMARKS.get(unit, ()):
            points = places[np.array(group) - 1][:, ::-1]  # y x
            box = np.concatenate([points.min(0) - MARGIN, points.max(0) + MARGIN])
            boxes.append((f"AU{unit}", np.clip(box, 0, 1)))
    return boxes

"""The 68 facial landmarks as data: their order, their mirror image, a reference face.

Numbers are 1-based and in dlib's (iBUG 300-W) order, as papers print them. "Left" and "right" are
those of the picture.
"""

import numpy as np

from merzoo.errors import InputError

# The four eye corners, and the six points around each eye.
EYE_CORNERS = (37, 40, 43, 46)
LEFT_EYE = (37, 38, 39, 40, 41, 42)
RIGHT_EYE = (43, 44, 45, 46, 47, 48)

# MIRROR[i - 1] is the landmark that takes the place of landmark i in a mirrored picture.
MIRROR = (
    *(17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1),  # jaw
    *(27, 26, 25, 24, 23, 22, 21, 20, 19, 18),  # brows
    *(28, 29, 30, 31, 36, 35, 34, 33, 32),  # nose
    *(46, 45, 44, 43, 48, 47, 40, 39, 38, 37, 42, 41),  # eyes
    *(55, 54, 53, 52, 51, 50, 49, 60, 59, 58, 57, 56),  # outer lips
    *(65, 64, 63, 62, 61, 68, 67, 66),  # inner lips
)

# The form of the library face_recognition: lips as closed outlines, four points stand twice.
TOP_LIP = (49, 50, 51, 52, 53, 54, 55, 65, 64, 63, 62, 61)
BOTTOM_LIP = (55, 56, 57, 58, 59, 60, 49, 61, 68, 67, 66, 65)
ORDER_72 = (*range(1, 49), *TOP_LIP, *BOTTOM_LIP)

# Left half and middle of a frontal neutral face, drawn for this project: x, y in 0..1 of the crop.
_REFERENCE_LEFT = {
    **{1: (0.080, 0.300), 2: (0.086, 0.410), 3: (0.100, 0.520), 4: (0.125, 0.630)},
    **{5: (0.170, 0.730), 6: (0.235, 0.815), 7: (0.315, 0.885), 8: (0.405, 0.940)},
    **{9: (0.500, 0.962), 18: (0.145, 0.225), 19: (0.200, 0.180), 20: (0.270, 0.165)},
    **{21: (0.345, 0.172), 22: (0.410, 0.195), 28: (0.500, 0.285), 29: (0.500, 0.365)},
    **{30: (0.500, 0.440), 31: (0.500, 0.515), 32: (0.415, 0.565), 33: (0.455, 0.580)},
    **{34: (0.500, 0.592), 37: (0.230, 0.290), 38: (0.275, 0.262), 39: (0.335, 0.262)},
    **{40: (0.385, 0.295), 41: (0.335, 0.312), 42: (0.275, 0.310), 49: (0.345, 0.715)},
    **{50: (0.405, 0.690), 51: (0.460, 0.677), 52: (0.500, 0.685), 58: (0.500, 0.775)},
    **{59: (0.455, 0.772), 60: (0.395, 0.752), 61: (0.365, 0.716), 62: (0.455, 0.708)},
    **{63: (0.500, 0.712), 67: (0.500, 0.728), 68: (0.455, 0.725)},
}


def reference_face(height: int, width: int) -> np.ndarray:
    """Where the 68 landmarks of an aligned face lie: (68, 2) x, y in pixels of the crop.

    >>> points = reference_face(100, 100)
    >>> [round(float(x), 1) for x in points[37 - 1]], [round(float(x), 1) for x in points[46 - 1]]
    ([22.5, 28.5], [76.5, 28.5])
    """
    points = np.empty((68, 2))
    for number, (x, y) in _REFERENCE_LEFT.items():
        points[MIRROR[number - 1] - 1] = 1 - x, y
        points[number - 1] = x, y
    return points * [width, height] - 0.5  # position 0 is the middle of the first pixel


def landmarks_72(landmarks: np.ndarray) -> np.ndarray:
    """The 68 landmarks in the 72-point form of the library face_recognition.

    Args:
        landmarks: (68, 2) in dlib's order.

    Returns:
        (72, 2): points 1..48 as they are, then the closed outline of the upper lip (12) and of the
        lower lip (12); the two mouth corners and the two inner corners stand twice.

    Example:

    >>> landmarks_72(np.arange(136).reshape(68, 2)).shape
    (72, 2)
    """
    landmarks = np.asarray(landmarks)
    if landmarks.shape != (68, 2):
        raise InputError(f"landmarks must be (68, 2) x y in dlib's order, got {landmarks.shape}.")
    return landmarks[np.array(ORDER_72) - 1]


def eye_centres(landmarks: np.ndarray) -> np.ndarray:
    """(2, 2) x, y of the middle of the left and of the right eye."""
    eyes = np.array([LEFT_EYE, RIGHT_EYE]) - 1
    return np.asarray(landmarks, np.float64)[eyes].mean(1)

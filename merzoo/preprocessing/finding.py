"""What the face detectors find at first sight, as they are published, and what they share.

They are dlib's HOG (King 2015) and OpenCV's Haar cascade (Viola and Jones 2001). What they miss is
looked for again in `merzoo.preprocessing.second_look`; a third, YuNet, has a file of its own.
"""

import functools
import importlib.util
from typing import NamedTuple

import numpy as np

from merzoo.errors import InputError

WITHOUT_DLIB = (
    "The detector 'haar' does without, but finds no landmarks, which regions and the alignments "
    "piecewise_affine and local_weighted_mean need."
)
_SMALLEST_HAAR_FACE = 1 / 8  # of the shorter side of the frame

Box = tuple[int, int, int, int]


class Found(NamedTuple):
    """What a detector tells of a face.

    Args:
        box: y1, x1, y2, x2 in pixels; may reach outside the frame.
        eyes: (2, 2) x, y of the left and the right eye of the picture, or `None` where the detector
            does not tell.
    """

    box: Box
    eyes: np.ndarray | None = None


def dlib_faces(image: np.ndarray) -> list[Found]:
    """Every frontal face of an (H, W, 3 or 1) uint8 frame by dlib's HOG, from about 80 pixels."""
    import_dlib()
    # No upsampling: it gives false second faces on face crops.
    found, scores, _ = hog().run(plain(image), 0, 0.0)
    return [of_dlib(one) for one in sure(found, scores)]


def haar_faces(image: np.ndarray) -> list[Found]:
    """Every frontal face of a frame by the cascade, from an eighth of its shorter side."""
    smallest = max(24, int(min(image.shape[:2]) * _SMALLEST_HAAR_FACE))
    found, support = cascade("frontalface_alt2").detectMultiScale2(
        grey(image), scaleFactor=1.1, minNeighbors=5, minSize=(smallest, smallest)
    )
    boxes = sure(found, support)
    return [Found((int(y), int(x), int(y + h), int(x + w))) for x, y, w, h in boxes]


def haar_eyes(image: np.ndarray, box: Box) -> np.ndarray | None:
    """(2, 2) middle of each eye: the candidate of each upper half that most neighbours support."""
    y1, x1, y2, x2 = box
    upper = grey(image)[y1 : y1 + (y2 - y1) * 3 // 5, x1:x2]
    found, support = cascade("eye").detectMultiScale2(
        upper, scaleFactor=1.05, minNeighbors=3, minSize=((x2 - x1) // 8,) * 2
    )
    eyes = one_each(found, support, x2 - x1)
    return None if eyes is None else eyes + [x1, y1]


def plain(image: np.ndarray) -> np.ndarray:
    """The image as dlib takes it: (H, W) grey or (H, W, 3), contiguous."""
    return np.ascontiguousarray(image[..., 0] if image.shape[-1] == 1 else image)


def grey(image: np.ndarray) -> np.ndarray:
    """(H, W) uint8 of (H, W, 3) RGB or (H, W, 1)."""
    import cv2

    return plain(image) if image.shape[-1] == 1 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def import_dlib() -> None:
    """Raises `InputError`, saying what to install, if dlib is missing."""
    if importlib.util.find_spec("dlib") is None:
        raise InputError(f"dlib is not installed: pip install 'merzoo[faces]'. {WITHOUT_DLIB}")


def scaled(light: np.ndarray, scale: float) -> np.ndarray:
    """A picture (H, W) or (H, W, C) made smaller by area, or larger."""
    import cv2

    if scale == 1:
        return light
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(light, None, fx=scale, fy=scale, interpolation=how)


def spread(light: np.ndarray, ends: float = 0.5) -> np.ndarray:
    """The grey levels that a picture has, but for some per cent at each end, over 0..255."""
    import cv2

    low, high = np.percentile(light[::2, ::2], (ends, 100 - ends))
    levels = (np.arange(256) - low) * (255 / max(high - low, 1))
    return cv2.LUT(np.ascontiguousarray(light), np.clip(levels, 0, 255).astype(np.uint8))


def equalised(light: np.ndarray) -> np.ndarray:
    """A grey picture (H, W) uint8 with the contrast that a dark one lacks, in each of its parts.

    >>> dark = np.tile(np.arange(10, 30, dtype="uint8"), (160, 8))
    >>> bool(equalised(dark).std() > 8 * dark.std())
    True
    """
    import cv2

    # A small face is a thousandth of a frame: what is left out at the ends must be less.
    return cv2.createCLAHE(3.0, (8, 8)).apply(spread(light, 0.01))


def of_dlib(place) -> Found:
    """A rectangle of dlib, whose ends belong to it."""
    return Found((place.top(), place.left(), place.bottom() + 1, place.right() + 1))


def sure(found, scores) -> list:
    """The detections that score at least a quarter of the best one: the rest is background."""
    return [one for one, score in zip(found, scores, strict=True) if score >= max(scores) / 4]


def one_each(found, support, width: int) -> np.ndarray | None:
    """(2, 2) middles of the best supported eye of each half of a face, or `None` without both."""
    middles = np.array([(x + w / 2 - 0.5, y + h / 2 - 0.5) for x, y, w, h in found])
    eyes = []
    for side in (0, 1):
        half = [i for i, (x, _) in enumerate(middles) if (x > width / 2) == side]
        if not half:
            return None
        eyes.append(middles[max(half, key=lambda i: support[i])])
    return np.array(eyes)


@functools.cache
def hog():
    """dlib's frontal face detector."""
    import dlib

    return dlib.get_frontal_face_detector()


@functools.cache
def cascade(name: str):
    """A Haar cascade of OpenCV."""
    import cv2

    return cv2.CascadeClassifier(f"{cv2.data.haarcascades}haarcascade_{name}.xml")

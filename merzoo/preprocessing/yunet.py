"""YuNet, a face detector that is a small network (Wu, Peng and Yu 2023), run by OpenCV.

merzoo neither holds nor downloads its model file: the environment variable `MERZOO_YUNET` names it.
"""

import functools
import os
from pathlib import Path

import numpy as np

from merzoo.errors import InputError
from merzoo.preprocessing.finding import Found, equalised, grey, scaled

VARIABLE = "MERZOO_YUNET"
MODEL = "face_detection_yunet_2023mar.onnx"  # of github.com/opencv/opencv_zoo
_SIDES = 640, 1920  # pixels of the longer side of the picture, in the order of the looks
_SCORE, _SECOND_SCORE = 0.9, 0.7  # of a face, least: OpenCV's own at the first look


def yunet_faces(image: np.ndarray) -> list[Found]:
    """Every face of a frame by YuNet, with its eyes, on a picture of 640 pixels."""
    return _faces_at(image, _SIDES[0], _SCORE)


def second_look_by_yunet(image: np.ndarray) -> list[Found]:
    """Faces that the first look misses: on larger pictures, equalised ones, and of lower score."""
    dark = np.repeat(equalised(grey(image))[..., None], 3, -1)
    small, large = _SIDES
    for picture, side in ((image, small), (image, large), (dark, small), (dark, large)):
        if side == large and max(image.shape[:2]) <= small:
            continue
        found = _faces_at(picture, side, _SECOND_SCORE)
        if found:
            return found
    return []


def yunet_file() -> Path:
    """The model file of YuNet, which the environment variable `MERZOO_YUNET` names.

    Raises:
        InputError: if it is not set, or there is no such file.
    """
    named = os.environ.get(VARIABLE)
    if not named:
        raise InputError(
            f"the detector 'yunet' needs its model file: set {VARIABLE} to the path of {MODEL} "
            "from github.com/opencv/opencv_zoo, or choose the detector 'haar'."
        )
    if not Path(named).is_file():
        raise InputError(f"{VARIABLE} is set to {named}, but there is no such file.")
    return Path(named)


def _faces_at(image: np.ndarray, side: int, score: float) -> list[Found]:
    """Faces on a picture whose longer side has up to so many pixels, in pixels of the frame."""
    import cv2

    colours = np.repeat(image, 3 // image.shape[-1], -1)[..., ::-1]
    scale = min(1.0, side / max(image.shape[:2]))
    picture = scaled(np.ascontiguousarray(colours), scale)
    path = yunet_file()
    network = _yunet(str(path))
    network.setScoreThreshold(score)
    try:
        network.setInputSize((picture.shape[1], picture.shape[0]))
        _, rows = network.detect(picture)
    except cv2.error as error:
        raise _no_yunet(path, error) from None
    found = []
    for row in () if rows is None else np.asarray(rows, np.float64):
        x, y, width, height = row[:4] / scale
        eyes = (row[4:8].reshape(2, 2) + 0.5) / scale - 0.5
        box = (round(y), round(x), round(y + height), round(x + width))
        found.append(Found(box, eyes[np.argsort(eyes[:, 0])]))
    return found


@functools.cache
def _yunet(path: str):
    import cv2

    try:
        return cv2.FaceDetectorYN.create(path, "", (320, 320), _SCORE)
    except cv2.error as error:
        raise _no_yunet(Path(path), error) from None


def _no_yunet(path: Path, error: Exception) -> InputError:
    """Why a file is no YuNet: a pointer of Git LFS, of the form before OpenCV 4.8, or another."""
    start = path.open("rb").read(40)
    if start.startswith(b"version https://git-lfs"):
        return InputError(f"{path}: a pointer of Git LFS, not the model: run git lfs pull there.")
    reason = " ".join(str(error).split())[:120]
    return InputError(f"{path}: not a YuNet that this OpenCV can run ({reason}); take {MODEL}.")

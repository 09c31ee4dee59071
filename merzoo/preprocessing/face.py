"""Where the face is: detection, 68 landmarks, eyes.

The detectors are dlib's HOG (King 2015) and OpenCV's Haar cascade (Viola and Jones 2001).
Landmarks are dlib's ensemble of regression trees (Kazemi and Sullivan 2014). Its model file is
trained on iBUG 300-W, for non-commercial use, so merzoo neither holds nor downloads it: it is
looked for where other packages install it, and where it is missing the two eyes of the Haar
cascade serve for alignment.
"""

import functools
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from merzoo.errors import InputError, unknown
from merzoo.preprocessing.landmarks import eye_centres

DETECTORS = ("dlib", "haar", "none")
CROP_SIDE = 112  # pixels; a face detector needs about 80 of face, so smaller frames are crops
LANDMARK_FILE = "shape_predictor_68_face_landmarks.dat"
_SMALLEST_HAAR_FACE = 1 / 8  # of the shorter side of the frame
_WITHOUT = (
    "The detector 'haar' does without, but finds no landmarks, which regions and the alignments "
    "piecewise_affine and local_weighted_mean need."
)


class NoFaceError(InputError):
    """No frontal face was found in a frame."""


@dataclass(frozen=True)
class Face:
    """A face in a frame.

    Args:
        box: y1, x1, y2, x2 in pixels; may reach outside the frame.
        eyes: (2, 2) x, y of the middle of the left and the right eye of the picture, or `None`
            where nothing was looked for (detector `"none"`).
        landmarks: (68, 2) x, y in pixels in dlib's order, or `None` without the landmark file.
    """

    box: tuple[int, int, int, int]
    eyes: np.ndarray | None = None
    landmarks: np.ndarray | None = None


def find_face(image: np.ndarray, detector: str = "dlib", where: str = "frame") -> Face:
    """Finds the one frontal face of a frame.

    Args:
        image: (H, W, 3 or 1) uint8, RGB or grey.
        detector: `"dlib"` (HOG, faces from about 80 pixels, with 68 landmarks), `"haar"` (no
            landmarks, eyes by a second cascade), `"none"` (the frame is a face crop already), or
            `"auto"`: none for frames of up to 112 pixels, else dlib with its landmarks, else haar.
        where: what to call the frame in a message.

    Returns:
        A `Face`.

    Raises:
        InputError: for no face, several faces, a face turned aside, or eyes that are not found.

    Example:

    >>> find_face(np.zeros((90, 80, 1), "uint8"), "none").box
    (0, 0, 90, 80)
    """
    if detector == "auto":
        detector = "none" if is_crop(image) else default_detector()
    if detector not in DETECTORS:
        raise unknown("face detector", detector, DETECTORS)
    if detector == "none":
        return Face((0, 0, *image.shape[:2]))
    boxes = find_boxes(image, detector)
    if not boxes:
        raise NoFaceError(
            f"{where}: no frontal face found by {detector!r} in {image.shape[1]}x{image.shape[0]} "
            "pixels; if the frames are face crops already, choose the detector 'none'."
        )
    if len(boxes) > 1:
        places = ", ".join(f"x {x1}..{x2} y {y1}..{y2}" for y1, x1, y2, x2 in boxes)
        raise InputError(
            f"{where}: {len(boxes)} faces found by {detector!r} ({places}); "
            "cut the clip to one of them."
        )
    if detector == "haar":
        return Face(boxes[0], eyes=_haar_eyes(image, boxes[0], where))
    points = landmarks_68(image, boxes[0])
    check_frontal(points, where)
    return Face(boxes[0], eye_centres(points), points)


def find_boxes(image: np.ndarray, detector: str) -> list[tuple[int, int, int, int]]:
    """y1, x1, y2, x2 of every frontal face that `"dlib"` or `"haar"` finds in a frame."""
    return _DETECT[detector](image)


def is_crop(image: np.ndarray) -> bool:
    """Whether a frame is so small that it can only be a face crop.

    >>> is_crop(np.zeros((112, 140, 1))), is_crop(np.zeros((113, 140, 1)))
    (True, False)
    """
    return min(image.shape[:2]) <= CROP_SIDE


def default_detector() -> str:
    """`"dlib"` where dlib and the landmark file are installed, else `"haar"`."""
    return "dlib" if has_landmarks() else "haar"


def has_landmarks() -> bool:
    """Whether dlib and the 68-point file are both installed."""
    return importlib.util.find_spec("dlib") is not None and _search() is not None


def missing_for_landmarks() -> str | None:
    """What to install for the 68 landmarks, or `None` where all is there."""
    parts = []
    if importlib.util.find_spec("dlib") is None:
        parts.append("pip install 'merzoo[faces]'")
    if _search() is None:
        parts.append(
            f"pip install face_recognition_models, which brings {LANDMARK_FILE} (non-commercial "
            "use), or set MERZOO_LANDMARKS to the path of that file"
        )
    return "; ".join(parts) or None


def landmark_file() -> Path:
    """The 68-point model file.

    Looked for in order: the environment variable `MERZOO_LANDMARKS` (a path), the installed package
    `face_recognition_models`, `/usr/share/dlib` (Debian's `libdlib-data`). Never downloaded.

    Raises:
        InputError: if there is none, naming the three places.
    """
    path = _search()
    if path is None:
        raise InputError(
            f"no {LANDMARK_FILE}: set MERZOO_LANDMARKS to its path, or install the package "
            f"face_recognition_models or Debian's libdlib-data (non-commercial use). {_WITHOUT}"
        )
    return path


def landmarks_68(image: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """The 68 landmarks of the face in `box`.

    Args:
        image: (H, W, 3 or 1) uint8.
        box: y1, x1, y2, x2 of the face, pixels, as a frontal face detector gives it.

    Returns:
        (68, 2) float64 x, y in pixels, dlib's order.

    Raises:
        InputError: if dlib or the landmark file is not installed.
    """
    import_dlib()
    import dlib

    y1, x1, y2, x2 = (int(value) for value in box)
    shape = _predictor(str(landmark_file()))(_plain(image), dlib.rectangle(x1, y1, x2 - 1, y2 - 1))
    return np.array([(point.x, point.y) for point in shape.parts()], np.float64)


def check_frontal(landmarks: np.ndarray, where: str = "frame") -> None:
    """Raises `InputError` if the face is turned aside.

    The bridge of the nose (28) must lie in the middle three fifths between the outer corners of
    the eyes (37, 46): on a profile it meets one of them.
    """
    left, right = landmarks[37 - 1], landmarks[46 - 1]
    axis = right - left
    place = float((landmarks[28 - 1] - left) @ axis / max(axis @ axis, 1e-9))
    if not 0.2 <= place <= 0.8:
        raise InputError(
            f"{where}: the face is turned aside (the bridge of the nose lies at {place:.2f} of the "
            "way between the eyes, 0.5 is frontal); use frontal clips."
        )


def import_dlib() -> None:
    """Raises `InputError`, saying what to install, if dlib is missing."""
    if importlib.util.find_spec("dlib") is None:
        raise InputError(f"dlib is not installed: pip install 'merzoo[faces]'. {_WITHOUT}")


def _search() -> Path | None:
    named = os.environ.get("MERZOO_LANDMARKS")
    if named:
        if not Path(named).is_file():
            raise InputError(f"MERZOO_LANDMARKS is set to {named}, but there is no such file.")
        return Path(named)
    # Found, not imported: the package needs pkg_resources, which newer Pythons do not have.
    package = importlib.util.find_spec("face_recognition_models")
    folders = [Path(package.origin).parent / "models"] if package and package.origin else []
    for folder in [*folders, Path("/usr/share/dlib")]:
        if (folder / LANDMARK_FILE).is_file():
            return folder / LANDMARK_FILE
    return None


@functools.cache
def _predictor(path: str):
    import dlib

    try:
        return dlib.shape_predictor(path)
    except RuntimeError as error:
        raise InputError(f"{path}: not a dlib landmark file ({error}).") from None


@functools.cache
def _hog():
    import dlib

    return dlib.get_frontal_face_detector()


@functools.cache
def _cascade(name: str):
    import cv2

    return cv2.CascadeClassifier(f"{cv2.data.haarcascades}haarcascade_{name}.xml")


def _plain(image: np.ndarray) -> np.ndarray:
    """The image as dlib takes it: (H, W) grey or (H, W, 3), contiguous."""
    return np.ascontiguousarray(image[..., 0] if image.shape[-1] == 1 else image)


def _grey(image: np.ndarray) -> np.ndarray:
    import cv2

    return _plain(image) if image.shape[-1] == 1 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def _dlib_boxes(image):
    import_dlib()
    # No upsampling: it gives false second faces on face crops.
    found, scores, _ = _hog().run(_plain(image), 0, 0.0)
    return [(r.top(), r.left(), r.bottom() + 1, r.right() + 1) for r in _sure(found, scores)]


def _haar_boxes(image):
    smallest = max(24, int(min(image.shape[:2]) * _SMALLEST_HAAR_FACE))
    found, support = _cascade("frontalface_alt2").detectMultiScale2(
        _grey(image), scaleFactor=1.1, minNeighbors=5, minSize=(smallest, smallest)
    )
    boxes = _sure(found, support)
    return [(int(y), int(x), int(y + h), int(x + w)) for x, y, w, h in boxes]


def _sure(found, scores) -> list:
    """The detections that score at least a quarter of the best one: the rest is background."""
    return [one for one, score in zip(found, scores, strict=True) if score >= max(scores) / 4]


def _haar_eyes(image, box, where) -> np.ndarray:
    """The middle of each eye: the candidate of each upper half that most neighbours support."""
    y1, x1, y2, x2 = box
    upper = _grey(image)[y1 : y1 + (y2 - y1) * 3 // 5, x1:x2]
    found, support = _cascade("eye").detectMultiScale2(
        upper, scaleFactor=1.05, minNeighbors=3, minSize=((x2 - x1) // 8,) * 2
    )
    middles = np.array([(x + w / 2 - 0.5, y + h / 2 - 0.5) for x, y, w, h in found])
    eyes = []
    for side in (0, 1):
        half = [i for i, (x, _) in enumerate(middles) if (x > (x2 - x1) / 2) == side]
        if not half:
            raise InputError(
                f"{where}: the Haar cascade finds the face but not both eyes; choose the detector "
                "'dlib', or 'none' if the frames are face crops already."
            )
        eyes.append(middles[max(half, key=lambda i: support[i])] + [x1, y1])
    return np.array(eyes)


_DETECT = {"dlib": _dlib_boxes, "haar": _haar_boxes}

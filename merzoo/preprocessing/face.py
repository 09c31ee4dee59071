"""Where the face is: detection, 68 landmarks, eyes.

The detectors are dlib's HOG (King 2015), OpenCV's Haar cascade (Viola and Jones 2001) and, where
its model file is given, YuNet (Wu, Peng and Yu 2023). Where one finds nothing, it looks a second
time: for small faces, and for faces in the dark. Landmarks are dlib's ensemble of regression trees
(Kazemi and Sullivan 2014). Its model file is trained on iBUG 300-W, for non-commercial use, so
merzoo neither holds nor downloads it: it is looked for where other packages install it, and where
it is missing the two eyes of the Haar cascade serve for alignment.
"""

import functools
import importlib.util
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from merzoo.errors import InputError, unknown
from merzoo.preprocessing.finding import (
    WITHOUT_DLIB,
    Box,
    Found,
    dlib_faces,
    haar_eyes,
    haar_faces,
    import_dlib,
    plain,
    scaled,
)
from merzoo.preprocessing.landmarks import eye_centres
from merzoo.preprocessing.second_look import (
    SMALLEST_FACE,
    eyes_in_poor_light,
    lit,
    second_look,
)
from merzoo.preprocessing.yunet import VARIABLE, second_look_by_yunet, yunet_faces, yunet_file

DETECTORS = ("dlib", "haar", "yunet", "none")
WHICH = ("only", "largest", "left", "right")  # of several faces
CROP_SIDE = 112  # pixels; a face detector needs about 80 of face, so smaller frames are crops
LANDMARK_FILE = "shape_predictor_68_face_landmarks.dat"
_CROP_LOOKED_AT = 256  # pixels of the shorter side at which a frame is asked whether it is a crop
_SAME_FACE = 0.2  # of two boxes' union that they share if they are of one face, at least


class NoFaceError(InputError):
    """No frontal face that can be used was found in a frame."""


@dataclass(frozen=True)
class Face:
    """A face in a frame.

    Args:
        box: y1, x1, y2, x2 in pixels; may reach outside the frame.
        eyes: (2, 2) x, y of the middle of the left and the right eye of the picture, or `None`
            where nothing was looked for (detector `"none"`).
        landmarks: (68, 2) x, y in pixels in dlib's order, or `None` without the landmark file.
        dim: whether it was found at a second look only, so that landmarks are looked for in an
            equalised picture.
    """

    box: Box
    eyes: np.ndarray | None = None
    landmarks: np.ndarray | None = None
    dim: bool = False


def find_face(
    image: np.ndarray,
    detector: str = "dlib",
    where: str = "frame",
    which: str = "only",
    near: Box | None = None,
    twice: bool = True,
) -> Face:
    """Finds the one frontal face of a frame.

    Args:
        image: (H, W, 3 or 1) uint8, RGB or grey.
        detector: `"dlib"` (HOG, with 68 landmarks), `"haar"` (no landmarks, eyes by a second
            cascade), `"yunet"` (no landmarks, eyes by itself), `"none"` (the frame is a face crop
            already), or `"auto"`: none for frames of up to 112 pixels, else dlib with its
            landmarks, else haar.
        where: what to call the frame in a message.
        which: of several faces: `"only"` refuses them, `"largest"`, or the one at the `"left"` or
            `"right"` of the picture.
        near: box of the face in an earlier frame. Of several faces that one is followed, whatever
            `which` says (but `"only"`), and a second look starts there.
        twice: whether to look a second time where nothing is found: for faces from 60 pixels, in
            the dark too, which takes some times as long.

    Returns:
        A `Face`.

    Raises:
        NoFaceError: for no face, a face turned aside, or eyes that are not found.
        InputError: for several faces, or a detector that cannot be used here.

    Example:

    >>> find_face(np.zeros((90, 80, 1), "uint8"), "none").box
    (0, 0, 90, 80)
    """
    if detector == "auto":
        detector = "none" if is_crop(image) else default_detector()
    if detector not in DETECTORS:
        raise unknown("face detector", detector, DETECTORS)
    if which not in WHICH:
        raise unknown("face", which, WHICH)
    if detector == "none":
        return Face((0, 0, *image.shape[:2]))
    found, dim = _DETECT[detector](image), False
    if not found and twice:
        found, dim = look_again(image, detector, near), True
    if not found:
        raise NoFaceError(
            f"{where}: no frontal face found by {detector!r} in {image.shape[1]}x{image.shape[0]} "
            f"pixels; {advice([image], detector)}"
        )
    one = _chosen(found, which, near, f"{where}: {len(found)} faces found by {detector!r}")
    if detector == "dlib":
        points = landmarks_of(image, Face(one.box, dim=dim))
        check_frontal(points, where)
        return Face(one.box, eye_centres(points), points, dim)
    eyes = _eyes(image, one, where) if one.eyes is None else one.eyes
    return Face(one.box, eyes, dim=dim)


def find_boxes(image: np.ndarray, detector: str) -> list[Box]:
    """y1, x1, y2, x2 of every frontal face that a detector finds in a frame at first sight."""
    return [one.box for one in _DETECT[detector](image)]


def look_again(image: np.ndarray, detector: str, near: Box | None = None) -> list[Found]:
    """Faces where a detector found none: small, dark, or of dark skin before a bright wall."""
    if detector == "yunet":
        return second_look_by_yunet(image)
    return second_look(image, detector, near)


def _chosen(found: list[Found], which: str, near: Box | None, said: str) -> Found:
    if len(found) > 1 and which == "only":
        places = ", ".join(
            f"x {x1}..{x2} y {y1}..{y2}" for y1, x1, y2, x2 in (one.box for one in found)
        )
        raise InputError(
            f"{said} ({places}); choose the largest, left or right (--face largest), or cut the "
            "clip to one of them."
        )
    if near is not None:
        followed = max(found, key=lambda one: _shared(one.box, near))
        if _shared(followed.box, near) > _SAME_FACE:
            return followed
    return max(found, key=lambda one: _PREFERRED[which](*one.box))


# Which of several boxes is taken: that of which this is largest.
_PREFERRED = {
    "only": lambda y1, x1, y2, x2: 0,
    "largest": lambda y1, x1, y2, x2: (y2 - y1) * (x2 - x1),
    "left": lambda y1, x1, y2, x2: -(x1 + x2),
    "right": lambda y1, x1, y2, x2: x1 + x2,
}


def _shared(one: Box, other: Box) -> float:
    """What two boxes share, of what they cover together.

    >>> _shared((0, 0, 10, 10), (0, 5, 10, 15))
    0.3333333333333333
    """
    down = min(one[2], other[2]) - max(one[0], other[0])
    right = min(one[3], other[3]) - max(one[1], other[1])
    both = max(down, 0) * max(right, 0)
    areas = [(y2 - y1) * (x2 - x1) for y1, x1, y2, x2 in (one, other)]
    return both / max(sum(areas) - both, 1)


def _eyes(image: np.ndarray, one: Found, where: str) -> np.ndarray:
    eyes = haar_eyes(image, one.box)
    if eyes is None:
        eyes = eyes_in_poor_light(image, one.box)
    if eyes is None:
        y1, x1, y2, x2 = one.box
        filled = 2 * (y2 - y1) * (x2 - x1) > image.shape[0] * image.shape[1]
        crop = ", or 'none' if the frames are face crops already" if filled else ""
        raise NoFaceError(
            f"{where}: the Haar cascade finds the face but not both eyes; choose the detector "
            f"'dlib'{crop}."
        )
    return eyes


def advice(frames: Sequence[np.ndarray], detector: str) -> str:
    """What to type where a detector finds no face in any of some frames.

    Face crops are spoken of only where the frames are such, and hold nothing beside a face.
    """
    if all(is_crop(frame) or fills_frame(frame) for frame in frames):
        return "if the frames are face crops already, choose the detector 'none' (--detector none)."
    others = [
        name
        for name, there in (
            ("dlib", has_landmarks()),
            ("yunet", os.environ.get(VARIABLE)),
            ("haar", True),
        )
        if there and name != detector
    ]
    try_other = f", or try another detector (--detector {others[0]})" if others else ""
    return (
        f"give frames in which a face of at least {SMALLEST_FACE} pixels is seen from the front, "
        f"with both eyes and in enough light{try_other}."
    )


def fills_frame(image: np.ndarray) -> bool:
    """Whether a frame is filled by a face that the cascade sees once it has surroundings."""
    import cv2

    small = scaled(image, min(1.0, _CROP_LOOKED_AT / min(image.shape[:2])))
    height, width = small.shape[:2]
    margin = max(height, width) // 3
    wide = cv2.copyMakeBorder(small, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
    boxes = find_boxes(wide.reshape(*wide.shape[:2], image.shape[-1]), "haar")
    return any((y2 - y1) * (x2 - x1) > height * width / 2 for y1, x1, y2, x2 in boxes)


def check_detector(detector: str) -> None:
    """Raises `InputError`, saying what to install, for a detector that cannot be used here."""
    if detector == "yunet":
        yunet_file()
    if detector == "dlib":
        import_dlib()
        landmark_file()


def detector_files(detector: str) -> str:
    """Name and size of the model files that decide what a detector finds, or `""`."""
    if detector == "yunet":
        return f"{yunet_file().name} {yunet_file().stat().st_size}"
    if detector == "dlib" and has_landmarks():
        return f"{landmark_file().name} {landmark_file().stat().st_size}"
    return ""


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
            f"face_recognition_models or Debian's libdlib-data (non-commercial use). {WITHOUT_DLIB}"
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
    shape = _predictor(str(landmark_file()))(plain(image), dlib.rectangle(x1, y1, x2 - 1, y2 - 1))
    return np.array([(point.x, point.y) for point in shape.parts()], np.float64)


def landmarks_of(image: np.ndarray, face: Face) -> np.ndarray:
    """The 68 landmarks in the box of a face, in the light in which it was found.

    Args:
        image: (H, W, 3 or 1) uint8, the frame of the face or a later one.
        face: with its box.
    """
    return landmarks_68(lit(image, face.box) if face.dim else image, face.box)


def check_frontal(landmarks: np.ndarray, where: str = "frame") -> None:
    """Raises `NoFaceError` if the face is turned aside.

    The bridge of the nose (28) must lie in the middle three fifths between the outer corners of
    the eyes (37, 46): on a profile it meets one of them.
    """
    left, right = landmarks[37 - 1], landmarks[46 - 1]
    axis = right - left
    place = float((landmarks[28 - 1] - left) @ axis / max(axis @ axis, 1e-9))
    if not 0.2 <= place <= 0.8:
        raise NoFaceError(
            f"{where}: the face is turned aside (the bridge of the nose lies at {place:.2f} of the "
            "way between the eyes, 0.5 is frontal); use frontal clips."
        )


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


_DETECT = {"dlib": dlib_faces, "haar": haar_faces, "yunet": yunet_faces}

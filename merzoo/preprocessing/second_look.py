"""A second look for faces where a detector found none: small ones, dark ones, dark skin.

The grey levels that the picture has are spread over the whole range, in each of its parts
(contrast-limited adaptive equalisation, Zuiderveld 1994), and a coarse picture is searched before a
fine one. OpenCV's Haar cascade finds more there, and more that is no face, so that each candidate
is confirmed on a picture of its own: by two eyes where eyes must be, or by dlib's HOG. Before that
noise is taken out, which in the dark is as strong as an eyelid.
"""

from collections.abc import Callable, Iterator

import numpy as np

from merzoo.preprocessing.finding import (
    Box,
    Found,
    cascade,
    equalised,
    grey,
    hog,
    import_dlib,
    of_dlib,
    one_each,
    scaled,
    spread,
    sure,
)

SMALLEST_FACE = 60  # pixels from ear to ear that this is made for
# Shorter side of the coarse picture; the cascade's smallest box; and how much smaller the fine
# picture is, on which the smallest face has 42 pixels.
_COARSE, _LEAST, _FINE = 360, 30, 42 / SMALLEST_FACE
_CANDIDATES = 8  # of each picture that are looked at more closely
_PATCH = 200  # pixels of a face that is looked at more closely
_NEAR = 0.75  # how far around a face it is looked for in the next frame, in sides of its box
# Where eyes lie in the cascade's box, as shares of it, and how far from there they still are eyes:
# on invented faces they lay within 0.05 of these.
_EYES = np.array([(0.30, 0.43), (0.69, 0.43)])
_EYES_WITHIN = 0.14


def second_look(image: np.ndarray, detector: str, near: Box | None = None) -> list[Found]:
    """Faces that the first look misses: from 60 pixels, in the dark, of dark skin.

    Args:
        image: (H, W, 3 or 1) uint8.
        detector: `"dlib"` or `"haar"`.
        near: a box around which it is looked first, such as that of the frame before.

    Returns:
        Those of the coarsest picture that shows any; the cascade's with their eyes.
    """
    if int(image.max()) - int(image.min()) < 8:
        return []  # a black frame, or one of a single colour
    confirm = _CONFIRM[detector]
    light = grey(image)
    if near is not None:
        rows, columns = around(near, light.shape, _NEAR)
        part = light[rows, columns]
        found = _among(part, part.shape, confirm) if part.size else []
        if found:
            return [_moved(one, rows.start, columns.start) for one in found]
    return _among(light, light.shape, confirm)


def eyes_in_poor_light(image: np.ndarray, box: Box) -> np.ndarray | None:
    """(2, 2) eyes in the cascade's box, in the dark too; `None` where none are where eyes must be.

    Args:
        image: (H, W, 3 or 1) uint8.
        box: y1, x1, y2, x2 of a face, as `haar_faces` gives it.
    """
    import cv2

    y1, x1, _, x2 = box
    rows, columns = around(box, image.shape, 0)
    face = grey(image)[rows, columns]
    if not face.size:
        return None
    scale = _PATCH / (x2 - x1)
    patch = spread(scaled(face, scale))
    for clean in (
        lambda: cv2.bilateralFilter(patch, 9, 60, 5),
        lambda: spread(cv2.GaussianBlur(scaled(face, scale), (0, 0), 3)),
    ):
        found, support = cascade("eye").detectMultiScale2(
            clean()[: int(len(patch) * 0.6)],
            scaleFactor=1.05,
            minNeighbors=2,
            minSize=(30, 30),
            maxSize=(80, 80),
        )
        eyes = one_each(found, support, patch.shape[1])
        if eyes is None:
            continue
        eyes = (eyes + 0.5) / scale - 0.5 + [columns.start, rows.start]
        if np.abs((eyes - [x1, y1]) / (x2 - x1) - _EYES).max() < _EYES_WITHIN:
            return eyes
    return None


def lit(image: np.ndarray, box: Box) -> np.ndarray:
    """A frame as (H, W, 1) grey, equalised around a box and as it is elsewhere."""
    light = grey(image).copy()
    rows, columns = around(box, light.shape, 0.5)
    if light[rows, columns].size:
        light[rows, columns] = equalised(light[rows, columns])
    return light[..., None]


def around(box: Box, shape: tuple[int, ...], share: float) -> tuple[slice, slice]:
    """Rows and columns of a box and a share of its sides more on each side, within a frame.

    >>> around((10, 10, 30, 30), (40, 100), 1.0)
    (slice(0, 40, None), slice(0, 50, None))
    """
    y1, x1, y2, x2 = (int(value) for value in box)
    down, right = round(share * (y2 - y1)), round(share * (x2 - x1))
    height, width = shape[:2]
    return (
        slice(max(0, y1 - down), max(0, min(height, y2 + down))),
        slice(max(0, x1 - right), max(0, min(width, x2 + right))),
    )


def _among(light: np.ndarray, shape, confirm: Callable) -> list[Found]:
    """The confirmed candidates of the coarsest picture that shows any."""
    for scale in _scales(shape):
        found = [(confirm(light, box), support) for box, support in _candidates(light, scale)]
        kept = [(one, support) for one, support in found if one is not None]
        if kept:
            return _apart(sure(*zip(*kept, strict=True)))
    return []


def _scales(shape: tuple[int, ...]) -> Iterator[float]:
    """How much smaller the pictures are on which a frame is searched, coarse before fine.

    >>> list(_scales((240, 320))), [round(scale, 2) for scale in _scales((2160, 3840))]
    ([1.0], [0.17, 0.7])
    """
    coarse, fine = min(1.0, _COARSE / min(shape[:2])), _FINE
    if coarse < 1:
        yield coarse
    if coarse == 1 or fine > 1.2 * coarse:
        yield max(coarse, fine) if coarse < 1 else 1.0


def _candidates(light: np.ndarray, scale: float) -> Iterator[tuple[Box, int]]:
    """Boxes of the frame that may be faces, and their support, the best supported first."""
    picture = equalised(scaled(light, scale))
    found, support = cascade("frontalface_alt2").detectMultiScale2(
        picture, scaleFactor=1.1, minNeighbors=3, minSize=(_LEAST, _LEAST)
    )
    for i in sorted(range(len(found)), key=lambda i: -support[i])[:_CANDIDATES]:
        x, y, width, height = (round(float(value) / scale) for value in found[i])
        yield (y, x, y + height, x + width), int(support[i])


def _by_eyes(light: np.ndarray, box: Box) -> Found | None:
    eyes = eyes_in_poor_light(light[..., None], box)
    return None if eyes is None else Found(box, eyes)


def _by_hog(light: np.ndarray, box: Box) -> Found | None:
    import cv2

    import_dlib()
    rows, columns = around(box, light.shape, 0.5)
    part = light[rows, columns]
    scale = _PATCH / (box[3] - box[1])
    patch = spread(scaled(part, scale))
    for picture in (patch, spread(cv2.GaussianBlur(patch, (0, 0), 3))):
        found, scores, _ = hog().run(picture, 0, 0.0)
        if len(found):
            best = of_dlib(found[int(np.argmax(scores))])
            y1, x1, y2, x2 = (round(value / scale) for value in best.box)
            return _moved(Found((y1, x1, y2, x2)), rows.start, columns.start)
    return None


_CONFIRM = {"haar": _by_eyes, "dlib": _by_hog}


def _apart(found: list[Found]) -> list[Found]:
    """Without those whose middle lies within an earlier one: two candidates may be one face."""
    kept: list[Found] = []
    for one in found:
        y, x = (one.box[0] + one.box[2]) / 2, (one.box[1] + one.box[3]) / 2
        if not any(b[0] <= y < b[2] and b[1] <= x < b[3] for b in (other.box for other in kept)):
            kept.append(one)
    return kept


def _moved(one: Found, down: int, right: int) -> Found:
    y1, x1, y2, x2 = one.box
    eyes = None if one.eyes is None else one.eyes + [right, down]
    return Found((y1 + down, x1 + right, y2 + down, x2 + right), eyes)

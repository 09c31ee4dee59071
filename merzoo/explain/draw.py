"""Pictures on a face: a map in colours, flow as arrows, regions as frames."""

from collections.abc import Sequence

import numpy as np

from merzoo.errors import InputError

ARROWS = 18  # along the longer side of a face
ENLARGED = 2  # lines are drawn on a face this many times larger, so that they are fine
QUIET = 0.15  # arrows shorter than this part of the longest are left out
LINE = (64, 255, 220)


def overlay(face: np.ndarray, map: np.ndarray, strength: float = 0.6) -> np.ndarray:
    """A map over a face: places near 1 in red, near 0 the face as it is.

    Args:
        face: (H, W), (H, W, 1) or (H, W, 3) RGB, 0..255.
        map: (h, w), 0..1, of any size: it is stretched bilinearly over the face.
        strength: of the colour where the map is 1, 0..1.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        InputError: for arrays of another shape.

    Example:

    >>> overlay(np.full((8, 8, 3), 100, "uint8"), np.zeros((2, 2)))[0, 0].tolist()
    [100, 100, 100]
    """
    import cv2
    from matplotlib import colormaps

    face = _colour(face)
    if np.ndim(map) != 2:
        raise InputError(f"overlay: the map must be (h, w), got {np.shape(map)}.")
    size = (face.shape[1], face.shape[0])
    values = np.asarray(map, np.float32)
    values = np.clip(cv2.resize(values, size, interpolation=cv2.INTER_LINEAR), 0, 1)[..., None]
    colours = colormaps["jet"](values[..., 0])[..., :3] * 255
    share = strength * np.sqrt(values)
    return np.rint(face * (1 - share) + colours * share).astype(np.uint8)


def draw_flow(face: np.ndarray, flow: np.ndarray, arrows: int = ARROWS) -> np.ndarray:
    """Flow as arrows on a face, enlarged alike so that the longest just reach the next one.

    Args:
        face: (H, W), (H, W, 1) or (H, W, 3) RGB, 0..255.
        flow: (H, W, 2 or more), u (right) and v (down) in pixels of the face.
        arrows: number along the longer side.

    Returns:
        (2 H, 2 W, 3) uint8 RGB.

    Raises:
        InputError: for a flow of another size.

    Example:

    >>> draw_flow(np.zeros((64, 48, 1)), np.ones((64, 48, 2))).shape
    (128, 96, 3)
    """
    import cv2

    face, flow = _colour(face), np.asarray(flow, np.float32)
    if flow.ndim != 3 or flow.shape[:2] != face.shape[:2] or flow.shape[2] < 2:
        raise InputError(f"draw_flow: the flow must be {(*face.shape[:2], 2)}, got {flow.shape}.")
    step = max(face.shape[:2]) / arrows
    y, x = (np.arange(step / 2, side, step).astype(int) for side in face.shape[:2])
    picture = _enlarged(face * 0.6)
    vectors = flow[np.ix_(y, x)][..., :2]
    lengths = np.linalg.norm(vectors, axis=-1)
    longest = max(float(np.quantile(lengths, 0.99)), 1e-6)
    for row, column in zip(*np.nonzero(lengths > QUIET * longest), strict=True):
        start = np.array([x[column], y[row]]) + 0.5
        share = min(1.0, longest / lengths[row, column])
        end = start + vectors[row, column] * share * step / longest
        tail, head = (tuple(np.rint(p * ENLARGED).astype(int).tolist()) for p in (start, end))
        cv2.arrowedLine(picture, tail, head, LINE, 2, cv2.LINE_AA, tipLength=0.35)
    return picture


def draw_regions(
    face: np.ndarray, boxes: np.ndarray | Sequence, names: Sequence[str] | None = None
) -> np.ndarray:
    """Regions as frames on a face.

    Args:
        face: (H, W), (H, W, 1) or (H, W, 3) RGB, 0..255.
        boxes: (N, 4) y1 x1 y2 x2 in 0..1 of the face: the modality `regions`, or action units
            (see `merzoo.explain.action_units`).
        names: written into the frames.

    Returns:
        (2 H, 2 W, 3) uint8 RGB.

    Example:

    >>> draw_regions(np.zeros((64, 64, 3)), np.array([[0.2, 0.2, 0.5, 0.5]]), ["AU4"]).shape
    (128, 128, 3)
    """
    import cv2

    picture = _enlarged(_colour(face))
    sides = np.array([picture.shape[0], picture.shape[1]] * 2)
    taken = set()
    for number, box in enumerate(np.asarray(boxes, np.float64).reshape(-1, 4)):
        y1, x1, y2, x2 = np.rint(box * sides).astype(int).tolist()
        cv2.rectangle(picture, (x1, y1), (x2, y2), LINE, 2, cv2.LINE_AA)
        if names is not None:
            place = (x1 + 4, y1 + 18)
            while place in taken:  # two units on one place: one under the other
                place = (place[0], place[1] + 18)
            taken.add(place)
            style = (cv2.FONT_HERSHEY_SIMPLEX, 0.6)
            cv2.putText(picture, names[number], place, *style, (0, 0, 0), 5, cv2.LINE_AA)
            cv2.putText(picture, names[number], place, *style, (255, 255, 255), 2, cv2.LINE_AA)
    return picture


def _colour(face) -> np.ndarray:
    """A face as (H, W, 3) float32, 0..255."""
    face = np.asarray(face, np.float32)
    if face.ndim == 2:
        face = face[..., None]
    if face.ndim != 3 or face.shape[-1] not in (1, 3):
        raise InputError(f"the face must be (H, W), (H, W, 1) or (H, W, 3), got {face.shape}.")
    return np.repeat(face, 3, axis=-1) if face.shape[-1] == 1 else face


def _enlarged(face) -> np.ndarray:
    import cv2

    size = (face.shape[1] * ENLARGED, face.shape[0] * ENLARGED)
    large = cv2.resize(face, size, interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(np.rint(np.clip(large, 0, 255)), dtype=np.uint8)

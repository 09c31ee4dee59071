"""How each part of a face moves through a video, measured in one pass over its frames.

Three times a second the face is found and aligned anew, and the optical flow from there to each
frame of the next half second, less the motion of the head, is averaged over fourteen regions. The
pieces overlap and are joined where they do, so that a long video needs no more memory than a short
one, but for a hundred bytes a frame. Regions and the removal of the head's motion follow the
optical-flow spotters of the field (He, "Research on micro-expression spotting method based on
optical flow features", MEGC 2021).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from merzoo.data.frames import VideoFrames
from merzoo.errors import InputError
from merzoo.preprocessing.align import Alignment, align
from merzoo.preprocessing.apex import without_head_motion
from merzoo.preprocessing.face import Face, find_face
from merzoo.preprocessing.flow import farneback_flow, grey
from merzoo.preprocessing.landmarks import MIRROR, reference_face

SIDE = 128  # pixels of the crop on which motion is measured
USUAL_RATE = 105.0  # frames per second that are looked at, about: faster videos are thinned out
_ANCHOR_EVERY, _PIECE = 0.35, 0.5  # seconds: from anchor to anchor, and how far each is followed
_SIGMA = 0.065  # of a region's Gaussian window, share of the crop

# Left half and middle of the regions, by landmarks (1-based) of the reference face; the right half
# mirrors it. "lids" is where blinks are seen.
_LEFT = {
    "lids": (38, 39, 41, 42),
    "outer brow": (18, 19),
    "inner brow": (21, 22),
    "cheek": (41, 42, 41, 42, 49),
    "nose": (32, 32, 31, 49),
    "mouth corner": (49,),
}
_MIDDLE = {"upper lip": (52, 34), "chin": (58, 9)}


@dataclass
class Motion:
    """The movement of a video's face.

    Args:
        positions: (T,) frames that were looked at.
        fps: frames per second of these.
        moves: (T, R, 2) float32, displacement of each region in pixels of the crop, up to a slow
            drift; NaN where there was no face.
        faces: (position, `Face`) at each place where it was looked for and found.
        missing: (position, reason) where it was not.
        broken_off: why the video could not be read to its end, or `None`.
    """

    positions: np.ndarray
    fps: float
    moves: np.ndarray
    faces: list[tuple[int, Face]] = field(default_factory=list)
    missing: list[tuple[int, str]] = field(default_factory=list)
    broken_off: str | None = None


def region_windows(side: int = SIDE) -> tuple[list[str], np.ndarray]:
    """Names and (R, side, side) weights, each summing to 1, of the regions of an aligned face.

    >>> names, windows = region_windows(64)
    >>> len(names), windows.shape, names[:2]
    (14, (14, 64, 64), ['left lids', 'right lids'])
    """
    points = reference_face(side, side)
    places = {}
    for name, numbers in _LEFT.items():
        places[f"left {name}"] = points[np.array(numbers) - 1].mean(0)
        mirrored = [MIRROR[n - 1] for n in numbers]
        places[f"right {name}"] = points[np.array(mirrored) - 1].mean(0)
    for name, numbers in _MIDDLE.items():
        places[name] = points[np.array(numbers) - 1].mean(0)
    y, x = np.mgrid[:side, :side]
    windows = [
        np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * (_SIGMA * side) ** 2))
        for cx, cy in places.values()
    ]
    return list(places), np.array([w / w.sum() for w in windows], np.float32)


class _Piece:
    """The flow from one anchor frame to those that follow.

    What the head moved so far is undone before the next flow is taken, so that only its last step
    and the face are left to measure.
    """

    def __init__(self, start: int, frame: np.ndarray, alignment: Alignment, windows: np.ndarray):
        self.start, self.alignment, self.windows = start, alignment, windows
        self.anchor = grey(alignment.apply(frame))
        self.head = np.eye(2, 3)  # from the anchor's crop to the present one
        self.moves = [np.zeros((len(windows), 2), np.float32)]

    def add(self, frame: np.ndarray) -> None:
        import cv2

        crop = grey(self.alignment.apply(frame))
        still = cv2.warpAffine(
            crop,
            self.head,
            (SIDE, SIDE),
            flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        flow = farneback_flow(self.anchor, still)
        face = without_head_motion(flow)
        self.head = _then(self.head, flow - face)
        self.moves.append(np.tensordot(self.windows, face, ([1, 2], [0, 1])))


def _then(head: np.ndarray, step: np.ndarray) -> np.ndarray:
    """The head's transform followed by a step, an affine displacement field (H, W, 2)."""
    origin, last = step[0, 0], SIDE - 1
    right, down = (step[0, -1] - origin) / last, (step[-1, 0] - origin) / last
    moved = np.column_stack([np.array([1, 0]) + right, np.array([0, 1]) + down, origin])
    return np.column_stack([head[:, :2] @ moved[:, :2], head[:, :2] @ moved[:, 2] + head[:, 2]])


def thinning(fps: float) -> int:
    """Every how many frames one is looked at.

    >>> thinning(25), thinning(100), thinning(200)
    (1, 1, 2)
    """
    return max(1, round(fps / USUAL_RATE))


def measure_motion(
    frames: Sequence[np.ndarray],
    fps: float,
    detector: str = "haar",
    progress: Callable[[int], None] = lambda done: None,
) -> Motion:
    """Measures how the face moves, frame after frame.

    Args:
        frames: of one size, read once and in order.
        fps: frames per second.
        detector: `"dlib"`, `"haar"`, or `"none"` where the frames are face crops already.
        progress: called with the number of frames done.

    Returns:
        A `Motion`.

    Raises:
        InputError: if no face is found anywhere, or the frames change their size.
    """
    step = thinning(fps)
    found = Motion(np.arange(0, len(frames), step), fps / step, np.empty(0))
    _, windows = region_windows()
    every, length = (max(n, round(s * found.fps)) for n, s in ((2, _ANCHOR_EVERY), (4, _PIECE)))
    pieces: list[_Piece] = []
    joined = _Joined(len(found.positions), len(windows))
    size = None
    for index, position in enumerate(found.positions.tolist()):
        try:
            frame = frames[position]
        except InputError as error:
            if index == 0 or not isinstance(frames, VideoFrames):
                raise
            found = _ended(found, index, str(error))
            break
        size = size or frame.shape
        if frame.shape != size:
            raise InputError(f"frame {position} is of another size than frame 0.")
        for piece in pieces:
            piece.add(frame)
        while pieces and len(pieces[0].moves) >= length:
            joined.add(pieces.pop(0))
        if index % every == 0:
            face = _look(found, frame, position, detector)
            if face is not None:
                pieces.append(_Piece(index, frame, align(face, SIDE, SIDE), windows))
        progress(index + 1)
    for piece in pieces:
        joined.add(piece)
    if not found.faces:
        raise InputError(found.missing[0][1])
    return replace(found, moves=joined.moves[: len(found.positions)])


def _ended(found: Motion, index: int, reason: str) -> Motion:
    """A video that breaks off is taken as far as it goes."""
    return replace(found, positions=found.positions[:index], broken_off=reason)


def _look(found: Motion, frame: np.ndarray, position: int, detector: str) -> Face | None:
    try:
        face = find_face(frame, detector, f"frame {position}")
    except InputError as error:
        found.missing.append((position, str(error)))
        return None
    found.faces.append((position, face))
    return face


class _Joined:
    """Pieces joined into one movement: where two overlap, one fades into the other."""

    def __init__(self, length: int, regions: int):
        self.moves = np.full((length, regions, 2), np.nan, np.float32)

    def add(self, piece: _Piece) -> None:
        moves = np.array(piece.moves, np.float32)
        there = self.moves[piece.start : piece.start + len(moves)]
        shared = int(np.isfinite(there[:, 0, 0]).sum())  # pieces come in order: at the start
        if shared:
            moves = moves + (there[:shared] - moves[:shared]).mean(0)
            fade = ((np.arange(shared) + 0.5) / shared)[:, None, None]
            moves[:shared] = (1 - fade) * there[:shared] + fade * moves[:shared]
        there[:] = moves

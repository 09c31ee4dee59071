"""How each part of a face moves through a video, measured in one pass over its frames.

Three times a second the face is found and aligned anew, and the optical flow from there to each
frame of the next half second, less the motion of the head, is averaged over fourteen regions. The
pieces overlap and are joined where they do, so that a long video needs no more memory than a short
one, but for a hundred bytes a frame. Regions and the removal of the head's motion follow the
optical-flow spotters of the field (He, "Research on micro-expression spotting method based on
optical flow features", MEGC 2021).
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from merzoo.data.videos import VideoFrames, is_variable, rate_of
from merzoo.errors import InputError
from merzoo.prediction.breaks import BLIND, is_jump, is_other_picture, joined_places
from merzoo.preprocessing.align import Alignment, align
from merzoo.preprocessing.apex import without_head_motion
from merzoo.preprocessing.face import Face, NoFaceError, find_face
from merzoo.preprocessing.flow import farneback_flow, grey
from merzoo.preprocessing.region_motion import SIDE, region_flow, region_windows

VERSION = 1  # raised when `measure_motion` gives other values than before, so that caches forget
USUAL_RATE = 105.0  # frames per second that are looked at, about: faster videos are thinned out
_ANCHOR_EVERY, _PIECE = 0.35, 0.5  # seconds: from anchor to anchor, and how far each is followed
_RAREST = 3  # looks at a place without a face for each of which there is no second one, at most


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
        breaks: (first, last) position of each place where the picture jumps; there, and a tenth of
            a second before and after, `moves` is NaN.
        broken_off: why the video could not be read to its end, or `None`.
    """

    positions: np.ndarray
    fps: float
    moves: np.ndarray
    faces: list[tuple[int, Face]] = field(default_factory=list)
    missing: list[tuple[int, str]] = field(default_factory=list)
    breaks: list[tuple[int, int]] = field(default_factory=list)
    broken_off: str | None = None


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

    def add(self, frame: np.ndarray, fps: float) -> bool:
        """Follows the face into one more frame; whether the picture jumps there."""
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
        self.moves.append(region_flow(face, self.windows))
        return is_other_picture(self.anchor, still, flow) or is_jump(flow - face, fps)


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
    fps: float | None,
    detector: str = "haar",
    progress: Callable[[int], None] = lambda done: None,
    which: str = "only",
) -> Motion:
    """Measures how the face moves, frame after frame.

    Args:
        frames: of one size, read once and in order.
        fps: frames per second; `None` for a film, whose frames have times. Where these are uneven,
            the movement is resampled to an even rate.
        detector: `"dlib"`, `"haar"`, `"yunet"`, or `"none"` where the frames are face crops.
        progress: called with the number of frames done.
        which: of several faces, as in `find_face`; once chosen, a face is followed.

    Returns:
        A `Motion`.

    Raises:
        InputError: if no face is found anywhere, or the frames change their size.
    """
    rate = early_rate(frames) if fps is None else fps
    step = thinning(rate)
    measured = Measured(rate / step, detector, which)
    for position in itertools.count(0, step):
        try:
            frame = frames[position]
        except IndexError:  # the end
            break
        except InputError as error:
            if position == 0 or not isinstance(frames, VideoFrames):
                raise
            if not frames.ended:  # one frame is lost
                measured.lose(position)
                continue
            measured.broken_off = str(error)  # what comes before is used
            break
        measured.add(position, frame)
        progress(len(measured.places))
    motion = measured.motion()
    if isinstance(frames, VideoFrames):
        _blind(motion, [(one.first, one.last) for one in frames.damage], measured.blind)
    if fps is not None:
        return motion
    assert isinstance(frames, VideoFrames)
    return at_even_times(motion, frames.times[motion.positions], frames.fps / step)


def _blind(motion: Motion, places: Sequence[tuple[int, int]], margin: int) -> None:
    """Takes out what was measured over damaged frames, and so many frames before and after."""
    for first, last in places:
        start = np.searchsorted(motion.positions, first) - margin
        stop = np.searchsorted(motion.positions, last, side="right") + margin
        motion.moves[max(0, start) : stop] = np.nan


def early_rate(frames) -> float:
    """Frames per second of a film's first second."""
    if not isinstance(frames, VideoFrames):
        raise InputError("frames without times need their rate: give fps.")
    frames.lasts(1.0)
    rate = rate_of(frames.times_so_far(), frames.stated_fps)
    if not (np.isfinite(rate) and 1 <= rate <= 10_000):
        raise InputError(
            f"{frames.name}: its frame rate ({rate:g}) cannot be right; give fps (--fps)."
        )
    return rate


def at_even_times(motion: Motion, times: np.ndarray, fps: float) -> Motion:
    """The movement at even times: as it is where the film's are, else interpolated."""
    if not is_variable(times):
        return replace(motion, fps=fps)
    even = np.linspace(times[0], times[-1], len(times))
    after = np.clip(np.searchsorted(times, even), 1, len(times) - 1)
    gap = np.maximum(times[after] - times[after - 1], 1e-9)
    share = np.clip((even - times[after - 1]) / gap, 0, 1)
    moves = motion.moves[after - 1] * (1 - share)[:, None, None].astype(np.float32)
    moves += motion.moves[after] * share[:, None, None].astype(np.float32)
    nearest = np.where(share < 0.5, after - 1, after)
    return replace(motion, fps=fps, moves=moves, positions=motion.positions[nearest])


class Measured:
    """A film's movement while its frames come in.

    Args:
        fps: frames per second that come in.
        detector: of faces.
        which: of several faces.
    """

    def __init__(self, fps: float, detector: str, which: str):
        self.fps, self.detector, self.which = fps, detector, which
        _, self.windows = region_windows()
        self.every, self.length = (
            max(least, round(seconds * fps)) for least, seconds in ((2, _ANCHOR_EVERY), (4, _PIECE))
        )
        self.blind = max(1, round(BLIND * fps))
        self.pieces: list[_Piece] = []
        self.joined = _Joined(len(self.windows))
        self.places: list[int] = []
        self.jumps: list[int] = []
        self.next_anchor = 0
        self.faces: list[tuple[int, Face]] = []
        self.missing: list[tuple[int, str]] = []
        self.waiting, self.wait = 0, 0  # looks until the next second one; and what it was last
        self.broken_off: str | None = None
        self.size: tuple[int, ...] | None = None

    def add(self, position: int, frame: np.ndarray) -> None:
        index = len(self.places)
        self.size = self.size or frame.shape
        if frame.shape != self.size:
            raise InputError(f"frame {position} is of another size than frame 0.")
        self.places.append(position)
        if any([piece.add(frame, self.fps) for piece in self.pieces]):
            self._jump(index)
        while self.pieces and len(self.pieces[0].moves) >= self.length:
            self._join(1)
        if index >= self.next_anchor:
            self.next_anchor = index + self.every
            face = self._look(frame, position)
            if face is not None:
                self.pieces.append(_Piece(index, frame, align(face, SIDE, SIDE), self.windows))

    def lose(self, position: int) -> None:
        """A frame that cannot be decoded, among others that can."""
        self.places.append(position)
        self._jump(len(self.places) - 1)

    def _jump(self, index: int) -> None:
        self.jumps.append(index)
        self._join(len(self.pieces))
        self.next_anchor = index + self.blind

    def _join(self, count: int) -> None:
        for piece in self.pieces[:count]:
            self.joined.add(piece)
        del self.pieces[:count]

    def _look(self, frame: np.ndarray, position: int) -> Face | None:
        near = self.faces[-1][1].box if self.faces else None
        twice = self.waiting == 0
        try:
            face = find_face(frame, self.detector, f"frame {position}", self.which, near, twice)
        except InputError as error:
            self.missing.append((position, str(error)))
            if isinstance(error, NoFaceError):
                self._rest(twice)
            return None
        self.waiting = self.wait = 0
        self.faces.append((position, face))
        return face

    def _rest(self, twice: bool) -> None:
        """Where nobody is, second looks are in vain: they are taken ever more seldom."""
        if twice:
            self.wait = min(2 * self.wait + 1, _RAREST)
            self.waiting = self.wait
        else:
            self.waiting -= 1

    def so_far(self, first: int = 0) -> Motion:
        """The movement that further frames change no more, from the frame looked at as number
        `first` on; ends half a second or less before the last frame, and is empty without a face.
        """
        known = self.pieces[0].start if self.pieces else len(self.places)
        moves = self.joined.of(len(self.places))[first:known].copy()
        for a, b in joined_places(self.jumps, 2 * self.blind):
            moves[max(0, a - self.blind - first) : max(0, b + self.blind - first)] = np.nan
        return Motion(np.array(self.places[first:known], int), self.fps, moves, self.faces)

    def end(self) -> None:
        """No more frames come: what was measured last is known too."""
        self._join(len(self.pieces))

    def motion(self) -> Motion:
        """What was measured; raises `InputError` if there was no face anywhere."""
        self.end()
        if not self.faces:
            raise InputError(self.missing[0][1])
        moves = self.joined.of(len(self.places))
        groups = joined_places(self.jumps, 2 * self.blind)
        for first, last in groups:
            moves[max(0, first - self.blind) : last + self.blind] = np.nan
        return Motion(
            np.array(self.places),
            self.fps,
            moves,
            self.faces,
            self.missing,
            [(self.places[first], self.places[last]) for first, last in groups],
            self.broken_off,
        )


class _Joined:
    """Pieces joined into one movement: where two overlap, one fades into the other."""

    def __init__(self, regions: int):
        self.moves = np.full((1024, regions, 2), np.nan, np.float32)

    def add(self, piece: _Piece) -> None:
        moves = np.array(piece.moves, np.float32)
        there = self.of(piece.start + len(moves))[piece.start :]
        shared = int(np.isfinite(there[:, 0, 0]).sum())  # pieces come in order: at the start
        if shared:
            moves = moves + (there[:shared] - moves[:shared]).mean(0)
            fade = ((np.arange(shared) + 0.5) / shared)[:, None, None]
            moves[:shared] = (1 - fade) * there[:shared] + fade * moves[:shared]
        there[:] = moves

    def of(self, length: int) -> np.ndarray:
        """The first so many frames; NaN where nothing was added. Room doubles as it is needed."""
        if length > len(self.moves):
            room = np.full((2 * length, *self.moves.shape[1:]), np.nan, np.float32)
            room[: len(self.moves)] = self.moves
            self.moves = room
        return self.moves[:length]

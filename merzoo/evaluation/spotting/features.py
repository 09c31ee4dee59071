"""What spotters see of a long video: its frames and the movement in them, and nothing of the truth.

Movement is measured once a video, before any fold, and depends on that video alone; the cache keeps
it. The windows of all videos lie in one file, so that memory does not grow with their number.
"""

import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from merzoo.data.long_videos import LongVideo
from merzoo.errors import InputError
from merzoo.evaluation.spotting.movement import movement
from merzoo.prediction.motion import SIDE, Motion
from merzoo.preprocessing.align import align
from merzoo.preprocessing.apex import without_head_motion
from merzoo.preprocessing.face import default_detector
from merzoo.preprocessing.flow import farneback_flow, flow_image, grey
from merzoo.processes import workers
from merzoo.progress import progress_bar

WINDOW_RATE = 30.0  # windows a second, at most: faster videos are thinned out


@dataclass(frozen=True)
class KeptWindows:
    """The windows of one video, in the file that holds those of all.

    Args:
        centres: (N,) positions of their middle frames.
        start: place of the first among those of all videos.
        shared: (M, ...) samples of all videos, a memory map.
    """

    centres: np.ndarray
    start: int
    shared: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        """(N,) places in `shared`."""
        return self.start + np.arange(len(self.centres))

    @property
    def samples(self) -> np.ndarray:
        """(N, ...), read from the file when they are used."""
        return self.shared[self.start : self.start + len(self.centres)]


@dataclass(frozen=True)
class Watched:
    """A long video as spotters see it.

    Args:
        video: without expressions and disturbances.
        motion: of its face, or `None` where the spotter does not need it.
        windows: by name.
    """

    video: LongVideo
    motion: Motion | None = None
    windows: dict[str, KeptWindows] | None = None

    @property
    def frames(self) -> int:
        return len(self.video.frames)

    @property
    def fps(self) -> float:
        if self.video.fps is None:
            raise InputError(f"{self.video.id}: its frames per second are unknown.")
        return self.video.fps


def without_truth(video: LongVideo) -> LongVideo:
    """The video without what is annotated in it."""
    return replace(video, expressions=(), disturbances=())


@dataclass(frozen=True)
class FlowWindows:
    """SOFTNet's windows: the flow from a frame to the one some time later, as a flow image.

    Args:
        seconds: from the first frame to the last.
        shape: (height, width, 3) of each `flow_image`.
    """

    seconds: float
    shape: tuple[int, int, int]

    def of(self, video: LongVideo, motion: Motion) -> tuple[np.ndarray, np.ndarray]:
        """Centres (N,) and samples (N, H, W, 3), 0..255; none where there was no face."""
        assert video.fps is not None
        length = max(1, round(self.seconds * video.fps))
        step = max(1, round(video.fps / WINDOW_RATE))
        centres, samples = [], []
        for first, flow in _flows(video, motion, length, step):
            centres.append(first + length // 2)
            samples.append(flow_image(flow, self.shape[:2]))
        if not samples:
            return np.zeros(0, np.int64), np.zeros((0, *self.shape), np.float32)
        return np.array(centres), np.stack(samples).astype(np.float32)


def _flows(video, motion: Motion, length: int, step: int) -> Iterator[tuple[int, np.ndarray]]:
    """Position of the first frame, and the flow (SIDE, SIDE, 2) of each window of so many frames,
    less the motion of the head; both frames are aligned on the face found last before."""
    places = [position for position, _ in motion.faces]
    breaks = motion.breaks
    kept: deque = deque(maxlen=length + 1)
    number, alignment = -1, None
    for position in range(len(video.frames)):
        kept.append(video.frames[position])
        first = position - length
        if first < 0 or first % step:
            continue
        while number + 1 < len(places) and places[number + 1] <= first:
            number += 1
            alignment = align(motion.faces[number][1], SIDE, SIDE)
        if alignment is None or any(a <= position and first <= b for a, b in breaks):
            continue
        one, other = (grey(alignment.apply(frame)) for frame in (kept[0], kept[-1]))
        yield first, without_head_motion(farneback_flow(one, other))


@dataclass(frozen=True)
class MotionWindows:
    """Windows of the movement of the face's regions, about each frame.

    Args:
        shape: (frames, regions, 2) of each `region_motion`.
        rate: frames a second at which the movement is sampled.
    """

    shape: tuple[int, int, int]
    rate: float = WINDOW_RATE

    def of(self, video: LongVideo, motion: Motion) -> tuple[np.ndarray, np.ndarray]:
        """Centres (N,) and samples (N, T, R, 2), pixels of the 128-pixel crop, each region less its
        median over the window; none where there was no face."""
        count, regions = self.shape[0], self.shape[1]
        moves = motion.moves.astype(np.float32)
        if moves.shape[1] != regions:
            raise InputError(
                f"the movement is of {moves.shape[1]} regions, the network takes {regions}."
            )
        step = motion.fps / self.rate  # looked-at frames from one sample of a window to the next
        every = max(1, round(step))
        seen = np.flatnonzero(np.isfinite(moves[:, 0, 0]))
        if not len(seen):
            return np.zeros(0, np.int64), np.zeros((0, *self.shape), np.float32)
        filled = np.stack(
            [
                np.interp(np.arange(len(moves)), seen, moves[seen, r, c])
                for r in range(regions)
                for c in range(2)
            ],
            -1,
        ).reshape(moves.shape)
        centres = seen[seen % every == 0]
        reach = (np.arange(count) - count // 2) * step
        places = np.clip(np.rint(centres[:, None] + reach), 0, len(moves) - 1).astype(int)
        windows = filled[places]  # (N, T, R, 2)
        windows -= np.median(windows, axis=1, keepdims=True)
        return motion.positions[centres], windows.astype(np.float32)


Windows = FlowWindows | MotionWindows


def watch(
    videos: Sequence[LongVideo],
    *,
    motion: bool = True,
    windows: dict[str, Windows] | None = None,
    detector: str | None = None,
    face: str = "only",
    jobs: int = 1,
) -> list[Watched]:
    """Measures what a spotter needs of each video.

    Args:
        videos: of the data set; their truth is left out.
        motion: whether movement is needed.
        windows: name -> windows to be worked out.
        detector: of faces; `None` for the usual one.
        face: which of several, as in `find_face`.
        jobs: worker processes.

    Raises:
        InputError: naming the video, where no face is found or it cannot be read.
    """
    from joblib import Parallel, delayed

    plain = [without_truth(video) for video in videos]
    if not motion:
        return [Watched(video) for video in plain]
    windows = windows or {}
    how = (windows, detector or default_detector(), face)
    looking = (delayed(_seen)(video, *how) for video in plain)
    shelf = _Shelf(windows)
    with progress_bar() as bar, workers(min(jobs, len(plain))):
        seen = Parallel(return_as="generator")(looking)  # of one job: in this process
        motions = [
            shelf.put(*one)
            for one in bar.track(seen, total=len(plain), description="looking for movement")
        ]
    kept = shelf.kept()
    return [Watched(*one) for one in zip(plain, motions, kept, strict=True)]


def _seen(video: LongVideo, windows: dict[str, Windows], detector: str, face: str) -> tuple:
    try:
        motion = movement(video, detector, face)
        return motion, {name: one.of(video, motion) for name, one in windows.items()}
    except InputError as error:
        raise InputError(f"{video.dataset} {video.id}: {error}") from None


class _Shelf:
    """The windows of one video after the other, in one file for each name."""

    def __init__(self, windows: dict[str, Windows]):
        self.shapes = {name: one.shape for name, one in windows.items()}
        self.files = {name: tempfile.TemporaryFile() for name in windows}  # noqa: SIM115
        self.centres: list[dict[str, np.ndarray]] = []

    def put(self, motion: Motion, found: dict[str, tuple[np.ndarray, np.ndarray]]) -> Motion:
        """Keeps the windows of a video, and gives its motion back."""
        for name, (_, samples) in found.items():
            self.files[name].write(np.ascontiguousarray(samples, np.float32).data)
        self.centres.append({name: centres for name, (centres, _) in found.items()})
        return motion

    def kept(self) -> list[dict[str, KeptWindows]]:
        """What was kept, of each video."""
        shared = {name: self._map(name) for name in self.files}
        starts, found = dict.fromkeys(self.files, 0), []
        for of_video in self.centres:
            found.append({n: KeptWindows(c, starts[n], shared[n]) for n, c in of_video.items()})
            starts = {name: starts[name] + len(of_video[name]) for name in starts}
        return found

    def _map(self, name: str) -> np.ndarray:
        count = sum(len(of_video[name]) for of_video in self.centres)
        shape = (count, *self.shapes[name])
        if not count:  # an empty file cannot be mapped
            return np.zeros(shape, np.float32)
        self.files[name].flush()
        return np.memmap(self.files[name], np.float32, "r", shape=shape)

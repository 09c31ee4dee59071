"""What spotters see of a long video: its frames and the movement in them, and nothing of the truth.

Movement is measured once a video, before any fold, and depends on that video alone; the cache keeps
it.
"""

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
class Watched:
    """A long video as spotters see it.

    Args:
        video: without expressions and disturbances.
        motion: of its face, or `None` where the spotter does not need it.
        windows: name -> (positions of the windows' centres (N,), samples (N, ...)).
    """

    video: LongVideo
    motion: Motion | None = None
    windows: dict[str, tuple[np.ndarray, np.ndarray]] | None = None

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
    how = (windows or {}, detector or default_detector(), face)
    with progress_bar() as bar:
        task = bar.add_task("looking for movement", total=len(plain))
        found: list[Watched] = []
        if jobs == 1:
            for video in plain:
                found.append(_watched(video, *how))
                bar.advance(task)
            return found
        with workers(min(jobs, len(plain))):
            looking = (delayed(_watched)(video, *how) for video in plain)
            for one in Parallel(return_as="generator")(looking):
                found.append(one)
                bar.advance(task)
    return found


def _watched(video: LongVideo, windows: dict[str, Windows], detector: str, face: str) -> Watched:
    try:
        motion = movement(video, detector, face)
        found = {name: one.of(video, motion) for name, one in windows.items()}
    except InputError as error:
        raise InputError(f"{video.dataset} {video.id}: {error}") from None
    return Watched(video, motion, found)

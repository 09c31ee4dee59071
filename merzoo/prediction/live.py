"""Watching live: a camera, or a film played in real time, answered while it goes on.

One thread takes frames as they come; another measures the movement, spots and classifies. A frame
that comes while `WAITING` others wait is dropped and counted. What is found are expressions that
are over, so an answer comes at the earliest when the movement has come to rest; how long after its
apex is measured for each one.
"""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

import numpy as np

from merzoo.errors import InputError
from merzoo.prediction.classify import Classifier
from merzoo.prediction.motion import (
    Measured,
    Motion,
    at_even_times,
    early_rate,
    region_windows,
    thinning,
)
from merzoo.prediction.results import Prediction, Segment
from merzoo.prediction.segments import classify_spots
from merzoo.prediction.sources import Source, camera_of, measured_rate, open_camera, open_source
from merzoo.prediction.spotting import LOWEST_RATE, Settings, spot

WAITING = 16  # frames that may wait
_LOOK = 0.15  # seconds from one look for expressions to the next
_WINDOW = 8.0  # seconds of movement that a look sees
_REST = 0.08  # seconds of movement that must be known after an offset
_HELD = 3.0  # seconds of frames that are kept to classify
_MOST = 256 << 20  # bytes of these


def watch(
    source,
    model: Classifier,
    *,
    seconds: float | None = None,
    settings: Settings | None = None,
    answer: Callable[[Segment, float], None] = lambda segment, latency: None,
) -> Prediction:
    """Watches until the film ends, the seconds are over or Ctrl-C.

    Args:
        source: `"webcam:0"`, a video file, or `"sample"`; a film is played at its own speed.
        model: loaded.
        seconds: how long, at most; `None` for the whole film, or until Ctrl-C.
        settings: of the spotter.
        answer: called with each segment and the seconds from its apex to this answer.

    Returns:
        A `Prediction` whose `live` says what was dropped, and each latency.

    Raises:
        InputError: for a source that cannot be watched, or in which there is no face.
    """
    name, rate, first, frames, close = _opened(source)
    step = thinning(rate)
    watcher = Watcher(model, rate / step, settings)
    warm_up(model, first)
    feed = Feed(frames, step, seconds)
    try:
        feed.start()
        while (one := feed.next()) is not None:
            for segment, latency in watcher.add(*one):
                answer(segment, latency)
    except KeyboardInterrupt:
        pass
    finally:
        feed.stop()
        close()
    if feed.error is not None:
        raise feed.error
    for segment, latency in watcher.finish():
        answer(segment, latency)
    return watcher.prediction(name, feed.came, feed.dropped)


def warm_up(model: Classifier, frame: np.ndarray) -> None:
    """Compiles and loads what the first frames and the first answer would wait for.

    Args:
        model: that will answer.
        frame: (H, W, C) uint8, such as will come.
    """
    trial = Measured(50.0, model.parameters["detector"], model.parameters["face"])
    for position in range(3):
        trial.add(position, frame)
    spot(Motion(np.arange(40), 50.0, np.zeros((40, len(region_windows()[1]), 2), np.float32)))
    for one in filter(None, (model, model.units)):
        one.probabilities([{n: np.zeros(s, np.float32) for n, s in one.shapes.items()}])


def check_live(sources: Sequence) -> None:
    """Raises `InputError` for what cannot be watched: anything but one camera or one video."""
    if len(sources) == 1:
        (one,) = sources
        if isinstance(one, Source) and one.kind == "video":
            return
        if isinstance(one, str) and camera_of(one) is not None:
            return
    name = f"{len(sources)} inputs"
    if len(sources) == 1:
        name = getattr(sources[0], "name", sources[0])
    raise InputError(f"{name}: live is for one webcam:0 or one video; leave --live out.")


class Feed(threading.Thread):
    """Takes frames as they come, for somebody who may be slower.

    Args:
        frames: iterator that waits for each.
        step: every how many one is taken.
        seconds: how long; `None` for all.
    """

    def __init__(self, frames: Iterator[np.ndarray], step: int = 1, seconds: float | None = None):
        super().__init__(daemon=True)
        self.frames, self.step, self.seconds = frames, step, seconds
        self.came = self.dropped = 0
        self.error: InputError | None = None
        self._waiting: queue.Queue = queue.Queue(WAITING)
        self._over = threading.Event()

    def run(self) -> None:
        """Until there are no more, or it is to stop."""
        start = time.monotonic()
        try:
            for number, frame in enumerate(self.frames):
                now = time.monotonic()
                late = self.seconds is not None and now - start > self.seconds
                if late or self._over.is_set():
                    break
                if number % self.step:
                    continue
                self.came += 1
                try:
                    self._waiting.put_nowait((frame, now))
                except queue.Full:
                    self.dropped += 1
        except InputError as error:
            self.error = error
        finally:
            self._over.set()

    def next(self) -> tuple[np.ndarray, float] | None:
        """The next frame and when it came (`time.monotonic`); `None` after the last."""
        while True:
            try:
                return self._waiting.get(timeout=0.05)
            except queue.Empty:
                if self._over.is_set() and self._waiting.empty():
                    return None

    def stop(self) -> None:
        """Takes no more."""
        self._over.set()
        self.join(timeout=5)


class Watcher:
    """Spots and classifies while frames come in.

    Args:
        model: that says the class.
        fps: frames per second that come, about.
        settings: of the spotter.
    """

    def __init__(self, model: Classifier, fps: float, settings: Settings | None = None):
        self.model, self.fps, self.settings = model, fps, settings or Settings()
        self.measured = Measured(fps, model.parameters["detector"], model.parameters["face"])
        self.came: list[float] = []  # when each frame came
        self.held: deque[np.ndarray] = deque()
        self.segments: list[Segment] = []
        self.latency: list[float] = []
        self.warnings: list[str] = []
        self.every = max(1, round(_LOOK * fps))

    def add(self, frame: np.ndarray, came: float) -> list[tuple[Segment, float]]:
        """One more frame; the segments that are found by now, with the seconds since their apex.

        Args:
            frame: (H, W, 3) RGB or (H, W, 1) grey uint8.
            came: when, as `time.monotonic` says it.
        """
        position = len(self.came)
        self.measured.add(position, frame)
        self.came.append(came)
        self.held.append(frame)
        room = max(2, min(round(_HELD * self.fps), _MOST // max(frame.nbytes, 1)))
        while len(self.held) > room:
            self.held.popleft()
        return self._look(_REST) if position % self.every == self.every - 1 else []

    def finish(self) -> list[tuple[Segment, float]]:
        """What is found in the last frames, when no more come."""
        self.measured.end()
        return self._look(0.0)

    @property
    def times(self) -> np.ndarray:
        """(T,) seconds at which each frame came, from the first."""
        return np.array(self.came) - (self.came[0] if self.came else 0.0)

    def prediction(self, name: str, came: int, dropped: int) -> Prediction:
        """Everything that was found.

        Args:
            name: of the source.
            came, dropped: frames.
        """
        motion, times = self.measured.motion(), self.times
        _, curve = spot(motion, self.settings)
        fps = (len(times) - 1) / times[-1] if len(times) > 1 and times[-1] > 0 else self.fps
        told = list(self.warnings)
        if dropped:
            told.append(
                f"{dropped} of {came} frames were dropped, {dropped / came:.1%}: this machine is "
                "too slow for so many; expressions may be missed."
            )
        if fps < LOWEST_RATE:
            told.append(
                f"{fps:.4g} frames per second: micro-expressions cannot be resolved reliably below "
                f"{LOWEST_RATE:g}."
            )
        facts = (len(times), float(fps), "live", self.model.facts(), tuple(told))
        live = {"came": came, "dropped": dropped, "latency": [round(s, 3) for s in self.latency]}
        segments, faces = tuple(self.segments), tuple(motion.faces)
        found = Prediction(name, "video", segments, *facts, motion.positions, curve, faces)
        return replace(found, times=times, live=live)

    def _look(self, rest: float) -> list[tuple[Segment, float]]:
        """Expressions that have come to rest since the last look."""
        first = max(0, len(self.came) - round(_WINDOW * self.fps))
        motion = self.measured.so_far(first)
        if len(motion.positions) < 4 or not motion.faces:
            return []
        times = self.times
        seen = times[motion.positions]
        fps = float((len(seen) - 1) / max(seen[-1] - seen[0], 1e-6))  # that are kept up with
        edge = int(motion.positions[-1]) - round(rest * fps)
        motion = at_even_times(motion, 1000 * seen, fps)
        spots, _ = spot(motion, self.settings)
        before = self.segments[-1].offset if self.segments else -1
        oldest = len(self.came) - len(self.held)
        spots = [s for s in spots if s.onset > max(before, oldest) and s.offset <= edge]
        frames, answers = _Held(self.held, oldest), []
        for segment in classify_spots(
            frames, fps, times, self.model, spots, motion.faces, self.warnings
        ):
            if segment is not None:
                latency = time.monotonic() - self.came[segment.apex]
                self.segments.append(segment)
                self.latency.append(latency)
                answers.append((segment, latency))
        return answers


class _Held:
    """The last frames, by their position among all."""

    def __init__(self, frames: deque, first: int):
        self.frames, self.first = frames, first

    def __getitem__(self, position: int) -> np.ndarray:
        return self.frames[position - self.first]


def _opened(source) -> tuple:
    """Name, frames per second, the first frame, an iterator of frames that waits for each, and what
    ends it."""
    camera = camera_of(source)
    if camera is not None:
        capture, frame = open_camera(camera)
        rate = measured_rate(capture)
        first = np.ascontiguousarray(frame[..., ::-1])
        place = urlsplit(camera).hostname if isinstance(camera, str) else camera  # no password
        return f"webcam:{place}", rate, first, _of_camera(capture), capture.release
    opened = open_source(source)
    check_live([opened])
    rate = early_rate(opened.frames)
    return opened.name, rate, opened.frames[0], _played(opened.frames, rate), lambda: None


def _of_camera(capture) -> Iterator[np.ndarray]:
    while True:
        ok, frame = capture.read()
        if not ok:
            return
        yield np.ascontiguousarray(frame[..., ::-1])


def _played(frames, rate: float) -> Iterator[np.ndarray]:
    """The frames of a film, each when it is due."""
    start, position = time.monotonic(), 0
    while True:
        try:
            frame = frames[position]
        except IndexError:
            return
        time.sleep(max(0.0, start + position / rate - time.monotonic()))
        yield frame
        position += 1

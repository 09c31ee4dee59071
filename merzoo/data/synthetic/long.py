"""Long synthetic videos: several expressions of one person, with everything that disturbs spotting.

Between the micro-expressions the face is neutral, the head sways and nods, the eyes blink, and now
and then comes an expression that is too long to be a micro-expression. Where it is asked for, the
mouth also moves as in speech and the head turns aside. All of it is one continuous movement of one
still picture, so there are no cuts, and the truth is known to the frame.
"""

import functools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from merzoo.data.synthetic.action_units import ActionUnit, displacement, displacement_field
from merzoo.data.synthetic.canvas import Canvas, curve
from merzoo.data.synthetic.film import filmed_frames, person_of, still_of
from merzoo.data.synthetic.identity import Identity
from merzoo.data.synthetic.motion import Motion, profile, rounded
from merzoo.data.synthetic.plan import CAP, Setting, generator, plan_clips_of
from merzoo.data.videos import place_video
from merzoo.errors import InputError, unknown
from merzoo.whole import temporary_beside

LONGEST_MICRO = 0.5  # seconds
_LONG = (0.9, 2.0)  # seconds of an expression that is no micro-expression
_GAP = (0.7, 2.0)  # seconds between two expressions
_BLINK_EVERY = (1.5, 4.5)  # seconds
_BLINK_LASTS = (0.16, 0.34)
_NOD_LASTS = (0.6, 1.4)
_SPEECH_EVERY, _SPEECH_LASTS = (2.0, 6.0), (0.6, 1.6)
_SYLLABLES = (3.5, 5.5)  # a second
_TURN_EVERY, _TURN_LASTS = (4.0, 9.0), (0.9, 1.8)
_TURN_SIGMA = 75.0  # of the bump that a turning head's middle moves as, pixels of 280x340
NUISANCES = ("long", "blink", "nod", "speech", "turn")  # what disturbs spotting
USUAL = ("long", "blink", "nod")


@dataclass(frozen=True)
class Event:
    """Something that happens in a long video, with 0-based frame positions.

    Args:
        kind: `"micro"`, or one of `NUISANCES`: `"long"` (an expression over half a second),
            `"blink"`, `"nod"`, `"speech"` (of the mouth) or `"turn"` (of the head, aside).
        onset, apex, offset: first, strongest and last frame.
        emotion: of an expression, else empty.
        units: its action units.
        move: of a nod or turn: x, y in pixels of the 280x340 frame, degrees and per cent at its
            apex.
        syllables: of speech.
    """

    kind: str
    onset: int
    apex: int
    offset: int
    emotion: str = ""
    units: tuple[ActionUnit, ...] = ()
    move: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    syllables: float = 0.0


@dataclass(frozen=True)
class LongPlan:
    """A long video before it is rendered.

    `sway` is the deviation of the slow movement of the head, in pixels of the 280x340 frame;
    `light` the gain of the image; `noise` the sensor's deviation in grey levels.
    """

    length: int
    fps: float
    events: tuple[Event, ...]
    sway: float
    light: float
    noise: float
    seed: tuple[int, ...]

    def of_kind(self, kind: str) -> list[Event]:
        """The events of one kind, in order."""
        return [event for event in self.events if event.kind == kind]


def plan_long(
    seed: int,
    seconds: float = 20.0,
    difficulty: str = "easy",
    fps: float = 100.0,
    *,
    subject: int = 0,
    video: int = 0,
    nuisances: Sequence[str] = USUAL,
    gap: tuple[float, float] = _GAP,
) -> LongPlan:
    """Draws what happens in a long video of one person.

    Args:
        seed: draws the person and everything else.
        seconds: length, from 2.
        difficulty: `"easy"`, `"medium"` or `"hard"`: amplitude of the expressions, noise, sway.
        fps: frames per second.
        subject, video: which person of the seed, and which video of that person.
        nuisances: which of `NUISANCES` come between the micro-expressions.
        gap: least and most seconds between two expressions.

    Returns:
        A `LongPlan`; its events of kind `"micro"` are what a spotter should find.

    Raises:
        InputError: for an unknown difficulty or nuisance, or a video too short.

    Example:

    >>> plan = plan_long(seed=1, seconds=6)
    >>> plan.length, all(e.offset - e.onset < 50 for e in plan.of_kind("micro"))
    (600, True)
    """
    if not seconds >= 2:
        raise InputError(f"a long video lasts 2 seconds or more, got {seconds}.")
    for name in nuisances:
        if name not in NUISANCES:
            raise unknown("nuisance", name, NUISANCES)
    path = (subject, 7, video) if video else (subject, 7)
    rng = generator(seed, *path)
    planned = plan_clips_of(Setting(subject + 1, 99, difficulty, seed, fps), subject)
    clips = iter(planned[(13 * video) % 99 :] + planned)
    first = next(clips)
    length = round(seconds * fps)
    expressions = _expressions(rng, clips, length, fps, "long" in nuisances, gap)
    events = list(expressions)
    makers = {"blink": _blinks, "nod": _nods, "speech": _speech, "turn": _turns}
    for name, make in makers.items():
        found = make(generator(seed, *path, 1) if name not in USUAL else rng, events, length, fps)
        events += found if name in nuisances else []
    events.sort(key=lambda event: event.onset)
    sway = 3.0 if difficulty == "hard" else 1.5
    seeds = (seed, subject, 8, video) if video else (seed, subject, 8)
    return LongPlan(length, fps, tuple(events), sway, first.light, first.noise, seeds)


def _expressions(
    rng, clips, length: int, fps: float, macro: bool, gap: tuple[float, float]
) -> list[Event]:
    events, start = [], round(fps * rng.uniform(0.5, 1.2))
    for clip in clips:
        kind = "long" if rng.random() < 0.2 and macro else "micro"
        whole = clip.offset - clip.onset
        share = (clip.apex - clip.onset) / whole
        units = clip.units
        if kind == "long":
            whole = round(fps * rng.uniform(*_LONG))
            units = tuple(replace(u, amplitude=min(CAP, 1.5 * u.amplitude)) for u in units)
        whole = min(whole, int(fps * LONGEST_MICRO) - 1) if kind == "micro" else whole
        apex = start + min(max(round(share * whole), 2), whole - 2)
        if start + whole + round(0.4 * fps) > length:
            break
        events.append(Event(kind, start, apex, start + whole, clip.emotion, units))
        start += whole + round(fps * rng.uniform(*gap))
    return events


def _blinks(rng, events, length: int, fps: float) -> list[Event]:
    """Blinks, kept a tenth of a second away from micro-expressions."""
    micro = [event for event in events if event.kind == "micro"]
    return [
        Event("blink", start, start + round(0.35 * whole), start + whole)
        for start, whole in _away_from(
            micro, rng, length, fps, (0.3, 2.0), _BLINK_EVERY, _BLINK_LASTS
        )
    ]


def _away_from(taken, rng, length: int, fps: float, first, every, lasts):
    """(start, frames) of things that happen now and then, a tenth of a second away from others."""
    start, away = round(fps * rng.uniform(*first)), round(0.1 * fps)
    while start < length - fps:
        whole = round(fps * rng.uniform(*lasts))
        if start + whole >= length:
            return
        if all(start + whole + away < e.onset or start > e.offset + away for e in taken):
            yield start, whole
            start += round(fps * rng.uniform(*every))
        else:
            start += away


def _nods(rng, events, length: int, fps: float) -> list[Event]:
    events, start = [], round(fps * rng.uniform(1.0, 5.0))
    while start < length - 2 * fps:
        whole = round(fps * rng.uniform(*_NOD_LASTS))
        move = rng.normal(0, (3.0, 4.0, 1.5, 0.8))
        apex = start + round(whole * rng.uniform(0.35, 0.65))
        events.append(Event("nod", start, apex, start + whole, move=tuple(move.tolist())))
        start += whole + round(fps * rng.uniform(3.0, 8.0))
    return events


def _speech(rng, events, length: int, fps: float) -> list[Event]:
    """Speech: the chin and the mouth's corners go to and fro with every syllable."""
    taken = [event for event in events if event.units]
    found = []
    for start, whole in _away_from(
        taken, rng, length, fps, (0.5, 3.0), _SPEECH_EVERY, _SPEECH_LASTS
    ):
        chin, corners = rng.uniform(1.0, 3.0), rng.uniform(0.2, 1.0)
        units = (ActionUnit(17, "B", -float(chin)), ActionUnit(20, "B", -float(corners)))
        syllables = max(1.0, round(rng.uniform(*_SYLLABLES) * whole / fps))
        event = Event("speech", start, start + whole // 2, start + whole, "", units)
        found.append(replace(event, syllables=float(syllables)))
    return found


def _turns(rng, events, length: int, fps: float) -> list[Event]:
    """Turns of the head aside and back: its middle moves farther than its edge."""
    taken = [event for event in events if event.kind == "micro"]
    found = []
    for start, whole in _away_from(taken, rng, length, fps, (1.0, 5.0), _TURN_EVERY, _TURN_LASTS):
        aside = float(rng.uniform(3.0, 7.0) * rng.choice((-1, 1)))
        move = (aside, float(rng.normal(0, 0.5)), float(rng.normal(0, 0.5)), 0.0)
        apex = start + round(whole * rng.uniform(0.35, 0.65))
        found.append(Event("turn", start, apex, start + whole, move=move))
    return found


class LongMotion(Motion):
    """The movement of a long video: as `Motion`, with any number of events, and blinks."""

    plan: LongPlan  # type: ignore[assignment]

    def __init__(self, plan: LongPlan, person: Identity, canvas: Canvas):
        self.plan, self.person, self.canvas = plan, person, canvas
        times = np.arange(plan.length)
        self.head = self._sway(times)
        for event in plan.of_kind("nod"):
            self.head += _profile(event, times)[:, None] * event.move
        self.closing = np.zeros(plan.length)
        for event in plan.of_kind("blink"):
            self.closing = np.maximum(self.closing, _profile(event, times))
        self.turning = np.zeros(plan.length)  # pixels of the 280x340 frame, of the head's middle
        for event in plan.of_kind("turn"):
            self.turning += _profile(event, times) * event.move[0]
            self.head += 0.5 * _profile(event, times)[:, None] * event.move
        self.expressions = [e for e in plan.events if e.units]
        # Expressions follow one another: one field at a time.
        self._field: tuple[Event | None, np.ndarray] = (None, np.zeros(0))
        self._eyes = [_lids(canvas.to_frame(person.landmarks), left) for left in (True, False)]

    def _sway(self, times) -> np.ndarray:
        plan, rng = self.plan, generator(*self.plan.seed)
        path = np.zeros((len(times), 4))
        for column, unit in enumerate((1.0, 1.0, 0.35, 0.25)):
            for _ in range(3):
                period = plan.fps * rng.uniform(2.5, 9.0)
                wave = np.sin(2 * np.pi * (times / period + rng.random()))
                path[:, column] += 0.6 * unit * rng.normal() * wave
        return path * plan.sway

    def _active(self, time: int) -> tuple[Event | None, float]:
        for event in self.expressions:
            if event.onset < time < event.offset:
                return event, float(_level(event, time))
        return None, 0.0

    def source(self, time: int) -> np.ndarray:
        """(H, W, 2) float64: where in the still picture (x, y) each pixel of frame `time` lies."""
        place = self.unmoved(time)
        event, level = self._active(time)
        if event is not None:
            if self._field[0] is not event:
                field = displacement_field(event.units, self.person.landmarks, self.canvas)
                self._field = (event, field)
            place -= level * self._field[1]
        if self.turning[time] != 0:
            place[..., 0] -= self.turning[time] * self.canvas.scale * self._turned
        if self.closing[time] > 0:
            for eye in self._eyes:
                _close(place, eye, self.closing[time])
        return rounded(place)

    @functools.cached_property
    def _turned(self) -> np.ndarray:
        """(H, W): how far each pixel moves of what the middle of a turning head does."""
        width, height = self.canvas.size
        grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).reshape(-1, 2)
        return self._turn_at(grid).reshape(height, width)

    def _turn_at(self, points: np.ndarray) -> np.ndarray:
        face = (points - self.canvas.offset) / self.canvas.scale
        away = ((face - self.person.landmarks[30]) ** 2).sum(-1)  # from the tip of the nose
        return np.exp(-away / (2 * _TURN_SIGMA**2))

    def _movement_at(self, points: np.ndarray, time: int) -> np.ndarray:
        event, level = self._active(time)
        moved = np.zeros_like(points)
        if self.turning[time] != 0:
            moved[:, 0] += self.turning[time] * self.canvas.scale * self._turn_at(points)
        if event is None:
            return moved
        face = (points - self.canvas.offset) / self.canvas.scale
        units = displacement(event.units, self.person.landmarks, face)
        return moved + level * units * self.canvas.scale


def _profile(event: Event, times):
    return profile(times, event.onset, event.apex, event.offset)


def _level(event: Event, time: int) -> float:
    """How far an event is at a frame, 0..1; speech opens the mouth once a syllable."""
    if not event.syllables:
        return _profile(event, time)
    share = (time - event.onset) / (event.offset - event.onset)
    return float(np.sin(np.pi * share) ** 0.5 * np.sin(np.pi * event.syllables * share) ** 2)


def _lids(points: np.ndarray, left: bool):
    """x, and the height of lid crease, upper and lower lid over it, of one eye, in pixels."""
    first, brow = (36, range(17, 22)) if left else (42, range(22, 27))
    upper = curve(points[first : first + 4])
    lower = curve(points[[first, first + 5, first + 4, first + 3]])
    x = np.linspace(points[first, 0], points[first + 3, 0], 40)
    top, bottom = (np.interp(x, line[:, 0], line[:, 1]) for line in (upper, lower))
    room = top.min() - points[list(brow), 1].mean()
    return x, top - 0.75 * room, top, bottom


def _close(place: np.ndarray, eye, share: float) -> None:
    """Stretches the skin above an eye down over it, in place; `share` 1 is shut."""
    x, crease, top, bottom = eye
    inside = (place[..., 0] > x[0]) & (place[..., 0] < x[-1])
    inside &= (place[..., 1] > crease.min()) & (place[..., 1] < bottom.max())
    at = place[inside]
    crease, top, bottom = (np.interp(at[:, 0], x, line) for line in (crease, top, bottom))
    lid = top + share * (bottom - top)
    moved = crease + (at[:, 1] - crease) * (top - crease) / np.maximum(lid - crease, 1e-9)
    covered = (at[:, 1] > crease) & (at[:, 1] < lid)
    at[covered, 1] = moved[covered]
    place[inside] = at


def film_long(
    plan: LongPlan, size: tuple[int, int] = (280, 340)
) -> tuple[LongMotion, Iterator[np.ndarray]]:
    """Films a long video: the movement, and the frames (H, W, 3) uint8 RGB, one at a time."""
    seed, subject = plan.seed[:2]
    motion = LongMotion(plan, person_of(seed, subject), Canvas(size))
    return motion, filmed_frames(motion, still_of(seed, subject, size))


def write_long(path: str | os.PathLike, plan: LongPlan, size: tuple[int, int] = (280, 340)) -> Path:
    """Writes a long video as Motion JPEG of high quality, whole or not at all.

    Raises:
        InputError: where OpenCV cannot write it.
    """
    import cv2

    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_beside(path, path.suffix)
    try:
        code = cv2.VideoWriter_fourcc(*"MJPG")
        # OpenCV's own writer, whose quality can be chosen: FFmpeg's would smooth small movements.
        writer = cv2.VideoWriter(str(temporary), cv2.CAP_OPENCV_MJPEG, code, plan.fps, size)
        if not writer.isOpened():
            raise InputError(f"{path}: this build of OpenCV cannot write Motion JPEG there.")
        writer.set(cv2.VIDEOWRITER_PROP_QUALITY, 95)
        written = 0
        for frame in film_long(plan, size)[1]:
            writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
            written += 1
        writer.release()
        place_video(temporary, path, written)
    finally:
        temporary.unlink(missing_ok=True)
    return path

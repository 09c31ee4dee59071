"""What happens in each clip, drawn before anything is rendered: labels, units, timing, nuisances.

Emotions are combinations of action units, with the variants that coders of CASME II and SAMM
annotate. Timing follows those sets' percentiles. The label is the emotion; amplitude, side, length,
lighting and pose tell nothing about it, but who is filmed does a little: each person has likely and
unlikely emotions, as in the real sets.
"""

from dataclasses import dataclass

import numpy as np

from merzoo.data.synthetic.action_units import FIELDS, ActionUnit, as_text
from merzoo.errors import unknown

# emotion -> action units and how often.
EMOTIONS: dict[str, list[tuple[tuple[int, ...], float]]] = {
    "happiness": [((6, 12), 0.65), ((12,), 0.25), ((6, 7, 12), 0.10)],
    "surprise": [((1, 2), 0.65), ((1, 2, 5), 0.35)],
    "disgust": [((4, 7), 0.25), ((4, 9), 0.20), ((9, 10), 0.20), ((4, 7, 9), 0.20), ((10,), 0.15)],
    "repression": [((17,), 0.3), ((15, 17), 0.3), ((15,), 0.2), ((14, 17), 0.2)],
    "sadness": [((4, 15), 0.4), ((15, 17), 0.3), ((1, 4), 0.3)],
    "anger": [((4, 7), 0.4), ((4,), 0.3), ((4, 5, 7), 0.15), ((7, 24), 0.15)],
    "contempt": [((14,), 0.8), ((14, 24), 0.2)],
    "fear": [((4, 20), 0.4), ((4, 5, 20), 0.3), ((1, 4, 20), 0.3)],
    "others": [((4,), 0.3), ((7,), 0.2), ((14,), 0.2), ((4, 14), 0.15), ((12, 15), 0.15)],
}
# How often the classes of MEGC occur; the negatives share theirs.
NEGATIVE = ("disgust", "repression", "sadness", "anger", "contempt", "fear")
NATIVE_EMOTIONS = {"happiness": 0.28, "surprise": 0.24} | {name: 0.08 for name in NEGATIVE}

# Quantiles of length and of onset to apex, in frames at 200 fps: 0, 10, 50, 90 and 100 %.
TIMING = {
    "casme2": ((25, 41, 63, 97, 115), (8, 18, 31, 53, 70)),
    "samm": ((30, 45, 78, 98, 105), (8, 18, 32, 51, 70)),
}
_QUANTILES = (0.0, 0.1, 0.5, 0.9, 1.0)
CAP = 4.0  # largest amplitude of a micro-expression


@dataclass(frozen=True)
class Difficulty:
    """How hard the clips are.

    Args:
        amplitude: median displacement, in pixels of the 280x340 frame.
        noise: deviation of the sensor noise, in grey levels.
        drift: deviation of the head's movement until the apex, in pixels.
        apex_jitter: deviation of the annotated apex, as a share of onset to apex.
        distractors: chance of an unrelated action unit.
    """

    amplitude: float
    noise: float
    drift: float
    apex_jitter: float
    distractors: float


DIFFICULTIES = {
    "easy": Difficulty(1.6, 2.0, 0.5, 0.0, 0.0),
    "medium": Difficulty(0.8, 6.0, 0.5, 0.3, 0.3),
    "hard": Difficulty(1.2, 6.0, 1.5, 0.5, 0.5),
}


@dataclass(frozen=True)
class Setting:
    """What a plan is drawn for: the numbers of subjects and clips, and how they are filmed.

    Args:
        subjects, clips: number of people, and of clips of each.
        difficulty: a key of `DIFFICULTIES`.
        seed: the same seed gives the same clips.
        fps: frames per second; timing scales with it; `None` for still images.
        emotions: emotion -> how often.
        timing: a key of `TIMING`.
        context: most frames before the onset and after the offset.
    """

    subjects: int
    clips: int
    difficulty: str = "medium"
    seed: int = 0
    fps: float | None = 200.0
    emotions: tuple = tuple(NATIVE_EMOTIONS.items())
    timing: str = "casme2"
    context: int = 8


@dataclass(frozen=True)
class ClipPlan:
    """One clip before it is rendered. Times are 0-based positions in its frames.

    `distractor` moves with a timing of its own, `distractor_times`. `light` and `pose` are those of
    the clip: gain of the image, and a similarity (x, y in pixels of the 280x340 frame, degrees,
    per cent) that holds from the first frame on.
    """

    subject: int
    index: int
    emotion: str
    units: tuple[ActionUnit, ...]
    length: int
    onset: int
    apex: int
    offset: int
    annotated_apex: int
    distractor: tuple[ActionUnit, ...]
    distractor_times: tuple[float, float, float]
    light: float
    pose: tuple[float, float, float, float]
    noise: float
    drift: float
    seed: tuple[int, ...]

    @property
    def action_units(self) -> str:
        return as_text(self.units)


def generator(seed: int, *path: int) -> np.random.Generator:
    """The random generator of one purpose; `path` keeps purposes apart, whatever their order."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=path))


def difficulty_named(name: str) -> Difficulty:
    """The difficulty of that name; raises `InputError` naming the nearest one."""
    if name not in DIFFICULTIES:
        raise unknown("difficulty", name, DIFFICULTIES)
    return DIFFICULTIES[name]


def plan_clips(setting: Setting) -> list[ClipPlan]:
    """All clips of a setting, subject by subject. A clip depends on its own numbers only, so more
    subjects or clips leave the first ones as they were.

    >>> first = plan_clips(Setting(subjects=1, clips=2))
    >>> plan_clips(Setting(subjects=3, clips=4))[:2] == first
    True
    """
    return [plan for subject in range(setting.subjects) for plan in plan_clips_of(setting, subject)]


def plan_clips_of(setting: Setting, subject: int) -> list[ClipPlan]:
    """The clips of one subject of a setting."""
    level = difficulty_named(setting.difficulty)
    return [_plan_clip(setting, level, subject, index) for index in range(setting.clips)]


def _subject_prior(setting: Setting, subject: int) -> tuple[list[str], np.ndarray]:
    """How likely each emotion is for one person: the overall chances, unevenly."""
    names = [name for name, _ in setting.emotions]
    overall = np.array([share for _, share in setting.emotions], float)
    overall = overall / overall.sum()
    chances = generator(setting.seed, subject, 0).dirichlet(5.0 * overall + 0.05)
    return names, chances / chances.sum()


def _plan_clip(setting: Setting, level: Difficulty, subject: int, index: int) -> ClipPlan:
    rng = generator(setting.seed, subject, 1, index)
    names, chances = _subject_prior(setting, subject)
    emotion = names[rng.choice(len(names), p=chances)]
    units = _draw_units(rng, emotion, level)
    before, after = rng.integers(0, setting.context + 1, 2) if setting.context else (0, 0)
    rise, whole = _draw_times(rng, setting)
    onset = int(before)
    apex, offset = onset + rise, onset + whole - 1
    jitter = round(rng.normal(0, 1) * level.apex_jitter * rise)
    annotated = int(np.clip(apex + jitter, onset + 1, offset - 1))
    distractor, times = _draw_distractor(rng, units, level, onset, offset)
    return ClipPlan(
        subject=subject,
        index=index,
        emotion=emotion,
        units=units,
        length=offset + 1 + int(after),
        onset=onset,
        apex=apex,
        offset=offset,
        annotated_apex=annotated,
        distractor=distractor,
        distractor_times=times,
        light=float(rng.normal(1, 0.03)),
        pose=tuple(rng.normal(0, (2.5, 2.5, 0.8, 0.8)).tolist()),
        noise=level.noise,
        drift=level.drift,
        seed=(setting.seed, subject, 2, index),
    )


def _draw_units(rng, emotion: str, level: Difficulty) -> tuple[ActionUnit, ...]:
    variants = EMOTIONS[emotion]
    shares = np.array([share for _, share in variants])
    numbers = variants[rng.choice(len(variants), p=shares / shares.sum())][0]
    base = level.amplitude * np.exp(rng.normal(0, 0.35))
    one_sided = rng.random() < (0.7 if emotion == "contempt" else 0.3)
    side = "LR"[rng.integers(2)] if one_sided else "B"
    units = []
    for number in numbers:
        amplitude = min(CAP, base * np.exp(rng.normal(0, 0.15)))
        units.append(ActionUnit(number, "B" if number in (17, 24) else side, float(amplitude)))
    return tuple(units)


def _draw_times(rng, setting: Setting) -> tuple[int, int]:
    """Frames from onset to apex, and of the whole, at the setting's frame rate."""
    lengths, rises = TIMING[setting.timing]
    u = rng.random()
    v = np.clip(u + rng.normal(0, 0.3), 0, 1)
    assert setting.fps is not None, "a still image has no times to draw"
    rate = setting.fps / 200
    whole = max(7, round(float(np.interp(u, _QUANTILES, lengths)) * rate))
    rise = round(float(np.interp(v, _QUANTILES, rises)) * rate)
    return int(np.clip(rise, 3, max(3, int(0.8 * (whole - 1))))), whole


def _draw_distractor(rng, units, level: Difficulty, onset: int, offset: int):
    """An unrelated unit, or none; the draws are made either way."""
    taken = {unit.number for unit in units}
    free = [number for number in FIELDS if number not in taken]
    number = free[rng.integers(len(free))]
    side = "LRB"[rng.integers(3)]
    size = level.amplitude * rng.uniform(0.5, 1.2)
    start, middle, end = np.sort(rng.uniform(onset, offset, 3))
    if rng.random() >= level.distractors:
        return (), (0.0, 0.0, 0.0)
    unit = ActionUnit(number, side, float(min(CAP, size)))
    return (unit,), (float(start), float(middle), float(end))

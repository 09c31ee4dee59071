"""Full expressions: sequences from neutral to the peak, and single pictures of the peak.

A full expression is painted, not warped: the landmarks are moved by the same action units at ten
times the amplitude, the lips part, and the contraction folds the skin. A sequence fades from the
warped neutral picture into the warped peak.
"""

import math
from collections.abc import Iterator

import numpy as np

from merzoo.data.synthetic.action_units import ActionUnit, displacement, displacement_field
from merzoo.data.synthetic.canvas import Canvas
from merzoo.data.synthetic.face import render_face
from merzoo.data.synthetic.film import gain_table, person_of, sensor_noise
from merzoo.data.synthetic.identity import Identity
from merzoo.data.synthetic.plan import ClipPlan, Difficulty, Setting, difficulty_named, generator
from merzoo.data.synthetic.skin import FOLDS

# emotion -> action units of the prototype, and how often (EMFACS; Ekman, Friesen, Hager 2002).
EXPRESSIONS: dict[str, list[tuple[tuple[int, ...], float]]] = {
    "neutral": [((), 1.0)],
    "anger": [((4, 5, 7, 24), 0.5), ((4, 7, 17, 24), 0.5)],
    "contempt": [((14,), 0.6), ((12, 14), 0.4)],
    "disgust": [((9, 10, 17), 0.4), ((4, 9, 10, 25), 0.3), ((7, 9, 17), 0.3)],
    "fear": [((1, 2, 4, 5, 20, 25), 0.6), ((1, 4, 5, 20, 26), 0.4)],
    "happiness": [((6, 12, 25), 0.6), ((6, 12), 0.25), ((12,), 0.15)],
    "sadness": [((1, 4, 15, 17), 0.6), ((4, 15, 17), 0.4)],
    "surprise": [((1, 2, 5, 25, 26), 0.7), ((1, 2, 25, 26), 0.3)],
}
# Displacement of a full contraction, in pixels of the 280x340 frame; others move by 9.
_FULL = {5: 5.0, 6: 6.0, 7: 5.0, 12: 13.0, 17: 7.0, 20: 11.0, 24: 4.0, 25: 7.0, 26: 18.0}
_LOWER_LIP, _INNER_LOWER = range(55, 60), range(65, 68)


def plan_macro(setting: Setting, content: str) -> list[ClipPlan]:
    """Plans of `"sequences"` or `"images"` for every subject of a setting."""
    level = difficulty_named(setting.difficulty)
    return [
        _plan(setting, level, subject, index, content)
        for subject in range(setting.subjects)
        for index in range(setting.clips)
    ]


def _plan(setting: Setting, level: Difficulty, subject: int, index: int, content) -> ClipPlan:
    rng = generator(setting.seed, subject, 1, index)
    names = [name for name, _ in setting.emotions]
    shares = np.array([share for _, share in setting.emotions], float)
    emotion = names[rng.choice(len(names), p=shares / shares.sum())]
    variants = EXPRESSIONS[emotion]
    chances = np.array([chance for _, chance in variants])
    numbers = variants[rng.choice(len(variants), p=chances / chances.sum())][0]
    strength = rng.uniform(0.6, 1.0)
    side = "LR"[rng.integers(2)] if emotion == "contempt" else "B"
    units = tuple(
        ActionUnit(n, side, float(strength * rng.uniform(0.8, 1.1) * _FULL.get(n, 9.0)))
        for n in numbers
    )
    length = int(rng.integers(7, 16)) if content == "sequences" else 1
    return ClipPlan(
        subject=subject,
        index=index,
        emotion=emotion,
        units=units,
        length=length,
        onset=0,
        apex=length - 1,
        offset=length - 1,
        annotated_apex=length - 1,
        distractor=(),
        distractor_times=(0.0, 0.0, 0.0),
        light=float(rng.normal(1, 0.08)),
        pose=tuple(rng.normal(0, (5, 5, 3, 3)).tolist()),
        noise=level.noise,
        drift=0.0,
        seed=(setting.seed, subject, 2, index),
    )


def peak_landmarks(person: Identity, units: tuple[ActionUnit, ...]) -> np.ndarray:
    """(68, 2) points of the full expression, in face coordinates."""
    skin = [unit for unit in units if unit.number < 25]
    points = person.landmarks + displacement(skin, person.landmarks, person.landmarks)
    for unit in units:
        if unit.number in (25, 26):
            points[list(_LOWER_LIP), 1] += 0.9 * unit.amplitude
            points[list(_INNER_LOWER), 1] += unit.amplitude
        if unit.number == 26:
            share = np.clip(1 - np.abs(np.arange(17) - 8) / 6, 0, 1)
            points[:17, 1] += share * 0.8 * unit.amplitude
    return points


def contracted(units: tuple[ActionUnit, ...]) -> dict:
    """How deep the units fold the skin: wrinkle -> 0..1."""
    folds: dict = {}
    for unit in units:
        share = min(1.0, unit.amplitude / _FULL.get(unit.number, 9.0))
        for name, depth in FOLDS.get(unit.number, {}).items():
            folds[name] = min(1.0, folds.get(name, 0) + share * depth)
    return folds


def film_expression(
    plan: ClipPlan, size: tuple[int, int], zoom: float
) -> tuple[dict, Iterator[np.ndarray]]:
    """The truth and the frames (H, W, 3) uint8 RGB of a sequence or of one picture."""
    scale = min(size[0] / 280, size[1] / 340) * zoom
    oversample = int(np.clip(math.ceil(1.4 / scale), 2, 8))
    canvas = Canvas(size, margin=max(2, round(12 * scale)), oversample=oversample, zoom=zoom)
    person = person_of(plan.seed[0], plan.subject)
    peak = peak_landmarks(person, plan.units)
    shares = np.linspace(0, 1, plan.length) if plan.length > 1 else np.ones(1)
    shares = 0.5 - 0.5 * np.cos(np.pi * shares)
    matrix = _pose(plan, canvas)
    neutral = person.landmarks
    points = [canvas.to_frame(neutral + s * (peak - neutral)) for s in shares]
    landmarks = np.stack([p @ matrix[:, :2].T + matrix[:, 2] for p in points])
    truth = {
        "landmarks": landmarks.astype(np.float32),
        "apex": plan.apex,
        "emotion": plan.emotion,
        "action_units": np.array([unit.number for unit in plan.units], int),
        "sides": np.array([unit.side for unit in plan.units], str),
        "amplitudes": np.array([unit.amplitude for unit in plan.units], float),
        "intensities": np.array([unit.intensity for unit in plan.units], str),
    }
    return truth, _frames(plan, canvas, person, peak, shares, matrix)


def _pose(plan: ClipPlan, canvas: Canvas) -> np.ndarray:
    """(2, 3) matrix from the still picture to the frame, in pixels."""
    import cv2

    x, y, degrees, percent = plan.pose
    middle = ((canvas.size[0] - 1) / 2, (canvas.size[1] - 1) / 2)
    matrix = cv2.getRotationMatrix2D(middle, -degrees, 1 + percent / 100)
    return matrix + np.array([[0, 0, x], [0, 0, y]]) * canvas.scale


def _frames(plan, canvas, person, peak, shares, matrix) -> Iterator[np.ndarray]:
    import cv2

    rng = generator(*plan.seed, 1)
    gain = gain_table(plan.light)
    full = cv2.LUT(render_face(person, canvas, peak, contracted(plan.units)), gain)
    neutral = cv2.LUT(render_face(person, canvas), gain) if len(shares) > 1 else full
    width, height = canvas.size
    skin = [unit for unit in plan.units if unit.number < 25]
    field = displacement_field(skin, person.landmarks, canvas)
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(float)
    back = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2]
    grid = grid @ back[:, :2].T + back[:, 2]
    for share in shares:
        places = (grid - share * field, grid + (1 - share) * field)
        before, after = (
            cv2.remap(
                image,
                (np.rint(place * 4096) / 4096 + canvas.margin).astype(np.float32),
                None,
                cv2.INTER_CUBIC,
                borderMode=cv2.BORDER_REFLECT_101,
            ).astype(np.int32)
            for image, place in zip((neutral, full), places, strict=True)
        )
        weight = round(256 * float(share))
        frame = (before * (256 - weight) + after * weight + 128) >> 8
        noise = sensor_noise(rng, (height, width), plan.noise)
        yield np.clip(frame + noise[..., None], 0, 255).astype(np.uint8)

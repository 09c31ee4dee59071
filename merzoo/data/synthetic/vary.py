"""What of a pair of frames may vary beyond its difficulty: the factors of domain randomisation.

Each factor has a random generator of its own for every clip, so that the others stay as they are
where one is switched off: what it is worth can be measured by leaving it out. After Tobin et al.,
"Domain Randomization for Transferring Deep Neural Networks from Simulation to the Real World", IROS
2017. Combinations of action units follow the prototypes and major variants of the FACS
Investigator's Guide (Ekman, Friesen, Hager 2002), without the units that `FIELDS` lacks, and parts
of them, as micro-expressions show them; how often each occurs, and one-sidedness but for contempt,
which is one-sided there, are choices.
"""

from dataclasses import dataclass, replace

import numpy as np

from merzoo.data.synthetic.action_units import ActionUnit
from merzoo.data.synthetic.plan import CAP, ClipPlan, Setting, difficulty_named, generator
from merzoo.errors import InputError

# factor -> what it does. The order is that of the generators: new ones go to the end.
FACTORS: dict[str, str] = {
    "amplitude": "median displacement 0.4 to 2.5 px of a 280x340 frame, instead of the level's",
    "noise": "sensor noise of 0.5 to 8 grey levels",
    "blur": "out of focus by a Gaussian of 0 to 1.5 px",
    "motion": "drift of the head by 0 to 2 px (deviation) until the apex",
    "light": "gain of the clip by 12 % (deviation), and of the apex against the onset by 2 %",
    "compression": "JPEG of quality 40 to 95",
    "apex": "annotated apex off by 0 to 60 % (deviation) of the time from onset to apex",
    "resolution": "frames of 50 to 100 % of 280x340",
    "combinations": "further combinations of action units for each emotion",
    "sides": "how often one side acts alone, by emotion",
}

COMBINATIONS: dict[str, list[tuple[tuple[int, ...], float]]] = {
    "happiness": [((12,), 0.4), ((6, 12), 0.35), ((6, 7, 12), 0.1), ((6,), 0.1), ((7, 12), 0.05)],
    "surprise": [((1, 2), 0.45), ((1, 2, 5), 0.2), ((1,), 0.1), ((2,), 0.15), ((5,), 0.1)],
    "disgust": [
        *(((4, 7), 0.2), ((9,), 0.15), ((10,), 0.15), ((4, 9), 0.15), ((4, 7, 9), 0.1)),
        *(((9, 17), 0.1), ((10, 17), 0.1), ((7, 10), 0.05)),
    ],
    "repression": [
        *(((17,), 0.3), ((15,), 0.2), ((15, 17), 0.2), ((14, 17), 0.15), ((24,), 0.1)),
        ((17, 24), 0.05),
    ],
    "sadness": [
        *(((1, 4), 0.25), ((15,), 0.2), ((15, 17), 0.2), ((4, 15), 0.15), ((1, 4, 15), 0.1)),
        ((17,), 0.1),
    ],
    "anger": [
        *(((4,), 0.3), ((4, 7), 0.3), ((4, 5, 7), 0.1), ((7,), 0.1), ((24,), 0.1)),
        ((4, 7, 24), 0.1),
    ],
    "contempt": [((14,), 0.8), ((14, 24), 0.1), ((10,), 0.1)],
    "fear": [
        *(((4, 5), 0.2), ((20,), 0.2), ((4, 20), 0.2), ((1, 2, 4), 0.2), ((1, 2, 4, 5), 0.1)),
        ((5, 20), 0.1),
    ],
}
ONE_SIDED = {"contempt": 0.9, "happiness": 0.4, "repression": 0.3, "disgust": 0.3, "surprise": 0.2}
_OTHERWISE = 0.15
QUALITY = 95  # of the files of full clips
_MIDLINE = (17, 24)  # units that have no side
_FACTOR = 4  # the purpose, of `generator`
_EYES = 5


@dataclass(frozen=True)
class PairPlan:
    """Two frames before they are rendered.

    Args:
        clip: the clip that they are of.
        blur: Gaussian deviation in pixels of the 280x340 frame.
        flicker: gain of the apex over that of the onset.
        quality: of the JPEG that both have been.
        scale: size of the frames over 280x340.
        eyes: by how much the eyes are found beside where they are: x, y of the picture's left eye,
            x, y of the right one, as shares of the distance of the eyes.
    """

    clip: ClipPlan
    blur: float = 0.0
    flicker: float = 1.0
    quality: int = QUALITY
    scale: float = 1.0
    eyes: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)


# Mean and deviation of where dlib's landmarks put the middle of the eyes of a full clip, as a share
# of their distance: measured on 42 onset frames of `synthetic:medium`.
_EYE_ERROR = (0.0226, -0.0076, -0.0258, -0.0087), (0.0103, 0.0082, 0.0140, 0.0092)


def factors_named(text: str) -> tuple[str, ...]:
    """The factors that a text names, in the table's order.

    >>> factors_named("noise,blur"), factors_named("none"), len(factors_named("all"))
    (('noise', 'blur'), (), 10)
    """
    if text in ("all", "none"):
        return tuple(FACTORS) if text == "all" else ()
    said = text.split(",")
    for name in said:
        if name not in FACTORS:
            raise InputError(
                f"vary of synthetic-pairs: {name!r} is none of all, none, {', '.join(FACTORS)}."
            )
    return tuple(name for name in FACTORS if name in said)


def varied(clip: ClipPlan, setting: Setting, factors: tuple[str, ...]) -> PairPlan:
    """The pair of a clip; with no factors it is as the clip's difficulty says.

    >>> from merzoo.data.synthetic.plan import plan_clips
    >>> setting = Setting(1, 1)
    >>> pair = varied(plan_clips(setting)[0], setting, ("blur",))
    >>> 0 < pair.blur < 1.5, pair.scale, pair.quality
    (True, 1.0, 95)
    """
    path = (clip.subject, _FACTOR, clip.index)
    draw = {
        name: generator(setting.seed, *path, place)
        for place, name in enumerate(FACTORS)
        if name in factors
    }
    level = difficulty_named(setting.difficulty)
    eyes = generator(setting.seed, clip.subject, _EYES, clip.index).normal(*_EYE_ERROR)
    changes: dict = {"units": _units(clip, draw, level.amplitude)}
    if "noise" in draw:
        changes["noise"] = float(draw["noise"].uniform(0.5, 8))
    if "motion" in draw:
        changes["drift"] = float(draw["motion"].uniform(0, 2))
    if "light" in draw:
        changes["light"] = float(np.clip(draw["light"].normal(1, 0.12), 0.6, 1.4))
    if "apex" in draw:
        changes["annotated_apex"] = _apex(clip, draw["apex"])
    return PairPlan(
        replace(clip, **changes),
        blur=float(draw["blur"].uniform(0, 1.5)) if "blur" in draw else 0.0,
        flicker=float(draw["light"].normal(1, 0.02)) if "light" in draw else 1.0,
        quality=int(draw["compression"].integers(40, 96)) if "compression" in draw else QUALITY,
        scale=float(draw["resolution"].uniform(0.5, 1)) if "resolution" in draw else 1.0,
        eyes=tuple(eyes.tolist()),
    )


def _apex(clip: ClipPlan, rng: np.random.Generator) -> int:
    off = round(rng.normal(0, 1) * rng.uniform(0, 0.6) * (clip.apex - clip.onset))
    return int(np.clip(clip.apex + off, clip.onset + 1, clip.offset - 1))


def _units(clip: ClipPlan, draw: dict, median: float) -> tuple[ActionUnit, ...]:
    """The clip's action units with other numbers, sides and amplitudes, as far as these vary."""
    units = clip.units
    sides = [unit.side for unit in units if unit.number not in _MIDLINE]
    side = sides[0] if sides else "B"
    if "combinations" in draw and clip.emotion in COMBINATIONS:
        rng, known = draw["combinations"], COMBINATIONS[clip.emotion]
        shares = np.array([share for _, share in known])
        numbers = known[rng.choice(len(known), p=shares / shares.sum())][0]
        base = float(np.mean([unit.amplitude for unit in units]))
        sizes = np.minimum(CAP, base * np.exp(rng.normal(0, 0.15, len(numbers)))).tolist()
        units = tuple(ActionUnit(n, side, a) for n, a in zip(numbers, sizes, strict=True))
    if "sides" in draw:
        alone = draw["sides"].random() < ONE_SIDED.get(clip.emotion, _OTHERWISE)
        side = "LR"[draw["sides"].integers(2)] if alone else "B"
    factor = 1.0
    if "amplitude" in draw:
        low, high = np.log(0.4), np.log(2.5)
        factor = float(np.exp(draw["amplitude"].uniform(low, high))) / median
    return tuple(
        ActionUnit(u.number, "B" if u.number in _MIDLINE else side, min(CAP, factor * u.amplitude))
        for u in units
    )

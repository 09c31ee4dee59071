"""Who is filmed: the shape, skin, hair and lighting of one invented person, drawn from a seed.

The 68 points follow the scheme of Sagonas et al., "300 Faces in-the-Wild Challenge", ICCVW 2013
(0-based here). Left and right are the subject's own, as in FACS: the subject's right side is at
the left of the image.
"""

from dataclasses import dataclass, field

import numpy as np

# Half of a symmetric adult face: distance from the midline (towards the image's left) and height
# below the eyes, in pixels of the 280x340 frame. Points with x = 0 lie on the midline.
_JAW = [(96, -4), (95, 21), (92, 46), (86, 70), (75, 92), (60, 111), (42, 128), (22, 139), (0, 143)]
_BROW = [(80, -18), (67, -27), (50, -31), (34, -29), (18, -23)]
_BRIDGE = [(0, 1), (0, 18), (0, 34), (0, 50)]
_BASE = [(18, 61), (9, 65), (0, 67)]
_EYE = [(59, 1), (49, -5.5), (37, -5.5), (26, 2.5), (37, 5.5), (49, 5.5)]
_LIPS = [(35, 90), (23, 84.5), (10, 81), (0, 83), (0, 106.5), (10, 105), (23, 100)]
_INNER = [(31, 90), (10, 89.5), (0, 90), (0, 91), (10, 90.8)]

# 0-based numbers of the parts of the scheme.
JAW, BROWS, NOSE = range(0, 17), range(17, 27), range(27, 36)
RIGHT_BROW, LEFT_BROW = range(17, 22), range(22, 27)
RIGHT_EYE, LEFT_EYE = range(36, 42), range(42, 48)
MOUTH = range(48, 68)

# The point that mirrors each point.
MIRROR = [*range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, 35, 34, 33, 32, 31]
MIRROR += [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]
MIRROR += [54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65]

CENTRE = np.array([140.0, 150.0])

# Skin from very light to very dark, sRGB.
_SKIN = np.array(
    [
        (240, 208, 188),
        (229, 188, 160),
        (214, 167, 134),
        (186, 136, 102),
        (150, 103, 74),
        (114, 76, 54),
        (82, 54, 40),
    ],
    float,
)
_HAIR = {
    "black": (26, 23, 23),
    "dark brown": (52, 37, 29),
    "brown": (88, 60, 41),
    "auburn": (112, 62, 38),
    "blond": (186, 150, 100),
}
_IRIS = {
    "dark brown": (58, 36, 24),
    "brown": (92, 58, 34),
    "hazel": (116, 92, 52),
    "green": (92, 112, 82),
    "blue": (92, 124, 156),
    "grey": (120, 130, 136),
}
_BACKGROUND = [(178, 182, 186), (140, 150, 160), (206, 204, 198), (112, 122, 128), (160, 152, 140)]
_CLOTHES = [
    (40, 46, 60),
    (92, 34, 38),
    (64, 84, 70),
    (206, 206, 202),
    (58, 58, 60),
    (104, 116, 140),
]
STYLES = ("short", "cropped", "fringe", "long", "tied", "receding")


@dataclass(frozen=True)
class Identity:
    """One invented person. Colours are sRGB 0..255; amounts are 0..1 unless said otherwise."""

    landmarks: np.ndarray = field(repr=False)  # (68, 2), neutral, in the 280x340 frame
    skin: tuple
    darkness: float  # 0 very light skin .. 1 very dark
    age: float  # 0 smooth .. 1 deep lines
    hair: tuple
    style: str
    hairline: float  # pixels that the hair starts above (-) or below (+) its usual height
    brow: tuple
    brow_weight: float  # 1 usual
    iris: tuple
    lip_redness: float
    beard: float
    freckles: float
    eyelid_fold: float
    gloss: float
    light: tuple  # direction to the light: x right, y down, z to the camera
    ambient: float
    warmth: float  # -1 bluish .. 1 yellowish light
    exposure: float
    background: tuple
    clothes: tuple
    texture_seed: int


def neutral_landmarks() -> np.ndarray:
    """The average face: (68, 2) points in the 280x340 frame.

    >>> points = neutral_landmarks()
    >>> points.shape, points[8].tolist(), bool(np.allclose(points[39, 1], points[42, 1]))
    ((68, 2), [140.0, 293.0], True)
    """
    points = np.zeros((68, 2))

    def place(numbers, half):
        points[list(numbers)] = [(-x, y) for x, y in half]

    place(range(0, 9), _JAW)
    place(range(17, 22), _BROW)
    place(range(27, 31), _BRIDGE)
    place((31, 32, 33), _BASE)
    place(range(36, 42), _EYE)
    place((48, 49, 50, 51, 57, 58, 59), _LIPS)
    place((60, 61, 62, 66, 67), _INNER)
    for number, other in enumerate(MIRROR):
        if points[number].any() and not points[other].any():
            points[other] = points[number] * (-1, 1)
    return points + CENTRE


def draw_identity(rng: np.random.Generator) -> Identity:
    """Draws a person; every choice comes from `rng`."""
    darkness = float(rng.uniform(0, 1))
    fair = darkness < 0.45
    age = float(rng.beta(1.2, 1.6))
    place = darkness * (len(_SKIN) - 1)
    low = min(int(place), len(_SKIN) - 2)
    skin = _SKIN[low] + (place - low) * (_SKIN[low + 1] - _SKIN[low])
    skin = skin * rng.normal(1, 0.03) + rng.normal(0, 1.5, 3)
    hair_names = list(_HAIR) if fair else ["black", "black", "dark brown"]
    hair = np.array(_HAIR[hair_names[rng.integers(len(hair_names))]], float)
    iris_names = list(_IRIS) if fair else ["dark brown", "dark brown", "brown"]
    iris = _IRIS[iris_names[rng.integers(len(iris_names))]]
    brow = 0.75 * hair + 0.25 * np.array(_HAIR["dark brown"])
    if age > 0.72:  # greying
        hair = hair + (np.array((190, 188, 186)) - hair) * rng.uniform(0.3, 0.95)
    male = rng.random() < 0.5
    style = STYLES[rng.choice([0, 1, 5, 2] if male else [3, 3, 4, 2])]
    azimuth, elevation = np.deg2rad(rng.uniform(-48, 48)), np.deg2rad(rng.uniform(12, 42))
    light = (
        np.sin(azimuth) * np.cos(elevation),
        -np.sin(elevation),
        np.cos(azimuth) * np.cos(elevation),
    )
    return Identity(
        landmarks=_draw_shape(rng, male),
        skin=tuple(skin),
        darkness=darkness,
        age=age,
        hair=tuple(hair),
        style=style,
        hairline=float(rng.normal(0, 4)),
        brow=tuple(brow),
        brow_weight=float(rng.uniform(0.75, 1.3) * (1.15 if male else 0.9)),
        iris=iris,
        lip_redness=float(rng.uniform(0.1, 0.5) if male else rng.uniform(0.35, 1.0)),
        beard=float(rng.uniform(0.15, 1.0)) if male and rng.random() < 0.6 else 0.0,
        freckles=float(rng.uniform(0.3, 1)) if fair and rng.random() < 0.35 else 0.0,
        eyelid_fold=float(rng.uniform(0.1, 1)),
        gloss=float(rng.uniform(0.2, 1)),
        light=light,
        ambient=float(rng.uniform(0.46, 0.64)),
        warmth=float(rng.uniform(-0.7, 1)),
        exposure=float(rng.uniform(0.93, 1.1)),
        background=_BACKGROUND[rng.integers(len(_BACKGROUND))],
        clothes=_CLOTHES[rng.integers(len(_CLOTHES))],
        texture_seed=int(rng.integers(2**31)),
    )


def _draw_shape(rng: np.random.Generator, male: bool) -> np.ndarray:
    """Jitters the average face: overall size and proportions, then each feature, then asymmetry."""
    points = neutral_landmarks() - CENTRE
    points *= rng.normal(1, 0.022, 2)
    jaw = points[list(JAW)]
    below = np.clip(jaw[:, 1] / 143, 0, 1)
    jaw[:, 0] *= 1 + below * (rng.normal(0, 0.05) + (0.03 if male else -0.03))
    jaw[:, 1] += below**2 * rng.normal(0, 3.5)
    points[list(JAW)] = jaw

    _about(points, RIGHT_BROW, LEFT_BROW, move=rng.normal(0, (2.0, 2.5)), turn=rng.normal(0, 3.0))
    _about(
        points,
        RIGHT_EYE,
        LEFT_EYE,
        move=rng.normal(0, (2.0, 1.5)),
        turn=rng.normal(0, 2.5),
        stretch=np.clip(rng.normal(1, (0.05, 0.1)), 0.8, 1.25),
    )
    nose = list(NOSE)
    points[nose] *= (
        np.clip(rng.normal(1, 0.11), 0.8, 1.25),
        np.clip(rng.normal(1, 0.04), 0.9, 1.1),
    )
    mouth = list(MOUTH)
    middle = points[mouth].mean(0)
    stretch = np.clip(rng.normal(1, (0.06, 0.12)), 0.78, 1.25)
    points[mouth] = middle + (points[mouth] - middle) * stretch + (0, rng.normal(0, 2.5))
    return points + CENTRE + rng.normal(0, 0.5, (68, 2))


def _about(points, right, left, move, turn, stretch=(1.0, 1.0)) -> None:
    """Moves, turns (degrees) and stretches a feature about its centre, the same on both sides."""
    for part, side in ((list(right), 1), (list(left), -1)):
        centre = points[part].mean(0)
        angle = np.deg2rad(turn) * side
        spin = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        shape = (points[part] - centre) * stretch
        points[part] = centre + shape @ spin.T + np.array(move) * (side, 1)

"""What surrounds the face: background, shoulders, neck, ears, hair and beard."""

import numpy as np

from merzoo.data.synthetic.canvas import Canvas, curve
from merzoo.data.synthetic.features import blend, darken
from merzoo.data.synthetic.identity import Identity
from merzoo.data.synthetic.skin import face_outline, head_outline

# How far each style stands off the skull and how low it falls at the sides, in face units.
_SHAPES = {
    "short": (13, 4),
    "cropped": (5, -4),
    "fringe": (16, 24),
    "long": (19, 240),
    "tied": (8, 8),
    "receding": (4, 2),
}


def paint_background(canvas: Canvas, person: Identity) -> np.ndarray:
    """An even wall with a little unevenness, lit from the side of the lamp."""
    rng = np.random.default_rng([person.texture_seed, 7])
    image = np.empty((*canvas.shape, 3))
    image[:] = person.background
    x, y = canvas.axes()
    slope = 0.0011 * person.light[0] * (x - 140) - 0.0004 * (y - 170)
    return image * (1 + slope + 0.012 * canvas.noise(rng, 60, octaves=2))[..., None]


def paint_body(canvas: Canvas, image: np.ndarray, points: np.ndarray, person: Identity) -> None:
    """Shoulders and neck, in the shadow of the chin."""
    left, right, chin = points[4], points[12], points[8]
    x, _ = canvas.axes()
    middle = chin[0]
    shoulders = np.array(
        [
            (middle - 210, chin[1] + 90),
            (middle - 170, chin[1] + 46),
            (middle - 80, chin[1] + 22),
            (middle - 52, chin[1] + 6),
            (middle + 52, chin[1] + 6),
            (middle + 80, chin[1] + 22),
            (middle + 170, chin[1] + 46),
            (middle + 210, chin[1] + 90),
        ]
    )
    side = 1 + 0.0018 * person.light[0] * (x - 140)
    blend(
        image,
        np.array(person.clothes) * (0.85 * side)[..., None],
        canvas.polygon(curve(shoulders), 1),
    )
    neck = np.array(
        [
            (middle - 56, left[1]),
            (middle - 55, chin[1] - 10),
            (middle - 58, chin[1] + 8),
            (middle - 74, chin[1] + 22),
            (middle, chin[1] + 40),
            (middle + 74, chin[1] + 22),
            (middle + 58, chin[1] + 8),
            (middle + 55, chin[1] - 10),
            (middle + 56, right[1]),
        ]
    )
    round_off = 1 - 0.45 * np.clip(np.abs(x - middle) / 66, 0, 1) ** 2
    round_off = round_off * (1 + 0.004 * person.light[0] * (x - middle))
    colour = np.array(person.skin) * (0.66 * person.exposure * round_off)[..., None]
    blend(image, colour, canvas.polygon(curve(neck, closed=True), 1.0))
    shadow = canvas.polygon(head_outline(points) + (-6 * person.light[0], 9), blur=4)
    darken(image, shadow, (0.46, 0.52, 0.52))


def paint_ears(canvas: Canvas, image: np.ndarray, points: np.ndarray, person: Identity) -> None:
    if person.style == "long":
        return
    for top, low, out in ((points[0], points[2], -1), (points[16], points[14], 1)):
        centre = (top + low) / 2 + (3.5 * out, -9)
        angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
        rim = centre + np.stack([8.5 * np.cos(angle), 27 * np.sin(angle)], -1)
        rim[:, 0] += out * 3.0 * np.sin(angle) * -1
        lit = 0.80 + 0.22 * out * person.light[0]
        colour = np.array(person.skin) * lit * person.exposure + (4, -6, -5)
        blend(image, colour, canvas.polygon(curve(rim, closed=True), 0.7))
        shell = curve(centre + np.array([(-1 * out, -19), (4.5 * out, -10), (3 * out, 6), (0, 14)]))
        darken(image, canvas.strokes([shell], 2.4, blur=1.6), (0.30, 0.38, 0.38))


def hair_outline(points: np.ndarray, person: Identity) -> np.ndarray:
    """Closed outline of the hair's mass, over the skull and down the sides."""
    stand, fall = _SHAPES[person.style]
    left, right = points[0], points[16]
    middle, half = (left[0] + right[0]) / 2, (right[0] - left[0]) / 2 + 0.75 * stand
    level = (left[1] + right[1]) / 2
    angle = np.linspace(0, np.pi, 15)
    skull = np.stack(
        [
            middle + half * np.cos(angle),
            level - (124 + stand) * np.sin(angle) ** 0.8,
        ],
        -1,
    )
    rng = np.random.default_rng([person.texture_seed, 10])
    skull += rng.normal(0, (0.06 * stand, 0.15 * stand), skull.shape)
    taper = 0 if person.style == "long" else 26  # sideburns end in a point
    low_left = [(middle - half, level + fall - taper), (left[0] + 5, level + fall)]
    low_right = [(right[0] - 5, level + fall), (middle + half, level + fall - taper)]
    return np.concatenate([low_right[::-1][:1], curve(skull), low_left, low_right[:1]])


def paint_hair_behind(canvas, image, points, person) -> None:
    """Long hair falls behind the neck before the face is painted."""
    if person.style != "long":
        return
    cover = canvas.polygon(hair_outline(points, person), blur=3)
    blend(image, np.array(person.hair) * 0.62, cover)


def paint_hair(canvas: Canvas, image: np.ndarray, points: np.ndarray, person: Identity) -> None:
    """The mass of hair outside the face's outline, then strands over it and its edges."""
    rng = np.random.default_rng([person.texture_seed, 8])
    lift = person.hairline + {"receding": -30, "fringe": 22, "cropped": -2}.get(person.style, 0)
    face = face_outline(points, lift)
    mass = canvas.polygon(hair_outline(points, person), blur=1.6)
    bare = canvas.polygon(face, blur=2.6 if person.style != "cropped" else 4.0)
    cover = mass * (1 - bare)
    if person.style == "receding":
        cover *= 0.55
    x, y = canvas.axes()
    if person.style == "long":  # beside the neck, not over it
        away = np.clip((np.abs(x - points[8, 0]) - 66) / 14, 0, 1)
        cover *= np.where(y > points[8, 1] - 60, away, 1)
    lit = 0.78 + 0.0035 * person.light[0] * (x - 140) - 0.0016 * (y - 60)
    base = np.array(person.hair) * (0.75 * lit)[..., None]
    blend(image, base, np.clip(cover, 0, 1))
    lines, shades = _strands(rng, points, person, face)
    drawn, shade = canvas.hairs(lines, shades, 0.55)
    sheen = np.exp(-(((y - points[27, 1] + 96) / 26) ** 2)) * np.clip(
        0.6 + person.light[0] * (x - 140) / 110, 0, 1
    )
    colour = np.array(person.hair)[None, None] * (0.55 + 0.75 * shade * lit)[..., None]
    colour = colour + (34 * sheen * shade)[..., None]
    keep = canvas.blur(np.clip(canvas.polygon(hair_outline(points, person), 3.5) * 1.3, 0, 1), 0.5)
    strength = {"cropped": 0.42, "receding": 0.35}.get(person.style, 0.72)
    if person.style in ("cropped", "receding"):
        keep = np.clip(1.4 * cover, 0, 1)
    blend(image, colour, strength * drawn * keep)
    edge = canvas.blur(cover, 4) * bare
    darken(image, np.clip(edge * 1.3, 0, 1), (0.30, 0.34, 0.34))


def _strands(rng, points, person, face):
    """Curves from a parting over the skull to the hairline or down the sides."""
    stand, fall = _SHAPES[person.style]
    left, right = points[0], points[16]
    middle, half = (left[0] + right[0]) / 2, (right[0] - left[0]) / 2 + 0.7 * stand
    level = (left[1] + right[1]) / 2
    part = middle + rng.uniform(-34, 34)
    lines, shades = [], []
    hairline = level - 96 + person.hairline + {"receding": -30, "fringe": 22}.get(person.style, 0)
    count = {"cropped": 2600, "receding": 900}.get(person.style, 1500)
    for _ in range(count):
        side = 1 if rng.random() < (right[0] - part) / (right[0] - left[0]) else -1
        t = rng.uniform(0, 1) ** 0.8  # 0 at the parting, 1 at the side
        angle = np.pi / 2 * t
        scale = rng.uniform(0.80, 1.0)
        reach = (middle + side * half - part) * scale
        over = np.array(
            [part + reach * np.sin(angle), level - (120 + stand) * scale * np.cos(angle) ** 0.8]
        )
        if person.style in ("cropped", "receding"):
            tip = over + rng.normal((2.0 * side, 3.0), 1.5)
            path = np.array([over, (over + tip) / 2, tip])
        elif person.style == "fringe" and abs(over[0] - middle) < 72 and rng.random() < 0.55:
            end = np.array([over[0] + rng.normal(-4 * side, 5), hairline + rng.normal(3, 6)])
            path = np.array([over, (over + end) / 2 + (3 * side, -6), end])
        else:
            low = level + (fall if person.style == "long" else min(fall, 6)) * rng.uniform(0.5, 1)
            if person.style == "tied":
                low = level - 20
            end = np.array([middle + side * half * rng.uniform(0.90, 1.0), low])
            edge = np.array([middle + side * half * (0.72 + 0.26 * t), level - 70 * (1 - 0.5 * t)])
            path = np.array([over, (over + edge) / 2 + (3 * side, -5), edge, end])
        lines.append(curve(path, steps=5))
        shades.append(rng.beta(2, 2))
    return lines, shades


def paint_beard(canvas: Canvas, image: np.ndarray, points: np.ndarray, person: Identity) -> None:
    """From a shaved shadow to a short beard, by `person.beard`."""
    if person.beard <= 0:
        return
    rng = np.random.default_rng([person.texture_seed, 9])
    low = np.concatenate([points[2:15], [points[14] - (9, -6)]])
    high = np.array(
        [
            points[14] - (10, 0),
            points[54] + (16, -12),
            points[35] + (8, 9),
            points[33] + (0, 8),
            points[31] + (-8, 9),
            points[48] + (-16, -12),
            points[2] + (10, 0),
        ]
    )
    area = canvas.polygon(curve(np.concatenate([low, high]), closed=True), blur=4.0)
    lips = canvas.polygon(curve(points[48:60], closed=True), blur=1.5)
    area = area * (1 - lips)
    amount = person.beard
    darken(image, area, np.array((0.26, 0.24, 0.20)) * amount)
    count = int(4200 * amount)
    x0, y0 = points[2:15].min(0)
    x1, y1 = points[2:15].max(0) + (0, 2)
    roots = rng.uniform((x0, y0 - 5), (x1, y1), (count, 2))
    reach = 0.8 + 3.0 * max(0.0, amount - 0.3)
    tips = roots + np.stack([rng.normal(0, 0.5, count), rng.uniform(0.5, 1, count)], -1) * reach
    lines = np.stack([roots, tips], 1)
    cover, shade = canvas.hairs(lines, rng.uniform(0.2, 1, count), 0.5)
    colour = np.array(person.brow) * (0.6 + 0.5 * shade[..., None])
    blend(image, colour, cover * np.clip(area, 0, 1) * (0.25 + 0.45 * amount))

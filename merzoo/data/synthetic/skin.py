"""The head as a relief under a lamp: height map, normals, shading, and the colour of the skin.

The relief is a rounded head plus Gaussian bumps and creases placed by the landmarks. Shading is
Lambert with a soft terminator plus a Blinn-Phong highlight (Blinn 1977); red light scatters farther
in skin, so the red channel's shadows are softer.
"""

import numpy as np

from merzoo.data.synthetic.canvas import Canvas, curve
from merzoo.data.synthetic.identity import LEFT_EYE, RIGHT_EYE, Identity

# Wrinkles that a fully contracted action unit folds, beside those of age.
FOLDS = {
    1: {"forehead": 0.5},
    2: {"forehead": 0.5},
    4: {"glabella": 1.0},
    6: {"crow": 1.0, "under_eye": 0.6},
    9: {"glabella": 0.4, "nasolabial": 0.5},
    10: {"nasolabial": 0.8},
    12: {"nasolabial": 0.8},
    15: {"corner": 1.0},
    17: {"chin": 1.0},
}


def face_outline(points: np.ndarray, hairline: float = 0.0) -> np.ndarray:
    """Closed outline of the bare face: the jaw and, above the ears, the forehead to the hair."""
    left, right = points[0], points[16]
    middle = (left[0] + right[0]) / 2
    half = (right[0] - left[0]) / 2
    top = min(left[1], right[1]) - 96 + hairline
    height = (left[1] + right[1]) / 2 - top
    angle = np.linspace(np.pi * 0.05, np.pi * 0.95, 11)
    forehead = np.stack(
        [
            middle + half * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** 0.8,
            top + height * (1 - np.sin(angle) ** 0.75),
        ],
        axis=-1,
    )
    return curve(np.concatenate([points[0:17], forehead]), closed=True)


def head_outline(points: np.ndarray) -> np.ndarray:
    """Closed outline of the whole head, skull included."""
    left, right = points[0], points[16]
    middle, half = (left[0] + right[0]) / 2, (right[0] - left[0]) / 2 + 3
    level = (left[1] + right[1]) / 2
    angle = np.linspace(0.04 * np.pi, 0.96 * np.pi, 13)
    skull = np.stack([middle + half * np.cos(angle), level - 128 * np.sin(angle) ** 0.85], axis=-1)
    return curve(np.concatenate([points[0:17], skull]), closed=True)


def relief(canvas: Canvas, points: np.ndarray, person: Identity, folds: dict) -> np.ndarray:
    """Height of the head above the image plane, in units of face coordinates."""
    mask = canvas.polygon(head_outline(points))
    height = 0.0 * mask
    for sigma, weight in ((6, 12.0), (16, 22.0), (40, 60.0)):
        # A blurred outline is a dome: steep at the edge, flat in the middle.
        height += weight * np.sqrt(np.clip(canvas.blur(mask, sigma) * 2 - 0.9, 0, None))
    height = canvas.blur(height, 4)
    _bones(canvas, height, points)
    _nose(canvas, height, points)
    _mouth(canvas, height, points)
    _wrinkles(canvas, height, points, person, folds)
    grain = canvas.noise(np.random.default_rng([person.texture_seed, 1]), 3.0, octaves=3)
    return height + grain * (0.02 + 0.05 * person.age)


def _bones(canvas, height, points) -> None:
    for eye, brow, out in ((points[36:42], points[17:22], -1), (points[42:48], points[22:27], 1)):
        centre = eye.mean(0)
        canvas.add_bump(height, brow.mean(0) + (0, 1), (27, 8), 3.2, angle=-6 * out)
        canvas.add_bump(height, centre + (0, -2), (24, 13), -6.0)
        canvas.add_bump(height, centre + (-8 * out, -4), (9, 12), -4.0)
        canvas.add_bump(height, centre, (13, 9.5), 5.0)
        canvas.add_bump(height, centre + (12 * out, 40), (27, 21), 7.0, angle=-25 * out)
        canvas.add_bump(height, centre + (18 * out, 85), (17, 20), -3.5)
        canvas.add_bump(height, centre + (38 * out, -28), (12, 22), -3.0)
    chin = points[8]
    canvas.add_bump(height, chin + (0, -18), (20, 14), 8.0)
    canvas.add_bump(height, (points[27] + points[8]) / 2 + (0, -125), (52, 30), 4.0)


def _nose(canvas, height, points) -> None:
    top, tip = points[27], points[30]
    for step in np.linspace(0, 1, 8):
        centre = top + (tip - top) * step
        canvas.add_bump(height, centre, (6.5 + 2.5 * step, 8), 2.0 + 4.4 * step)
    width = (points[35, 0] - points[31, 0]) / 2
    canvas.add_bump(height, tip + (0, 4), (9.5, 9), 8.0)
    for side, out in ((points[31], -1), (points[35], 1)):
        wing = np.array([tip[0] + out * width * 0.98, side[1] - 4])
        canvas.add_bump(height, wing, (5.5, 6.5), 5.5)
        canvas.add_bump(height, wing + (8 * out, 2), (4.5, 8), -2.2)
    canvas.add_bump(height, points[33] + (0, 5), (15, 4.5), -3.0)


def _mouth(canvas, height, points) -> None:
    upper, lower = points[51], points[57]
    philtrum = (points[33] + upper) / 2
    half = (points[54, 0] - points[48, 0]) / 2
    seam = (points[62] + points[66]) / 2
    canvas.add_bump(height, (points[48] + points[54]) / 2, (half * 0.9, 19), 4.5)
    canvas.add_bump(height, philtrum + (0, 2), (3.2, 7), -1.3)
    for out in (-1, 1):
        canvas.add_bump(height, philtrum + (5 * out, 3), (2.2, 7), 0.7)
        canvas.add_bump(height, points[48 if out < 0 else 54] + (3 * out, 1), (5, 5), -2.6)
    canvas.add_bump(height, (upper + seam) / 2 + (0, 0.5), (half * 0.5, 3.4), 2.3)
    canvas.add_bump(height, (lower + seam) / 2 + (0, 0.5), (half * 0.48, 4.6), 3.6)
    canvas.add_bump(height, lower + (0, 7), (half * 0.55, 4.5), -3.4)


def _wrinkles(canvas, height, points, person, folds) -> None:
    """Creases: soft dark-side grooves along curves, deeper with age and with contraction."""
    rng = np.random.default_rng([person.texture_seed, 2])
    age = person.age

    def groove(lines, depth, width):
        if depth > 0.02:
            height.__isub__(depth * canvas.strokes(lines, width, blur=width * 0.75))

    def amount(kind, of_age):
        return of_age * rng.uniform(0.6, 1.1) + 1.6 * folds.get(kind, 0.0)

    brow_y = points[17:27, 1].min()
    middle = points[27, 0]
    lines = []
    for level in (18, 32, 45):
        sag = rng.uniform(-2, 3)
        xs = np.linspace(-46, 46, 7) + rng.normal(0, 2)
        ys = brow_y - level + sag * np.cos(xs / 30) + rng.normal(0, 0.7, 7)
        lines.append(curve(np.stack([middle + xs, ys], -1)))
    groove(lines, amount("forehead", 1.9 * age**1.5), 2.6)
    glabella = [
        curve(points[27] + np.array([(7 * o, -36), (6 * o, -28), (7.5 * o, -19)])) for o in (-1, 1)
    ]
    groove(glabella, amount("glabella", 1.5 * age**2), 2.4)
    for eye, corner, out in ((RIGHT_EYE, 36, -1), (LEFT_EYE, 45, 1)):
        fan = [
            curve(
                points[corner]
                + np.array([(6 * out, a), (13 * out, a + b), (19 * out, a + 2.4 * b)])
            )
            for a, b in ((-3, -3), (0, -0.5), (3, 2.5))
        ]
        groove(fan, amount("crow", 1.2 * age**2), 1.8)
        low = points[list(eye)][[3, 4, 5, 0]] + np.array(
            [(0, 9), (0, 12), (0, 12), (-2 * -out, 10)]
        )
        groove([curve(low)], amount("under_eye", 0.5 + 1.7 * age), 3.0)
    for wing, lip, out in ((31, 48, -1), (35, 54, 1)):
        fold = np.array(
            [
                points[wing] + (9 * out, -7),
                points[wing] + (16 * out, 6),
                points[lip] + (12 * out, -8),
                points[lip] + (13 * out, 8),
            ]
        )
        groove([curve(fold)], amount("nasolabial", 0.5 + 2.6 * age), 4.2)
        drop = points[lip] + np.array([(3 * out, 3), (7 * out, 10), (8 * out, 20)])
        groove([curve(drop)], amount("corner", 1.5 * age**1.5), 3.0)
    groove([curve(points[57] + np.array([(-13, 14), (0, 11), (13, 14)]))], amount("chin", 0), 3.0)


def shade(canvas: Canvas, height: np.ndarray, person: Identity) -> tuple[np.ndarray, np.ndarray]:
    """Diffuse light (H, W, 3), about 1 where the lamp falls straight, and highlight (H, W)."""
    # The relief is in face units and the gradient per canvas pixel.
    gy, gx = (g * canvas.unit for g in np.gradient(height))
    length = np.sqrt(gx**2 + gy**2 + 1)
    normal = np.stack([-gx, -gy, np.ones_like(gx)], -1) / length[..., None]
    light = np.array(person.light)
    lambert = normal @ light
    fill = normal @ np.array([-0.5 * np.sign(light[0] or 1), -0.25, 0.83])
    diffuse = []
    for wrap in (0.36, 0.30, 0.27):  # red, green, blue
        key = np.clip((lambert + wrap) / (1 + wrap), 0, None) ** 1.25
        diffuse.append(
            person.ambient * (0.62 + 0.38 * np.clip(fill, 0, None)) + (1.13 - person.ambient) * key
        )
    half = light + (0, 0, 1)
    half /= np.linalg.norm(half)
    shine = np.clip(normal @ half, 0, None)
    highlight = 0.7 * shine**34 + 0.3 * shine**9
    return np.stack(diffuse, -1), highlight


def skin_colour(canvas: Canvas, points: np.ndarray, person: Identity) -> np.ndarray:
    """Colour of the unlit skin, (H, W, 3) 0..255: redness, shadows under the eyes, spots, pores."""
    rng = np.random.default_rng([person.texture_seed, 3])
    red = np.zeros(canvas.shape)
    dark = np.zeros(canvas.shape)
    for eye, out in ((points[36:42], -1), (points[42:48], 1)):
        centre = eye.mean(0)
        canvas.add_bump(red, centre + (8 * out, 46), (23, 18), 0.75)
        canvas.add_bump(dark, centre + (0, 13), (17, 6), 0.5)
        canvas.add_bump(dark, centre + (-10 * out, 0), (9, 9), 0.35)
    canvas.add_bump(red, points[30] + (0, 4), (15, 14), 0.75)
    canvas.add_bump(red, points[8] + (0, -16), (22, 14), 0.35)
    blotch = canvas.noise(rng, 26, octaves=3)
    fine = canvas.noise(rng, 5.0, octaves=3)
    strength = 1.0 - 0.85 * person.darkness
    tone = np.array(person.skin)
    colour = np.broadcast_to(tone, (*canvas.shape, 3)).copy()
    colour += (red * strength)[..., None] * (4.0, -13.0, -11.0)
    colour -= (dark * (0.6 + 0.6 * person.age))[..., None] * (tone * (0.10, 0.13, 0.10))
    colour += blotch[..., None] * (1.4, 2.3, 2.1) * (0.7 + person.age)
    colour *= 1 + (0.018 + 0.012 * person.age) * fine[..., None]
    return _spots(canvas, points, person, rng, colour)


def _spots(canvas, points, person, rng, colour):
    cover = np.zeros(canvas.shape)
    low, high = points.min(0) - (0, 60), points.max(0)
    for _ in range(rng.poisson(2.2 + 3 * person.age)):  # moles and age spots
        place = rng.uniform(low, high)
        size = rng.uniform(0.8, 2.0)
        canvas.add_bump(cover, place, (size, size * rng.uniform(0.8, 1.2)), rng.uniform(0.35, 0.75))
    for _ in range(int(110 * person.freckles)):
        place = rng.normal(points[29], (42, 20))
        size = rng.uniform(0.6, 1.1)
        canvas.add_bump(cover, place, (size, size), rng.uniform(0.08, 0.3))
    cover = np.clip(cover, 0, 0.8)[..., None]
    return colour * (1 - cover * (0.32, 0.48, 0.55))

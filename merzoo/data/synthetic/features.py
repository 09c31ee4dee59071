"""Eyes, brows, lips and nostrils, painted over the lit skin."""

import numpy as np

from merzoo.data.synthetic.canvas import Canvas, curve
from merzoo.data.synthetic.identity import Identity


def _part(cover: np.ndarray) -> tuple[slice, slice]:
    """The box outside which `cover` does nothing: features are small and the canvas is not."""
    rows = np.flatnonzero(cover.max(1) > 1e-4)
    columns = np.flatnonzero(cover.max(0) > 1e-4)
    if not rows.size:
        return slice(0, 0), slice(0, 0)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def blend(image: np.ndarray, colour, cover: np.ndarray) -> None:
    """Paints `colour` (3 values or an image) over `image` in place where `cover` is."""
    part = _part(cover)
    colour = np.broadcast_to(np.asarray(colour, float), image.shape)[part]
    image[part] += cover[part][..., None] * (colour - image[part])


def darken(image: np.ndarray, cover: np.ndarray, amount=(0.5, 0.55, 0.55)) -> None:
    """Multiplies `image` down by `amount` per channel where `cover` is, in place."""
    part = _part(cover)
    image[part] *= 1 - cover[part][..., None] * np.asarray(amount)


def paint_nostrils(canvas: Canvas, image: np.ndarray, points: np.ndarray) -> None:
    holes, rims = np.zeros(canvas.shape), []
    for low, side, out in ((32, 31, -1), (34, 35, 1)):
        centre = (points[low] + points[side]) / 2 + (0.5 * out, 0.5)
        canvas.add_bump(holes, centre, (4.2, 1.9), 0.85, angle=14 * out)
        wing = points[side]
        rims.append(
            curve(wing + np.array([(3.0 * out, -11), (6.0 * out, -5), (4.5 * out, 1), (0, 2.2)]))
        )
    darken(image, np.clip(holes, 0, 0.9), (0.58, 0.66, 0.66))
    darken(image, canvas.strokes(rims, 1.2, blur=1.2), (0.34, 0.42, 0.42))
    base = curve(points[31:36] + np.array([(0, 2), (0, 2), (0, 2.5), (0, 2), (0, 2)]))
    darken(image, canvas.strokes([base], 1.6, blur=1.8), (0.10, 0.13, 0.13))


def paint_lips(canvas: Canvas, image: np.ndarray, points: np.ndarray, person: Identity) -> None:
    """Lips over the relief's shading; the mouth's inside where the lips part."""
    upper = np.concatenate([curve(points[48:55], steps=4), curve(points[[64, 63, 62, 61, 60]])])
    lower = np.concatenate([curve(points[[54, 55, 56, 57, 58, 59, 48]], steps=4)])
    lower = np.concatenate([lower, curve(points[[60, 67, 66, 65, 64]])])
    red = np.array((-12.0, -46.0, -29.0)) * (0.75 + 0.6 * person.lip_redness)
    red *= 1 - 0.35 * person.darkness
    for part, weight in ((upper, 1.15), (lower, 0.9)):
        cover = canvas.polygon(part, blur=1.1)
        image += cover[..., None] * red * weight
        darken(image, cover, np.array((0.10, 0.10, 0.08)) * weight)
    rng = np.random.default_rng([person.texture_seed, 4])
    lines = []
    for x in rng.uniform(points[48, 0] + 6, points[54, 0] - 6, 60):
        y = rng.choice([points[51, 1] + 4, points[57, 1] - 8]) + rng.uniform(0, 3)
        lines.append(np.array([(x, y), (x + rng.normal(0, 0.6), y + rng.uniform(2, 4))]))
    inside = np.clip(canvas.polygon(upper) + canvas.polygon(lower), 0, 1)
    darken(image, canvas.strokes(lines, 0.5, blur=0.5) * inside, (0.10, 0.14, 0.12))
    gap = points[66, 1] - points[62, 1]
    seam_points = (points[[60, 61, 62, 63, 64]] + points[[60, 67, 66, 65, 64]]) / 2
    if gap > 2.0:
        _paint_open_mouth(canvas, image, points, gap)
    else:
        line = curve(np.concatenate([points[48:49], seam_points, points[54:55]]))
        darken(image, canvas.strokes([line], 1.3, blur=0.7), (0.72, 0.82, 0.80))
        darken(image, canvas.strokes([line + (0, 1.2)], 2.6, blur=1.5), (0.36, 0.42, 0.40))
    corners = np.zeros(canvas.shape)
    for number in (48, 54):
        canvas.add_bump(corners, points[number], (3.0, 2.2), 0.5)
    darken(image, corners, (0.4, 0.5, 0.5))


def _paint_open_mouth(canvas, image, points, gap) -> None:
    inner = np.concatenate(
        [curve(points[[60, 61, 62, 63, 64]]), curve(points[[64, 65, 66, 67, 60]])]
    )
    cover = canvas.polygon(inner, blur=0.5)
    blend(image, (52, 22, 24), cover)
    x, y = canvas.axes()
    teeth = cover * np.clip((points[62, 1] + min(0.55 * gap, 9) - y) / 2 + 0.5, 0, 1)
    edge = np.clip(1 - np.abs(x - points[62, 0]) / (0.52 * (points[64, 0] - points[60, 0])), 0, 1)
    blend(image, (206, 198, 184), 0.85 * teeth * edge**0.4)
    rows = [
        np.array([(points[62, 0] + d, points[62, 1]), (points[62, 0] + d, points[62, 1] + 10)])
        for d in np.arange(-20, 21, 5.0)
    ]
    darken(image, canvas.strokes(rows, 0.5, blur=0.4) * teeth, (0.22, 0.22, 0.22))


def paint_eyes(canvas: Canvas, image: np.ndarray, points: np.ndarray, person: Identity) -> None:
    for numbers, out in ((range(36, 42), -1), (range(42, 48), 1)):
        eye = points[list(numbers)]
        if out > 0:  # order both as outer corner, upper lid inwards, inner corner, lower lid
            eye = eye[[3, 2, 1, 0, 5, 4]]
        _paint_eye(canvas, image, eye, out, person)


def _paint_eye(canvas, image, eye, out, person) -> None:
    outer, up_out, up_in, inner, low_in, low_out = eye
    upper, lower = curve(np.array([outer, up_out, up_in, inner])), None
    lower = curve(np.array([inner, low_in, low_out, outer]))
    opening = canvas.polygon(np.concatenate([upper, lower]), blur=0.45)
    centre = (up_out + up_in + low_in + low_out) / 4 + (-0.5 * out, -0.6)
    white = (
        np.array((226, 219, 214.0)) * (0.80 + 0.16 * person.exposure) * (0.9 + 0.1 * person.ambient)
    )
    white = white - (8, 16, 22) * np.array(person.age * 0.7 + 0.5 * person.darkness)
    ball = np.empty((*canvas.shape, 3))
    ball[:] = white
    x, _ = canvas.axes()
    across = np.clip(np.abs(x - centre[0]) / 18, 0, 1)[..., None]
    ball *= 1 - 0.30 * across**2
    corner = np.zeros(canvas.shape)
    canvas.add_bump(corner, inner + (0.5 * out, 0), (2.6, 2.4), 0.85)
    blend(ball, (176, 112, 104), corner)
    _paint_iris(canvas, ball, centre, person)
    # The upper lid throws a shadow on the ball.
    shadow = canvas.strokes([upper + (0, 1.0)], 3.4, blur=1.5)
    darken(ball, np.clip(shadow, 0, 1), (0.50, 0.52, 0.52))
    blend(image, ball, opening)

    fold = curve(
        np.array([outer + (1.5 * out, -3), up_out + (0.5 * out, -6.0), up_in + (0, -6.0), inner])
    )
    darken(
        image,
        canvas.strokes([fold], 1.0, blur=0.9),
        np.array((0.30, 0.36, 0.36)) * person.eyelid_fold,
    )
    lid = curve(np.array([outer + (1.5 * out, 0.5), up_out, up_in, inner + (-0.8 * out, 0.6)]))
    darken(image, canvas.strokes([lid + (0, -0.4)], 1.6, blur=0.5), (0.72, 0.76, 0.76))
    lashes = []
    rng = np.random.default_rng([person.texture_seed, 5, out + 1])
    for step in np.linspace(0.02, 0.8, 18):
        root = upper[int(step * (len(upper) - 1))]
        reach = 3.4 * (1 - step * 0.6) * rng.uniform(0.7, 1.2)
        tip = root + (out * reach * (0.9 - 0.7 * step), -reach * 0.6)
        lashes.append(curve(np.array([root, (root + tip) / 2 + (0.3 * out, 0.3), tip])))
    darken(image, canvas.strokes(lashes, 0.5, blur=0.3), (0.55, 0.58, 0.58))
    darken(image, canvas.strokes([lower + (0, 0.5)], 1.0, blur=0.7), (0.30, 0.34, 0.34))
    darken(image, canvas.strokes([lower + (0, 6.5)], 1.2, blur=1.6), (0.10, 0.13, 0.12))


def _paint_iris(canvas, ball, centre, person) -> None:
    x, y = canvas.axes()
    size, edge = 7.2, 0.5
    part = np.s_[np.abs(y[:, 0] - centre[1]) < size + 1, np.abs(x[0] - centre[0]) < size + 1]
    x, y = x[:, part[1]], y[part[0]]
    part = np.ix_(*part)
    patch = ball[part]
    radius = np.sqrt((x - centre[0]) ** 2 + (y - centre[1]) ** 2)
    angle = np.arctan2(y - centre[1], x - centre[0])
    rays = 0.08 * np.sin(17 * angle + 3) + 0.06 * np.sin(31 * angle)
    tone = 0.72 + 0.40 * np.clip(1 - radius / size, 0, 1) + rays
    tone *= 1 - 0.55 * np.clip((radius - 0.78 * size) / (0.22 * size), 0, 1)
    colour = np.array(person.iris, float) * tone[..., None]
    blend(patch, np.clip(colour, 0, 255), np.clip((size - radius) / edge + 0.5, 0, 1))
    blend(patch, (14, 11, 11), np.clip((3.0 - radius) / edge + 0.5, 0, 1))
    glint = centre + (4.5 * person.light[0], -2.8)
    spot = np.sqrt((x - glint[0]) ** 2 + (y - glint[1]) ** 2)
    blend(patch, (246, 246, 244), 0.9 * np.clip((1.25 - spot) / 0.6 + 0.5, 0, 1))
    ball[part] = patch


def paint_brows(canvas: Canvas, image: np.ndarray, points: np.ndarray, person: Identity) -> None:
    """A soft body and some two hundred hairs for each brow."""
    rng = np.random.default_rng([person.texture_seed, 6])
    for numbers, out in ((range(17, 22), -1), (range(26, 21, -1), 1)):
        line = curve(points[list(numbers)] + (0, 1.5), steps=12)  # tail to head
        lines, shades = [], []
        for _ in range(int(230 * person.brow_weight)):
            step = rng.beta(1.25, 1.0)
            root = line[int(step * (len(line) - 1))]
            thickness = 0.6 + 3.9 * min(1, step * 1.7) * person.brow_weight
            root = root + (rng.normal(0, 0.5), rng.normal(0, 0.42) * thickness)
            lean = 72 - 62 * (1 - step) ** 0.6 if step > 0.85 else 32 * step
            lean = np.deg2rad(lean + rng.normal(0, 9) - 14 * (1 - step))
            reach = rng.uniform(3.5, 6.5)
            tip = root + reach * np.array([out * np.cos(lean), -np.sin(lean)])
            bend = (root + tip) / 2 + (0, -0.4)
            lines.append(np.array([root, bend, tip]))
            shades.append(rng.uniform(0.2, 1))
        body = canvas.strokes([line[6:]], 4.2 * person.brow_weight, blur=2.2)
        darken(image, np.clip(body, 0, 1), np.array((0.30, 0.33, 0.34)) * person.brow_weight)
        cover, shade = canvas.hairs(lines, shades, 0.5)
        colour = np.array(person.brow) * (0.55 + 0.6 * shade[..., None])
        blend(image, colour, 0.62 * canvas.blur(cover, 0.35))

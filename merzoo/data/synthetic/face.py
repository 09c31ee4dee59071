"""One still picture of a person: everything painted back to front on a canvas."""

import numpy as np

from merzoo.data.synthetic import features, hair, skin
from merzoo.data.synthetic.canvas import Canvas
from merzoo.data.synthetic.identity import Identity


def render_face(
    person: Identity,
    canvas: Canvas,
    landmarks: np.ndarray | None = None,
    folds: dict | None = None,
) -> np.ndarray:
    """Paints a person.

    Args:
        person: from `draw_identity`.
        canvas: says size, margin and supersampling.
        landmarks: (68, 2) in face coordinates; the person's neutral ones if `None`.
        folds: wrinkle name -> contraction 0..1 (see `merzoo.data.synthetic.skin.FOLDS`).

    Returns:
        (H + 2 margin, W + 2 margin, 3) uint8 RGB.
    """
    points = person.landmarks if landmarks is None else np.asarray(landmarks, float)
    image = hair.paint_background(canvas, person)
    hair.paint_hair_behind(canvas, image, points, person)
    hair.paint_body(canvas, image, points, person)
    hair.paint_ears(canvas, image, points, person)

    height = skin.relief(canvas, points, person, folds or {})
    diffuse, highlight = skin.shade(canvas, height, person)
    colour = skin.skin_colour(canvas, points, person)
    lit = colour * diffuse
    lit += (58 * person.gloss * highlight)[..., None] * (1.0, 0.98, 0.95)
    features.blend(image, lit, canvas.polygon(skin.head_outline(points), blur=1.1))

    hair.paint_beard(canvas, image, points, person)
    features.paint_lips(canvas, image, points, person)
    features.paint_nostrils(canvas, image, points)
    features.paint_eyes(canvas, image, points, person)
    features.paint_brows(canvas, image, points, person)
    hair.paint_hair(canvas, image, points, person)

    image *= person.exposure * (1 + person.warmth * np.array((0.03, 0.0, -0.05)))
    return canvas.finish(canvas.blur(image, 0.35))

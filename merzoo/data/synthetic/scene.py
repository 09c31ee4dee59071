"""People as they are filmed outside a laboratory: small in a large frame, in the dark, several.

An invented person's picture is set into a wall of uneven colour, the light is turned down, and the
sensor's noise is added after that, so that in the dark there is as much of it as there is face.
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from merzoo.data.synthetic.canvas import Canvas
from merzoo.data.synthetic.face import render_face
from merzoo.data.synthetic.film import gain_table, sensor_noise
from merzoo.data.synthetic.identity import Identity, draw_identity
from merzoo.data.synthetic.plan import generator

# Skin tone -> darkness, from and to; between them are other tones.
SKINS = {"light": (0.0, 0.15), "medium": (0.4, 0.6), "dark": (0.88, 1.0)}
_PICTURE = 280, 340  # pixels of a person's picture
_WALL = 9, 16  # patches of colour of the wall
_UNEVEN = 18.0  # grey levels, their deviation


_pictures: dict[int, np.ndarray] = {}  # of people, by the seed of their skin


class Placed(NamedTuple):
    """A person in a frame.

    Args:
        person: who.
        width: of the face from ear to ear (points 1 and 17 of 68), in pixels.
        place: x, y of the middle between the eyes, in pixels of the frame.
    """

    person: Identity
    width: float
    place: tuple[float, float]


@functools.cache
def person_of_skin(tone: str, number: int = 0) -> Identity:
    """An invented person of a key of `SKINS`.

    >>> person_of_skin("dark").darkness > 0.88, person_of_skin("light", 3).darkness < 0.15
    (True, True)
    """
    low, high = SKINS[tone]
    found, subject = -1, -1
    while found < number:
        subject += 1
        person = draw_identity(generator(77, subject, 3))
        found += low <= person.darkness <= high
    return person


def scene(
    people: Sequence[Placed],
    size: tuple[int, int],
    light: float = 1.0,
    noise: float = 3.0,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """A frame with people in it.

    Args:
        people: that are in it; a later one stands before an earlier one.
        size: (width, height) of the frame in pixels.
        light: gain; 1 is a bright room.
        noise: deviation of the sensor's noise in grey levels, whatever the light.
        seed: of wall and noise.

    Returns:
        (H, W, 3) uint8 RGB, and (people, 68, 2) landmarks in pixels of the frame.

    >>> frame, points = scene([Placed(person_of_skin("light"), 60, (100, 50))], (200, 120), 0.3)
    >>> frame.shape, points.shape, points[0, 36:48].mean(0).round().tolist()
    ((120, 200, 3), (1, 68, 2), [100.0, 50.0])
    """
    import cv2

    rng = np.random.default_rng(seed)
    width, height = size
    wall = rng.normal(0, _UNEVEN, _WALL).astype(np.float32)
    frame = np.repeat(cv2.resize(wall, size, interpolation=cv2.INTER_CUBIC)[..., None], 3, -1)
    frame += people[0].person.background if people else 128
    landmarks = [_set_into(frame, one) for one in people]
    dimmed = cv2.LUT(np.clip(frame, 0, 255).astype(np.uint8), gain_table(light))
    noisy = dimmed + sensor_noise(rng, (height, width), noise)[..., None]
    points = np.array(landmarks).reshape(-1, 68, 2)
    return np.clip(noisy, 0, 255).astype(np.uint8), points


def _still(person: Identity) -> np.ndarray:
    """(340, 280, 3) uint8 picture of a person, painted once."""
    if person.texture_seed not in _pictures:
        canvas = Canvas(_PICTURE)
        inner = slice(canvas.margin, canvas.margin + _PICTURE[1])
        across = slice(canvas.margin, canvas.margin + _PICTURE[0])
        _pictures[person.texture_seed] = render_face(person, canvas)[inner, across]
    return _pictures[person.texture_seed]


def _set_into(frame: np.ndarray, one: Placed) -> np.ndarray:
    """Sets a person's picture into a frame, with soft edges; returns the landmarks there."""
    import cv2

    points = one.person.landmarks
    scale = one.width / (points[16, 0] - points[0, 0])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    picture = cv2.resize(_still(one.person), None, fx=scale, fy=scale, interpolation=how)
    height, width = picture.shape[:2]
    left, top = np.round(one.place - scale * points[36:48].mean(0)).astype(int)
    edge = max(2, width // 12)
    mask = np.zeros((height, width), np.float32)
    mask[edge:-edge, edge:-edge] = 1
    mask = cv2.GaussianBlur(mask, (0, 0), edge / 2)[..., None]
    rows = slice(max(0, top), min(frame.shape[0], top + height))
    columns = slice(max(0, left), min(frame.shape[1], left + width))
    inside = (
        slice(rows.start - top, rows.stop - top),
        slice(columns.start - left, columns.stop - left),
    )
    behind = frame[rows, columns]
    behind += mask[inside] * (picture[inside] - behind)
    return scale * points + (left, top)

"""Action units of FACS as displacement fields: anisotropic Gaussians placed by the landmarks.

Ekman, Friesen, Hager, "Facial Action Coding System", 2002. A unit moves the skin about a few
landmarks of the subject's right side (the image's left) and, mirrored, of the left side.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from merzoo.data.synthetic.canvas import Canvas
from merzoo.data.synthetic.identity import MIRROR

# unit -> parts (0-based points of the image's left, direction x right and y down, sigma in pixels
# of the 280x340 frame). Points on the midline mirror onto themselves; they count once.
FIELDS: dict[int, list[tuple]] = {
    1: [((20, 21), (0.1, -1.0), 22)],
    2: [((17, 18, 19), (0.0, -1.0), 22)],
    4: [((19, 20, 21), (0.45, 0.9), 22)],
    5: [((37, 38), (0.0, -0.5), 9)],
    6: [((40, 41), (0.0, -0.5), 22)],
    7: [((40, 41), (0.0, -0.6), 9)],
    9: [((30, 31), (0.0, -0.7), 18)],
    10: [((49, 50), (0.0, -0.8), 16)],
    12: [((48,), (-0.8, -0.6), 24)],
    14: [((48,), (-0.7, 0.1), 16)],
    15: [((48,), (0.0, 0.9), 18)],
    17: [((57, 58), (0.0, -0.8), 20)],
    20: [((48,), (-0.9, 0.1), 20)],
    24: [((50, 58), (0.0, 0.3), 14)],
}
# Skin slides farther along a feature than across it.
_ALONG, _ACROSS = 1.15, 0.87
# Least displacement, in pixels of the 280x340 frame, of intensity B, C, D and E.
_INTENSITY = (0.5, 1.0, 1.8, 3.0)


@dataclass(frozen=True)
class ActionUnit:
    """One contraction: the unit's number, its side and its amplitude.

    Args:
        number: a key of `FIELDS`.
        side: `"L"` or `"R"`, the subject's own left or right, or `"B"` for both.
        amplitude: displacement at the centre of the field, in pixels of the 280x340 frame.

    Example:

    >>> ActionUnit(12, "R", 1.2).text, ActionUnit(12, "R", 1.2).intensity
    ('R12', 'C')
    """

    number: int
    side: str
    amplitude: float

    @property
    def text(self) -> str:
        """As coders write it: the number, after L or R where one side acts alone."""
        return f"{'' if self.side == 'B' else self.side}{self.number}"

    @property
    def intensity(self) -> str:
        """A (trace) to E (maximum), by amplitude."""
        return "ABCDE"[int(np.searchsorted(_INTENSITY, self.amplitude, side="right"))]


def as_text(units: Iterable[ActionUnit], intensities: bool = False) -> str:
    """The annotation of several units, with or without their intensities.

    >>> units = [ActionUnit(12, "L", 1), ActionUnit(6, "B", 1.8)]
    >>> as_text(units), as_text(units, intensities=True)
    ('6+L12', '6D+L12C')
    """
    ordered = sorted(units, key=lambda u: u.number)
    return "+".join(u.text + (u.intensity if intensities else "") for u in ordered)


def _gaussians(unit: ActionUnit, landmarks: np.ndarray):
    """(centre, direction, sigma) of each Gaussian of a contraction."""
    for points, direction, sigma in FIELDS[unit.number]:
        points, direction = np.array(points), np.array(direction)
        if unit.side in "BR":
            yield landmarks[points].mean(0), direction, sigma
        if unit.side in "BL":
            mirrored = landmarks[np.array(MIRROR)[points]].mean(0)
            yield mirrored, direction * (-1, 1), sigma


def displacement(units: Iterable[ActionUnit], landmarks: np.ndarray, points) -> np.ndarray:
    """Movement (N, 2) of `points` (N, 2) at full contraction; all in face coordinates.

    >>> from merzoo.data.synthetic.identity import neutral_landmarks
    >>> face = neutral_landmarks()
    >>> displacement([ActionUnit(15, "R", 2.0)], face, face[[48, 54]]).round(1).tolist()
    [[0.0, 1.8], [0.0, 0.0]]
    """
    points = np.asarray(points, float)
    total = np.zeros_like(points)
    for unit in units:
        for centre, direction, sigma in _gaussians(unit, landmarks):
            x, y = ((points - centre) / (sigma * _ALONG, sigma * _ACROSS)).T
            total += unit.amplitude * np.exp(-0.5 * (x**2 + y**2))[:, None] * direction
    return total


def displacement_field(
    units: Iterable[ActionUnit], landmarks: np.ndarray, canvas: Canvas
) -> np.ndarray:
    """Movement (H, W, 2), in pixels, of every pixel of the canvas' frame at full contraction."""
    width, height = canvas.size
    x = (np.arange(width) - canvas.offset[0]) / canvas.scale
    y = (np.arange(height) - canvas.offset[1]) / canvas.scale
    field = np.zeros((height, width, 2))
    for unit in units:
        for centre, direction, sigma in _gaussians(unit, landmarks):
            # A Gaussian is a product of two profiles: no exponential for each pixel.
            gx = np.exp(-0.5 * ((x - centre[0]) / (sigma * _ALONG)) ** 2)
            gy = np.exp(-0.5 * ((y - centre[1]) / (sigma * _ACROSS)) ** 2)
            weight = (unit.amplitude * canvas.scale) * (gy[:, None] * gx[None, :])
            field += weight[..., None] * direction
    return field

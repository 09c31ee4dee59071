"""How a face moves through a clip: one inverse warp for each frame, and the truth that follows.

Frame t shows at pixel y what the still picture shows at `warp(t)(y)`: the head's similarity undone,
then the action units' displacement undone. Landmarks and flow are computed from the same warp.
"""

import numpy as np

from merzoo.data.synthetic.action_units import displacement, displacement_field
from merzoo.data.synthetic.canvas import Canvas
from merzoo.data.synthetic.identity import Identity
from merzoo.data.synthetic.plan import ClipPlan, generator

# Displacements are rounded to this many parts of a pixel, so that the last-bit differences of two
# machines' exponentials vanish before pixels are computed.
_PARTS = 4096


def profile(times, start: float, peak: float, end: float) -> np.ndarray:
    """Raised cosine: 0 up to `start`, 1 at `peak`, 0 from `end`.

    >>> profile([0, 5, 10, 20, 30], 0, 10, 30).round(3).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    times = np.asarray(times, float)
    rise = np.clip((times - start) / max(peak - start, 1e-9), 0, 1)
    fall = np.clip((times - peak) / max(end - peak, 1e-9), 0, 1)
    return 0.5 * (1 - np.cos(np.pi * rise)) * 0.5 * (1 + np.cos(np.pi * fall))


class Motion:
    """The movement of one clip.

    Args:
        plan: of the clip.
        person: who is filmed.
        canvas: says the frame's size.
    """

    def __init__(self, plan: ClipPlan, person: Identity, canvas: Canvas):
        self.plan, self.person, self.canvas = plan, person, canvas
        times = np.arange(plan.length)
        self.expression = profile(times, plan.onset, plan.apex, plan.offset)
        self.distraction = profile(times, *plan.distractor_times) if plan.distractor else 0 * times
        self.head = self._head_path(times)
        self.fields = [
            rounded(displacement_field(units, person.landmarks, canvas))
            for units in (plan.units, plan.distractor)
        ]

    def _head_path(self, times) -> np.ndarray:
        """(T, 4): x, y in pixels of the 280x340 frame, degrees and per cent, pose included.

        Two slow waves for each, scaled so that from onset to apex the head has moved by about
        `plan.drift` pixels.
        """
        plan, rng = self.plan, generator(*self.plan.seed)
        path = np.zeros((len(times), 4))
        for column, unit in enumerate((1.0, 1.0, 0.35, 0.25)):
            for _ in range(2):
                period = plan.length * rng.uniform(1.2, 3.5)
                wave = np.sin(2 * np.pi * (times / period + rng.random()))
                path[:, column] += 0.6 * unit * rng.normal() * wave
        return path * plan.drift + plan.pose

    def similarity(self, time: int) -> np.ndarray:
        """(2, 3) matrix from the still picture to frame `time`, in pixels of the frame."""
        x, y, degrees, percent = self.head[time]
        angle, size = np.deg2rad(degrees), 1 + percent / 100
        turn = size * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        centre = (np.array(self.canvas.size) - 1) / 2
        shift = centre + np.array([x, y]) * self.canvas.scale - turn @ centre
        return np.column_stack([turn, shift])

    def unmoved(self, time: int) -> np.ndarray:
        """(H, W, 2) float64: the pixels of frame `time`, with the head put back in its place."""
        width, height = self.canvas.size
        matrix = self.similarity(time)
        inverse = np.linalg.inv(matrix[:, :2])
        start = -inverse @ matrix[:, 2]
        x, y = np.arange(width)[None, :, None], np.arange(height)[:, None, None]
        return x * inverse[:, 0] + y * inverse[:, 1] + start

    def source(self, time: int) -> np.ndarray:
        """(H, W, 2) float64: where in the still picture (x, y) each pixel of frame `time` lies."""
        place = self.unmoved(time)
        place -= self.expression[time] * self.fields[0]
        if self.plan.distractor:
            place -= self.distraction[time] * self.fields[1]
        return rounded(place)

    def _movement_at(self, points: np.ndarray, time: int) -> np.ndarray:
        """Displacement by the action units, in pixels, at `points` (N, 2) of frame `time`."""
        face = (points - self.canvas.offset) / self.canvas.scale
        neutral = self.person.landmarks
        moved = self.expression[time] * displacement(self.plan.units, neutral, face)
        if self.plan.distractor:
            moved += self.distraction[time] * displacement(self.plan.distractor, neutral, face)
        return moved * self.canvas.scale

    def forward(self, points, time: int) -> np.ndarray:
        """Where in frame `time` the points (N, 2) of the still picture are seen."""
        matrix = self.similarity(time)
        points = np.asarray(points, float)
        seen = points @ matrix[:, :2].T + matrix[:, 2]
        for _ in range(6):  # the fields are smooth: each round is about ten times closer
            seen = (points + self._movement_at(seen, time)) @ matrix[:, :2].T + matrix[:, 2]
        return seen

    def landmarks(self) -> np.ndarray:
        """(T, 68, 2) float32: the 68 points in every frame, in pixels."""
        neutral = self.canvas.to_frame(self.person.landmarks)
        frames = [self.forward(neutral, time) for time in range(self.plan.length)]
        return np.stack(frames).astype(np.float32)

    def flow(self, first: int, last: int) -> np.ndarray:
        """(H, W, 2) float32: where each pixel of frame `first` has moved by frame `last`."""
        width, height = self.canvas.size
        still = self.source(first).reshape(-1, 2)
        x, y = np.meshgrid(np.arange(width), np.arange(height))
        start = np.stack([x, y], -1).reshape(-1, 2)
        moved = self.forward(still, last) - start
        return moved.reshape(height, width, 2).astype(np.float32)


def rounded(values: np.ndarray) -> np.ndarray:
    """Values in whole parts of a pixel, the same on every machine."""
    return np.rint(values * _PARTS) / _PARTS

"""The apex by flow, measured in full only where the clip may peak.

A look at pictures of half the side, with half the window and a single iteration, is a fifth of the
work and says how the curve runs. The flow at full size is then taken from the highest place on
downwards, for as long as a frame may still turn out higher than the highest that was measured:
rough curves are off by a factor that is nearly the same for all frames of a clip. The same is done
for the highest place away from the apex, by which its confidence is judged. So apex and confidence
are those of `merzoo.preprocessing.apex.flow`.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from merzoo.preprocessing.apex import Apex, apex_at, check_length, elsewhere, mean_motion
from merzoo.preprocessing.flow import grey

_ROUGHLY = {"levels": 2, "winsize": 7, "iterations": 1}  # of the flow at half the side
# By how much more than any frame measured so far another one's rough value may be too low. On 178
# synthetic clips of all difficulties at 60 to 150 frames a second the largest was 1.15.
_MARGIN = 1.25


def quick_flow(frames: Sequence[np.ndarray]) -> Apex:
    """The apex that `flow` finds, with its confidence, for less work on clips that clearly peak.

    Args:
        frames: T >= 3 crops of one size, (H, W), (H, W, 1) or (H, W, 3), 0..255.

    Returns:
        `Apex`; where its curve, in pixels, cannot peak it is a rough one.

    Raises:
        InputError: for fewer than three frames.

    Example:

    >>> import cv2
    >>> face = cv2.GaussianBlur(np.random.default_rng(0).uniform(0, 255, (96, 96)), (0, 0), 3)
    >>> y, x = np.mgrid[:96, :96].astype(np.float32)
    >>> bump = np.exp(-((x - 48) ** 2 + (y - 64) ** 2) / 288)
    >>> levels = (0, 1, 2, 3, 2, 1, 0)
    >>> clip = [cv2.remap(face, x, y + level * bump, cv2.INTER_LINEAR) for level in levels]
    >>> quick_flow(clip).index
    3
    """
    check_length(frames, "flow")
    search = _Search(frames)
    index = search.highest(range(1, len(frames)))
    away = np.flatnonzero(elsewhere(len(frames), index)[1:]) + 1
    if len(away):
        search.highest(away.tolist())
    return apex_at(index, search.curve(), "flow")


class _Search:
    """The curve of a clip as far as it was measured, and the rough one."""

    def __init__(self, frames: Sequence[np.ndarray]):
        self.frames, self.onset = frames, grey(frames[0])
        small = _half(self.onset)
        self.rough = np.zeros(len(frames))
        for i in range(1, len(frames)):
            self.rough[i] = 2 * mean_motion(small, _half(grey(frames[i])), **_ROUGHLY)
        self.measured: dict[int, float] = {}

    def highest(self, places: Iterable[int]) -> int:
        """The place where the flow at full size is largest, the first of several."""
        best: tuple[float, int] | None = None
        for place in sorted(places, key=lambda i: -self.rough[i]):
            if best is not None and self.rough[place] * self._factor() * _MARGIN < -best[0]:
                break
            best = min(best or (np.inf, 0), (-self._measure(place), place))
        assert best is not None
        return best[1]

    def _measure(self, place: int) -> float:
        if place not in self.measured:
            self.measured[place] = mean_motion(self.onset, grey(self.frames[place]))
        return self.measured[place]

    def _factor(self) -> float:
        """The most that a measured frame is above its rough value."""
        return max(value / max(self.rough[i], 1e-9) for i, value in self.measured.items())

    def curve(self) -> np.ndarray:
        """(T,) pixels: as measured, and elsewhere the rough one by the usual factor."""
        places = list(self.measured)
        values = np.array([self.measured[i] for i in places])
        curve = self.rough * np.median(values / np.maximum(self.rough[places], 1e-9))
        curve[places] = values
        return curve


def _half(image: np.ndarray) -> np.ndarray:
    import cv2

    return cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)

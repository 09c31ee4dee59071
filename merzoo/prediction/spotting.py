"""Where in a video an expression starts, peaks and ends, from the movement of its regions.

A peak of the movement that stands out of its surroundings is followed to both sides along the one
pattern of movement that it shows. What that pattern does not lift clearly out of the noise around,
what lasts too short or too long and what is a blink is dropped, and of two that overlap the clearer
stays. Blinks are known by the lids, which close farther than any
expression moves them.
"""

from dataclasses import dataclass, fields

import numpy as np

from merzoo.arguments import real_number
from merzoo.errors import InputError
from merzoo.prediction.motion import Motion, region_windows

SHORTEST, LONGEST = 0.04, 0.5  # seconds of a micro-expression
LOWEST_RATE = 50.0  # frames per second below which it cannot be resolved reliably


@dataclass(frozen=True)
class Settings:
    """What the spotter looks for. The defaults were tuned on synthetic videos (see the README).

    Args:
        shortest, longest: seconds from onset to offset.
        smoothing: deviation of the Gaussian over time, seconds.
        baseline: seconds whose median is taken as the face at rest.
        surroundings: seconds whose median and deviation make the local threshold.
        factor: deviations above the median that a peak must reach to be looked at.
        least: pixels of the 128-pixel crop that it must reach all the same.
        clear: height over the deviation of the surroundings, along the pattern of the peak, that it
            must reach to be reported.
        blink: pixels that both upper lids sink in a blink.

    Raises:
        InputError: for a value below 0, or durations other than 0 < shortest < longest.
    """

    shortest: float = SHORTEST
    longest: float = LONGEST
    smoothing: float = 0.018
    baseline: float = 1.3
    surroundings: float = 6.0
    factor: float = 4.0
    least: float = 0.08
    clear: float = 5.4
    blink: float = 0.7

    def __post_init__(self):
        for field in fields(self):
            real_number(field.name, getattr(self, field.name), least=0)
        if not 0 < self.shortest < self.longest:
            raise InputError(
                f"durations must be 0 < shortest < longest, got {self.shortest} and "
                f"{self.longest} seconds."
            )


@dataclass(frozen=True)
class Spot:
    """One expression: positions in the video, and its height over the deviation of the movement
    around it (or another measure of how sure it is, or `None`)."""

    onset: int
    apex: int
    offset: int
    score: float | None


def spot(motion: Motion, settings: Settings | None = None) -> tuple[list[Spot], np.ndarray]:
    """Finds the micro-expressions of a video.

    Args:
        motion: as `measure_motion` returns it.
        settings: `None` for the defaults.

    Returns:
        The expressions in order, and the curve (T,) of `motion.positions`: how far the face is from
        rest, in pixels of the crop; NaN where there was no face.
    """
    settings = settings or Settings()
    curve = np.full(len(motion.positions), np.nan)
    spots: list[Spot] = []
    for start, stop in _runs(np.isfinite(motion.moves[:, 0, 0])):
        part = _Part(motion.moves[start:stop].astype(np.float64), motion.fps, settings)
        curve[start:stop] = part.curve
        for onset, apex, offset, score in part.spots():
            first, peak, last = (int(motion.positions[start + i]) for i in (onset, apex, offset))
            if first < peak:  # else a film of uneven times has no frame between them
                spots.append(Spot(first, peak, last, score))
    return spots, curve


class _Part:
    """A stretch of video in which the face was seen throughout."""

    def __init__(self, moves: np.ndarray, fps: float, settings: Settings):
        from scipy.ndimage import gaussian_filter1d, median_filter

        self.fps, self.settings = fps, settings
        self.smooth = gaussian_filter1d(moves, settings.smoothing * fps, axis=0, mode="nearest")
        window = _odd(settings.baseline * fps, len(moves))
        self.rest = median_filter(self.smooth, (window, 1, 1), mode="nearest")
        away = self.smooth - self.rest  # (T, R, 2)
        self.usable = ~_blinking(away, fps, settings)  # (T, R)
        self.away = away * self.usable[..., None]
        size = np.hypot(*np.moveaxis(self.away, -1, 0))  # (T, R)
        self.curve = np.sqrt((np.sort(size, axis=1)[:, -3:] ** 2).mean(1))
        self.threshold = self._threshold()

    def _threshold(self) -> np.ndarray:
        from scipy.ndimage import median_filter

        window = _odd(self.settings.surroundings * self.fps, len(self.curve))
        middle = median_filter(self.curve, window, mode="nearest")
        spread = 1.4826 * median_filter(np.abs(self.curve - middle), window, mode="nearest")
        return np.maximum(middle + self.settings.factor * spread, self.settings.least)

    def spots(self) -> list[tuple[int, int, int, float]]:
        """Onset, apex, offset and score of what is found, in order of time."""
        from scipy.signal import find_peaks

        peaks, _ = find_peaks(self.curve, height=self.threshold)
        candidates = [self._candidate(peak) for peak in peaks.tolist()]
        found: list[tuple[int, int, int, float]] = []
        for one in sorted(candidates, key=lambda one: -one[3]):
            onset, _, offset, score = one
            seconds = (offset - onset) / self.fps
            if score < self.settings.clear:
                break
            if not self.settings.shortest <= seconds <= self.settings.longest:
                continue
            if all(offset < a or c < onset for a, _, c, _ in found):
                found.append(one)
        return sorted(found)

    def _candidate(self, peak: int) -> tuple[int, int, int, float]:
        """The movement that peaks here, projected on its own pattern, which leaves little noise.

        The slope between a quarter and two thirds of its height is followed down to rest.
        """
        pattern = self.away[peak]
        strength = max((pattern**2).sum(), 1e-12)
        level = ((self.smooth - self.rest[peak]) * pattern).sum((1, 2)) / strength
        ends = []
        for direction in (-1, 1):
            low = _crossing(level, peak, direction, 0.25)
            high = _crossing(level, peak, direction, 0.67)
            # A raised cosine is at 0.25 after a third of its way, and at 0.67 after 0.61 of it.
            ends.append(low + direction * 1.2 * max(abs(low - high), 0.5))
        reach = round(self.settings.surroundings * self.fps / 2)
        around = slice(max(0, peak - reach), peak + reach + 1)
        noise = (self.away[around] * pattern).sum((1, 2)) / strength
        spread = 1.4826 * np.median(np.abs(noise - np.median(noise)))
        onset, offset = max(0, round(ends[0])), min(len(level) - 1, round(ends[1]))
        return onset, peak, offset, float(1 / max(spread, 1e-3))


def _crossing(level: np.ndarray, peak: int, direction: int, share: float) -> float:
    """Where, going from the peak, the level first falls below a share of it."""
    i = peak
    while 0 <= i + direction < len(level):
        i += direction
        if level[i] < share:
            gap = level[i - direction] - level[i]
            return i - direction * (share - level[i]) / max(gap, 1e-12)
    return float(i)


def _blinking(away: np.ndarray, fps: float, settings: Settings) -> np.ndarray:
    """(T, R): where a region is covered by a blink: the upper face, while both lids are down."""
    from scipy.ndimage import binary_dilation

    names, _ = region_windows(8)
    lids = [i for i, name in enumerate(names) if name.endswith("lids")]
    upper = np.array(
        [i for i, name in enumerate(names) if name.endswith(("lids", "brow", "cheek"))]
    )
    sunk = away[:, lids, 1].min(1)
    shut = sunk > settings.blink
    # From the first sinking to the last: as long as the lids are farther down than noise puts them.
    low = sunk > 0.1 * settings.blink
    covered = np.zeros(len(away), bool)
    for start, stop in _runs(low):
        covered[start:stop] = shut[start:stop].any()
    if covered.any():
        covered = binary_dilation(covered, iterations=max(1, round(0.03 * fps)))
    blinking = np.zeros(away.shape[:2], bool)
    blinking[np.ix_(covered, upper)] = True
    return blinking


def _runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """Start and stop of each run of `True`.

    >>> _runs(np.array([False, True, True, False, True]))
    [(1, 3), (4, 5)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _odd(frames: float, length: int) -> int:
    """A window of an odd number of frames that fits the video."""
    return max(3, min(int(frames), length) // 2 * 2 + 1)

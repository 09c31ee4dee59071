"""The threshold and the smoothing of a spotter, chosen on people who are not tested."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from merzoo.data.long_videos import LongVideo
from merzoo.evaluation.spotting.features import Watched
from merzoo.evaluation.spotting.intervals import Interval
from merzoo.evaluation.spotting.scores import LEAST
from merzoo.prediction.spotting_scores import SpottingScores, spotting_scores

_THRESHOLDS = 60  # tried, at most


@dataclass(frozen=True)
class Choice:
    """What was chosen for one kind of expression, and on whom.

    Args:
        smoothing: by which the spotter smooths; what it means is the spotter's.
        threshold: least score that is reported.
        f1: pooled over the people that it was chosen on.
        people: who they are.
    """

    smoothing: float
    threshold: float
    f1: float
    people: tuple[str, ...]

    def as_dict(self) -> dict:
        return asdict(self)

    def applied(self, candidates: Sequence[Interval]) -> list[Interval]:
        """The candidates, those at or above the threshold as the answer."""
        return [
            replace(one, reported=one.score is not None and one.score >= self.threshold)
            for one in candidates
        ]


def choose(
    candidates: Callable[[Watched, float], list[Interval]],
    watched: Sequence[Watched],
    truth: Sequence[LongVideo],
    kind: str,
    smoothings: Sequence[float],
) -> Choice:
    """The smoothing and threshold with the best pooled F1 on some people; of equals the highest.

    Args:
        candidates: gives the scored candidates of a video for a smoothing.
        watched, truth: the same videos, as spotters see them and with their truth.
        kind: of expressions.
        smoothings: tried.

    Example:

    >>> from merzoo.data.clip import Clip
    >>> from merzoo.data.frames import ArrayFrames
    >>> frames = ArrayFrames(np.zeros((60, 8, 8, 1), "uint8"))
    >>> clip = Clip("d", "d/s1", "a", frames, onset=20, offset=31, split="micro")
    >>> video = LongVideo("d", "d/s1", "film", frames, 30.0, (clip,))
    >>> found = [Interval(19, 30, score=0.8), Interval(40, 50, score=0.6)]
    >>> choose(lambda one, smoothing: found, [Watched(video)], [video], "micro", [1.0])
    Choice(smoothing=1.0, threshold=0.7, f1=1.0, people=('d/s1',))
    """
    people = tuple(sorted({video.subject for video in truth}))
    best = None
    for smoothing in smoothings:
        found = [candidates(one, smoothing) for one in watched]
        scores = np.unique([one.score for row in found for one in row])
        for threshold in _between(scores):
            total = SpottingScores(0, 0, 0)
            for row, video in zip(found, truth, strict=True):
                ends = [(i.onset, i.offset) for i in row if i.score >= threshold]
                total += spotting_scores(ends, video.intervals(kind), LEAST)
            if best is None or (total.f1, threshold) > (best.f1, best.threshold):
                best = Choice(smoothing, threshold, total.f1, people)
    if best is None:  # no candidate anywhere: nothing to choose by
        best = Choice(smoothings[0], 0.0, 0.0, people)
    return best


def _between(scores: np.ndarray) -> list[float]:
    """Thresholds between scores, and one below the least; of many every so many."""
    if not len(scores):
        return []
    middle = [float(scores[0]), *((scores[:-1] + scores[1:]) / 2).tolist()]
    step = -(-len(middle) // _THRESHOLDS)
    return [round(value, 9) for value in middle[::step]]

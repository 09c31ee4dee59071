"""How well expressions were spotted: precision, recall and F1 of intervals, as MEGC counts."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SpottingScores:
    """Precision, recall and F1 of a spotter, and the counts that they come from."""

    true_positives: int
    found: int
    truth: int

    @property
    def precision(self) -> float:
        return self.true_positives / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        return self.true_positives / self.truth if self.truth else 0.0

    @property
    def f1(self) -> float:
        both = self.found + self.truth
        return 2 * self.true_positives / both if both else 0.0

    def __add__(self, other: "SpottingScores") -> "SpottingScores":
        return SpottingScores(
            self.true_positives + other.true_positives,
            self.found + other.found,
            self.truth + other.truth,
        )


def spotting_scores(found, truth, least: float = 0.5) -> SpottingScores:
    """Compares intervals as MEGC does: a hit shares half of the union with a true interval.

    Every interval counts once: pairs are matched one to one, largest overlap first.

    Args:
        found, truth: (onset, offset) frames of one video, both included.
        least: intersection over union that makes a hit.

    Returns:
        `SpottingScores`; those of several videos are added with `+`.

    Source:
        Li, Soladie, Seguier, Wang, Yap, "Spotting Micro-Expressions on Long Videos Sequences",
        FG 2019; MEGC 2019 to 2022.

    Example:

    >>> scores = spotting_scores([(0, 9), (50, 59)], [(2, 11), (30, 39), (55, 74)])
    >>> scores.true_positives, round(scores.precision, 2), round(scores.recall, 2)
    (1, 0.5, 0.33)
    """
    pairs = []
    for i, (a, b) in enumerate(found):
        for j, (c, d) in enumerate(truth):
            shared = min(b, d) - max(a, c) + 1
            union = max(b, d) - min(a, c) + 1
            if shared > 0 and shared / union >= least:
                pairs.append((shared / union, i, j))
    hits_found, hits_truth = set(), set()
    for _, i, j in sorted(pairs, reverse=True):
        if i not in hits_found and j not in hits_truth:
            hits_found.add(i)
            hits_truth.add(j)
    return SpottingScores(len(hits_found), len(found), len(truth))

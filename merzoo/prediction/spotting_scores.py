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
        FG 2019; MEGC 2019 to 2025.

    Example:

    >>> scores = spotting_scores([(0, 9), (50, 59)], [(2, 11), (30, 39), (55, 74)])
    >>> scores.true_positives, round(scores.precision, 2), round(scores.recall, 2)
    (1, 0.5, 0.33)
    """
    return SpottingScores(len(matched(found, truth, least)), len(found), len(truth))


def intersection_over_union(one: tuple[int, int], other: tuple[int, int]) -> float:
    """Share of the frames of two intervals, ends included, that lie in both, 0..1.

    >>> intersection_over_union((0, 9), (2, 11))  # 8 frames of 12
    0.6666666666666666
    """
    shared = min(one[1], other[1]) - max(one[0], other[0]) + 1
    union = max(one[1], other[1]) - min(one[0], other[0]) + 1
    return max(shared, 0) / union


def matched(found, truth, least: float = 0.5) -> list[tuple[int, int]]:
    """Which found interval hits which true one: places in both lists, one to one.

    Args:
        found, truth, least: as for `spotting_scores`.

    Example:

    >>> matched([(3, 12), (0, 9), (50, 59)], [(2, 11)])  # the larger overlap; the other is none
    [(0, 0)]
    """
    pairs = []
    for i, one in enumerate(found):
        for j, other in enumerate(truth):
            overlap = intersection_over_union(one, other)
            if overlap > 0 and overlap >= least:
                pairs.append((overlap, i, j))
    hits: dict[int, int] = {}
    for _, i, j in sorted(pairs, key=lambda pair: (-pair[0], pair[1:])):
        if i not in hits and j not in hits.values():
            hits[i] = j
    return sorted(hits.items())

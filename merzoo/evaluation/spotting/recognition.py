"""How well what was spotted is recognised: STRS and its parts, from a table of answers.

The score is that of `merzoo.evaluation.spotting.recognise`, which makes the table.
"""

from collections.abc import Sequence

import numpy as np

from merzoo.data.long_videos import LongVideo
from merzoo.evaluation.spotting.intervals import Interval
from merzoo.evaluation.spotting.scores import LEAST
from merzoo.metrics import confusion_matrix, precision_per_class, recall_per_class, uar, uf1
from merzoo.prediction.spotting_scores import SpottingScores, matched
from merzoo.preprocessing.arrays import Arrays

KIND = "micro"
Row = tuple[int, LongVideo, Interval]


def recognition_metrics(
    table, videos: Sequence[LongVideo], true: Arrays, found: Sequence[Row], least: float = LEAST
) -> dict:
    """STRS and its parts, means over seeds.

    Args:
        table: `recognised.csv`.
        videos: that were tested, with their truth.
        true: the annotated expressions that have a class.
        found: (seed, video, interval) of everything found.
        least: intersection over union of a hit.
    """
    class_of = dict(zip(true.ids().tolist(), true.label.tolist(), strict=True))
    seeds = sorted({seed for seed, *_ in found}) or [0]
    usual = int(np.bincount(true.label, minlength=len(true.classes)).argmax())
    judged = [_judged(table, videos, class_of, true.classes, s, found, least) for s in seeds]
    each = [strs(*one, classes=len(true.classes)) for one in judged]
    always = [
        strs(spot, label, np.full(len(label), usual), classes=len(true.classes))
        for spot, label, _ in judged
    ]
    mean = {name: float(np.mean([one[name] for one in each])) for name in each[0]}
    return {
        "kind": KIND,
        "classes": list(true.classes),
        "truth": sum(len(video.intervals(KIND)) for video in videos),
        "recognised": float(np.mean([len(label) for _, label, _ in judged])),
        **mean,
        "floor": {name: float(np.mean([one[name] for one in always])) for name in each[0]},
        "strs_per_seed": [one["strs"] for one in each],
        "confusion": [
            confusion_matrix(label, predicted, len(true.classes)).tolist()
            for _, label, predicted in judged
        ],
    }


def _judged(table, videos, class_of, classes, seed: int, found: Sequence[Row], least: float):
    """Spotting of one seed, and true and predicted classes of the correctly spotted ones."""
    total, label, predicted = SpottingScores(0, 0, 0), [], []
    names = {name: place for place, name in enumerate(classes)}
    said = {
        (row.dataset, row.video, int(row.onset), int(row.offset)): row.predicted
        for row in table[table["seed"] == seed].itertuples()
    }
    for video in videos:
        mine = [
            one
            for number, other, one in found
            if number == seed and other.id == video.id and other.dataset == video.dataset
            if one.kind == KIND and one.reported
        ]
        clips = [c for c in video.expressions if c.split == KIND and c.onset is not None]
        truth = [(c.onset, c.offset) for c in clips]
        pairs = matched([(one.onset, one.offset) for one in mine], truth, least)
        total += SpottingScores(len(pairs), len(mine), len(truth))
        for i, j in pairs:
            answer = said.get((video.dataset, video.id, mine[i].onset, mine[i].offset))
            known = class_of.get(f"{video.dataset}/{clips[j].id}")
            if known is not None and answer in names:
                label.append(known)
                predicted.append(names[answer])
    return total, np.array(label, int), np.array(predicted, int)


def strs(spotted: SpottingScores, label, predicted, classes: int) -> dict[str, float]:
    """The spot-then-recognise score and its parts.

    Args:
        spotted: counts of all videos.
        label, predicted: (N,) classes of the correctly spotted intervals that have one.
        classes: their number; one that does not occur there counts as 0.

    Returns:
        `strs`, `spotting_f1`, `recognition_f1`, `recognition_uf1`, `recognition_uar`, 0..1.

    Source:
        Liong, See, Chan, Signal Processing: Image Communication 110, 2023; MEGC 2025.

    Example:

    Three of four found are true, of six: F1 6 / 10. Classes 0 0 1 taken for 0 1 1: precisions 1 and
    1/2, recalls 1/2 and 1, both 3/4 on average.

    >>> found = strs(SpottingScores(3, 4, 6), [0, 0, 1], [0, 1, 1], classes=2)
    >>> found["spotting_f1"], found["recognition_f1"], round(found["strs"], 3)
    (0.6, 0.75, 0.45)
    """
    matrix = confusion_matrix(label, predicted, classes)
    precision = float(precision_per_class(matrix).mean())
    recall = float(recall_per_class(matrix).mean())
    both = precision + recall
    f1 = 2 * precision * recall / both if both else 0.0
    return {
        "strs": spotted.f1 * f1,
        "spotting_f1": spotted.f1,
        "recognition_f1": f1,
        "recognition_uf1": float(uf1(matrix)),
        "recognition_uar": float(uar(matrix)),
    }

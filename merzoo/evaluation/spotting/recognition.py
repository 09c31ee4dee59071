"""How well what was spotted is recognised: STRS and its parts, from a table of answers.

The score is that of `merzoo.evaluation.spotting.recognise`, which makes the table; lists of other
programs are judged by the same.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from merzoo.data.clip import Clip
from merzoo.data.labels import map_labels
from merzoo.data.long_videos import LongVideo
from merzoo.errors import InputError, unknown
from merzoo.evaluation.spotting.intervals import WHERE, Interval
from merzoo.evaluation.spotting.scores import LEAST, Tables
from merzoo.metrics import confusion_matrix, precision_per_class, recall_per_class, uar, uf1
from merzoo.prediction.spotting_scores import SpottingScores, matched
from merzoo.preprocessing.arrays import Arrays

KIND = "micro"
NONE = ("", "micro", "macro")  # labels that name no emotion
Row = tuple[int, LongVideo, Interval]
# Of a video, what was found and what is true: onset, offset, class or `None`.
Sides = tuple[list[tuple[int, int, int | None]], list[tuple[int, int, int | None]]]
Judged = tuple[SpottingScores, np.ndarray, np.ndarray]  # spotting; true and predicted classes


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
    seeds = sorted({seed for seed, *_ in found}) or [0]
    judged = [_judged(_of_run(table, videos, true, seed, found), least) for seed in seeds]
    truth = sum(len(video.intervals(KIND)) for video in videos)
    return _summary(judged, true.classes, true.label, truth)


def recognition_of_list(
    tables: Tables, labels: str = "annotated", least: float = LEAST
) -> tuple[dict, list[str]]:
    """The same of intervals of another program, which name a class in a column `predicted`, and
    warnings of true ones that have no class.

    Args:
        tables: truth with labels, and what was found, with a column `predicted` (`""`: no answer).
        labels: label map by which the true labels become classes.
        least: intersection over union of a hit.

    Raises:
        InputError: where no true interval has a label, or for a class that is none.
    """
    truth = tables.truth[tables.truth["kind"] == KIND].reset_index(drop=True)
    clips = [
        Clip(row.dataset, row.subject, str(place), (), None if row.label in NONE else row.label)
        for place, row in enumerate(truth.fillna({"label": ""}).itertuples())
    ]
    mapped = map_labels(clips, labels)
    if not len(mapped.indices):
        raise InputError(
            "no true micro-expression has a label, so classes of found ones cannot be judged: give "
            "the truth a column 'label', or leave out the column 'predicted'."
        )
    places = (int(clip.id) for clip in mapped.clips)
    class_of = dict(zip(places, mapped.indices.tolist(), strict=True))
    names = {name: place for place, name in enumerate(mapped.classes)}
    for answer in tables.found["predicted"].unique():
        if answer and answer not in names:
            raise unknown("predicted class", answer, names, "--labels names another label map.")
    seeds = sorted(set(tables.found["seed"].tolist())) or [0]
    parts = [_of_list(tables.of_seed(seed), truth, class_of, names) for seed in seeds]
    judged = [_judged(part, least) for part in parts]
    without = ", ".join(f"{name} ({count})" for name, count in sorted(mapped.excluded.items()))
    said = f"{len(truth) - len(mapped.indices)} of {len(truth)} true {KIND}-expressions have no "
    said += f"class by {labels!r} and count for the spotting alone: {without}."
    found = _summary(judged, mapped.classes, mapped.indices, len(truth))
    return found, [said] if without else []


def _summary(judged: Sequence[Judged], classes: Sequence[str], label, truth: int) -> dict:
    """Scores of what was judged, one a seed, and those of always saying the usual class."""
    usual = int(np.bincount(label, minlength=len(classes)).argmax())
    each = [strs(*one, classes=len(classes)) for one in judged]
    always = [
        strs(spot, true, np.full(len(true), usual), classes=len(classes))
        for spot, true, _ in judged
    ]
    mean = {name: float(np.mean([one[name] for one in each])) for name in each[0]}
    return {
        "kind": KIND,
        "classes": list(classes),
        "truth": truth,
        "recognised": float(np.mean([len(true) for _, true, _ in judged])),
        **mean,
        "floor": {name: float(np.mean([one[name] for one in always])) for name in each[0]},
        "strs_per_seed": [one["strs"] for one in each],
        "confusion": [
            confusion_matrix(true, predicted, len(classes)).tolist()
            for _, true, predicted in judged
        ],
    }


def _judged(sides: Iterable[Sides], least: float) -> Judged:
    """Spotting of one seed, and true and predicted classes of the correctly spotted ones."""
    total, label, predicted = SpottingScores(0, 0, 0), [], []
    for found, truth in sides:
        pairs = matched([one[:2] for one in found], [one[:2] for one in truth], least)
        total += SpottingScores(len(pairs), len(found), len(truth))
        for i, j in pairs:
            answer, known = found[i][2], truth[j][2]
            if answer is not None and known is not None:
                label.append(known)
                predicted.append(answer)
    return total, np.array(label, int), np.array(predicted, int)


def _of_run(
    table, videos: Sequence[LongVideo], true: Arrays, seed: int, found: Sequence[Row]
) -> Iterator[Sides]:
    """What one seed of a run found in each video, and what is true."""
    class_of = dict(zip(true.ids().tolist(), true.label.tolist(), strict=True))
    names = {name: place for place, name in enumerate(true.classes)}
    said = {
        (row.dataset, row.video, int(row.onset), int(row.offset)): names.get(row.predicted)
        for row in table[table["seed"] == seed].itertuples()
    }
    for video in videos:
        mine = [
            one
            for number, other, one in found
            if number == seed and other.id == video.id and other.dataset == video.dataset
            if one.kind == KIND and one.reported
        ]
        place = (video.dataset, video.id)
        clips = [c for c in video.expressions if c.split == KIND and c.onset is not None]
        yield (
            [(i.onset, i.offset, said.get((*place, i.onset, i.offset))) for i in mine],
            [(c.onset, c.offset, class_of.get(f"{video.dataset}/{c.id}")) for c in clips],
        )


def _of_list(tables: Tables, truth, class_of: dict, names: dict) -> Iterator[Sides]:
    """The same of tables of one seed; `class_of` goes by rows of the truth."""
    reported = tables.found[(tables.found["kind"] == KIND) & tables.found["reported"]]
    for video in tables.videos[WHERE].itertuples(index=False):
        mine, true = (part[(part[WHERE] == list(video)).all(axis=1)] for part in (reported, truth))
        answers = zip(mine["onset"], mine["offset"], map(names.get, mine["predicted"]), strict=True)
        classes = zip(true["onset"], true["offset"], map(class_of.get, true.index), strict=True)
        yield list(answers), list(classes)


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

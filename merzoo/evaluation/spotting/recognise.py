"""`evaluate --task spot-recognise`: a spotter finds, a network names the class, STRS judges both.

Liong, See, Chan, "Spot-then-recognize: A micro-expression analysis network for seamless evaluation
of long videos", Signal Processing: Image Communication 110, 2023, and the metric that MEGC 2025
publishes with it: STRS = F1 of spotting times F1 of recognition. The former is pooled over all
videos; the latter is of the classes of the correctly spotted intervals alone: 2 P R / (P + R) of
the mean precision P and the mean recall R over classes.

In every fold the network trains on the annotated intervals of training people, as any network does,
and is asked about what the spotter found in the left out videos.
"""

import os
import tempfile
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from merzoo.arguments import MOST_JOBS, MOST_SEEDS, whole_number
from merzoo.data.clip import Clip
from merzoo.data.long_videos import LongVideo
from merzoo.errors import InputError
from merzoo.evaluation.leakage import find_leaks, stop_at_leaks
from merzoo.evaluation.runs.fold import FoldData, FoldJob
from merzoo.evaluation.runs.folder import RunFolder
from merzoo.evaluation.runs.samples import samples_for
from merzoo.evaluation.runs.workers import run_folds as train_folds
from merzoo.evaluation.splits.file import split_as_dict
from merzoo.evaluation.splits.protocols import Fold
from merzoo.evaluation.spotting import evaluate as spotting
from merzoo.evaluation.spotting.card import spotting_card
from merzoo.evaluation.spotting.intervals import Interval
from merzoo.evaluation.spotting.leaks import find_spotting_leaks, settled_on, videos_as_rows
from merzoo.evaluation.spotting.scores import LEAST
from merzoo.evaluation.spotting.spotters import resolve_spotter
from merzoo.files import write_json, write_table
from merzoo.metrics import confusion_matrix, precision_per_class, recall_per_class, uar, uf1
from merzoo.prediction.spotting_scores import SpottingScores, matched
from merzoo.preprocessing.arrays import Arrays
from merzoo.preprocessing.parameters import check_parameters
from merzoo.preprocessing.pipeline import prepare
from merzoo.progress import progress_bar
from merzoo.training.learner import Learner, resolve
from merzoo.training.recipes import change_preprocessing, change_recipe, recipe_as_dict

KIND = "micro"
Row = tuple[int, LongVideo, Interval]


def evaluate_recognised(
    model,
    data,
    *,
    recipe=None,
    epochs: int | None = None,
    arguments: dict | None = None,
    parameters: dict | None = None,
    labels: str | None = None,
    seeds: int = 1,
    jobs: int = 2,
    protocol: str = "loso",
    split=None,
    subjects: Sequence[str] | None = None,
    out: str | os.PathLike | None = None,
    allow_leaks: bool = False,
) -> spotting.SpottingResult:
    """Spots in the videos of each left out subject, and recognises what was spotted.

    Args:
        model: `"SPOTTER+NETWORK"`, such as `"spotter+offapexnet"` or `"softnet+ststnet"`, or the
            pair of them: any spotter of `evaluate_spots`, any network of `merzoo.evaluate`.
        data, seeds, jobs, protocol, split, subjects, out, allow_leaks: as for `evaluate_spots`.
        recipe, epochs, arguments, parameters: of the network; a learnt spotter goes by its own.
        labels: label map of the expressions; `None` for the recipe's.

    Returns:
        A `SpottingResult` whose `metrics` also have `recognition`: `strs`, `spotting_f1`,
        `recognition_f1`, `recognition_uf1`, `recognition_uar`, and the `floor` of a recogniser
        that always says the most frequent class.

    Raises:
        InputError: as `evaluate_spots` and `merzoo.evaluate`; also for recordings whose
            micro-expressions have no classes.

    Example:

    >>> evaluate_recognised("spotter", "synthetic-long:easy")
    Traceback (most recent call last):
    merzoo.errors.InputError: 'spotter': name a spotter and a network, such as spotter+offapexnet.
    """
    whole_number("seeds", seeds, most=MOST_SEEDS)
    whole_number("jobs", jobs, most=MOST_JOBS)
    spotter_named, network = _parts(model)
    spotter = resolve_spotter(spotter_named)
    learner = resolve(network, recipe, arguments=arguments)
    learner = learner.with_recipe(change_recipe(learner.recipe, epochs=epochs))
    learner = learner.with_recipe(change_preprocessing(learner.recipe, parameters))
    how = {n: v for n, v in (parameters or {}).items() if n in ("detector", "face")}
    videos = spotting.load_videos(data)
    rows = videos_as_rows(videos)
    folds = spotting.video_folds(rows, protocol, split, spotter)
    true = _true_samples(learner, videos, labels, jobs)
    sides = _sides_of(true, rows, folds)
    findings = find_spotting_leaks(videos, rows, folds, spotter)
    findings += [
        finding
        for finding in find_leaks(true, sides, learner=learner)
        if finding.kind != "annotation at test time"  # what is tested is spotted, its apex too
    ]
    leaks = stop_at_leaks(findings, allow_leaks)
    held_out = spotting.held_out(folds, subjects, rows)
    card = spotting_card(
        spotter,
        videos,
        rows,
        held_out,
        protocol=protocol if split is None else "a split of one's own",
        task="spot-recognise",
        named=spotting.as_text(data),
        seeds=seeds,
        jobs=jobs,
        parameters=how or None,
        more=_recogniser(spotter, learner, true),
    )
    card["rerun"]["model"] = _origin(spotter, learner)
    with RunFolder.held(out or tempfile.mkdtemp(prefix="merzoo-"), card) as folder:
        write_json(folder.path / "audit.json", [finding.as_dict() for finding in findings])
        write_json(folder.path / "split.json", split_as_dict(held_out, rows, card["protocol"]))
        look = partial(spotting.watched_by, spotter, videos, jobs, how)
        runs = 1 if spotter.deterministic else seeds
        found, chosen = spotting.run_folds(spotter, videos, look, held_out, runs, folder)
        write_json(folder.path / "chosen.json", chosen)
        leaks += stop_at_leaks(settled_on(chosen, rows, held_out), allow_leaks)
        if runs < seeds:  # the same intervals for every seed of the network
            found = [(seed, video, one) for seed in range(seeds) for _, video, one in found]
        fold_of = _fold_of(rows, folds, sides)
        table = _recognised(learner, true, fold_of, found, seeds, jobs)
        write_table(folder.path / "recognised.csv", table)
        tested = sorted({place for fold in held_out for place in fold.test.tolist()})
        tested_videos = [videos[place] for place in tested]
        more = {"recognition": recognition_metrics(table, tested_videos, true, found)}
        return spotting.finish(folder, tested_videos, found, leaks, more)


def _parts(model) -> tuple:
    if isinstance(model, str):
        spotter, plus, network = model.partition("+")
        if not (spotter and plus and network):
            raise InputError(
                f"{model!r}: name a spotter and a network, such as spotter+offapexnet."
            )
        return spotter, network
    if not isinstance(model, tuple | list) or len(model) != 2:
        raise InputError("give a spotter and a network, such as (my_function, 'offapexnet').")
    return tuple(model)


def _origin(spotter, learner: Learner) -> str | None:
    named = (spotter.origin, learner.origin)
    return None if None in named else "+".join(map(str, named))


def _recogniser(spotter, learner: Learner, true: Arrays) -> dict[str, Any]:
    """What the card says beside the facts of the spotter."""
    return {
        "model": f"{spotter.name}+{learner.name}",
        "deterministic": spotter.deterministic and learner.deterministic,
        "recogniser": {
            "model": learner.name,
            "recipe": recipe_as_dict(learner.recipe),
            "classes": list(true.classes),
            "samples_per_class": true.counts(),
            "trained_on": f"annotated {KIND}-expressions of training people",
        },
    }


def _true_samples(learner: Learner, videos: Sequence[LongVideo], labels, jobs: int) -> Arrays:
    """The annotated micro-expressions that have a class, as the network takes them."""
    clips = [clip for video in videos for clip in video.expressions if clip.split == KIND]
    labelled = [clip for clip in clips if clip.label and clip.label not in ("micro", "macro")]
    if not labelled:
        raise InputError(
            f"{len(clips)} {KIND}-expressions, none of which has an emotion: the recordings can be "
            f"spotted in (--task spot), but not recognised."
        )
    return learner.take(samples_for(learner, labelled, labels, jobs=jobs))


def _sides_of(true: Arrays, rows: Arrays, folds: Sequence[Fold]) -> list[Fold]:
    """The folds of videos as folds of the annotated expressions."""
    found = []
    for fold in folds:
        train, test = (set(rows.subject[side].tolist()) for side in (fold.train, fold.test))
        places = [np.flatnonzero(np.isin(true.subject, list(people))) for people in (train, test)]
        found.append(Fold(fold.name, *places))
    return found


def _fold_of(rows: Arrays, folds: Sequence[Fold], sides: Sequence[Fold]) -> dict[str, Fold]:
    """Subject -> the fold of annotated expressions in which the subject is tested."""
    return {
        subject: side
        for fold, side in zip(folds, sides, strict=True)
        for subject in rows.subject[fold.test].tolist()
    }


def _recognised(
    learner: Learner,
    true: Arrays,
    fold_of: dict[str, Fold],
    found: Sequence[Row],
    seeds: int,
    jobs: int,
):
    """A table of the reported micro-expressions with the class that the network gives each.

    Args:
        learner: of the network.
        true: what it trains on.
        fold_of: subject -> the fold of `true` in which it is tested.
        found: what was spotted.
        seeds, jobs: of the evaluation.
    """
    import pandas as pd

    columns = ["seed", "dataset", "subject", "video", "onset", "offset", "predicted"]
    columns += [f"p_{name}" for name in true.classes]
    asked = [row for row in found if row[2].kind == KIND and row[2].reported]
    if not asked:
        return pd.DataFrame([], columns=columns)
    spotted = _spotted_samples(learner, asked, true, jobs)
    todo, places = [], []
    joined = true.with_modalities(
        {n: np.concatenate([x, spotted[n][1]]) for n, x in true.modalities.items()}
    )
    kept = next(iter(spotted.values()))[0]  # rows of `asked` whose sample could be made
    for seed in range(seeds):
        for fold in {fold.name: fold for fold in fold_of.values()}.values():
            mine = [
                i
                for i, row in enumerate(kept)
                if asked[row][0] == seed and fold_of.get(asked[row][1].subject) is fold
            ]
            if mine:
                data = _fold_data(true, joined.modalities, fold, len(true) + np.array(mine))
                test = Fold(fold.name, fold.train, np.array(mine))
                todo.append(FoldJob(data, test, seed, learner))
                places.append([kept[i] for i in mine])
    answers: dict[int, np.ndarray] = {}
    numbers = {id(job): place for job, place in zip(todo, places, strict=True)}
    with progress_bar() as bar:
        trained = bar.track(train_folds(todo, jobs), len(todo), description=learner.name)
        for job, result in trained:
            answers |= dict(zip(numbers[id(job)], result.probabilities, strict=True))
    rows = []
    for place, (seed, video, one) in enumerate(asked):
        shares = answers.get(place)
        name = "" if shares is None else true.classes[int(shares.argmax())]
        given = [None] * len(true.classes) if shares is None else shares.tolist()
        ends = (one.onset, one.offset, name)
        rows.append((seed, video.dataset, video.subject, video.id, *ends, *given))
    return pd.DataFrame(rows, columns=columns)


def _fold_data(true: Arrays, modalities: dict, fold: Fold, test_rows: np.ndarray) -> FoldData:
    """A fold that trains on annotated expressions and is asked about spotted ones."""
    names = true.with_modalities({})
    label = true.label[fold.train]
    object.__setattr__(names, "label", np.broadcast_to(np.int64(-1), len(true)))
    return FoldData(names, fold.train, label, len(true), fold.train, test_rows, modalities)


def _spotted_samples(learner: Learner, asked: Sequence[Row], true: Arrays, jobs: int) -> dict:
    """Modality -> (rows of `asked`, samples) of what was spotted; without those of which none can
    be made, such as where no face is found."""
    clips = [
        Clip(
            video.dataset,
            video.subject,
            f"spotted {place}",
            video.frames,
            label=true.classes[0],  # which nobody reads: a clip must have one to be prepared
            fps=video.fps,
            onset=one.onset,
            apex=one.apex if one.apex is None or one.onset < one.apex <= one.offset else None,
            offset=one.offset,
        )
        for place, (_, video, one) in enumerate(asked)
    ]
    chosen = check_parameters(learner.recipe.preprocessing | {"on_error": "skip"})
    chosen.pop("frames")
    data = prepare(clips, learner.inputs or {}, "annotated", jobs=jobs, **chosen)
    rows = [int(name.split()[-1]) for name in data.clip.tolist()]
    return {name: (rows, x) for name, x in data.modalities.items()}


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
    matrix = np.zeros((classes, classes), int)
    np.add.at(matrix, (np.asarray(label, int), np.asarray(predicted, int)), 1)
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

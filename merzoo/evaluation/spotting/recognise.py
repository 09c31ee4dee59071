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
from merzoo.evaluation.leakage import Finding, find_leaks, stop_at_leaks
from merzoo.evaluation.runs.fold import FoldData, FoldJob
from merzoo.evaluation.runs.folder import RunFolder
from merzoo.evaluation.runs.samples import samples_for
from merzoo.evaluation.runs.workers import run_folds as train_folds
from merzoo.evaluation.splits.file import split_as_dict
from merzoo.evaluation.splits.held_out import held_out_folds
from merzoo.evaluation.splits.protocols import Fold
from merzoo.evaluation.spotting import evaluate as spotting
from merzoo.evaluation.spotting.card import spotting_card
from merzoo.evaluation.spotting.leaks import find_spotting_leaks, settled_on, videos_as_rows
from merzoo.evaluation.spotting.recognition import KIND, NONE, Row, recognition_metrics
from merzoo.evaluation.spotting.spotters import resolve_spotter
from merzoo.evaluation.tasks import RECOGNISE
from merzoo.files import write_json, write_table
from merzoo.preprocessing.arrays import Arrays
from merzoo.preprocessing.parameters import check_parameters
from merzoo.preprocessing.pipeline import prepare
from merzoo.progress import progress_bar
from merzoo.training.learner import Learner, check_classes, resolve
from merzoo.training.recipes import change_preprocessing, change_recipe, recipe_as_dict


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
    protocol: str | None = None,
    split=None,
    subjects: str | Sequence[str] | int | None = None,
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
    spotter, learner = _resolved(model, recipe, epochs, arguments, parameters)
    protocol = protocol or spotting.usual_protocol(learner)
    how = {n: v for n, v in (parameters or {}).items() if n in ("detector", "face")}
    videos = spotting.load_videos(data)
    rows = videos_as_rows(videos)
    folds = spotting.video_folds(rows, protocol, split, spotter)
    true = _true_samples(learner, videos, labels, jobs)
    sides = _sides_of(true, rows, folds)
    findings = find_spotting_leaks(videos, rows, folds, spotter)
    findings += _recogniser_leaks(true, sides, learner)
    leaks = stop_at_leaks(findings, allow_leaks)
    held_out = held_out_folds(folds, subjects, rows)
    for side in _sides_of(true, rows, held_out):
        check_classes(true.with_modalities({}).take(side.train), side.name)
    card = spotting_card(
        spotter,
        videos,
        rows,
        held_out,
        protocol=protocol if split is None else "a split of one's own",
        task=RECOGNISE,
        named=spotting.as_text(data),
        seeds=seeds,
        jobs=jobs,
        parameters=how or None,
        subjects=[fold.name for fold in held_out] if subjects else None,
        more=_recogniser(spotter, learner, true),
    )
    card["rerun"] |= {"model": _origin(spotter, learner), "labels": labels}
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


def audit_recognised(
    data,
    model,
    *,
    protocol: str | None = None,
    split=None,
    recipe=None,
    labels=None,
    parameters=None,
) -> list[Finding]:
    """The leaks in what `evaluate_recognised` would run with the same arguments; trains nothing.

    Example:

    >>> audit_recognised("synthetic-long:easy", "spotter")
    Traceback (most recent call last):
    merzoo.errors.InputError: 'spotter': name a spotter and a network, such as spotter+offapexnet.
    """
    spotter, learner = _resolved(model, recipe, parameters=parameters)
    protocol = protocol or spotting.usual_protocol(learner)
    videos = spotting.load_videos(data)
    rows = videos_as_rows(videos)
    folds = spotting.video_folds(rows, protocol, split, spotter)
    true = _true_samples(learner, videos, labels, 1)
    found = find_spotting_leaks(videos, rows, folds, spotter)
    return found + _recogniser_leaks(true, _sides_of(true, rows, folds), learner)


def _recogniser_leaks(true: Arrays, sides: list[Fold], learner: Learner) -> list[Finding]:
    return [
        finding
        for finding in find_leaks(true, sides, learner=learner)
        if finding.kind != "annotation at test time"  # what is tested is spotted, its apex too
    ]


def _resolved(model, recipe, epochs=None, arguments=None, parameters=None) -> tuple:
    """The spotter and the learner of the network."""
    spotter_named, network = _parts(model)
    learner = resolve(network, recipe, arguments=arguments)
    learner = learner.with_recipe(change_recipe(learner.recipe, epochs=epochs))
    learner = learner.with_recipe(change_preprocessing(learner.recipe, parameters))
    return resolve_spotter(spotter_named), learner


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
    labelled = [clip for clip in clips if (clip.label or "") not in NONE]
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

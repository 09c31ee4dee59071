"""`evaluate --task spot`: long videos and a spotter in; pooled honest figures and a folder out.

One subject after another is left out with all videos of that subject. What a spotter trains on and
chooses by are videos of the others; it then gets the left out videos without their truth.
"""

import json
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from merzoo.arguments import MOST_JOBS, MOST_SEEDS, whole_number
from merzoo.data.datasets import LONG, load_long, parse_data
from merzoo.data.long_videos import LongVideo
from merzoo.errors import InputError, unknown
from merzoo.evaluation.leakage import Finding, stop_at_leaks
from merzoo.evaluation.runs.folder import RunFolder
from merzoo.evaluation.splits.file import folds_of, split_as_dict
from merzoo.evaluation.splits.held_out import held_out_folds
from merzoo.evaluation.splits.protocols import Fold, parse_protocol
from merzoo.evaluation.spotting.card import spotting_card
from merzoo.evaluation.spotting.features import Watched, watch
from merzoo.evaluation.spotting.intervals import (
    Interval,
    found_table,
    truth_table,
    videos_table,
)
from merzoo.evaluation.spotting.leaks import find_spotting_leaks, settled_on, videos_as_rows
from merzoo.evaluation.spotting.page import spotting_tables, write_spotting_report
from merzoo.evaluation.spotting.scores import Tables, spotting_metrics
from merzoo.evaluation.spotting.spotters import MOTION, Spotter, resolve_spotter
from merzoo.files import file_name, write_json, write_table
from merzoo.names import one_spelling
from merzoo.preprocessing.arrays import Arrays
from merzoo.progress import progress_bar
from merzoo.schema import read_json


@dataclass(frozen=True)
class SpottingResult:
    """Figures of one spotting evaluation.

    Args:
        f1: pooled over all videos, micro- and macro-expressions together, mean over seeds, 0..1.
        metrics: the content of `metrics.json`; see `spotting_metrics`.
        intervals: pandas DataFrame of `intervals.csv`: all candidates, `reported` or not.
        warnings: what a reader must know.
        folder: where everything was written.
    """

    f1: float
    metrics: dict = field(repr=False)
    intervals: object = field(repr=False)
    warnings: tuple[str, ...]
    folder: Path

    def tables(self) -> list[tuple[str, list[str], list[list[str]]]]:
        """(title, columns, rows) for the terminal."""
        return spotting_tables(self.metrics)


def evaluate_spots(
    spotter,
    data,
    *,
    recipe=None,
    epochs: int | None = None,
    arguments: dict | None = None,
    parameters: dict | None = None,
    seeds: int = 1,
    jobs: int = 2,
    protocol: str | None = None,
    split=None,
    subjects: str | Sequence[str] | int | None = None,
    out: str | os.PathLike | None = None,
    allow_leaks: bool = False,
) -> SpottingResult:
    """Leaves each subject out, settles a spotter on the others and judges what it then finds.

    Args:
        spotter: `"spotter"`, a network, or a function video -> intervals; see `resolve_spotter`.
        data: texts such as `"synthetic-long:easy?subjects=6"` or `"samm_lv:FOLDER"`, one or
            several, or a list of `LongVideo`.
        recipe, epochs, arguments: of a network.
        parameters: `detector` and `face` of preprocessing; a spotter takes no others.
        seeds: how many seeds 0, 1, ... to run; a deterministic spotter has one.
        jobs: processes that look for movement.
        protocol, split: as for `merzoo.evaluate`, by subject; a split names videos.
        subjects: hold out only these (`"dataset/subject"`, however spelt), or of each data set the
            first so many.
        out: folder for the results; `None` makes a temporary one. A run that stopped half-way
            continues when called again with the same folder.
        allow_leaks: run although the audit found leaks, and mark the result.

    Returns:
        A `SpottingResult`.

    Raises:
        InputError: for an unknown spotter or data without long recordings, too few people to train
            and to choose on, or a leak.

    Source:
        Li, Soladie, Seguier, Wang, Yap, "Spotting Micro-Expressions on Long Videos Sequences", FG
        2019; He, Wang, Li, Yap, "Spotting Macro- and Micro-expression Intervals in Long Video
        Sequences", FG 2020 (MEGC 2020).

    Example:

    >>> import numpy as np
    >>> from merzoo.data.clip import Clip
    >>> from merzoo.data.frames import ArrayFrames
    >>> def video(person):
    ...     frames = ArrayFrames(np.zeros((90, 8, 8, 1), "uint8"), person)
    ...     clip = Clip("d", f"d/{person}", f"{person}/a", frames, onset=20, offset=31,
    ...                 split="micro")
    ...     return LongVideo("d", f"d/{person}", f"{person}/film", frames, 30.0, (clip,))
    >>> def always_there(video):
    ...     return [(19, 30, "micro", 1.0)]
    >>> result = evaluate_spots(always_there, [video(person) for person in "abc"])
    >>> result.f1, result.metrics["full"]["micro"]["onset_error_ms"]["mean"]
    (1.0, -33.333333333333336)
    """
    whole_number("seeds", seeds, most=MOST_SEEDS)
    whole_number("jobs", jobs, most=MOST_JOBS)
    found = resolve_spotter(spotter, recipe, epochs=epochs, arguments=arguments)
    protocol = protocol or usual_protocol(getattr(found, "learner", None))
    seeds = 1 if found.deterministic else seeds
    how = checked_parameters(parameters)
    videos = load_videos(data)
    rows = videos_as_rows(videos)
    folds = video_folds(rows, protocol, split, found)
    findings = find_spotting_leaks(videos, rows, folds, found)
    leaks = stop_at_leaks(findings, allow_leaks)
    tested_folds = held_out_folds(folds, subjects, rows)
    card = spotting_card(
        found,
        videos,
        rows,
        tested_folds,
        protocol=protocol if split is None else "a split of one's own",
        named=as_text(data),
        seeds=seeds,
        jobs=jobs,
        parameters=how or None,
        subjects=[fold.name for fold in tested_folds] if subjects else None,
    )
    with RunFolder.held(out or tempfile.mkdtemp(prefix="merzoo-"), card) as folder:
        write_json(folder.path / "audit.json", [finding.as_dict() for finding in findings])
        write_json(folder.path / "split.json", split_as_dict(tested_folds, rows, card["protocol"]))
        look = partial(watched_by, found, videos, jobs, how)
        intervals, chosen = run_folds(found, videos, look, tested_folds, seeds, folder)
        write_json(folder.path / "chosen.json", chosen)
        leaks += stop_at_leaks(settled_on(chosen, rows, tested_folds), allow_leaks)
        tested = sorted({place for fold in tested_folds for place in fold.test.tolist()})
        return finish(folder, [videos[place] for place in tested], intervals, leaks)


def audit_spots(
    data, spotter=MOTION, *, protocol: str | None = None, split=None, recipe=None
) -> list[Finding]:
    """The leaks in what `evaluate_spots` would run with the same arguments; trains nothing.

    Example:

    >>> import numpy as np
    >>> from merzoo.data.frames import ArrayFrames
    >>> def video(person):
    ...     frames = ArrayFrames(np.zeros((90, 8, 8, 1), "uint8"), person)
    ...     return LongVideo("d", f"d/{person}", f"{person}/film", frames, 30.0)
    >>> audit_spots([video(person) for person in "abc"])
    []
    """
    found = resolve_spotter(spotter, recipe)
    protocol = protocol or usual_protocol(getattr(found, "learner", None))
    videos = load_videos(data)
    rows = videos_as_rows(videos)
    folds = video_folds(rows, protocol, split, found)
    return find_spotting_leaks(videos, rows, folds, found)


def finish(
    folder: RunFolder, videos: Sequence[LongVideo], rows, warnings=(), more: dict | None = None
) -> SpottingResult:
    """Writes tables, figures (and `more` of them) and the page of a run that is over."""
    tables = Tables(videos_table(videos), truth_table(videos), found_table(rows))
    metrics = judged_tables(folder.path, tables, warnings, more)
    write_spotting_report(folder.path, videos)
    return result_of(folder.path, metrics, tables)


def judged_tables(
    folder: Path, tables: Tables, warnings: Sequence[str] = (), more: dict | None = None
) -> dict:
    """Writes the tables of a run and the figures that follow from them."""
    write_table(folder / "videos.csv", tables.videos)
    write_table(folder / "truth.csv", tables.truth)
    write_table(folder / "intervals.csv", tables.found)
    metrics = spotting_metrics(tables) | (more or {})
    metrics["warnings"] = [*warnings, *metrics["warnings"]]
    write_json(folder / "metrics.json", metrics)
    return metrics


def result_of(folder: Path, metrics: dict, tables: Tables) -> SpottingResult:
    """The `SpottingResult` of what a folder holds."""
    f1 = metrics["full"]["overall"]["f1"]
    return SpottingResult(f1, metrics, tables.found, tuple(metrics["warnings"]), folder)


def load_videos(data) -> list[LongVideo]:
    """Long videos as they are named, or as they are given.

    Raises:
        InputError: for a kind without long recordings, a video that stands twice, one without a
            frame rate, or none at all.
    """
    items = [data] if isinstance(data, str | LongVideo) else list(data)
    videos: list[LongVideo] = []
    for item in items:
        videos += [item] if isinstance(item, LongVideo) else _load_named(item)
    if not videos:
        raise InputError(f"{data!r}: there are no long videos to spot in.")
    _, subjects, _ = one_spelling(
        [v.dataset for v in videos], [v.subject for v in videos], [v.id for v in videos]
    )
    videos = [replace(v, subject=s) for v, s in zip(videos, subjects, strict=True)]
    names = [(video.dataset, video.id) for video in videos]
    for video, name in zip(videos, names, strict=True):
        if names.count(name) > 1:
            raise InputError(f"{video.dataset} {video.id}: the video stands twice; keep one.")
        if not video.fps:
            raise InputError(f"{video.dataset} {video.id}: its frames per second are unknown.")
    return videos


def _load_named(text: str) -> list[LongVideo]:
    source = parse_data(text)
    if source.kind not in LONG:
        raise unknown(
            "kind of data with long recordings", source.kind, LONG, "Spotting needs whole videos."
        )
    return load_long(source.kind, source.root, **source.options)


def checked_parameters(parameters: dict | None) -> dict:
    """The choices of preprocessing that looking for movement has: `detector` and `face`."""
    for name in parameters or {}:
        if name not in ("detector", "face"):
            said = name.replace("_", "-")
            raise InputError(f"--{said}: spotting has windows of its own and does not take it.")
    return dict(parameters or {})


def as_text(data) -> list[str] | None:
    """The data as they were named, for the card; `None` for objects."""
    items = [data] if isinstance(data, str | LongVideo) else list(data)
    return items if all(isinstance(item, str) for item in items) else None


def usual_protocol(learner) -> str:
    """The protocol of a network's recipe; leave one subject out for what has none."""
    return "loso" if learner is None else learner.recipe.protocol


def video_folds(rows: Arrays, protocol: str, split, spotter: Spotter) -> list[Fold]:
    """The folds of videos.

    Raises:
        InputError: for a protocol by clip or frame, or folds that train on too few people for the
            spotter: one to choose on, and one to train on where it is trained.
    """
    if split is None and parse_protocol(protocol)[0].by not in ("subject", "dataset"):
        raise InputError(
            f"--protocol {protocol}: long videos are parted by subject: loso, kfold:K."
        )
    folds = folds_of(rows, protocol, split)
    least = 2 if hasattr(spotter, "learner") else int(spotter.motion)
    for fold in folds:
        people = set(rows.subject[fold.train].tolist())
        if len(people) < least:
            raise InputError(
                f"fold {fold.name}: {len(people)} training people are too few for {spotter.name}, "
                f"which takes {least}: thresholds are chosen on people who are not trained on."
            )
    return folds


def watched_by(
    spotter: Spotter, videos: Sequence[LongVideo], jobs: int, how: dict
) -> list[Watched]:
    """The videos as the spotter sees them."""
    return watch(videos, motion=spotter.motion, windows=spotter.windows(), jobs=jobs, **how)


def run_folds(
    spotter: Spotter,
    videos: Sequence[LongVideo],
    look: Callable[[], Sequence[Watched]],
    folds: Sequence[Fold],
    seeds: int,
    folder: RunFolder,
) -> tuple[list[tuple[int, LongVideo, Interval]], dict]:
    """What is found in the left out videos of each fold and seed, and what was chosen for it.

    Finished folds are kept in the run's folder, and read from there when a run goes on; `look`
    gives the videos as the spotter sees them, and is asked only where a fold is to be run.
    """
    watched: Sequence[Watched] = ()
    rows: list[tuple[int, LongVideo, Interval]] = []
    chosen: dict[str, dict] = {}
    jobs = [(seed, fold) for seed in range(seeds) for fold in folds]
    by_name = {f"{video.dataset}/{video.id}": video for video in videos}
    with progress_bar() as bar:
        for seed, fold in bar.track(jobs, description=spotter.name):
            file = folder.folds / f"seed{seed}-{file_name(fold.name)}.json"
            kept = _kept(file)
            if kept is None:
                watched = watched or look()
                kept = _run_fold(spotter, videos, watched, fold, seed)
                write_json(file, kept)
            for name, intervals in kept["intervals"].items():
                rows += [(seed, by_name[name], Interval(**one)) for one in intervals]
            chosen[f"seed{seed}/{fold.name}"] = kept["chosen"]
    return rows, chosen


def _run_fold(spotter: Spotter, videos, watched, fold: Fold, seed: int) -> dict:
    train = fold.train.tolist()
    settled = spotter.settle(
        [watched[i] for i in train], [videos[i] for i in train], seed, fold.name
    )
    found = {
        f"{videos[i].dataset}/{videos[i].id}": [vars(one) for one in settled.spot(watched[i])]
        for i in fold.test.tolist()
    }
    return {"intervals": found, "chosen": settled.facts()}


def _kept(file: Path) -> dict | None:
    """A fold that an earlier run finished, or `None`."""
    if not file.is_file():
        return None
    try:
        return json.loads(json.dumps(read_json(file)))
    except InputError:
        return None  # damaged: it is run again

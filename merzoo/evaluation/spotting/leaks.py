"""Leaks of spotting: by what a test video's truth, or a test person, could reach a spotter.

Videos stand in the audit as samples stand in that of recognition: one row each, with its subject.
Names, spellings, splits and the walk through code are the same; what is new are the intervals of a
test video in what a spotter refers to, one recording under two names, and thresholds that were
chosen on people who are tested.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from merzoo.data.long_videos import LongVideo
from merzoo.errors import InputError
from merzoo.evaluation.leakage import code, groups, history
from merzoo.evaluation.leakage.findings import Finding, Sides, some
from merzoo.evaluation.leakage.own import builder_of
from merzoo.evaluation.leakage.walk import as_array, reachable
from merzoo.evaluation.splits.protocols import Fold
from merzoo.names import known_people
from merzoo.preprocessing.arrays import Arrays

INTERVALS = "intervals of test videos"
CHOSEN = "settings chosen on test subjects"
_FEWEST = 3  # intervals of a video that are no coincidence; all of them, where it has fewer


def videos_as_rows(videos: Sequence[LongVideo]) -> Arrays:
    """One row a video, without modalities: what splits and audits name.

    Raises:
        InputError: for a video that stands twice, naming it.
    """
    columns = ([getattr(video, name) for video in videos] for name in ("subject", "dataset", "id"))
    return Arrays({}, [0] * len(videos), *columns, ("video",), "long videos")


def find_spotting_leaks(
    videos: Sequence[LongVideo], rows: Arrays, folds: Sequence[Fold], spotter
) -> list[Finding]:
    """Everything by which test videos could reach a spotter.

    Args:
        videos: with their truth.
        rows: as `videos_as_rows` gives them.
        folds: the split.
        spotter: a `Spotter`; its function or its builder is looked into.

    Returns:
        The findings, errors first.
    """
    sides = Sides(rows, folds)
    learner = getattr(spotter, "learner", None)
    things: dict[str, object] = {}
    recipe = None
    if learner is not None:
        recipe = learner.recipe
        things = {"model_arguments": recipe.model_arguments} | builder_of(learner, 2)
    elif hasattr(spotter, "function"):
        things = {spotter.name: spotter.function}
    elif not type(spotter).__module__.startswith("merzoo."):
        things = {spotter.name: spotter}
    in_code, _ = code.reachable_test_samples(sides, things)
    findings = [
        *groups.shared_groups(sides, "subject"),
        *groups.spelling_variants(sides),
        *_copied_videos(videos, sides),
        *_intervals_in(videos, sides, things),
        *_declared(sides, things),
        *history.chosen_settings(sides, recipe),
        *in_code,
    ]
    return sorted(findings, key=lambda finding: finding.severity)


def _copied_videos(videos: Sequence[LongVideo], sides: Sides) -> Iterator[Finding]:
    """One recording on both sides, under two names: by its length and its first frames."""
    seen: dict[bytes, list[int]] = {}
    for place, video in enumerate(videos):
        seen.setdefault(_fingerprint(video), []).append(place)
    for places in seen.values():
        pairs = [(a, b) for i, a in enumerate(places) for b in places[i + 1 :]]
        if not pairs:
            continue
        first, second = map(np.array, zip(*pairs, strict=True))
        across = sides.across(first, second)
        if across.any():
            names = sides.names(np.unique(np.concatenate([first[across], second[across]])))
            message = f"one recording stands on both sides, as {some(names)}. Keep one."
            yield Finding("identical samples", "error", message, names)


def _fingerprint(video: LongVideo) -> bytes:
    digest = hashlib.blake2b(f"{len(video.frames)}".encode(), digest_size=16)
    for place in range(min(2, len(video.frames))):
        try:
            frame = video.frames[place]
        except InputError:
            return video.id.encode()  # reading will say what is wrong
        if frame.min() == frame.max():
            return f"{video.dataset}/{video.id}".encode()  # an empty picture tells nothing
        digest.update(np.ascontiguousarray(frame))
    return digest.digest()


def _intervals_in(
    videos: Sequence[LongVideo], sides: Sides, things: Mapping[str, object]
) -> list[Finding]:
    """Whether what a spotter refers to holds the true intervals of videos that are tested."""
    truth = {
        place: {(int(a), int(b)) for a, b in video.intervals(None)}
        for place, video in enumerate(videos)
        if sides.tested[place] and video.intervals(None)
    }
    held: dict[int, list[str]] = {}
    for where, value in reachable(dict(things)):
        pairs = _pairs_of(value)
        if not pairs:
            continue
        for place, true in truth.items():
            if len(true & pairs) >= min(_FEWEST, len(true)) and (len(true) > 1 or len(pairs) == 1):
                held.setdefault(place, []).append(where)
    if not held:
        return []
    names = sides.names(sorted(held))
    places = sorted({where for found in held.values() for where in found})
    message = (
        f"{some(places)} holds the true intervals of {len(held)} videos that are tested: "
        f"{some(names)}. A spotter must not know them: take them out."
    )
    return [Finding(INTERVALS, "error", message, names)]


def _pairs_of(value: Any) -> set[tuple[int, int]]:
    """(onset, offset) pairs that an array or a table may hold: two of its columns."""
    if isinstance(value, str):
        return set()
    if isinstance(value, Mapping):
        columns = [as_array(column) for column in value.values()]
        columns = [c for c in columns if c is not None and c.ndim == 1 and c.dtype.kind in "uif"]
        lengths = {len(column) for column in columns}
        if len(columns) < 2 or len(lengths) != 1:
            return set()
        array = np.stack([column.astype(float) for column in columns[:12]], -1)
    elif value.dtype.kind in "uif" and value.ndim == 2 and 2 <= value.shape[1] <= 12:
        array = value.astype(float)
    else:
        return set()
    whole = np.where(np.isfinite(array), array, -1).astype(np.int64)
    count = whole.shape[1]
    return {
        (int(row[a]), int(row[b]))
        for row in whole[:100_000]
        for a in range(count)
        for b in range(a + 1, count)
    }


def _declared(sides: Sides, things: Mapping[str, object]) -> Iterator[Finding]:
    """Whether a spotter of somebody's own says (`chosen_on`) that its settings were chosen on
    people who are tested."""
    for name, thing in things.items():
        declared = getattr(thing, "chosen_on", ())
        seen = known_people(sides.data.subject[sides.tested].tolist(), tuple(declared))
        if seen:
            yield _chosen_on(sides, name, seen)


def settled_on(chosen: Mapping[str, Mapping], rows: Arrays, folds: Sequence[Fold]) -> list[Finding]:
    """Whether a threshold of a finished run was chosen on the people that it was tested on.

    Args:
        chosen: content of `chosen.json`: `"seed0/FOLD"` -> kind -> `people` and more.
        rows, folds: of the run.
    """
    sides, findings = Sides(rows, folds), []
    tested = {fold.name: set(rows.subject[fold.test].tolist()) for fold in folds}
    for job, facts in chosen.items():
        fold = job.partition("/")[2]
        for kind, choice in facts.items():
            people = choice.get("people", ()) if isinstance(choice, Mapping) else ()
            seen = sorted(tested.get(fold, set()) & set(known_people(people, people)))
            if seen:
                findings.append(_chosen_on(sides, f"{kind}, fold {fold}", seen))
    return findings


def _chosen_on(sides: Sides, what: str, seen: Sequence[str]) -> Finding:
    message = (
        f"{what}: its threshold was chosen on {len(seen)} subjects that are tested: {some(seen)}. "
        f"Choose it on others."
    )
    rows = np.isin(sides.data.subject, list(seen)) & sides.tested
    return Finding(CHOSEN, "error", message, sides.names(rows))

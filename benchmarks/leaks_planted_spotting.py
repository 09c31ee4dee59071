"""Set-ups of spotting in which something of the test people leaks: the audit must find each."""

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from leak_parts import clean, planted

TRUTH = {"s1": [(10, 19), (60, 71), (120, 130)], "s2": [(30, 41), (90, 99)], "s3": [(75, 84)]}


def spotting_leaks(videos, spotter, split=None, chosen=None):
    """The findings of the audit, and of the thresholds of a finished run where there are any."""
    from merzoo.evaluation.splits.file import folds_of
    from merzoo.evaluation.spotting.evaluate import audit_spots
    from merzoo.evaluation.spotting.leaks import settled_on, videos_as_rows

    findings = audit_spots(videos, spotter, split=split)
    if chosen is not None:
        rows = videos_as_rows(videos)
        findings += settled_on(chosen, rows, folds_of(rows, "loso", split))
    return findings


def recordings():
    """A recording of each person, of noise, with intervals."""
    from merzoo.data.clip import Clip
    from merzoo.data.frames import ArrayFrames
    from merzoo.data.long_videos import LongVideo

    rng, found = np.random.default_rng(0), []
    for person, truth in TRUTH.items():
        frames = ArrayFrames(rng.integers(0, 255, (150, 8, 8, 1), dtype="uint8"), person)
        clips = tuple(
            Clip("d", f"d/{person}", f"{person}/{a}", frames, onset=a, offset=b, split="micro")
            for a, b in truth
        )
        found.append(LongVideo("d", f"d/{person}", f"{person}/film", frames, 30.0, clips))
    return found


def still(video):
    """Finds nothing."""
    return []


@planted("intervals of test videos")
def held_intervals(data):
    """a spotter that closes over the intervals of a test video."""
    known = TRUTH["s1"]

    def spotter(video):
        return [(a, b) for a, b in known if b < len(video.frames)]

    spotter.__module__ = "users_script"
    return {"videos": recordings(), "spotter": spotter}, {"d/s1/film"}


@planted("intervals of test videos")
def intervals_in_a_file(data):
    """a spotter that names a table of onset, apex and offset."""
    table = Path(tempfile.mkdtemp()) / "sheet.csv"
    rows = "".join(f"{a},{(a + b) // 2},{b}\n" for a, b in TRUTH["s1"])
    table.write_text("onset,apex,offset\n" + rows)

    def spotter(video, sheet=str(table)):
        return []

    spotter.__module__ = "users_script"
    return {"videos": recordings(), "spotter": spotter}, {"d/s1/film"}


@planted("settings chosen on test subjects")
def threshold_on_test_people(data):
    """a run whose threshold was chosen on the person it tests."""
    people = {"people": ["d/s1", "d/s2"], "threshold": 0.5}
    chosen = {"seed0/d/s1": {"micro": people}}
    return {"videos": recordings(), "spotter": still, "chosen": chosen}, {"d/s1/film"}


@planted("subject on both sides")
def videos_of_one_person(data):
    """a split with one person's long videos on both sides."""
    from merzoo.data.frames import ArrayFrames

    first, *others = recordings()
    frames = ArrayFrames(255 - first.frames.array, "another film")
    second = replace(first, id="s1/second", frames=frames, expressions=())
    split = Path(tempfile.mkdtemp()) / "split.json"
    sides = {"train": ["d/s1/second", "d/s2/film"], "test": ["d/s1/film"]}
    split.write_text(json.dumps({"folds": {"by video": sides}}))
    videos = [first, second, others[0]]
    return {"videos": videos, "spotter": still, "split": str(split)}, {"d/s1/film", "d/s1/second"}


@planted("identical samples")
def recording_under_two_names(data):
    """one recording under two people."""
    first, *others = recordings()
    again = replace(first, subject="d/s9", id="s9/film")
    return {"videos": [first, *others, again], "spotter": still}, {"d/s1/film", "d/s9/film"}


@clean
def honest_spotting(data):
    """a spotter of one's own, thresholds chosen on training people."""
    chosen = {"seed0/d/s1": {"micro": {"people": ["d/s2", "d/s3"]}}}
    return {"videos": recordings(), "spotter": still, "chosen": chosen}

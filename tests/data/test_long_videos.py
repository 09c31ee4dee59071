"""Long recordings: expressions cut out of them, and whole with the intervals in them."""

import shutil

import pytest

from merzoo.data import load, load_long
from merzoo.data.checks import check
from merzoo.errors import InputError
from merzoo.names import dataset_key
from tests.data import trees


def by_id(clips):
    return {clip.id: clip for clip in clips}


def test_casme_sq_gives_micro_expressions_unless_told_otherwise(tmp_path):
    trees.casme_sq(tmp_path)
    clips = by_id(load("casme_sq", tmp_path))
    assert set(clips) == {"s15/disgust1_1_20", "s19/happy1_1_5"}
    clip = clips["s15/disgust1_1_20"]
    assert (clip.frames.numbers[0], clip.frames.numbers[-1]) == (20, 30)
    assert (clip.onset, clip.apex, clip.offset, clip.fps) == (0, 4, 10, 30.0)
    assert (clip.subject, clip.label, clip.split) == ("casme_sq/s15", "negative", "micro")
    # The recording of person 3's film lies in the name of person 23; an apex of 0 is none.
    other = clips["s19/happy1_1_5"]
    assert "23_0502" in other.frames.name
    assert (other.apex, other.flags) == (None, ("no apex",))
    with pytest.raises(InputError, match="Did you mean 'macro'"):
        load("casme_sq", tmp_path, split="macr")


def test_casme_sq_takes_the_apex_for_an_offset_of_0(tmp_path):
    (clip,) = load("casme_sq", trees.casme_sq(tmp_path), split="macro")
    assert (clip.onset, clip.apex, clip.offset) == (0, 12, 12)
    assert clip.flags == ("offset 0",)
    report = check("casme_sq", tmp_path)
    assert [fault.kind for fault in report.faults] == ["offset 0"]
    assert report.open_faults() == []
    assert report.differences == [
        "subjects: 2 found, 22 published",
        "micro: 2 found, 57 published",
        "macro: 1 found, 300 published",
    ]


def test_casme_sq_rows_that_nothing_can_be_made_of(tmp_path):
    rows = (
        (1, "disgust1_1", 20, 0, 0, "4", "negative", "micro-expression", ""),
        (1, "disgust1_2", 20, 22, 25, "4", "negative", "blink", ""),
        (1, "anger1_1", 20, 22, 25, "4", "negative", "micro-expression", ""),
    )
    faults = check("casme_sq", trees.casme_sq(tmp_path, rows)).faults
    assert [fault.kind for fault in faults] == [
        *("unknown expression type", "offset 0", "missing folder"),
    ]
    assert [fault.lost for fault in faults] == [False, True, True]


def test_casme_sq_is_never_casme2(tmp_path):
    spelt = ("casme_sq", "CASME_sq", "CAS(ME)^2", "CAS(ME)2")
    assert {dataset_key(name) for name in spelt} == {"cas(me)2"}
    assert dataset_key("CASME2") == dataset_key("CASME II") == "casme2"
    trees.megc2019(tmp_path)
    trees.casme_sq(tmp_path / "CAS(ME)^2")  # before CASME2 in the order of names
    assert len(load("megc2019", tmp_path)) == 5


def test_long_videos_of_casme_sq_hold_all_intervals(tmp_path):
    videos = {video.id: video for video in load_long("casme_sq", trees.casme_sq(tmp_path))}
    assert set(videos) == {
        *("s15/15_0101disgustingteeth", "s19/23_0502funnyerrors", "s19/19_0401girl"),
    }
    video = videos["s15/15_0101disgustingteeth"]
    assert (len(video.frames), video.fps, video.subject) == (60, 30.0, "casme_sq/s15")
    # Frames 20..30 and 40..52 of those numbered from 1.
    assert video.intervals("micro") == [(19, 29)]
    assert video.intervals("macro") == [(39, 51)]
    assert video.intervals(None) == [(19, 29), (39, 51)]
    assert video.expressions[0].frames is video.frames
    assert videos["s19/19_0401girl"].intervals(None) == []


def test_of_two_folders_of_casme3_recordings_the_one_that_is_read_is_told(tmp_path):
    root = trees.casme3_intervals(tmp_path)
    shutil.copytree(root / "part_A", root / "part_A_depth")
    with pytest.warns(UserWarning, match=r"part_A is read, and not .*part_A_depth, which could be"):
        load_long("casme3", root)


def test_long_videos_of_casme3_by_the_sheet_of_both_kinds(tmp_path):
    videos = {video.id: video for video in load_long("casme3", trees.casme3_intervals(tmp_path))}
    assert set(videos) == {"spNO.1/b", "spNO.1/c"}
    video = videos["spNO.1/b"]
    assert len(video.frames) == 199  # one of 200 was dropped
    # Frames 166..175 with the 170th missing; an onset of 0 begins with the recording, and an
    # offset of 0 ends at the apex (frame 190).
    assert video.intervals("micro") == [(165, 173)]
    assert video.intervals("macro") == [(0, 59), (178, 188)]
    assert videos["spNO.1/c"].expressions == ()
    micro = next(clip for clip in video.expressions if clip.split == "micro")
    assert (micro.label, micro.frames.numbers[micro.apex]) == ("micro", 169)
    assert "apex frame 170 dropped, 169 taken" in micro.flags


def test_samm_lv_movements_and_videos(tmp_path):
    clips = by_id(load("samm_lv", trees.samm_lv(tmp_path)))
    assert set(clips) == {"006_1_1_20", "006_1_2_0", "007_7_1_40"}
    assert {clip.subject for clip in clips.values()} == {"samm_lv/006", "samm_lv/007"}
    macro = clips["006_1_2_0"]
    # The frames are numbered from 1: an onset of 0 is the first, frame 5 is the fifth.
    assert (macro.onset, macro.apex, macro.offset, macro.label) == (0, 4, 17, "macro")
    assert macro.flags == ("onset 0",)
    assert [clip.id for clip in load("samm_lv", tmp_path, split="macro")] == ["006_1_2_0"]
    videos = {video.id: video for video in load_long("samm_lv", tmp_path)}
    assert set(videos) == {"006_1", "007_7", "007_6"}
    assert videos["006_1"].intervals("macro") == [(0, 17)]
    assert videos["006_1"].intervals("micro") == [(19, 29)]
    assert videos["007_6"].intervals(None) == []


def test_samm_lv_is_compared_with_the_published_counts(tmp_path):
    report = check("samm_lv", trees.samm_lv(tmp_path))
    assert [fault.kind for fault in report.faults] == ["onset 0"]
    assert report.open_faults() == []
    assert report.differences == ["micro: 2 found, 159 published", "macro: 1 found, 343 published"]


def test_kinds_without_long_recordings_are_told(tmp_path):
    with pytest.raises(InputError, match="Unknown kind of data with long recordings"):
        load_long("casme2", tmp_path)

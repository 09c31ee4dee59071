"""Each adapter on a tiny tree in the exact form of its dataset."""

import os
import re
import shutil
import time
from collections import Counter

import numpy as np
import pytest

import merzoo
from merzoo.data import load
from merzoo.data.action_units import parse_action_units
from merzoo.data.casme2 import PUBLISHED as CASME2_PUBLISHED
from merzoo.data.casme3 import PUBLISHED as CASME3_PUBLISHED
from merzoo.data.checks import check
from merzoo.data.datasets import KINDS, parse_data
from merzoo.data.fer2013 import PUBLISHED as FER_PUBLISHED
from merzoo.data.frames import ImageFrames
from merzoo.data.labels import label_map, map_labels
from merzoo.data.megc2019 import PUBLISHED as MEGC_PUBLISHED
from merzoo.data.raf_db import PUBLISHED as RAF_PUBLISHED
from merzoo.data.samm import PUBLISHED as SAMM_PUBLISHED
from merzoo.errors import InputError
from tests.data import trees


def by_id(clips):
    return {clip.id: clip for clip in clips}


@pytest.mark.parametrize(
    ("kind", "write", "options", "count"),
    [
        ("casme2", trees.casme2, {}, 4),
        ("samm", trees.samm, {}, 3),
        ("samm_lv", trees.samm_lv, {}, 3),
        ("smic", trees.smic, {}, 3),
        ("smic", trees.smic_extended, {"part": "e-hs"}, 1),
        ("casme", trees.casme, {}, 1),
        ("casme3", trees.casme3, {}, 2),
        ("mmew", trees.mmew, {}, 2),
        ("mmew", trees.mmew_flat, {}, 2),
        ("casme3", trees.casme3_c, {"part": "c"}, 2),
        ("casme3", trees.casme3_intervals, {"split": "macro"}, 1),
        ("casme_sq", trees.casme_sq, {"split": "all"}, 3),
        ("dfme", trees.dfme, {}, 3),
        ("4dme", trees.four_dme, {}, 3),
        ("megc2019", trees.megc2019, {}, 5),
        ("manifest", trees.manifest, {}, 2),
        ("ck_plus", trees.ck_plus, {}, 2),
        ("ck_plus", trees.ck_plus_48, {}, 6),
        ("raf_db", trees.raf_db, {}, 3),
        ("raf_db", trees.raf_db_folders, {}, 2),
        ("fer2013", trees.fer2013, {}, 5),
        ("fer2013", trees.fer2013_csv, {}, 3),
    ],
)
def test_every_form_loads_without_opening_an_image(
    tmp_path, monkeypatch, kind, write, options, count
):
    root = write(tmp_path)
    monkeypatch.setattr("merzoo.data.frames.read_image", lambda path: pytest.fail("opened"))
    clips = load(kind, root, **options)
    assert len(clips) == count
    assert len({(clip.dataset, clip.id) for clip in clips}) == count
    assert all(clip.subject.startswith(f"{clip.dataset}/") for clip in clips)
    monkeypatch.undo()
    for clip in clips:
        assert clip.frames[0].ndim == 3


def test_casme2_maps_frame_numbers_to_files_not_positions(tmp_path):
    clips = by_id(load("casme2", trees.casme2(tmp_path)))
    clip = clips["sub01/EP02_01f"]
    assert (clip.onset, clip.apex, clip.offset) == (0, 13, 40)  # frames 46, 59, 86 of 46..86
    assert clip.frames.numbers[clip.apex] == 59
    assert (clip.subject, clip.fps, clip.label) == ("casme2/sub01", 200.0, "happiness")
    assert clip.action_units == "4+L10"
    assert clip.source == "CASME2-coding-20140508.xlsx, row 2"
    assert clips["sub26/EP18_50"].frames.paths[-1].name == "img9.jpg"


def test_casme2_writes_a_stroke_for_no_apex(tmp_path):
    rows = ((1, "EP03_02", 8, "/", 12, "4", "others"),)
    clip = load("casme2", trees.casme2(tmp_path, rows))[0]
    assert (clip.apex, clip.flags) == (None, ("no apex",))


def test_casme2_numbers_survive_a_gap(tmp_path):
    trees.casme2(tmp_path)
    (tmp_path / "CASME2_RAW_selected/sub01/EP02_01f/img50.jpg").unlink()
    clip = by_id(load("casme2", tmp_path))["sub01/EP02_01f"]
    assert clip.apex == 12
    assert clip.frames.numbers[clip.apex] == 59
    assert "missing frames" in clip.flags


@pytest.mark.parametrize("inside", [False, True])
def test_casme2_cropped_frames_and_a_root_above_or_at_them(tmp_path, inside):
    trees.casme2(tmp_path, frames="cropped")
    root = tmp_path / "Cropped" if inside else tmp_path
    sheet = {"annotation": tmp_path / "CASME2-coding-20140508.xlsx"} if inside else {}
    assert len(load("casme2", root, frames="cropped", **sheet)) == 4
    with pytest.raises(InputError, match="no raw frames"):
        load("casme2", root, frames="raw", **sheet)


def test_casme2_raw_frames_come_first_where_both_are_there(tmp_path):
    trees.casme2(tmp_path, frames="cropped")
    trees.casme2(tmp_path)
    assert load("casme2", tmp_path)[0].frames.paths[0].name == "img46.jpg"
    assert load("casme2", tmp_path, frames="cropped")[0].frames.paths[0].name == "reg_img46.jpg"


def test_casme2_offset_0_becomes_the_last_frame_and_is_flagged(tmp_path):
    rows = ((1, "EP01", 5, 7, 0, "4", "disgust"),)
    clip = load("casme2", trees.casme2(tmp_path, rows))[0]
    assert (clip.offset, clip.flags) == (5, ("offset 0",))


def test_casme2_objective_classes_are_joined(tmp_path):
    rows = [("Subject", "Filename", "Objective Class"), (1, "EP02_01f", 1), (17, "EP05_03", 4)]
    trees.write_sheet(trees.casme2(tmp_path) / "CASME2-ObjectiveClasses.xlsx", rows)
    clips = by_id(load("casme2", tmp_path))
    assert clips["sub01/EP02_01f"].objective_class == 1
    assert clips["sub01/EP03_02"].objective_class is None


def test_samm_header_stands_on_row_14_and_subjects_are_text(tmp_path):
    clips = by_id(load("samm", trees.samm(tmp_path)))
    clip = clips["006_1_2"]
    assert (clip.subject, clip.onset, clip.apex, clip.offset) == ("samm/006", 0, 26, 70)
    assert clip.source.endswith("row 15")
    assert clips["007_3_1"].subject == "samm/007"
    assert clips["007_3_1"].objective_class == 6


def test_samm_apex_outside_is_kept_and_flagged(tmp_path):
    rows = (("028", "028_4_1", 10, 9, 14, "4", "Other", 7),)
    trees.samm(tmp_path, rows)
    trees.write_images(tmp_path / "SAMM/028/028_4_1", ["028_00009.jpg"])
    clip = load("samm", tmp_path)[0]
    assert clip.frames.numbers[clip.apex] == 9
    assert clip.flags == ("apex outside onset..offset",)


@pytest.mark.parametrize(
    ("kind", "write", "folder", "copy", "options"),
    [
        ("samm", trees.samm, "SAMM", "Flow", {}),
        ("casme2", trees.casme2, "CASME2_RAW_selected", "CASME2_RAW", {}),
        ("megc2019", trees.megc2019, "SAMM/SAMM", "SAMM/Flow", {}),
        ("megc2019", trees.megc2019, "CASME2", "CASME II", {}),
        ("casme3", trees.casme3, "Part_A_ME_clip/frame", "Part_A_ME_clip/depth", {}),
        ("casme3", trees.casme3_intervals, "part_A", "part_A_depth", {"split": "macro"}),
        ("casme3", trees.casme3_c, "part_C", "part_C_depth", {"part": "c"}),
        ("mmew", trees.mmew, "Micro_Expression", "Micro_Flow", {}),
        ("mmew", trees.mmew_flat, "Micro_Expression", "Micro_Flow", {}),
        ("ck_plus", trees.ck_plus, "cohn-kanade-images", "cropped", {}),
        ("ck_plus", trees.ck_plus, "Emotion", "Emotion_labels", {}),
        ("ck_plus", trees.ck_plus, "FACS", "FACS_labels", {}),
        ("ck_plus", trees.ck_plus_48, "CK+48", "CK+96", {}),
        ("raf_db", trees.raf_db, "Image/aligned", "Cropped/aligned", {}),
        ("raf_db", trees.raf_db_folders, "DATASET", "DATASET_2", {}),
        ("fer2013", lambda path: trees.fer2013(path / "a").parent, "a", "b", {}),
    ],
)
def test_of_two_folders_that_could_be_meant_the_one_that_is_read_is_told(
    tmp_path, kind, write, folder, copy, options
):
    root = write(tmp_path)
    shutil.copytree(root / folder, root / copy)
    first, second = map(re.escape, sorted((folder, copy)))
    with pytest.warns(UserWarning, match=f"{first} is read, and not .*{second}, which could be"):
        load(kind, root, **options)


def test_of_two_sheets_of_objective_classes_the_one_that_is_read_is_told(tmp_path):
    root = trees.casme2(tmp_path)
    for name in ("CASME2-ObjectiveClasses", "CASME2-ObjectiveClasses-2"):
        trees.write_sheet(root / f"{name}.xlsx", [("1", "EP02_01f", 1)])
    words = r"Classes-2\.xlsx is read for the objective classes, and not .*Classes\.xlsx"
    with pytest.warns(UserWarning, match=words):
        load("casme2", root)


def test_smic_takes_the_class_from_the_folder(tmp_path):
    clips = by_id(load("smic", trees.smic(tmp_path)))
    clip = clips["hs/s1_sur_02"]
    assert (clip.label, clip.subject, clip.fps) == ("surprise", "smic/s1", 100.0)
    assert (clip.onset, clip.apex, clip.offset, clip.action_units) == (0, None, 5, None)


def test_smic_parts(tmp_path):
    trees.smic(tmp_path, part="VIS")
    assert {clip.fps for clip in load("smic", tmp_path, part="vis")} == {25.0}
    with pytest.raises(InputError, match="hs"):
        load("smic", tmp_path, part="hs")
    with pytest.raises(InputError, match="Unknown part"):
        load("smic", tmp_path, part="uv")


def test_smic_root_may_be_the_folder_of_the_part(tmp_path):
    trees.smic(tmp_path)
    root = tmp_path / "SMIC_all_cropped/HS"
    assert [c.id for c in load("smic", root)] == [c.id for c in load("smic", tmp_path)]
    with pytest.raises(InputError, match="no raw frames of SMIC"):
        load("smic", root, frames="raw")


def test_smic_extended_maps_numbers_and_spellings(tmp_path):
    clip = load("smic", trees.smic_extended(tmp_path), part="e-hs")[0]
    assert (clip.subject, clip.id) == ("smic/s3", "e-hs/s3_ne_04")
    assert (clip.onset, clip.apex, clip.offset) == (5, 10, 20)


def test_casme_takes_the_second_apex_where_the_first_is_0(tmp_path):
    clip = load("casme", trees.casme(tmp_path))[0]
    assert (clip.onset, clip.apex, clip.offset, clip.fps) == (0, 5, 10, 60.0)
    assert clip.label == "tense"


@pytest.mark.parametrize("form", ["cut", "whole"])
def test_casme3_clips_of_one_recording_and_dropped_frames(tmp_path, form):
    clips = by_id(load("casme3", trees.casme3(tmp_path, form)))
    assert set(clips) == {"spNO.1_b_166", "spNO.1_b_180"}
    clip = clips["spNO.1_b_166"]
    assert clip.frames.numbers == (166, 167, 168, 169, 171, 172, 173, 174, 175)
    assert clip.frames.numbers[clip.apex] == 169  # 170 was dropped: 169 and 171 are as near
    assert "1 dropped frames" in clip.flags
    assert "apex frame 170 dropped, 169 taken" in clip.flags


def test_casme2_and_casme_sheets_of_before_2007(tmp_path):
    trees.casme2(tmp_path / "2")
    (tmp_path / "2/CASME2-coding-20140508.xlsx").unlink()
    header = ("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame")
    rows = [(*header, "Action Units", "Estimated Emotion"), *trees.CASME2_ROWS]
    trees.write_old_sheet(tmp_path / "2/CASME2_label_Ver_2.xls", {"Sheet1": rows})
    clip = by_id(load("casme2", tmp_path / "2"))["sub01/EP02_01f"]
    assert (clip.onset, clip.apex, clip.offset, clip.label) == (0, 13, 40, "happiness")
    assert clip.source == "CASME2_label_Ver_2.xls, row 2"
    trees.casme(tmp_path / "1")
    (tmp_path / "1/CASME-coding.xlsx").unlink()
    header = ("Subject", "Filename", None, "OnsetF", "ApexF1", "ApexF2", "OffsetF", None)
    rows = [
        (*header, "Onset", "Total", "AU", "Emotion"),  # Onset and Total are milliseconds
        (1, "EP01_12", None, 20, 25, "\\", 30, None, 150.0, 316.7, 4, "tense"),
    ]
    trees.write_old_sheet(tmp_path / "1/CASME-coded-20190721.xls", {"Sheet1": rows})
    clip = load("casme", tmp_path / "1")[0]
    assert (clip.onset, clip.apex, clip.offset, clip.action_units) == (0, 5, 10, "4")


def test_mmew_clips_in_no_folder_of_their_class(tmp_path):
    clips = by_id(load("mmew", trees.mmew_flat(tmp_path)))
    assert (clips["S12-03-004"].apex, clips["S12-03-004"].flags) == (None, ("no apex",))
    report = check("mmew", tmp_path)
    assert [fault.kind for fault in report.faults] == ["no apex"]
    assert report.open_faults() == []


def test_casme3_part_c_has_other_people_and_no_apex(tmp_path):
    clips = by_id(load("casme3", trees.casme3_c(tmp_path), part="c"))
    clip = clips["C01_1_373"]
    assert (clip.subject, clip.onset, clip.apex, clip.offset) == ("casme3/C01", 0, None, 7)
    assert parse_action_units(clip.action_units).numbers == {4, 7}
    three = map_labels(list(clips.values()), "casme3-3").counts()
    assert three == {"negative": 1, "positive": 1, "surprise": 0}
    with pytest.raises(InputError, match="label map 'casme3-7'"):
        map_labels(list(clips.values()), "casme3-7")
    with pytest.raises(InputError, match="Unknown part of CAS"):
        load("casme3", tmp_path, part="b")
    with pytest.raises(InputError, match="Unknown kind of expression in part c"):
        load("casme3", tmp_path, part="c", split="macro")


def test_casme3_label_maps_of_part_a(tmp_path):
    clips = load("casme3", trees.casme3(tmp_path))
    assert map_labels(clips, "casme3-4").counts()["positive"] == 1
    assert map_labels(clips, "casme3-7").counts()["happiness"] == 1
    kept = {name: label_map(name).table("casme3") for name in ("casme3-3", "casme3-4")}
    published = CASME3_PUBLISHED.classes
    # Of the 860 clips 161 are others: 699 in three classes, all in four and in seven.
    others = sum(n for emotion, n in published.items() if kept["casme3-3"][emotion] is None)
    assert (others, sum(published.values())) == (161, 860)
    assert all(kept["casme3-4"][emotion] for emotion in published)


def test_mmew_others_and_repression_are_one_class(tmp_path):
    clips = load("mmew", trees.mmew(tmp_path))
    assert {clip.subject for clip in clips} == {"mmew/S03"}
    assert by_id(clips)["S03-01-005"].onset == 1


def test_4dme_clips_of_several_emotions_keep_them_and_are_left_out_by_maps(tmp_path):
    clips = by_id(load("4dme", trees.four_dme(tmp_path)))
    clip = clips["01/clip_b"]
    assert (clip.label, clip.fps) == ("negative+repression", 60.0)
    assert parse_action_units(clip.action_units).numbers == {4, 7}
    assert clips["01/clip_a"].frames.numbers[clips["01/clip_a"].apex] == 1830
    assert clips["24/clip_a"].subject == "4dme/24"
    five = map_labels(list(clips.values()), "4dme-5")
    assert five.counts()["repression"] == five.counts()["positive"] == 1
    assert five.excluded == {"4dme/negative+repression": 1}
    three = map_labels(list(clips.values()), "megc3")
    assert three.counts() == {"negative": 0, "positive": 1, "surprise": 0}


def test_dfme_parts_are_splits_and_the_rate_is_unknown_unless_said(tmp_path):
    clips = by_id(load("dfme", trees.dfme(tmp_path)))
    clip = clips["sub0003_01"]
    assert (clip.subject, clip.onset, clip.apex, clip.offset) == ("dfme/sub0003", 0, 3, 7)
    assert (clip.split, clip.fps, clip.label) == ("train", None, "Disgust")
    assert clips["sub0101_01"].split == "testA"
    (test,) = load("dfme", tmp_path, split="testa", fps="300")
    assert (test.id, test.fps) == ("sub0101_01", 300.0)
    with pytest.raises(InputError, match="no sheet of testB; it has those of testA, train"):
        load("dfme", tmp_path, split="testB")
    for rate, said in (("fast", "must be a number, got 'fast'"), ("0", "fps=0: frames per second")):
        with pytest.raises(InputError, match=said):
            load("dfme", tmp_path, fps=rate)
    mapped = map_labels(list(clips.values()), "dfme-7").counts()
    assert (mapped["disgust"], mapped["fear"]) == (2, 1)


def test_dfme_sheet_of_any_name_is_of_the_part_that_is_said(tmp_path):
    trees.dfme(tmp_path)
    rows = [trees.DFME_HEADER, *trees.DFME_ROWS["testA_full_with_AU.xlsx"]]
    trees.write_csv(tmp_path / "mine.csv", rows)
    (clip,) = load("dfme", tmp_path, annotation="mine.csv", split="testB")
    assert (clip.id, clip.split) == ("sub0101_01", "testB")


def test_dfme_sheet_in_two_copies_and_a_clip_in_two_folders(tmp_path):
    trees.dfme(tmp_path)
    trees.write_images(tmp_path / "zip/copy/sub0003_01", ["00005.png"])
    assert [f.kind for f in check("dfme", tmp_path).faults] == ["two folders of a clip"]
    rows = [trees.DFME_HEADER, *trees.DFME_ROWS["training_full_with_AU.xlsx"]]
    trees.write_sheet(tmp_path / "dfme_train.xlsx", rows)
    with pytest.raises(InputError, match="several sheets of train"):
        load("dfme", tmp_path)


def test_megc2019_is_joined_by_the_list_with_its_spellings_and_blank_rows(tmp_path):
    clips = load("megc2019", trees.megc2019(tmp_path))
    found = {(clip.dataset, clip.subject, clip.label) for clip in clips}
    assert ("smic", "smic/s1", "negative") in found  # the list writes s01, the disk s1
    assert ("casme2", "casme2/sub17", "negative") in found
    assert ("samm", "samm/006", "positive") in found


def test_megc2019_is_never_derived_unasked(tmp_path):
    (trees.megc2019(tmp_path) / "combined_3class_gt.csv").unlink()
    with pytest.raises(InputError, match="official=derived"):
        load("megc2019", tmp_path)
    clips = load("megc2019", tmp_path, official="derived")
    assert Counter(clip.label for clip in clips) == {"negative": 3, "positive": 3, "surprise": 2}


def test_megc2019_published_figures_add_up():
    # 442 clips: 164 SMIC, 145 CASME II, 133 SAMM; 250 negative, 109 positive, 83 surprise.
    assert sum(MEGC_PUBLISHED.splits.values()) == MEGC_PUBLISHED.clips == 442
    total = sum(map(Counter, MEGC_PUBLISHED.split_classes.values()), Counter())
    assert total == MEGC_PUBLISHED.classes


@pytest.mark.parametrize("published", [CASME2_PUBLISHED, SAMM_PUBLISHED])
def test_published_classes_add_up_to_the_clips(published):
    assert sum(published.classes.values()) == published.clips


@pytest.mark.parametrize("published", [FER_PUBLISHED, RAF_PUBLISHED])
def test_published_splits_add_up(published):
    assert sum(published.splits.values()) == published.clips
    for split, classes in published.split_classes.items():
        assert sum(classes.values()) == published.splits[split]


def test_ck_plus_reads_codes_and_units(tmp_path):
    clips = by_id(load("ck_plus", trees.ck_plus(tmp_path)))
    clip = clips["S005/001"]
    assert (clip.label, clip.action_units, clip.apex) == ("disgust", "9D+17", 10)
    assert clips["S010/002"].label is None


@pytest.mark.parametrize("lowered", ["cohn-kanade-images", "Emotion", "FACS", "*"])
def test_ck_plus_folders_in_small_letters_keep_their_labels_and_units(tmp_path, lowered):
    trees.ck_plus(tmp_path / "written")
    wanted = load("ck_plus", tmp_path / "written")
    trees.ck_plus(tmp_path)
    for folder in tmp_path.glob(f"{lowered}/S[0-9]*"):
        folder.rename(folder.with_name(folder.name.lower()))
    assert [(c.id, c.label, c.action_units) for c in load("ck_plus", tmp_path)] == [
        (c.id, c.label, c.action_units) for c in wanted
    ]


def test_ck_plus_48_keeps_the_three_images_of_a_sequence_with_one_subject(tmp_path):
    clips = load("ck_plus", trees.ck_plus_48(tmp_path))
    assert {clip.subject for clip in clips} == {"ck_plus/S010"}
    assert Counter(clip.label for clip in clips) == {"happy": 3, "anger": 3}


@pytest.mark.parametrize("write", [trees.raf_db, trees.raf_db_folders])
def test_raf_db_codes_and_splits(tmp_path, write):
    clips = by_id(load("raf_db", write(tmp_path)))
    assert clips["train_00001"].label == "sadness"
    assert (clips["test_0001"].label, clips["test_0001"].split) == ("neutral", "test")
    assert {clip.split for clip in load("raf_db", tmp_path, split="test")} == {"test"}


def test_fer2013_folders(tmp_path):
    clips = load("fer2013", trees.fer2013(tmp_path))
    splits = Counter(clip.split for clip in clips)
    assert splits == {"Training": 3, "PublicTest": 1, "PrivateTest": 1}
    assert len(load("fer2013", tmp_path, split="privatetest")) == 1
    with pytest.raises(InputError, match="Did you mean 'Training'"):
        load("fer2013", tmp_path, split="Trainin")


def test_fer2013_csv_reads_pixels_when_asked(tmp_path):
    clips = load("fer2013", trees.fer2013_csv(tmp_path))
    assert [clip.label for clip in clips] == ["angry", "happy", "neutral"]
    wanted = ((np.arange(48 * 48) + 1) % 256).astype(np.uint8).reshape(48, 48, 1)
    np.testing.assert_array_equal(clips[1].frames[0], wanted)


def test_rows_of_a_fer2013_csv_are_told_apart_without_being_decoded(tmp_path, monkeypatch):
    clips = load("fer2013", trees.fer2013_csv(tmp_path))
    (table,) = tmp_path.rglob("fer2013.csv")
    os.utime(table, (time.time() - 60,) * 2)
    pictures = [clip.frames[0].tobytes() for clip in clips]
    monkeypatch.setattr(type(clips[0].frames), "_read", None)
    stamps = [clip.frames.stamp() for clip in clips]
    assert len(set(stamps)) == len(clips) and None not in stamps
    hashes = [clip.frames.content_hash() for clip in clips]
    assert len(set(hashes)) == len(set(pictures))


def test_fer_plus_votes_join_the_csv_form_by_row(tmp_path):
    votes = [
        (0, 0, 0, 0, 8, 2, 0, 0, 0, 0),
        (5, 5, 0, 0, 0, 0, 0, 0, 0, 0),
        (0, 0, 0, 0, 0, 0, 0, 6, 4, 0),
    ]
    root = trees.fer2013_csv(tmp_path / "csv", votes=votes)
    clips = load("fer2013", root, votes=root / "fer2013new.csv")
    assert [clip.label for clip in clips] == ["anger", None, "contempt"]
    folders = trees.fer2013(tmp_path / "folders")
    with pytest.raises(InputError, match="order of fer2013"):
        load("fer2013", folders, votes=root / "fer2013new.csv")
    trees.fer2013_csv(tmp_path / "short", votes=votes[:2])
    with pytest.raises(InputError, match="3 rows, but 2 rows"):
        load("fer2013", tmp_path / "short", votes=tmp_path / "short" / "fer2013new.csv")


def test_manifest_positions_and_images(tmp_path):
    clips = load("manifest", trees.manifest(tmp_path))
    assert (clips[0].onset, clips[0].apex, clips[0].offset) == (0, 2, 6)
    assert clips[0].dataset == "manifest"
    assert (clips[1].onset, clips[1].id) == (None, "single.png")
    assert load("manifest", tmp_path / "manifest.csv")[0].id == clips[0].id


def test_manifest_does_not_open_a_video_before_it_is_needed(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"no video")
    rows = [("subject", "path", "label", "apex"), ("s1", "a.mp4", "joy", 3)]
    trees.write_csv(tmp_path / "mine.csv", rows)
    clip = load("manifest", tmp_path / "mine.csv")[0]
    assert (clip.apex, clip.dataset) == (3, "mine")
    with pytest.raises(InputError, match="not a video"):
        len(clip.frames)


def test_pictures_that_are_not_read_are_told(tmp_path):
    trees.write_images(tmp_path / "a", ["1.png", "2.png"])
    (tmp_path / "a/3.pgm").touch()
    (tmp_path / "b").mkdir()
    (tmp_path / "b/1.pgm").touch()
    trees.write_csv(tmp_path / "manifest.csv", [("path", "subject", "label"), ("a", "s", "joy")])
    with pytest.warns(UserWarning, match=r"a: 1 \.pgm files are left out"):
        load("manifest", tmp_path)
    trees.write_csv(tmp_path / "manifest.csv", [("path", "subject", "label"), ("b", "s", "joy")])
    with pytest.raises(InputError, match=r"missing frames: .*it has 1 \.pgm, which are not read"):
        load("manifest", tmp_path)


@pytest.mark.parametrize(
    ("kind", "write", "folder"),
    [
        ("casme2", trees.casme2, "CASME2_RAW_selected/sub01/EP02_01f"),
        ("casme_sq", trees.casme_sq, "rawpic/s15/15_0101disgustingteeth"),
    ],
)
def test_a_picture_without_a_number_is_told_with_its_folder(tmp_path, kind, write, folder):
    root = write(tmp_path)
    trees.write_images(root / folder, ["contact.png"])
    words = rf"{folder}/contact\.png: the file name holds no frame number; if it is no frame, move"
    with pytest.raises(InputError, match=words):
        load(kind, root)


def test_manifest_spellings_of_a_subject_are_one_subject(tmp_path):
    trees.write_images(tmp_path, ["a.png", "b.png"])
    header = ("subject", "path", "label")
    for first, second in (("s1", "S01"), ("7", "7.0"), ("Sub 3", "subject_003"), ("A", "A\u200b")):
        rows = [header, (first, "a.png", "joy"), (second, "b.png", "joy")]
        trees.write_csv(tmp_path / "manifest.csv", rows)
        with pytest.warns(
            UserWarning, match=f"manifest.csv: taken as one person: manifest/{first}"
        ):
            clips = load("manifest", tmp_path)
        assert {clip.subject for clip in clips} == {f"manifest/{first}"}
    for first, second in (("F01", "M01"), ("s1", "s11"), ("s1", "1")):
        rows = [header, (first, "a.png", "joy"), (second, "b.png", "joy")]
        trees.write_csv(tmp_path / "manifest.csv", rows)
        subjects = [clip.subject for clip in load("manifest", tmp_path)]
        assert subjects == [f"manifest/{first}", f"manifest/{second}"]


def test_manifest_clips_of_two_people_may_have_the_same_name(tmp_path):
    trees.write_images(tmp_path, ["a.png", "b.png", "c.png"])
    header = ("dataset", "subject", "clip", "path", "label")
    rows = [header, ("d", "s1", "EP01", "a.png", "joy"), ("d", "s2", "EP01", "b.png", "joy")]
    trees.write_csv(tmp_path / "manifest.csv", [*rows, ("e", "s1", "EP01", "c.png", "joy")])
    found = load("manifest", tmp_path)
    assert [(clip.dataset, clip.id) for clip in found] == [
        ("d", "s1/EP01"),
        ("d", "s2/EP01"),
        ("e", "EP01"),
    ]
    twice = [*rows, ("d", "S01", "EP01", "c.png", "joy")]  # the same person's: once is enough
    trees.write_csv(tmp_path / "manifest.csv", twice)
    report = check("manifest", tmp_path)
    assert report.clips == 2
    assert "duplicated clip" in {fault.kind for fault in report.faults}
    assert any("manifest.csv: taken as one person: d/s1 = d/S01" in n for n in report.notes)


def test_a_missing_folder_stops_loading_and_names_the_row_unless_skipped(tmp_path):
    trees.casme2(tmp_path, sheet_only=[(2, "EP99_01", 1, 2, 3, "4", "fear")])
    with pytest.raises(InputError, match=r"row 6: missing folder.*EP99_01.*merzoo data check"):
        load("casme2", tmp_path)
    with pytest.warns(UserWarning, match="1 of 5 clips"):
        assert len(load("casme2", tmp_path, on_error="skip")) == 4


@pytest.mark.parametrize("kind", KINDS)
def test_a_root_that_is_not_there_or_empty_is_one_clear_line(tmp_path, kind):
    for root in (tmp_path / "none", tmp_path):
        with pytest.raises(InputError) as caught:
            load(kind, root)
        assert str(tmp_path) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_the_front_door_names_near_matches():
    with pytest.raises(InputError, match="Did you mean 'casme2'"):
        load("casmee2", "x")
    with pytest.raises(InputError, match="Did you mean 'frames'"):
        load("casme2", "x", frame="raw")
    with pytest.raises(InputError, match="casme2:ROOT"):
        load("casme2")
    assert merzoo.data.load is load


def test_the_command_line_spelling():
    assert parse_data("fer2013:runs/fer")[:2] == ("fer2013", "runs/fer")
    source = parse_data("smic:/d/SMIC?part=vis&frames=raw")
    assert source == ("smic", "/d/SMIC", {"part": "vis", "frames": "raw"})
    assert parse_data("x/flow.npz") == ("arrays", "x/flow.npz", {})
    with pytest.raises(InputError, match="Did you mean 'fer2013'"):
        parse_data("fer2012:x")
    with pytest.raises(InputError, match="option=value"):
        parse_data("smic:x?part")


def test_annotations_of_500_clips_load_in_under_two_seconds(tmp_path):
    rows = [
        (subject, f"EP{k:02d}_01", 10, 30, 69, "4+7", "disgust")
        for subject in range(1, 26)
        for k in range(20)
    ]
    trees.casme2(tmp_path, rows)  # 500 clips of 60 frames
    start = time.process_time()  # not wall time: other work may share the machine
    clips = load("casme2", tmp_path)
    assert time.process_time() - start < 2
    assert len(clips) == 500
    assert isinstance(clips[0].frames, ImageFrames)

"""`merzoo data check` finds each planted fault, and nothing on a clean tree."""

import json
import re
import zipfile
from functools import partial
from importlib import import_module

import pytest

from merzoo.cli import main
from merzoo.data.checks import check
from merzoo.data.datasets import KINDS
from merzoo.data.reading import Published
from tests.data import trees
from tests.data.test_frames import write_video

CLEAN = [
    ("casme2", trees.casme2),
    ("samm", trees.samm),
    ("smic", trees.smic),
    ("casme", trees.casme),
    ("casme3", trees.casme3),
    ("casme3", partial(trees.casme3, form="whole")),
    ("mmew", trees.mmew),
    ("dfme", trees.dfme),
    ("4dme", trees.four_dme),
    ("megc2019", trees.megc2019),
    ("manifest", trees.manifest),
    ("ck_plus", trees.ck_plus),
    ("ck_plus", trees.ck_plus_48),
    ("raf_db", trees.raf_db),
    ("fer2013", trees.fer2013),
    ("fer2013", trees.fer2013_csv),
]


def kinds(report):
    return sorted(fault.kind for fault in report.faults)


@pytest.mark.parametrize(("kind", "write"), CLEAN)
def test_a_clean_tree_has_no_fault(tmp_path, kind, write):
    assert check(kind, write(tmp_path)).faults == []


def plant(rows, index, **cells):
    names = ("subject", "clip", "onset", "apex", "offset", "units", "label")
    changed = dict(zip(names, rows[index], strict=True)) | cells
    return (*rows[:index], tuple(changed[name] for name in names), *rows[index + 1 :])


@pytest.mark.parametrize(
    ("kind", "cells"),
    [
        ("apex outside onset..offset", {"apex": 86, "offset": 80}),
        ("offset 0", {"offset": 0, "onset": 46, "apex": 48}),
        ("no apex", {"apex": ""}),
        ("unusual action units", {"units": "R14A or 17A"}),
        ("unknown label", {"label": "hapiness"}),
        ("unknown label", {"label": None}),
        ("missing frames", {"offset": 400}),
        ("unreadable number", {"apex": "59th"}),
        ("unreadable action units", {"units": "4 and 12"}),
        ("path outside the root", {"clip": "../../etc"}),
        ("path outside the root", {"subject": "/etc"}),
        ("missing folder", {"clip": "EP02_99"}),
        ("missing folder", {"subject": 9}),
        ("empty cell", {"clip": None}),
        ("offset before onset", {"onset": 60, "offset": 50, "apex": 55}),
    ],
)
def test_a_planted_fault_is_found_with_file_and_row(tmp_path, kind, cells):
    trees.casme2(tmp_path)
    rows = plant(trees.CASME2_ROWS, 0, **cells)
    sheet = [
        (s, c, None, onset, apex, offset, None, units, label)
        for s, c, onset, apex, offset, units, label in rows
    ]
    trees.write_sheet(tmp_path / "CASME2-coding-20140508.xlsx", [trees.CASME2_HEADER, *sheet])
    found = [
        fault for fault in check("casme2", tmp_path).faults if "folder without" not in fault.kind
    ]
    assert kind in {fault.kind for fault in found}
    assert {fault.where for fault in found} == {"CASME2-coding-20140508.xlsx, row 2"}


def test_two_spellings_of_a_subject_are_found_and_corrected(tmp_path):
    rows = plant(trees.CASME2_ROWS, 1, subject="01")
    trees.casme2(tmp_path)
    sheet = [(s, c, None, a, b, d, None, e, f) for s, c, a, b, d, e, f in rows]
    trees.write_sheet(tmp_path / "CASME2-coding-20140508.xlsx", [trees.CASME2_HEADER, *sheet])
    report = check("casme2", tmp_path)
    assert kinds(report) == ["two spellings of a subject"]
    assert report.open_faults(fix_known=True) == []
    assert report.subjects == 3


def test_a_duplicated_row_is_left_out_and_a_contradicting_one_is_lost(tmp_path):
    row = trees.CASME2_ROWS[0]
    trees.casme2(tmp_path / "same", (*trees.CASME2_ROWS, row))
    same = check("casme2", tmp_path / "same")
    assert kinds(same) == ["duplicated clip"]
    assert same.clips == 4
    assert not same.faults[0].lost
    other = plant((row,), 0, label="disgust")
    trees.casme2(tmp_path / "other", (*trees.CASME2_ROWS, *other))
    assert check("casme2", tmp_path / "other").faults[0].lost


def test_clips_of_one_path_without_names_are_told_how_to_get_them(tmp_path):
    trees.write_images(tmp_path / "film", [f"{n}.png" for n in range(6)])
    header = ["path", "subject", "label", "onset", "offset"]
    rows = [("film", "s1", "joy", 0, 2), ("film", "s1", "fear", 3, 5)]
    trees.write_csv(tmp_path / "manifest.csv", [header, *rows])
    (fault,) = check("manifest", tmp_path).faults
    assert fault.lost
    assert "with other values; if they are two clips of one path, name each in" in str(fault)
    named = [(*row, name) for row, name in zip(rows, "ab", strict=True)]
    trees.write_csv(tmp_path / "manifest.csv", [[*header, "clip"], *named])
    assert check("manifest", tmp_path).faults == []
    twice = [(*row, "a") for row in rows]
    trees.write_csv(tmp_path / "manifest.csv", [[*header, "clip"], *twice])
    (fault,) = check("manifest", tmp_path).faults
    assert str(fault).endswith("with other values")


FORMULA = "is a formula without a stored value: open the workbook in Excel"


def test_a_formula_without_a_value_is_found(tmp_path):
    trees.write_images(tmp_path / "a", ["1.png", "2.png", "3.png"])
    header = ("path", "subject", "label", "onset", "mean")
    rows = [("a", "s1", "joy", "=1+1", 1), ("a", "s2", "joy", 1, "=1+1")]
    trees.write_sheet(tmp_path / "m.xlsx", [header, *rows])
    report = check("manifest", tmp_path / "m.xlsx")
    told = f"m.xlsx, row 2: formula without a value: onset {FORMULA}"
    assert [str(fault).startswith(told) for fault in report.faults] == [True]
    assert report.clips == 1


def test_a_sheet_of_formulas_without_values_is_found(tmp_path):
    trees.casme2(tmp_path, sheet_only=(("=A1", "=B1", "=D1", "=E1", "=F1", "=H1", "=I1"),))
    (fault,) = check("casme2", tmp_path).faults
    assert (fault.kind, fault.lost) == ("formula without a value", True)
    assert FORMULA in fault.message


def test_a_formula_whose_value_is_an_empty_text_is_an_empty_cell(tmp_path):
    path = tmp_path / "m.xlsx"
    trees.write_sheet(path, [("path", "subject", "label", "onset"), ("a", "s1", "joy", "=A9")])
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    stored = b'<c r="D2" t="str"><f>A9</f><v></v></c>'
    parts[sheet] = re.sub(rb'<c r="D2".*?</c>', stored, parts[sheet])
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    trees.write_images(tmp_path / "a", ["1.png", "2.png"])
    assert check("manifest", path).faults == []


def test_a_folder_that_no_row_names_is_found(tmp_path):
    trees.write_images(trees.casme2(tmp_path) / "CASME2_RAW_selected/sub01/EP77", ["img1.jpg"])
    assert kinds(check("casme2", tmp_path)) == ["folder without annotation"]


def test_an_image_that_cannot_be_decoded_is_found(tmp_path):
    trees.casme2(tmp_path)
    (tmp_path / "CASME2_RAW_selected/sub01/EP02_01f/img50.jpg").write_bytes(b"")
    assert check("casme2", tmp_path, images=False).faults == []
    fault = check("casme2", tmp_path).faults[0]
    assert (fault.kind, fault.clip) == ("unreadable image", "sub01/EP02_01f")
    assert "frame 50" in fault.message


def test_an_annotated_frame_after_the_end_of_a_film_is_found(tmp_path):
    write_video(tmp_path / "film.avi", count=6)
    rows = [("path", "subject", "label", "onset", "offset"), ("film.avi", "s1", "joy", 2, 6)]
    trees.write_csv(tmp_path / "manifest.csv", rows)
    [fault] = check("manifest", tmp_path).faults
    assert str(fault) == (
        "manifest.csv, row 2: missing frames: the offset frame 6 is not among the film's (0..5)"
    )


def test_smic_faults(tmp_path):
    clips = (*trees.SMIC_CLIPS, "s01/negative/s1_ne_07", "s3/negativ/s3_ne_01")
    trees.smic(tmp_path, (*clips, "s3/negative/s4_ne_01"))
    (tmp_path / "SMIC_all_cropped/HS/s3/micro/negative/s3_ne_09").mkdir()
    assert kinds(check("smic", tmp_path)) == [
        "clip of another subject",
        "missing frames",
        "two spellings of a subject",
        "unknown label",
    ]


def test_samm_known_rows_are_known(tmp_path):
    rows = [
        (s, c, 10, 15, 14, "4", "Other", 7) for s, c in (("028", "028_4_1"), ("009", "009_1_1"))
    ]
    trees.samm(tmp_path, rows)
    for subject, clip in (("028", "028_4_1"), ("009", "009_1_1")):
        trees.write_images(tmp_path / "SAMM" / subject / clip, [f"{subject}_00015.jpg"])
    report = check("samm", tmp_path)
    assert kinds(report) == ["apex outside onset..offset"] * 2
    assert [fault.clip for fault in report.open_faults(fix_known=True)] == ["009_1_1"]


def test_mmew_folder_and_sheet_disagree(tmp_path):
    assert kinds(check("mmew", trees.mmew(tmp_path, label="anger"))) == [
        "label and folder disagree"
    ]


def test_what_is_published_so_is_known_and_not_counted(tmp_path, capsys):
    rows = trees.DFME_ROWS["training_full_with_AU.xlsx"]
    rows = (*rows, ("sub0004", "sub0004_01", 1, 2, 3, "disgust", "4"))
    trees.dfme(tmp_path, {"training_full_with_AU.xlsx": rows})
    report = check("dfme", tmp_path)
    assert kinds(report) == ["two spellings of a label"]
    assert report.open_faults() == []
    assert report.differences[0] == "train: 3 found, 1856 published"
    assert main(["data", "check", "dfme", str(tmp_path), "--partial"]) == 0
    said = "two spellings of a label: training_full_with_AU.xlsx, row 4 -> read as disgust"
    assert f"known of the set: {said}" in capsys.readouterr().out


def test_megc2019_faults_of_the_list_and_notes_of_differences(tmp_path):
    rows = [("casme2", "sub01", "EP02_01f", 0), ("smic", "s9", "s9_ne_1", 1), ("samm", "006", "x")]
    report = check("megc2019", trees.megc2019(tmp_path, rows))
    assert kinds(report) == ["missing clip", "unreadable row"]
    assert "1 clips of casme2: happiness listed as negative" in report.notes


def test_raf_db_faults(tmp_path):
    lines = ("train_00001.jpg 9", "train_00077.jpg 1", "../x.jpg 1", "nonsense", "test_0001.jpg 7")
    report = check("raf_db", trees.raf_db(tmp_path, lines))
    assert kinds(report) == [
        "missing image",
        "path outside the root",
        "unknown label",
        "unreadable row",
    ]
    assert report.clips == 1


def test_ck_plus_faults(tmp_path):
    trees.ck_plus(tmp_path)
    stem = tmp_path / "Emotion/S005/001/S005_001_00000011_emotion.txt"
    stem.write_text("   9.0000000e+00")
    (tmp_path / "FACS/S005/001/S005_001_00000011_facs.txt").write_text("nan 1\n4 7\n")
    (tmp_path / "cohn-kanade-images/S005/001/S005_001_00000004.png").unlink()
    assert kinds(check("ck_plus", tmp_path)) == [
        "missing frames",
        "unknown label",
        "unreadable action units",
        "unreadable action units",
    ]


def test_fer2013_faults(tmp_path):
    trees.fer2013(tmp_path / "a")
    trees.write_images(tmp_path / "a/train/hapy", ["Training_77.jpg"])
    trees.write_images(tmp_path / "a/train/sad", ["PrivateTest_9.jpg"])
    assert kinds(check("fer2013", tmp_path / "a")) == ["unknown label", "unknown split"]
    trees.fer2013_csv(tmp_path / "b", codes=(0, 8, 6))
    assert kinds(check("fer2013", tmp_path / "b")) == ["unknown label"]
    text = (tmp_path / "b/fer2013.csv").read_text().replace(" 17 ", " 1700 ")
    (tmp_path / "b/fer2013.csv").write_text(text)
    assert "unreadable image" in kinds(check("fer2013", tmp_path / "b"))


def test_counts_are_compared_with_the_published_ones(tmp_path):
    report = check("casme2", trees.casme2(tmp_path))
    assert "clips: 4 found, 255 published" in report.differences
    assert "others: 1 found, 99 published" in report.differences
    assert report.by_subject["casme2/sub01"] == {"happiness": 1, "others": 1}


def test_one_split_is_compared_with_its_own_figures_only(tmp_path):
    report = check("fer2013", trees.fer2013(tmp_path), split="PublicTest")
    assert "PublicTest: 1 found, 3589 published" in report.differences
    assert not any(line.startswith(("clips", "Training")) for line in report.differences)


def test_the_command_prints_counts_and_faults_and_says_no(tmp_path, capsys):
    trees.casme2(tmp_path, plant(trees.CASME2_ROWS, 0, label="hapiness"))
    assert main(["data", "check", "casme2", str(tmp_path)]) == 1
    text = capsys.readouterr().out
    assert "fault: CASME2-coding-20140508.xlsx, row 2: unknown label" in text
    assert "differs: clips: 4 found, 255 published" in text
    assert main(["data", "check", "casme2", str(tmp_path), "--partial"]) == 1


def test_the_command_says_yes_to_a_part_without_faults(tmp_path, capsys):
    trees.casme2(tmp_path)
    assert main(["data", "check", "casme2", str(tmp_path), "--partial"]) == 0
    assert "All is as it should be." in capsys.readouterr().out


def test_fix_known_lists_corrections_and_counts_only_the_rest(tmp_path, capsys):
    rows = ((1, "EP01", 5, 7, 0, "4", "disgust"),)
    words = ["data", "check", "casme2", str(trees.casme2(tmp_path, rows)), "--partial"]
    assert main(words) == 1
    assert main([*words, "--fix-known"]) == 0
    assert "offset 0: the offset frame is given as 0 -> the last frame" in capsys.readouterr().out


def test_json_holds_the_whole_report(tmp_path, capsys):
    words = ["data", "check", "smic?part=hs", str(trees.smic(tmp_path)), "--json", "--no-images"]
    assert main(words) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["classes"] == {"negative": 1, "positive": 1, "surprise": 1}
    assert (report["ok"], report["clips"], report["faults"]) == (False, 3, [])
    assert report["published"]["clips"] == 164


def test_bad_words_are_one_line_and_status_2(tmp_path, capsys):
    assert main(["data", "check", "casme22", str(tmp_path)]) == 2
    assert "Did you mean 'casme2'" in capsys.readouterr().err
    assert main(["data", "check", "casme2", str(tmp_path / "none")]) == 2
    capsys.readouterr()
    for kind, what in (("synthetic", "invented clips"), ("arrays", "samples as arrays")):
        assert main(["data", "check", kind, "easy"]) == 2
        assert re.search(rf"{kind} \({what}.*\) is no copy that can", capsys.readouterr().err)


def test_a_dataset_without_published_figures_is_not_compared(tmp_path):
    report = check("manifest", trees.manifest(tmp_path))
    assert (report.published, report.differences) == (None, [])
    assert Published().clips is None


@pytest.mark.parametrize("marker", ["tree/synthesis.json", "tree.truth/synthesis.json"])
def test_published_figures_do_not_apply_to_synthetic_trees(tmp_path, marker):
    trees.casme2(tmp_path / "tree")
    (tmp_path / marker).parent.mkdir(exist_ok=True)
    (tmp_path / marker).write_text("{}")
    report = check("casme2", tmp_path / "tree")
    assert (report.published, report.differences) == (None, [])


def test_help_names_the_kinds_that_can_be_checked(capsys):
    with pytest.raises(SystemExit):
        main(["data", "check", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    kinds = said.partition("one of ")[2].partition(";")[0].split(", ")
    readers = [k for k, row in KINDS.items() if hasattr(import_module(row.module), "read")]
    assert kinds == readers

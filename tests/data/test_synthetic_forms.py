"""The forms of real sets: exact folders, names, columns and quirks."""

import json
import shutil

import numpy as np
import openpyxl
import pytest

from merzoo.data.frames import frame_number, read_image
from merzoo.data.synthetic import synthesize
from merzoo.data.synthetic.forms import FORMS
from merzoo.data.synthetic.forms.micro import roman

SMALL = {
    "casme2": {"size": (56, 68), "fps": 40.0, "subjects": 4, "clips": 5},
    "samm": {"size": (56, 68), "fps": 40.0},
    "smic": {"size": (56, 68), "fps": 40.0},
    "dfme": {"size": (56, 68), "fps": 40.0},
    "casme_sq": {"size": (56, 68)},
    "4dme": {"size": (56, 68), "fps": 40.0},
    "mmew": {"size": (56, 68), "fps": 40.0},
    "samm_lv": {"size": (56, 68), "fps": 40.0},
    "casme3": {"size": (56, 68)},
    "casme3_c": {"size": (56, 68)},
    "ck_plus": {"size": (56, 68), "subjects": 1, "clips": 2},
    "raf_db": {"subjects": 5, "clips": 2},
    "fer2013": {"subjects": 5, "clips": 2},
}


def make(folder, form, **more):
    arguments = {"subjects": 4, "clips": 3, "seed": 1, "jobs": 1} | SMALL.get(form, {}) | more
    return synthesize(folder / form, form=form, **arguments)


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    """A clean tree of each form, made when it is asked for."""
    made, folder = {}, tmp_path_factory.mktemp("forms")

    def tree(form):
        if form not in made:
            made[form] = make(folder, form)
        return made[form]

    return tree


def sheet(path):
    return [list(row) for row in openpyxl.load_workbook(path).active.iter_rows(values_only=True)]


def test_casme2(trees):
    root = trees("casme2")
    header, *rows = sheet(root / "CASME2-coding-20140508.xlsx")
    assert header == [
        "Subject",
        "Filename",
        None,
        "OnsetFrame",
        "ApexFrame",
        "OffsetFrame",
        None,
        "Action Units",
        "Estimated Emotion",
    ]
    assert len(rows) == 20
    for subject, clip, _, onset, apex, offset, _, units, emotion in rows:
        frames = (root / f"CASME2_RAW_selected/sub{subject:02d}/{clip}").iterdir()
        numbers = sorted(frame_number(path) for path in frames)
        assert numbers == list(range(onset, offset + 1))
        assert apex == "/" or onset < apex < offset
        assert units and emotion in {"others", "disgust", "happiness", "repression"} | {
            "surprise",
            "sadness",
            "fear",
        }
    assert sum(row[4] == "/" for row in rows) == 1
    objective = sheet(root / "CASME2-ObjectiveClasses.xlsx")
    assert {row[2] for row in objective[1:]} <= set(range(1, 8))


def test_samm_header_stands_on_row_14_and_frames_are_grey(trees):
    root = trees("samm")
    rows = sheet(root / "SAMM_Micro_FACS_Codes_v2.xlsx")
    assert [row[0] for row in rows].index("Subject") == 13
    assert rows[13] == [
        "Subject",
        "Filename",
        "Inducement Code",
        "Onset Frame",
        "Apex Frame",
        "Offset Frame",
        "Duration",
        "Micro",
        "Action Units",
        "Estimated Emotion",
        "Objective Classes",
        "Notes",
    ]
    subject, clip, code, onset, apex, offset, duration = rows[14][:7]
    assert (subject, clip, code) == ("006", "006_1_1", 1)
    assert onset < apex < offset and duration == offset - onset + 1
    frame = root / f"SAMM/{subject}/{clip}/{subject}_{onset:05d}.jpg"
    assert read_image(frame).shape == (68, 56, 1)


def test_smic_class_is_the_folder_and_the_list_pads_the_subject(trees):
    root = trees("smic")
    folders = sorted(path for path in root.glob("SMIC_all_raw/HS/*/micro/*/*"))
    assert len(folders) == 12
    short = {"negative": "ne", "positive": "po", "surprise": "sur"}
    for folder in folders:
        subject, _, name, clip = folder.parts[-4:]
        assert clip.startswith(f"{subject}_{short[name]}_")
    lines = (root.parent / "smic.truth/combined_3class_gt.csv").read_text().splitlines()
    assert len(lines) == 12
    dataset, subject, clip, number = lines[0].split(",")
    assert (dataset, subject) == ("smic", "s01") and clip.startswith("s01_")
    assert number in "012"


def test_ck_plus(trees):
    root = trees("ck_plus")
    first = root / "cohn-kanade-images/S005/001"
    names = sorted(path.name for path in first.iterdir())
    assert names[0] == "S005_001_00000001.png" and 7 <= len(names) <= 15
    peak = names[-1][:-4]
    text = (root / f"Emotion/S005/001/{peak}_emotion.txt").read_text()
    assert text.startswith("   ") and 1 <= float(text) <= 7
    for line in (root / f"FACS/S005/001/{peak}_facs.txt").read_text().splitlines():
        unit, intensity = map(float, line.split())
        assert unit == int(unit) and 1 <= intensity <= 5
    images = [read_image(first / name).astype(float) for name in (names[0], names[1], names[-1])]
    assert abs(images[2] - images[0]).mean() > abs(images[1] - images[0]).mean()


def test_raf_db_splits_people(trees):
    root = trees("raf_db")
    lines = (root / "EmoLabel/list_patition_label.txt").read_text().splitlines()
    assert len(lines) == 10 and sum(line.startswith("test_") for line in lines) == 2
    for line in lines:
        name, label = line.split(" ")
        assert 1 <= int(label) <= 7
        image = root / "Image/aligned" / name.replace(".jpg", "_aligned.jpg")
        assert read_image(image).shape == (100, 100, 3)


def test_fer2013_csv_and_folders_hold_the_same_pixels(trees):
    root = trees("fer2013")
    header, *rows = (root / "fer2013.csv").read_text().splitlines()
    assert header == "emotion,pixels,Usage" and len(rows) == 10
    number, pixels, usage = rows[0].split(",")
    names = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
    image = read_image(root / f"train/{names[int(number)]}/{usage}_0.jpg")
    assert image.shape == (48, 48, 1)
    np.testing.assert_array_equal(np.array(pixels.split(), int), image.ravel())


@pytest.mark.parametrize("form", ["casme2", "fer2013"])
def test_workbooks_and_images_have_the_same_bytes_again(form, trees, tmp_path):
    first, again = trees(form), make(tmp_path, form)
    names = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert names == sorted(p.relative_to(again) for p in again.rglob("*") if p.is_file())
    assert all((first / name).read_bytes() == (again / name).read_bytes() for name in names)


@pytest.mark.parametrize("form", [form for form in FORMS if form not in ("ck_plus", "raf_db")])
def test_planted_faults_are_listed_beside_the_tree(form, tmp_path):
    size = {"size": (56, 68), "fps": 40.0} if form == "native" else {}
    root = make(tmp_path, form, quirks=True, subjects=3, **size)
    planted = json.loads((tmp_path / f"{form}.quirks.json").read_text())
    assert len(planted) >= 5
    kinds = {fault["fault"] for fault in planted}
    assert kinds & {
        "unknown label",
        "label spelt otherwise",
        "offset 0",
        "onset 0",
        "several emotions",
        "no apex",
    }
    for fault in planted:
        if fault["fault"] in ("missing frame", "missing folder", "missing image"):
            assert not (root / fault["where"]).exists()
        if fault["fault"] == "unreadable image":
            assert (root / fault["where"]).stat().st_size == 0


def test_objective_classes_are_roman():
    assert [roman(n) for n in (1, 4, 7)] == ["I", "IV", "VII"]


def test_a_tree_that_was_removed_is_made_again_though_its_truth_is_there(tmp_path):
    how = {"form": "samm", "subjects": 1, "clips": 1, "size": (70, 85), "fps": 50, "jobs": 1}
    made = synthesize(tmp_path / "samm", **how)
    before = sorted(path.relative_to(made) for path in made.rglob("*"))
    shutil.rmtree(made)
    synthesize(made, **how)
    assert sorted(path.relative_to(made) for path in made.rglob("*")) == before

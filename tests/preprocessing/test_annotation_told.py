"""Annotation that cannot be used: what stands for it is said, counted and listed."""

import re
import shutil
import warnings
from dataclasses import replace

import numpy as np
import pytest

from merzoo.data import manifest
from merzoo.data.checks import check
from merzoo.data.clip import Clip
from merzoo.data.frames import ArrayFrames
from merzoo.errors import InputError
from merzoo.files import encode_image
from merzoo.preprocessing.pipeline import prepare
from merzoo.preprocessing.preparation import preparation_told
from merzoo.preprocessing.samples import load_samples

SHAPE = {"difference": (16, 16, 1)}
GOOD = "b,s2,joy,3,5,7,50"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two clips of frames numbered 3 to 7."""
    root = tmp_path_factory.mktemp("mine")
    for name in "ab":
        (root / name).mkdir()
        for i in range(3, 8):
            picture = np.random.default_rng(i).integers(0, 255, (32, 32), np.uint8)
            (root / name / f"{i}.png").write_bytes(encode_image(picture, ".png"))
    return root


def written(folder, row):
    header = "path,subject,label,onset,apex,offset,fps"
    (folder / "manifest.csv").write_text("\n".join([header, row, GOOD, ""]))
    return folder


# A row that cannot be used as it is -> what is said of it, and how the card counts it.
ROWS = {
    "a,s1,joy,2,5,7,50": ("onset frame 2 .* the first frame is taken", "onset: the first frame"),
    "a,s1,joy,3,5,8,50": ("offset frame 8 .* the last frame is taken", "offset: the last frame"),
    "a,s1,joy,3,5,0,50": ("offset frame is given as 0", "offset: the last frame"),
    "a,s1,joy,3,7,6,50": ("apex 7, onset 3, offset 6: it is not used", None),
    "a,s1,joy,,5,7,50": (None, "onset not annotated: the first frame"),
    "a,s1,,3,5,7,50": ("no emotion is given: label maps leave the clip out", None),
    "a,s1,hapiness,3,5,7,50": ("'hapiness'; is it 'happiness'.: it is kept as written", None),
}


@pytest.mark.parametrize("row", ROWS)
def test_what_is_replaced_or_dropped_is_said_counted_and_listed(folder, row, tmp_path):
    said, counted = ROWS[row]
    root = written(folder, row)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        data = load_samples(
            [f"manifest:{root}"],
            SHAPE,
            labels="annotated",
            detector="none",
            jobs=1,
            cache=tmp_path,
        )
    lines = [str(warning.message) for warning in told]
    if said:
        (line,) = [text for text in lines if text.startswith("manifest.csv, row 2: ")]
        assert re.search(said, line)
        assert line in data.preparation["notes"]
        faults = [f for f in check("manifest", root, images=False).faults if f.where.endswith("2")]
        assert faults and line.startswith(str(faults[0]))
    assert data.preparation["replaced"] == ({"manifest": {counted: 1}} if counted else {})
    if counted:
        assert f"{counted}, in 1 clips (manifest 1)" in preparation_told(data.preparation)
    if ",s1,," in row:
        assert data.preparation["excluded"] == {"manifest": {"(no label)": 1}}
        assert any("1 of manifest clips" in text for text in lines)


def test_a_table_without_fault_says_nothing(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(manifest.load(written(folder, "a,s1,joy,3,5,7,50"))) == 2


@pytest.mark.parametrize("rate", ["0", "0.5", "999999999", "fast"])
def test_a_rate_that_no_camera_has_is_no_rate(folder, rate):
    with pytest.raises(InputError, match=r"fps .* is no number from 1 to 10000"):
        manifest.load(written(folder, f"a,s1,joy,3,5,7,{rate}"))


@pytest.mark.parametrize("onset", [1.5, "3", True])
def test_a_position_is_a_whole_number(onset):
    frames = ArrayFrames(np.zeros((5, 8, 8, 1), np.uint8))
    with pytest.raises(InputError, match=r"d a: its onset is .*, not the position of a frame"):
        Clip("d", "d/s", "a", frames, onset=onset)


def test_clips_of_python_without_annotation_are_counted(tmp_path):
    frames = ArrayFrames(np.random.default_rng(0).integers(0, 255, (5, 32, 32, 1), np.uint8))
    clips = [Clip("d", "d/s", "a", frames, "joy", apex=2), Clip("d", "d/s", "b", frames)]
    with pytest.warns(UserWarning, match="1 of d clips"):
        data = prepare(clips, SHAPE, detector="none", jobs=1, cache=tmp_path)
    kinds = {"onset not annotated: the first frame": 1, "offset not annotated: the last frame": 1}
    assert data.preparation["replaced"] == {"d": kinds}


def test_a_class_without_a_clip_is_told(folder, tmp_path):
    options = {"labels": "megc3", "detector": "none", "cache": tmp_path, "jobs": 1}
    clips = manifest.load(written(folder, "a,s1,joy,3,5,7,50"))
    clips = [replace(c, label=w) for c, w in zip(clips, ("fear", "happiness"), strict=True)]
    with pytest.warns(UserWarning, match="no clip of the class surprise: scores") as told:
        data = load_samples(clips, SHAPE, **options)
    assert str(told[-1].message) in data.preparation["notes"]
    with pytest.warns(UserWarning, match="no clip of the class surprise: scores"):
        load_samples(data, SHAPE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_samples(clips, SHAPE, **options | {"labels": "annotated"})


def test_people_of_one_name_in_two_manifests_of_one_name_are_told(folder, tmp_path):
    written(folder, "a,s1,joy,3,5,7,50")
    other = shutil.copytree(folder, tmp_path / "other")
    (other / "a").rename(other / "c")
    (other / "manifest.csv").write_text("path,subject,label\nc,s1,joy\n")
    texts = [f"manifest:{folder}", f"manifest:{other}"]
    options = {"labels": "annotated", "detector": "none", "cache": tmp_path / "c", "jobs": 1}
    with pytest.warns(UserWarning, match="same names before: manifest/s1; if they are others"):
        found = load_samples(texts, SHAPE, **options)
    assert any("manifest/s1" in note for note in found.preparation["notes"])
    (other / "manifest.csv").write_text("path,subject,label,dataset\nc,s1,joy,other\n")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = load_samples(texts, SHAPE, **options)
    assert sorted(set(found.subject)) == ["manifest/s1", "manifest/s2", "other/s1"]
    assert not any("same names" in str(one.message) for one in told)

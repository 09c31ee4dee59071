"""Everything runs on raw copies of the sets: CASME II, SAMM and SMIC with their known faults.

The copies are invented, in the sets' own forms, with the faults that real copies have: no apex, an
apex outside its clip, missing folders, images of 0 bytes, labels that are spelt wrongly.
"""

import json

import pytest

import merzoo
from merzoo.cli import main
from merzoo.data.synthetic import synthesize
from merzoo.preprocessing.face import has_landmarks
from merzoo.reproduction.reproduce import reproduce
from merzoo.reproduction.tables import get_table, list_tables

FORMS = ("casme2", "samm", "smic")
SKIP = {"on_error": "skip"}
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
needs_landmarks = pytest.mark.skipif(
    not has_landmarks(), reason="dlib or its landmark file is not installed"
)


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """Nine people, 36 clips, as `--data`; small frames, which are face crops."""
    folder = tmp_path_factory.mktemp("raw")
    options = {"subjects": 3, "clips": 4, "quirks": True, "seed": 5, "jobs": 1}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MERZOO_HOME", str(folder / "home"))
        for form in FORMS:
            synthesize(folder / form, form=form, size=(90, 108), fps=50, **options)
        yield [f"{form}:{folder / form}" for form in FORMS]


@pytest.fixture(scope="module")
def full_size(tmp_path_factory):
    """The same with frames of the sets' own sizes and rates, in which faces are looked for."""
    folder = tmp_path_factory.mktemp("full")
    options = {"subjects": 3, "clips": 3, "quirks": True, "seed": 5}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MERZOO_HOME", str(folder / "home"))
        for form in FORMS:
            synthesize(folder / form, form=form, **options)
        yield [f"{form}:{folder / form}" for form in FORMS]


def test_evaluate_spots_the_apexes_that_cannot_be_used_and_says_how_many(raw, tmp_path):
    result = merzoo.evaluate("flow-krr", raw, parameters=SKIP, out=tmp_path)
    card = json.loads((tmp_path / "protocol.json").read_text())
    assert card["preprocessing"]["apex"] == "annotated+flow"
    apex = card["data"]["preparation"]["apex"]
    assert apex["smic"]["annotated"] == 0 < apex["smic"]["spotted"]  # SMIC has none
    assert apex["samm"]["spotted"] == 2  # the form plants two outside their clips
    counted = sum(row["annotated"] + row["spotted"] for row in apex.values())
    assert counted == result.metrics["full"]["n"] == card["data"]["samples"]
    assert card["data"]["preparation"]["left_out"]
    assert any("spotted (samm 2 of" in line for line in result.preparation)


def test_a_row_of_a_papers_table_runs(raw, tmp_path):
    options = {"rows": ["ststnet"], "quick": True, "parameters": SKIP, "out": tmp_path}
    found = reproduce("dfrnet/table2", raw, **options)
    assert not found.failed
    assert [line.part for line in found.lines] == ["full", "smic", "casme2", "samm"]
    assert all("stand-in" not in line.data and line.n for line in found.lines)


@pytest.mark.slow
def test_a_papers_own_row_is_prepared_as_the_paper_says(raw, tmp_path):
    options = {"rows": ["none"], "quick": True, "parameters": SKIP, "out": tmp_path}
    assert not reproduce("dfrnet/table6", raw, **options).failed
    card = json.loads((tmp_path / "none" / "protocol.json").read_text())
    assert card["preprocessing"]["apex"] == "annotated+dc_rois"


@pytest.mark.slow
@pytest.mark.parametrize("name", list_tables())
def test_every_table_runs(name, raw, tmp_path):
    if name.startswith("keyregionnet") and not has_landmarks():
        pytest.skip("dlib or its landmark file is not installed")
    found = reproduce(name, raw, quick=True, parameters=SKIP, out=tmp_path)
    assert not found.failed
    runs = {line.run for line in found.lines if line.run}
    assert runs == set(get_table(name).runs) or not get_table(name).runs
    assert all("stand-in" not in line.data for line in found.lines)


@pytest.mark.slow
@needs_landmarks
def test_faces_of_full_size_frames_are_found_and_aligned_by_landmarks(full_size, tmp_path):
    """Table 5 of Key Regions: apex by Eq. 16-17 for all sets, local weighted mean."""
    options = {"rows": ["24"], "parameters": SKIP, "quick": True, "out": tmp_path}
    found = reproduce("keyregionnet/table5", full_size, **options)
    assert not found.failed
    card = json.loads((tmp_path / "24" / "composite" / "protocol.json").read_text())
    said = card["data"]["preparation"]
    assert said["detector"] == {"casme2": "dlib", "samm": "dlib", "smic": "dlib"}
    assert card["preprocessing"]["alignment"] == "local_weighted_mean"
    assert all(row["annotated"] == 0 for row in said["apex"].values())


@pytest.mark.slow
def test_videos_of_full_size_frames_are_magnified_before_cropping(full_size, tmp_path):
    options = {"rows": ["ours"], "parameters": SKIP, "quick": True, "out": tmp_path}
    found = reproduce("densemixednet/table5", full_size, **options)
    assert not found.failed
    card = json.loads((tmp_path / "ours" / "protocol.json").read_text())
    assert card["preprocessing"]["magnification_at"] == "video"
    filters = card["data"]["preparation"]["magnification"]
    assert sum(row["butterworth"] for row in filters.values()) > 0  # clips under 2.5 seconds


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        "audit ststnet --data {0} --data {1} --data {2}",
        "explain ststnet --data {0} --weights synthetic --out {out}",
        "tune ststnet --data {0} --data {1} --data {2} --trials 2 --folds 2 --out {out}",
        "transfer ststnet --data {0} --data {1} --data {2} --pretrained synthetic --epochs 1 "
        "--out {out}",
    ],
    ids=["audit", "explain", "tune", "transfer"],
)
def test_the_other_verbs_take_them(words, raw, tmp_path):
    words = [word.format(*raw, out=tmp_path / "out") for word in words.split()]
    assert main([*words, "--on-error", "skip"]) == 0

"""The table of choices, how recipes carry it, and what is recorded of what was done."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from merzoo.data.frames import ArrayFrames
from merzoo.errors import InputError
from merzoo.preprocessing.arrays import join_arrays, read_arrays
from merzoo.preprocessing.flow import optical_strain_dfrnet_eq7
from merzoo.preprocessing.frame_samples import prepare_frames
from merzoo.preprocessing.parameters import PARAMETERS, check_parameters
from merzoo.preprocessing.pipeline import PrepareError, _key, prepare
from merzoo.training.recipes import RECIPES, Recipe, recipe_as_dict
from tests.preprocessing import made

SIDE = made.SIDE
FACE = (SIDE, SIDE, 3)


def run(clips, inputs, tmp_path, **options):
    options = {"detector": "none", "jobs": 1, "cache": tmp_path / "cache"} | options
    return prepare(clips, inputs, "megc3", **options)


def test_text_as_on_a_command_line_becomes_the_values():
    said = {"magnification_band": "0.5-10", "magnification_gain": "15", "frames": "4"}
    chosen = check_parameters(said | {"magnification_order": "2"})
    assert chosen["magnification_band"] == [0.5, 10.0] and chosen["magnification_gain"] == 15.0
    assert chosen["frames"] == 4 and chosen["magnification_order"] == 2
    assert list(chosen) == list(PARAMETERS)
    assert check_parameters(json.loads(json.dumps(chosen))) == chosen


@pytest.mark.parametrize(
    "magnification, band",
    [("butterworth", [0.5, 10]), ("iir", [0.05, 0.4]), ("ideal+butterworth", [0.1, 0.4])],
)
def test_a_band_that_is_not_named_is_the_filters_own(magnification, band):
    assert check_parameters({"magnification": magnification})["magnification_band"] == band


def test_a_recipe_checks_what_it_carries_and_stays_json():
    recipe = Recipe("mine", preprocessing={"magnification_band": "0.1-0.4", "apex": "flow"})
    content = recipe_as_dict(recipe)
    assert content["preprocessing"] == {"magnification_band": [0.1, 0.4], "apex": "flow"}
    for wrong, words in (
        ({"apexx": "flow"}, "recipe mine: .*Did you mean 'apex'"),
        ({"apex": "annotated+flaw"}, "recipe mine: Unknown apex"),
        ({"magnification_gain": "much"}, "recipe mine: .*must be a number from 0"),
    ):
        with pytest.raises(InputError, match=words):
            Recipe("mine", preprocessing=wrong)


def test_the_papers_recipes_prepare_as_the_papers_do():
    """Zhu 2023, section 4.3; DFR-Net, section 3.1.1; Gan, section 3.1."""
    key_regions = {"apex": "pixel_ratio", "alignment": "local_weighted_mean"}
    assert RECIPES["keyregionnet"].preprocessing == key_regions
    assert RECIPES["keyregionnet-cached"].preprocessing == key_regions
    assert RECIPES["dfrnet"].preprocessing == {"apex": "annotated+dc_rois"}
    chosen = check_parameters(RECIPES["densemixednet"].preprocessing)
    assert chosen["magnification_at"] == "video"
    assert chosen["magnification_band"] == [0.1, 0.4] and chosen["magnification_gain"] == 15
    for name in ("keyregionnet", "dfrnet", "densemixednet"):
        assert RECIPES[f"{name}-merzoo"].preprocessing == {}


def test_checking_a_recipe_imports_neither_opencv_nor_dlib():
    code = (
        "import sys; from merzoo.training.recipes import Recipe; "
        "Recipe('r', preprocessing={'detector': 'dlib', 'magnification_band': '0.5-10'}); "
        "print(sorted({'cv2', 'dlib', 'scipy', 'keras'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.stdout.strip() == "[]", found.stderr


def test_a_choice_that_came_late_changes_no_key_and_no_record_at_its_default(tmp_path):
    """The key is that of merzoo before there was a choice of faces."""
    clip = made.clip(0)
    clip = replace(clip, onset=0, apex=1, offset=2, fps=None)
    known = "944ae48b474fb339a1a7d8bf8aa0a85bcb6ca4a504af5442f7c11d3d2d10cdd5"
    chosen = check_parameters({"detector": "haar"})
    assert _key(clip, "content", "apex", (32, 32, 1), chosen) == known
    other = _key(clip, "content", "apex", (32, 32, 1), chosen | {"face": "left"})
    assert other != known
    data = run([made.clip(0)], {"apex": FACE}, tmp_path)
    assert "face" not in data.preparation["parameters"]
    data = run([made.clip(0)], {"apex": FACE}, tmp_path, face="left")
    assert data.preparation["parameters"]["face"] == "left"


def test_the_strain_of_dfrnets_print_can_be_had(tmp_path):
    clip = made.clip(0, ArrayFrames(made.local_film()))
    full = run([clip], {"flow": FACE}, tmp_path).modalities["flow"][0]
    printed = run([clip], {"flow": FACE}, tmp_path, strain="dfrnet_eq7").modalities["flow"][0]
    np.testing.assert_array_equal(full[..., :2], printed[..., :2])
    np.testing.assert_allclose(printed[..., 2], optical_strain_dfrnet_eq7(full), rtol=1e-5)
    assert np.abs(full[..., 2] - printed[..., 2]).max() > 1e-3
    images = [
        run([clip], {"flow_image": (28, 28, 3)}, tmp_path, strain=strain).modalities["flow_image"]
        for strain in ("full", "dfrnet_eq7")
    ]
    assert np.abs(images[0] - images[1]).max() > 1


def magnified(tmp_path, clip=None, **options):
    clip = clip or made.clip(0, ArrayFrames(made.local_film()))
    data = run([clip], {"magnified_apex": FACE}, tmp_path, **options)
    return data.modalities["magnified_apex"][0], data.preparation


def test_gain_order_and_filter_are_what_is_asked_for(tmp_path):
    apex = run([made.clip(0)], {"apex": FACE}, tmp_path).modalities["apex"][0]
    still = magnified(tmp_path, made.clip(0), magnification_gain=0)[0]
    np.testing.assert_array_equal(still, apex)
    usual = magnified(tmp_path)[0]
    for other in (
        {"magnification_gain": 5},
        {"magnification_order": 2},
        {"magnification_band": "0.4-3"},
        {"magnification": "iir"},
    ):
        assert np.abs(magnified(tmp_path, **other)[0] - usual).mean() > 0.05, other


def test_a_whole_video_that_is_a_crop_magnifies_to_the_same(tmp_path):
    """Frames of the crop's size from onset to offset: before and after cropping are one."""
    crop, video = (magnified(tmp_path, magnification_at=at)[0] for at in ("crop", "video"))
    np.testing.assert_allclose(video, crop, atol=1e-3)
    # With frames before the onset, the video's filter starts earlier.
    frames = ArrayFrames(np.concatenate([made.film(1)[:3], made.local_film()]))
    clip = made.clip(0, frames, onset=3, apex=3 + made.APEX, offset=3 + made.LENGTH - 1)
    crop, video = (magnified(tmp_path, clip, magnification_at=at)[0] for at in ("crop", "video"))
    assert np.abs(video - crop).mean() > 0.1


def test_a_clip_too_short_for_the_band_is_magnified_otherwise_and_that_is_recorded(tmp_path):
    """9 frames at 100 a second hold 11 Hz and its multiples; at 3 a second, 0.33 Hz."""
    with pytest.raises(PrepareError, match="none in the band"):
        magnified(tmp_path, magnification="ideal")
    short, said = magnified(tmp_path, magnification="ideal+butterworth")
    np.testing.assert_array_equal(short, magnified(tmp_path)[0])
    assert said["magnification"] == {"made": {"ideal": 0, "butterworth": 1}}
    assert said["notes"] == [
        "magnification: 1 of 1 clips (made 1 of 1) are too short to hold a frequency of 0.1-0.4 Hz "
        "and were magnified by butterworth at 0.5-10 Hz instead of ideal."
    ]
    slow = made.clip(0, ArrayFrames(made.local_film()), fps=3.0)
    long, said = magnified(tmp_path, slow, magnification="ideal+butterworth")
    np.testing.assert_array_equal(long, magnified(tmp_path, slow, magnification="ideal")[0])
    assert said["magnification"] == {"made": {"ideal": 1, "butterworth": 0}} and not said["notes"]


def four(apexes):
    """Four clips of two people, with these apexes."""
    frames = [ArrayFrames(made.local_film()) for _ in apexes]
    return [made.clip(i, frames[i], apex=apex) for i, apex in enumerate(apexes)]


def test_spotted_apexes_are_counted_and_the_record_travels(tmp_path):
    inputs = {"difference": (32, 32, 1)}
    data = run(four([made.APEX, None, 99, made.APEX]), inputs, tmp_path)  # 99: outside the clip
    assert data.preparation["apex"] == {"made": {"annotated": 2, "spotted": 2}}
    assert data.annotated == ("apex",)
    assert run(four([None] * 4), inputs, tmp_path).annotated == ()
    assert data.preparation["parameters"]["detector"] == "none"

    data.save(tmp_path / "samples.npz")
    read = read_arrays(tmp_path / "samples.npz")
    assert read.preparation == data.preparation == data.take([0, 1]).preparation
    assert data.with_modalities({}).preparation == data.preparation
    clips = [made.clip(i, ArrayFrames(made.local_film()), apex=None) for i in (4, 5)]
    joined = join_arrays([data, run(clips, inputs, tmp_path)])
    assert joined.preparation["apex"] == {"made": {"annotated": 2, "spotted": 4}}
    assert joined.preparation["detector"] == {"made": "none"}


def test_frames_of_a_clip_without_an_apex_are_spread_around_a_spotted_one(tmp_path):
    options = {"detector": "none", "jobs": 1, "cache": tmp_path / "cache", "count": 3}
    clips = four([made.APEX, None])
    data = prepare_frames(clips, {"apex": FACE}, "megc3", **options)
    places = [name.split("#") for name in data.clip]
    assert [clip for clip, _ in places] == ["s00/c0"] * 3 + ["s00/c1"] * 3
    annotated, spotted = ([int(n) for _, n in places[i : i + 3]] for i in (0, 3))
    assert np.abs(np.subtract(annotated, spotted)).max() <= 1  # the spotter is good to a frame
    assert data.preparation["apex"] == {"made": {"annotated": 1, "spotted": 1}}
    # Each sample is its own frame, also where every clip's apex is spotted.
    data = prepare_frames(clips, {"apex": FACE}, "megc3", apex="flow", **options)
    pictures = data.modalities["apex"][:3]
    assert np.abs(pictures[0] - pictures[1]).max() > 0 < np.abs(pictures[1] - pictures[2]).max()
    assert data.preparation["parameters"]["apex"] == "flow" and data.annotated == ()


def test_frames_of_clips_without_an_apex_that_must_be_annotated_fail(tmp_path):
    options = {"detector": "none", "jobs": 1, "cache": tmp_path, "count": 3, "apex": "annotated"}
    clips = four([made.APEX, None])
    with pytest.raises(PrepareError, match="1 of 2 clips failed: made s00/c1: has no annotated"):
        prepare_frames(clips, {"apex": FACE}, "megc3", **options)
    with pytest.warns(UserWarning, match="left out made s00/c1"):
        data = prepare_frames(clips, {"apex": FACE}, "megc3", on_error="skip", **options)
    assert len(data) == 3 and data.preparation["left_out"][0][0] == "made s00/c1"

"""The leak audit: every planted leak of the benchmark is caught, and clean set-ups are silent."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

import merzoo.evaluation as evaluation_folder
from merzoo.cli import main
from merzoo.errors import InputError
from merzoo.evaluation import audit, evaluate
from merzoo.evaluation.leakage import KINDS, UNSEEN, find_leaks
from merzoo.evaluation.splits.protocols import Fold, loso
from merzoo.preprocessing.arrays import Arrays, read_arrays
from merzoo.training.learner import resolve
from merzoo.training.recipes import Recipe
from tests.benchmarks.test_speed import load
from tests.samples import flow_arrays

leaks, parts = load("leaks"), load("leak_parts")


def people(subjects=10, clips=4) -> Arrays:
    """Textured faces, alike within a subject, and flow that differs from clip to clip."""
    rng = np.random.default_rng(3)

    def texture(side, channels):
        noise = rng.normal(0, 1, (side, side, channels)).astype("float32")
        smooth = cv2.GaussianBlur(noise, (0, 0), 1.5).reshape(side, side, channels)
        low, high = smooth.min((0, 1)), smooth.max((0, 1))
        return (smooth - low) / (high - low) * 255

    onset, flow, label, subject, clip = [], [], [], [], []
    for s in range(subjects):
        face = texture(64, 1)
        for c in range(clips):
            onset.append(np.clip(face + rng.normal(0, 2, face.shape), 0, 255))
            flow.append(texture(28, 3))
            label.append([0, 0, 1, 2, 1, 0, 2][(s * s + c) % 7])
            subject.append(f"s{s + 1:02d}")
            clip.append(f"s{s + 1:02d}_{c}")
    modalities = {"onset": np.float32(onset), "flow_image": np.float32(flow)}
    dataset = ["made"] * len(label)
    return Arrays(modalities, label, subject, dataset, clip, parts.CLASSES, source="made")


@pytest.fixture(scope="module")
def data():
    return people()


def thin(cases):
    """All cases; of the longer lists, those that few others stand for are in the quick battery."""
    longer = ("leaks_planted_code", "leaks_planted_inputs", "leaks_clean_near")
    slow = [i for i, case in enumerate(cases) if case[2].__module__ in longer and i % 5]
    marks = {i: pytest.mark.slow for i in slow}
    return [
        pytest.param(case, id=case[2].__name__, marks=marks.get(i, ()))
        for i, case in enumerate(cases)
    ]


@pytest.mark.parametrize("case", thin(leaks.PLANTED))
def test_planted_leaks_are_caught(case, data):
    assert leaks.try_case(*case, data)["result"] == "caught"


@pytest.mark.parametrize("case", thin(leaks.CLEAN))
def test_clean_set_ups_are_silent(case, data):
    assert leaks.try_case(*case, data)["findings"] == ""


def test_every_kind_of_leak_is_planted_and_there_are_enough_clean_set_ups():
    assert {kind for _, kind, _ in leaks.PLANTED} == set(KINDS)
    assert len(leaks.PLANTED) >= 30 and len(leaks.CLEAN) >= 30


def test_a_leak_that_is_certain_stops_the_run_unless_allowed(tmp_path):
    data = flow_arrays()
    data.modalities["flow_image"][29] = data.modalities["flow_image"][0]
    with pytest.raises(InputError, match=r"identical samples.*a/s0_0 and b/s5_4.*--allow-leaks"):
        evaluate("flow-krr", data)
    result = evaluate("flow-krr", data, allow_leaks=True, out=tmp_path)
    assert result.warnings[0].startswith("LEAK: identical samples")
    (found,) = json.loads((tmp_path / "audit.json").read_text())
    assert found["samples"] == ["a/s0_0", "b/s5_4"] and found["severity"] == "error"
    assert "LEAK: identical samples" in (tmp_path / "report.html").read_text()


def test_weights_are_known_by_the_record_that_lies_beside_them(tmp_path, data):
    (tmp_path / "model.weights.h5").write_bytes(b"weights")
    record = parts.entry("made/s3").as_dict()
    record |= {"bytes": 7, "sha256": hashlib.sha256(b"weights").hexdigest()}
    (tmp_path / "weights.json").write_text(json.dumps(record))
    for weights in (tmp_path, tmp_path / "model.weights.h5"):
        recipe = Recipe("mine", model_arguments={"weights": str(weights)})
        (found,) = find_leaks(data, loso(data), learner=replace(resolve("ststnet"), recipe=recipe))
        assert found.kind == "weights know test subjects" and len(found.samples) == 4


def test_the_samples_own_word_survives_saving_joining_and_taking(tmp_path, data):
    said = people(subjects=2)
    said = parts.changed(said, fitted_on=("x/*", "y/1"), annotated=("apex",))
    said.save(tmp_path / "said.npz")
    read = read_arrays(tmp_path / "said.npz").take([0, 1])
    assert read.fitted_on == ("x/*", "y/1") and read.annotated == ("apex",)
    from merzoo.preprocessing.arrays import join_arrays

    other = parts.changed(people(1), dataset=["other"] * 4, subject=["z"] * 4, fitted_on=("y/1",))
    joined = join_arrays([said, other])
    assert joined.fitted_on == ("x/*", "y/1") and joined.annotated == ("apex",)


def test_prepare_says_which_annotation_it_used(tmp_path):
    from merzoo.preprocessing import prepare
    from tests.preprocessing import made

    clips = [made.folder_clip(tmp_path / f"c{i}", i) for i in range(2)]
    options = {"detector": "none", "jobs": 1, "cache": tmp_path / "cache"}
    flow = {"flow_image": (28, 28, 3)}
    assert prepare(clips, flow, **options).annotated == ("apex",)
    assert prepare(clips, flow, apex="flow", **options).annotated == ()
    assert prepare(clips, {"onset": (32, 32, 1)}, **options).annotated == ()


def test_a_split_that_one_dataset_stays_out_of_has_no_spelling_leak():
    data = people(4)
    data = parts.changed(data, subject=["s1", "1", "s2", "s3"] * 4)
    rows = np.flatnonzero(np.isin(data.subject, ["made/s1", "made/1", "made/s2"]))
    fold = Fold("s3", rows, np.setdiff1d(np.arange(len(data)), rows))
    only_flow = data.with_modalities({"flow_image": data.modalities["flow_image"]})
    assert find_leaks(only_flow, [fold]) == []


def test_a_person_spelt_in_two_ways_stands_on_one_side_and_a_split_that_parts_them_is_named():
    data = people(4)
    with pytest.warns(UserWarning, match="made/Sub 1 = made/s01"):
        data = parts.changed(data, subject=(["Sub 1"] * 2 + ["s01"] * 2 + ["s2"] * 4) * 2)
    flow = data.with_modalities({"flow_image": data.modalities["flow_image"]})
    folds = loso(flow)
    assert [fold.test.size for fold in folds] == [8, 8] and find_leaks(flow, folds) == []
    parted = Fold("first", np.arange(2, 16), np.arange(2))
    (found,) = find_leaks(flow, [parted])
    assert found.kind == "subject on both sides" and len(found.samples) == 8
    doubtful = parts.changed(flow, subject=(["s1"] * 4 + ["1"] * 4) * 2)  # one person, or two?
    (found,) = find_leaks(doubtful, loso(doubtful))
    assert found.kind == "one person, two names" and "made/1 = made/s1" in found.message


@pytest.mark.parametrize(
    "written", ["Made/S3", "made/subject_03", "MADE/3.0", "made/[3]", "m*/s03"]
)
def test_weights_and_searches_know_a_person_however_written(written, data):
    start = find_leaks(data, loso(data), weights=parts.entry(written))
    searched = find_leaks(data, loso(data), recipe=Recipe("mine", chosen_on=(written,)))
    assert [f.kind for f in start] == ["weights know test subjects"]
    assert [f.kind for f in searched] == ["settings chosen on test subjects"]
    assert len(start[0].samples) == len(searched[0].samples) == 4


def test_the_command_line_says_no_with_status_1(tmp_path, capsys, data):
    data.save(tmp_path / "clean.npz")
    assert main(["audit", "--data", f"arrays:{tmp_path / 'clean.npz'}"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("No leak that we know how to look for.")
    page = (Path(evaluation_folder.__file__).parent / "README.md").read_text(encoding="utf-8")
    assert all(f"- {line}\n" in told and f"- {line}\n" in page for line in UNSEEN)
    parts.changed(data, fitted_on=("made/s01",)).save(tmp_path / "leak.npz")
    words = ["--data", f"arrays:{tmp_path / 'leak.npz'}"]
    assert main(["audit", "ststnet", *words]) == 1
    assert "4 samples: made/s01_0 made/s01_1" in capsys.readouterr().out
    assert main(["audit", *words, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)[0]["kind"] == "features fitted before the split"
    assert main(["audit", "--data", "synthetic:easy"]) == 2
    assert "name the model" in capsys.readouterr().err
    status = main(["evaluate", "flow-krr", *words])
    assert status == 2 and "--allow-leaks" in capsys.readouterr().err
    assert audit(data, protocol="kfold:3") == []


def test_people_that_something_was_fitted_on_and_nobody_is(data):
    for wrong in ("", "s01", "made/", "/s01"):
        with pytest.raises(InputError, match="'fitted_on' names"):
            parts.changed(data, fitted_on=("other/1", wrong))
    for right in (("elsewhere/*",), ("other/1", "a/b*")):
        assert audit(parts.changed(data, fitted_on=right)) == []
    (found,) = audit(parts.changed(data, fitted_on=("MADE/s77", "elsewhere/1")))
    assert found.severity == "warning" and "1 people whom the data do not hold: MADE/s77" in (
        found.message
    )


SHAPES = {"regions": (5, 4), "flow_image": (8, 8, 3), "sequence": (2, 8, 8, 1)}


@pytest.mark.parametrize("name", SHAPES)
def test_samples_of_any_number_of_axes_are_looked_at(name):
    """Such as boxes of regions, two axes, on which the statistics by channel once stumbled."""
    rng = np.random.default_rng(11)
    label, people = rng.permutation(np.arange(24) % 3), np.repeat(["p", "q", "r", "t"], 6)
    values = rng.uniform(0, 1, (24, *SHAPES[name])).astype("float32")
    clips = [f"c{i}" for i in range(24)]
    clean = Arrays({name: values}, label, people, ["made"] * 24, clips, parts.CLASSES)
    assert find_leaks(clean, loso(clean)) == []
    told = values.copy()
    told.reshape(24, -1)[:, -1] = label / 2
    (found,) = find_leaks(replace(clean, modalities={name: told}), loso(clean))
    assert found.kind == "input tells the class"

"""Protocols: who is left out together, splits as files, the composite and its parts."""

import inspect
import json
import sys

import numpy as np
import pytest

from merzoo.data.clip import Clip
from merzoo.data.frame_samples import clip_of, expand_frames
from merzoo.errors import InputError
from merzoo.evaluation import audit, evaluate
from merzoo.evaluation.splits.file import read_split, split_as_dict
from merzoo.evaluation.splits.protocols import (
    PROTOCOLS,
    make_folds,
    parse_protocol,
    split_fingerprint,
    subject_wise,
)
from merzoo.preprocessing import load_samples
from merzoo.preprocessing.arrays import Arrays
from merzoo.training.recipes import Recipe
from tests.preprocessing import made
from tests.samples import flow_arrays


def framed(data, count=3):
    """Frame samples: each clip several times, as `expand_frames` names them."""
    rows = np.repeat(np.arange(len(data)), count)
    names = [f"{data.clip[row]}#{i}" for i, row in enumerate(rows.tolist())]
    part = data.take(rows)
    fields = {n: getattr(part, n) for n in ("label", "subject", "dataset")}
    return Arrays(part.modalities, **fields, clip=names, classes=data.classes, source="frames")


def groups_of(data, by):
    clip = [name.split("#")[0] for name in data.clip.tolist()]
    return {"subject": data.subject, "clip": np.array(clip), "frame": data.clip}[by]


@pytest.mark.parametrize("name", [n for n, row in PROTOCOLS.items() if row.numbered])
def test_folds_cover_every_sample_once_and_keep_together_what_they_say(name):
    data, by = framed(flow_arrays()), PROTOCOLS[name].by
    folds = make_folds(f"{name}:4", data)
    assert sorted(np.concatenate([f.test for f in folds])) == list(range(len(data)))
    for fold in folds:
        assert sorted([*fold.train, *fold.test]) == list(range(len(data)))
        groups = groups_of(data, by)
        assert not set(groups[fold.train]) & set(groups[fold.test])
    again = make_folds(f"{name}:4", data)
    assert split_fingerprint(again) == split_fingerprint(folds)
    if by != "subject":  # and the other way: what it does not keep together, it mixes
        assert any(set(data.subject[f.train]) & set(data.subject[f.test]) for f in folds)


def test_stratified_folds_spread_the_classes():
    label = np.repeat([0, 1], [24, 8])
    data = Arrays({}, label, np.arange(32) // 2, ["d"] * 32, np.arange(32), ("no", "yes"))
    counts = [np.bincount(data.label[f.test]) for f in make_folds("stratified-kfold:4", data)]
    assert [c.tolist() for c in counts] == [[6, 2]] * 4  # 24 and 8 over 4 folds
    even = [np.bincount(data.label[f.test], minlength=2)[1] for f in make_folds("kfold:4", data)]
    assert sorted(even) != [2, 2, 2, 2]


def test_protocol_text():
    assert parse_protocol("kfold")[1] == 5
    assert subject_wise("stratified-kfold-frames:8", flow_arrays()) == "stratified-kfold:6"
    assert subject_wise("kfold:8", flow_arrays()) is None
    assert subject_wise("kfold-frames:3:42", flow_arrays()) == "kfold:3:42"
    for text, message in (
        ("kfolds", "Did you mean 'kfold'"),
        ("loso:5", "write loso"),
        ("kfold:x", "write kfold:8"),
        ("kfold:8:x", "write kfold:8:42"),
        ("megc2018", "Did you mean 'megc2018-"),
    ):
        with pytest.raises(InputError, match=message):
            parse_protocol(text)
    with pytest.raises(InputError, match="choose from 2 to 6"):
        make_folds("kfold:7", flow_arrays())
    with pytest.raises(InputError, match="no frames to split by"):
        make_folds("kfold-frames", flow_arrays())


def test_frame_samples_are_the_clip_with_another_apex():
    frames = (None,) * 41
    clip = Clip("d", "d/s1", "a", frames, "joy", onset=0, apex=20, offset=40)
    samples = expand_frames([clip], 4)
    assert [s.apex for s in samples] == [10, 17, 23, 30]
    assert {s.frames for s in samples} == {frames} and {s.onset for s in samples} == {0}
    assert expand_frames(samples) == samples
    every = expand_frames([Clip("d", "d/s1", "b", frames, onset=3, offset=7)], "all")
    assert [s.apex for s in every] == [3, 4, 5, 6, 7]
    with pytest.raises(InputError, match="has no apex"):
        expand_frames([Clip("d", "d/s1", "b", frames)])


def test_clips_become_frame_samples_on_their_way_to_a_split_by_frame(tmp_path):
    clips = [made.folder_clip(tmp_path / f"c{i}", i) for i in range(2)]
    options = {"labels": "annotated", "jobs": 1, "detector": "none", "cache": tmp_path / "cache"}
    data = load_samples(clips, {"apex": (32, 32, 1)}, frames=3, **options)
    assert len(data) == 6 and all("#" in name for name in data.clip.tolist())
    assert len(set(clip_of(data.clip).tolist())) == 2
    assert len({image.tobytes() for image in data.modalities["apex"]}) > 2  # not one a clip
    folds = make_folds("kfold-frames:2", data)
    assert any(set(clip_of(data.clip[f.train])) & set(clip_of(data.clip[f.test])) for f in folds)


def test_joined_sets_give_figures_of_each_and_one_set_gives_its_own():
    both = flow_arrays()  # the composite (CDE): subjects of two datasets
    cde = evaluate("flow-krr", both)
    assert {name: part["n"] for name, part in cde.by_dataset.items()} == {"a": 15, "b": 15}
    sde = evaluate("flow-krr", both.take(np.flatnonzero(both.dataset == "a")))
    assert set(sde.by_dataset) == {"a"} and sde.by_dataset["a"]["n"] == sde.metrics["full"]["n"]


def megc2018(classes=("I", "II", "III", "IV", "V"), datasets=("casme2", "samm")):
    rng = np.random.default_rng(0)
    n = 40
    images = rng.uniform(0, 255, (n, 28, 28, 3)).astype("float32")
    subject = [f"s{i // 5}" for i in range(n)]
    dataset = [datasets[i // 5 % 2] for i in range(n)]
    label = np.arange(n) % len(classes)
    return Arrays({"flow_image": images}, label, subject, dataset, range(n), classes)


def test_megc2018_takes_its_two_sets_and_five_classes_only():
    hde = evaluate("flow-krr", megc2018(), protocol="megc2018-hde")
    assert set(hde.predictions["fold"]) == {"casme2", "samm"}
    cde = evaluate("flow-krr", megc2018(), protocol="megc2018-cde")
    assert cde.predictions["fold"].nunique() == 8 and set(cde.by_dataset) == {"casme2", "samm"}
    with pytest.raises(InputError, match="Use --labels objective-5"):
        make_folds("megc2018-cde", megc2018(classes=("a", "b", "c", "d", "e")))
    with pytest.raises(InputError, match="these are samm, smic"):
        make_folds("megc2018-hde", megc2018(datasets=("samm", "smic")))


def test_a_split_file_gives_the_same_run_whatever_the_order_of_samples(tmp_path):
    data = flow_arrays()
    first = evaluate("flow-krr", data, protocol="kfold:3", out=tmp_path / "run")
    file = tmp_path / "run" / "split.json"
    written = json.loads(file.read_text())
    assert written["protocol"] == "kfold:3"
    assert (
        written["fingerprint"]
        == json.loads((tmp_path / "run" / "protocol.json").read_text())["split_fingerprint"]
    )
    again = evaluate("flow-krr", data, split=file)
    assert again.predictions.equals(first.predictions)
    shuffled = data.take(np.random.default_rng(0).permutation(len(data)))
    folds = read_split(file, shuffled)
    ids = shuffled.ids()
    for fold in folds:
        assert sorted(ids[fold.test]) == sorted(written["folds"][fold.name]["test"])


def test_a_split_file_that_does_not_fit_is_refused(tmp_path):
    data = flow_arrays()
    good = split_as_dict(make_folds("kfold:3", data), data, "kfold:3")
    name, fold = next(iter(good["folds"].items()))

    def read(folds):
        (tmp_path / "split.json").write_text(json.dumps({"folds": folds}))
        return read_split(tmp_path / "split.json", data)

    assert len(read({name: fold})) == 1  # a part of the samples is enough
    with pytest.raises(InputError, match="Unknown sample 'a/s0_9'"):
        read({name: fold | {"test": ["a/s0_9"]}})
    with pytest.raises(InputError, match="is tested twice, in the folds"):
        read({name: fold, "again": fold})
    with pytest.raises(InputError, match=f"is tested twice, in the folds {name} and {name}"):
        read({name: fold | {"test": [*fold["test"], fold["test"][0]]}})
    with pytest.raises(InputError, match=f"fold {name} trains on .* twice"):
        read({name: fold | {"train": [*fold["train"], fold["train"][-1]]}})
    with pytest.raises(InputError, match="no samples to train on or to test"):
        read({name: fold | {"test": []}})
    with pytest.raises(InputError, match="holds no folds"):
        read({})
    (tmp_path / "split.json").write_text('{"folds": {"a": {}, "a": {}}}')
    with pytest.raises(InputError, match="the name 'a' stands twice"):
        read_split(tmp_path / "split.json", data)
    (tmp_path / "split.json").write_text("{")
    with pytest.raises(InputError, match="a split holds"):
        read_split(tmp_path / "split.json", data)


def test_a_split_file_finds_samples_that_the_data_name_otherwise(tmp_path):
    clips = [f"sub{s:02d}/EP0{c}_01f" for s in (1, 2, 11) for c in (2, 3)]
    people = [clip.split("/")[0] for clip in clips]
    data = Arrays({}, [0, 1] * 3, people, ["casme2"] * 6, clips, ("no", "yes"))

    def read(train, test):
        folds = {"first": {"train": train, "test": test}}
        (tmp_path / "split.json").write_text(json.dumps({"folds": folds}))
        (fold,) = read_split(tmp_path / "split.json", data)
        return fold.train.tolist(), fold.test.tolist()

    train = ["CASME2/sub01/sub01_EP02_01f", "CASME-II/s1/EP3_1f", "casme2/1/EP02_01f"]
    assert read(train, ["casme2/sub11_EP02_01f"]) == ([0, 1], [4])
    for strange in ("casme2/sub03_EP02_01f", "casme2/F01_EP02_01f", "samm/sub01/EP02_01f"):
        with pytest.raises(InputError, match="Unknown sample"):
            read(train, [strange])


def test_folds_are_of_people_however_written():
    names = ["P1", "p01", "P2", "P2 ", "F01", "M01"]
    with pytest.warns(UserWarning, match="d/P1 = d/p01, d/P2 = d/P2 ;"):
        data = Arrays({}, [0, 1] * 3, names, ["d"] * 6, list("abcdef"), ("no", "yes"))
    assert [(f.name, f.test.tolist()) for f in make_folds("loso", data)] == [
        ("d/F01", [4]),
        ("d/M01", [5]),
        ("d/P1", [0, 1]),
        ("d/P2", [2, 3]),
    ]
    for name in ("kfold:3", "stratified-kfold:2"):
        for fold in make_folds(name, data):
            assert not set(data.subject[fold.train]) & set(data.subject[fold.test])


def test_a_split_over_clips_is_marked_and_stands_beside_the_figure_by_subject(tmp_path):
    result = evaluate("flow-krr", flow_arrays(), protocol="kfold-clips:3", out=tmp_path)
    beside = result.metrics["by_subject"]
    assert beside["protocol"] == "kfold:3" and 0 <= beside["uf1"] <= 1
    assert "puts one person on both sides" in result.warnings[0]
    assert (tmp_path / "by-subject" / "predictions.csv").is_file()
    assert "UF1 of new people (kfold:3)" in (tmp_path / "report.html").read_text()
    assert json.loads((tmp_path / "metrics.json").read_text())["warnings"] == list(result.warnings)
    again = evaluate("flow-krr", flow_arrays(), protocol="kfold-clips:3", out=tmp_path)
    assert again.predictions.equals(result.predictions)


def test_the_run_by_subject_is_given_every_option(monkeypatch, tmp_path):
    given = []

    def noted(learner, data, **options):
        given.append((learner, options))
        return evaluate(learner, data, **options)

    monkeypatch.setattr(sys.modules["merzoo.evaluation.evaluate"], "evaluate", noted)
    how = {"recipe": Recipe("mine"), "parameters": {"detector": "haar"}}
    evaluate("flow-krr", flow_arrays(), protocol="kfold-clips:3", out=tmp_path, **how)
    ((learner, options),) = given
    known = set(inspect.signature(evaluate).parameters) - {"model", "data"}
    assert set(options) == known - {"recipe", "parameters"}  # which are the learner's
    assert options["split"] is None and options["audit_epochs"] is False  # of the other alone
    assert learner.recipe.name == "mine" and learner.recipe.preprocessing["detector"] == "haar"


@pytest.mark.parametrize("model", ["flow-krr", None])
def test_the_audit_looks_at_the_folds_of_the_recipe(model):
    recipe = Recipe("mine", protocol="kfold-clips:3")
    kinds = {finding.kind for finding in audit(flow_arrays(), model, recipe=recipe)}
    assert "subject on both sides" in kinds
    assert audit(flow_arrays(), model, recipe=recipe, protocol="loso") == []


@pytest.mark.parametrize(
    ("task", "model"), [("spot", "softnet"), ("spot-recognise", "spotter+ststnet")]
)
def test_long_videos_are_parted_by_the_protocol_of_the_recipe(task, model):
    recipe = Recipe("mine", protocol="kfold-clips:2")
    with pytest.raises(InputError, match="--protocol kfold-clips:2: long videos are parted"):
        audit("synthetic-long:easy?subjects=3", model, task=task, recipe=recipe)

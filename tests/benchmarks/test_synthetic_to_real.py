"""Invented faces to real ones, on a few made-up images: runs, table, tests and choice work."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from merzoo.preprocessing.arrays import Arrays
from tests.benchmarks.test_speed import load

report, why = load("synthetic_to_real_report"), load("synthetic_to_real_why")
kernels = load("synthetic_to_real_kernels")
maps, sure = load("synthetic_to_real_maps"), load("synthetic_to_real_sure")
parts = sys.modules["synthetic_to_real_parts"]  # which both have imported


@pytest.fixture
def bench(tmp_path):
    """Nine people of three sets, whose upper halves tell the class."""
    rng = np.random.default_rng(0)
    label = np.arange(54) % 3
    images = rng.integers(0, 255, (54, 28, 28, 3))
    images[label == 1, :14] //= 2
    images[label == 2, 14:] //= 2
    dataset = np.repeat(report.SETS, 18)
    subject = [f"{d}/s{i // 6 % 3}" for i, d in enumerate(dataset)]
    data = Arrays({"flow_image": images.astype("uint8")}, label, subject, dataset.tolist(),
                  [str(i) for i in range(54)], ("negative", "positive", "surprise"))  # fmt: skip
    data.save(tmp_path / "real.npz")
    how = {"protocol": "kfold:3", "pools": {42: 42}}
    return parts.Bench(f"arrays:{tmp_path / 'real.npz'}", tmp_path / "work", **how)


def test_families_hold_the_pairs_that_are_there():
    names = ["flow-krr", "ststnet-random", "ststnet-fine-2000", "offapexnet-zero-560"]
    found = report.families(names)
    assert found["fine-tuned against random start"] == [("ststnet-random", "ststnet-fine-2000")]
    assert [other for _, other in found["against flow-krr"]] == names[1:]
    assert "a factor left out" not in found


def test_tests_of_runs_whose_folders_are_gone_stay_and_holm_is_over_all(bench, monkeypatch):
    known = [{"family": "why", "first": "a", "run": "gone", "uf1_p": "0.0200", "uar_p": "0.5000"}]
    fresh = {"family": "why", "first": "a", "run": "there", "uf1_p": "0.0300", "uar_p": "0.4000"}
    monkeypatch.setattr(report, "tests", lambda *of: [fresh])
    for name in ("a", "there"):
        bench.folder(name).mkdir(parents=True)
        (bench.folder(name) / "metrics.json").write_text("{}")
    rows = report._family(bench, "why", [("a", "gone"), ("a", "there"), ("a", "never")], known)
    assert [(row["run"], row["uf1_p_holm"]) for row in rows] == [
        ("gone", "0.0400"),
        ("there", "0.0400"),
    ]


def test_kept_answers_bring_a_run_back(bench, tmp_path):
    bench = replace(bench, answers=tmp_path / "answers")
    parts.krr(bench)
    before = report.row_of(bench, "flow-krr")
    assert parts.keep_answers(bench, "flow-krr") and not parts.keep_answers(bench, "flow-krr")
    assert not bench.done("other")
    again = replace(bench, work=tmp_path / "again")
    assert again.done("flow-krr") and report.row_of(again, "flow-krr") == before
    assert not parts.keep_answers(again, "flow-krr")  # so its row keeps its machine
    with np.load(bench.answers / "flow-krr.npz") as kept:  # nothing of the data
        assert sorted(kept) == ["data", "given"] and kept["given"].shape == (1, 54, 3)
    altered = parts.load_samples(bench.data, parts.INPUTS).take(range(53))
    altered.save(tmp_path / "altered.npz")
    other = replace(again, work=tmp_path / "x", data=f"arrays:{tmp_path / 'altered.npz'}")
    with pytest.raises(SystemExit, match="other data"):
        other.done("flow-krr")


def test_an_ensemble_is_the_equal_mean(bench):
    parts.krr(bench)
    rows = parts.read_predictions(bench.folder("flow-krr") / "predictions.csv")
    other = rows.copy()
    columns = [c for c in rows if c.startswith("p_")]
    other[columns] = np.roll(rows[columns], 1, axis=1)
    other["predicted"] = np.array(["negative", "positive", "surprise"])[
        other[columns].to_numpy().argmax(1)
    ]
    parts.judged(bench, "other", other.sample(frac=1, random_state=0))
    name = parts.ensemble(bench, "both", ["flow-krr", "other"])
    found = parts.read_predictions(bench.folder(name) / "predictions.csv")
    mean = (rows[columns].to_numpy() + other[columns].to_numpy()) / 2
    assert np.allclose(found[columns].to_numpy(), mean, atol=1e-6)
    row = report.row_of(bench, name)
    assert row["seeds"] == 1 and 0 <= float(row["f1_negative"]) <= 1


def test_the_plain_kernel_of_the_72_is_that_of_flow_krr(bench):
    samples = parts.load_samples(bench.data, parts.INPUTS)
    stack = kernels.kernels(samples)
    assert stack.shape == (72, 54, 54) and np.allclose(np.diagonal(stack, axis1=1, axis2=2), 1)
    model = kernels.FlowKernelRidge()
    shared = model.share(samples.modalities["flow_image"])
    plain = shared.values[:, shared.centres(np.arange(54))[1]]
    same = [number for number, kernel in enumerate(stack) if np.allclose(kernel, plain)]
    assert len(same) == 1
    given, person = kernels.judge(stack[same], samples), samples.subject
    for one in np.unique(person)[:2]:
        rows, held = np.flatnonzero(person != one), np.flatnonzero(person == one)
        fit = model.fit_shared(shared, rows, samples.label[rows], person[rows])
        assert np.allclose(given[held], fit.predict_proba_shared(shared, held))


def test_a_mirrored_sample_is_the_same_to_the_invariant_kernels_alone(bench):
    samples = parts.load_samples(bench.data, parts.INPUTS)
    image = samples.modalities["flow_image"][:1].astype("float32")
    pair = np.concatenate([image, kernels.flip({"flow_image": image})["flow_image"]])
    stack = kernels.kernels(replace(samples.take([0, 1]), modalities={"flow_image": pair}))
    alike = np.isclose(stack[:, 0, 1], 1)
    _, mirrored, _ = np.unravel_index(np.arange(72), (18, 2, 2))  # both are of one set
    assert alike[mirrored == 1].all() and not alike[mirrored == 0].any()


def test_invented_people_are_trained_on_and_never_tested(bench):
    real = parts.load_samples(bench.data, parts.INPUTS)
    others = [f"invented/s{i % 4}" for i in range(len(real))]
    names = ["invented"] * len(real)
    invented = parts.Arrays(real.modalities, real.label, others, names, real.clip, real.classes)
    data, folds = why.beside_real(real, invented, "loso")
    assert len(folds) == 9 and len(data) == 2 * len(real)
    for fold in folds:
        assert not set(data.subject[fold.test]) & set(others)
        assert set(others) <= set(data.subject[fold.train])
        assert not set(data.subject[fold.train]) & set(data.subject[fold.test])


def test_occlusion_finds_the_square_that_counts():
    images = np.full((2, 28, 28, 3), 100.0)
    images[:, 12:15, 12:15] = 200

    def judge(given):  # sure of class 1 where the middle moves
        moved = given[:, 13, 13, 0] > 100
        return np.stack([np.full(len(given), 0.2), np.where(moved, 0.8, 0.1)], 1)

    found = maps.scaled(maps.occlusion(judge, images))
    assert found.shape == (2, 28, 28) and np.allclose(found.sum((1, 2)), 1)
    assert found[:, 9:18, 9:18].sum() == pytest.approx(2)
    assert np.isnan(maps.scaled(np.zeros((1, 28, 28)))).all()


def test_every_place_of_the_face_belongs_to_one_part():
    assert (np.sum(list(maps.regions().values()), axis=0) == 1).all()


def test_a_temperature_of_the_other_people_knows_none_of_ones_own():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(3), 30)
    label, subject = rng.integers(0, 3, 30), np.repeat(["d/a", "d/b", "d/c"], 10)
    found = sure.crossed(label, subject, probabilities)
    label[:10] = (label[:10] + 1) % 3  # the first person's labels are wrong
    again = sure.crossed(label, subject, probabilities)
    assert np.array_equal(found[:10], again[:10]) and not np.array_equal(found[10:], again[10:])
    assert np.array_equal(found.argmax(1), probabilities.argmax(1))
    facts = sure.facts(label, subject, probabilities[None])
    assert float(facts["low"]) < float(facts["too_sure"]) < float(facts["high"])


@pytest.mark.slow
def test_a_fresh_head_and_both_at_once(bench, monkeypatch, tmp_path):
    monkeypatch.setitem(parts.EPOCHS["ststnet"], 42, 1)
    start = why.fresh_head(why._start(bench, 42, 0))
    learner = parts.resolve("ststnet", parts.RECIPES["ststnet"])
    one, other = (learner.build(3) for _ in range(2))
    start.load_into(one, ("negative", "positive", "surprise"), learner)
    why._start(bench, 42, 0).load_into(other, ("negative", "positive", "surprise"), learner)
    same = [np.allclose(a, b) for a, b in zip(one.get_weights(), other.get_weights(), strict=True)]
    assert all(same[:-2]) and not same[-2]  # the last two are kernel and bias of the head
    why._mixed(bench, 42, 0, tmp_path / "mixed")
    found = parts.read_predictions(tmp_path / "mixed" / "predictions.csv")
    assert len(found) == 54 and set(found["dataset"]) == set(report.SETS)


@pytest.mark.slow
def test_zero_shot_and_fine_tuned(bench, monkeypatch, capsys):
    monkeypatch.setitem(parts.EPOCHS["ststnet"], 42, 1)
    folders = [parts.of_levels(bench, "ststnet", 42, seed) for seed in (0, 1)]
    names = [parts.krr(bench), parts.zero_shot(bench, "ststnet", "42", folders)]
    names.append(parts.fine_tuned(bench, "ststnet", "42", folders))
    report.show(bench, names)
    assert "ststnet-fine-42" in capsys.readouterr().out
    assert report.chosen_on_two(bench, names[1:]) == report.CHOSEN


@pytest.mark.slow
def test_inner_people_choose_rate_and_freezing(bench, monkeypatch, tmp_path):
    monkeypatch.setitem(parts.EPOCHS["ststnet"], 42, 1)
    monkeypatch.setattr(why, "SETTINGS", ((1e-9, None), (2e-3, None)))
    why._chosen(bench, 42, 0, tmp_path / "chosen")
    found = parts.read_predictions(tmp_path / "chosen" / "predictions.csv")
    assert len(found) == 54 and found["seed"].unique().tolist() == [0]
    settings = next(bench.work.glob("predictions/*-settings.csv")).read_text().splitlines()
    assert len(settings) == 4 and settings[0] == "fold,rate,freeze,uf1"

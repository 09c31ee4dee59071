"""Calibrated confidence: chosen on inner people of each fold, judged on its test people."""

import json
from dataclasses import replace

import numpy as np
import pytest

from merzoo.errors import InputError
from merzoo.evaluation import evaluate
from merzoo.evaluation.runs.card import rerun_options
from merzoo.evaluation.runs.fold import FoldData, FoldJob, run_fold
from merzoo.evaluation.runs.folder import read_fold
from merzoo.evaluation.runs.read import read_run
from merzoo.evaluation.scores.predictions import metrics_of, read_predictions
from merzoo.evaluation.splits.file import folds_of
from merzoo.training.confidence import fit_confidence, fit_unit_confidence
from merzoo.training.learner import resolve
from tests.evaluation.test_units import SHORT, samples, small
from tests.evaluation.test_units import run as run_units
from tests.samples import flow_arrays


def doubtful(**options):
    """Flow images of which every seventh has another class than it shows."""
    data = flow_arrays(**options)
    label = data.label.copy()
    label[::7] = (label[::7] + 1) % 3
    return replace(data, label=label)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("calibrated") / "run"
    return evaluate("flow-krr", doubtful(subjects=8), calibrate=True, out=folder)


def last_job(data) -> FoldJob:
    fold = folds_of(data, "loso", None)[-1]
    return FoldJob(FoldData.of(data, fold), fold, 0, resolve("flow-krr"), calibrate=True)


def test_a_network_that_is_too_sure_is_made_as_sure_as_it_is_right():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 3, 4000)
    said = np.where(rng.random(4000) < 0.7, label, rng.integers(0, 3, 4000))  # right in 80 %
    probabilities = np.full((4000, 3), 0.01)
    probabilities[np.arange(4000), said] = 0.98
    found = fit_confidence(label, probabilities)
    assert found.of(probabilities).max(1) == pytest.approx(0.8, abs=0.01)
    assert np.array_equal(found.of(probabilities).argmax(1), said)
    assert not found.knows(0.98)  # nine tenths cannot be reached: equal answers go together
    nothing = fit_unit_confidence(np.zeros((0, 2)), np.zeros((0, 2)))
    assert nothing.temperature == pytest.approx(1, abs=0.01) and not nothing.knows(0.99)


def test_inner_people_are_never_tested_and_test_labels_choose_nothing(run):
    data = doubtful(subjects=8)
    files = sorted((run.folder / "folds").glob("*.npz"))
    assert len(files) == 8
    for file in files:
        with np.load(file) as fold:
            inner, test = fold["inner"], fold["test"]
        assert not set(data.subject[inner]) & set(data.subject[test]) and len(inner)
    changed = data.label.copy()
    changed[test] = 0  # other labels of the last test person
    again = run_fold(last_job(replace(data, label=changed)))
    with np.load(file) as fold:
        assert np.array_equal(fold["inner_probabilities"], again.inner_probabilities)
        assert np.array_equal(fold["inner"], again.inner)


def test_what_it_is_worth_follows_from_the_table_alone(run):
    found = run.metrics["calibration"]
    table = read_predictions(run.folder / "predictions.csv")
    assert metrics_of(table)["calibration"] == {n: v for n, v in found.items() if n != "chosen"}
    right = (table["label"] == table["predicted"]).mean()
    assert found["accuracy"] == pytest.approx(right) and 0 < found["coverage"] <= 1
    assert found["ece_before"] == pytest.approx(run.metrics["ece"])
    assert found["chosen"]["people"] <= 8 and found["chosen"]["temperature"] > 0
    page = (run.folder / "report.html").read_text()
    assert "When it does not know" in page and "right of those given" in page
    card = json.loads((run.folder / "protocol.json").read_text())
    assert "a share is drawn to calibrate on" in card["selection"]
    card["rerun"] |= {"data": ["synthetic:easy"]}
    assert rerun_options(card, "protocol.json")["calibrate"] is True
    assert read_run(run.folder).metrics["calibration"] == found


def test_a_run_without_inner_people_is_another_run(run):
    with pytest.raises(InputError, match="its selection"):
        evaluate("flow-krr", doubtful(subjects=8), out=run.folder)


def test_a_fold_whose_inner_people_are_tested_is_not_taken(run, tmp_path):
    file = sorted((run.folder / "folds").glob("*.npz"))[-1]
    with np.load(file) as fold:
        content = dict(fold)
    job = last_job(doubtful(subjects=8))
    assert read_fold(file, job).inner.tolist() == content["inner"].tolist()
    content["inner"][:] = content["test"][0]
    np.savez(tmp_path / "fold.npz", **content)
    with pytest.raises(InputError, match="'inner' names samples that the fold b/s7 tests"):
        read_fold(tmp_path / "fold.npz", job)


@pytest.mark.slow
def test_action_units_get_one_temperature_and_networks_their_inner_people(tmp_path):
    result = run_units(tmp_path / "run", calibrate=True, recipe=replace(SHORT, epochs=3))
    found = result.metrics["calibration"]
    assert 0 <= found["coverage"] <= 1 and found["temperature"][0] > 0
    assert "When it does not know" in (tmp_path / "run" / "report.html").read_text()
    assert result.tables()[-1][0] == "confidence, calibrated on inner people"
    inner = evaluate(
        small,
        replace(samples(), classes=("a", "b", "c", "d")),
        recipe=replace(SHORT, epochs=2),
        selection="inner",
        subjects=["a/s0"],
    )
    assert inner.metrics["calibration"]["coverage"] >= 0  # who chooses the epoch calibrates too

"""Searches: outer test subjects never reach them, failures are recorded, results can be reused."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest

import merzoo
from merzoo.errors import InputError
from merzoo.evaluation import audit
from merzoo.training.learner import resolve
from merzoo.training.recipes import Recipe, get_recipe, multilabel_recipe
from merzoo.tuning.oracles import Searches, make_oracle
from merzoo.tuning.search import Plan, SearchTuner, search_data
from merzoo.tuning.search_spaces import hyperparameters
from tests.samples import flow_arrays

START = Recipe("start", learning_rate=3e-3, epochs=2, batch_size=8)


def scores_of(data, search: str, folder):
    """Scores and losses of the trials of one search."""
    space = {"learning_rate": {"low": 1e-3, "high": 1e-2}}
    plan = Plan(resolve("ststnet"), data, START, space, "random", folds=2)
    oracle = make_oracle(
        "random", hyperparameters(space, "ststnet", START), trials=2, epochs=2, seed=0
    )
    searches = Searches({search: oracle}, folder / "searches", plan.fingerprint())
    SearchTuner(searches, plan, folder).search()
    reports = [json.loads(t.message) for t in oracle.trials.values()]
    return [(r["uf1"], r["loss"]) for r in reports]


def test_outer_test_subjects_never_reach_a_search(tmp_path):
    data = flow_arrays(subjects=4, clips=4)
    held_out = data.subject == sorted(set(data.subject))[0]
    assert not set(search_data(_plan(data), "loso_1").subject) & set(data.subject[held_out])
    images = data.modalities["flow_image"].copy()
    images[held_out] = 255 - images[held_out]
    other = replace(
        data,
        modalities={"flow_image": images},
        label=np.where(held_out, (data.label + 1) % 3, data.label),
    )
    before, after = (scores_of(d, "loso_1", tmp_path / n) for d, n in ((data, "a"), (other, "b")))
    assert before == after


def _plan(data):
    return Plan(resolve("ststnet"), data, START, {}, "random", folds=2)


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="folds are trained together by JAX")
def test_outer_folds_whose_epochs_are_watched_are_not_trained_together(monkeypatch):
    monkeypatch.setattr("merzoo.training.engines._device", lambda: "gpu")
    plan = _plan(flow_arrays(subjects=4))
    assert plan.engine().name == "together"
    assert plan.engine(watched=True).name == "scan"


def test_a_nested_grid_leaves_a_recipe_and_two_evaluations(tmp_path):
    data = flow_arrays(subjects=5, clips=4)
    options = {
        "recipe": START,
        "space": {"dropout": [0.5, 7.0]},
        "tuner": "grid",
        "trials": 2,
        "folds": 2,
        "nested": True,
        "outer": "kfold:2",
        "out": tmp_path / "tune",
    }
    result = merzoo.tune("ststnet", data, **options)
    table = result.trials
    assert table["search"].tolist() == ["all"] * 2 + ["kfold2_1"] * 2 + ["kfold2_2"] * 2
    assert table["status"].tolist() == ["completed", "failed"] * 3
    assert "rate" in table["cause"][1] and "7.0" in table["cause"][1]
    assert result.uf1 == result.default_uf1 == table["uf1"][0]
    for name in ("default", "nested"):
        folder = tmp_path / "tune" / name
        predictions = (folder / "predictions.csv").read_text().splitlines()
        assert len(predictions) == 1 + 20
        assert json.loads((folder / "metrics.json").read_text())["full"]["n"] == 20
        assert (folder / "report.html").is_file() and (folder / "protocol.json").is_file()
    assert result.nested["full"]["uf1"] == result.default["full"]["uf1"]  # the same recipe won
    recipe = get_recipe(tmp_path / "tune" / "best_recipe.json")
    assert recipe == result.recipe and recipe.model_arguments == {"dropout": 0.5}
    assert recipe.chosen_on == tuple(sorted(set(data.subject.tolist())))
    findings = audit(data, recipe=recipe)
    assert "settings chosen on test subjects" in {finding.kind for finding in findings}
    page = (tmp_path / "tune" / "tune.html").read_text()
    assert result.nested["yardstick"]["model"] == "flow-krr"
    assert "On the same subjects: flow-krr in the same folds: UF1" in page
    assert "optimistic" in page and "src=" not in page and "<script" not in page

    trials = {f: f.stat().st_mtime_ns for f in (tmp_path / "tune").rglob("trial.json")}
    again = merzoo.tune("ststnet", data, **options)
    assert again.uf1 == result.uf1 and again.nested == result.nested
    assert all(f.stat().st_mtime_ns == before for f, before in trials.items())
    with pytest.raises(InputError, match="holds another search: its folds is"):
        merzoo.tune("ststnet", data, **options | {"folds": 3})


def test_bad_requests_say_what_to_do(tmp_path):
    data = flow_arrays(subjects=3)

    def says(pattern, model="ststnet", **options):
        with pytest.raises(InputError, match=pattern):
            merzoo.tune(model, data, **options)

    says("scikit-learn estimator", model="flow-krr")
    says("Did you mean 'random'", tuner="randm")
    units = multilabel_recipe(get_recipe("ststnet"))
    says("action units are not searched for", recipe=units)
    says("action units are not searched for", labels="action_units")
    says("3 subjects cannot be split into 4 groups")
    says("trials must be a whole number from 1, got 0", trials=0)
    says("write 'loso' or 'kfold:5'", folds=2, nested=True, outer="kfold:x")
    says("No trial was finished within the budget", folds=2, budget=1e-9)
    (tmp_path / "mine.txt").write_text("x")
    says("not the folder of a search", folds=2, out=tmp_path)

"""The yardstick beside a run is what `flow-krr` reaches in the run's own folds, or a reason."""

import json
import shutil

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.naive_bayes import GaussianNB

from merzoo.errors import InputError
from merzoo.evaluation import evaluate
from merzoo.evaluation.compare import compare
from merzoo.evaluation.pages.report import write_report
from merzoo.evaluation.runs import fold
from merzoo.evaluation.runs.read import read_run
from merzoo.evaluation.runs.yardstick import MOST, yardstick
from merzoo.evaluation.splits.protocols import loso
from merzoo.preprocessing.arrays import Arrays
from merzoo.training.learner import resolve
from tests.samples import flow_arrays


def hard():
    """Flow images with so much noise that no score is at its end."""
    data = flow_arrays()
    noise = np.random.default_rng(1).normal(0, 300, data.modalities["flow_image"].shape)
    return data.with_modalities({"flow_image": data.modalities["flow_image"] + noise})


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of another estimator, and what `flow-krr` reaches alone on the same data."""
    place = tmp_path_factory.mktemp("yardstick")
    own = evaluate(GaussianNB(), hard(), out=place / "own")
    return own, evaluate("flow-krr", hard(), out=place / "krr")


def test_it_is_what_flow_krr_reaches_alone(run):
    own, krr = run
    found, full = own.yardstick, krr.metrics["full"]
    assert 0.3 < found["uf1"] < 0.99
    for name in ("uf1", "uar", "accuracy", "n", "interval"):
        assert found[name] == full[name]
    assert found["difference"]["uf1"]["difference"] == pytest.approx(own.uf1 - krr.uf1, abs=1e-12)


def test_the_difference_is_that_of_compare(run):
    own, krr = run
    (told,) = compare([krr.folder, own.folder])["comparisons"]
    for name, by in own.yardstick["difference"].items():
        assert {key: told[name][key] for key in by} == by


def test_flow_krr_has_none_itself(run):
    assert run[1].yardstick is None and "yardstick" not in run[1].metrics


def test_it_is_shown_beside_the_floor_wherever_scores_are(run, capsys):
    from merzoo.commands.evaluate import print_result

    own, krr = run
    by = own.yardstick["difference"]["uf1"]
    print_result("own", own)
    told = capsys.readouterr().out
    assert "always negative: UF1 0.167, UAR 0.333" in told
    line = f"flow-krr in the same folds: UF1 {krr.uf1:.3f}, UAR {krr.uar:.3f}"
    assert line in told and line in own._repr_html_()
    assert f"less it: UF1 {by['difference']:+.3f} [{by['interval'][0]:+.3f}" in told
    assert "'model': 'flow-krr'" in repr(own)
    write_report(own.folder)  # from the files alone
    page = (own.folder / "report.html").read_text()
    assert f"flow-krr: {krr.uf1:.3f}" in page
    assert f"less it: {by['difference']:+.3f} [" in page


def test_its_part_of_the_file_is_checked(run, tmp_path):
    metrics = json.loads((run[0].folder / "metrics.json").read_text())
    assert read_run(run[0].folder).metrics["yardstick"] == metrics["yardstick"]
    for field, wrong in (("uf1", "much"), ("difference", {}), ("interval", None)):
        part = metrics["yardstick"] | {field: wrong}
        place = tmp_path / field
        place.mkdir()
        for name in ("protocol.json", "predictions.csv"):
            (place / name).write_bytes((run[0].folder / name).read_bytes())
        (place / "metrics.json").write_text(json.dumps(metrics | {"yardstick": part}))
        with pytest.raises(InputError, match=rf"yardstick\.{field}"):
            read_run(place)


def test_with_several_seeds_and_some_subjects_it_is_of_the_same_folds():
    forest = RandomForestClassifier(n_estimators=3, random_state=0)
    own = evaluate(forest, hard(), seeds=2, subjects=["a/s0", "b/s1"])
    krr = evaluate("flow-krr", hard(), subjects=["a/s0", "b/s1"])
    assert own.metrics["seeds"] == 2
    assert own.yardstick["uf1"] == krr.uf1 and own.yardstick["n"] == 10
    difference = own.yardstick["difference"]["uf1"]["difference"]
    assert difference == pytest.approx(own.uf1 - krr.uf1, abs=1e-12)


def test_a_run_that_goes_on_has_the_same(run, tmp_path):
    folder = shutil.copytree(run[0].folder, tmp_path / "run")
    for file in [*list((folder / "folds").iterdir())[:3], folder / "metrics.json"]:
        file.unlink()
    assert evaluate(GaussianNB(), hard(), out=folder).yardstick == run[0].yardstick


def test_it_never_trains_on_who_is_tested(run, monkeypatch):
    seen, fit = [], fold._fit_shared

    def watched(estimator, job, train, rows, held):
        seen.append((job.fold.name, set(train.subject.tolist())))
        return fit(estimator, job, train, rows, held)

    monkeypatch.setattr(fold, "_fit_shared", watched)
    data = hard()
    found = yardstick(resolve(GaussianNB()), data, loso(data), run[0].predictions)
    assert found == run[0].yardstick
    assert len(seen) == 6 and all(name not in people for name, people in seen)


def test_where_the_data_do_not_allow_it_the_reason_is_told(tmp_path, capsys):
    from merzoo.commands.evaluate import print_result

    data, rng = flow_arrays(), np.random.default_rng(0)
    faces = data.with_modalities({"apex": rng.uniform(0, 255, (30, 8, 8, 3)).astype("float32")})
    result = evaluate(GaussianNB(), faces, out=tmp_path / "run")
    assert result.yardstick == {"model": "flow-krr", "absent": "the data hold no flow_image"}
    print_result("", result)
    assert "no yardstick: the data hold no flow_image" in capsys.readouterr().out
    assert (
        "No yardstick: the data hold no flow_image."
        in (tmp_path / "run" / "report.html").read_text()
    )
    small = yardstick(resolve(GaussianNB()), flow_arrays(size=14), [], None)
    assert small["absent"] == (
        "the data hold flow_image of shape (14, 14, 3), flow-krr takes (28, 28, 3)"
    )


def test_of_many_samples_it_is_not_worked_out():
    n = MOST + 1
    images, names = np.zeros((n, 28, 28, 3), "float32"), [str(i) for i in range(n)]
    many = Arrays({"flow_image": images}, np.zeros(n, int), ["s"] * n, ["a"] * n, names, ("no",))
    told = yardstick(resolve("ststnet"), many, [], None)
    assert told == {
        "model": "flow-krr",
        "absent": "5,001 samples, and it is worked out for up to 5,000",
    }

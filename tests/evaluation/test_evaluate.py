"""The main job: folds, resuming, parallel workers, and results that can be recomputed."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import keras
import numpy as np
import pytest

from merzoo.errors import InputError
from merzoo.evaluation import evaluate
from merzoo.evaluation.scores.predictions import metrics_of, read_predictions
from merzoo.evaluation.splits.protocols import loso
from merzoo.files import file_name
from merzoo.training.recipes import Recipe
from tests.samples import flow_arrays

QUICK = Recipe("quick", learning_rate=5e-3, epochs=4, batch_size=8)


def test_no_subject_stands_on_both_sides_of_a_fold():
    data = flow_arrays()
    folds = loso(data)
    assert [fold.name for fold in folds] == ["a/s0", "a/s2", "a/s4", "b/s1", "b/s3", "b/s5"]
    for fold in folds:
        assert set(data.subject[fold.test]) == {fold.name}
        assert fold.name not in data.subject[fold.train]
        assert sorted([*fold.train, *fold.test]) == list(range(len(data)))


def test_held_out_dataset_and_joined_sources(tmp_path):
    flow_arrays(datasets=("a",)).save(tmp_path / "a.npz")
    flow_arrays(datasets=("b",), seed=1).save(tmp_path / "b.npz")
    sources = [f"arrays:{tmp_path / name}.npz" for name in "ab"]
    result = evaluate("flow-krr", sources, protocol="leave-one-dataset-out")
    table = result.predictions
    assert (table["fold"] == table["dataset"]).all() and set(table["fold"]) == {"a", "b"}
    assert result.by_dataset["b"]["n"] == 30


def test_spellings_of_one_person_change_no_fold_no_score_and_no_fingerprint(tmp_path):
    data = flow_arrays()
    plain = evaluate("flow-krr", data, out=tmp_path / "run")
    ways = data.subject.astype(object)
    ways[1::5] = [name.replace("/s", "/Subject 0") for name in ways[1::5]]
    with pytest.warns(UserWarning, match=r"a/s0 = a/Subject 00, .* and 3 more; the first"):
        spelt = replace(data, subject=ways.astype(str))
    assert spelt.fingerprint() == data.fingerprint()
    again = evaluate("flow-krr", spelt, out=tmp_path / "run")  # goes on in the same folder
    assert again.predictions.equals(plain.predictions)
    part = evaluate("flow-krr", data, subjects=["A/sub02"], out=tmp_path / "part")
    assert set(part.predictions["subject"]) == {"a/s2"}
    card = json.loads((tmp_path / "part" / "protocol.json").read_text())
    assert card["held_out_subjects"] == ["a/s2"]
    alone = evaluate("flow-krr", data, subjects="a/s2", out=tmp_path / "part")
    assert alone.predictions.equals(part.predictions)


def test_the_first_folds_of_each_data_set_are_run_alone(tmp_path):
    data = flow_arrays()
    part = evaluate("flow-krr", data, subjects=2, out=tmp_path / "loso")
    assert set(part.predictions["subject"]) == {"a/s0", "a/s2", "b/s1", "b/s3"}
    folds = evaluate("flow-krr", data, protocol="kfold:3", subjects=1, out=tmp_path / "kfold")
    assert len(list((tmp_path / "kfold" / "folds").iterdir())) == 1
    assert 0 < len(folds.predictions) < len(data)
    with pytest.raises(InputError, match="subjects must be a whole number from 1, got 0"):
        evaluate("flow-krr", data, subjects=0, out=tmp_path / "none")


def test_metrics_follow_from_the_predictions_file_alone(tmp_path):
    result = evaluate("flow-krr", flow_arrays(), out=tmp_path / "run")
    assert result.uf1 > 0.9  # the classes are easy
    again = metrics_of(
        read_predictions(tmp_path / "run" / "predictions.csv"), deterministic=result.deterministic
    )
    assert json.loads(json.dumps(again)) == json.loads(
        (tmp_path / "run" / "metrics.json").read_text()
    )
    assert sum(again["by_dataset"]["a"]["n_per_class"]) == 15
    page = (tmp_path / "run" / "report.html").read_text()
    assert page.count('src="') == page.count('src="data:')  # self-contained
    assert 'href="http' not in page


def test_finished_folds_are_not_run_again(tmp_path):
    data = flow_arrays()
    first = evaluate("flow-krr", data, out=tmp_path)
    times = {f: f.stat().st_mtime_ns for f in (tmp_path / "folds").iterdir()}
    damaged = f"seed0-{file_name('a/s2')}.npz"
    (tmp_path / "folds" / damaged).write_bytes(b"PK broken")
    with pytest.warns(UserWarning, match=rf"{damaged}: damaged .*the fold is run again"):
        again = evaluate("flow-krr", data, out=tmp_path)
    changed = [f.name for f in (tmp_path / "folds").iterdir() if f.stat().st_mtime_ns != times[f]]
    assert changed == [damaged]
    assert again.predictions.equals(first.predictions)


def test_another_protocols_folder_is_refused(tmp_path):
    data = flow_arrays()
    evaluate("flow-krr", data, out=tmp_path)
    with pytest.raises(InputError, match="holds another run: its protocol"):
        evaluate("flow-krr", data, protocol="leave-one-dataset-out", out=tmp_path)
    with pytest.raises(InputError, match=r"its data\.fingerprint is"):
        evaluate("flow-krr", flow_arrays(seed=1), out=tmp_path)


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(InputError, match="not empty"):
        evaluate("flow-krr", flow_arrays(), out=tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"class_weights": (0.5, 1.0, 1.0, 2.0)},
        {"loss": "focal", "loss_arguments": {"alpha": [0.25, 0.75]}},
        {"loss": "margin"},
    ],
)
def test_what_no_fold_could_train_takes_no_folder(tmp_path, changes):
    classes = ("negative", "positive", "surprise")
    recipe = replace(QUICK, **changes)
    if recipe.loss != "margin":
        with pytest.raises(InputError, match=f"values for {len(classes)} classes"):
            evaluate("ststnet", flow_arrays(), recipe=recipe, out=tmp_path / "run")
    else:
        with pytest.raises(InputError, match="the margin loss is for lengths"):
            evaluate(logits, flow_arrays(), recipe=recipe, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def logits(classes=3):
    inputs = keras.Input((28, 28, 3), name="flow_image")
    outputs = keras.layers.Dense(classes)(keras.layers.Flatten()(inputs))
    return keras.Model({"flow_image": inputs}, outputs)


def test_a_folder_with_a_fold_that_cannot_be_read_stays_as_it_is(tmp_path):
    data = flow_arrays()
    evaluate("flow-krr", data, out=tmp_path)
    fold = next((tmp_path / "folds").glob("*.npz"))
    fold.unlink()
    fold.mkdir()
    card = (tmp_path / "protocol.json").read_bytes()
    with pytest.raises(InputError, match="a folder, not a finished fold"):
        evaluate("flow-krr", data, out=tmp_path)
    assert (tmp_path / "protocol.json").read_bytes() == card


def test_folds_at_a_time_are_for_folds_together(tmp_path):
    for chunk, engine, why in ((2, "reuse", "asked for"), (3, "auto", "fold_chunk has no effect")):
        with pytest.raises(InputError, match=why):
            evaluate(
                "ststnet",
                flow_arrays(),
                recipe=QUICK,
                engine=engine,
                fold_chunk=chunk,
                out=tmp_path / "run",
            )
    with pytest.raises(InputError, match="is fitted at once"):
        evaluate("flow-krr", flow_arrays(), engine="scan", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_one_class_training_fold_is_an_error():
    data = flow_arrays(subjects=2, clips=1)
    with pytest.raises(InputError, match="all of class"):
        evaluate("flow-krr", data)


SCRIPT = """
import sys
from merzoo.evaluation import evaluate
from merzoo.training.recipes import Recipe
from tests.samples import flow_arrays
if __name__ == "__main__":
    recipe = Recipe("quick", learning_rate=5e-3, epochs=4, batch_size=8)
    evaluate("ststnet", flow_arrays(), recipe=recipe, out=sys.argv[1], jobs=int(sys.argv[2]))
"""


def _start(tmp_path, out, jobs):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    environment = os.environ | {"PYTHONPATH": root}
    command = [sys.executable, str(script), str(out), str(jobs)]
    return subprocess.Popen(command, env=environment)


@pytest.mark.slow
def test_two_workers_give_the_result_of_one(tmp_path):
    one = evaluate("ststnet", flow_arrays(), recipe=QUICK, out=tmp_path / "one")
    assert _start(tmp_path, tmp_path / "two", 2).wait() == 0
    two = read_predictions(tmp_path / "two" / "predictions.csv")
    columns = [c for c in two if c.startswith("p_")]
    np.testing.assert_allclose(two[columns], one.predictions[columns], atol=1e-5)

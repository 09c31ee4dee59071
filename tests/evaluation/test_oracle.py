"""The oracle gap: kept epochs, both rules, and what random predictions would claim."""

import json

import numpy as np
import pytest

from merzoo.cli import main
from merzoo.errors import InputError
from merzoo.evaluation import evaluate
from merzoo.evaluation.runs.fold import FoldJob, FoldResult
from merzoo.evaluation.scores.oracle import ONE_EPOCH, PER_FOLD, oracle_gap, random_floor
from merzoo.evaluation.splits.protocols import loso
from merzoo.files import file_name
from merzoo.training.learner import resolve
from merzoo.training.recipes import Recipe, recipe_as_dict
from tests.samples import flow_arrays

QUICK = Recipe("quick", learning_rate=5e-3, epochs=3, batch_size=8)


def composite(seed=0) -> np.ndarray:
    """(68, 3) clips of each class and person: 250/109/83 of 442, from 1 to about 40 a person."""
    rng = np.random.default_rng(seed)
    share = rng.lognormal(0, 0.95, 68)
    owner = np.concatenate([np.arange(68), rng.choice(68, 442 - 68, p=share / share.sum())])
    label = rng.permutation(np.repeat([0, 1, 2], [250, 109, 83]))
    counts = np.zeros((68, 3), int)
    np.add.at(counts, (owner, label), 1)
    return counts


def test_random_predictions_reach_what_looks_like_learning():
    """Best of 20 epochs a subject: UF1 about .66; of 800 about .82, on MEGC 2019's layout."""
    counts = composite()
    assert random_floor(counts, 20, PER_FOLD, draws=20)["uf1"] == pytest.approx(0.66, abs=0.03)
    assert random_floor(counts, 800, PER_FOLD, draws=5)["uf1"] == pytest.approx(0.82, abs=0.03)
    once = random_floor(counts, 1, PER_FOLD, draws=20)["uf1"]
    assert once == pytest.approx(1 / 3, abs=0.02)
    assert once < random_floor(counts, 800, ONE_EPOCH, draws=5)["uf1"] < 0.45


def test_both_rules_on_two_folds_worked_by_hand():
    data = flow_arrays(subjects=2, clips=3, datasets=("a",))  # each subject: one clip a class
    right = np.eye(3)
    results = []
    for fold, epochs in zip(
        loso(data),
        # Right clips by epoch: 1, 3, 2 of the first subject and 2, 1, 3 of the second.
        (([0, 0, 0], None, [0, 1, 1]), ([0, 0, 2], [1, 1, 1], None)),
        strict=True,
    ):
        label = data.label[fold.test]
        chosen = []
        for epoch in epochs:
            if epoch is None:
                chosen.append(right[label])
            else:  # the predictions above are for labels 0, 1, 2 in this order
                chosen.append(right[np.array(epoch)[label]])
        chosen = np.stack(chosen)
        job = FoldJob(data, fold, 0, resolve("ststnet", QUICK), audit_epochs=True)
        results.append((job, FoldResult(chosen[-1], epochs=chosen)))
    found = oracle_gap(results, data, draws=2)
    assert found["honest"]["accuracy"] == pytest.approx(5 / 6)
    best = found["rules"][PER_FOLD]
    assert best["epochs_chosen"] == [[2, 3]] and best["uf1"] == 1.0
    assert best["gap"] == pytest.approx(1 - found["honest"]["uf1"])
    common = found["rules"][ONE_EPOCH]
    assert common["epochs_chosen"] == [3] and common["uf1"] == found["honest"]["uf1"]
    assert found["uf1_by_epoch"][0][2] == found["honest"]["uf1"]
    assert "NOT A RESULT" in found["about"]


def test_epochs_are_kept_and_the_honest_figure_stays(tmp_path, capsys):
    data, out = flow_arrays(subjects=3, clips=4), tmp_path / "run"
    plain = evaluate("ststnet", data, recipe=QUICK, out=out)
    assert plain.oracle is None and not (out / "oracle.json").exists()
    audited = evaluate("ststnet", data, recipe=QUICK, out=out, audit_epochs=True)
    assert audited.predictions.equals(plain.predictions)
    assert audited.oracle["epochs"] == 3
    with np.load(out / "folds" / f"seed0-{file_name('a/s0')}.npz") as fold:
        np.testing.assert_array_equal(fold["epochs"][-1], fold["probabilities"])
        assert np.abs(fold["epochs"][0] - fold["probabilities"]).max() > 1e-3
    page = (out / "report.html").read_text()
    assert "Oracle gap: not a result" in page and "NOT A RESULT" in page
    assert (out / "plots" / "oracle.pdf").read_bytes().startswith(b"%PDF")

    # The command on the finished folder: the three figures in a table.
    data.save(tmp_path / "flow.npz")
    recipe = tmp_path / "quick.json"
    recipe.write_text(json.dumps(recipe_as_dict(QUICK)))
    words = ["evaluate", "ststnet", "--data", f"arrays:{tmp_path / 'flow.npz'}", "--audit-epochs"]
    assert main([*words, "--recipe", str(recipe), "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "NOT A RESULT" in printed and "by the protocol, honest" in printed
    assert "on the test subjects, best epoch per fold" in printed
    assert f"{audited.oracle['rules'][PER_FOLD]['floor']['uf1']:.3f} (" in printed


def test_a_model_without_epochs_is_refused():
    with pytest.raises(InputError, match="flow-krr is fitted in one step"):
        evaluate("flow-krr", flow_arrays(), audit_epochs=True)

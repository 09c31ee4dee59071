"""Splits that leave clips out say so; impossible ones are refused before a folder is taken."""

import json

import numpy as np
import pytest

from merzoo.cli import main
from merzoo.errors import InputError
from merzoo.evaluation import evaluate
from merzoo.evaluation.splits.left_out import left_out, left_out_told
from merzoo.evaluation.splits.protocols import PROTOCOLS, Fold, loso, make_folds
from tests.samples import flow_arrays


def test_a_split_that_leaves_clips_out_says_how_many_and_whose(tmp_path, capsys):
    data = flow_arrays(size=28)
    whole = evaluate("flow-krr", data, out=tmp_path / "whole")
    assert not any("never tested" in text for text in whole.warnings)
    assert "left_out_by_split" not in json.loads((whole.folder / "protocol.json").read_text())
    split = json.loads((whole.folder / "split.json").read_text())
    del split["folds"]["a/s0"]  # trained on by the others
    split["folds"]["b/s1"]["test"] = split["folds"]["b/s1"]["test"][:3]
    for fold in split["folds"].values():  # one clip plays no part at all
        fold["train"] = [name for name in fold["train"] if name != "a/s0_4"]
    (tmp_path / "part.json").write_text(json.dumps(split))
    data.save(tmp_path / "data.npz")
    words = ["--data", f"arrays:{tmp_path / 'data.npz'}", "--split", str(tmp_path / "part.json")]
    assert main(["evaluate", "flow-krr", *words, "--out", str(tmp_path / "part")]) == 0
    says = (
        "The split tests 23 of 30 clips; never tested: a/s0 (5 clips), b/s1 (2 of 5 clips), 1 of "
        "these not trained on either."
    )
    assert f"warning: {says}" in capsys.readouterr().out
    metrics = json.loads((tmp_path / "part" / "metrics.json").read_text())
    assert metrics["full"]["n"] == 23 and says in metrics["warnings"]
    card = json.loads((tmp_path / "part" / "protocol.json").read_text())
    trained = ["a/s0_0", "a/s0_1", "a/s0_2", "a/s0_3", "b/s1_3", "b/s1_4"]
    assert card["left_out_by_split"] == {"trained_on": trained, "unused": ["a/s0_4"]}
    assert says in (tmp_path / "part" / "report.html").read_text()
    again = ["evaluate", "flow-krr", *words, "--out", str(tmp_path / "part")]
    assert main(again) == 0  # goes on in its folder


def test_protocols_leave_nothing_out_and_many_people_are_counted():
    data = flow_arrays(subjects=8, size=2)
    for name, row in PROTOCOLS.items():
        if row.by != "frame" and not row.datasets:
            folds = make_folds(name, data)
            assert left_out(folds, data) == {} and left_out_told(folds, data) == [], name
    (told,) = left_out_told(loso(data)[:1], data)
    assert told.startswith("The split tests 5 of 40 clips") and "and 2 more subjects." in told


EVERY = np.arange(30)


@pytest.mark.parametrize(
    ("folds", "says"),
    [
        ([], "holds no folds"),
        ([Fold("x", EVERY[:20], EVERY[20:]), Fold("x", EVERY[20:], EVERY[:20])], "named 'x'"),
        ([Fold("x", EVERY[:20], EVERY[20:]), Fold("y", EVERY[:9], EVERY[9:21])], "tested twice"),
        ([Fold("x", EVERY[:20], [25, 25])], "b/s5_0 is tested twice, in the folds x and x"),
        ([Fold("x", EVERY[:20], EVERY[:0])], "row numbers from 0 to 29"),
        ([Fold("x", EVERY[:20], [30])], "row numbers from 0 to 29"),
        ([Fold("x", [-1, 2], [3])], "row numbers from 0 to 29"),
        ([Fold("x", EVERY < 20, EVERY >= 20)], "row numbers from 0 to 29"),
        ([Fold("x", [0.5, 1.0], [3])], "row numbers from 0 to 29"),
    ],
)
def test_folds_that_cannot_be_are_refused(folds, says, tmp_path):
    with pytest.raises(InputError, match=says):
        evaluate("flow-krr", flow_arrays(), split=folds, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()

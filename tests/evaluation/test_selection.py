"""Selection rules: what they draw, what the protocol card says, and which are refused."""

import json

import numpy as np
import pytest

from merzoo.errors import InputError
from merzoo.evaluation import evaluate
from merzoo.evaluation.splits.selection import parse_selection
from merzoo.files import file_name
from merzoo.training.recipes import Recipe
from merzoo.training.validation import inner_split
from tests.samples import flow_arrays

QUICK = Recipe("quick", learning_rate=5e-3, epochs=4, batch_size=8, class_weights="sqrt")


def test_rules_as_typed():
    assert parse_selection("last").epochs is None and parse_selection("fixed:7").epochs == 7
    for text in ("fixed", "fixed:0", "fixed:x", "inner:3"):
        with pytest.raises(InputError, match="selection"):
            parse_selection(text)
    with pytest.raises(InputError, match="Did you mean 'last'"):
        parse_selection("lst")


def test_inner_validation_is_a_fifth_of_the_subjects_and_lacks_no_class():
    data = flow_arrays(subjects=10)
    for seed in range(5):
        rows, validation = inner_split(data, seed, "a/s0")
        assert len(set(data.subject[validation])) == 2  # a fifth of ten
        assert not set(data.subject[rows]) & set(data.subject[validation])
        assert sorted([*rows, *validation]) == list(range(len(data)))
        assert len(set(data.label[rows])) == len(set(data.label[validation])) == 3
    draws = {tuple(inner_split(data, seed, "a/s0")[1]) for seed in range(5)}
    assert len(draws) > 1
    np.testing.assert_array_equal(inner_split(data, 0, "x")[1], inner_split(data, 0, "x")[1])
    with pytest.raises(InputError, match="a single subject"):
        inner_split(data.take(np.flatnonzero(data.subject == "a/s0")), 0, "x")


def test_inner_runs_record_their_scores_and_fresh_models_give_the_same(tmp_path):
    options = {"recipe": QUICK, "selection": "inner", "subjects": ["b/s1"]}
    reused = evaluate("ststnet", flow_arrays(), out=tmp_path, **options)
    fresh = evaluate("ststnet", flow_arrays(), engine="fresh", **options)
    assert reused.predictions.equals(fresh.predictions)
    with np.load(tmp_path / "folds" / f"seed0-{file_name('b/s1')}.npz") as fold:
        assert len(fold["history_inner_uf1"]) == QUICK.epochs
    card = json.loads((tmp_path / "protocol.json").read_text())
    assert card["selection"].startswith("inner: of each fold's training subjects a share")
    with pytest.raises(InputError, match="its selection"):
        evaluate("ststnet", flow_arrays(), recipe=QUICK, subjects=["b/s1"], out=tmp_path)


def test_fixed_sets_the_epochs_beforehand(tmp_path):
    options = {"selection": "fixed:2", "subjects": ["b/s1"], "recipe": QUICK}
    evaluate("ststnet", flow_arrays(), out=tmp_path, **options)
    card = json.loads((tmp_path / "protocol.json").read_text())
    assert card["recipe"]["epochs"] == 2 and card["selection"].startswith("fixed:2")
    with pytest.raises(InputError, match="it has no epochs: selection 'inner'"):
        evaluate("flow-krr", flow_arrays(), selection="inner")

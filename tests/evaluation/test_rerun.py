"""`protocol.json` is enough to run an evaluation again; a folder is taken when all is checked."""

import json

import numpy as np
import pytest

from merzoo.cli import main
from merzoo.errors import InputError
from merzoo.evaluation import evaluate
from merzoo.evaluation.runs.read import read_run
from merzoo.evaluation.runs.workers import threads_of
from merzoo.files import file_name
from merzoo.training.recipes import Recipe
from tests.samples import flow_arrays

QUICK = Recipe("quick", learning_rate=5e-3, epochs=2, batch_size=8, augment=("flip",))


@pytest.fixture
def samples(tmp_path):
    flow_arrays(subjects=4).save(tmp_path / "flow.npz")
    return f"arrays:{tmp_path / 'flow.npz'}"


def test_a_run_is_run_again_from_its_card(samples, tmp_path, capsys):
    recipe = tmp_path / "mine.json"
    recipe.write_text(json.dumps({"epochs": 2, "batch_size": 8, "test_time": "flip"}))
    words = ["--recipe", str(recipe), "--seeds", "2", "--selection", "fixed:3"]
    first, again = tmp_path / "first", tmp_path / "again"
    assert main(["evaluate", "ststnet", "--data", samples, *words, "--out", str(first)]) == 0
    card = str(first / "protocol.json")
    assert main(["evaluate", "--from", card, "--out", str(again)]) == 0
    capsys.readouterr()
    one, other = read_run(first), read_run(again)
    np.testing.assert_array_equal(one.predictions["p_positive"], other.predictions["p_positive"])
    assert one.card["data"]["fingerprint"] == other.card["data"]["fingerprint"]
    assert one.card["recipe"] == other.card["recipe"] and other.card["recipe"]["epochs"] == 3
    assert other.card["surroundings"]["command"].startswith("merzoo evaluate --from")
    # What is said goes over the card.
    assert main(["evaluate", "--from", card, "--seeds", "1", "--out", str(tmp_path / "one")]) == 0
    assert read_run(tmp_path / "one").metrics["seeds"] == 1


def test_objects_cannot_be_found_again_and_the_message_says_which(tmp_path, capsys):
    evaluate("flow-krr", flow_arrays(subjects=4), out=tmp_path / "run")
    assert main(["evaluate", "--from", str(tmp_path / "run" / "protocol.json")]) == 2
    assert "give --data KIND:PLACE" in capsys.readouterr().err


def test_the_card_holds_names_versions_threads_and_the_label_map(samples, tmp_path):
    evaluate("flow-krr", [samples], out=tmp_path / "run")
    card = json.loads((tmp_path / "run" / "protocol.json").read_text())
    assert card["rerun"]["data"] == [samples] and card["labels"] == "of the arrays"
    assert {"opencv-python-headless", "scipy", "keras"} <= set(card["versions"])
    assert card["threads"]["processes"] == 1 and card["surroundings"]["date"].startswith("20")
    assert threads_of(2)["each"] == 1 and threads_of(2)["processes"] == 2
    assert threads_of(2, engine="together") == threads_of(1)  # which asks for no process


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"subjects": ["a/s99"]}, "Unknown subject 'a/s99'"),
        ({"selection": "inner"}, "fitted at once"),
        ({"split": "nowhere.json"}, "a split holds"),
    ],
)
def test_a_check_that_fails_leaves_no_folder(options, words, tmp_path):
    with pytest.raises(InputError, match=words):
        evaluate("flow-krr", flow_arrays(), out=tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


def test_a_fold_of_one_class_is_seen_before_a_folder_is_taken(tmp_path):
    data = flow_arrays(subjects=2, clips=6)
    first = data.subject == "a/s0"
    rows = np.flatnonzero(
        first | (data.label == 0)
    )  # b/s1 keeps one class: a/s0's fold has no other
    with pytest.raises(InputError, match="all of class 'negative'"):
        evaluate("flow-krr", data.take(rows), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_field_that_differs_is_named_with_both_values(tmp_path):
    data = flow_arrays(subjects=3)
    evaluate("ststnet", data, recipe=QUICK, out=tmp_path)
    longer = Recipe(**vars(QUICK) | {"epochs": 3})
    with pytest.raises(InputError, match=r"its recipe\.epochs is 2, here it is 3"):
        evaluate("ststnet", data, recipe=longer, out=tmp_path)


def test_a_run_resumed_under_other_packages_says_so_and_keeps_both(tmp_path):
    data = flow_arrays(subjects=4)
    evaluate("flow-krr", data, out=tmp_path)
    file = tmp_path / "protocol.json"
    card = json.loads(file.read_text())
    card["versions"]["keras"] = "3.0.0"
    file.write_text(json.dumps(card))
    (tmp_path / "folds" / f"seed0-{file_name('a/s2')}.npz").unlink()
    result = evaluate("flow-krr", data, out=tmp_path)
    assert "resumed under other conditions: keras 3.0.0, then" in result.warnings[0]
    kept = json.loads(file.read_text())
    assert kept["resumed"][0]["versions"]["keras"] == "3.0.0"
    assert kept["versions"]["keras"] != "3.0.0"

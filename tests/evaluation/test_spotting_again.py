"""Runs of spotting are run again from their cards, and audited as they are run."""

import json

import pandas as pd
import pytest

from merzoo.cli import main
from merzoo.errors import InputError
from merzoo.evaluation import audit
from merzoo.evaluation.runs.card import rerun_options
from merzoo.evaluation.spotting.evaluate import evaluate_spots
from merzoo.evaluation.spotting.recognise import evaluate_recognised
from merzoo.evaluation.spotting.runs import read_spotting_run
from merzoo.evaluation.tasks import SPOTTING, TASKS, run_task
from tests.evaluation.test_spotters import CROPS, EMOTIONS, starts_at_14, twitching


@pytest.fixture(scope="module")
def people():
    return [twitching(f"s{n}", [(15, 23), (48, 56)], EMOTIONS[n % 3]) for n in range(6)]


def options_of(folder, **objects) -> dict:
    """What a card says, its objects of Python's named."""
    card = json.loads((folder / "protocol.json").read_text())
    card["rerun"] |= dict.fromkeys(("model",), "named") | {"data": ["named"]}
    return rerun_options(card, str(folder / "protocol.json")) | objects


def test_a_card_says_all_that_runs_it_again(people, tmp_path):
    how = {"parameters": {"detector": "none"}, "subjects": ["d/s1", "d/s2"]}
    one = evaluate_spots(starts_at_14, people, out=tmp_path / "one", **how)
    options = options_of(tmp_path / "one", model=starts_at_14, data=people)
    assert options["task"] == "spot" and options["parameters"] == {"detector": "none"}
    options |= {"out": tmp_path / "two"}
    task, model, data = (options.pop(name) for name in ("task", "model", "data"))
    assert run_task(task, model, data, options).intervals.equals(one.intervals)


@pytest.mark.slow
def test_the_recipe_of_a_card_is_that_of_the_network_that_recognises(people, tmp_path):
    pair = (starts_at_14, "flow-krr")
    how = {"parameters": CROPS, "subjects": ["d/s1"], "labels": "annotated"}
    first = evaluate_recognised(pair, people, out=tmp_path / "one", **how)
    options = options_of(tmp_path / "one", out=tmp_path / "two")
    assert options.pop("model") == "named" and options.pop("data") == ["named"]
    assert options["labels"] == "annotated"
    assert options["recipe"].preprocessing["detector"] == "none"
    again = run_task(options.pop("task"), pair, people, options)
    assert again.metrics == first.metrics
    tables = [(tmp_path / name / "recognised.csv").read_text() for name in ("one", "two")]
    assert tables[0] == tables[1]


def test_nothing_that_is_right_is_recognised_as_nothing(people):
    result = evaluate_recognised(
        (starts_at_60, "flow-krr"), people[:3], parameters=CROPS, subjects=["d/s1"]
    )
    found = result.metrics["recognition"]
    assert found["strs"] == 0 and found["confusion"] == [[[0] * 3] * 3]


def starts_at_60(video):
    return [(60, 66, "micro", 1.0)]


def test_what_recognises_is_audited_too(people):
    people = people[:3]  # one emotion each
    truth = {one.id: one.intervals() for one in people}
    pair = ((lambda video: truth[video.id]), "flow-krr")
    found = audit(people, pair, task="spot-recognise", parameters=CROPS)
    assert any(finding.severity == "error" for finding in found)
    assert not audit(people, (starts_at_14, "flow-krr"), task="spot-recognise", parameters=CROPS)
    with pytest.raises(InputError, match="name a spotter and a network"):
        audit(people, task="spot-recognise")
    assert set(SPOTTING) < set(TASKS)


@pytest.mark.slow
def test_the_command_line_gives_the_same_intervals_again(tmp_path, capsys):
    data = "synthetic-long:easy?subjects=3&seconds=4"
    words = ["evaluate", "abpn", "--task", "spot", "--data", data, "--epochs", "1"]
    first, again = tmp_path / "first", tmp_path / "again"
    assert main([*words, "--detector", "none", "--out", str(first)]) == 0
    assert main(["evaluate", "--from", str(first), "--out", str(again)]) == 0
    one, two = read_spotting_run(first), read_spotting_run(again)
    assert one.tables.found.equals(two.tables.found) and one.card["recipe"] == two.card["recipe"]


@pytest.mark.parametrize(
    ("said", "run"),
    [("d/s2", ["d/s2"]), (["D/S02", "d/s0"], ["d/s0", "d/s2"]), (2, ["d/s0", "d/s1"])],
)
def test_people_to_hold_out_are_named_as_for_evaluate(said, run, people):
    result = evaluate_spots(starts_at_14, people, subjects=said)
    card = json.loads((result.folder / "protocol.json").read_text())
    assert card["rerun"]["subjects"] == run
    tested = pd.read_csv(result.folder / "videos.csv")["subject"]
    assert sorted({f"d/{name.rpartition('/')[2]}" for name in tested}) == run

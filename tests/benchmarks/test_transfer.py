"""The transfer benchmark answers for a set of one's own in one command."""

import sys

import pytest

import merzoo
from tests.benchmarks.test_speed import load

own = load("transfer_own")


def test_the_body_ends_before_the_class_head():
    model = merzoo.create_model("broadbentnet", classes=3, input_shape=(48, 48, 1))
    names = [layer.name for layer in model.layers]
    last = own.last_of_body(model)
    after = model.layers[names.index(last) + 1 :]
    kernel, bias = next(layer for layer in after if layer.weights).weights
    assert kernel.shape[-1] == bias.shape[-1] == 3
    assert sum(len(layer.weights) for layer in after) == 2


@pytest.mark.slow
def test_a_set_of_ones_own_gets_the_paired_answer(tmp_path, monkeypatch, capsys):
    from merzoo.data.synthetic import synthesize

    synthesize(tmp_path / "casme2", 4, 3, "easy", form="casme2", seed=5)
    words = ["transfer.py", "--data", f"casme2:{tmp_path / 'casme2'}", "--model", "broadbentnet"]
    words += ["--protocol", "kfold:2", "--seeds", "1", "--epochs", "1"]
    monkeypatch.setattr(sys, "argv", [*words, "--work", str(tmp_path / "work")])
    load("transfer").main()
    shown = capsys.readouterr().out
    assert "8 clips of 4 people" in shown and shown.count("not told from random weights") == 2
    assert (tmp_path / "work" / "compared" / "comparison.html").is_file()
    cards = [merzoo.evaluation.runs.read.load_run(tmp_path / "work" / way).card for way in own.WAYS]
    assert len({card["split_fingerprint"] for card in cards}) == 1
    assert cards[2]["pretrained"]["freeze"] == own.last_of_body(
        merzoo.create_model("broadbentnet", weights="fer2013-3")
    )

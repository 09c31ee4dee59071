"""`merzoo explain` as a user types it."""

import json

import pytest

import merzoo
from merzoo.cli import main


@pytest.fixture
def clips(tmp_path, monkeypatch):
    """Two invented clips, in a home of their own."""
    monkeypatch.setenv("MERZOO_HOME", str(tmp_path / "home"))
    return "synthetic:easy?subjects=1&clips=2&fps=25"


def test_writes_a_page_with_a_picture_for_each_clip(capsys, tmp_path, clips):
    weights = tmp_path / "mine.weights.h5"
    merzoo.create_model("ststnet").save_weights(weights)
    out = tmp_path / "cam"
    words = ["explain", "ststnet", "--weights", str(weights), "--data", clips, "--json"]
    assert main([*words, "--out", str(out), "--clips", "2"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 2 and {row["label"] for row in rows} <= {"negative", "positive", "surprise"}
    page = (out / "index.html").read_text()
    for row in rows:
        assert abs(sum(row["probabilities"].values()) - 1) < 1e-5
        assert (out / row["picture"]).stat().st_size > 20_000
        assert row["picture"] in page and row["clip"] in page


def test_a_model_of_other_classes_is_one_line(capsys, tmp_path, clips):
    words = ["explain", "broadbentnet", "--weights", "random", "--data", clips]
    assert main([*words, "--out", str(tmp_path / "cam"), "--clips", "2"]) == 2
    assert "broadbentnet has 8 classes, the label map megc3 has 3" in capsys.readouterr().err


def test_bad_input_is_one_line(capsys, tmp_path):
    words = ["explain", "broadbentnet", "--out", str(tmp_path / "x"), "--data", "synthetic:easy"]
    assert main([*words, "--weights", "none"]) == 2
    assert "say 'random'" in capsys.readouterr().err
    assert main([*words, "--weights", "random", "--clips", "0"]) == 2
    assert "--clips must be a whole number from 1" in capsys.readouterr().err
    assert main(["explain", "flow-krr", *words[2:], "--weights", "random"]) == 2
    assert "is no network" in capsys.readouterr().err

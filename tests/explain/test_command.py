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
    merzoo.create_model("broadbentnet").save_weights(weights)
    out = tmp_path / "cam"
    words = ["explain", "broadbentnet", "--weights", str(weights), "--data", clips, "--json"]
    assert main([*words, "--out", str(out), "--clips", "2"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 2 and rows[0]["label"] != rows[1]["label"]
    page = (out / "index.html").read_text()
    for row in rows:
        assert abs(sum(row["probabilities"].values()) - 1) < 1e-5
        assert (out / row["picture"]).stat().st_size > 20_000
        assert row["picture"] in page and row["clip"] in page


def test_bad_input_is_one_line(capsys, tmp_path):
    words = ["explain", "broadbentnet", "--out", str(tmp_path / "x"), "--data", "synthetic:easy"]
    assert main([*words, "--weights", "none"]) == 2
    assert "say 'random'" in capsys.readouterr().err
    assert main([*words, "--weights", "random", "--clips", "0"]) == 2
    assert "--clips must be 1 or more" in capsys.readouterr().err
    assert main(["explain", "flow-krr", *words[2:], "--weights", "random"]) == 2
    assert "is no network" in capsys.readouterr().err

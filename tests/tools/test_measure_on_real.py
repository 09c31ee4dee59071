"""Weights of invented faces are measured on real ones, which also tell how sure they may be."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from merzoo.errors import InputError
from merzoo.preprocessing.arrays import Arrays
from merzoo.weights.entry import REAL
from merzoo.weights.manifest import entries

TOOLS = Path(__file__).parents[2] / "tools"


@pytest.fixture
def measured(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    return importlib.import_module("measure_on_real").measured


def samples(classes=("negative", "positive", "surprise")):
    images = np.random.default_rng(0).integers(0, 255, (12, 28, 28, 3)).astype("uint8")
    people = [f"lab/s{k // 3}" for k in range(12)]
    return Arrays({"flow_image": images}, np.arange(12) % 3, people, ["lab"] * 12,
                  [str(k) for k in range(12)], classes)  # fmt: skip


def test_scores_and_confidence_go_into_the_entry(measured):
    (entry,) = entries("ststnet.synthetic")
    found = measured(entry, samples())
    scores = found.metrics[f"{REAL}4 people of lab"]
    assert scores["n"] == 12 and 0 <= scores["uf1"] <= 1
    assert scores["most_frequent_uf1"] == pytest.approx(1 / 6, abs=1e-3)
    assert found.confidence["people"] == 4 and found.confidence["answers"] == 12
    assert set(entry.metrics) < set(found.metrics) and found.sha256 == entry.sha256


def test_weights_of_real_faces_and_other_classes_are_refused(measured):
    (real,) = entries("ststnet.megc2019")
    with pytest.raises(InputError, match="real faces"):
        measured(real, samples())
    (entry,) = entries("ststnet.synthetic")
    with pytest.raises(InputError, match="its classes are"):
        measured(entry, samples(("a", "b", "c")))

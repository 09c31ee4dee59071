"""The speed benchmark compares equal networks and counts time as it says."""

import importlib.util
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest

import merzoo
from merzoo.models.random_inputs import random_inputs
from tests.battery import fill_weights

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def load(name):
    """A file of `benchmarks/` as a module."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    finally:
        sys.path.remove(str(BENCHMARKS))


def test_the_plain_pytorch_dfrnet_is_the_same_network():
    torch = pytest.importorskip("torch")
    plain = load("dfrnet_torch")
    model = fill_weights(merzoo.models.DFRNet((64, 64, 3)))
    network = plain.from_keras(model)
    inputs = random_inputs(model, 2)
    names = ("apex", "difference", "flow")
    tensors = [torch.tensor(inputs[n].transpose(0, 3, 1, 2).copy()) for n in names]
    with torch.no_grad():
        theirs = network(*tensors).numpy()
    ours = model.predict_on_batch(inputs)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    # The same number of weights, so nothing of either is left out.
    assert sum(p.numel() for p in network.parameters()) == 3_294_511


def test_seconds_is_the_median_of_calls_in_turn():
    calls = []

    def slow():
        calls.append("slow")
        time.sleep(0.02)

    def quick():
        calls.append("quick")

    found = load("speed").seconds({"slow": slow, "quick": quick}, budget=0.0, block=2)
    assert 0.02 <= found["slow"] < 0.5 and found["quick"] < found["slow"]
    # Two warm-up calls of each, then blocks of two behind one call that is not counted.
    assert calls == ["slow"] * 2 + ["quick"] * 2 + ["slow"] * 3 + ["quick"] * 3


def test_a_model_is_measured_with_its_counts():
    if keras.backend.backend() == "numpy":
        pytest.skip("the NumPy backend does not train")
    row = load("speed").measure_model("ststnet", budget=0.0)
    assert row["trainable"] == 1683 and row["batch"] == 32
    assert set(row) == set(load("speed").COLUMNS)
    assert all(value > 0 for value in row.values())
    assert row["peak_training_mb"] >= row["peak_prediction_mb"]


def test_rows_that_were_not_measured_again_are_kept(tmp_path):
    write, file = load("speed").write, tmp_path / "results" / "speed.csv"
    write([{"variant": "b", "backend": "jax", "ms": "1"}], file)
    write([{"variant": "b", "backend": "torch", "ms": "2"}], file)
    write([{"variant": "b", "backend": "jax", "ms": "3"}], file)
    header, *rows = [line.split(",") for line in file.read_text().splitlines()]
    assert [row[:3] for row in rows] == [["b", "jax", "3"], ["b", "torch", "2"]]
    assert {"processor", "cores", "versions"} <= set(header)

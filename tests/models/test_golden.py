"""Every network gives the recorded outputs, on whichever backend runs: the maths has not changed.

The weights and inputs come from NumPy generators; `tools/make_model.py` made the files.
"""

import keras
import numpy as np
import pytest

import merzoo
from tests.battery import GOLDEN, GOLDEN_TOLERANCE, golden_outputs

NETWORKS = merzoo.list_models(kind="network")
LONG: tuple[str, ...] = ()
if keras.backend.backend() == "jax":  # compiles for long what other backends test always
    LONG = ("dfrnet", "elrcn", "fgrl-auf", "googlenet", "htnet", "keyregionnet", "mmnet", "p3d")
    LONG += ("capsulenet", "cvanet", "keyregionnet-24", "resnet3d18", "slstt")
SOME = [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in NETWORKS]


@pytest.mark.parametrize("name", SOME)
def test_outputs_are_those_recorded(name):
    path = GOLDEN / f"{name}.npz"
    assert path.exists(), f"no recorded outputs: python tools/make_model.py {name}"
    expected = np.load(path)["logits"]
    assert np.ptp(expected) > 1e-3, "recorded outputs say nothing"
    least = GOLDEN_TOLERANCE * np.abs(expected).max()
    found = golden_outputs(name)
    np.testing.assert_allclose(found, expected, rtol=GOLDEN_TOLERANCE, atol=least)


def test_recorded_outputs_are_small_and_all_in_use():
    files = sorted(GOLDEN.glob("*.npz"))
    assert {f.stem for f in files} <= set(NETWORKS)
    assert sum(f.stat().st_size for f in files) < 300_000

"""Grad-CAM gives the recorded maps, on whichever backend runs.

Weights and inputs come from NumPy generators; `tools/make_model.py --cam` made the file.
"""

import numpy as np
import pytest

from tests.battery import CAM_NETWORKS, GOLDEN, golden_cam

PATH = GOLDEN / "cam" / "maps.npz"


FAST = ("densemixednet", "ststnet")


@pytest.mark.parametrize(
    "name", [n if n in FAST else pytest.param(n, marks=pytest.mark.slow) for n in CAM_NETWORKS]
)
def test_maps_are_those_recorded(name):
    expected = np.load(PATH)[name]
    assert expected.max() == 1 and np.ptp(expected) > 0.5
    np.testing.assert_allclose(golden_cam(name), expected, atol=1e-4)

"""Weights load whole or not at all."""

import numpy as np
import pytest

import merzoo
from merzoo.errors import InputError


def test_weights_survive_a_round_trip(tmp_path):
    model = merzoo.create_model("ststnet")
    model.save_weights(tmp_path / "x.weights.h5")
    again = merzoo.create_model("ststnet", weights=str(tmp_path / "x.weights.h5"))
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_cannot_be_loaded_is_an_error_never_random_weights(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        merzoo.create_model("ststnet", weights="imagenet")
    path = tmp_path / "x.weights.h5"
    merzoo.create_model("ststnet", classes=5).save_weights(path)
    with pytest.raises(InputError, match="cannot be loaded into ststnet"):
        merzoo.create_model("ststnet", weights=str(path))
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(InputError, match="cannot be loaded"):
        merzoo.create_model("ststnet", weights=str(path))

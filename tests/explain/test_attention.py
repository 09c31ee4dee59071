"""Attention maps: what the layers' own weights are, in the right places."""

import keras
import numpy as np
import pytest

import merzoo
from merzoo.explain import attention_maps
from merzoo.explain.attention import region_map
from merzoo.layers import ContinuousVerticalAttention
from merzoo.models.random_inputs import random_inputs
from merzoo.models.registry import entry
from tests.battery import fill_weights

# Network -> the layers that pay spatial attention, and the size of the last one's map.
EXPECTED = {
    "broadbentnet": (["attention"], (2, 2)),
    "densemixednet": (["block_1_attention"], (16, 16)),
    "ststnet": ([], None),
}
MORE = {
    "cvanet": ([f"block_{n}_vertical" for n in (1, 2, 3, 4)], (2, 2)),
    "dfrnet-1": (["stage_1_1_sa", "stage_1_2_sa"], (8, 8)),
    "rcn-a": (["evidence"], (7, 7)),
}


@pytest.mark.parametrize(
    "name", [*EXPECTED, *(pytest.param(n, marks=pytest.mark.slow) for n in MORE)]
)
def test_networks_with_attention_show_it(name):
    sizes = {"densemixednet": {"input_shape": (16, 16, 3), "growth": 4, "blocks": 1}}
    model = fill_weights(merzoo.create_model(name, **entry(name).small | sizes.get(name, {})))
    maps = attention_maps(model, random_inputs(model))
    names, size = (EXPECTED | MORE)[name]
    assert list(maps) == names
    for image in maps.values():
        assert image.dtype == np.float32 and np.isfinite(image).all()
        if name != "cvanet":  # its rows are multiplied by a prior that has no activation
            assert image.min() >= 0 and image.max() <= 1
    if names:
        assert maps[names[-1]].shape == (2, *size)


def test_broadbent_maps_sum_to_one():
    model = fill_weights(merzoo.create_model("broadbentnet", input_shape=(32, 32, 1)))
    (image,) = attention_maps(model, random_inputs(model)).values()
    np.testing.assert_allclose(image.sum(axis=(1, 2)), 1, atol=1e-5)


def test_vertical_attention_is_the_same_along_a_row():
    face = keras.Input((8, 6, 4), name="apex")
    model = keras.Model([face], ContinuousVerticalAttention(name="rows")(face))
    inputs = {"apex": random_inputs(fill_weights(model))["apex"] / 255}
    image = attention_maps(model, inputs)["rows"]
    assert image.shape == (2, 8, 6)
    assert np.ptp(image, axis=2).max() == 0 and np.ptp(image, axis=1).max() > 1e-4


def test_gates_of_regions_lie_where_the_regions_are():
    boxes = np.array([[[0.0, 0.0, 0.5, 0.5], [0.25, 0.25, 1.0, 1.0]]])
    found = region_map(np.array([[0.9, 0.4]]), boxes, side=4)[0]
    expected = [[0.9, 0.9, 0, 0], [0.9, 0.9, 0.4, 0.4], [0, 0.4, 0.4, 0.4], [0, 0.4, 0.4, 0.4]]
    np.testing.assert_allclose(found, expected)


@pytest.mark.slow
def test_key_regions_show_the_gates_of_their_blocks():
    model = fill_weights(merzoo.create_model("keyregionnet", **entry("keyregionnet").small))
    maps = attention_maps(model, random_inputs(model))
    assert list(maps) == ["blocks"]  # the gate of the whole face is one number
    assert maps["blocks"].shape == (2, 56, 56) and 0 < maps["blocks"].max() < 1

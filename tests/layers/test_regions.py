"""Cropping of regions and gated regions, against copies, loops and counts."""

import numpy as np
import pytest
from keras import ops

from merzoo.layers import GatedRegion, RegionCrop
from tests.battery import run_layer_test

RNG = np.random.default_rng(0)
MAP = RNG.normal(size=(2, 28, 28, 4)).astype("float32")
REGIONS = RNG.normal(size=(3, 5, 6, 6, 8)).astype("float32")


def test_a_box_on_the_grid_is_copied():
    corners = np.array([[[3, 5], [22, 22], [0, 0]], [[10, 2], [7, 7], [4, 20]]])  # in cells
    boxes = np.concatenate([corners, corners + 6], axis=-1).astype("float32") / 28
    crops = run_layer_test(RegionCrop(6), [MAP, boxes], expected_shape=(2, 3, 6, 6, 4), trainable=0)
    for sample in range(2):
        for box in range(3):
            y, x = corners[sample, box]
            expected = MAP[sample, y : y + 6, x : x + 6]
            np.testing.assert_allclose(crops[sample, box], expected, atol=2e-5)


def test_a_box_of_another_size_is_interpolated():
    # A ramp along x from 0 to 27: bilinear samples of it are the sample places themselves.
    ramp = np.tile(np.arange(28, dtype="float32")[None, None, :, None], (1, 28, 1, 1))
    box = np.array([[[0.2, 0.25, 0.6, 0.75]]], "float32")
    crop = ops.convert_to_numpy(RegionCrop(6)([ramp, box]))[0, 0, 0, :, 0]
    expected = (0.25 + 0.5 * (np.arange(6) + 0.5) / 6) * 28 - 0.5
    np.testing.assert_allclose(crop, expected, atol=1e-4)


def test_a_box_beyond_the_map_repeats_its_border():
    box = np.array([[[0.0, 0.9, 0.5, 1.4]]], "float32")
    crop = ops.convert_to_numpy(RegionCrop(6)([MAP[:1], box]))
    np.testing.assert_allclose(crop[0, 0, :, -1], crop[0, 0, :, -2], atol=1e-6)


def one_region(channels=8, units=16):
    """Parameters of one region at 6x6, by SPECS.md's rows b2 and b3."""
    tau = 36 * channels * units + units
    gate = channels * 128 + 128 + 2 * 128 + 128 * 64 + 64 + 64 + 1
    return tau + gate


@pytest.mark.parametrize(
    "share, convolutions, trainable",
    [
        (False, 0, 5 * one_region()),
        (True, 0, one_region()),
        (False, 2, 5 * (one_region() + 2 * (72 * 8 + 8))),
    ],
)
def test_gated_region(share, convolutions, trainable):
    layer = GatedRegion(16, share, convolutions)
    run_layer_test(layer, REGIONS, expected_shape=(3, 5, 16), trainable=trainable)


def test_regions_do_not_see_each_other():
    layer = GatedRegion(16)
    before = ops.convert_to_numpy(layer(REGIONS))
    changed = REGIONS.copy()
    changed[:, 2] += 1
    after = ops.convert_to_numpy(layer(changed))
    assert np.abs(after[:, 2] - before[:, 2]).max() > 1e-4
    np.testing.assert_allclose(np.delete(after, 2, 1), np.delete(before, 2, 1), atol=1e-6)


def test_features_are_weighed_by_the_gate():
    layer = GatedRegion(16)
    result = ops.convert_to_numpy(layer(REGIONS))
    gate = ops.convert_to_numpy(layer.attention_weights(REGIONS))
    assert gate.shape == (3, 5, 1) and gate.min() > 0 and gate.max() < 1
    kernel = ops.convert_to_numpy(layer.tau_kernel)  # (5, 288, 16)
    features = np.einsum("bni,nio->bno", REGIONS.reshape(3, 5, -1), kernel)
    np.testing.assert_allclose(result, gate * np.maximum(features, 0), atol=1e-5)


def test_shared_weights_treat_equal_regions_equally():
    layer = GatedRegion(16, share_weights=True)
    same = np.repeat(REGIONS[:, :1], 5, axis=1)
    result = ops.convert_to_numpy(layer(same))
    np.testing.assert_allclose(result, result[:, :1].repeat(5, 1), atol=1e-5)


def test_convolutions_of_regions_are_convolutions():
    # A kernel that copies its centre leaves what ReLU leaves.
    layer = GatedRegion(16, convolutions=1)
    layer.build(REGIONS.shape)
    centre = np.zeros((5, 9, 8, 8), "float32")
    centre[:, 4] = np.eye(8)
    layer.convolution_0_kernel.assign(centre.reshape(5, 72, 8))
    plain = GatedRegion(16)
    plain.build(REGIONS.shape)
    plain.set_weights(layer.get_weights()[2:])
    expected = ops.convert_to_numpy(plain(np.maximum(REGIONS, 0)))
    np.testing.assert_allclose(ops.convert_to_numpy(layer(REGIONS)), expected, atol=1e-5)

"""Folding of time, VGG16's preparation, tokens."""

import keras
import numpy as np
import pytest
from keras import ops

from merzoo.errors import InputError
from merzoo.layers import (
    ClassAndPositionTokens,
    FoldTime,
    NeighbourFrames,
    UnfoldTime,
    VGGPreparation,
)
from tests.battery import run_layer_test

CLIP = np.random.default_rng(0).uniform(0, 255, (3, 4, 5, 5, 3)).astype("float32")


def test_time_folds_into_the_batch_and_back():
    folded = ops.convert_to_numpy(FoldTime()(CLIP))
    np.testing.assert_array_equal(folded[5], CLIP[1, 1])  # clip 1, frame 1 of 4
    back = ops.convert_to_numpy(UnfoldTime(4)(folded))
    np.testing.assert_array_equal(back, CLIP)


@pytest.mark.parametrize("batch", [None, 2])
def test_folded_shapes(batch):
    assert FoldTime().compute_output_shape((batch, 4, 7)) == (batch and 8, 7)
    assert UnfoldTime(4).compute_output_shape((batch and 8, 7)) == (batch, 4, 7)


@pytest.mark.parametrize("size, strides", [(3, 1), (3, 2), (1, 2), (5, 3)])
def test_an_image_convolution_over_neighbour_frames_is_one_over_space_and_time(size, strides):
    layer = NeighbourFrames(size, strides)
    frames = -(-4 // strides)
    near = run_layer_test(layer, CLIP, expected_shape=(3, frames, 5, 5, 3 * size))
    kernel = np.random.default_rng(1).normal(0, 0.01, (size, 3, 3, 3, 2)).astype("float32")
    flat = kernel.transpose(1, 2, 0, 3, 4).reshape(3, 3, 3 * size, 2)
    found = ops.convert_to_numpy(ops.conv(near.reshape(-1, 5, 5, 3 * size), flat))
    padded = np.pad(CLIP, ((0, 0), (size // 2, size // 2), *[(0, 0)] * 3))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, 3, 3), axis=(1, 2, 3))
    expected = np.einsum("bthwcijk,ijkcf->bthwf", windows[:, ::strides], kernel)
    np.testing.assert_allclose(found.reshape(expected.shape), expected, rtol=1e-4, atol=1e-3)


def test_frames_are_seen_to_both_sides_alike():
    with pytest.raises(InputError, match="size=2"):
        NeighbourFrames(2)


def test_vgg_preparation_is_that_of_keras_applications():
    result = run_layer_test(VGGPreparation(), CLIP[0], expected_shape=CLIP[0].shape)
    expected = keras.applications.vgg16.preprocess_input(CLIP[0].copy())
    np.testing.assert_allclose(result, expected, atol=1e-4)


def test_class_and_position_tokens():
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 8)).astype("float32")
    layer = ClassAndPositionTokens()
    run_layer_test(layer, x, expected_shape=(2, 13, 8), trainable=8 + 13 * 8)
    layer.set_weights([np.full((1, 1, 8), 5.0), np.zeros((1, 13, 8))])
    tokens = ops.convert_to_numpy(layer(x))
    np.testing.assert_allclose(tokens[:, 0], 5)
    np.testing.assert_allclose(tokens[:, 1:], x.reshape(2, 12, 8))

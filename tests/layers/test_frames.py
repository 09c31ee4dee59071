"""Folding of time, VGG16's preparation, tokens."""

import keras
import numpy as np
import pytest
from keras import ops

from merzoo.layers import ClassAndPositionTokens, FoldTime, UnfoldTime, VGGPreparation
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

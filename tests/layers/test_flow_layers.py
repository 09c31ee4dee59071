"""FlowPreparation, MirrorViews, MaxPoolPadded, PatchConv2D: known answers and the layer battery."""

import keras
import numpy as np
from keras import ops

from merzoo.layers import FlowPreparation, MaxPoolPadded, MirrorViews, PatchConv2D
from merzoo.layers.flow_preparation import median_of_bytes
from merzoo.models.flow_krr import prepare_flow
from merzoo.preprocessing.transforms import flip
from tests.battery import run_layer_test

numpy = ops.convert_to_numpy
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (3, 28, 28, 3)).astype("float32")


def test_median_by_bisection_is_exact():
    for x in (IMAGES, RNG.uniform(0, 255, (2, 7, 7, 2)).astype("float32"), IMAGES * 0):
        found = numpy(median_of_bytes(ops.convert_to_tensor(x)))
        np.testing.assert_allclose(found, np.median(x, (1, 2), keepdims=True), atol=1e-4)


def test_preparation_equals_its_numpy_form_and_commutes_with_a_flip():
    layer = FlowPreparation()
    outputs = run_layer_test(layer, IMAGES, expected_shape=IMAGES.shape, trainable=0)
    np.testing.assert_allclose(outputs.reshape(3, -1), prepare_flow(IMAGES), atol=1e-4)
    mirrored = numpy(layer(flip({"flow_image": IMAGES})["flow_image"]))
    np.testing.assert_allclose(mirrored, outputs[:, :, ::-1] * [-1, 1, 1], atol=1e-4)
    assert np.isfinite(numpy(layer(IMAGES * 0))).all()  # a still face has no spread


def test_both_views_of_a_flow_and_of_its_mirror_image_are_the_same_two():
    x = np.asarray(IMAGES / 128 - 1, "float32")
    views = run_layer_test(MirrorViews(), x, expected_shape=(3, 2, 28, 28, 3), trainable=0)
    np.testing.assert_array_equal(views[:, 0], x)
    mirrored = numpy(MirrorViews()(views[:, 1]))
    np.testing.assert_array_equal(mirrored[:, ::-1], views)


def test_max_pool_pads_with_minus_infinity_on_both_sides():
    x = -np.ones((1, 4, 4, 2), "float32")  # zero padding would give zeros
    outputs = run_layer_test(MaxPoolPadded(3, 2, 1), x, expected_shape=(1, 2, 2, 2))
    assert (outputs == -1).all()
    x = RNG.normal(size=(2, 28, 28, 3)).astype("float32")
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
    expected = padded.reshape(2, 10, 3, 10, 3, 3).max((2, 4))
    np.testing.assert_array_equal(run_layer_test(MaxPoolPadded(3, padding=1), x), expected)


def test_patch_convolution_equals_conv2d():
    layer = PatchConv2D(8, 3, activation="relu", bias_initializer="ones")
    outputs = run_layer_test(layer, IMAGES / 255, expected_shape=(3, 26, 26, 8), trainable=224)
    plain = keras.layers.Conv2D(8, 3, activation="relu")
    plain.build(IMAGES.shape)
    plain.set_weights(layer.get_weights())
    np.testing.assert_allclose(outputs, numpy(plain(IMAGES / 255)), atol=1e-5)

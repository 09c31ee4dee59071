"""Convolutions and pooling in every form: Keras' own layer is the reference, file and all."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from merzoo.layers import Conv2D, MaxPooling2D, PatchConv2D
from merzoo.layers.forms import TABLE, forced, form_of, slow_in_loops
from tests.battery import run_layer_test

numpy = ops.convert_to_numpy
RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 9, 8, 6)).astype("float32")

CONVOLUTIONS = {
    "plain": {},
    "same": {"padding": "same", "use_bias": False},
    "strides": {"padding": "same", "strides": (2, 3), "activation": "relu"},
    "strides that leave a rest": {"strides": 2, "kernel_size": (2, 3)},
    "a kernel of one": {"kernel_size": 1, "strides": 2},
    "dilation": {"dilation_rate": 2},
    "groups": {"groups": 2},
}


@pytest.mark.parametrize("arguments", CONVOLUTIONS.values(), ids=CONVOLUTIONS)
@pytest.mark.parametrize("form", ["patches", "ordered"])
def test_a_convolution_equals_that_of_keras(form, arguments):
    arguments = {"filters": 4, "kernel_size": 3, "bias_initializer": "ones"} | arguments
    plain = layers.Conv2D(**arguments)
    expected = numpy(plain(X))
    with forced(form):
        layer = Conv2D(**arguments)
        layer.build(X.shape)
        layer.set_weights(plain.get_weights())
        np.testing.assert_allclose(numpy(layer(X)), expected, atol=1e-5)
        run_layer_test(layer, X, expected_shape=expected.shape)


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="forms of JAX")
@pytest.mark.parametrize("name", ["strides", "strides that leave a rest", "dilation", "same"])
def test_gradients_equal_those_of_keras_for_one_and_for_many_kernels(name):
    import jax

    arguments = {"filters": 4, "kernel_size": 3} | CONVOLUTIONS[name]
    layer = Conv2D(**arguments)
    layer.build(X.shape)
    kernel = np.asarray(layer.kernel.value)
    replicas = (np.stack([X, 2 * X]), np.stack([kernel, -kernel]))

    def gradients(form):
        def loss(x, kernel):
            with forced(form):
                return (ops.sin(layer.convolution_op(x, kernel)) ** 2).sum()

        both = jax.grad(loss, (0, 1))

        @jax.jit  # one program: eager ones are compiled operation by operation
        def all_of(inputs, kernels):
            kernels_alone = jax.vmap(both, (None, 0))(inputs[0], kernels)
            inputs_alone = jax.vmap(both, (0, None))(inputs, kernels[0])
            return jax.vmap(both)(inputs, kernels), kernels_alone, inputs_alone, both(X, kernel)

        return all_of(*replicas)

    expected = jax.tree.leaves(gradients("library"))
    for form in ("patches", "ordered"):
        for ours, theirs in zip(jax.tree.leaves(gradients(form)), expected, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=2e-4)


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="forms of JAX")
def test_a_convolution_has_second_derivatives():
    import jax

    layer = Conv2D(2, 3, use_bias=False)
    layer.build(X.shape)

    def penalty(form, kernel):
        with forced(form):
            inner = jax.grad(lambda x: (layer.convolution_op(x, kernel) ** 2).sum())(X)
        return (inner**2).sum()

    def second(form):
        return jax.jit(jax.grad(lambda kernel: penalty(form, kernel)))(kernel)

    kernel = np.asarray(layer.kernel.value)
    np.testing.assert_allclose(second("ordered"), second("library"), rtol=1e-4)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("size, strides", [(2, None), (3, 2), ((4, 3), (4, 1))])
def test_pooling_equals_that_of_keras(size, strides, padding):
    pairs = [
        (MaxPooling2D, layers.MaxPooling2D),
    ]
    for ours, theirs in pairs:
        expected = numpy(theirs(size, strides, padding)(-np.abs(X)))
        with forced("slices"):
            layer = ours(size, strides, padding)
            found = run_layer_test(layer, -np.abs(X), expected_shape=expected.shape, trainable=0)
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_weights_are_filed_as_those_of_keras(tmp_path):
    def network(convolution, pooling):
        x = y = keras.Input((9, 8, 6))
        for _ in range(2):
            y = pooling(2)(convolution(4, 3, padding="same")(y))
        return keras.Model(x, y)

    plain, ours = network(layers.Conv2D, layers.MaxPooling2D), network(Conv2D, MaxPooling2D)
    plain.save_weights(tmp_path / "plain.weights.h5")
    ours.load_weights(tmp_path / "plain.weights.h5")
    np.testing.assert_allclose(numpy(ours(X)), numpy(plain(X)), atol=1e-5)
    ours.save(tmp_path / "ours.keras")
    again = keras.saving.load_model(tmp_path / "ours.keras")
    assert type(again.layers[1]) is Conv2D
    np.testing.assert_array_equal(numpy(again(X)), numpy(ours(X)))
    plain.save(tmp_path / "plain.keras")  # of a user: the classes are those of Keras
    assert type(keras.saving.load_model(tmp_path / "plain.keras").layers[1]) is layers.Conv2D


def test_forms_are_those_of_jax_alone():
    assert {row.backend for row in TABLE} == {"jax"}
    backend = keras.backend.backend()
    found = form_of("convolution", (3, 3), 64, 64), form_of("convolution", (5, 5), 1, 6)
    assert found == (("ordered", "patches") if backend == "jax" else ("library", "library"))


def test_ststnet_keeps_the_name_that_its_weights_are_filed_by():
    assert issubclass(PatchConv2D, Conv2D) and PatchConv2D.__name__ == "PatchConv2D"


def test_only_convolutions_of_keras_are_slow_in_loops():
    x = keras.Input((9, 8, 6))
    inner = keras.Sequential([layers.Conv2D(2, 3, name="theirs")])
    model = keras.Model(x, Conv2D(2, 3, name="ours")(inner(x)))
    on_cpu = keras.backend.backend() == "jax" and form_of("max", (2, 2), 1) == "slices"
    assert slow_in_loops(model) == (["theirs"] if on_cpu else [])

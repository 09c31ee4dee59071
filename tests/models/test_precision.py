"""Every network computes finite outputs in half precision and trains when compiled by XLA."""

import keras
import numpy as np
import pytest
from keras import ops

import merzoo
from merzoo.models.random_inputs import random_inputs
from merzoo.models.registry import entry
from tests.battery import fill_weights

NETWORKS = merzoo.list_models(kind="network")
COMPILED = [
    name if name == "broadbentnet" else pytest.param(name, marks=pytest.mark.slow)
    for name in NETWORKS
]
# XLA takes long to compile one for a number format: a network each of convolutions alone, of
# windows, of whole attention, of capsules and of a graph stands for the others.
ALWAYS = ("ststnet", "rcn-s", "slstt", "micron-bert", "capsulenet", "fgrl-auf", "abpn")
SOME = [name if name in ALWAYS else pytest.param(name, marks=pytest.mark.slow) for name in NETWORKS]


def small_model(name):
    return fill_weights(merzoo.create_model(name, **entry(name).small, classes=3))


@pytest.fixture
def policy(request):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy(before)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"], indirect=True)
@pytest.mark.parametrize("name", SOME)
def test_half_precision_gives_probabilities(name, policy):
    model = small_model(name)
    attention = any(isinstance(layer, keras.layers.MultiHeadAttention) for layer in model.layers)
    if attention and policy == "mixed_float16" and keras.backend.backend() == "jax":
        pytest.skip("XLA on a CPU lacks the float16 product of Keras' attention; bfloat16 it has")
    # On JAX compiled as a whole: layer by layer, a new number format takes far longer to compile.
    jax = keras.backend.backend() == "jax"
    outputs = ops.convert_to_numpy((model.predict_on_batch if jax else model)(random_inputs(model)))
    assert outputs.dtype == np.float32
    np.testing.assert_allclose(outputs.sum(-1), 1, atol=1e-3)


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="XLA is of TensorFlow and JAX")
@pytest.mark.parametrize("name", COMPILED)
def test_a_training_step_compiles(name):
    model = small_model(name)
    model.compile("adam", "sparse_categorical_crossentropy", jit_compile=True)
    before = model.get_weights()
    loss = model.train_on_batch(random_inputs(model), np.array([0, 2]))
    assert np.isfinite(loss)
    assert any((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))

"""Attention layers against hand computation, and through the layer battery."""

import numpy as np
import pytest
from keras import ops

from merzoo.errors import InputError
from merzoo.layers import BroadbentAttention, ChannelAttention, MixedAttention, SpatialAttention
from tests.battery import run_layer_test

X = np.random.default_rng(0).normal(size=(3, 6, 5, 32)).astype("float32")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_channel_attention_of_dfrnet():
    # Counted in SPECS.md: two bias-free 1x1 convolutions 32 -> 2 -> 32 at reduction 16.
    run_layer_test(ChannelAttention(16), X, expected_shape=X.shape, trainable=2 * 32 * 2)


def test_channel_attention_of_the_dense_network():
    layer = ChannelAttention(4, "mlp_then_sum", 0.3, use_bias=True)
    run_layer_test(layer, X, expected_shape=X.shape, trainable=32 * 8 + 8 + 8 * 32 + 32)


@pytest.mark.parametrize("combine", ["sum_then_mlp", "mlp_then_sum"])
def test_channel_attention_is_equation_13_or_5(combine):
    layer = ChannelAttention(8, combine, negative_slope=0.3)
    result = ops.convert_to_numpy(layer(X))
    first, second = (ops.convert_to_numpy(w) for w in layer.get_weights())

    def perceptron(v):
        hidden = v @ first
        return np.where(hidden > 0, hidden, 0.3 * hidden) @ second

    mean, highest = X.mean((1, 2)), X.max((1, 2))
    if combine == "sum_then_mlp":
        weights = sigmoid(perceptron(mean + highest))
    else:
        weights = sigmoid(perceptron(mean) + perceptron(highest))
    np.testing.assert_allclose(result, X * weights[:, None, None, :], atol=1e-5)


def test_channel_attention_names_a_wrong_choice():
    with pytest.raises(InputError, match="combine='both'"):
        ChannelAttention(combine="both")


@pytest.mark.parametrize("kernel_size, use_bias, trainable", [(7, False, 98), (5, True, 51)])
def test_spatial_attention(kernel_size, use_bias, trainable):
    layer = SpatialAttention(kernel_size, use_bias)
    run_layer_test(layer, X, expected_shape=X.shape, trainable=trainable)


def test_spatial_attention_sees_mean_then_maximum():
    layer = SpatialAttention(1)
    layer.build(X.shape)
    layer.set_weights([np.array([2.0, -1.0], "float32").reshape(1, 1, 2, 1)])
    weights = sigmoid(2 * X.mean(-1) - X.max(-1))[..., None]
    np.testing.assert_allclose(ops.convert_to_numpy(layer(X)), X * weights, atol=1e-5)


def test_mixed_attention_is_channel_then_spatial():
    layer = MixedAttention(4)
    result = run_layer_test(layer, X, expected_shape=X.shape, trainable=552 + 51)
    expected = layer.spatial(layer.channel(X))
    np.testing.assert_allclose(result, ops.convert_to_numpy(expected), atol=1e-6)


def test_broadbent_attention():
    # Three projections 32 -> 16 with biases.
    layer = BroadbentAttention(16)
    result = run_layer_test(layer, X, expected_shape=(3, 6, 5, 16), trainable=3 * (32 * 16 + 16))

    tokens = X.reshape(3, 30, 32)
    q, k, v = (
        tokens @ ops.convert_to_numpy(p.kernel) + ops.convert_to_numpy(p.bias)
        for p in (layer.query, layer.key, layer.value)
    )
    scores = np.exp(q @ k.transpose(0, 2, 1) / 4)  # sqrt(16)
    expected = scores / scores.sum(-1, keepdims=True) @ v
    np.testing.assert_allclose(result.reshape(3, 30, 16), expected, atol=1e-4)


def test_broadbent_attention_weights_sum_to_one():
    layer = BroadbentAttention(4)
    layer(X)
    weights = ops.convert_to_numpy(layer.attention_weights(X))
    assert weights.shape == (3, 30, 30)
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)

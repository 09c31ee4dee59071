"""Capsules: squashing, routing by agreement and the margin loss, against their definitions."""

import numpy as np
import pytest
from keras import ops

from merzoo.errors import InputError
from merzoo.layers import CapsuleLength, PrimaryCapsules, RoutedCapsules
from merzoo.models.capsulenet import MarginLoss
from tests.battery import run_layer_test


def squash(x):
    length = np.linalg.norm(x, axis=-1, keepdims=True)
    return x * length / (1 + length**2)


def test_primary_capsules_group_a_cell_s_channels():
    x = np.random.default_rng(0).normal(size=(2, 3, 3, 16)).astype("float32")
    y = run_layer_test(PrimaryCapsules(8), x, expected_shape=(2, 18, 8), trainable=0)
    np.testing.assert_allclose(y[0, 1], squash(x[0, 0, 0, 8:]), atol=1e-6)


@pytest.mark.parametrize("iterations", [1, 3])
def test_routing_is_procedure_1(iterations):
    x = np.random.default_rng(0).normal(size=(2, 5, 4)).astype("float32")
    layer = RoutedCapsules(3, 6, iterations)
    layer.build(x.shape)
    kernel = np.random.default_rng(1).normal(size=(3, 5, 6, 4)).astype("float32")
    layer.kernel.assign(kernel)
    y = run_layer_test(layer, x, expected_shape=(2, 3, 6), trainable=kernel.size)
    for sample, found in zip(x, y, strict=True):
        votes = np.einsum("kiwc,ic->kiw", kernel, sample)
        logits = np.zeros((3, 5))
        for _ in range(iterations):
            weights = np.exp(logits) / np.exp(logits).sum(0)
            outputs = squash((weights[:, :, None] * votes).sum(1))
            logits += (votes * outputs[:, None]).sum(-1)
        np.testing.assert_allclose(found, outputs, atol=1e-4)


def test_no_iteration_is_not_routing():
    with pytest.raises(InputError, match="iterations=0"):
        RoutedCapsules(3, iterations=0)


def test_lengths():
    x = np.array([[[3, 4], [0, 2]]], "float32")
    y = run_layer_test(CapsuleLength(), x, expected_shape=(1, 2), trainable=0)
    np.testing.assert_allclose(y, [[5, 2]], rtol=1e-6)


def test_margin_loss_by_hand():
    # true class 1: 0.49^2, and half of 0.19^2 and of nothing: 0.2401 + 0.01805
    lengths = ops.convert_to_tensor(np.array([[0.2, 0.5, 0.005]], "float32"))
    loss = float(ops.convert_to_numpy(MarginLoss()(np.array([1]), lengths)))
    assert abs(loss - 0.25815) < 1e-6

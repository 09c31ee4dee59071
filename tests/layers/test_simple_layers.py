"""Pooling, local response normalisation and flow pictures: known answers on every backend."""

import numpy as np
import pytest
from keras import ops

from merzoo.errors import InputError
from merzoo.layers import (
    AdaptiveAveragePool,
    ClassActivationMap,
    ClassKernel,
    FlowPicture,
    LocalResponseNormalization,
)
from tests.battery import run_layer_test


def test_local_response_normalisation_equals_pytorch():
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).normal(0, 40, (2, 3, 4, 12)).astype("float32")
    layer = LocalResponseNormalization()
    ours = run_layer_test(layer, x, expected_shape=x.shape, trainable=0)
    theirs = torch.nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)
    expected = theirs(torch.from_numpy(x).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(ours, expected, rtol=1e-5)


def test_local_response_normalisation_by_hand():
    # alpha 1, beta 1, k 1 over three channels 1 2 3: 1/(1+5), 2/(1+14), 3/(1+13)
    layer = LocalResponseNormalization(size=3, alpha=1.0, beta=1.0, k=1.0)
    x = np.array([1, 2, 3], "float32").reshape(1, 1, 1, 3)
    expected = [1 / 6, 2 / 15, 3 / 14]
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x)).ravel(), expected, rtol=1e-6)


@pytest.mark.parametrize("shape", [(14, 14), (13, 10), (6, 6)])
def test_adaptive_pooling_equals_pytorch(shape):
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).normal(size=(2, *shape, 3)).astype("float32")
    ours = run_layer_test(AdaptiveAveragePool(7), x, expected_shape=(2, 7, 7, 3), trainable=0)
    theirs = torch.nn.AdaptiveAvgPool2d(7)(torch.from_numpy(x).permute(0, 3, 1, 2))
    np.testing.assert_allclose(ours, theirs.permute(0, 2, 3, 1).numpy(), atol=1e-6)


def test_flow_pictures_span_0_to_255_and_ignore_direction():
    flow = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    ours = run_layer_test(FlowPicture("magnitude"), flow, expected_shape=flow.shape, tolerance=1e-3)
    assert ours.min() == 0 and abs(ours.max() - 255) < 1e-3
    mirrored = ops.convert_to_numpy(FlowPicture("magnitude")(flow * [-1, 1, 1]))
    np.testing.assert_allclose(mirrored, ours, atol=1e-3)
    strain = ops.convert_to_numpy(FlowPicture("strain", channels=1)(flow))[..., 0]
    s = flow[..., 2]
    low, high = s.min((1, 2), keepdims=True), s.max((1, 2), keepdims=True)
    np.testing.assert_allclose(strain, 255 * (s - low) / (high - low), atol=1e-3)


def test_a_still_face_is_a_black_flow_picture():
    x = ops.convert_to_numpy(FlowPicture("magnitude")(np.zeros((1, 4, 4, 3), "float32")))
    assert (x == 0).all()


def test_an_unknown_flow_quantity_is_named():
    with pytest.raises(InputError, match="quantity='speed'"):
        FlowPicture("speed")


def test_class_activation_map_equals_its_definition():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(2, 3, 3, 4)).astype("float32")
    kernel, bias = ClassKernel(2)(features)
    assert kernel.shape == (36, 2) and bias.shape == (2,)
    ours = ops.convert_to_numpy(ClassActivationMap()([features, kernel]))
    kernel = ops.convert_to_numpy(kernel).reshape(3, 3, 4, 2)
    expected = 0
    for k in range(2):
        evidence = (features * kernel[..., k]).mean(-1)
        evidence -= evidence.min((1, 2), keepdims=True)
        expected = expected + evidence / evidence.max((1, 2), keepdims=True) / 2
    np.testing.assert_allclose(ours[..., 0], expected, atol=1e-5)
    stretched = ops.convert_to_numpy(ClassActivationMap((7, 5))([features, kernel.reshape(36, 2)]))
    # PyTorch's nearest neighbour: cell floor(i 3 / 7) and floor(j 3 / 5)
    np.testing.assert_allclose(stretched, ours[:, [0, 0, 0, 1, 1, 2, 2]][:, :, [0, 0, 1, 1, 2]])

"""Trunks of Keras Applications: the same network as Keras', whose files of weights they take."""

import keras
import numpy as np
import pytest
from keras import ops

from merzoo.models import VisionEncoder
from tests.battery import fill_weights


@pytest.mark.slow
@pytest.mark.parametrize(
    "trunk, theirs",
    [
        ("efficientnetv2-b0", keras.applications.EfficientNetV2B0),
        ("convnext-tiny", keras.applications.ConvNeXtTiny),
    ],
)
def test_a_trunk_takes_the_weights_that_keras_saves(trunk, theirs, tmp_path):
    model = fill_weights(theirs(include_top=False, weights=None, input_shape=(32, 32, 3)))
    path = str(tmp_path / "notop.weights.h5")
    model.save_weights(path)
    picture = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    expected = ops.convert_to_numpy(model(picture))
    ours = VisionEncoder((32, 32, 3), trunk=trunk, include_top=False, weights_backbone=path)
    assert not any(type(x) is keras.layers.Conv2D for x in ours._flatten_layers())
    found = ops.convert_to_numpy(ours(picture))
    np.testing.assert_allclose(found, expected, atol=1e-3 * np.abs(expected).max())

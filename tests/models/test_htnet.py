"""HTNet: the size it is printed at, and what one token per window does to its gradients."""

import gc
import math

import keras
import numpy as np
import pytest

from merzoo.errors import InputError
from merzoo.models import HTNet
from merzoo.models.random_inputs import random_inputs
from merzoo.models.registry import entry
from tests.battery import fill_weights, loss_and_gradients


def gradients_of(**arguments):
    model = fill_weights(HTNet(dim=12, depths=(1, 1), **arguments))
    _, gradients = loss_and_gradients(model, random_inputs(model), np.array([0, 2]))
    return {
        w.path: np.abs(g).max() for w, g in zip(model.trainable_weights, gradients, strict=True)
    }


def test_parameters_by_the_formula_of_its_layers():
    # patches; per block: two layer norms, q k v without bias, output, two dense layers; merges;
    # positions; last norm; classes. Heads of 85 channels.
    total = 147 * 256 + 256
    for level, (channels, heads, depth) in enumerate(((256, 3, 2), (512, 6, 2), (1024, 12, 10))):
        inner = heads * (channels // heads)
        block = 4 * channels + 4 * channels * inner + channels + 8 * channels**2 + 5 * channels
        total += depth * block + 1
        if level:
            total += 9 * channels // 2 * channels + channels + 2 * channels
    total += 2 * 1024 + 1024 * 3 + 3
    assert total == entry("htnet").trainable == 139_582_982


def test_one_token_per_window_leaves_queries_and_keys_still():
    found = gradients_of(input_shape=(14, 14, 3))
    still = {path for path, largest in found.items() if largest < 1e-6}  # rounding, or nothing
    assert {p for p in found if "query" in p or "key" in p} <= still
    assert not {p for p in still if "value" in p or "output" in p or "dense" in p}


def test_larger_windows_teach_queries_and_keys():
    found = gradients_of(input_shape=(28, 28, 3))  # 2 x 2 tokens in a window
    assert all(largest > 0 for path, largest in found.items()), found


def test_side_has_to_fit_the_levels():
    with pytest.raises(InputError, match="multiple of 28"):
        HTNet(input_shape=(30, 30, 3))


def test_areas_of_the_face_come_in_the_authors_order():
    """Eyes above, corners of the mouth below; theirs: left eye, left corner; right eye, right
    corner."""
    model = HTNet(input_shape=(14, 14, 3), dim=12, depths=(1, 1), modality="flow_regions")
    areas = np.zeros((1, 14, 14, 3), "float32")
    areas[:, :7, 7:], areas[:, 7:, :7] = 1, 2  # the right eye, the left corner
    turned = keras.Model(model.inputs, model.get_layer("areas_joined").output)
    seen = keras.ops.convert_to_numpy(turned([areas]))
    assert (seen[0, :7, 7:] == 2).all() and (seen[0, 7:, :7] == 1).all()
    with pytest.raises(InputError, match="modality='flow'"):
        HTNet(modality="flow")


@pytest.mark.slow
def test_build_at_the_default_size():
    model = HTNet()
    assert sum(math.prod(w.shape) for w in model.trainable_weights) == 139_582_982
    del model
    gc.collect()

"""KeyRegionNet against SPECS.md, sections 5 and 7; its VGG16 trunk against Keras Applications."""

import keras
import numpy as np
import pytest
from keras import ops

import merzoo
from merzoo.errors import InputError
from merzoo.models import KeyRegionNet
from merzoo.models.keyregionnet import TRUNK, split_trunk
from merzoo.models.random_inputs import random_inputs
from merzoo.models.registry import entry
from tests.battery import fill_weights, trainable_count

SMALL = entry("keyregionnet").small


@pytest.mark.parametrize(
    "name, total, width",
    [
        ("keyregionnet-0", 64507844, 512),
        ("keyregionnet", 77705294, 1152),
        ("keyregionnet-24", 96181724, 2048),
    ],
)
def test_counts_are_those_of_the_specification(name, total, width):
    model = merzoo.create_model(name)
    assert model.count_params() == total
    frozen = sum(model.get_layer(s).count_params() for s in TRUNK if s.startswith("conv"))
    assert frozen == 5275456
    assert model.get_layer("trunk_features").output.shape[1:] == (10, 28, 28, 512)
    assert model.get_layer("feature_sequence").output.shape[1:] == (10, width)
    assert model.get_layer("bi_lstm").output.shape[1:] == (256,)


def test_the_trunk_is_frozen_unless_told_otherwise():
    frozen, free = KeyRegionNet(**SMALL), KeyRegionNet(**SMALL, freeze_vgg=False)
    assert trainable_count(free) - trainable_count(frozen) == 5275456
    assert {w.path.split("/")[0] for w in frozen.trainable_weights}.isdisjoint(TRUNK)


def test_blocks_can_share_their_weights():
    own, shared = KeyRegionNet(**SMALL), KeyRegionNet(**SMALL, share_block_weights=True)
    ones = [trainable_count(m.get_layer("blocks")) for m in (own, shared)]
    assert ones[0] == 10 * ones[1]


def test_grey_frames_and_features_without_top():
    small = SMALL | {"input_shape": (32, 40, 1), "frames": 3}
    model = KeyRegionNet(**small, blocks=0, include_top=False)
    assert model.output_shape == (None, 8)
    assert ops.shape(model(random_inputs(model, batch=3))) == (3, 8)


@pytest.mark.slow
def test_the_trunk_can_run_apart_from_the_rest():
    model = fill_weights(KeyRegionNet(**SMALL))
    inputs = random_inputs(model, batch=3)
    trunk, rest = split_trunk(model)
    features = ops.convert_to_numpy(trunk(inputs["sequence"]))
    assert features.shape == (3, 2, 4, 4, 512)
    apart = ops.convert_to_numpy(rest([features, inputs["regions"]]))
    np.testing.assert_allclose(apart, ops.convert_to_numpy(model(inputs)), atol=1e-5)
    assert not trunk.trainable_weights
    assert len(rest.trainable_weights) == len(model.trainable_weights)


def test_backbone_weights_are_read_from_a_file(tmp_path):
    vgg = fill_weights(keras.applications.VGG16(include_top=False, weights=None))
    path = tmp_path / "vgg16.weights.h5"
    vgg.save_weights(path)
    model = KeyRegionNet(**SMALL, blocks=0, weights_backbone=path)
    frame = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    trunk, _ = split_trunk(model)
    ours = ops.convert_to_numpy(trunk(frame[None]))[0]
    front = keras.Model(vgg.input, vgg.get_layer("block4_conv2").output)
    theirs = front(keras.applications.vgg16.preprocess_input(frame.copy()))
    np.testing.assert_allclose(ours, ops.convert_to_numpy(theirs), rtol=1e-4, atol=1e-3)
    conv5_2 = vgg.get_layer("block5_conv2").get_weights()[0]
    np.testing.assert_array_equal(model.get_layer("conv5_2").get_weights()[0], conv5_2)


def test_missing_backbone_weights_are_one_clear_line(monkeypatch):
    def no_network(*args, **kwargs):
        raise Exception("URL fetch failure on https://example.org: None --\n no network")

    monkeypatch.setattr(keras.applications, "VGG16", no_network)
    with pytest.raises(InputError, match=r"could not be loaded .*connect to the network") as caught:
        KeyRegionNet(**SMALL, weights_backbone="imagenet")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"blocks": 12}, "blocks=12"),
        ({"weights_backbone": "no/such.h5"}, "weights_backbone='no/such.h5'"),
        ({"input_shape": (16, 16, 3)}, "sides of at least 32"),
    ],
)
def test_impossible_arguments_are_named(arguments, words):
    with pytest.raises(InputError, match=words):
        KeyRegionNet(**SMALL | arguments)

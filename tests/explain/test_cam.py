"""Grad-CAM: known answers, layers, nested models, all networks."""

import keras
import numpy as np
import pytest

import merzoo
from merzoo.errors import InputError
from merzoo.explain import grad_cam
from merzoo.explain.split import last_map_layer
from merzoo.models import DenseMixedNet
from merzoo.models.random_inputs import random_inputs
from merzoo.models.registry import entry
from tests.battery import fill_weights


def linear_model(kernel):
    """Two channels, averaged and weighed: Grad-CAM has a closed form."""
    face = keras.Input((4, 5, 2), name="apex")
    x = keras.layers.Identity(name="features")(face)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dense(2, use_bias=False, name="classes")(x)
    model = keras.Model([face], _softmax(x), name="linear")
    model.get_layer("classes").set_weights([np.asarray(kernel, "float32")])
    return model


def _softmax(x):
    return keras.layers.Activation("softmax", name="predictions")(x)


def test_a_linear_model_gives_the_equation_of_the_paper():
    kernel = [[2.0, -1.0], [-0.5, 1.0]]  # (channels, classes)
    face = np.random.default_rng(0).normal(size=(3, 4, 5, 2))
    for k in (0, 1):
        cam = np.maximum(face[..., 0] * kernel[0][k] + face[..., 1] * kernel[1][k], 0)
        cam /= cam.max(axis=(1, 2), keepdims=True)
        found = grad_cam(linear_model(kernel), {"apex": face}, k)
        np.testing.assert_allclose(found, cam, atol=1e-5)


def test_without_a_class_it_explains_the_predicted_one():
    model = linear_model([[2.0, -1.0], [-0.5, 1.0]])
    face = {"apex": np.random.default_rng(1).normal(size=(6, 4, 5, 2))}
    predicted = model.predict(face, verbose=0).argmax(-1)
    assert len(set(predicted.tolist())) == 2
    found = grad_cam(model, face)
    for k in (0, 1):
        chosen = predicted == k
        np.testing.assert_array_equal(found[chosen], grad_cam(model, face, k)[chosen])


def test_nothing_for_the_class_gives_zeros():
    face = np.abs(np.random.default_rng(0).normal(size=(1, 4, 5, 2)))
    assert grad_cam(linear_model([[-1.0, 1.0], [-1.0, 1.0]]), {"apex": face}, 0).max() == 0


def test_a_layer_in_a_nested_backbone_gives_the_map_of_the_flat_model():
    small = {"input_shape": (16, 16, 3), "growth": 4, "blocks": 2}
    flat = fill_weights(DenseMixedNet(**small))
    backbone = DenseMixedNet(**small, include_top=False, name="backbone")
    for layer in backbone.layers:
        layer.set_weights(flat.get_layer(layer.name).get_weights())
    face = keras.Input((16, 16, 3), name="magnified_apex")
    x = keras.layers.Dense(3, name="classes")(keras.layers.Flatten()(backbone(face)))
    nested = keras.Model([face], _softmax(x), name="nested")
    nested.get_layer("classes").set_weights(flat.get_layer("classes").get_weights())
    inputs = random_inputs(flat)
    expected = grad_cam(flat, inputs, 1, layer="block_2_attention")
    found = grad_cam(nested, inputs, 1, layer="block_2_attention")
    assert expected.shape == (2, 8, 8) and expected.max() == 1
    np.testing.assert_allclose(found, expected, atol=1e-5)


LAYERS = {
    "broadbentnet": "attention",
    "densemixednet": "block_2_attention",  # before the pooling
    "ststnet": "bn_16",
}
MORE_LAYERS = {
    "cvanet": "fusion",
    "dfrnet": "stage_3_2_relu",
    "dualinception": "streams",  # where both streams meet
    "keyregionnet": "trunk_frames",  # behind it, the blocks are taken beside conv5_2
}


@pytest.mark.parametrize(
    "name", [*LAYERS, *(pytest.param(name, marks=pytest.mark.slow) for name in MORE_LAYERS)]
)
def test_the_default_layer_is_the_last_map_that_everything_passes_through(name):
    sizes = {
        "broadbentnet": {"input_shape": (32, 32, 1)},
        "densemixednet": {"input_shape": (16, 16, 3), "blocks": 2},
        "dfrnet": {"input_shape": (64, 64, 3)},
    }
    model = merzoo.create_model(name, **entry(name).small | sizes.get(name, {}))
    assert last_map_layer(model) == (LAYERS | MORE_LAYERS)[name]


def test_explaining_leaves_the_model_as_it_was(tmp_path):
    model = fill_weights(merzoo.create_model("ststnet"))
    inputs = random_inputs(model)
    before, names = model.predict(inputs, verbose=0), [layer.name for layer in model.layers]
    grad_cam(model, inputs)
    assert [layer.name for layer in model.layers] == names
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    np.testing.assert_allclose(again.predict(inputs, verbose=0), before, atol=1e-6)


def test_bad_input_is_named():
    model = merzoo.create_model("ststnet")
    good = random_inputs(model)
    with pytest.raises(InputError, match="flow_image is missing"):
        grad_cam(model, {"apex": good["flow_image"]})
    with pytest.raises(InputError, match="must have the shape"):
        grad_cam(model, {"flow_image": good["flow_image"][:, :9]})
    with pytest.raises(InputError, match=r"has classes 0\.\.2"):
        grad_cam(model, good, 3)
    with pytest.raises(InputError, match="Did you mean 'bn_16'"):
        grad_cam(model, good, layer="bn_15")


WITHOUT_PICTURES = ("abpn",)  # movement of regions over time: there is no map of the face


def test_a_network_without_pictures_is_refused_in_one_line():
    for name in WITHOUT_PICTURES:
        model = merzoo.create_model(name, **entry(name).small)
        with pytest.raises(InputError) as told:
            grad_cam(model, random_inputs(model), 1)
        assert "\n" not in str(told.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [n for n in merzoo.list_models(kind="network") if n not in WITHOUT_PICTURES]
)
def test_every_network_can_be_explained(name):
    model = fill_weights(merzoo.create_model(name, **entry(name).small))
    found = grad_cam(model, random_inputs(model), 1)
    assert found.ndim == 3 and len(found) == 2 and min(found.shape[1:]) >= 2
    assert np.isfinite(found).all() and found.min() >= 0 and found.max() <= 1

"""What names a network is resolved once; its outputs become probabilities in one place."""

import cloudpickle
import keras
import numpy as np
import pytest
from keras import layers
from sklearn.linear_model import LogisticRegression

import merzoo
from merzoo.errors import InputError
from merzoo.training.learner import resolve
from merzoo.training.probabilities import Unlabelled, output_kind, predict
from merzoo.training.recipes import Recipe
from tests import own_networks
from tests.own_networks import logits_network, small_network

FLOW = np.random.default_rng(0).uniform(0, 255, (5, 28, 28, 3)).astype("float32")
SAMPLES = Unlabelled({"flow_image": FLOW})


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("ststnet", "ststnet"),
        (small_network, "small_network"),
        ("tests.own_networks:small_network", "tests.own_networks:small_network"),
        (f"{own_networks.__file__}:small_network", f"{own_networks.__file__}:small_network"),
    ],
)
def test_a_network_is_named_in_many_ways_and_travels_to_other_processes(model, name):
    learner = cloudpickle.loads(cloudpickle.dumps(resolve(model)))
    assert learner.name == name and learner.inputs == {"flow_image": (28, 28, 3)}
    assert learner.build(4).output_shape == (None, 4)


def test_a_keras_model_is_built_afresh_from_its_configuration():
    model = small_network(classes=3, units=4)
    learner = resolve(model)
    with keras.utils.CustomObjectScope({}):
        one, other = learner.build(3), learner.build(3)
    shapes = [weight.shape for weight in model.get_weights()]
    assert [weight.shape for weight in one.get_weights()] == shapes
    assert not np.array_equal(one.get_weights()[0], other.get_weights()[0])
    with pytest.raises(InputError, match="has 3 outputs, but there are 5 classes"):
        learner.build(5)


class Doubled(layers.Layer):
    """A layer that Keras does not bring, and nobody registered."""

    def call(self, x):
        return 2 * x


def test_a_keras_model_brings_its_own_layers(tmp_path):
    flow = keras.Input((28, 28, 3), name="flow_image")
    x = layers.Dense(2, activation="softmax")(layers.Flatten()(Doubled()(flow)))
    learner = cloudpickle.loads(cloudpickle.dumps(resolve(keras.Model(flow, x, name="mine"))))
    assert learner.build(2).output_shape == (None, 2)


def test_a_keras_file_is_a_network(tmp_path):
    small_network().save(tmp_path / "mine.keras")
    learner = resolve(str(tmp_path / "mine.keras"))
    assert learner.name == "mine.keras" and learner.build(3).count_params() > 0


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("ststnett", "Did you mean 'ststnet'"),
        ("nowhere.at_all:Net", "nowhere.at_all cannot be imported"),
        ("tests.own_networks:Net", "has no function 'Net'"),
        (own_networks.wrong_input, "Unknown modality 'picture'"),
        (lambda: "text", "gives a str; a builder gives a keras.Model"),
        (3, "is no model: give a name of merzoo list"),
    ],
)
def test_what_is_no_network_says_so(model, words):
    with pytest.raises(InputError, match=words):
        resolve(model)


def test_arguments_are_the_recipes_and_over_them_what_is_said():
    recipe = Recipe("wide", model_arguments={"units": 4})
    assert resolve(small_network, recipe).build(3).layers[2].filters == 4
    assert resolve(small_network, recipe, arguments={"units": 6}).build(3).layers[2].filters == 6
    with pytest.raises(InputError, match="cannot be built by the recipe's arguments"):
        resolve(small_network, arguments={"depth": 2})


def test_capsule_lengths_are_divided_by_their_sum():
    arguments = {"input_shape": (129, 129, 3), "filters": 16, "stage_filters": (8, 8, 16)}
    model = merzoo.create_model("capsulenet", classifier_activation=None, **arguments)
    pictures = {"apex": np.random.default_rng(1).uniform(0, 255, (3, 129, 129, 3))}
    lengths = np.asarray(model.predict_on_batch({"apex": pictures["apex"].astype("float32")}))
    assert output_kind(model) == "lengths"
    found = predict(model, Unlabelled(pictures))
    np.testing.assert_allclose(found, lengths / lengths.sum(1, keepdims=True), rtol=1e-5)


def test_logits_go_through_a_softmax():
    model = logits_network()
    scores = np.asarray(model.predict_on_batch({"flow_image": FLOW}))
    expected = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    assert output_kind(model) == "logits"
    np.testing.assert_allclose(predict(model, SAMPLES), expected, rtol=1e-5)


def test_flipping_at_test_time_is_the_mean_of_two_views():
    model = small_network()
    mirrored = FLOW[:, :, ::-1].copy()
    mirrored[..., 0] = 255 - mirrored[..., 0]
    two = [predict(model, Unlabelled({"flow_image": x})) for x in (FLOW, mirrored)]
    np.testing.assert_allclose(
        predict(model, SAMPLES, test_time="flip"), np.mean(two, 0), rtol=1e-5
    )


def test_ten_crops_are_the_corners_of_the_padded_picture_the_middle_and_their_mirror_images():
    # At 224 pixels the crops of `crop-15` are 15 pixels off; a side of 448 makes that 30.
    model = keras.Sequential([keras.Input((448, 448, 1), name="apex"), layers.Flatten()])
    model.add(layers.Dense(2, activation="softmax"))
    picture = np.random.default_rng(2).uniform(0, 1, (2, 448, 448, 1)).astype("float32")
    padded = np.pad(picture, ((0, 0), (30, 30), (30, 30), (0, 0)))
    crops = [
        padded[:, y : y + 448, x : x + 448]
        for y, x in ((30, 30), (0, 0), (0, 60), (60, 0), (60, 60))
    ]
    crops += [crop[:, :, ::-1] for crop in crops]
    model = keras.Model(model.inputs, model.outputs)
    each = [predict(model, Unlabelled({"apex": crop.copy()})) for crop in crops]
    found = predict(model, Unlabelled({"apex": picture}), test_time="ten-crop")
    np.testing.assert_allclose(found, np.mean(each, 0), rtol=1e-4)


def test_outputs_that_are_not_finite_or_no_distribution_are_errors():
    model = small_network()
    broken = [np.full_like(weight, np.nan) for weight in model.get_weights()]
    model.set_weights(broken)
    with pytest.raises(InputError, match="not finite for 5 of 5 samples"):
        predict(model, SAMPLES)
    flow = keras.Input((28, 28, 3), name="flow_image")
    sums = layers.Dense(3, activation="sigmoid", kernel_initializer="zeros")(layers.Flatten()(flow))
    with pytest.raises(InputError, match=r"a row sums to 1\.5"):
        resolve(keras.Model(flow, sums)).predict(keras.Model(flow, sums), SAMPLES)


def test_a_scikit_learn_estimator_takes_the_one_modality_there_is():
    learner = resolve(LogisticRegression(max_iter=5))
    assert learner.kind == "estimator" and learner.inputs is None
    assert learner.build(3) is not learner.build(3)

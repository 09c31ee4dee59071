"""Losses by name, soft labels, the L2 norm of weights: figures worked out by hand."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from merzoo.errors import InputError
from merzoo.training.learner import resolve
from merzoo.training.losses import add_l2, make_loss
from merzoo.training.recipes import RECIPES, Recipe
from merzoo.training.trainer import Trainer
from tests.samples import CLASSES, flow_arrays

QUICK = Recipe("quick", learning_rate=5e-3, epochs=2, batch_size=8)


def small_network(activation="softmax"):
    image = keras.Input((28, 28, 3), name="flow_image")
    x = keras.layers.Flatten()(keras.layers.AveragePooling2D(4)(image / 255))
    return keras.Model([image], keras.layers.Dense(3, activation)(x))


def fitted(recipe, activation="softmax"):
    trainer = Trainer(resolve(lambda: small_network(activation), recipe), CLASSES, 2)
    data = flow_arrays(subjects=3)
    return trainer.fit(data, 0), trainer.predict(data)


def test_smoothing_and_focus_by_hand():
    label, output = np.array([[0.0, 1.0]], "float32"), np.array([[0.2, 0.8]], "float32")
    smooth = make_loss(Recipe("x", loss_arguments={"label_smoothing": 0.2}))
    expected = -(0.1 * np.log(0.2) + 0.9 * np.log(0.8))
    assert float(smooth(label, output)) == pytest.approx(expected, rel=1e-5)
    focal = make_loss(Recipe("x", loss="focal"))
    assert float(focal(label, output)) == pytest.approx(-(0.2**2) * np.log(0.8), rel=1e-4)
    with pytest.raises(InputError, match=r"recipe x: the loss 'focal' .*'gama'"):
        make_loss(Recipe("x", loss="focal", loss_arguments={"gama": 1}))
    with pytest.raises(InputError, match="margin loss cannot take"):
        replace(RECIPES["capsulenet"], augment=("mixup",))


def test_mixed_smoothed_and_plain_labels_train_and_differ():
    plain, _ = fitted(QUICK)
    found = [plain["loss"]]
    for changes in ({"augment": ("mixup",)}, {"loss_arguments": {"label_smoothing": 0.1}}):
        history, output = fitted(replace(QUICK, class_weights="sqrt", **changes))
        np.testing.assert_allclose(output.sum(-1), 1, atol=1e-5)
        found.append(history["loss"])
    assert np.isfinite(found).all() and len({tuple(loss) for loss in found}) == 3
    unsmoothed, _ = fitted(replace(QUICK, loss_arguments={"label_smoothing": 0.0}))
    np.testing.assert_allclose(unsmoothed["loss"], plain["loss"], rtol=1e-5)  # one-hot or number


def test_l2_adds_its_share_of_the_squared_weights_to_the_loss():
    keras.utils.set_random_seed(0)
    model = small_network()
    squares = sum(float(keras.ops.sum(w**2)) for w in model.trainable_variables)
    add_l2(model, 0.01)
    assert float(sum(model.losses)) == pytest.approx(0.01 * squares, rel=1e-5)
    small = replace(QUICK, learning_rate=1e-9, epochs=1)
    plain, _ = fitted(small)
    with_l2, _ = fitted(replace(small, l2=0.01))
    assert with_l2["loss"][0] - plain["loss"][0] == pytest.approx(0.01 * squares, rel=1e-3)


def test_the_regularizers_that_a_network_brings_stay_beside_the_recipes_norm():
    flow = keras.Input((28, 28, 3), name="flow_image")
    layer = keras.layers.Dense(3, kernel_initializer="ones", kernel_regularizer="l1")
    model = keras.Model(
        flow, layer(keras.layers.Flatten()(keras.layers.AveragePooling2D(14)(flow)))
    )
    own = float(sum(model.losses))  # 0.01 of each of 36 ones
    assert own == pytest.approx(0.36)
    add_l2(model, 0.5)
    assert float(sum(model.losses)) == pytest.approx(own + 0.5 * 36)


def test_margin_loss_trains_capsules_on_their_lengths():
    assert RECIPES["capsulenet"].model_arguments == {"classifier_activation": None}
    loss = make_loss(RECIPES["capsulenet"])
    lengths = np.array([[0.99, 0.01, 0.0]], "float32")
    assert float(loss(np.array([0]), lengths)) == pytest.approx(0, abs=1e-6)
    _, output = fitted(replace(QUICK, loss="margin"), activation="sigmoid")  # some lengths
    np.testing.assert_allclose(output.sum(-1), 1, atol=1e-5)

"""One compiled model reset for every fold equals a fresh one, on every backend; class weights."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from merzoo.preprocessing.arrays import Arrays
from merzoo.training.learner import resolve
from merzoo.training.losses import class_weights
from merzoo.training.recipes import Recipe
from merzoo.training.trainer import Trainer
from tests.own_networks import small_network
from tests.samples import CLASSES, flow_arrays

QUICK = Recipe("quick", learning_rate=5e-3, epochs=3, batch_size=8, augment=("flip",))


def test_reusing_one_model_equals_a_fresh_model_to_the_last_digit():
    data = flow_arrays(subjects=3)
    folds = [(np.arange(5, 15), 0), (np.arange(0, 10), 1), (np.arange(5, 15), 0)]

    def fitter():
        return Trainer(resolve("ststnet", QUICK), CLASSES, steps_per_epoch=2)

    reused = fitter()
    found = []
    for rows, seed in folds:
        reused.fit(data.take(rows), seed)
        found.append(reused.predict(data))
    np.testing.assert_array_equal(found[0], found[2])  # nothing is left of what came between
    fresh = fitter()
    fresh.fit(data.take(folds[1][0]), 1)
    np.testing.assert_array_equal(found[1], fresh.predict(data))
    assert np.abs(found[0] - found[1]).max() > 1e-3


@pytest.mark.parametrize(("rule", "expected"), [("balanced", [2 / 3, 2]), ("sqrt", [0.845, 1.464])])
def test_class_weights_come_from_the_training_labels_with_mean_one(rule, expected):
    data = Arrays({}, [0, 0, 0, 1], ["s"] * 4, ["d"] * 4, list("abcd"), ("no", "yes"))
    weights = class_weights(data, rule)
    np.testing.assert_allclose(weights[[0, 3]], expected, atol=0.01)
    assert weights.mean() == pytest.approx(1)


@pytest.mark.parametrize(("norm", "l2"), [("l1", 0.0), ("l2", 0.01), ("orthogonal_regularizer", 0)])
def test_facts_are_read_from_any_regularizer(norm, l2):
    def builder(classes=3):
        flow = keras.Input((28, 28, 3), name="flow_image")
        head = keras.layers.Dense(classes, activation="softmax", kernel_regularizer=norm)
        return keras.Model(flow, head(keras.layers.Flatten()(flow)))

    trainer = Trainer(resolve(builder, QUICK), CLASSES, steps_per_epoch=2)
    trainer.reset(0)
    assert trainer.facts()["l2"] == pytest.approx(l2)


class Ends(keras.callbacks.Callback):
    """Ends training after the second epoch."""

    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = epoch == 1


def test_averaged_weights_are_kept_where_a_callback_ends_the_training():
    averages = {"use_ema": True, "ema_momentum": 0.9}
    recipe, data = replace(QUICK, optimizer_arguments=averages), flow_arrays(subjects=3)
    found = []
    for epochs, callbacks in ((3, [Ends()]), (2, [])):
        learner = resolve(small_network, replace(recipe, epochs=epochs))
        trainer = Trainer(learner, CLASSES, steps_per_epoch=2)
        trainer.fit(data, 0, callbacks)
        found.append(trainer.predict(data))
    np.testing.assert_allclose(*found, atol=1e-6)

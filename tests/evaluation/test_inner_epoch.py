"""The best inner epoch: its weights are those that are left, on every backend."""

import numpy as np

import merzoo
from merzoo.evaluation.splits.inner_epoch import BestInnerEpoch
from merzoo.training.recipes import Recipe
from merzoo.training.trainer import Fitter, class_weights
from tests.samples import flow_arrays


def test_the_weights_of_the_best_epoch_are_left_and_training_is_not_disturbed():
    data = flow_arrays(subjects=6)
    rows, validation = np.arange(20), data.take(np.arange(20, 30))
    recipe = Recipe("quick", learning_rate=2e-2, epochs=4, batch_size=8)
    fitter = Fitter(lambda: merzoo.create_model("ststnet"), recipe, steps_per_epoch=2)
    inner = BestInnerEpoch(fitter, validation)
    history = fitter.fit(data.take(rows), 0, [inner])
    left = fitter.predict(data)
    best = int(np.argmax(inner.scores))
    assert len(inner.scores) == 4
    # Training for as many epochs without looking gives the same losses and, at the end, weights.
    short = Fitter(
        fitter.build, Recipe("short", learning_rate=2e-2, epochs=best + 1, batch_size=8), 2
    )
    plain = short.fit(data.take(rows), 0)
    np.testing.assert_allclose(plain["loss"], history["loss"][: best + 1], rtol=1e-5)
    np.testing.assert_allclose(short.predict(data), left, atol=1e-5)


def test_a_class_weight_each():
    data = flow_arrays(subjects=2)
    weights = class_weights(data, (1.0, 2.0, 3.0))
    assert weights.mean() == 1 and weights[data.label == 2][0] / weights[data.label == 0][0] == 3

"""The best inner epoch: its weights are those that are left, on every backend."""

import numpy as np
import pytest

from merzoo.training.learner import resolve
from merzoo.training.losses import class_weights
from merzoo.training.recipes import Recipe
from merzoo.training.trainer import Trainer
from tests.samples import CLASSES, flow_arrays


@pytest.mark.parametrize("optimizer", [{}, {"use_ema": True, "ema_momentum": 0.8}])
def test_the_weights_of_the_best_epoch_are_left_and_training_is_not_disturbed(optimizer):
    # Of weights that are averaged, the averages are looked at, and left.
    data = flow_arrays(subjects=6)
    rows, validation = np.arange(20), data.take(np.arange(20, 30))
    how = {"learning_rate": 2e-2, "batch_size": 8, "optimizer_arguments": optimizer}
    recipe = Recipe("quick", epochs=4, **how)
    trainer = Trainer(resolve("ststnet", recipe), CLASSES, steps_per_epoch=2)
    history = trainer.fit(data.take(rows), 0, validation=validation, by_uf1=True)
    left = trainer.predict(data)
    best = int(np.argmax(history["inner_uf1"]))
    assert len(history["inner_uf1"]) == len(history["val_loss"]) == 4
    # Training for as many epochs without looking gives the same losses and, at the end, weights.
    shorter = Recipe("short", epochs=best + 1, **how)
    short = Trainer(resolve("ststnet", shorter), CLASSES, steps_per_epoch=2)
    plain = short.fit(data.take(rows), 0)
    np.testing.assert_allclose(plain["loss"], history["loss"][: best + 1], rtol=1e-5)
    np.testing.assert_allclose(short.predict(data), left, atol=1e-5)


def test_a_class_weight_each():
    data = flow_arrays(subjects=2)
    weights = class_weights(data, (1.0, 2.0, 3.0))
    assert weights.mean() == 1 and weights[data.label == 2][0] / weights[data.label == 0][0] == 3

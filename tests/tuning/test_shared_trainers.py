"""One compiled model for all schedules equals a model compiled for each, on every backend."""

from dataclasses import replace

import numpy as np

from merzoo.training.learner import resolve
from merzoo.training.optimizers import AdjustableSchedule, make_optimizer
from merzoo.training.recipes import Recipe
from merzoo.training.trainer import Trainer
from merzoo.tuning.shared_trainers import SharedTrainers
from tests.own_networks import small_network
from tests.samples import CLASSES, flow_arrays

BASE = Recipe("base", learning_rate=5e-3, epochs=3, batch_size=8, augment=("flip",))
EXPONENTIAL = replace(BASE, schedule="exponential", decay=0.5, decay_until=1)


def trained(trainer, data):
    trainer.fit(data, seed=0)
    return trainer.predict(data)


def test_trials_that_share_an_architecture_are_compiled_once_and_give_the_same_numbers():
    data = flow_arrays(subjects=3)
    trainers = SharedTrainers(resolve("ststnet", BASE), CLASSES)
    trained(trainers.get(BASE, steps_per_epoch=2), data)
    shared = trained(trainers.get(EXPONENTIAL, steps_per_epoch=2), data)
    own = Trainer(resolve("ststnet", EXPONENTIAL), CLASSES, steps_per_epoch=2)
    np.testing.assert_allclose(shared, trained(own, data), atol=1e-6)
    cosine = replace(BASE, schedule="cosine", learning_rate=1e-3, epochs=2, class_weights="sqrt")
    trainers.get(cosine, steps_per_epoch=1)
    assert trainers.compiled == 1
    trainers.get(replace(BASE, optimizer="sgd"), steps_per_epoch=1)
    trainers.get(replace(BASE, model_arguments={"dropout": 0.1}), steps_per_epoch=1)
    assert trainers.compiled == 3


def test_the_adjustable_schedule_has_the_values_of_keras_own():
    import keras

    schedule = AdjustableSchedule()
    schedule.attach(keras.optimizers.SGD(schedule))
    for recipe in (BASE, EXPONENTIAL, replace(BASE, schedule="cosine", epochs=4)):
        schedule.follow(recipe, steps_per_epoch=10)
        expected = make_optimizer(recipe, steps_per_epoch=10)._learning_rate
        for step in (0, 1, 10, 11, 21, 39, 40, 200):
            value = expected(step) if callable(expected) else expected
            both = [float(keras.ops.convert_to_numpy(x)) for x in (schedule(step), value)]
            np.testing.assert_allclose(*both, rtol=1e-5, atol=1e-9)


def test_a_plateau_lowers_the_rate_in_a_search_and_the_next_trial_starts_at_its_own():
    data = flow_arrays(subjects=6)
    watched = replace(BASE, validation=0.34, plateau=1, epochs=6, learning_rate=0.05)
    trainers = SharedTrainers(resolve(small_network, watched), CLASSES)
    first = trainers.get(watched, steps_per_epoch=3).fit_fold(data, 0, "fold")
    assert first["learning_rate"][0] == np.float32(0.05)
    assert min(first["learning_rate"]) < 0.006  # by the factor 0.1, once or more
    slower = replace(watched, learning_rate=0.01)
    second = trainers.get(slower, steps_per_epoch=3).fit_fold(data, 0, "fold")
    own = Trainer(resolve(small_network, slower), CLASSES, steps_per_epoch=3)
    assert second["learning_rate"][0] == np.float32(0.01) and trainers.compiled == 1
    np.testing.assert_allclose(second["loss"], own.fit_fold(data, 0, "fold")["loss"], rtol=1e-5)

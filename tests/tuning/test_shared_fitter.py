"""One compiled model for all schedules equals a model compiled for each, on every backend."""

from dataclasses import replace

import numpy as np

import merzoo
from merzoo.training.recipes import Recipe
from merzoo.training.trainer import Fitter
from merzoo.tuning.shared_fitter import Fitters
from tests.samples import flow_arrays

BASE = Recipe("base", learning_rate=5e-3, epochs=3, batch_size=8, augment=("flip",))
EXPONENTIAL = replace(BASE, schedule="exponential", decay=0.5, decay_until=1)


def trained(fitter, data):
    fitter.fit(data, seed=0)
    return fitter.predict(data)


def test_trials_that_share_an_architecture_are_compiled_once_and_give_the_same_numbers():
    data = flow_arrays(subjects=3)
    fitters = Fitters("ststnet", 3)
    trained(fitters.get(BASE, steps_per_epoch=2), data)
    shared = trained(fitters.get(EXPONENTIAL, steps_per_epoch=2), data)
    own = Fitter(lambda: merzoo.create_model("ststnet", classes=3), EXPONENTIAL, steps_per_epoch=2)
    np.testing.assert_allclose(shared, trained(own, data), atol=1e-6)
    cosine = replace(BASE, schedule="cosine", learning_rate=1e-3, epochs=2, class_weights="sqrt")
    fitters.get(cosine, steps_per_epoch=1)
    assert fitters.compiled == 1
    fitters.get(replace(BASE, optimizer="sgd"), steps_per_epoch=1)
    fitters.get(replace(BASE, model_arguments={"dropout": 0.1}), steps_per_epoch=1)
    assert fitters.compiled == 3


def test_the_adjustable_schedule_has_the_values_of_keras_own():
    import keras

    from merzoo.training.trainer import make_optimizer
    from merzoo.tuning.shared_fitter import AdjustableSchedule

    schedule = AdjustableSchedule()
    schedule.attach(keras.optimizers.SGD(schedule))
    for recipe in (BASE, EXPONENTIAL, replace(BASE, schedule="cosine", epochs=4)):
        schedule.follow(recipe, steps_per_epoch=10)
        expected = make_optimizer(recipe, steps_per_epoch=10)._learning_rate
        for step in (0, 1, 10, 11, 21, 39, 40, 200):
            value = expected(step) if callable(expected) else expected
            both = [float(keras.ops.convert_to_numpy(x)) for x in (schedule(step), value)]
            np.testing.assert_allclose(*both, rtol=1e-5, atol=1e-9)

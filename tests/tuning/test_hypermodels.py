"""Listed networks as KerasTuner hyper-models: KerasTuner's own tuners train them."""

import keras_tuner
import numpy as np

import merzoo
from merzoo.training.recipes import Recipe
from tests.samples import flow_arrays


def test_kerastuners_own_search_trains_a_listed_network(tmp_path):
    data = flow_arrays(subjects=4, clips=3)
    made = merzoo.tuning.hypermodel(
        "ststnet",
        samples=9,
        recipe=Recipe("quick", epochs=2, batch_size=4),
        space={"learning_rate": {"low": 1e-3, "high": 1e-2}, "class_weights": [None, "sqrt"]},
    )
    tuner = keras_tuner.RandomSearch(made, "val_accuracy", max_trials=1, directory=tmp_path)
    tuner.search(data.take(np.arange(9)), validation_data=data.take(np.arange(9, 12)), verbose=0)
    trial = tuner.oracle.get_best_trials(1)[0]
    assert 0 <= trial.score <= 1
    assert set(trial.hyperparameters.values) == {"learning_rate", "class_weights"}


def test_hyperparameters_reach_the_architecture():
    made = merzoo.tuning.hypermodel("dfrnet-1", input_shape=(32, 32, 3), head_units=16)
    hp = keras_tuner.HyperParameters()
    made.build(hp)
    assert hp.get("fusion") == "attention"
    hp.values |= {"features": "SD", "optimizer": "sgd"}
    model = made.build(hp)
    assert [tensor.name for tensor in model.inputs] == ["apex", "difference"]
    assert model.optimizer.name == "sgd"

"""Weights of every epoch: what training had then, from memory or from a file."""

import numpy as np
import pytest

from merzoo.errors import InputError
from merzoo.evaluation.runs import epoch_weights
from merzoo.evaluation.runs.epoch_weights import EpochWeights
from merzoo.training.learner import resolve
from merzoo.training.recipes import Recipe
from merzoo.training.trainer import Trainer
from tests.samples import CLASSES, flow_arrays

EPOCHS = 3


@pytest.fixture(scope="module")
def fitter():

    recipe = Recipe("quick", learning_rate=5e-3, epochs=EPOCHS, batch_size=8)
    return Trainer(resolve("ststnet", recipe), CLASSES, steps_per_epoch=2)


@pytest.mark.parametrize("in_memory", [epoch_weights.IN_MEMORY, 1000])
def test_the_last_epoch_is_the_final_model_and_stays_in_it(fitter, in_memory):
    data = flow_arrays(subjects=3)
    kept = EpochWeights(in_memory)
    fitter.fit(data, 0, [kept])
    final = fitter.predict(data)
    found = kept.predictions(fitter, data)
    kept.close()
    assert found.shape == (EPOCHS, len(data), 3)
    np.testing.assert_array_equal(found[-1], final)
    assert all(np.abs(found[e] - final).max() > 1e-4 for e in range(EPOCHS - 1))
    np.testing.assert_array_equal(fitter.predict(data), final)


def test_a_full_disk_is_seen_before_training(fitter, monkeypatch):
    class Full:
        free = 10

    monkeypatch.setattr(epoch_weights.shutil, "disk_usage", lambda _: Full)
    with pytest.raises(InputError, match="set TMPDIR"):
        fitter.fit(flow_arrays(subjects=3), 0, [EpochWeights(in_memory=100)])

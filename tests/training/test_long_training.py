"""One long training: stopped and gone on with, it ends as if it had not been stopped."""

import keras
import numpy as np
import pytest

from merzoo.errors import InputError
from merzoo.training.options import Training
from merzoo.training.parts import Rows
from merzoo.training.pool import Pool
from merzoo.training.probabilities import predict
from merzoo.training.recipes import Recipe
from merzoo.training.validation import split_validation
from tests.training.pictures import picture_arrays, train_long


class Stopped(Pool):
    """A pool whose disk fails after so many batches."""

    reads = 10**9

    def gather(self, rows):
        object.__setattr__(self, "reads", self.reads - 1)
        if self.reads < 0:
            raise OSError("the disk is gone")
        return super().gather(rows)


def build():
    picture = keras.Input((8, 8, 1), name="apex")
    x = keras.layers.Rescaling(1 / 255)(picture)
    x = keras.layers.Dropout(0.3)(keras.layers.Flatten()(x))
    x = keras.layers.BatchNormalization()(keras.layers.Dense(8, activation="relu")(x))
    x = keras.layers.Dense(3, dtype="float32", activation="softmax")(x)
    return keras.Model([picture], x)


def train(folder, pool, **options):
    training = Training(plateau=1, stop=4, **options)
    recipe = Recipe("quick", learning_rate=3e-2, epochs=7, batch_size=8, augment=("flip",))
    rows = split_validation(pool, training.validation)
    return train_long(build, pool, rows, training.applied_to(recipe), training, folder)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="plain", marks=pytest.mark.slow),
        pytest.param({"ema": 0.9, "accumulate": 2, "balance": "sampling"}, id="average"),
    ],
)
def test_a_stopped_training_ends_as_if_it_had_not_been_stopped(tmp_path, options):
    data = (picture_arrays(),)
    model, rows = train(tmp_path / "whole", Pool(data), **options)
    broken = Stopped(data)
    object.__setattr__(broken, "reads", 24)  # 4 training and 1 validation batches an epoch
    with pytest.raises(Exception, match="the disk is gone"):
        train(tmp_path / "stopped", broken, **options)
    assert (tmp_path / "stopped" / "state" / "epoch.npz").is_file()
    again, rows_again = train(tmp_path / "stopped", Pool(data), **options)
    assert rows_again == rows
    assert len({row["learning_rate"] for row in rows}) > 1  # the plateau's counter mattered
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_best_epoch_is_kept_and_balanced_accuracy_is_the_mean_recall(tmp_path):
    pool = Pool((picture_arrays(subjects=20, clips=3),))
    training = Training(plateau=None, stop=None)
    recipe = training.applied_to(Recipe("quick", learning_rate=3e-2, epochs=4, batch_size=8))
    rows = split_validation(pool, 0.2)
    model, history = train_long(build, pool, rows, recipe, training, tmp_path)
    from merzoo.metrics import confusion_matrix, uar

    predicted = predict(model, Rows(pool, rows[1]), batch_size=8).argmax(1)
    found = uar(confusion_matrix(pool.label[rows[1]], predicted, 3))
    assert found == pytest.approx(max(row["val_accuracy"] for row in history), abs=1e-6)


def test_mixed_precision_leaves_float32_weights(tmp_path):
    pool = Pool((picture_arrays(subjects=5),))
    training = Training(validation=0, precision="mixed_bfloat16")
    recipe = training.applied_to(Recipe("quick", epochs=1, batch_size=8))
    model, _ = train_long(build, pool, split_validation(pool, 0), recipe, training, tmp_path)
    assert {w.dtype for w in model.weights} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"


def test_a_loss_that_explodes_is_one_clear_error(tmp_path):
    pool = Pool((picture_arrays(subjects=5),))
    training = Training(validation=0)
    recipe = Recipe("wild", optimizer="sgd", learning_rate=1e30, epochs=3, batch_size=8)
    with pytest.raises(InputError, match="not finite any more: lower its learning rate"):
        train_long(build, pool, split_validation(pool, 0), recipe, training, tmp_path)


def test_impossible_options_are_named():
    with pytest.raises(InputError, match="balance='weight' must be 'weights', 'sampling' or null"):
        Training(balance="weight")
    with pytest.raises(InputError, match="stop=0 must be a whole number from 1"):
        Training(stop=0)

"""Two devices take the steps of one; where the backend cannot, it says so."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from merzoo.errors import InputError
from merzoo.training.devices import distributed
from merzoo.training.options import Training
from merzoo.training.pretrain import check_devices
from merzoo.training.recipes import Recipe

ROOT = Path(__file__).parents[2]

# Two virtual devices have to be asked for before the backend starts: in a process of its own.
TWO_DEVICES = """
import json, os
if os.environ["KERAS_BACKEND"] == "tensorflow":
    import tensorflow as tf
    two = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], two)
"""

FOLDS = """
import keras
from merzoo.training.devices import distributed
from merzoo.training.learner import resolve
from merzoo.training.options import Training
from merzoo.training.trainer import Trainer
from merzoo.training.recipes import Recipe
from tests.samples import CLASSES, flow_arrays

def build():
    image = keras.Input((28, 28, 3), name="flow_image")
    x = keras.layers.Flatten()(keras.layers.AveragePooling2D(4)(image / 255))
    return keras.Model([image], keras.layers.Dense(3, "softmax")(x))

recipe = Recipe("quick", learning_rate=5e-3, epochs=3, batch_size=8, class_weights="sqrt")
found = {}
for devices in (None, "all"):
    with distributed(devices) as count:
        pass
    options = Training(validation=0, balance=None, devices=devices)
    trainer = Trainer(resolve(build, recipe), CLASSES, 2, options=options)
    data = flow_arrays(subjects=3)
    history = trainer.fit(data, seed=0)
    again = trainer.fit(data, seed=0)
    found[str(devices)] = [count, history["loss"], again["loss"], trainer.predict(data).tolist()]
try:
    with distributed("all", batch_size=9):
        pass
except ValueError as error:
    found["uneven"] = str(error)
print(json.dumps(found))
"""

LONG = """
import sys
from pathlib import Path
from merzoo.training.pool import Pool
from merzoo.training.recipes import Recipe, change_recipe
from merzoo.training.options import Training
from merzoo.training.validation import split_validation
from tests.training.pictures import picture_arrays, train_long

def build():
    import keras
    picture = keras.Input((8, 8, 1), name="apex")
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(picture))
    x = keras.layers.Dense(8, activation="relu")(x)
    return keras.Model([picture], keras.layers.Dense(3, activation="softmax")(x))

accumulate = 2 if os.environ["KERAS_BACKEND"] == "jax" else 1
pool, found = Pool((picture_arrays(),)), {}
for devices in (None, "all"):
    training = Training(plateau=1, stop=9, ema=0.9, accumulate=accumulate, devices=devices)
    recipe = training.applied_to(Recipe("quick", learning_rate=3e-2, epochs=4, batch_size=8))
    folder = Path(sys.argv[1]) / str(devices)
    rows = split_validation(pool, 0.2)
    if devices:  # stopped, and gone on with
        train_long(build, pool, rows, change_recipe(recipe, epochs=2), training, folder)
    model, logs = train_long(build, pool, rows, recipe, training, folder)
    weights = [w.tolist() for w in model.get_weights()]
    found[str(devices)] = [[row["loss"] for row in logs], weights]
print(json.dumps(found))
"""


def on_two_devices(script: str, *words: str) -> dict:
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "KERAS_BACKEND": keras.backend.backend(),
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
        "CUDA_VISIBLE_DEVICES": "",
    }
    command = [sys.executable, "-c", TWO_DEVICES + script, *words]
    run = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]
    return json.loads(run.stdout.strip().splitlines()[-1])


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="Keras has no means on PyTorch")
def test_two_devices_take_the_steps_of_one():
    found = on_two_devices(FOLDS)
    one, two = found["None"], found["all"]
    assert (one[0], two[0]) == (1, 2)
    np.testing.assert_allclose(two[1], one[1], atol=1e-5)
    np.testing.assert_array_equal(two[1], two[2])  # a second fit starts from the start
    np.testing.assert_allclose(two[3], one[3], atol=1e-5)
    assert "a batch of 9 cannot be shared evenly by 2 devices" in found["uneven"]


SLOW_THERE = [pytest.mark.slow] if keras.backend.backend() == "tensorflow" else []  # 45 s


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="Keras has no means on PyTorch")
@pytest.mark.parametrize("devices", [pytest.param("all", marks=SLOW_THERE)])
def test_a_long_training_on_two_devices_is_that_of_one(devices, tmp_path):
    found = on_two_devices(LONG, str(tmp_path))
    (losses, weights), (losses_two, weights_two) = found["None"], found[devices]
    assert len(losses) == 4
    np.testing.assert_allclose(losses_two, losses, atol=1e-5)
    for one, two in zip(weights, weights_two, strict=True):
        np.testing.assert_allclose(two, one, atol=1e-4)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="JAX can")
def test_gradients_of_several_devices_are_not_accumulated_on_tensorflow():
    with pytest.raises(InputError, match="accumulate=2: TensorFlow cannot"):
        check_devices(Training(accumulate=2, devices="all"), Recipe("quick"))


def test_what_cannot_be_distributed_is_refused():
    if keras.backend.backend() == "torch":
        with (
            pytest.raises(InputError, match="one device with the backend torch"),
            distributed("all"),
        ):
            pass
        return
    with pytest.raises(InputError, match="'gpu:99' is none of"), distributed(["gpu:99"]):
        pass

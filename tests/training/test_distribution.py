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
from merzoo.training.distribution import distributed

ROOT = Path(__file__).parents[2]

# Two virtual devices have to be asked for before the backend starts: in a process of its own.
SCRIPT = """
import json, os
if os.environ["KERAS_BACKEND"] == "tensorflow":
    import tensorflow as tf
    two = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], two)
import keras
from merzoo.training.distribution import distributed
from merzoo.training.fit import Fitter
from merzoo.training.recipes import Recipe
from tests.samples import flow_arrays

def build():
    image = keras.Input((28, 28, 3), name="flow_image")
    x = keras.layers.Flatten()(keras.layers.AveragePooling2D(4)(image / 255))
    return keras.Model([image], keras.layers.Dense(3, "softmax")(x))

recipe = Recipe("quick", learning_rate=5e-3, epochs=3, batch_size=8, class_weights="sqrt")
found = {}
for devices in (None, "all"):
    with distributed(devices) as count:
        pass
    fitter = Fitter(build, recipe, steps_per_epoch=2, devices=devices)
    data = flow_arrays(subjects=3)
    history = fitter.fit(data, seed=0)
    again = fitter.fit(data, seed=0)
    found[str(devices)] = [count, history["loss"], again["loss"], fitter.predict(data).tolist()]
try:
    with distributed("all", batch_size=9):
        pass
except ValueError as error:
    found["uneven"] = str(error)
print(json.dumps(found))
"""


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="Keras has no means on PyTorch")
def test_two_devices_take_the_steps_of_one():
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "KERAS_BACKEND": keras.backend.backend(),
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
        "CUDA_VISIBLE_DEVICES": "",
    }
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, cwd=ROOT, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr[-2000:]
    found = json.loads(run.stdout.strip().splitlines()[-1])
    one, two = found["None"], found["all"]
    assert (one[0], two[0]) == (1, 2)
    np.testing.assert_allclose(two[1], one[1], atol=1e-5)
    np.testing.assert_array_equal(two[1], two[2])  # a second fit starts from the start
    np.testing.assert_allclose(two[3], one[3], atol=1e-5)
    assert "a batch of 9 cannot be shared evenly by 2 devices" in found["uneven"]


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

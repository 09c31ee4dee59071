"""What users of Keras expect: saved models load, builders take input tensors and tags."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

import merzoo
from merzoo.errors import InputError
from merzoo.models.random_inputs import random_inputs
from merzoo.models.registry import entry

WITHOUT_DENSE = ("capsulenet", "rcn-a", "rcn-f")  # networks that hold nothing to quantize


@pytest.mark.parametrize(
    "order",
    [
        "import merzoo, sys; assert 'keras' not in sys.modules; import keras",
        pytest.param("import keras, merzoo", marks=pytest.mark.slow),
    ],
)
def test_a_saved_model_loads_where_merzoo_is_imported(order, tmp_path):
    """Neither import names a layer; NumPy is the backend that loads fastest."""
    path = str(tmp_path / "model.keras")
    merzoo.create_model("ststnet").save(path)
    code = f"{order}\nkeras.saving.load_model({path!r}, safe_mode=True)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env=os.environ | {"KERAS_BACKEND": "numpy"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_a_network_is_built_on_the_tensor_that_is_given():
    shared = keras.Input((28, 28, 3), name="flow_image")
    for model in (
        merzoo.models.STSTNet(input_tensor=shared),
        merzoo.create_model("ststnet", weights="synthetic", input_tensor={"flow_image": shared}),
    ):
        assert model.inputs[0] is shared and model.name == "ststnet"
        assert model.get_layer("classes").units == 3
    small = merzoo.models.STSTNet(input_tensor=keras.Input((14, 14, 3)))
    assert small.input_shape == (None, 14, 14, 3)


def test_weights_reach_a_network_on_a_given_tensor():
    plain = merzoo.create_model("ststnet", weights="synthetic")
    given = keras.Input((28, 28, 3))
    other = merzoo.create_model("ststnet", weights="synthetic", input_tensor=given)
    for one, two in zip(plain.get_weights(), other.get_weights(), strict=True):
        assert (one == two).all()


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (lambda x: keras.layers.Dense(3)(x), "not what keras.Input gave"),
        (lambda x: [x, x], "takes a tensor for each of"),
        (lambda x: {"apex": x}, "takes a tensor for each of"),
        (lambda x: 5, "not what keras.Input gave"),
        (lambda x: keras.Input((28, 28, 1)), "channels"),
    ],
)
def test_another_tensor_is_one_line(tensor, message):
    with pytest.raises(InputError, match=message):
        merzoo.models.STSTNet(input_tensor=tensor(keras.Input((28, 28, 3))))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name == "ststnet" else pytest.mark.slow)
        for name in merzoo.list_models(kind="network")
        if name not in WITHOUT_DENSE
    ],
)
def test_a_network_is_quantized_and_still_answers(name):
    """Keras' own: dense layers to 8 bits; layers of merzoo stay as they are."""
    small = entry(name).small
    model = merzoo.create_model(name, **small)
    sample = random_inputs(model, 2)
    before = keras.ops.convert_to_numpy(model(sample, training=False))
    model.quantize("int8")
    after = keras.ops.convert_to_numpy(model(sample, training=False))
    assert after.shape == before.shape and np.isfinite(after).all()
    assert "int8" in {str(variable.dtype) for variable in model.variables}

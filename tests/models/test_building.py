"""Networks are built with less effort, and come out as they were to the last bit."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import initializers

import merzoo
from merzoo.models.building import economical, in_a_row
from merzoo.models.registry import entry

on_jax = pytest.mark.skipif(keras.backend.backend() != "jax", reason="JAX draws by place and seed")
QUICK = ("ststnet", "rcn-a", "offapexnet", "dssn")


@on_jax
@pytest.mark.parametrize("shape", [(), (7,), (5, 3), (3, 3, 4, 6), (1 << 16,), (70_000, 2)])
@pytest.mark.parametrize(
    "initializer",
    [
        initializers.GlorotUniform(seed=1),
        initializers.HeNormal(seed=2),
        initializers.LecunUniform(seed=3),
        initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal", seed=4),
        initializers.RandomUniform(-0.3, 0.7, seed=5),
        initializers.RandomNormal(0.1, 0.02, seed=6),
        initializers.TruncatedNormal(0.0, 0.02, seed=7),
    ],
    ids=lambda initializer: type(initializer).__name__,
)
def test_a_longer_row_starts_with_the_same_numbers(initializer, shape):
    drawn, own = in_a_row(initializer)(shape, dtype="float32"), initializer(shape, dtype="float32")
    np.testing.assert_array_equal(np.asarray(drawn), np.asarray(own))


@on_jax
def test_what_is_longer_than_every_row_is_drawn_in_its_own_shape(monkeypatch):
    monkeypatch.setattr("merzoo.models.building.ROWS", (8,))
    initializer = initializers.GlorotUniform(seed=1)
    np.testing.assert_array_equal(in_a_row(initializer)((3, 3)), initializer((3, 3)))


def test_initializers_that_are_not_keras_random_ones_are_left_alone():
    class Own(initializers.RandomNormal):
        pass

    stream = initializers.RandomNormal(seed=keras.random.SeedGenerator(1))
    for initializer in (initializers.Zeros(), Own(seed=1), stream, np.zeros):
        assert in_a_row(initializer) is initializer


@on_jax
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)
        for name in merzoo.list_models(kind="network")
    ],
)
def test_a_network_is_the_one_that_its_builder_gives(name):
    """Weights, and the states of dropout's generators, from the same seed."""
    found, values = entry(name), []
    for builder in (found.builder, found.builder.__wrapped__):
        keras.utils.set_random_seed(3)
        network = builder(**{"name": name} | found.arguments | found.small)
        values.append([np.asarray(variable) for variable in network.variables])
    for one, other in zip(*values, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_states_of_generators_are_their_own_where_a_file_gives_the_weights(tmp_path):
    def builder(weights=None):
        x = keras.Input((4,))
        y = keras.layers.Dense(2)(keras.layers.Dropout(0.5, seed=9)(x))
        model = keras.Model(x, y)
        if weights:
            model.load_weights(weights)
        return model

    path = tmp_path / "x.weights.h5"
    builder().save_weights(path)
    (state,) = [v for v in economical(builder)(weights=path).variables if "seed" in v.path]
    np.testing.assert_array_equal(np.asarray(state), [9, 0])


@pytest.mark.parametrize(
    ("arguments", "drawn"), [("", "few"), (", weights='synthetic'", "none")], ids=["fresh", "file"]
)
def test_few_programs_are_compiled_for_random_values(arguments, drawn):
    """JAX says what it compiles; STSTNet's kernels of several shapes share one row."""
    done = subprocess.run(
        [sys.executable, "-c", f"import merzoo; merzoo.create_model('ststnet'{arguments})"],
        env=os.environ | {"KERAS_BACKEND": "jax", "JAX_LOG_COMPILES": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    lines = [x for x in done.stderr.splitlines() if "Finished XLA compilation" in x]
    assert sum("uniform" in line for line in lines) == {"few": 1, "none": 0}[drawn]

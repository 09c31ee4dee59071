"""Recipes: every listed model has one, schedules have the values that were written down."""

import keras
import numpy as np
import pytest

import merzoo
from merzoo.errors import InputError
from merzoo.models.registry import entry
from merzoo.training.optimizers import make_optimizer
from merzoo.training.recipes import RECIPES, Recipe, get_recipe


def test_every_network_names_a_recipe_that_exists():
    assert {entry(n).recipe for n in merzoo.list_models(kind="network")} <= set(RECIPES)


def test_exponential_schedule_falls_each_epoch_and_then_stays():
    recipe = Recipe("x", learning_rate=1.0, schedule="exponential", decay=0.5, decay_until=2)
    rate = make_optimizer(recipe, steps_per_epoch=10)._learning_rate
    found = [float(keras.ops.convert_to_numpy(rate(step))) for step in (0, 10, 11, 21, 200)]
    np.testing.assert_allclose(found, [1, 1, 0.5, 0.25, 0.25])


def test_cosine_schedule_ends_at_zero():
    recipe = Recipe("x", learning_rate=1.0, schedule="cosine", epochs=4)
    rate = make_optimizer(recipe, steps_per_epoch=10)._learning_rate
    assert float(keras.ops.convert_to_numpy(rate(40))) == pytest.approx(0, abs=1e-6)


def test_recipe_files_are_checked(tmp_path):
    good = tmp_path / "mine.json"
    good.write_text('{"learning_rate": 0.01, "epochs": 3}')
    assert get_recipe(good) == Recipe("mine", learning_rate=0.01, epochs=3)
    bad = tmp_path / "bad.json"
    bad.write_text('{"learning_rat": 0.01}')
    with pytest.raises(InputError, match="unknown field 'learning_rat'"):
        get_recipe(bad)
    bad.write_text("{")
    with pytest.raises(InputError, match="damaged: not JSON"):
        get_recipe(bad)
    with pytest.raises(InputError, match="Did you mean 'merzoo-flow'"):
        get_recipe("merzoo-flo")
    with pytest.raises(InputError, match="schedule='cosin'"):
        Recipe("x", schedule="cosin")

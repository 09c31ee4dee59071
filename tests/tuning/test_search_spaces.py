"""Search spaces: one for every network, starting from its recipe; own ones are checked."""

import json
from dataclasses import replace

import pytest

import merzoo
from merzoo.errors import InputError
from merzoo.models.registry import entry
from merzoo.training.recipes import Recipe, get_recipe
from merzoo.tuning.search_spaces import (
    ARCHITECTURES,
    hyperparameters,
    read_space,
    recipe_of,
    search_space,
    with_defaults,
)

NETWORKS = merzoo.list_models(kind="network")
# Each takes 7 seconds to 6 minutes to build in every form.
LARGE = ("alexnet", "capsulenet", "convnext-tiny", "cvanet", "dfrnet", "dfrnet-2", "dfrnet-4")
LARGE += ("efficientnetv2-b0", "elrcn", "emr", "googlenet", "htnet", "keyregionnet", "micron-bert")
LARGE += ("keyregionnet-0", "keyregionnet-24", "mmnet", "p3d", "resnet18", "resnet3d18", "slstt")
LARGE += ("slstt-mean", "videomae-s")
SOME = [pytest.param(n, marks=pytest.mark.slow) if n in LARGE else n for n in NETWORKS]


@pytest.mark.parametrize("model", SOME)
def test_every_network_has_a_space_that_starts_from_its_recipe(model):
    recipe = get_recipe(None, default=entry(model).recipe)
    space = search_space(model)
    values = {hp.name: hp.default for hp in hyperparameters(space, model, recipe).space}
    found = recipe_of(space, values, recipe)
    assert recipe.model_arguments.items() <= found.model_arguments.items()
    same = {"name": "any", "about": "", "model_arguments": {}}
    assert replace(found, **same) == replace(recipe, **same)


def test_every_switch_is_an_argument_of_a_builder_and_no_variant_searches_what_makes_it():
    builders = {entry(name).builder.__name__ for name in NETWORKS}
    assert set(ARCHITECTURES) <= builders
    assert "stages" in search_space("dfrnet")
    assert "stages" not in search_space("dfrnet-1")


@pytest.mark.slow
@pytest.mark.parametrize("model", NETWORKS)
def test_every_single_switch_builds(model):
    found = entry(model)
    for name, values in ARCHITECTURES.get(found.builder.__name__, {}).items():
        for value in values:
            if name not in found.arguments:
                merzoo.create_model(model, **found.small | {name: value, "classes": 3})


def test_a_flow_image_is_never_rotated():
    assert ["flip", "crop-15", "rotate-8"] not in search_space("ststnet")["augment"]
    assert ["flip", "crop-15", "rotate-8"] in search_space("dfrnet")["augment"]


def test_choosing_another_optimizer_brings_its_own_arguments():
    recipe = Recipe("x", optimizer="adamw", optimizer_arguments={"weight_decay": 0.6})
    space = {"optimizer": ["adamw", "sgd"]}
    assert recipe_of(space, {"optimizer": "sgd"}, recipe).optimizer_arguments == {"momentum": 0.9}
    assert recipe_of(space, {"optimizer": "adamw"}, recipe).optimizer_arguments == {
        "weight_decay": 0.6
    }


def test_own_spaces_are_checked_and_hold_the_start(tmp_path):
    recipe = get_recipe("ststnet")
    space = with_defaults({"dropout": [0.1], "epochs": [20]}, "ststnet", recipe)
    assert space == {"dropout": [0.1, 0.5], "epochs": [12, 20]}
    with pytest.raises(InputError, match="chosen_on"):  # a record, no setting
        with_defaults({"chosen_on": [["d/s1"]]}, "ststnet", recipe)
    with pytest.raises(InputError, match="Did you mean 'dropout'"):
        with_defaults({"dropuot": [0.1]}, "ststnet", recipe)
    with pytest.raises(InputError, match="0 < low < high"):
        with_defaults({"learning_rate": {"low": 1, "high": 0.1}}, "ststnet", recipe)
    with pytest.raises(InputError, match="neither a list of values nor a range"):
        with_defaults({"dropout": 0.1}, "ststnet", recipe)
    with pytest.raises(InputError, match="scikit-learn estimator"):
        search_space("flow-krr")
    file = tmp_path / "space.json"
    file.write_text(json.dumps(space))
    assert read_space(file) == space
    file.write_text("[1")
    with pytest.raises(InputError, match="damaged: not JSON"):
        read_space(file)

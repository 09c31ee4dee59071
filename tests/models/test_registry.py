"""The register: a name belongs to one builder, and whoever takes it over is told."""

import importlib.util
import warnings

import pytest

from merzoo.models.registry import REGISTRY, create_model, register


@pytest.fixture(autouse=True)
def as_it_was(monkeypatch):
    """The register without what these tests put there."""
    monkeypatch.setattr("merzoo.models.registry.REGISTRY", dict(REGISTRY))


def first_builder(name="mine"):
    return name, 1


def second_builder(name="mine"):
    return name, 2


def test_another_builder_under_the_same_name_warns_and_takes_it():
    register("mine")(first_builder)
    said = r"model 'mine': tests\.models\.test_registry\.second_builder replaces "
    with pytest.warns(UserWarning, match=said + r"tests\.models\.test_registry\.first_builder\.$"):
        register("mine")(second_builder)
    assert create_model("mine") == ("mine", 2)


def test_a_shipped_network_is_not_replaced_in_silence():
    with pytest.warns(UserWarning, match=r"replaces merzoo\.models\.ststnet\.STSTNet\.$"):
        register("ststnet")(first_builder)


def test_the_warning_points_at_the_line_that_registers():
    register("mine")(first_builder)
    with pytest.warns(UserWarning) as noted:
        register("mine")(second_builder)
    assert noted[0].filename == __file__


def test_the_same_builder_again_is_no_news():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        register("mine")(first_builder)
        register("mine", arguments={"name": "other"})(first_builder)
        register("yours")(first_builder)


def test_a_module_loaded_again_is_no_news(tmp_path):
    file = tmp_path / "own_network.py"
    file.write_text(
        "from merzoo.models.registry import register\n"
        "@register('own')\n"
        "def own(name='own'):\n"
        "    return name\n"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            spec = importlib.util.spec_from_file_location("own_network", file)
            spec.loader.exec_module(importlib.util.module_from_spec(spec))


def test_two_functions_without_a_name_are_two_builders():
    register("mine")(lambda name: 1)
    with pytest.warns(UserWarning, match="replaces"):
        register("mine")(lambda name: 2)

"""What is told of a network without loading it is what its code says."""

import ast
import json
from pathlib import Path

import pytest

import merzoo
from merzoo.models.catalogue import catalogue
from merzoo.models.registry import REGISTRY, counted_info, load_all, register


@pytest.fixture(scope="module", autouse=True)
def all_loaded():
    load_all()


def test_the_catalogue_has_every_variant_of_the_zoo_and_no_other():
    ours = {n for n, e in REGISTRY.items() if e.builder.__module__.startswith("merzoo.models.")}
    assert set(catalogue()) == ours


@pytest.mark.parametrize("name", catalogue())
def test_its_facts_are_those_of_the_register(name):
    """`python tools/make_model.py NAME` writes them anew."""
    row, entry = catalogue()[name], REGISTRY[name]
    told = {key: row["info"][key] for key in ("title", "kind", "recipe", "reference", "licence")}
    assert told == {key: getattr(entry, key) for key in told}
    assert row["info"]["readings"] == list(entry.readings)
    assert row["info"]["paper_figures"] == json.loads(json.dumps(entry.paper_figures))
    assert f"merzoo.models.{row['file']}" == entry.builder.__module__
    if entry.trainable is not None:
        assert row["info"]["parameters"]["trainable"] == entry.trainable


@pytest.mark.parametrize("name", ["ststnet", "broadbentnet", "flow-krr"])
def test_its_counts_are_those_of_the_built_network(name):
    """Of all variants: `tools/make_model.py --check`."""
    assert catalogue()[name]["info"] == json.loads(json.dumps(counted_info(name)))


def test_an_answer_can_be_changed_without_changing_the_next():
    merzoo.model_info("ststnet")["inputs"].clear()
    assert merzoo.model_info("ststnet")["inputs"] == {"flow_image": [28, 28, 3]}


def test_a_network_of_ones_own_is_counted_itself(monkeypatch):
    monkeypatch.setattr("merzoo.models.registry.REGISTRY", dict(REGISTRY))
    small = {"classes": 7}
    with pytest.warns(UserWarning, match="replaces"):
        register("ststnet", arguments=small, title="mine")(lambda **a: merzoo.models.STSTNet(**a))
    info = merzoo.model_info("ststnet")
    assert (info["title"], info["output"]) == ("mine", [7])


def test_a_network_that_is_not_in_the_catalogue_yet_is_there(monkeypatch):
    rows = {name: row for name, row in catalogue().items() if name != "ststnet"}
    monkeypatch.setattr("merzoo.models.registry.catalogue", lambda: rows)
    monkeypatch.setattr("merzoo.models.registry.REGISTRY", {})
    assert "ststnet" in merzoo.list_models()
    assert merzoo.model_info("ststnet")["parameters"]["trainable"] == 1683


def test_what_type_checkers_see_of_models_is_what_there_is():
    tree = ast.parse(Path(merzoo.models.__file__).read_text())
    (block,) = [
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    seen = {a.name: node.module.rpartition(".")[2] for node in block.body for a in node.names}
    assert seen == merzoo.models.FILES
    assert set(seen) == set(merzoo.models.__all__)

"""What is said to take the place of TensorFlow Addons is there."""

import importlib
import re

import pytest

from tests.docs.pages import ROOT

TEXT = (ROOT / "docs" / "tensorflow-addons.md").read_text(encoding="utf-8")
NAMES = sorted(set(re.findall(r"`((?:keras|merzoo)\.[\w.]+)`", TEXT)))


@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_the_place_of_another_is_there(name):
    root, *parts = name.split(".")
    found = importlib.import_module(root)
    for part in parts:
        found = getattr(found, part)
    assert found is not None

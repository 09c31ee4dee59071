"""Tables that are written from result files are up to date."""

import importlib.util
import re
import sys

import pytest

from tests.docs.pages import ROOT


@pytest.fixture(scope="module")
def tables():
    """`tools/make_tables.py` as a module."""
    path = ROOT / "tools" / "make_tables.py"
    spec = importlib.util.spec_from_file_location("make_tables", path)
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path[:] = before


def test_every_table_says_what_its_result_file_says(tables):
    for name, (page, make) in tables.TABLES.items():
        text = page.read_text(encoding="utf-8")
        found = re.search(rf"<!-- table: {name} -->\n(.*?)\n<!-- end -->", text, re.S)
        assert found and found[1] == make(), f"{name}: run tools/make_tables.py"


def test_recipes_tell_what_the_result_files_say(tables):
    assert tables.MEASURED.read_text(encoding="utf-8") == tables.recipes()

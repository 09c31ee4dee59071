"""The public names are one list, whoever asks, and each says what it returns."""

import ast
import importlib
import inspect
from pathlib import Path

import pytest

import merzoo

PACKAGES = ["merzoo", *(f"merzoo.{name}" for name in merzoo.__all__ if name not in merzoo._NAMES)]
PACKAGES = [name for name in PACKAGES if name != "merzoo.__version__"]
PACKAGES += ["merzoo.exporting", "merzoo.prediction"]

# Without a return type so far. Lines leave this list; none may join it.
LATER = {"merzoo.evaluation.score", "merzoo.evaluation.transfer"}


def test_what_type_checkers_see_is_what_there_is():
    tree = ast.parse(Path(merzoo.__file__).read_text())
    (block,) = [
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    homes = {alias.name: node.module for node in block.body for alias in node.names}
    names = {name: home for name, home in homes.items() if home != "merzoo"}
    assert names == merzoo._NAMES
    assert {*homes, "__version__"} == set(merzoo.__all__)
    assert merzoo.__all__ == sorted(merzoo.__all__)


@pytest.mark.parametrize("name", merzoo.__all__)
def test_every_public_name_is_there(name):
    assert getattr(merzoo, name) is not None


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_function_says_what_it_returns(package):
    module = importlib.import_module(package)
    silent = {
        f"{module.__name__}.{name}"
        for name in getattr(module, "__all__", ())
        if inspect.isfunction(found := getattr(module, name))
        and "return" not in found.__annotations__
        and f"{found.__module__.rpartition('.')[0]}.{name}" not in LATER
    }
    assert silent == set()

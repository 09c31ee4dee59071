"""The arrows of the house: a folder imports only floors below its own, and nothing in a circle.

Every import is read from the source with `ast`: those inside functions and under `TYPE_CHECKING`
too.
"""

import ast
import importlib.util
from collections import defaultdict
from pathlib import Path

import pytest

from merzoo.moved import MODULES

ROOT = Path(__file__).parents[1]
FLOORS = (  # from the ground up
    (
        "after_import",
        "errors",
        "files",
        "home",
        "listing",
        "metrics",
        "modalities",
        "moved",
        "names",
        "pages",
    )
    + ("arguments", "limits", "processes", "progress", "quiet", "schema", "surroundings")
    + ("versions", "whole"),
    ("data", "layers", "weights"),
    ("preprocessing", "models"),
    ("training",),
    ("prediction", "explain", "exporting", "evaluation"),
    ("reproduction", "tuning"),
    ("commands", "app", "cli", "__main__", ""),  # "" is `merzoo` itself, which names everything
)
FLOOR = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_name(path): path for path in sorted(ROOT.glob("merzoo/**/*.py"))}


def imported(source: str, known) -> set[str]:
    """The modules of merzoo that a source text imports.

    Args:
        source: Python.
        known: names of all modules: `from a import b` imports `a.b` if it is one of them.
    """
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports in merzoo are absolute"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= names & set(known) or {node.module}
    return {name for name in found if name.partition(".")[0] == "merzoo"}


ARROWS = {name: imported(path.read_text(), SOURCES) for name, path in SOURCES.items()}


def room(module: str) -> str:
    """The folder or file of the top level that a module is in."""
    return module.partition(".")[2].partition(".")[0]


def circles(arrows: dict[str, set[str]]) -> set[tuple[str, ...]]:
    """Groups of nodes that reach one another, sorted.

    >>> sorted(circles({"a": {"b"}, "b": {"c"}, "c": {"b", "d"}}))
    [('b', 'c')]
    """

    def reached(start):
        seen, waiting = set(), [start]
        while waiting:
            fresh = arrows.get(waiting.pop(), set()) - seen
            seen |= fresh
            waiting += fresh
        return seen

    reach = {node: reached(node) for node in arrows}
    return {
        tuple(sorted(other for other in reach[node] if node in reach.get(other, ())))
        for node in arrows
        if node in reach[node]
    }


def inside(folder: str) -> dict[str, set[str]]:
    """The arrows between the files and folders that lie in one folder."""
    depth = folder.count(".") + 2
    arrows = defaultdict(set)
    for module, targets in ARROWS.items():
        for target in targets:
            ends = [".".join(name.split(".")[:depth]) for name in (module, target)]
            if ends[0] != ends[1] and all(end.startswith(f"{folder}.") for end in ends):
                arrows[ends[0]].add(ends[1])
    return dict(arrows)


def test_every_file_and_folder_of_the_top_level_has_a_floor():
    assert {room(module) for module in SOURCES} - set(FLOOR) == set()


def test_no_arrow_points_upwards():
    upwards = {
        (module, target)
        for module, targets in ARROWS.items()
        for target in targets
        if FLOOR[room(target)] > FLOOR[room(module)]
    }
    assert upwards == set()


FOLDERS = [name for name, path in SOURCES.items() if path.name == "__init__.py"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_folder_holds_a_circle(folder):
    assert circles(inside(folder)) == set()


@pytest.mark.parametrize("folder", ["merzoo", "tests", "tools", "benchmarks"])
def test_every_import_names_a_module_that_is_there(folder):
    """An old path would work, and warn."""
    for path in (ROOT / folder).glob("**/*.py"):
        for name in imported(path.read_text(), SOURCES):
            assert name in SOURCES, f"{path.relative_to(ROOT)} imports {name}"


def test_imports_are_found_wherever_they_stand():
    source = """
from typing import TYPE_CHECKING
import numpy as np
if TYPE_CHECKING:
    from merzoo.training.learner import Learner
def late():
    from merzoo import files
    import merzoo.models.rcn as rcn
    from merzoo import create_model
"""
    found = imported(source, {"merzoo.files", "merzoo"})
    assert found == {"merzoo.training.learner", "merzoo.files", "merzoo.models.rcn", "merzoo"}


def test_no_old_path_is_a_file_again():
    assert set(MODULES) & set(SOURCES) == set()
    assert all(importlib.util.find_spec(new) for new in MODULES.values())

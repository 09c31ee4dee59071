"""Which kind of data a folder or file is, where the user names only the place.

A dataset's module may have `recognises(tree) -> bool`: whether the folder holds what only that set
has, such as its annotation sheet. Where one module says yes, that is the kind; where none or more
than one does, the user is told what to type.
"""

import importlib
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from merzoo.data.cells import is_table, read_cells
from merzoo.data.manifest import REQUIRED
from merzoo.data.pixels import IMAGE_SUFFIXES
from merzoo.data.tables import cell_text, name_columns
from merzoo.data.tree import Tree
from merzoo.data.videos import VIDEO_SUFFIXES
from merzoo.errors import InputError

_PARTS = {"megc2019": {"casme2", "samm", "smic"}}  # a composite and the sets below it
_LISTED = "a table with the columns path, subject and label, one row a clip"


def guess_kind(place: Path, modules: dict[str, str]) -> str:
    """The kind of data that lies at `place`, a folder or a file that is there.

    Args:
        place: what the user named.
        modules: kind -> module that reads it, in the order of asking.

    Raises:
        InputError: if it is none of them, or could be several; says what to type.
    """
    if place.is_file():
        return _of_file(place)
    tree = Tree(place, "a data set")
    found = []
    for kind, module in modules.items():
        recognises = getattr(importlib.import_module(module), "recognises", None)
        if recognises is not None and recognises(tree):
            found.append(kind)
    hidden = {part for kind in found for part in _PARTS.get(kind, ())}
    found = [kind for kind in found if kind not in hidden]
    if len(found) == 1:
        return found[0]
    if found:
        texts = " or ".join(f"{kind}:{place}" for kind in found)
        raise InputError(f"{place}: could be several kinds of data; write {texts}.")
    raise InputError(f"{place}: of no kind that is known by itself; {_advice(tree)}")


def _of_file(place: Path) -> str:
    suffix = place.suffix.lower()
    if suffix == ".npz":
        return "arrays"
    if is_table(place):
        return "fer2013" if _has_pixels(place) else "manifest"
    if suffix in VIDEO_SUFFIXES:
        raise InputError(
            f"{place}: one film is no data set: merzoo predict looks for expressions in it; for a "
            f"data set write {_LISTED}, and give manifest:TABLE."
        )
    raise InputError(f"{place}: of no kind that is known; write KIND:{place}.")


def _has_pixels(place: Path) -> bool:
    if place.suffix.lower() != ".csv" or place.stat().st_size < 1:
        return False
    with open(place, "rb") as file:
        return b"pixels" in file.readline(200).lower()


def _advice(tree: Tree) -> str:
    """What to type for a folder of no known kind, by what lies in it."""
    tables = [name for name in tree.files() if is_table(name)]
    if len(tables) == 1:
        names = [text for text in _header(tree.path("", tables[0])) if text]
        has = f" (it has {', '.join(names[:9])})" if names else ""
        known = name_columns(names, {}).values()
        columns = ",".join(f"{name}=NAME" for name in REQUIRED if name not in known)
        return (
            f"if {tables[0]} lists its clips, say which column is which{has}: "
            f"--data manifest:{tree.root} --columns {columns}"
        )
    if tables:
        return f"name the table that lists its clips, such as manifest:{tree.path('', tables[0])}"
    arrays = [name for name in tree.files() if name.endswith(".npz")]
    if arrays:
        return f"name a file of samples, such as arrays:{tree.path('', arrays[0])}"
    clips = _suffixes(tree) & (VIDEO_SUFFIXES | IMAGE_SUFFIXES)
    if clips:
        table = tree.path("", "manifest.csv")
        return f"write {table}, {_LISTED}, and give manifest:{tree.root}"
    about = tree.about_links()
    return f"there is no table, video or picture in it{about}; write KIND:{tree.root}"


def _header(path: Path) -> Iterable[str]:
    try:
        rows = [list(map(cell_text, row)) for row in islice(read_cells(path), 20)]
    except InputError:
        return []
    return next((row for row in rows if sum(map(bool, row)) > 1), [])


def _suffixes(tree: Tree) -> set[str]:
    """The endings of the files in the folder and three levels below."""
    found: set[str] = set()
    level = [""]
    for _ in range(4):
        for folder in level:
            found |= {Path(name).suffix.lower() for name in tree.files(folder)}
        level = [below for folder in level for below in tree.folders(folder).values()]
    return found

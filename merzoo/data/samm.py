"""SAMM: 159 micro-movements of 29 subjects at 200 fps, grey (Davison et al., IEEE TAC 2018)."""

import re
from pathlib import Path

from merzoo.data.casme2 import note_unannotated
from merzoo.data.cells import ENDING
from merzoo.data.clip import Clip
from merzoo.data.frames import Frames
from merzoo.data.reading import Published, Reading
from merzoo.data.sheets import SheetForm, read_rows
from merzoo.data.tables import find_table, read_table
from merzoo.data.tree import Tree, match_name
from merzoo.errors import InputError

PUBLISHED = Published(
    clips=159,
    subjects=29,
    classes={
        "anger": 57,
        "others": 26,
        "happiness": 26,
        "surprise": 15,
        "contempt": 12,
        "disgust": 9,
        "fear": 8,
        "sadness": 6,
    },
)
SHEET = rf"samm.*facs.*codes.*{ENDING}"
SHEET_NAME = "SAMM_Micro_FACS_Codes_v2.xlsx"
# Rows whose apex lies outside onset..offset in the published sheet.
KNOWN_APEXES = frozenset({"028_4_1", "032_3_1"})
_SUBJECT = r"\d{3}"


def recognises(tree: Tree) -> bool:
    """Whether a folder holds the sheet that only this set has."""
    return bool(tree.find_files(SHEET))


def load(
    root: str | Path, annotation: str | Path | None = None, on_error: str = "fail"
) -> list[Clip]:
    """The clips of a copy of SAMM.

    Args:
        root: the folder with the subjects' folders `006`, `007`, ... (or `SAMM` with them in it)
            and `SAMM_Micro_FACS_Codes_v2.xlsx`.
        annotation: the sheet, where `root` does not hold it or holds several.
        on_error: `"fail"`, or `"skip"` to leave out (with a warning) clips that lack their folder.

    Returns:
        One `Clip` per row of the sheet, with its objective class.

    Raises:
        InputError: if the folders or the sheet are not there or a clip cannot be loaded.
    """
    return read(root, annotation).usable(on_error)


def read(root: str | Path, annotation: str | Path | None = None) -> Reading:
    """Clips and faults of a copy of SAMM (arguments as for `load`)."""
    tree = Tree(root, "SAMM")
    parents = tree.parents_of(_SUBJECT)
    if not parents:
        raise InputError(
            f"{root}: no folder like 006/006_1_2; give the root of your copy of SAMM"
            f"{tree.about_links()}."
        )
    base = tree.first(parents)
    rows = read_table(
        find_table(tree, SHEET, SHEET_NAME, annotation),
        ("subject", "clip", "onset", "apex", "offset", "action_units", "label"),
    )
    reading = Reading("samm", tree.root, PUBLISHED, frozenset(PUBLISHED.classes))
    subjects = {subject_name(n): path for n, path in tree.folders(base).items()}
    used: set[str] = set()

    def frames(subject: str, name: str, numbers: tuple) -> Frames | None:
        folder = match_name(tree.folders(subjects[subject]), name) if subject in subjects else None
        if folder is None:
            return None
        used.add(folder)
        return tree.frames(folder)

    form = SheetForm(
        fps=200.0,
        subject=subject_name,
        clip_id=lambda subject, name, onset: name,
        frames=frames,
        known_apexes=KNOWN_APEXES,
    )
    read_rows(rows, reading, form)
    note_unannotated(tree, base, _SUBJECT, used, reading)
    reading.finish(tree)
    return reading


def subject_name(written: str) -> str:
    """Three digits, as the folders are called, also where Excel made a number of it.

    >>> subject_name("006"), subject_name("6"), subject_name("s14")
    ('006', '006', '014')
    """
    found = re.fullmatch(r"(?:sub|s)?0*(\d+)", written.strip(), re.IGNORECASE)
    return f"{int(found[1]):03d}" if found else written.strip()

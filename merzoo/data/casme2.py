"""CASME II: 255 micro-expressions of 26 subjects at 200 fps (Yan et al., PLOS ONE 2014)."""

import re
from pathlib import Path

from merzoo.data.cells import ENDING, read_cells
from merzoo.data.clip import Clip
from merzoo.data.frames import Frames
from merzoo.data.reading import Published, Reading
from merzoo.data.sheets import SheetForm, read_rows
from merzoo.data.tables import cell_text, find_table, read_table
from merzoo.data.tree import Tree, choose_folder, match_name, name_key

PUBLISHED = Published(
    clips=255,
    subjects=26,
    classes={
        "others": 99,
        "disgust": 63,
        "happiness": 32,
        "repression": 27,
        "surprise": 25,
        "sadness": 7,
        "fear": 2,
    },
)
FORMS = {"raw": "raw", "cropped": "crop"}
SHEET = rf"casme ?(2|ii)[-_ ]?(coding|label).*{ENDING}"
SHEET_NAME = "CASME2-coding-20140508.xlsx"
OBJECTIVE_SHEET = rf"casme ?(2|ii)[-_ ]?objective.*{ENDING}"
_SUBJECT = r"sub ?\d+"


def recognises(tree: Tree) -> bool:
    """Whether a folder holds the sheet that only this set has."""
    return bool(tree.find_files(SHEET))


def load(
    root: str | Path,
    frames: str | None = None,
    annotation: str | Path | None = None,
    on_error: str = "fail",
) -> list[Clip]:
    """The clips of a copy of CASME II.

    Args:
        root: the folder with `CASME2_RAW_selected` or `Cropped` and the coding sheet.
        frames: `"raw"` or `"cropped"`; `None` takes the first of them that is there.
        annotation: the coding sheet, where `root` does not hold it or holds several.
        on_error: `"fail"`, or `"skip"` to leave out (with a warning) clips that lack their folder.

    Returns:
        One `Clip` per row of the sheet.

    Raises:
        InputError: if the folders or the sheet are not there or a clip cannot be loaded.
    """
    return read(root, frames, annotation).usable(on_error)


def read(
    root: str | Path, frames: str | None = None, annotation: str | Path | None = None
) -> Reading:
    """Clips and faults of a copy of CASME II (arguments as for `load`)."""
    tree = Tree(root, "CASME II")
    base = choose_folder(tree, _SUBJECT, FORMS, frames)
    rows = read_table(
        find_table(tree, SHEET, SHEET_NAME, annotation),
        ("subject", "clip", "onset", "apex", "offset", "action_units", "label"),
    )
    reading = Reading("casme2", tree.root, PUBLISHED, frozenset(PUBLISHED.classes))
    used: set[str] = set()
    read_rows(rows, reading, _form(tree, base, used))
    note_unannotated(tree, base, _SUBJECT, used, reading)
    _add_objective_classes(tree, reading)
    reading.finish(tree)
    return reading


def _form(tree: Tree, base: str, used: set[str]) -> SheetForm:
    subjects = {subject_name(name): path for name, path in tree.folders(base).items()}

    def frames(subject: str, name: str, numbers: tuple) -> Frames | None:
        folder = match_name(tree.folders(subjects[subject]), name) if subject in subjects else None
        if folder is None:
            return None
        used.add(folder)
        return tree.frames(folder)

    return SheetForm(
        fps=200.0,
        subject=subject_name,
        clip_id=lambda subject, name, onset: f"{subject}/{name}",
        frames=frames,
    )


def subject_name(written: str) -> str:
    """`"sub01"` for every way in which the sheet and the folders write subject 1.

    >>> subject_name("1"), subject_name("Sub01"), subject_name("sub 26")
    ('sub01', 'sub01', 'sub26')
    """
    found = re.fullmatch(r"(?:sub|s)?[ _-]?0*(\d+)", written.strip(), re.IGNORECASE)
    return f"sub{int(found[1]):02d}" if found else written.strip()


def note_unannotated(tree: Tree, base: str, subject: str, used: set[str], reading: Reading) -> None:
    """Notes the clips' folders that no row of the sheet names."""
    for name, folder in tree.folders(base).items():
        if re.fullmatch(subject, name, re.IGNORECASE):
            for path in tree.folders(folder).values():
                if path not in used:
                    where = str(tree.path(path))
                    reading.fault("folder without annotation", "no row names it", where)


def _add_objective_classes(tree: Tree, reading: Reading) -> None:
    """Joins `CASME2-ObjectiveClasses.xlsx` (subject, clip, class 1-7), if it is there."""
    found = tree.find_files(OBJECTIVE_SHEET)
    if not found:
        return
    if len(found) > 1:
        others = " and ".join(map(str, found[1:]))
        reading.notes.append(f"{found[0]} is read for the objective classes, and not {others}.")
    places = {name_key(clip.id): index for index, clip in enumerate(reading.clips)}
    lost = {name_key(fault.clip) for fault in reading.faults if fault.lost}
    for number, cells in enumerate(read_cells(found[0]), 1):
        texts = [text for text in map(cell_text, cells) if text]
        if len(texts) < 3 or not texts[2].isdigit():
            continue  # the header, or a remark
        where = f"{found[0].name}, row {number}"
        key = name_key(f"{subject_name(texts[0])}/{texts[1]}")
        index = places.get(key)
        if key in lost:
            continue
        if index is None:
            reading.fault("unknown clip", f"no clip {texts[0]}/{texts[1]}", where)
        elif not 1 <= int(texts[2]) <= 7:
            message = f"{texts[2]!r} is not 1..7"
            reading.fault("unknown objective class", message, where, taken="none is taken")
        else:
            reading.replace(index, objective_class=int(texts[2]))

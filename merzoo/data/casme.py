"""CASME: micro-expressions at 60 fps (Yan et al., FG 2013)."""

from pathlib import Path

from merzoo.data.casme2 import FORMS, subject_name
from merzoo.data.cells import ENDING
from merzoo.data.clip import Clip
from merzoo.data.frames import Frames
from merzoo.data.reading import Reading
from merzoo.data.sheets import SheetForm, read_rows
from merzoo.data.tables import Row, find_table, read_table
from merzoo.data.tree import Tree, choose_folder, match_name

EMOTIONS = frozenset(
    [
        *("happiness", "disgust", "sadness", "contempt", "fear", "tense"),
        *("surprise", "repression", "others", "anger"),
    ]
)
SHEET = rf"(?!casme[-_ ]?(2|ii|3|sq))casme.*{ENDING}"
SHEET_NAME = "CASME-coded-20190721.xls"
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
    """The clips of a copy of CASME.

    Args:
        root: the folder with `CASME_raw_selected` and the sheet.
        frames: `"raw"` or `"cropped"`; `None` takes the first of them that is there.
        annotation: the sheet, where `root` does not hold it or holds several.
        on_error: `"fail"`, or `"skip"` to leave out (with a warning) clips that lack their folder.

    Returns:
        One `Clip` per row of the sheet; the apex is `ApexF1`, or `ApexF2` where that is empty.

    Raises:
        InputError: if the folders or the sheet are not there or a clip cannot be loaded.
    """
    return read(root, frames, annotation).usable(on_error)


def read(
    root: str | Path, frames: str | None = None, annotation: str | Path | None = None
) -> Reading:
    """Clips and faults of a copy of CASME (arguments as for `load`)."""
    tree = Tree(root, "CASME")
    base = choose_folder(tree, _SUBJECT, FORMS, frames)
    rows = read_table(
        find_table(tree, SHEET, SHEET_NAME, annotation),
        ("subject", "clip", "onset", "apex", "offset", "label"),
    )
    reading = Reading("casme", tree.root, emotions=EMOTIONS)
    subjects = {subject_name(name): path for name, path in tree.folders(base).items()}

    def find(subject: str, name: str, numbers: tuple) -> Frames | None:
        folder = match_name(tree.folders(subjects[subject]), name) if subject in subjects else None
        return None if folder is None else tree.frames(folder)

    form = SheetForm(
        fps=60.0,
        subject=subject_name,
        clip_id=lambda subject, name, onset: f"{subject}/{name}",
        frames=find,
    )
    read_rows([_one_apex(row) for row in rows], reading, form)
    reading.finish(tree)
    return reading


def _one_apex(row: Row) -> Row:
    if row.text("apex") in (None, "0") and row.text("second_apex") not in (None, "0"):
        return Row(row.file, row.number, row.cells | {"apex": row.cells["second_apex"]})
    return row

"""4DME: micro-expressions in four modalities, at 60 fps (Li et al., IEEE TAC 2023).

Read are the short clips of one camera, `<modality>/<subject>/<clip>/Frame_000001826.jpg`, and the
sheet of micro-expressions. A clip may carry several of the five emotions; it keeps them all, as
`"negative+repression"`, and label maps leave such clips out.

What could not be verified, since the set was not at hand: the sheets and the folders of the grey
clips are known from programs of people who use them (addresses in `merzoo/data/README.md`). How the
sheet separates several emotions is not known: `+`, `,`, `/`, `&` and `and` are taken. No published
counts are compared. The 4D meshes and the depth maps are not read.
"""

import itertools
import re
from pathlib import Path

from merzoo.data.cells import ENDING
from merzoo.data.clip import Clip
from merzoo.data.frames import Frames
from merzoo.data.labels import FOUR_DME, emotion
from merzoo.data.reading import Reading
from merzoo.data.sheets import SheetForm, read_rows
from merzoo.data.tables import Row, find_table, read_table
from merzoo.data.tree import Tree, choose_folder, match_name

EMOTIONS = frozenset(
    "+".join(words)
    for count in range(1, len(FOUR_DME) + 1)
    for words in itertools.combinations(FOUR_DME, count)
)
FORMS = {"grey": "gr[ae]y", "color": "colou?r|rgb|kinect"}
SHEET = rf"(4dme.*|micro[-_ ]and[-_ ]macro-expression[-_ ]labels.*){ENDING}"
SHEET_NAME = "4DME_Labelling_Micro_release v1.xlsx"
FPS = 60.0
_SUBJECT = r"(sub|s)?[-_ ]?\d{1,3}"
_ALSO = {"subject": ("subid",), "clip": ("foldname",)}


def recognises(tree: Tree) -> bool:
    """Whether a folder holds the sheet that only this set has."""
    return bool(tree.find_files(SHEET))


def load(
    root: str | Path,
    frames: str | None = None,
    annotation: str | Path | None = None,
    on_error: str = "fail",
) -> list[Clip]:
    """The micro-expression clips of a copy of 4DME.

    Args:
        root: the folder with the short clips of a camera (a folder with `gray` or `color` in its
            name) and the sheet, such as `4DME_Labelling_Micro_release v1.xlsx`.
        frames: `"grey"` or `"color"`; `None` takes the first that is there.
        annotation: the sheet, where `root` does not hold it or holds several.
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
    """Clips and faults of a copy of 4DME (arguments as for `load`)."""
    tree = Tree(root, "4DME")
    base = choose_folder(tree, _SUBJECT, FORMS, frames)
    rows = read_table(
        find_table(tree, SHEET, SHEET_NAME, annotation),
        ("subject", "clip", "onset", "apex", "offset", "label"),
        also=_ALSO,
    )
    reading = Reading("4dme", tree.root, emotions=EMOTIONS)
    subjects = {subject_name(name): path for name, path in tree.folders(base).items()}

    def find(subject: str, name: str, numbers: tuple) -> Frames | None:
        folder = match_name(tree.folders(subjects[subject]), name) if subject in subjects else None
        return None if folder is None else tree.frames(folder)

    form = SheetForm(
        fps=FPS,
        subject=subject_name,
        clip_id=lambda subject, name, onset: f"{subject}/{name}",
        frames=find,
    )
    read_rows([_without_marks(row) for row in rows], reading, form)
    reading.finish(tree)
    return reading


def _without_marks(row: Row) -> Row:
    """The row with its emotions in one order, and its units without the mark `(k)`.

    >>> cells = {"label": "Surprise, Negative", "action_units": "AU1+2(k)"}
    >>> _without_marks(Row("x", 2, cells)).cells
    {'label': 'negative+surprise', 'action_units': 'AU1+2'}
    """
    label = emotions_of(row.cells["label"])
    units = re.sub(r"\(k\)", "", row.cells.get("action_units", ""), flags=re.IGNORECASE)
    return Row(row.file, row.number, row.cells | {"label": label, "action_units": units})


def emotions_of(cell: str) -> str:
    """One or several emotions in the order of the set, joined by `+`; other words stay.

    >>> emotions_of("Repression and Negative"), emotions_of("Positive"), emotions_of("joy")
    ('negative+repression', 'positive', 'joy')
    """
    words = [emotion(word) for word in re.split(r"[+,/&;\uff0c]|\band\b", cell) if word.strip()]
    if words and set(words) <= set(FOUR_DME):
        return "+".join(word for word in FOUR_DME if word in words)
    return cell


def subject_name(written: str) -> str:
    """`"01"`, for every way in which the sheet and the folders write subject 1.

    >>> subject_name("1"), subject_name("sub01"), subject_name("S 1")
    ('01', '01', '01')
    """
    found = re.fullmatch(r"(?:sub|s)?[ _-]?0*(\d+)", written.strip(), re.IGNORECASE)
    return f"{int(found[1]):02d}" if found else written.strip()

"""MMEW: 300 micro-expressions at 90 fps (Ben et al., TPAMI 2022).

The class is the folder and stands in the sheet too; the class `others` is called `repression` in
some copies, so either word means the same here. In some copies the clips lie in no folder of their
class, and newer sheets are called `MMEW_Micro_Exp_new.xlsx` or the like, with the same columns.
"""

import re
from pathlib import Path

from merzoo.data.cells import ENDING
from merzoo.data.clip import Clip
from merzoo.data.frames import Frames
from merzoo.data.labels import emotion
from merzoo.data.reading import Published, Reading
from merzoo.data.sheets import SheetForm, read_rows
from merzoo.data.tables import find_table, read_table
from merzoo.data.tree import Tree, name_key
from merzoo.errors import InputError

EMOTIONS = frozenset(
    [
        *("happiness", "anger", "surprise", "disgust", "fear", "sadness"),
        *("others", "repression"),
    ]
)
PUBLISHED = Published(clips=300)
SHEET = rf"mmew.*{ENDING}"
SHEET_NAME = "MMEW_Micro_Exp.xlsx"
# Sixteen rows have no apex that could be used.
USUAL = frozenset({"no apex"})
_CLIP = r"s\d+-\d+-\d+"


def recognises(tree: Tree) -> bool:
    """Whether a folder holds the sheet that only this set has."""
    return bool(tree.find_files(SHEET))


def load(
    root: str | Path, annotation: str | Path | None = None, on_error: str = "fail"
) -> list[Clip]:
    """The micro-expression clips of a copy of MMEW.

    Args:
        root: the folder with `Micro_Expression` and `MMEW_Micro_Exp.xlsx`.
        annotation: the sheet, where `root` does not hold it or holds several.
        on_error: `"fail"`, or `"skip"` to leave out (with a warning) clips that lack their folder.

    Returns:
        One `Clip` per row of the sheet.

    Raises:
        InputError: if the folders or the sheet are not there or a clip cannot be loaded.
    """
    return read(root, annotation).usable(on_error)


def read(root: str | Path, annotation: str | Path | None = None) -> Reading:
    """Clips and faults of a copy of MMEW (arguments as for `load`)."""
    tree = Tree(root, "MMEW")
    rows = read_table(
        find_table(tree, SHEET, SHEET_NAME, annotation),
        ("subject", "clip", "onset", "apex", "offset", "label"),
    )
    folders, labels = _clips(tree)
    reading = Reading("mmew", tree.root, PUBLISHED, EMOTIONS, USUAL)

    def frames(subject: str, name: str, numbers: tuple) -> Frames | None:
        folder = folders.get(name_key(name))
        return None if folder is None else tree.frames(folder)

    form = SheetForm(
        fps=90.0,
        subject=subject_name,
        clip_id=lambda subject, name, onset: name,
        frames=frames,
    )
    read_rows(rows, reading, form)
    for clip in reading.clips:
        if name_key(clip.id) in labels:
            _compare_label(clip, labels[name_key(clip.id)], reading)
    reading.finish(tree)
    return reading


def _clips(tree: Tree) -> tuple[dict[str, str], dict[str, str]]:
    """Key of a clip's name -> its folder, and the class that this folder lies in, if it does."""
    bases = [f for f in tree.parents_of("happiness") if "macro" not in f.lower()]
    flat = [f for f in tree.parents_of(_CLIP) if "macro" not in f.lower()]
    if not bases and not flat:
        raise InputError(
            f"{tree.root}: no folder like Micro_Expression/happiness or S03-01-002; give the root "
            f"of your MMEW{tree.about_links()}."
        )
    folders, labels = {}, {}
    for label, path in tree.folders(tree.first(bases)).items() if bases else ():
        for name, folder in tree.folders(path).items():
            folders[name_key(name)], labels[name_key(name)] = folder, label
    if not bases:
        base = tree.first(flat)
        folders = {name_key(name): folder for name, folder in tree.folders(base).items()}
    return folders, labels


def _compare_label(clip: Clip, folder: str, reading: Reading) -> None:
    def one(label: str) -> str:
        return "others" if emotion(label) == "repression" else emotion(label)

    if clip.label is not None and one(clip.label) != one(folder):
        message = f"the sheet says {clip.label!r}, the folder {folder!r}"
        taken = "the sheet's label is taken"
        reading.fault("label and folder disagree", message, clip.source, clip=clip.id, taken=taken)


def subject_name(written: str) -> str:
    """`"S03"` for `S03`, `s3` or `3`.

    >>> subject_name("3"), subject_name("S03")
    ('S03', 'S03')
    """
    found = re.fullmatch(r"s?0*(\d+)", written.strip(), re.IGNORECASE)
    return f"S{int(found[1]):02d}" if found else written.strip()

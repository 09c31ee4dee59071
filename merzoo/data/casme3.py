"""CAS(ME)^3 part A: 860 micro-expressions at 30 fps, colour and depth (Li et al., TPAMI 2023).

One recording holds several expressions, so a clip's id ends with its onset. Two forms of the frames
are read: whole recordings (`spNO.1/a/color/175.jpg`), cut to onset..offset, and the cut clips
(`Part_A_ME_clip/frame/spNO.1_b_166/175.jpg`). The camera dropped frames: a number that is missing
goes to the nearest frame and the clip is flagged.
"""

import re
from pathlib import Path

from merzoo.data.cells import ENDING
from merzoo.data.clip import Clip
from merzoo.data.frames import Frames, frame_number
from merzoo.data.reading import Published, Reading
from merzoo.data.sheets import SheetForm, read_rows
from merzoo.data.tables import find_table, read_table
from merzoo.data.tree import Tree, match_name
from merzoo.errors import InputError

PUBLISHED = Published(
    clips=860,
    classes={
        "disgust": 250,
        "surprise": 187,
        "others": 161,
        "fear": 86,
        "anger": 64,
        "sadness": 57,
        "happiness": 55,
    },
)
EMOTIONS = frozenset(["happiness", "disgust", "fear", "anger", "sadness", "surprise", "others"])
SHEET = rf"cas\(?me\)?\^?3.*part_?a.*me.*{ENDING}"
_SUBJECT = r"spno\.\d+"
_CUT = r"spno\.\d+_.+_\d+"


def recognises(tree: Tree) -> bool:
    """Whether a folder holds the sheet that only this set has."""
    return bool(tree.find_files(SHEET))


def load(
    root: str | Path, annotation: str | Path | None = None, on_error: str = "fail"
) -> list[Clip]:
    """The clips of a copy of CAS(ME)^3, part A.

    Args:
        root: the folder with the recordings or with `Part_A_ME_clip`, and the sheet
            `cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx`.
        annotation: the sheet, where `root` does not hold it or holds several.
        on_error: `"fail"`, or `"skip"` to leave out (with a warning) clips that lack their folder.

    Returns:
        One `Clip` per row of the sheet, its frames those of onset..offset.

    Raises:
        InputError: if the folders or the sheet are not there or a clip cannot be loaded.
    """
    return read(root, annotation).usable(on_error)


def read(root: str | Path, annotation: str | Path | None = None) -> Reading:
    """Clips and faults of a copy of CAS(ME)^3 (arguments as for `load`)."""
    tree = Tree(root, "CAS(ME)^3")
    rows = read_table(
        find_table(tree, SHEET, annotation),
        ("subject", "clip", "onset", "apex", "offset", "label"),
        sheet="label",
    )
    cut, whole = tree.parents_of(_CUT), tree.parents_of(_SUBJECT)
    if not cut and not whole:
        raise InputError(
            f"{root}: no folder like spNO.1 or spNO.1_b_166; give the root of your copy of part A."
        )
    reading = Reading("casme3", tree.root, PUBLISHED, EMOTIONS)
    form = SheetForm(
        fps=30.0,
        subject=subject_name,
        clip_id=_cut_name,
        frames=_cut_frames(tree, cut[0]) if cut else _whole_frames(tree, whole[0]),
        drops_frames=True,
    )
    read_rows(rows, reading, form)
    reading.finish(tree)
    return reading


def _cut_name(subject: str, name: str, onset: int | None) -> str:
    return f"{subject}_{name}_{'none' if onset is None else onset}"


def _cut_frames(tree: Tree, base: str):
    def frames(subject: str, name: str, numbers: tuple) -> Frames | None:
        folder = match_name(tree.folders(base), _cut_name(subject, name, numbers[0]))
        return None if folder is None else tree.frames(folder)

    return frames


def _whole_frames(tree: Tree, base: str):
    subjects = {subject_name(name): path for name, path in tree.folders(base).items()}

    def frames(subject: str, name: str, numbers: tuple) -> Frames | None:
        folder = match_name(tree.folders(subjects[subject]), name) if subject in subjects else None
        colour = None if folder is None else tree.folders(folder).get("color", folder)
        if colour is None:
            return None
        first, last = (numbers[0] or 0), (numbers[1] or 1 << 60)
        names = [n for n in tree.images(colour) if first <= frame_number(n) <= last]
        return tree.frames(colour, names)

    return frames


def subject_name(written: str) -> str:
    """`"spNO.1"` for `spNO.1`, `spno.1` or `1`.

    >>> subject_name("spNO.1"), subject_name("1")
    ('spNO.1', 'spNO.1')
    """
    found = re.fullmatch(r"(?:sp)?(?:no)?\.?0*(\d+)", written.strip(), re.IGNORECASE)
    return f"spNO.{int(found[1])}" if found else written.strip()

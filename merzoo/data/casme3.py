"""CAS(ME)^3, parts A and C: micro- and macro-expressions at 30 fps (Li et al., TPAMI 2023).

Part A has 860 micro-expressions of people who watched films, part C those of a mock crime. One
recording holds several expressions, so a clip's id ends with its onset. Two forms of part A's
frames are read: whole recordings (`spNO.1/a/color/175.jpg`), cut to onset..offset, and the cut
clips (`Part_A_ME_clip/frame/spNO.1_b_166/175.jpg`); part C has recordings (`01/a/color/373.jpg`).
The camera dropped frames: a number that is missing goes to the nearest frame and the clip is
flagged.

What could not be verified, since parts A and C were not at hand: the sheets of macro-expressions
and of part C are known from programs of people who use them (addresses in `merzoo/data/README.md`);
which words part C has for emotions, so the seven of part A and positive and negative are taken.
"""

import re
from pathlib import Path

from merzoo.data.cells import ENDING
from merzoo.data.clip import Clip
from merzoo.data.frames import Frames
from merzoo.data.long_videos import (
    KINDS,
    LongVideo,
    cutter,
    kind_of,
    labelled_by_kind,
    rows_of,
    with_expressions,
)
from merzoo.data.reading import Published, Reading
from merzoo.data.sheets import SheetForm, read_rows
from merzoo.data.tables import find_table, read_table
from merzoo.data.tree import Tree, match_name
from merzoo.errors import InputError, unknown

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
PARTS = ("a", "c")
EMOTIONS = frozenset(["happiness", "disgust", "fear", "anger", "sadness", "surprise", "others"])
VALENCES = frozenset({"positive", "negative"})
_SET = r"cas\(?me\)?\^?3.*"
SHEETS = {
    ("a", "micro"): rf"{_SET}part_?a(?!_?mae).*me.*{ENDING}",
    ("a", "macro"): rf"{_SET}part_?a_?mae.*{ENDING}",
    ("c", "micro"): rf"{_SET}part_?c_?me.*{ENDING}",
}
SHEET_NAMES = {
    ("a", "micro"): "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx",
    ("a", "macro"): "cas(me)3_part_A_MaE_label_JpgIndex_v2_emotion.xlsx",
    ("c", "micro"): "CAS(ME)3_part_C_ME.xlsx",
}
INTERVALS = rf"{_SET}part_?a_?v\d.*{ENDING}"
INTERVALS_NAME = "CAS(ME)3_part_A_v2.xls"
# What only these sheets call the columns.
_ALSO = {"clip": ("seq", "count")}
# Where an onset is given as 0 the expression began before the recording, or with it.
USUAL = frozenset({"onset 0", "offset 0"})
FPS = 30.0
_SUBJECT = r"spno\.\d+"
_SUBJECT_C = r"(sub)?\d{1,2}"
_CUT = r"spno\.\d+_.+_\d+"


def recognises(tree: Tree) -> bool:
    """Whether a folder holds a sheet that only this set has."""
    return any(tree.find_files(sheet) for sheet in (*SHEETS.values(), INTERVALS))


def load(
    root: str | Path,
    part: str = "a",
    split: str = "micro",
    annotation: str | Path | None = None,
    on_error: str = "fail",
) -> list[Clip]:
    """The expressions of a copy of CAS(ME)^3.

    Args:
        root: the folder with the recordings or with `Part_A_ME_clip`, and the sheet, such as
            `cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx`.
        part: `"a"` or `"c"`.
        split: `"micro"`, or `"macro"` (of part A, by the sheet `cas(me)3_part_A_MaE_...`).
        annotation: the sheet, where `root` does not hold it or holds several.
        on_error: `"fail"`, or `"skip"` to leave out (with a warning) clips that lack their folder.

    Returns:
        One `Clip` per row of the sheet, its frames those of onset..offset.

    Raises:
        InputError: if the folders or the sheet are not there or a clip cannot be loaded.
    """
    return read(root, part, split, annotation).usable(on_error)


def read(
    root: str | Path,
    part: str = "a",
    split: str = "micro",
    annotation: str | Path | None = None,
) -> Reading:
    """Clips and faults of a copy of CAS(ME)^3 (arguments as for `load`)."""
    part, split = part.lower(), split.lower()
    if part not in PARTS:
        raise unknown("part of CAS(ME)^3", part, PARTS)
    if (part, split) not in SHEETS:
        raise unknown(
            f"kind of expression in part {part}", split, [s for p, s in SHEETS if p == part]
        )
    main = (part, split) == ("a", "micro")
    tree = Tree(root, f"CAS(ME)^3, part {part.upper()}")
    rows = read_table(
        find_table(tree, SHEETS[part, split], SHEET_NAMES[part, split], annotation),
        ("subject", "clip", "onset", "offset", "label", *(["apex"] if part == "a" else [])),
        sheet="label" if main else None,
        also=_ALSO,
    )
    emotions = EMOTIONS if part == "a" else EMOTIONS | VALENCES
    published = PUBLISHED if main else Published()
    reading = Reading("casme3", tree.root, published, emotions, USUAL)
    cut = tree.parents_of(_CUT) if main else []
    if cut:
        frames = _cut_frames(tree, tree.first(cut))
        form = _form(subject_name, frames, lambda row: split, long=False)
    elif part == "a":
        form = _form(subject_name, _Recordings(tree), lambda row: split)
    else:
        form = _form(subject_name_c, _FramesOfC(tree), lambda row: split)
    read_rows(rows, reading, form)
    reading.finish(tree)
    return reading


def long_videos(
    root: str | Path, annotation: str | Path | None = None, on_error: str = "fail"
) -> list[LongVideo]:
    """The recordings of part A with their micro- and macro-expressions.

    Args:
        root: the folder with the recordings and the sheet `CAS(ME)3_part_A_v2.xls`, which has both
            kinds (without emotions: each expression's label is its kind).
        annotation, on_error: as for `load`.

    Raises:
        InputError: if the folders or the sheet are not there or an interval cannot be read.
    """
    tree = Tree(root, "CAS(ME)^3, part A")
    rows = read_table(
        find_table(tree, INTERVALS, INTERVALS_NAME, annotation),
        ("subject", "clip", "onset", "apex", "offset", "expression"),
    )
    reading = Reading("casme3", tree.root, emotions=frozenset(KINDS), usual=USUAL)
    recordings = _Recordings(tree, whole=True)
    rows = [labelled_by_kind(row) for row in rows_of(rows, None, reading)]
    read_rows(rows, reading, _form(subject_name, recordings, kind_of))
    reading.finish(tree)
    return with_expressions(recordings.all(), reading.usable(on_error))


def _form(subject, frames, split, long: bool = True) -> SheetForm:
    return SheetForm(
        fps=FPS,
        subject=subject,
        clip_id=_cut_name,
        frames=frames,
        drops_frames=True,
        long=long,
        split=split,
    )


def _cut_name(subject: str, name: str, onset: int | None) -> str:
    return f"{subject}_{name}_{'none' if onset is None else onset}"


def _cut_frames(tree: Tree, base: str):
    def frames(subject: str, name: str, numbers: tuple) -> Frames | None:
        folder = match_name(tree.folders(base), _cut_name(subject, name, numbers[0]))
        return None if folder is None else tree.frames(folder)

    return frames


class _Recordings:
    """The recordings of part A: `spNO.1/a/color/175.jpg`."""

    def __init__(self, tree: Tree, whole: bool = False):
        bases = tree.parents_of(_SUBJECT, 4)
        if not bases:
            raise InputError(
                f"{tree.root}: no folder like spNO.1 or spNO.1_b_166; give the root of your copy "
                f"of part A{tree.about_links()}."
            )
        self.tree, self.cut = tree, cutter(tree, whole)
        base = tree.first(bases)
        self.subjects = {subject_name(name): path for name, path in tree.folders(base).items()}

    def __call__(self, subject: str, name: str, numbers: tuple) -> Frames | None:
        below = self.tree.folders(self.subjects[subject]) if subject in self.subjects else {}
        folder = match_name(below, name)
        return None if folder is None else self.cut(_colour(self.tree, folder), numbers)

    def all(self) -> list[LongVideo]:
        return [
            LongVideo(
                "casme3",
                f"casme3/{subject}",
                f"{subject}/{name}",
                self.cut(_colour(self.tree, folder), ()),
                FPS,
            )
            for subject, path in self.subjects.items()
            for name, folder in self.tree.folders(path).items()
        ]


class _FramesOfC:
    """The recordings of part C: one of each person, `01/a/color/373.jpg`, or a folder a clip."""

    def __init__(self, tree: Tree):
        bases = tree.parents_of(_SUBJECT_C, 4)
        if not bases:
            raise InputError(
                f"{tree.root}: no folder like 01; give the root of your copy of part C"
                f"{tree.about_links()}."
            )
        self.tree, self.cut = tree, cutter(tree)
        base = tree.first(bases)
        self.subjects = {subject_name_c(name): path for name, path in tree.folders(base).items()}

    def __call__(self, subject: str, name: str, numbers: tuple) -> Frames | None:
        if subject not in self.subjects:
            return None
        folder = self.subjects[subject]
        below = self.tree.folders(folder)
        inner = match_name(below, name)
        if inner is None and len(below) == 1 and "color" not in below:
            inner = next(iter(below.values()))
        return self.cut(_colour(self.tree, inner or folder), numbers)


def _colour(tree: Tree, folder: str) -> str:
    return tree.folders(folder).get("color", folder)


def subject_name(written: str) -> str:
    """`"spNO.1"` for `spNO.1`, `spno.1` or `1`.

    >>> subject_name("spNO.1"), subject_name("1")
    ('spNO.1', 'spNO.1')
    """
    found = re.fullmatch(r"(?:sp)?(?:no)?\.?0*(\d+)", written.strip(), re.IGNORECASE)
    return f"spNO.{int(found[1])}" if found else written.strip()


def subject_name_c(written: str) -> str:
    """`"C01"` for person 1 of part C, who is another than spNO.1.

    >>> subject_name_c("01"), subject_name_c("1"), subject_name_c("sub12")
    ('C01', 'C01', 'C12')
    """
    found = re.fullmatch(r"(?:sub|c)?0*(\d+)", written.strip(), re.IGNORECASE)
    return f"C{int(found[1]):02d}" if found else written.strip()

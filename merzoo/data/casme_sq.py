"""CAS(ME)^2: micro- and macro-expressions in long recordings at 30 fps (Qu et al., IEEE TAC 2018).

Another set than CASME II, whose name differs by the brackets only; it is called `casme_sq` here, as
programs for spotting call it. The workbook `CAS(ME)^2code_final.xlsx` has no header and numbers the
people 1..22: its sheets `naming rule1` and `naming rule2` say which folder is whose, and which film
(`0101`) is which name (`disgust1`).

What could not be verified, since the set was not at hand: the sheets are known from programs of
people who use them (addresses in `merzoo/data/README.md`). Whether `cropped` and `selectedpic` hold
a folder for each expression is known from one program only; recordings in `rawpic` from many.
"""

import re
from collections.abc import Callable
from pathlib import Path

from merzoo.data.cells import ENDING, read_cells, sheet_names
from merzoo.data.clip import Clip
from merzoo.data.frames import Frames
from merzoo.data.long_videos import (
    LongVideo,
    cutter,
    kind_of,
    rows_of,
    with_expressions,
)
from merzoo.data.reading import Published, Reading
from merzoo.data.sheets import SheetForm, read_rows
from merzoo.data.tables import cell_text, find_table, read_columns
from merzoo.data.tree import Tree, choose_folder, match_name

PUBLISHED = Published(subjects=22, splits={"micro": 57, "macro": 300})
EMOTIONS = frozenset({"positive", "negative", "surprise", "others"})
FORMS = {"raw": "rawpic", "cropped": "crop", "selected": "selected"}
SHEET = rf"(cas\(?me\)?\^?2)?[-_ ]?code_?final.*{ENDING}"
SHEET_NAME = "CAS(ME)^2code_final.xlsx"
USUAL = frozenset({"offset 0"})
COLUMNS = ("subject", "clip", "onset", "apex", "offset", "action_units", "label", "expression")
FPS = 30.0
_SUBJECT = r"s?\d{2}"
# What the naming rules say, for copies of the sheet without them: number -> folder, name -> film.
_FOLDERS = (15, 16, 19, 20, 21, 22, 23, 24, 25, 26, 27, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 40)
PEOPLE = {str(number): f"s{folder}" for number, folder in enumerate(_FOLDERS, 1)}
FILMS = {
    "disgust1": "0101",
    "disgust2": "0102",
    "anger1": "0401",
    "anger2": "0402",
    "happy1": "0502",
    "happy2": "0503",
    "happy3": "0505",
    "happy4": "0507",
    "happy5": "0508",
}


def recognises(tree: Tree) -> bool:
    """Whether a folder holds the sheet that only this set has."""
    return bool(tree.find_files(SHEET))


def load(
    root: str | Path,
    split: str = "micro",
    frames: str | None = None,
    annotation: str | Path | None = None,
    on_error: str = "fail",
) -> list[Clip]:
    """The expressions of a copy of CAS(ME)^2, each cut out of its recording.

    Args:
        root: the folder with `rawpic` (or `cropped`, `selectedpic`) and `CAS(ME)^2code_final.xlsx`.
        split: `"micro"`, `"macro"` or `"all"`.
        frames: `"raw"`, `"cropped"` or `"selected"`; `None` takes the first that is there.
        annotation: the sheet, where `root` does not hold it or holds several.
        on_error: `"fail"`, or `"skip"` to leave out (with a warning) clips that lack their frames.

    Returns:
        One `Clip` per row, its `split` `"micro"` or `"macro"`, its id ending with the onset.

    Raises:
        InputError: if the folders or the sheet are not there or a clip cannot be loaded.
    """
    return read(root, split, frames, annotation).usable(on_error)


def read(
    root: str | Path,
    split: str | None = None,
    frames: str | None = None,
    annotation: str | Path | None = None,
) -> Reading:
    """Clips and faults of a copy of CAS(ME)^2 (arguments as for `load`; all kinds unless said)."""
    return _Copy(root, frames, annotation).read(split)


def long_videos(
    root: str | Path, annotation: str | Path | None = None, on_error: str = "fail"
) -> list[LongVideo]:
    """The recordings in `rawpic`, with all expressions (arguments as for `load`)."""
    copy = _Copy(root, "raw", annotation, whole=True)
    clips = copy.read(None).usable(on_error)
    return with_expressions(copy.recordings(), clips)


class _Copy:
    """A copy of the set: its sheet, and where the frames of each row are."""

    def __init__(self, root, form: str | None, annotation, whole: bool = False):
        self.tree = Tree(root, "CAS(ME)^2")
        base = choose_folder(self.tree, _SUBJECT, FORMS, form)
        self.sheet = find_table(self.tree, SHEET, SHEET_NAME, annotation)
        self.people, self.films = _naming_rules(self.sheet)
        self.folders = {_folder_name(n): path for n, path in self.tree.folders(base).items()}
        self.cut: Callable[[str, tuple], Frames] = cutter(self.tree, whole)

    def read(self, split: str | None) -> Reading:
        reading = Reading("casme_sq", self.tree.root, PUBLISHED, EMOTIONS, USUAL)
        form = SheetForm(
            fps=FPS,
            subject=self.subject_name,
            clip_id=lambda subject, name, onset: f"{subject}/{name}_{onset}",
            frames=self.frames,
            long=True,
            split=kind_of,
        )
        read_rows(rows_of(read_columns(self.sheet, COLUMNS), split, reading), reading, form)
        reading.finish(self.tree)
        return reading

    def subject_name(self, written: str) -> str:
        """`"s15"` for person 1; a folder's name stays one."""
        return self.people.get(written, _folder_name(written))

    def frames(self, subject: str, name: str, numbers: tuple) -> Frames | None:
        """Of the expression's own folder, or cut out of the recording of its film."""
        folders = self.tree.folders(self.folders[subject]) if subject in self.folders else {}
        folder = match_name(folders, name)
        film = self.films.get(name.rpartition("_")[0].lower())
        if folder is None and film is not None:
            # One recording lies in another person's name: s19/23_0502funnyerrors.
            found = [path for n, path in folders.items() if re.match(rf"\d+_{film}", n)]
            folder = found[0] if len(found) == 1 else None
        return None if folder is None else self.cut(folder, numbers)

    def recordings(self) -> list[LongVideo]:
        return [
            LongVideo(
                "casme_sq", f"casme_sq/{subject}", f"{subject}/{name}", self.cut(path, ()), FPS
            )
            for subject, folder in sorted(self.folders.items())
            for name, path in self.tree.folders(folder).items()
        ]


def _folder_name(name: str) -> str:
    found = re.fullmatch(r"s?(\d+)", name.strip(), re.IGNORECASE)
    return f"s{int(found[1])}" if found else name


def _naming_rules(sheet: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Number of a person -> folder; name of a film -> its code, four digits."""
    people, films = dict(PEOPLE), dict(FILMS)
    for name in sheet_names(sheet):
        rule = re.sub(r"\W", "", str(name).lower())
        for cells in read_cells(sheet, name) if rule.startswith("namingrule") else ():
            texts = [*map(cell_text, cells), "", "", ""]
            if rule == "namingrule1" and texts[2].isdigit() and re.fullmatch(r"s\d+", texts[1]):
                people[texts[2]] = texts[1]
            elif rule == "namingrule2" and texts[0].isdigit() and texts[1]:
                films[texts[1].lower()] = f"{int(texts[0]):04d}"
    return people, films

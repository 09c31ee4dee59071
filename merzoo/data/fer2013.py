"""FER-2013: 35,887 grey face images of 48x48 pixels (Goodfellow et al., ICONIP 2013).

Read are the tables `fer2013.csv`, `icml_face_data.csv`, or `train.csv` and `test.csv`, by the names
of their columns (`emotion`, `pixels`, `Usage`, in any order, blanks around them), and folders
`{train,test}/<class>/Training_*.jpg`. A table can take the FER+ votes of ten people
(`fer2013new.csv`, Barsoum et al., ICMI 2016), which are in `fer2013.csv`'s row order.
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from merzoo.data.cells import read_cells
from merzoo.data.clip import Clip
from merzoo.data.frames import Frames
from merzoo.data.images import chosen_splits, frame_clip, image_clip
from merzoo.data.labels import emotion
from merzoo.data.reading import Published, Reading
from merzoo.data.tree import GIVE_ALONE, Tree
from merzoo.errors import InputError, unknown
from merzoo.limits import regular_file

CODES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
EMOTIONS = frozenset(map(emotion, CODES))
SPLITS = ("Training", "PublicTest", "PrivateTest")
_BY_FILE = {"train.csv": "Training", "test.csv": "Test"}  # tables without the column Usage
_TEST = "Test"  # both tests in one; Kaggle's own file has no labels
_ORDER = tuple(map(emotion, CODES))
PUBLISHED = Published(
    clips=35887,
    splits={"Training": 28709, "PublicTest": 3589, "PrivateTest": 3589},
    split_classes={
        "Training": dict(zip(_ORDER, (3995, 436, 4097, 7215, 4830, 3171, 4965), strict=True)),
        "PublicTest": dict(zip(_ORDER, (467, 56, 496, 895, 653, 415, 607), strict=True)),
        "PrivateTest": dict(zip(_ORDER, (491, 55, 528, 879, 594, 416, 626), strict=True)),
    },
)
PUBLISHED_BY_FILE = Published(
    clips=35887,
    splits={"Training": 28709, _TEST: 7178},
    split_classes={"Training": PUBLISHED.split_classes["Training"]},
)
VOTES = (
    *("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"),
    *("unknown", "not-a-face"),
)
SIZE = 48
_LARGEST_CSV = 1 << 30
_LONGEST_ROW = 4 * SIZE * SIZE + 40


class PixelFrames(Frames):
    """One image that stands as text in a row of a table, in a column; read when asked for."""

    numbers = (0,)

    def __init__(self, path: Path, start: int, length: int, row: int, column: int = 1):
        self.path, self.start, self.length, self.column = path, start, length, column
        self.name = f"{path}, row {row}"

    def stamp(self):
        """As of other frames; every row of a file has one of its own."""
        of_file = super().stamp()
        return None if of_file is None else f"{of_file} {self.start}"

    def _files(self):
        return (self.path,)

    def _feed(self, digest):
        digest.update(self._pixels())

    def _pixels(self) -> bytes:
        with open(self.path, "rb") as file:
            file.seek(self.start)
            return file.read(self.length).split(b",")[self.column].strip(b'" \r\n')

    def _read(self, position):
        pixels = self._pixels().split()
        try:
            image = np.array(list(map(int, pixels)))
            if image.size != SIZE * SIZE or image.min() < 0 or image.max() > 255:
                raise ValueError
        except ValueError:
            raise InputError(
                f"{self.name}: not {SIZE * SIZE} pixels of 0..255 ({len(pixels)} values)."
            ) from None
        return image.astype(np.uint8).reshape(SIZE, SIZE, 1)


def recognises(tree: Tree) -> bool:
    """Whether a folder holds one of the tables of pixels, or `train/<class>/Training_*`."""
    trains = [
        tree.folders(f)["train"] for f in tree.parents_of("train") if "train" in tree.folders(f)
    ]
    classes = [path for folder in trains for path in tree.folders(folder).values()]
    named = any(
        tree.images(path)[:1] and tree.images(path)[0].startswith("Training_") for path in classes
    )
    return named or bool(_tables(tree))


def load(
    root: str | Path,
    split: str | None = None,
    votes: str | Path | None = None,
    form: str | None = None,
    on_error: str = "fail",
) -> list[Clip]:
    """The images of a copy of FER-2013.

    Args:
        root: the folder with `train` and `test`, the one with the tables, or one table.
        split: `"Training"`, `"PublicTest"`, `"PrivateTest"`, `"Test"` (of `test.csv`) or `None`
            for all.
        votes: FER+'s `fer2013new.csv`; the label is then what most of the ten people said
            (`None`, flagged, on a tie). Needs the csv form.
        form: `"folders"` or `"csv"` where `root` holds both; `None` takes the folders.
        on_error: `"fail"`, or `"skip"` to leave out (with a warning) what cannot be loaded.

    Returns:
        One `Clip` per image; its `split` says which part it belongs to.

    Raises:
        InputError: if neither form is there, or the votes do not fit.
    """
    return read(root, split, votes, form).usable(on_error)


def read(
    root: str | Path,
    split: str | None = None,
    votes: str | Path | None = None,
    form: str | None = None,
) -> Reading:
    """Clips and faults of a copy of FER-2013 (arguments as for `load`)."""
    one_table = Path(root).is_file()
    tree = Tree(Path(root).parent if one_table else root, "FER-2013")
    wanted = chosen_splits(split, (*SPLITS, _TEST))
    reading = Reading("fer2013", Path(root), PUBLISHED, EMOTIONS)
    tables = [Path(root)] if one_table else _tables(tree)
    folders = [] if one_table else tree.parents_of("train")
    if form not in (None, "csv", "folders"):
        raise unknown("form of FER-2013", form, ["csv", "folders"])
    if tables and form != "folders" and (form or votes is not None or not folders):
        labels = None if votes is None else _read_votes(Path(votes))
        if labels is not None:
            reading.published = Published(clips=PUBLISHED.clips, splits=PUBLISHED.splits)
            reading.emotions = frozenset(VOTES)
        elif tables[0].name.lower() in _BY_FILE:
            reading.published = PUBLISHED_BY_FILE
        for table in tables:
            _read_csv(table, wanted, labels, reading)
    elif votes is not None:
        raise InputError(f"{root}: FER+ votes are in the order of fer2013.csv, which is not here.")
    elif folders and form != "csv":
        _read_folders(tree, tree.first(folders, GIVE_ALONE), wanted, reading)
        if tables and form is None:
            _scan_csv(tables, wanted, reading)
    else:
        raise InputError(
            f"{root}: neither fer2013.csv, icml_face_data.csv, train.csv nor train/angry and "
            f"test/angry is there; give the root of your copy of FER-2013{tree.about_links()}."
        )
    reading.finish(tree)
    return reading


def _tables(tree: Tree) -> list[Path]:
    """The tables of pixels to read: the first whole one, else those of the challenge's parts."""
    found = {
        p.name.lower(): p for p in tree.find_files(r"(icml_face_data|fer2013|train|test)\.csv")
    }
    found = {name: path for name, path in found.items() if "pixels" in _header(path)[0]}
    for whole in ("fer2013.csv", "icml_face_data.csv"):
        if whole in found:
            return [found[whole]]
    return [found[name] for name in _BY_FILE if name in found]


def _header(path: Path) -> tuple[dict[str, int], int]:
    """Column -> its place, in small letters without blanks around, and where the rows start."""
    with open(path, "rb") as file:
        cells = file.readline(200).decode("utf-8-sig", errors="replace").split(",")
        names = [cell.strip().strip('"').strip().lower() for cell in cells]
        return {name: place for place, name in enumerate(names)}, file.tell()


def _read_folders(tree: Tree, base: str, wanted: tuple[str, ...], reading: Reading) -> None:
    """`train/<class>/Training_*.jpg`, `test/<class>/{PublicTest,PrivateTest}_*.jpg`."""
    parts = {n: p for n, p in tree.folders(base).items() if n in ("train", "test")}
    for part, folder in parts.items():
        for label, path in tree.folders(folder).items():
            if emotion(label) not in EMOTIONS:
                message = str(unknown("label", label, EMOTIONS))
                reading.fault("unknown label", message, str(tree.path(path)))
            for name in tree.images(path):
                split = name.partition("_")[0]
                if split not in SPLITS or (split == "Training") != (part == "train"):
                    message = f"{name!r} in {part!r} is not named after its split"
                    where = str(tree.path(path, name))
                    reading.fault("unknown split", message, where, clip=name, lost=True)
                elif split in wanted:
                    # A few numbers occur in two classes: the class is part of the id.
                    stem = f"{label}/{os.path.splitext(name)[0]}"
                    file = tree.path(path, name)
                    reading.add(image_clip("fer2013", stem, file, label, split))


def _scan_csv(tables: list[Path], wanted: tuple[str, ...], reading: Reading) -> None:
    """Notes the faults of tables that lie beside the folders; their images are not loaded."""
    beside = Reading("fer2013", reading.root, PUBLISHED, EMOTIONS)
    for path in tables:
        _read_csv(path, wanted, None, beside)
    reading.faults += [replace(fault, lost=False) for fault in beside.faults]
    names = " and ".join(path.name for path in tables)
    reading.notes.append(f"{names} is there too ({len(beside.clips)} images); form=csv loads it")


def _read_csv(
    path: Path, wanted: tuple[str, ...], votes: list[str | None] | None, reading: Reading
) -> None:
    """Notes where each row's pixels stand in the file; they are read when asked for."""
    regular_file(path, _LARGEST_CSV, advice="It is not FER-2013.")
    columns, start = _header(path)
    split = _BY_FILE.get(path.name.lower())
    if "pixels" not in columns or ("usage" not in columns and split is None):
        raise InputError(
            f"{path}: the header must be emotion,pixels,Usage (train.csv and test.csv have no "
            f"Usage); got {list(columns)}."
        )
    rows = 0
    with open(path, "rb") as file:
        file.seek(start)
        for row, line in enumerate(iter(lambda: file.readline(_LONGEST_ROW), b"")):
            if line.strip():
                label = None if votes is None or row >= len(votes) else votes[row]
                place = _Row(path, row, start, line, columns, split)
                _add_row(place, wanted, votes is not None, label, reading)
            start, rows = start + len(line), row + 1
    if votes is not None and rows != len(votes):
        raise InputError(f"{path}: {rows} rows, but {len(votes)} rows of FER+ votes.")


class _Row(NamedTuple):
    """One row of a table: where it stands, its bytes, and what its columns are."""

    path: Path
    row: int  # from 0, below the header
    start: int  # bytes
    line: bytes
    columns: dict[str, int]
    split: str | None  # of the file, where no column says it

    def cell(self, name: str) -> bytes:
        """Empty where there is no such column, or the row ends before it."""
        cells, place = self.line.split(b","), self.columns.get(name)
        return cells[place].strip(b'" \r\n') if place is not None and place < len(cells) else b""


def _add_row(place: _Row, wanted, voted: bool, label: str | None, reading: Reading) -> None:
    line, where = place.line, f"{place.path.name}, row {place.row + 2}"

    def lost(kind: str, message: str) -> None:
        reading.fault(kind, message, where, clip=f"row{place.row}", lost=True)

    named = place.cell("usage").decode(errors="replace")
    split = named if "usage" in place.columns else place.split
    whole = line.count(b",") == len(place.columns) - 1
    if not whole or split is None or ("usage" in place.columns and split not in SPLITS):
        kind = "unknown split" if whole else "unreadable row"
        lost(kind, f"{line[:20]!r}...{line[-20:]!r} is not {','.join(place.columns)}")
        return
    if split not in wanted:
        return
    if len(pixels := place.cell("pixels").split()) != SIZE * SIZE:
        lost("unreadable row", f"{len(pixels)} pixels, not {SIZE * SIZE}")
        return
    code = place.cell("emotion").decode(errors="replace")
    if "emotion" in place.columns:
        if code not in "0123456" or len(code) != 1:
            lost("unknown label", f"{code!r} is not 0..6")
            return
        label = label if voted else CODES[int(code)]
    column = place.columns["pixels"]
    frames = PixelFrames(place.path, place.start, len(line), place.row + 2, column)
    name = f"{split}_{place.row:05d}"
    reading.add(frame_clip("fer2013", name, frames, label, split, where))


def _read_votes(path: Path) -> list[str | None]:
    """The label that most voters chose, per row of FER+; `None` on a tie."""
    rows = [tuple(map(str.strip, row)) for row in read_cells(path)]
    header = [cell.lower() for cell in rows[0]] if rows else []
    if "neutral" not in header or len(header) < header.index("neutral") + len(VOTES):
        raise InputError(f"{path}: not FER+'s fer2013new.csv: no columns neutral ... NF.")
    first = header.index("neutral")
    labels: list[str | None] = []
    for number, row in enumerate(rows[1:], 2):
        cells = row[first : first + len(VOTES)]
        if len(cells) != len(VOTES) or not all(c.isascii() and c.isdigit() for c in cells):
            raise InputError(f"{path.name}, row {number}: votes must be whole numbers.")
        counts = list(map(int, cells))
        most = max(counts)
        labels.append(VOTES[counts.index(most)] if counts.count(most) == 1 else None)
    return labels

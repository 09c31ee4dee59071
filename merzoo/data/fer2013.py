"""FER-2013: 35,887 grey face images of 48x48 pixels (Goodfellow et al., ICONIP 2013).

Two forms are read: `fer2013.csv` (`emotion,pixels,Usage`) and folders
`{train,test}/<class>/Training_*.jpg`. The csv form can take the FER+ votes of ten people
(`fer2013new.csv`, Barsoum et al., ICMI 2016), which are in the csv's row order.
"""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from merzoo.data.cells import read_cells
from merzoo.data.clip import Clip
from merzoo.data.frames import Frames
from merzoo.data.images import chosen_splits, frame_clip, image_clip
from merzoo.data.labels import emotion
from merzoo.data.reading import Published, Reading
from merzoo.data.tree import Tree
from merzoo.errors import InputError, unknown

CODES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
EMOTIONS = frozenset(map(emotion, CODES))
SPLITS = ("Training", "PublicTest", "PrivateTest")
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
VOTES = (
    *("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"),
    *("unknown", "not-a-face"),
)
SIZE = 48
_LARGEST_CSV = 1 << 30
_LONGEST_ROW = 4 * SIZE * SIZE + 40


class PixelFrames(Frames):
    """One image that stands as text in a row of `fer2013.csv`; read when asked for."""

    numbers = (0,)

    def __init__(self, path: Path, start: int, length: int, row: int):
        self.path, self.start, self.length = path, start, length
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
            return file.read(self.length).split(b",")[1].strip(b'" ')

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


def load(
    root: str | Path,
    split: str | None = None,
    votes: str | Path | None = None,
    form: str | None = None,
    on_error: str = "fail",
) -> list[Clip]:
    """The images of a copy of FER-2013.

    Args:
        root: the folder with `train` and `test`, or the one with `fer2013.csv`.
        split: `"Training"`, `"PublicTest"`, `"PrivateTest"` or `None` for all.
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
    tree = Tree(root, "FER-2013")
    wanted = chosen_splits(split, SPLITS)
    reading = Reading("fer2013", tree.root, PUBLISHED, EMOTIONS)
    tables = tree.find_files(r"(icml_face_data|fer2013)\.csv")
    folders = tree.parents_of("train")
    if form not in (None, "csv", "folders"):
        raise unknown("form of FER-2013", form, ["csv", "folders"])
    if tables and form != "folders" and (form or votes is not None or not folders):
        labels = None if votes is None else _read_votes(Path(votes))
        if labels is not None:
            reading.published = Published(clips=PUBLISHED.clips, splits=PUBLISHED.splits)
            reading.emotions = frozenset(VOTES)
        _read_csv(tables[0], wanted, labels, reading)
    elif votes is not None:
        raise InputError(f"{root}: FER+ votes are in the order of fer2013.csv, which is not here.")
    elif folders and form != "csv":
        _read_folders(tree, folders[0], wanted, reading)
        if tables and form is None:
            _scan_csv(tables[0], wanted, reading)
    else:
        raise InputError(
            f"{root}: neither fer2013.csv nor train/angry and test/angry is there; give the root "
            f"of your copy of FER-2013."
        )
    reading.finish(tree)
    return reading


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


def _scan_csv(path: Path, wanted: tuple[str, ...], reading: Reading) -> None:
    """Notes the faults of a csv that lies beside the folders; its images are not loaded."""
    beside = Reading("fer2013", reading.root, PUBLISHED, EMOTIONS)
    _read_csv(path, wanted, None, beside)
    reading.faults += [replace(fault, lost=False) for fault in beside.faults]
    reading.notes.append(
        f"{path.name} is there too ({len(beside.clips)} images); form=csv loads it"
    )


def _read_csv(
    path: Path, wanted: tuple[str, ...], votes: list[str | None] | None, reading: Reading
) -> None:
    """Notes where each row's pixels stand in the file; they are read when asked for."""
    if path.stat().st_size > _LARGEST_CSV:
        raise InputError(f"{path}: over {_LARGEST_CSV >> 30} GB, not FER-2013.")
    with open(path, "rb") as file:
        header = [cell.strip().lower() for cell in file.readline(200).split(b",")]
        names = [cell.decode(errors="replace") for cell in header]
        if set(names) != {"emotion", "pixels", "usage"} or names[0] != "emotion":
            raise InputError(f"{path}: the header must be emotion,pixels,Usage; got {names}.")
        start, usage = file.tell(), names.index("usage")
        for row, line in enumerate(iter(lambda: file.readline(_LONGEST_ROW), b"")):
            if line.strip():
                _add_row(path, row, start, line, usage, wanted, votes, reading)
            start += len(line)
    if votes is not None and row + 1 != len(votes):
        raise InputError(f"{path}: {row + 1} rows, but {len(votes)} rows of FER+ votes.")


def _add_row(path, row, start, line, usage, wanted, votes, reading) -> None:
    where, cells = f"{path.name}, row {row + 2}", line.split(b",")
    code, split = cells[0].decode(errors="replace").strip(), ""
    if len(cells) == 3:
        split = cells[usage].decode(errors="replace").strip()
        if usage == 1:
            cells = [cells[0], cells[2], cells[1]]
    if split not in SPLITS:
        kind = "unknown split" if len(cells) == 3 else "unreadable row"
        message = f"{line[:20]!r}...{line[-20:]!r} is not emotion,pixels,Usage"
        reading.fault(kind, message, where, clip=f"row{row}", lost=True)
        return
    if split not in wanted:
        return
    if len(pixels := cells[1].split()) != SIZE * SIZE:
        message = f"{len(pixels)} pixels, not {SIZE * SIZE}"
        reading.fault("unreadable row", message, where, clip=f"row{row}", lost=True)
        return
    if code not in "0123456" or len(code) != 1:
        message = f"{code!r} is not 0..6"
        reading.fault("unknown label", message, where, clip=f"row{row}", lost=True)
        return
    label = CODES[int(code)] if votes is None else votes[row] if row < len(votes) else None
    frames = PixelFrames(path, start, len(line), row + 2)
    reading.add(frame_clip("fer2013", f"{split}_{row:05d}", frames, label, split, where))


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

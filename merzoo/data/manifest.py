"""A dataset of one's own, listed in a CSV file.

Columns: `dataset, subject, clip, path, onset, apex, offset, label, action_units, fps`; only `path`,
`subject` and `label` are required. A path is a folder of images, one image or a video, relative to
the CSV file's folder, and cannot leave it.
"""

import functools
import re
import warnings
from collections.abc import Sequence
from pathlib import Path

from merzoo.data.clip import Clip
from merzoo.data.frames import IMAGE_SUFFIXES, Frames, VideoFrames, one_image
from merzoo.data.reading import Reading
from merzoo.data.sheets import check_cells, place
from merzoo.data.tables import Row, read_table
from merzoo.data.tree import Tree
from merzoo.errors import InputError
from merzoo.names import one_spelling, parted_clips, spellings_told

FILES = ("manifest.csv", "clips.csv")
_NO_FILE, _NO_IMAGES = "no such file or folder", "no image files"
_KINDS = {
    "leads out of": "path outside the root",
    _NO_FILE: "missing folder",
    _NO_IMAGES: "missing frames",
}


class LazyVideo(Frames):
    """A video that is not opened before its first frame or its length is asked for."""

    def __init__(self, path: Path):
        self.path, self.name = Path(path), str(path)

    @functools.cached_property
    def _video(self) -> VideoFrames:
        return VideoFrames(self.path)

    @property
    def numbers(self) -> Sequence[int]:  # type: ignore[override]  # known once it is opened
        return self._video.numbers

    @property
    def fps(self) -> float:
        return self._video.fps

    @property
    def gaps(self) -> list[int]:
        return []

    def position(self, number: int) -> int:
        return number  # a video's numbers are its positions

    @property
    def variable_rate(self) -> bool:
        return self._video.variable_rate

    @property
    def broken_off(self) -> str | None:
        return self._video.broken_off

    def _read(self, position):
        return self._video[position]

    def _numbering(self):
        return ()  # the file's content decides it

    def _files(self):
        return (self.path,)

    def _feed(self, digest):
        self._video._feed(digest)


def load(root: str | Path, on_error: str = "fail") -> list[Clip]:
    """The clips that a manifest lists.

    Args:
        root: the CSV file, or the folder that holds it as `manifest.csv` or `clips.csv`.
        on_error: `"fail"`, or `"skip"` to leave out (with a warning) clips that cannot be loaded.

    Returns:
        One `Clip` per row. Onset, apex and offset are the numbers in the images' file names, or
        positions from 0 in a video. Without a `dataset` column the dataset is the file's name. A
        person has the first of several spellings (`merzoo.names`), which a warning names. Where
        clips of two people have the same name, clips are called `"subject/clip"`.

    Raises:
        InputError: for a missing file or column, or a row that cannot be loaded.
    """
    reading = read(root)
    for note in reading.notes:
        warnings.warn(note, stacklevel=2)
    return reading.usable(on_error)


def read(root: str | Path) -> Reading:
    """Clips and faults of a manifest (argument as for `load`)."""
    path = _file(Path(root))
    rows = read_table(path, ("path", "subject", "label"))
    tree = Tree(path.parent, "the manifest")
    reading = Reading(path.stem, Path(root))
    datasets = [row.text("dataset") or reading.dataset for row in rows]
    written = [f"{d}/{row.text('subject')}" for d, row in zip(datasets, rows, strict=True)]
    clips = [row.text("clip") or row.text("path") or "" for row in rows]
    datasets, subjects, joined = one_spelling(datasets, written, clips)
    clips = parted_clips(datasets, subjects, clips)
    if joined:
        reading.notes.append(spellings_told(path.name, joined))
    for row, name, *names in zip(rows, written, datasets, subjects, clips, strict=True):
        reading.spelt("subject", names[1], name, row.where)
        _add(row, names, tree, reading)
    reading.finish(tree)
    return reading


def _file(root: Path) -> Path:
    if not root.is_dir():
        return root
    return next((root / name for name in FILES if (root / name).is_file()), root / FILES[0])


def _add(row: Row, names: Sequence[str], tree: Tree, reading: Reading) -> None:
    """Adds the clip of a row; `names` are its data set, subject and own name."""
    dataset, subject, name = names
    try:
        path = row.text("path")
        if row.text("subject") is None or path is None:
            raise InputError("the subject or the path is empty")
        frames = _frames(tree, path)
        numbers = {column: row.whole(column) for column in ("onset", "apex", "offset")}
        fps = _fps(row)
    except InputError as error:
        text = str(error)
        kind = next((kind for words, kind in _KINDS.items() if words in text), "unreadable row")
        reading.fault(kind, text, row.where, clip=name, lost=True)
        return
    clip = Clip(
        dataset,
        subject,
        name,
        frames,
        label=row.text("label"),
        fps=fps,
        action_units=row.text("action_units"),
        source=row.where,
    )
    clip = place(clip, numbers, row, reading)
    check_cells(clip, row, reading)
    reading.add(clip)


def _fps(row: Row) -> float | None:
    cell = row.text("fps")
    if cell is not None and not (re.fullmatch(r"\d{1,5}(\.\d+)?", cell) and float(cell) > 0):
        raise InputError(f"fps {cell!r} is no number of frames per second")
    return None if cell is None else float(cell)


def _frames(tree: Tree, cell: str) -> Frames:
    path = tree.resolve(cell)
    if path.is_dir():
        return tree.frames(str(path.relative_to(tree.root)))
    if not path.is_file():
        raise InputError(f"{path}: {_NO_FILE}")
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return one_image(path)
    return LazyVideo(path)

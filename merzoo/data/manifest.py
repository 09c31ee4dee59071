"""A dataset of one's own, listed in a table (text or Excel).

Columns: `dataset, subject, clip, path, onset, apex, offset, label, action_units, fps, bits`; only
`path`, `subject` and `label` are required, and may have other names in the table. `bits` says how
many bits of 16-bit pictures the camera used. A path is a folder of
images, one image or a video, relative to the table's folder, and cannot leave it.
"""

import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from merzoo.data.cells import file_and_sheet, is_table
from merzoo.data.clip import Clip
from merzoo.data.frames import IMAGE_SUFFIXES, Frames, ImageFrames, VideoFrames, one_image
from merzoo.data.pixels import DEPTHS
from merzoo.data.reading import Reading
from merzoo.data.sheets import check_cells, place
from merzoo.data.tables import Row, parse_columns, read_table
from merzoo.data.tree import Tree
from merzoo.errors import InputError
from merzoo.listing import entries
from merzoo.names import one_spelling, parted_clips, spellings_told

FILES = ("manifest.csv", "clips.csv")  # else the only table in the folder
REQUIRED = ("path", "subject", "label")
_NO_FILE, _NO_IMAGES = "no such file or folder", "no image files"
_NAME_THEM = "; if they are two clips of one path, name each in a column 'clip'"
_KINDS = {
    "leads out of": "path outside the root",
    _NO_FILE: "missing folder",
    _NO_IMAGES: "missing frames",
    "formula without": "formula without a value",
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
    def gaps(self) -> list[range]:
        return []

    def position(self, number: int) -> int:
        return number  # a video's numbers are its positions

    @property
    def variable_rate(self) -> bool:
        return self._video.variable_rate

    @property
    def broken_off(self) -> str | None:
        return self._video.broken_off

    def faults(self) -> Iterator[tuple[str, str]]:
        try:
            yield from self._video.faults()
        except InputError as error:  # no video at all
            yield "unreadable video", str(error)

    def __getitem__(self, index):
        return self._video[index]  # which asks for the length only where it must

    def _numbering(self):
        return ()  # the file's content decides it

    def _files(self):
        return (self.path,)

    def _feed(self, digest):
        self._video._feed(digest)


def recognises(tree: Tree) -> bool:
    """Whether a folder holds `manifest.csv`, `clips.csv`, or one table that names its clips."""
    if any(name in FILES for name in tree.files()):
        return True
    tables = [name for name in tree.files() if is_table(name)]
    try:
        return len(tables) == 1 and bool(read_table(tree.path("", tables[0]), REQUIRED))
    except InputError:
        return False


def load(
    root: str | Path,
    on_error: str = "fail",
    columns: str | Mapping[str, str] | None = None,
) -> list[Clip]:
    """The clips that a manifest lists.

    Args:
        root: the table (`FILE.xlsx#SHEET` names a sheet of several), or the folder that holds it
            as `manifest.csv`, as `clips.csv`, or as its only table.
        on_error: `"fail"`, or `"skip"` to leave out (with a warning) clips that cannot be loaded.
        columns: what the table calls its columns, as `{"path": "file", "subject": "person"}` or
            `"path=file,subject=person"`; `None` where it uses merzoo's names or the datasets'.

    Returns:
        One `Clip` per row. Onset, apex and offset are the numbers in the images' file names, or
        positions from 0 in a video. Without a `dataset` column the dataset is the file's name. A
        person has the first of several spellings (`merzoo.names`), which a warning names. Where
        clips of two people have the same name, clips are called `"subject/clip"`.

    Raises:
        InputError: for a missing file or column, or a row that cannot be loaded.
    """
    return read(root, columns).usable(on_error)


def read(root: str | Path, columns: str | Mapping[str, str] | None = None) -> Reading:
    """Clips and faults of a manifest (arguments as for `load`)."""
    said = parse_columns(columns) if isinstance(columns, str) else dict(columns or {})
    place = _file(Path(root))
    rows = read_table(place, REQUIRED, said=said)
    path, _ = file_and_sheet(place)
    tree = Tree(path.parent, "the manifest")
    reading = Reading(path.stem, Path(root))
    datasets = [row.text("dataset") or reading.dataset for row in rows]
    written = [f"{d}/{row.text('subject')}" for d, row in zip(datasets, rows, strict=True)]
    clips = [row.text("clip") or row.text("path") or "" for row in rows]
    datasets, subjects, joined = one_spelling(datasets, written, clips)
    clips = parted_clips(datasets, subjects, clips)
    if joined:
        reading.notes.append(spellings_told(path.name, joined))
    films: dict[Path, LazyVideo] = {}  # each read once, however many clips it holds
    for row, name, *names in zip(rows, written, datasets, subjects, clips, strict=True):
        reading.spelt("subject", names[1], name, row.where)
        _add(row, names, tree, films, reading)
    reading.finish(tree)
    return reading


def _file(root: Path) -> Path:
    if not root.is_dir():
        return root
    for name in FILES:
        if (root / name).is_file():
            return root / name
    tables = [e.name for e in entries(root) if e.is_file() and is_table(e.name)]
    if len(tables) == 1:
        return root / tables[0]
    if tables:
        raise InputError(
            f"{root}: several tables, {', '.join(tables[:9])}; name the one that lists the clips, "
            f"such as manifest:{root / tables[0]}."
        )
    raise InputError(
        f"{root}: no table that lists the clips; write {root / FILES[0]} with the columns path, "
        "subject and label."
    )


def _add(
    row: Row, names: Sequence[str], tree: Tree, films: dict[Path, LazyVideo], reading: Reading
) -> None:
    """Adds the clip of a row; `names` are its data set, subject and own name."""
    dataset, subject, name = names
    try:
        row.check_values()
        path = row.text("path")
        if row.text("subject") is None or path is None:
            raise InputError("the subject or the path is empty")
        frames = _frames(tree, path, films)
        numbers = {column: row.whole(column) for column in ("onset", "apex", "offset")}
        fps = row.decimal("fps")
        _state_bits(frames, row.whole("bits"))
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
    reading.add(clip, "" if row.text("clip") else _NAME_THEM)


def _state_bits(frames: Frames, bits: int | None) -> None:
    if bits is None:
        return
    if bits not in DEPTHS:
        raise InputError(f"bits must be one of {', '.join(map(str, DEPTHS))}, got {bits}")
    if not isinstance(frames, ImageFrames):
        raise InputError("bits are for pictures; of a video its decoder knows them")
    frames.stated_bits = bits


def _frames(tree: Tree, cell: str, films: dict[Path, LazyVideo]) -> Frames:
    path = tree.resolve(cell)
    if path.is_dir():
        return tree.frames(str(path.relative_to(tree.root)))
    if not path.is_file():
        raise InputError(f"{path}: {_NO_FILE}")
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return one_image(path)
    return films.setdefault(path, LazyVideo(path))

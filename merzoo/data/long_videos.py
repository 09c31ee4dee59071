"""Long recordings with the intervals of the expressions in them, as a spotter is measured on.

`merzoo.data.load_long` gives them; `load` gives the expressions alone, cut out of the recordings.
"""

import bisect
import functools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from merzoo.data.clip import Clip
from merzoo.data.frames import Frames, frame_number
from merzoo.data.reading import Reading
from merzoo.data.tables import Row
from merzoo.data.tree import Tree
from merzoo.errors import unknown

KINDS = ("micro", "macro")
SPLITS = (*KINDS, "all")


@dataclass(frozen=True)
class Disturbance:
    """What is no expression but may be taken for one: its kind (`"blink"`, `"nod"`, `"speech"`,
    ...), and the 0-based positions of its first and last frame."""

    kind: str
    onset: int
    offset: int


@dataclass(frozen=True)
class LongVideo:
    """A recording and the expressions that are annotated in it.

    Args:
        dataset, subject, fps: as in `Clip`.
        id: unique within the dataset, such as `"s15/15_0101disgustingteeth"`.
        frames: of the whole recording.
        expressions: in order of their onsets; their positions count in `frames`, and their `split`
            is `"micro"` or `"macro"`.
        disturbances: where it is known what else happens, as in synthetic videos.

    Example:

    >>> import numpy as np
    >>> from merzoo.data.frames import ArrayFrames
    >>> frames = ArrayFrames(np.zeros((90, 8, 8, 1), "uint8"))
    >>> clip = Clip("d", "d/s1", "a", frames, onset=20, offset=31, split="micro")
    >>> LongVideo("d", "d/s1", "film", frames, 30.0, (clip,)).intervals()
    [(20, 31)]
    """

    dataset: str
    subject: str
    id: str
    frames: Frames
    fps: float | None
    expressions: tuple[Clip, ...] = ()
    disturbances: tuple[Disturbance, ...] = ()

    def intervals(self, kind: str | None = "micro") -> list[tuple[int, int]]:
        """Onset and offset positions of the expressions of one kind, or of all with `None`.

        They are what `merzoo.prediction.spotting_scores.spotting_scores` takes as the truth.
        """
        chosen = [clip for clip in self.expressions if kind in (None, clip.split)]
        return [
            (clip.onset, clip.offset)
            for clip in chosen
            if clip.onset is not None and clip.offset is not None
        ]


def expression_kind(cell: str) -> str | None:
    """`"micro"` or `"macro"` for what the sheets write; `None` for anything else.

    >>> [expression_kind(cell) for cell in ("Micro - 1/2", "Macro-expression", "micro", "blink")]
    ['micro', 'macro', 'micro', None]
    """
    found = re.match(r"(micro|macro)\b", cell.strip().lower())
    return found[1] if found else None


def rows_of(rows: Iterable[Row], split: str | None, reading: Reading) -> list[Row]:
    """The rows of one kind of expression; a fault for each that is of none.

    Args:
        rows: with the column `expression`.
        split: `"micro"`, `"macro"`, or `"all"` or `None` for both.
        reading: takes the faults.

    Raises:
        InputError: for another split.
    """
    if split is not None and split not in SPLITS:
        raise unknown("kind of expression", split, SPLITS)
    chosen = []
    for row in rows:
        kind = expression_kind(row.cells.get("expression", ""))
        if kind is None:
            message = f"{row.cells.get('expression', '')!r} is neither micro nor macro"
            taken = "the row is left out"
            reading.fault("unknown expression type", message, row.where, taken=taken)
        elif split in (None, "all", kind):
            chosen.append(row)
    return chosen


def kind_of(row: Row) -> str | None:
    """The kind of a row's expression: `SheetForm.split` of the sets with long recordings."""
    return expression_kind(row.cells.get("expression", ""))


def labelled_by_kind(row: Row) -> Row:
    """The row with its kind as label, for sheets without emotions."""
    return Row(row.file, row.number, row.cells | {"label": kind_of(row) or ""})


def cutter(tree: Tree, whole: bool = False) -> Callable[[str, tuple], Frames]:
    """(folder, (onset, last) numbers) -> the frames from onset to last, or the whole recording.

    Of a whole recording the same object is given every time. Nothing between the numbers is an
    `InputError`.
    """

    @functools.cache
    def recording(folder: str) -> Frames:
        return tree.frames(folder)

    @functools.cache
    def numbered(folder: str) -> list[tuple[int, str]]:
        base = tree.path(folder)
        return sorted((frame_number(base / name), name) for name in tree.images(folder))

    def frames(folder: str, numbers: tuple[int | None, int | None]) -> Frames:
        if whole:
            return recording(folder)
        found = numbered(folder)
        begin = bisect.bisect_left(found, (numbers[0] or 0,))
        end = len(found) if numbers[1] is None else bisect.bisect_left(found, (numbers[1] + 1,))
        return tree.frames(folder, [name for _, name in found[begin:end]])

    return frames


def with_expressions(recordings: Iterable[LongVideo], clips: Iterable[Clip]) -> list[LongVideo]:
    """The recordings, each with the clips whose frames are its own."""
    found: dict[str, list[Clip]] = {}
    for clip in sorted(clips, key=lambda clip: clip.onset or 0):
        found.setdefault(clip.frames.name, []).append(clip)
    return [replace(v, expressions=tuple(found.get(v.frames.name, ()))) for v in recordings]

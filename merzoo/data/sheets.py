"""From the rows of an annotation sheet to clips: what the sets with one sheet share.

A row names a subject, a clip and the numbers of its onset, apex and offset frames. Numbers are
mapped to files by the digits in the files' names, never by position: CASME II's clips start at any
number, and frames may be missing.
"""

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from merzoo.data.action_units import parse_action_units
from merzoo.data.clip import Clip
from merzoo.data.frames import Frames
from merzoo.data.labels import LABEL_MAPS, emotion
from merzoo.data.reading import LEFT_OUT, Reading, gaps_told
from merzoo.data.tables import Row
from merzoo.data.tree import escapes
from merzoo.errors import InputError, unknown

APEX_OUTSIDE = "apex outside onset..offset"
KNOWN_APEX = "kept as annotated, as in every copy; --apex spotted finds it anew"
NO_APEX = "the clip has none; preprocessing spots it"
# What stands for a number that is no frame of the clip.
_INSTEAD = {"onset": "the first frame", "apex": "a spotted one", "offset": "the last frame"}
_DROPPED = 30  # frames in a row that a camera may drop


@dataclass(frozen=True)
class SheetForm:
    """How a dataset's sheet is read.

    Args:
        fps: frames per second where the row does not say; `None` if unknown.
        subject: cell -> the subject as merzoo names it, such as `"sub01"`.
        clip_id: (subject, clip cell, onset number) -> id.
        frames: (subject, clip cell, (onset, offset) numbers) -> frames; `None` if there is no
            such folder.
        drops_frames: whether the set is known to lack frames: then a number that is missing goes
            to the nearest frame, flagged, and gaps are no fault.
        known_apexes: ids of clips whose apex is outside in every copy of the set.
        long: whether the rows are intervals of long recordings, in which 0 stands for what was not
            seen: an onset before the first frame, no apex, an offset (then the apex is the last
            frame that is known to belong to the expression).
        split: row -> the part of the set that its clip belongs to.
    """

    fps: float | None
    subject: Callable[[str], str]
    clip_id: Callable[[str, str, int | None], str]
    frames: Callable[[str, str, tuple[int | None, int | None]], Frames | None]
    drops_frames: bool = False
    known_apexes: frozenset[str] = frozenset()
    long: bool = False
    split: Callable[[Row], str | None] = lambda row: None


class _LostRow(Exception):
    """A row that no clip can be made of; its arguments are the kind of fault and the message."""


def read_rows(rows: list[Row], reading: Reading, form: SheetForm) -> None:
    """Adds a clip to `reading` for each row, and a fault for everything that is wrong with it."""
    for row in rows:
        try:
            clip, numbers = _clip_of(row, reading, form)
        except _LostRow as lost:
            subject, name = form.subject(row.cells["subject"]), row.cells["clip"]
            kind, message = lost.args
            reading.fault(kind, message, row.where, clip=f"{subject}/{name}", lost=True)
            continue
        clip = place(clip, numbers, row, reading, form.drops_frames, form.known_apexes, form.long)
        check_cells(clip, row, reading)
        reading.add(clip)


def _clip_of(row: Row, reading: Reading, form: SheetForm) -> tuple[Clip, dict[str, int | None]]:
    """The clip without its positions yet, and the frame numbers annotated."""
    try:
        row.check_values()
    except InputError as error:
        raise _LostRow("formula without a value", str(error)) from None
    written, name = row.text("subject"), row.text("clip")
    if written is None or name is None:
        raise _LostRow("empty cell", f"no {'subject' if written is None else 'clip'} is given")
    if escapes(written) or escapes(name):
        raise _LostRow("path outside the root", f"{written!r} / {name!r} is no name of a clip")
    subject = form.subject(written)
    reading.spelt("subject", subject, written, row.where)
    try:
        numbers = {column: row.whole(column) for column in ("onset", "apex", "offset")}
        fps = row.decimal("fps") or form.fps
    except InputError as error:
        raise _LostRow("unreadable number", str(error)) from None
    try:
        frames = form.frames(subject, name, (numbers["onset"], _last(numbers, form.long)))
    except InputError as error:
        raise _LostRow("missing frames", str(error)) from None
    if frames is None:
        raise _LostRow("missing folder", f"no folder of {name!r} of subject {subject}")
    clip = Clip(
        reading.dataset,
        f"{reading.dataset}/{subject}",
        form.clip_id(subject, name, numbers["onset"]),
        frames,
        label=row.text("label"),
        fps=fps,
        action_units=row.text("action_units"),
        objective_class=_objective_class(row, reading),
        split=form.split(row),
        source=row.where,
    )
    return clip, numbers


def _last(numbers: dict[str, int | None], long: bool) -> int | None:
    """The last frame's number; `None` for the end of the folder (not of a long recording)."""
    if numbers["offset"] or not long:
        return numbers["offset"] or None
    if not numbers["apex"]:
        raise _LostRow("offset 0", "neither the offset nor the apex is given")
    return numbers["apex"]


def _objective_class(row: Row, reading: Reading) -> int | None:
    text = row.text("objective_class")
    if text is None:
        return None
    roman = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6, "VII": 7}
    found = roman.get(text.upper(), int(text) if re.fullmatch("[0-9]{1,3}", text) else 0)
    if not 1 <= found <= 7:
        message = f"{text!r} is not 1..7"
        reading.fault("unknown objective class", message, row.where, taken="none is taken")
        return None
    return found


def place(
    clip: Clip,
    numbers: dict[str, int | None],
    row: Row,
    reading: Reading,
    drops_frames: bool = False,
    known_apexes: frozenset[str] = frozenset(),
    long: bool = False,
) -> Clip:
    """The clip with annotation numbers turned into positions, its faults noted and flagged."""
    flags: list[str] = []
    replaced: list[str] = []

    def note(kind: str, message: str, correction: str = "", taken: str = "") -> None:
        flags.append(kind)
        more = {"correction": correction, "taken": taken}
        reading.fault(kind, message, row.where, clip=clip.id, **more)

    if long:
        numbers = _seen(numbers, clip.frames, note, replaced)
    elif numbers["offset"] == 0 and numbers["onset"]:
        note("offset 0", "the offset frame is given as 0", "the last frame is taken")
        replaced.append(f"offset: {_INSTEAD['offset']}")
        numbers = numbers | {"offset": clip.frames.numbers[-1]}
    if numbers["apex"] is None:
        _note_no_apex(row, note, flags)
    _check_order(numbers, note, KNOWN_APEX if clip.id in known_apexes else "")
    # A number that is known to be out of place need not be among the files as well.
    silent = APEX_OUTSIDE in flags
    places: dict = {
        column: _position(
            clip.frames,
            column,
            number,
            drops_frames,
            (lambda *_, **__: None) if silent and column == "apex" else note,
            flags,
            replaced,
        )
        for column, number in numbers.items()
    }
    gaps = clip.frames.gaps
    if gaps and drops_frames:
        flags.append(f"{sum(map(len, gaps))} dropped frames")
    elif gaps:
        note("missing frames", gaps_told(gaps))
    flags = list(dict.fromkeys(flags))
    return replace(clip, flags=tuple(flags), replaced=tuple(replaced), **places)


def _seen(
    numbers: dict[str, int | None], frames: Frames, note: Callable, replaced: list
) -> dict[str, int | None]:
    """The numbers of an interval in a long recording, each 0 made what it stands for."""
    onset, apex, offset = (numbers[column] for column in ("onset", "apex", "offset"))
    first = frames.numbers[0]
    if apex == 0 and (first > 0 or onset):
        apex = None
    if onset == 0 and first > 0:
        note("onset 0", "the onset frame is given as 0", "the first frame is taken")
        replaced.append(f"onset: {_INSTEAD['onset']}")
        onset = first
    if offset == 0 and apex:
        note("offset 0", "the offset frame is given as 0", "the apex is taken")
        replaced.append("offset: the apex")
        offset = apex
    return {"onset": onset, "apex": apex, "offset": offset}


def _note_no_apex(row: Row, note: Callable, flags: list[str]) -> None:
    """A stroke says that the coders saw none; an empty cell beside an onset says nothing."""
    if row.cells.get("apex") == "" and row.text("onset") is not None:
        note("no apex", "the apex cell is empty", NO_APEX)
    else:
        flags.append("no apex")


def _check_order(numbers: dict[str, int | None], note: Callable, known: str) -> None:
    onset, apex, offset = (numbers[column] for column in ("onset", "apex", "offset"))
    if onset is not None and offset is not None and offset < onset:
        note("offset before onset", f"offset {offset}, onset {onset}")
    elif apex is not None and not (onset or 0) <= apex <= (apex if offset is None else offset):
        taken = "" if known else "it is not used; preprocessing spots it"
        note(APEX_OUTSIDE, f"apex {apex}, onset {onset}, offset {offset}", known, taken)


def _position(
    frames: Frames,
    column: str,
    number: int | None,
    nearest: bool,
    note: Callable,
    flags: list,
    replaced: list,
) -> int | None:
    if number is None:
        return None
    try:
        return frames.position(number)
    except InputError:
        place = min(range(len(frames)), key=lambda i: abs(frames.numbers[i] - number))
        if nearest and abs(frames.numbers[place] - number) <= _DROPPED:
            replaced.append(f"{column}: the nearest frame")
            flags.append(f"{column} frame {number} dropped, {frames.numbers[place]} taken")
            return place
        span = f"{frames.numbers[0]}..{frames.numbers[-1]}"
        message = f"the {column} frame {number} is not among the files ({span})"
        note("missing frames", message, taken=f"{_INSTEAD[column]} is taken")
        if APEX_OUTSIDE not in flags or column != "apex":
            replaced.append(f"{column}: {_INSTEAD[column]}")
        return None


def check_cells(clip: Clip, row: Row, reading: Reading) -> None:
    """Notes a label or action units that cannot be read; the clip keeps them as annotated."""
    if clip.label is None:
        message = "no emotion is given"
        reading.fault("unknown label", message, row.where, clip=clip.id, taken=LEFT_OUT)
    elif reading.emotions and emotion(clip.label) not in reading.emotions:
        message = str(unknown("label", clip.label, reading.emotions))
        reading.fault("unknown label", message, row.where, clip=clip.id)
    elif not reading.emotions and (near := _almost(clip.label)):
        message = f"{clip.label!r}; is it {near!r}?"
        taken = "it is kept as written, a class of its own"
        reading.fault("unknown label", message, row.where, clip=clip.id, taken=taken)
    else:
        reading.spelt("label", emotion(clip.label), clip.label, row.where)
    try:
        coding = parse_action_units(clip.action_units, "cell")
    except InputError as error:
        message = str(error).removeprefix("cell: ")
        reading.fault("unreadable action units", message, row.where, clip=clip.id)
        return
    if coding.ambiguous or coding.remarks:
        reading.fault(
            "unusual action units",
            f"{clip.action_units!r}",
            row.where,
            clip=clip.id,
            correction="every alternative is kept, and words are left out",
        )


def _almost(label: str) -> str | None:
    """A known emotion that `label` nearly spells: a dataset of one's own may use other words."""
    known = {word for chosen in LABEL_MAPS.values() for t in chosen.tables.values() for word in t}
    word = emotion(label)
    near = difflib.get_close_matches(word, known - {""}, n=1, cutoff=0.85)
    return near[0] if near and word not in known else None

"""Action units as labels: the class of a clip is the combination of scored units that it shows.

A combination is written `"AU4+AU12"`, or `"none"`; `unit_table` turns classes of this form into 0
and 1 a unit, which is what a multi-label head is trained on and scored by. So samples of action
units are samples like any other: the same files, splits and audit serve them.

Which units are scored is decided by the clips before anything is trained: those that at least
`LEAST` clips of two people or more show, or a list of one's own.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TypeGuard

import numpy as np

from merzoo.data.action_units import HIGHEST, parse_action_units
from merzoo.data.clip import Clip
from merzoo.errors import InputError

UNIT_LABELS = "action_units"  # the name of the label map
LEAST = 10  # clips that must show a unit, where nobody says otherwise
NONE = "none"
_HOW = "write action_units, action_units:at-least-5 (clips), or action_units:1,2,4,12 (units)"
_AT_LEAST = "at-least-"


def is_unit_labels(labels: object) -> TypeGuard[str]:
    """Whether a label map's name asks for action units.

    >>> is_unit_labels("action_units:at-least-5"), is_unit_labels("megc3")
    (True, False)
    """
    return isinstance(labels, str) and labels.partition(":")[0] == UNIT_LABELS


def wanted_units(labels: str) -> int | tuple[int, ...]:
    """What a label map's name asks for: at least so many clips a unit, or these units.

    Raises:
        InputError: for text that is neither.

    >>> wanted_units("action_units"), wanted_units("action_units:12,4")
    (10, (4, 12))
    """
    _, colon, text = labels.partition(":")
    if not colon:
        return LEAST
    number = text.removeprefix(_AT_LEAST)
    if text.startswith(_AT_LEAST) and number.isdecimal() and 1 <= int(number) < 10**6:
        return int(number)
    parts = [part.strip().upper().removeprefix("AU") for part in text.split(",")]
    numbers = sorted({int(part) for part in parts if part.isdecimal() and len(part) < 4})
    if len(numbers) != len(parts) or not all(1 <= number <= HIGHEST for number in numbers):
        raise InputError(f"labels {labels!r} cannot be read: {_HOW}.")
    return tuple(numbers)


def combination(numbers: Iterable[int]) -> str:
    """The class of a clip that shows these units.

    >>> combination({12, 4}), combination(())
    ('AU4+AU12', 'none')
    """
    return "+".join(f"AU{number}" for number in sorted(numbers)) or NONE


def unit_table(classes: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray]:
    """The units of which classes are combinations, and which class shows which.

    Args:
        classes: as `combination` writes them.

    Returns:
        U names in the order of their numbers, and (C, U) 0 or 1, uint8.

    Raises:
        InputError: for a class that is no combination of action units.

    >>> units, table = unit_table(["none", "AU12", "AU4+AU12"])
    >>> units, table.tolist()
    (('AU4', 'AU12'), [[0, 0], [0, 1], [1, 1]])
    """
    shown = []
    for name in classes:
        if name != NONE and not re.fullmatch(r"AU\d{1,2}(\+AU\d{1,2})*", name):
            raise InputError(
                f"the class {name!r} is no combination of action units such as 'AU4+AU12' or "
                f"'{NONE}': action units are asked for (--task au), these are other classes."
            )
        shown.append(set() if name == NONE else {int(n) for n in re.findall(r"\d+", name)})
    units = sorted(set().union(*shown))
    table = [[number in numbers for number in units] for numbers in shown]
    names = tuple(f"AU{number}" for number in units)
    return names, np.array(table, np.uint8).reshape(len(shown), len(units))


def shown_units(clips: Sequence[Clip]) -> list[frozenset[int] | None]:
    """The numbers of the units of each clip; `None` for clips whose units are not annotated."""
    return [
        None
        if clip.action_units is None
        else parse_action_units(clip.action_units, clip.source or f"clip {clip.id}").numbers
        for clip in clips
    ]


def chosen_units(
    shown: Sequence[Iterable[int] | None], subjects: Sequence[str], labels: str
) -> tuple[tuple[int, ...], str]:
    """The units that are scored, and one line that says which were left out.

    Args:
        shown: the units of each clip; `None` where they are not annotated.
        subjects: whose each clip is.
        labels: name of the label map, see `wanted_units`.

    Raises:
        InputError: where no unit is left, or one that is asked for occurs in no clip.

    >>> chosen_units([{4, 12}, {12}, {4}], ["a", "b", "a"], "action_units:at-least-2")
    ((12,), 'action units scored, and clips that show them: AU12 2 (at least 2, of two people); \
left out: AU4 2.')
    """
    wanted = wanted_units(labels)
    counts: Counter = Counter()
    people: dict[int, set] = {}
    for numbers, subject in zip(shown, subjects, strict=True):
        for number in numbers or ():
            counts[number] += 1
            people.setdefault(number, set()).add(subject)
    if not counts:
        raise InputError(
            "no action units are annotated in any clip: --task au needs a set with annotated "
            "units, such as casme2, samm, casme, casme3, mmew or synthetic."
        )
    if isinstance(wanted, tuple):
        kept, why = wanted, "as asked for"
        missing = [number for number in wanted if number not in counts]
        if missing:
            raise InputError(f"AU{missing[0]} occurs in no clip; these do: {_told(counts)}.")
    else:
        why = f"at least {wanted}, of two people"
        kept = tuple(sorted(n for n in counts if counts[n] >= wanted and len(people[n]) > 1))
        if not kept:
            raise InputError(
                f"no action unit is shown by {wanted} clips of two people: there are "
                f"{_told(counts)}; ask for rarer ones, as in --labels action_units:at-least-5."
            )
    out = {number: count for number, count in counts.items() if number not in kept}
    left = f"; left out: {_told(out)}" if out else ""
    scored = _told({number: counts[number] for number in kept})
    return kept, f"action units scored, and clips that show them: {scored} ({why}){left}."


def unit_classes(clips: Sequence[Clip], labels: str) -> tuple[tuple[str, ...], dict[str, str], str]:
    """The combinations that clips show, of the units that are scored.

    Args:
        clips: by which it is decided which units are scored.
        labels: name of the label map, see `wanted_units`.

    Returns:
        The classes in order; annotation -> class; and the line of `chosen_units`.

    Raises:
        InputError: for an annotation that cannot be read, and as `chosen_units`.

    >>> clips = [Clip("a", f"a/s{i}", str(i), (), action_units=text)
    ...          for i, text in enumerate(["4+L12", "12", "1"])]
    >>> unit_classes(clips, "action_units:at-least-2")[:2]
    (('none', 'AU12'), {'4+L12': 'AU12', '12': 'AU12', '1': 'none'})
    """
    shown = shown_units(clips)
    units, about = chosen_units(shown, [clip.subject for clip in clips], labels)
    table: dict[str, str] = {}
    classes: dict[str, list[int]] = {}
    for clip, numbers in zip(clips, shown, strict=True):
        if clip.action_units is not None and numbers is not None:
            kept = sorted(numbers & set(units))
            classes[combination(kept)] = kept
            table[clip.action_units] = combination(kept)
    return tuple(sorted(classes, key=lambda name: classes[name])), table, about


def _told(counts) -> str:
    """Units and how many clips show each."""
    return ", ".join(f"AU{number} {count}" for number, count in sorted(counts.items()))

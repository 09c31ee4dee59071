"""Action units as labels: the class of a clip is the combination of scored units that it shows.

A combination is written `"AU4+AU12"`, or `"none"`, with the intensities that are coded as letters:
`"AU4B+AU12"`. `unit_table` turns classes of this form into 0 and 1 a unit, which is what a
multi-label head is trained on and scored by, and `intensity_table` into intensities. So samples of
action units are samples like any other: the same files, splits and audit serve them.

Which units are scored is decided by the clips before anything is trained: those that at least
`LEAST` clips of two people or more show, or a list of one's own. Where a least intensity is asked
for, a unit that is coded weaker counts as absent; one that is coded without intensity stays.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeGuard

import numpy as np

from merzoo.data.action_units import HIGHEST, INTENSITIES
from merzoo.data.clip import Clip
from merzoo.errors import InputError

UNIT_LABELS = "action_units"  # the name of the label map
LEAST = 10  # clips that must show a unit, where nobody says otherwise
NONE = "none"
_HOW = (
    "write action_units, action_units:at-least-5 (clips) or action_units:1,2,4,12 (units), and "
    "with a least intensity A to E action_units:from-B or action_units:1,2,4:from-B"
)
_AT_LEAST, _FROM = "at-least-", "from-"
_UNIT = re.compile(rf"AU(\d{{1,2}})([{INTENSITIES}]?)")

Units = Mapping[int, float]  # number of each unit that is shown -> 1..5, NaN where none is coded


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

    >>> wanted_units("action_units"), wanted_units("action_units:12,4:from-B")
    (10, (4, 12))
    """
    return _asked(labels)[0]


def least_intensity(labels: str) -> int:
    """The least intensity that a label map's name asks for, 1 (A) to 5 (E); 0 for any.

    Raises:
        InputError: as `wanted_units`.

    >>> least_intensity("action_units:at-least-5:from-B"), least_intensity("action_units:4")
    (2, 0)
    """
    return _asked(labels)[1]


def _asked(labels: str) -> tuple[int | tuple[int, ...], int]:
    parts, least = labels.split(":")[1:], 0
    if parts and parts[-1].startswith(_FROM):
        letter = parts.pop().removeprefix(_FROM).upper()
        least = INTENSITIES.find(letter) + 1 if len(letter) == 1 else 0
        if not least:
            raise InputError(f"labels {labels!r} cannot be read: {_HOW}.")
    if not parts:
        return LEAST, least
    text = ":".join(parts)
    number = text.removeprefix(_AT_LEAST)
    if text.startswith(_AT_LEAST) and number.isdecimal() and 1 <= int(number) < 10**6:
        return int(number), least
    named = [part.strip().upper().removeprefix("AU") for part in text.split(",")]
    numbers = sorted({int(part) for part in named if part.isdecimal() and len(part) < 4})
    if len(numbers) != len(named) or not all(1 <= number <= HIGHEST for number in numbers):
        raise InputError(f"labels {labels!r} cannot be read: {_HOW}.")
    return tuple(numbers), least


def combination(units: Iterable[int] | Units) -> str:
    """The class of a clip that shows these units, with their intensities where these are known.

    >>> combination({12, 4}), combination(()), combination({12: float("nan"), 4: 2.0})
    ('AU4+AU12', 'none', 'AU4B+AU12')
    """
    known = units if isinstance(units, Mapping) else dict.fromkeys(units, np.nan)
    names = [
        f"AU{number}" + ("" if np.isnan(level) else INTENSITIES[int(level) - 1])
        for number, level in sorted(known.items())
    ]
    return "+".join(names) or NONE


def units_in(name: str) -> dict[int, float]:
    """The units of a combination, with their intensities; see `combination`.

    Raises:
        InputError: for a text that is no combination.

    >>> units_in("AU4B+AU12"), units_in("none")
    ({4: 2.0, 12: nan}, {})
    """
    found = [] if name == NONE else [_UNIT.fullmatch(part) for part in name.split("+")]
    if not all(found):
        raise InputError(
            f"the class {name!r} is no combination of action units such as 'AU4+AU12', 'AU4B' or "
            f"'{NONE}': action units are asked for (--task au), these are other classes."
        )
    return {
        int(one[1]): float(INTENSITIES.index(one[2]) + 1) if one[2] else np.nan
        for one in found
        if one
    }


def unit_table(classes: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray]:
    """The units of which classes are combinations, and which class shows which.

    Args:
        classes: as `combination` writes them.

    Returns:
        U names in the order of their numbers, and (C, U) 0 or 1, uint8.

    Raises:
        InputError: for a class that is no combination of action units.

    >>> units, table = unit_table(["none", "AU12", "AU4B+AU12"])
    >>> units, table.tolist()
    (('AU4', 'AU12'), [[0, 0], [0, 1], [1, 1]])
    """
    shown = [units_in(name) for name in classes]
    units = sorted(set().union(*shown))
    table = [[number in numbers for number in units] for numbers in shown]
    names = tuple(f"AU{number}" for number in units)
    return names, np.array(table, np.uint8).reshape(len(shown), len(units))


def intensity_table(classes: Sequence[str], units: Sequence[str]) -> np.ndarray:
    """(C, U) of each class and unit 0 where it is absent, 1 (A) to 5 (E), NaN where it is there
    without an intensity.

    >>> intensity_table(["none", "AU4B+AU12"], ("AU4", "AU12")).tolist()
    [[0.0, 0.0], [2.0, nan]]
    """
    shown = [units_in(name) for name in classes]
    numbers = [int(name.removeprefix("AU")) for name in units]
    table = [[levels.get(number, 0.0) for number in numbers] for levels in shown]
    return np.array(table, float).reshape(len(shown), len(numbers))


def chosen_units(
    shown: Sequence[Units | None], subjects: Sequence[str], labels: str
) -> tuple[list[Units | None], str]:
    """What clips show of the units that are scored, and in words which these are.

    Args:
        shown: the units of each clip; `None` where they are not annotated.
        subjects: whose each clip is.
        labels: name of the label map, see `wanted_units` and `least_intensity`.

    Returns:
        Of each clip the scored units that it shows, `None` where they are not annotated; a line.

    Raises:
        InputError: where no unit is left, one that is asked for occurs in no clip, or a least
            intensity is asked for and none is coded.

    >>> nan = float("nan")
    >>> chosen_units([{4: 1, 12: nan}, {12: nan}, {4: 2}], ["a", "b", "a"],
    ...              "action_units:at-least-2")
    ([{12: nan}, {12: nan}, {}], 'action units scored, and clips that show them: AU12 2 (at least \
2, of two people); left out: AU4 2.')
    """
    wanted = wanted_units(labels)
    shown, weaker = _strong_enough(shown, least_intensity(labels))
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
    scored_of: list[Units | None] = [
        None if units is None else {n: units[n] for n in kept if n in units} for units in shown
    ]
    told = f"action units scored, and clips that show them: {scored} ({why}){left}{weaker}."
    return scored_of, told


def _strong_enough(shown: Sequence[Units | None], least: int) -> tuple[list[Units | None], str]:
    """The units of each clip without those that are coded weaker, and in words how many."""
    pairs = [pair for units in shown if units for pair in units.items()]
    if not least or not pairs:
        return list(shown), ""
    letter = INTENSITIES[least - 1]
    if all(np.isnan(level) for _, level in pairs):
        raise InputError(
            f"no intensity is coded in any clip, so none is weaker than {letter}: leave out "
            f"from-{letter}."
        )
    weaker = Counter(number for number, level in pairs if level < least)
    if weaker.total() == len(pairs):
        raise InputError(
            f"every annotated unit is weaker than {letter} ({_told(weaker)}): ask for a lower "
            f"intensity than from-{letter}."
        )
    bare = Counter(number for number, level in pairs if np.isnan(level))
    kept: list[Units | None] = [
        units and {n: level for n, level in units.items() if not level < least} for units in shown
    ]
    return kept, (
        f"; there from intensity {letter} on: absent for being weaker {_told(weaker) or 'none'}, "
        f"kept though coded without intensity {_told(bare) or 'none'}"
    )


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
    ...          for i, text in enumerate(["4+L12C", "12", "1"])]
    >>> unit_classes(clips, "action_units:at-least-2")[:2]
    (('none', 'AU12', 'AU12C'), {'4+L12C': 'AU12C', '12': 'AU12', '1': 'none'})
    """
    shown, about = chosen_units(
        [clip.unit_intensities for clip in clips], [clip.subject for clip in clips], labels
    )
    table = {
        clip.action_units: combination(units)
        for clip, units in zip(clips, shown, strict=True)
        if clip.action_units is not None and units is not None
    }
    return in_order(table.values()), table, about


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Combinations in the order of their units' numbers, each once."""
    return tuple(sorted(set(names), key=lambda name: (list(sorted(units_in(name))), name)))


def _told(counts) -> str:
    """Units and how many clips show each."""
    return ", ".join(f"AU{number} {count}" for number, count in sorted(counts.items()))

"""Reading action units (AUs) of the Facial Action Coding System as the datasets annotate them.

CASME II, SAMM, CASME, CAS(ME)^3 and MMEW write units in a column such as `4+L10`, `R14A or 17A`,
`(R6 or R12)+R15` or `ref(7B)+43`. Units are joined by `+` or a comma; a letter L, R, T or B before
the number is the side (left, right, top, bottom: Ekman and Friesen 1978), A to E on either side the
intensity; `or` separates alternatives that the coder could not decide between. `AU`, and `AD` for
action descriptors, may stand before a number.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from merzoo.errors import InputError

# The units that occur at least four times in CASME II and SAMM together: the network input's order.
ACTION_UNITS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 16, 17, 18, 20, 24, 25, 26, 38, 39, 43)

HIGHEST = 98  # the highest code of FACS
_LONGEST = 500  # letters of an annotation cell; the real ones stay below 40
INTENSITIES = "ABCDE"  # trace, slight, marked, severe, maximum: 1 to 5
_SIDES = "LRTB"
_NOTHING = {"", "/", "-", "nan", "none", "n/a", "?"}
_UNIT = re.compile(
    r"(?P<before>(?:[A-E]/?|[LRT]/?){0,3})(?P<number>\d{1,3})(?P<after>(?:/?[A-E]|/?[LRT]){0,3})"
)


@dataclass(frozen=True)
class ActionUnit:
    """One unit of an annotation.

    Args:
        number: of the unit, 1..98.
        side: `"L"`, `"R"`, `"T"` (top), `"B"` (bottom), `None` for both sides, or two of them
            joined by a stroke where the coder left it open.
        intensity: `"A"` (trace) to `"E"` (maximum), `"A/B"` where it was left open, or `None`.
    """

    number: int
    side: str | None = None
    intensity: str | None = None

    def __str__(self) -> str:
        return f"{self.side or ''}{self.number}{self.intensity or ''}"

    @property
    def level(self) -> float:
        """Its intensity, 1 (A) to 5 (E): the weaker one where it was left open; NaN without."""
        letters = (self.intensity or "").replace("/", "")
        return float(INTENSITIES.index(min(letters)) + 1) if letters else np.nan


@dataclass(frozen=True)
class ActionUnitCoding:
    """What an annotation cell says.

    Args:
        groups: one tuple per `+`-separated part, with its alternatives (mostly a single unit).
        ambiguous: whether the coder left anything open: `or`, `A/B`, a question mark.
        remarks: words of the cell that are no units, such as `"soft focus"`.
    """

    groups: tuple[tuple[ActionUnit, ...], ...] = ()
    ambiguous: bool = False
    remarks: tuple[str, ...] = ()

    @property
    def units(self) -> tuple[ActionUnit, ...]:
        """All units in the order written, alternatives included."""
        return tuple(unit for group in self.groups for unit in group)

    @property
    def numbers(self) -> frozenset[int]:
        """The numbers of all units, alternatives included."""
        return frozenset(unit.number for unit in self.units)

    @property
    def intensities(self) -> dict[int, float]:
        """Number of each unit -> its intensity, 1 (A, trace) to 5 (E, maximum); NaN where none is
        given. Of a unit that stands more than once, as on both sides, the strongest.

        >>> parse_action_units("L4B+R4C+12+7A/B").intensities
        {4: 3.0, 12: nan, 7: 1.0}
        """
        found: dict[int, float] = {}
        for unit in self.units:
            found[unit.number] = float(np.fmax(found.get(unit.number, np.nan), unit.level))
        return found

    def vector(self) -> np.ndarray:
        """(21,) float32: 1 where a unit of `ACTION_UNITS` occurs, on whichever side."""
        return np.array([number in self.numbers for number in ACTION_UNITS], np.float32)


def parse_action_units(
    text: str | int | float | None, where: str = "action units"
) -> ActionUnitCoding:
    """Reads an annotation cell.

    Args:
        text: the cell: text, a bare number, or `None` (also `"/"`, `"nan"`) for no units.
        where: file and row, for the message of an error.

    Returns:
        `ActionUnitCoding`.

    Raises:
        InputError: for a part with two numbers, a number above 98 or 0, or letters that are
            neither a side nor an intensity.

    Source: Ekman and Friesen, Facial Action Coding System (1978), for sides and intensities.

    Example:

    >>> coding = parse_action_units("(R6 or R12)+R15")
    >>> [str(unit) for unit in coding.units], coding.ambiguous
    (['R6', 'R12', 'R15'], True)
    >>> parse_action_units("R14+17+soft focus").remarks
    ('soft focus',)
    """
    cell = unicodedata.normalize("NFKC", "" if text is None else str(text)).strip()
    if cell.lower() in _NOTHING:
        return ActionUnitCoding()
    if len(cell) > _LONGEST:
        raise InputError(f"{where}: {len(cell)} letters are no action units: {cell[:40]!r}...")
    groups: list = []
    remarks: list[str] = []
    ambiguous = "?" in cell
    for part in re.split(r"[+,、;]", cell.replace("?", " ")):
        choices = re.split(r"\bor\b|\|", part, flags=re.IGNORECASE)
        group = [unit for choice in choices for unit in _read(choice, cell, where, remarks)]
        ambiguous |= len(group) > 1
        if group:
            groups.append(tuple(group))
    units = [unit for group in groups for unit in group]
    ambiguous |= any("/" in f"{unit.side or ''}{unit.intensity or ''}" for unit in units)
    return ActionUnitCoding(tuple(groups), ambiguous, tuple(remarks))


def _read(choice: str, cell: str, where: str, remarks: list[str]) -> Iterable[ActionUnit]:
    """The unit of one alternative (none or one); words are added to `remarks`."""
    choice = re.sub(r"\bA[UD]s?\s*(?=\d|[LRT]\d)", "", choice, flags=re.IGNORECASE)
    choice = re.sub(r"(?<=\d)\.0\b", "", choice)  # a number as a spreadsheet stores it
    numbers = re.findall(r"\d+", choice)
    if not numbers:
        words = re.sub(r"[()\[\]]", " ", choice).split()
        if words:
            remarks.append(" ".join(words))
        return
    words = re.findall(r"[^\W\d_]{3,}", choice)
    rest = re.sub(r"[^\W\d_]{3,}|[()\[\]\s]", "", choice).upper()
    found = _UNIT.fullmatch(rest)
    if not found or len(numbers) != 1:
        raise InputError(
            f"{where}: {choice.strip()!r} in {cell!r} is no action unit; write one number a "
            f"part, joined by '+', with L, R, T or B before it and A-E for the intensity."
        )
    if words:
        remarks.append(" ".join(words))
    number = int(found["number"])
    if not 1 <= number <= HIGHEST:
        raise InputError(f"{where}: {number} in {cell!r} is no action unit (1..{HIGHEST}).")
    before, after = found["before"].replace("/", ""), found["after"].replace("/", "")
    sides = [c for c in before if c in _SIDES] + [c for c in after if c in "LRT"]
    # B before the number is the bottom half, B after it the intensity.
    strengths = [c for c in before if c in "ACDE"] + [c for c in after if c in INTENSITIES]
    yield ActionUnit(number, "/".join(sides) or None, "/".join(strengths) or None)


def action_unit_vector(text: str | None, where: str = "action units") -> np.ndarray:
    """The 21 units of an annotation cell as 0 and 1, alternatives included.

    Units given at test time are an oracle: use them only where a run says so.

    >>> vector = action_unit_vector("4+L10")
    >>> [number for number, on in zip(ACTION_UNITS, vector, strict=True) if on]
    [4, 10]
    """
    return parse_action_units(text, where).vector()

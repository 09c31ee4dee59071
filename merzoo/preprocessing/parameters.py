"""Everything about preprocessing that decides a result: the table of its choices.

A recipe holds those that differ from the defaults; every verb that reads clips takes all of them as
options of the same names. Values may come as text, as a command line has them; what comes out is
plain JSON types.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from merzoo.data.frame_samples import ALL, FRAMES
from merzoo.errors import InputError, unknown
from merzoo.preprocessing.align import ALIGNMENTS
from merzoo.preprocessing.aligned_clip import APEX_CHOICES
from merzoo.preprocessing.face import DETECTORS, WHICH
from merzoo.preprocessing.flow import FLOW_METHODS, STRAINS
from merzoo.preprocessing.magnify import DEFAULT_BANDS, MAGNIFICATIONS


@dataclass(frozen=True)
class Parameter:
    """A choice that modalities depend on.

    Args:
        default: value where the user says nothing.
        about: one line for the command line's help.
        choices: the words allowed; empty for numbers.
        read: for numbers, the value in its canonical form, or `ValueError` saying what it must be.
        late: whether runs were recorded before there was a choice: see `recorded`.
    """

    default: object
    about: str
    choices: tuple[str, ...] = ()
    read: Callable[[object], object] | None = None
    late: bool = False


def _whole(value, least: int = 1, most: float = math.inf) -> int:
    if not str(value).isdecimal() or not least <= int(value) <= most:
        to = "" if most == math.inf else f" to {most}"
        raise ValueError(f"a whole number from {least}{to}")
    return int(value)


def _frames(value) -> int | str:
    if value == ALL:
        return ALL
    try:
        return _whole(value)
    except ValueError as error:
        raise ValueError(f"{error}, or {ALL}") from None


def _order(value) -> int:
    return _whole(value, most=4)  # steeper ones, so low in frequency, are numerically unsound


def _gain(value) -> float:
    number = _number(value)
    if not 0 <= number < math.inf:
        raise ValueError("a number from 0")
    return number


def _band(value) -> str | list[float]:
    if value == "auto":
        return "auto"
    parts = value.split("-") if isinstance(value, str) else value
    low, high = map(_number, parts) if _is_pair(parts) else (math.nan, math.nan)
    if not 0 < low < high < math.inf:
        raise ValueError("LOW-HIGH with 0 < LOW < HIGH, such as 0.5-10, or auto")
    return [low, high]


def _is_pair(parts) -> bool:
    return isinstance(parts, list | tuple) and len(parts) == 2


def _number(value) -> float:
    """The value as a number, NaN if it is none."""
    try:
        return math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return math.nan


PARAMETERS: dict[str, Parameter] = {
    "detector": Parameter(
        "auto",
        "face detector; auto is dlib where its landmark file is installed, else haar, and none for "
        "face crops; yunet takes the model file that MERZOO_YUNET names",
        ("auto", *DETECTORS),
    ),
    "face": Parameter(
        "only",
        "of several faces: none of them, or the largest, or that at the left or right of the "
        "picture",
        WHICH,
        late=True,
    ),
    "alignment": Parameter("similarity", "transform of the face to its crop", tuple(ALIGNMENTS)),
    "apex": Parameter(
        "annotated+flow",
        "apex frame: annotated, spotted, or annotated where it can be used and else spotted",
        APEX_CHOICES,
    ),
    "flow": Parameter("farneback", "optical flow", tuple(FLOW_METHODS)),
    "strain": Parameter(
        "full", "optical strain: full, or without its cross term as DFR-Net prints", tuple(STRAINS)
    ),
    "magnification": Parameter(
        "butterworth",
        "temporal filter of the magnified apex; A+B is A where the clip holds its band, else B",
        MAGNIFICATIONS,
    ),
    "magnification_band": Parameter(
        "auto",
        "band that is magnified, as 0.5-10 in Hz (rates in 0..1 for iir); auto is the filter's own",
        read=_band,
    ),
    "magnification_order": Parameter(1, "order of the Butterworth filter, 1 to 4", read=_order),
    "magnification_gain": Parameter(15.0, "amplification of motion within the band", read=_gain),
    "magnification_at": Parameter(
        "crop",
        "what is magnified: the aligned crop from onset on, or the whole video before cropping",
        ("crop", "video"),
    ),
    "interpolation": Parameter("tim", "resampling of the sequence in time", ("tim", "linear")),
    "regions": Parameter(
        "corrected",
        "identification blocks: symmetric, or as printed",
        ("corrected", "literal"),
    ),
    "action_units": Parameter("annotated", "annotated units, or none", ("annotated", "zero")),
    "frames": Parameter(
        FRAMES,
        "samples made of each clip, where frames are split: a number, or all of its frames",
        read=_frames,
    ),
    "on_error": Parameter(
        "fail", "clips that fail: end there, or leave them out", ("fail", "skip")
    ),
}


class Apexes(TypedDict):
    """How many clips' apexes were annotated, and how many spotted."""

    annotated: int
    spotted: int


class Preparation(TypedDict, total=False):
    """What `preparation_of` of `merzoo.preprocessing.preparation` says, read back from a file."""

    parameters: dict[str, Any] | list[dict[str, Any]]
    detector: dict[str, str]
    apex: dict[str, Apexes]
    magnification: dict[str, dict[str, int]]
    left_out: list[tuple[str, str]]
    notes: list[str]


def check_parameters(given: Mapping[str, object]) -> dict:
    """All parameters: those given, and the defaults of the rest.

    A band `"auto"` becomes that of the filter. The detector `"auto"` stays: it is decided for each
    data set, from its frames.

    Raises:
        InputError: for an unknown name, a value that it cannot have, or a band that the filter
            cannot have.

    >>> chosen = check_parameters({"apex": "flow", "magnification_band": "0.4-3"})
    >>> chosen["alignment"], chosen["magnification_band"]
    ('similarity', [0.4, 3.0])
    """
    chosen = {name: row.default for name, row in PARAMETERS.items()}
    for name, value in given.items():
        chosen[name] = checked(name, value)
    first = chosen["magnification"].partition("+")[0]
    if chosen["magnification_band"] == "auto":
        chosen["magnification_band"] = list(DEFAULT_BANDS[first])
    if first == "iir" and chosen["magnification_band"][1] > 1:
        low, high = chosen["magnification_band"]
        raise InputError(
            f"magnification_band={low:g}-{high:g}: iir takes rates in 0..1, such as 0.05-0.4."
        )
    return chosen


def recorded(chosen: Mapping[str, object]) -> dict:
    """Choices as they stand in the records of runs and in the keys of caches.

    A choice that came late stands there only where it is not the default, so that a run that was
    begun before goes on, and what was prepared before is found again.

    >>> recorded({"face": "only", "apex": "flow"}), recorded({"face": "left"})
    ({'apex': 'flow'}, {'face': 'left'})
    """
    return {
        name: value
        for name, value in chosen.items()
        if not (PARAMETERS[name].late and value == PARAMETERS[name].default)
    }


def checked(name: str, value):
    """One choice in its canonical form.

    Raises:
        InputError: for an unknown name, or a value that it cannot have.

    >>> checked("frames", "4"), checked("magnification_gain", "15")
    (4, 15.0)
    """
    if name not in PARAMETERS:
        raise unknown("preprocessing parameter", name, PARAMETERS)
    row = PARAMETERS[name]
    if row.read is not None:
        try:
            return row.read(value)
        except ValueError as error:
            raise InputError(f"{name}={value!r} must be {error}.") from None
    if value not in row.choices:
        raise unknown(name, str(value), row.choices)
    return value

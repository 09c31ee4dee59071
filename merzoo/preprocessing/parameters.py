"""Everything about preprocessing that decides a result: the table of its choices.

A recipe holds those that differ from the defaults; every verb that reads clips takes all of them as
options of the same names.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from merzoo.errors import InputError, unknown
from merzoo.preprocessing.align import ALIGNMENTS
from merzoo.preprocessing.aligned_clip import APEX_CHOICES
from merzoo.preprocessing.face import DETECTORS
from merzoo.preprocessing.flow import FLOW_METHODS


@dataclass(frozen=True)
class Parameter:
    """A choice that modalities depend on.

    Args:
        default: value where the user says nothing.
        choices: the values allowed.
        about: one line for the command line's help.
        number: whether it is a whole number from 1.
    """

    default: str | int
    choices: tuple[str, ...]
    about: str
    number: bool = False  # a whole number from 1 instead of one of the choices


PARAMETERS: dict[str, Parameter] = {
    "detector": Parameter(
        "auto",
        ("auto", *DETECTORS),
        "face detector; auto is dlib where its landmark file is installed, else haar",
    ),
    "alignment": Parameter("similarity", tuple(ALIGNMENTS), "transform of the face to its crop"),
    "apex": Parameter(
        "annotated+flow",
        APEX_CHOICES,
        "apex frame: annotated, spotted, or annotated where it can be used and else spotted",
    ),
    "flow": Parameter("farneback", tuple(FLOW_METHODS), "optical flow"),
    "interpolation": Parameter("tim", ("tim", "linear"), "resampling of the sequence in time"),
    "regions": Parameter(
        "corrected", ("corrected", "literal"), "identification blocks: symmetric, or as printed"
    ),
    "action_units": Parameter("annotated", ("annotated", "zero"), "annotated units, or none"),
    "frames": Parameter(8, (), "samples made of each clip, where frames are split", number=True),
    "on_error": Parameter(
        "fail", ("fail", "skip"), "clips that fail: end there, or leave them out"
    ),
}


def check_parameters(given: Mapping[str, object]) -> dict:
    """All parameters, those given and the defaults of the rest; `detector="auto"` is decided.

    Raises:
        InputError: for an unknown name, or a value that it cannot have.

    >>> check_parameters({"apex": "flow", "detector": "haar"})["alignment"]
    'similarity'
    """
    from merzoo.preprocessing.face import default_detector

    chosen = {name: row.default for name, row in PARAMETERS.items()}
    for name, value in given.items():
        chosen[name] = checked(name, value)
    if chosen["detector"] == "auto":
        chosen["detector"] = default_detector()
    return chosen


def checked(name: str, value):
    """One choice in its canonical form; a number may come as text.

    >>> checked("frames", "4")
    4
    """
    if name not in PARAMETERS:
        raise unknown("preprocessing parameter", name, PARAMETERS)
    row = PARAMETERS[name]
    if row.number:
        if not str(value).isdecimal() or int(value) < 1:
            raise InputError(f"{name}={value!r} must be a whole number from 1.")
        return int(value)
    if value not in row.choices:
        raise unknown(name, str(value), row.choices)
    return value

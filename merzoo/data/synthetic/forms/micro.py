"""What the forms of the micro-expression sets share: objective classes and the MEGC list.

Objective classes: Davison, Merghani, Yap, "Objective Classes for Micro-Facial Expression
Recognition", J. Imaging 2018, Table 1. The list has the form of MEGC2019's
`combined_3class_gt.csv`: no header; dataset, subject, clip, class.
"""

from merzoo.files import write_text

# Class I happiness .. VII others, by the set of action units.
_OBJECTIVE = {
    1: [(6,), (12,), (6, 12), (6, 7, 12), (7, 12)],
    2: [(1, 2), (5,), (25,), (1, 2, 25), (25, 26), (5, 24), (1, 2, 5)],
    3: [(23,), (4,), (4, 7), (4, 5), (4, 5, 7), (17, 24), (4, 6, 7), (4, 38), (7, 24)],
    4: [
        (10,),
        (9,),
        (4, 9),
        (4, 40),
        (4, 5, 40),
        (4, 7, 9),
        (4, 9, 17),
        (4, 7, 10),
        (4, 5, 7, 9),
        (7, 10),
        (9, 10),
    ],
    5: [(1,), (15,), (1, 4), (6, 15), (15, 17)],
    6: [(1, 2, 4), (20,), (4, 20), (4, 5, 20), (1, 4, 20)],
}
_OBJECTIVE_OF = {units: number for number, sets in _OBJECTIVE.items() for units in sets}
CLASSES = {"happiness": 1, "surprise": 2}
TRUTH_LIST = "combined_3class_gt.csv"


def objective_class(plan) -> int:
    """1..7 from the action units alone."""
    return _OBJECTIVE_OF.get(tuple(sorted(unit.number for unit in plan.units)), 7)


def write_composite_list(root, rows) -> None:
    """The composite's list, into the folder of the truth: a user gets it apart from the set.

    `rows` are (dataset, subject, clip, emotion); clips of the emotion `others` are not in it.
    """
    lines = [
        f"{dataset},{subject},{clip},{CLASSES.get(emotion, 0)}\n"
        for dataset, subject, clip, emotion in rows
        if emotion not in ("others", "other")
    ]
    write_text(root.with_name(root.name + ".truth") / TRUTH_LIST, "".join(lines))


def roman(number: int) -> str:
    """I to VII.

    >>> roman(4)
    'IV'
    """
    return ("I", "II", "III", "IV", "V", "VI", "VII")[number - 1]

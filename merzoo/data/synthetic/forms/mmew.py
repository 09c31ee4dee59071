"""MMEW: `Micro_Expression/happiness/S01-01-001/1.jpg` and a workbook; the class is the folder too.

Ben et al., "Video-based Facial Micro-Expression Analysis: A Survey of Datasets, Features and
Algorithms", IEEE TPAMI 2022.
"""

from merzoo.data.synthetic.forms.form import Form
from merzoo.files import write_workbook

COLUMNS = ["Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units"]
COLUMNS += ["Estimated Emotion", "remarks"]
WORKBOOK = "MMEW_Micro_Exp.xlsx"
_CLASSES = ("happiness", "surprise", "disgust", "fear", "sadness", "anger", "others")


def subject_name(plan) -> str:
    return f"S{plan.subject + 1:02d}"


def clip_name(plan) -> str:
    """Person, class and number of the clip."""
    emotion = _CLASSES.index(plan.emotion) + 1
    return f"{subject_name(plan)}-{emotion:02d}-{plan.index + 1:03d}"


def folder(plan) -> str:
    return f"Micro_Expression/{plan.emotion}/{clip_name(plan)}"


def number(plan, position) -> int:
    return position + 1


def file(plan, position) -> str:
    return f"{number(plan, position)}"


def annotate(root, plans, fps, faults) -> None:
    rows = []
    for plan in plans:
        times = [number(plan, t) for t in (plan.onset, plan.annotated_apex, plan.offset)]
        row = [plan.subject + 1, clip_name(plan), *times, plan.action_units, plan.emotion, None]
        rows.append(row)
    if faults:
        _plant(rows, faults)
    write_workbook(root / WORKBOOK, "Sheet1", [COLUMNS, *rows])


def _plant(rows, faults) -> None:
    """What the published annotation has, from the last row backwards."""

    def note(row, fault, detail):
        faults.note(fault, f"{WORKBOOK} row {rows.index(row) + 2}", detail)

    rows[-1][3] = None
    note(rows[-1], "no apex", f"{rows[-1][1]}: the cell is empty")
    others = [row for row in rows[:-1] if row[6] == "others"]
    if others:
        others[-1][6] = "repression"
        note(others[-1], "others called repression", others[-1][1])
    if len(rows) > 1:
        rows[-2][1] = f"{rows[-2][1]} "
        note(rows[-2], "blanks around a cell", repr(rows[-2][1]))
    for name in (".DS_Store", "Thumbs.db", "._1.jpg"):
        faults.stray_file(f"Micro_Expression/{name}")


FORM = Form(
    "mmew",
    folder=folder,
    file=file,
    annotate=annotate,
    emotions=dict.fromkeys(_CLASSES, 1.0),
    fps=90.0,
)

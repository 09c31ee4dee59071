"""SAMM Long Videos: `SAMM_longvideos/006_1/006_1_0001.jpg`, and a sheet with its header on row 10.

Yap, Kendrick, Yap, "SAMM Long Videos", FG 2020. Each video here holds one expression, with neutral
frames around it; those over half a second are macro-expressions.
"""

from merzoo.data.synthetic.forms.form import Form
from merzoo.data.synthetic.forms.samm import EMOTIONS, subject_name
from merzoo.files import write_workbook

COLUMNS = ["Subject", "Filename", "Inducement Code", "Onset", "Apex", "Offset", "Duration", "Type"]
COLUMNS += ["Action Units", "Notes"]
HEADER_ROW = 10
WORKBOOK = "SAMM_LongVideos_V3_Release.xlsx"


def video_name(plan) -> str:
    return f"{subject_name(plan)}_{plan.index + 1}"


def folder(plan) -> str:
    return f"SAMM_longvideos/{video_name(plan)}"


def number(plan, position) -> int:
    return position + 1


def file(plan, position) -> str:
    return f"{video_name(plan)}_{number(plan, position):04d}"


def annotate(root, plans, fps, faults) -> None:
    rows = []
    for plan in plans:
        times = [number(plan, t) for t in (plan.onset, plan.annotated_apex, plan.offset)]
        length = plan.offset - plan.onset + 1
        kind = "Micro - 1/2" if length / fps <= 0.5 else "Macro"
        head = [subject_name(plan), f"{video_name(plan)}_1", plan.index + 1]
        rows.append([*head, *times, length, kind, plan.action_units, None])
    if faults:
        _plant(rows, faults)
    preface: list[list] = [["SAMM Long Videos FACS Codes (synthetic)"]]
    preface += [[None]] * (HEADER_ROW - 1 - len(preface))
    write_workbook(root / WORKBOOK, "FACS_Movement_Only", [*preface, COLUMNS, *rows])


def _plant(rows, faults) -> None:
    """What the published annotation has, from the last row backwards."""

    def note(row, fault, detail):
        where = f"{WORKBOOK} row {HEADER_ROW + 1 + rows.index(row)}"
        faults.note(fault, where, detail)

    rows[-1][3] = 0
    note(rows[-1], "onset 0", f"{rows[-1][1]}: onset 0")
    if len(rows) > 1:
        rows[-2][8] = "R14A or 17A"
        note(rows[-2], "unusual action units", rows[-2][8])
    if len(rows) > 2:
        rows[-3][7] = f"{rows[-3][7]} "
        note(rows[-3], "blanks around a cell", repr(rows[-3][7]))
    faults.stray_file("SAMM_longvideos/.DS_Store")
    faults.stray_file("SAMM_longvideos/Thumbs.db")


FORM = Form(
    "samm_lv",
    folder=folder,
    file=file,
    annotate=annotate,
    emotions=EMOTIONS,
    timing="samm",
    context=40,
    grey=True,
)

"""CAS(ME)^3, part C: recordings `part_C/01/a/color/1.jpg` and a sheet without an apex.

Li et al., "CAS(ME)^3", IEEE TPAMI 2023. In the real set one recording holds all expressions of a
person; here each has a folder of its own, named as the sheet counts it, as people cut them.
"""

from merzoo.data.synthetic.forms.casme3 import EMOTIONS, WORDS, file, number
from merzoo.data.synthetic.forms.form import Form
from merzoo.files import write_workbook

WORKBOOK = "CAS(ME)3_part_C_ME.xlsx"
COLUMNS = ["sub", "count", "onset", "offset", "au", "emotion", "PHY"]


def folder(plan) -> str:
    return f"part_C/{plan.subject + 1:02d}/{plan.index + 1}/color"


def annotate(root, plans, fps, faults) -> None:
    rows = []
    for plan in plans:
        interval = [number(plan, plan.onset), number(plan, plan.offset)]
        units = plan.action_units.replace("+", ",")
        word = WORDS.get(plan.emotion, plan.emotion)
        name = f"{plan.subject + 1:02d}"
        rows.append([plan.subject + 1, plan.index + 1, *interval, units, word, name])
    if faults:
        _plant(rows, plans, faults)
    write_workbook(root / WORKBOOK, "Sheet1", [COLUMNS, *rows])


def _plant(rows, plans, faults) -> None:
    """What the published annotation has, from the last row backwards."""
    last = len(rows) - 1

    def note(i, fault, detail):
        faults.note(fault, f"{WORKBOOK} row {i + 2}", detail)

    def onset_zero(i):
        rows[i][2] = 0
        note(i, "onset 0", f"{rows[i][0]} {rows[i][1]}: onset 0")

    def chinese_comma(i):
        rows[i][4] = rows[i][4].replace(",", "\uff0c")
        note(i, "units spelt otherwise", rows[i][4])

    def dropped(i):
        where = f"{folder(plans[i])}/{file(plans[i], plans[i].apex)}.jpg"
        faults.remove_file(where, "the camera dropped it", "dropped frame")

    for i, step in zip(range(last, -1, -1), (onset_zero, chinese_comma, dropped), strict=False):
        step(i)
    faults.stray_file("part_C/.DS_Store")
    faults.stray_file("part_C/Thumbs.db")


FORM = Form(
    "casme3_c",
    folder=folder,
    file=file,
    annotate=annotate,
    emotions=EMOTIONS,
    fps=30.0,
    context=12,
)

"""CAS(ME)^3, part A: recordings `part_A/spNO.1/a/color/1.jpg`, sheets of emotions and intervals.

Li et al., "CAS(ME)^3", IEEE TPAMI 2023. Each recording here holds one expression, with neutral
frames around it. The quirks are those of the published annotation and of the camera.
"""

from merzoo.data.synthetic.forms.form import Form
from merzoo.data.synthetic.forms.micro import objective_class
from merzoo.files import write_workbook

WORKBOOK = "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx"
INTERVALS = "CAS(ME)3_part_A_v2.xlsx"
COLUMNS = ["Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Objective class", "emotion"]
# Clips per emotion in the real set.
EMOTIONS = {
    "disgust": 250,
    "surprise": 187,
    "others": 161,
    "fear": 86,
    "anger": 64,
    "sadness": 57,
    "happiness": 55,
}
WORDS = {"happiness": "happy", "sadness": "sad"}


def subject_name(plan) -> str:
    return f"spNO.{plan.subject + 1}"


def letters(index: int) -> str:
    """The recordings' names: a, b, ..., z, aa, ab, ...

    >>> letters(0), letters(25), letters(26)
    ('a', 'z', 'aa')
    """
    return (letters(index // 26 - 1) if index >= 26 else "") + chr(ord("a") + index % 26)


def folder(plan) -> str:
    return f"part_A/{subject_name(plan)}/{letters(plan.index)}/color"


def number(plan, position) -> int:
    return position + 1


def file(plan, position) -> str:
    return f"{number(plan, position)}"


def times(plan) -> list[int]:
    return [number(plan, t) for t in (plan.onset, plan.annotated_apex, plan.offset)]


def annotate(root, plans, fps, faults) -> None:
    rows = []
    for plan in plans:
        row = [subject_name(plan), letters(plan.index), *times(plan), plan.action_units]
        rows.append([*row, objective_class(plan), WORDS.get(plan.emotion, plan.emotion)])
    if faults:
        _plant(rows, plans, faults)
    write_workbook(root / WORKBOOK, "label", [COLUMNS, *rows])
    header = [*COLUMNS[:6], "Expression type", COLUMNS[6]]
    intervals = [[*row[:6], "Micro-expression", row[6]] for row in rows]
    write_workbook(root / INTERVALS, "Sheet1", [header, *intervals])


def _plant(rows, plans, faults) -> None:
    """What the published annotation has, from the last row backwards."""
    last = len(rows) - 1

    def note(i, fault, detail):
        faults.note(fault, f"{WORKBOOK} row {i + 2}", detail)

    def onset_zero(i):
        rows[i][2] = 0
        note(i, "onset 0", f"{rows[i][0]} {rows[i][1]}: onset 0")

    def capital(i):
        rows[i][1] = rows[i][1].upper()
        note(i, "clip spelt otherwise", rows[i][1])

    def dropped(i):
        where = f"{folder(plans[i])}/{file(plans[i], plans[i].annotated_apex)}.jpg"
        faults.remove_file(where, "the camera dropped the apex", "dropped frame")

    for i, step in zip(range(last, -1, -1), (onset_zero, capital, dropped), strict=False):
        step(i)
    faults.stray_file("part_A/.DS_Store")
    faults.stray_file("part_A/Thumbs.db")


FORM = Form(
    "casme3",
    folder=folder,
    file=file,
    annotate=annotate,
    emotions=EMOTIONS,
    fps=30.0,
    context=12,
)

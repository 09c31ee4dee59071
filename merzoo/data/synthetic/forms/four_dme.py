"""4DME: grey clips `micro_short_gray_video/01/clip_01/Frame_000000001.jpg` and a workbook.

Li et al., "4DME: A Spontaneous 4D Micro-Expression Dataset with Multimodalities", IEEE Trans.
Affective Computing 2023. The emotions are five: positive, negative, surprise, repression, others.
"""

from merzoo.data.synthetic.forms.form import Form, first_number
from merzoo.files import write_workbook

COLUMNS = ["sub_ID", "fold_name", "Onset", "Apex", "Offset", "AUs", "Emotion"]
WORKBOOK = "4DME_Labelling_Micro_release v1.xlsx"
_WORDS = {
    "happiness": "Positive",
    "surprise": "Surprise",
    "repression": "Repression",
    "others": "Others",
}


def subject_name(plan) -> str:
    return f"{plan.subject + 1:02d}"


def clip_name(plan) -> str:
    return f"clip_{plan.index + 1:02d}"


def folder(plan) -> str:
    return f"micro_short_gray_video/{subject_name(plan)}/{clip_name(plan)}"


def number(plan, position) -> int:
    return first_number(plan, 1, 9000) + position


def file(plan, position) -> str:
    return f"Frame_{number(plan, position):09d}"


def annotate(root, plans, fps, faults) -> None:
    rows = []
    for plan in plans:
        times = [number(plan, t) for t in (plan.onset, plan.annotated_apex, plan.offset)]
        units = "+".join(f"AU{unit}" for unit in plan.action_units.split("+"))
        word = _WORDS.get(plan.emotion, "Negative")
        rows.append([plan.subject + 1, clip_name(plan), *times, units, word])
    if faults:
        _plant(rows, faults)
    write_workbook(root / WORKBOOK, "Sheet1", [COLUMNS, *rows])


def _plant(rows, faults) -> None:
    """What the published annotation has, from the last row backwards."""

    def note(row, fault, detail):
        faults.note(fault, f"{WORKBOOK} row {rows.index(row) + 2}", detail)

    rows[-1][6] = f"{rows[-1][6]}, {'Repression' if rows[-1][6] != 'Repression' else 'Negative'}"
    note(rows[-1], "several emotions", rows[-1][6])
    if len(rows) > 1:
        rows[-2][5] += "(k)"
        note(rows[-2], "units spelt otherwise", rows[-2][5])
    if len(rows) > 2:
        rows[-3][1] = f"{rows[-3][1]} "
        note(rows[-3], "blanks around a cell", repr(rows[-3][1]))
    faults.stray_file("micro_short_gray_video/.DS_Store")
    faults.stray_file("micro_short_gray_video/Thumbs.db")


EMOTIONS: dict[str, float] = {"happiness": 1, "surprise": 1, "repression": 1, "others": 1}
EMOTIONS |= dict.fromkeys(("disgust", "sadness", "anger", "fear"), 0.5)
FORM = Form(
    "4dme",
    folder=folder,
    file=file,
    annotate=annotate,
    emotions=EMOTIONS,
    fps=60.0,
    grey=True,
)

"""SAMM: grey frames `SAMM/006/006_1_2/006_05562.jpg` and a workbook whose header is on row 14.

Davison et al., "SAMM: A Spontaneous Micro-Facial Movement Dataset", IEEE Trans. Affective
Computing 2018.
"""

from merzoo.data.synthetic.forms.form import Form, first_number
from merzoo.data.synthetic.forms.micro import objective_class, roman, write_composite_list
from merzoo.files import write_workbook

COLUMNS = ["Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame"]
COLUMNS += ["Duration", "Micro", "Action Units", "Estimated Emotion", "Objective Classes", "Notes"]
HEADER_ROW = 14
WORKBOOK = "SAMM_Micro_FACS_Codes_v2.xlsx"
# Clips per emotion in the real set; "others" is written "Other".
EMOTIONS = {
    "anger": 57,
    "others": 26,
    "happiness": 26,
    "surprise": 15,
    "contempt": 12,
    "disgust": 9,
    "fear": 8,
    "sadness": 6,
}


def subject_name(plan) -> str:
    return f"{6 + plan.subject:03d}"


def clip_name(plan) -> str:
    return f"{subject_name(plan)}_{inducement(plan)}_{plan.index // 7 + 1}"


def inducement(plan) -> int:
    return plan.index % 7 + 1


def folder(plan) -> str:
    return f"SAMM/{subject_name(plan)}/{clip_name(plan)}"


def number(plan, position) -> int:
    return first_number(plan, 100, 9000) + position


def file(plan, position) -> str:
    return f"{subject_name(plan)}_{number(plan, position):05d}"


def annotate(root, plans, fps, faults) -> None:
    rows = []
    for plan in plans:
        onset, offset = number(plan, plan.onset), number(plan, plan.offset)
        emotion = "Other" if plan.emotion == "others" else plan.emotion.capitalize()
        head = [subject_name(plan), clip_name(plan), inducement(plan)]
        times = [onset, number(plan, plan.annotated_apex), offset, offset - onset + 1]
        micro = "Micro" if (offset - onset + 1) / fps <= 0.5 else "Micro 2"
        objective = roman(objective_class(plan))
        rows.append([*head, *times, micro, plan.action_units, emotion, objective, None])
    if faults:
        _plant(rows, plans, faults)
    preface: list[list] = [["SAMM Micro-Movement FACS Codes (synthetic)"]]
    preface += [[None]] * (HEADER_ROW - 1 - len(preface))
    write_workbook(root / WORKBOOK, "MICRO_ONLY", [*preface, COLUMNS, *rows])
    composite = [("samm", subject_name(p), clip_name(p), p.emotion) for p in plans]
    write_composite_list(root, composite)


def _plant(rows, plans, faults) -> None:
    """One fault of each kind, from the last clip backwards."""
    last = len(rows) - 1

    def note(i, fault, detail):
        faults.note(fault, f"{WORKBOOK} row {HEADER_ROW + 1 + i}", detail)

    def apex_before(i):
        rows[i][4] = rows[i][3] - 5
        note(i, "apex outside onset..offset", f"{rows[i][1]}: apex {rows[i][4]}")

    def apex_after(i):
        rows[i][4] = rows[i][5] + 30
        note(i, "apex outside onset..offset", f"{rows[i][1]}: apex {rows[i][4]}")

    def number_as_subject(i):
        rows[i][0] = int(rows[i][0])
        note(i, "two spellings of a subject", f"{rows[i][0]} as a number")

    def others(i):
        rows[i][9] = "Others"
        note(i, "label spelt otherwise", "Others")

    def missing_folder(i):
        faults.remove_folder(folder(plans[i]), f"row {HEADER_ROW + 1 + i} names it")

    def missing_frame(i):
        where = f"{folder(plans[i])}/{file(plans[i], (plans[i].onset + plans[i].apex) // 2)}.jpg"
        faults.remove_file(where, "between onset and apex")

    def alternatives(i):
        rows[i][8] = "R14A or 17A or 24A"
        note(i, "unusual action units", rows[i][8])

    def unknown_label(i):
        rows[i][9] = "Angr"
        note(i, "unknown label", "Angr")

    steps = (apex_before, apex_after, number_as_subject, missing_folder, missing_frame)
    for i, step in zip(
        range(last, -1, -1), (*steps, alternatives, unknown_label, others), strict=False
    ):
        step(i)
    if last >= 8:
        rows.append(list(rows[0]))
        note(last + 1, "duplicated clip", f"{rows[0][1]} stands twice")


FORM = Form(
    "samm",
    folder=folder,
    file=file,
    annotate=annotate,
    emotions=EMOTIONS,
    timing="samm",
    grey=True,
)

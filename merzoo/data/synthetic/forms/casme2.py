"""CASME II: `CASME2_RAW_selected/sub01/EP02_01f/img46.jpg` and two workbooks.

Yan et al., "CASME II: An Improved Spontaneous Micro-Expression Database", PLoS ONE 2014. The
workbook has two columns without a name, and `/` where coders saw no apex.
"""

from merzoo.data.synthetic.forms.form import Form, first_number
from merzoo.data.synthetic.forms.micro import objective_class, write_composite_list
from merzoo.files import write_workbook

COLUMNS = ["Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None]
COLUMNS += ["Action Units", "Estimated Emotion"]
# Clips per emotion in the real set.
EMOTIONS = {
    "others": 99,
    "disgust": 63,
    "happiness": 32,
    "repression": 27,
    "surprise": 25,
    "sadness": 7,
    "fear": 2,
}
_EPISODES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 18, 19)


def subject_name(plan) -> str:
    return f"sub{plan.subject + 1:02d}"


def clip_name(plan) -> str:
    episode = _EPISODES[plan.index * 5 % len(_EPISODES)]
    return f"EP{episode:02d}_{plan.index + 1:02d}{'f' if plan.index % 3 == 0 else ''}"


def folder(plan) -> str:
    return f"CASME2_RAW_selected/{subject_name(plan)}/{clip_name(plan)}"


def number(plan, position) -> int:
    return first_number(plan, 20, 400) + position


def file(plan, position) -> str:
    return f"img{number(plan, position)}"


def annotate(root, plans, fps, faults) -> None:
    rows = []
    for plan in plans:
        apex = "/" if _without_apex(plan) else number(plan, plan.annotated_apex)
        times = [number(plan, plan.onset), apex, number(plan, plan.offset)]
        row = [plan.subject + 1, clip_name(plan), None, *times, None, plan.action_units]
        rows.append([*row, plan.emotion])
    objective = [[plan.subject + 1, clip_name(plan), objective_class(plan)] for plan in plans]
    composite = [("casme2", subject_name(p), clip_name(p), p.emotion) for p in plans]
    if faults:
        _plant(rows, plans, faults)
    write_workbook(root / "CASME2-coding-20140508.xlsx", "Sheet1", [COLUMNS, *rows])
    header = ["Subject", "Filename", "Objective Class"]
    write_workbook(root / "CASME2-ObjectiveClasses.xlsx", "Sheet1", [header, *objective])
    usual = ("disgust", "repression", "happiness", "surprise")
    write_composite_list(root, [row for row in composite if row[3] in usual])


def _without_apex(plan) -> bool:
    """One clip in twenty, as coders leave some; the first clips of a set keep theirs."""
    return (7 * plan.subject + plan.index) % 20 == 16


def _plant(rows, plans, faults) -> None:
    """One fault of each kind, from the last clip backwards."""
    last = len(rows) - 1

    def note(i, fault, detail):
        faults.note(fault, f"CASME2-coding-20140508.xlsx row {i + 2}", detail)

    def offset_zero(i):
        rows[i][5] = 0
        note(i, "offset 0", f"{rows[i][1]}: offset 0")

    def apex_outside(i):
        rows[i][4] = rows[i][5] + 12
        note(i, "apex outside onset..offset", f"{rows[i][1]}: apex {rows[i][4]}")

    def missing_folder(i):
        faults.remove_folder(folder(plans[i]), f"row {i + 2} names it")

    def missing_frame(i):
        where = f"{folder(plans[i])}/{file(plans[i], (plans[i].onset + plans[i].apex) // 2)}.jpg"
        faults.remove_file(where, "between onset and apex")

    def unknown_label(i):
        rows[i][8] = "happines"
        note(i, "unknown label", "happines")

    def padded_label(i):
        rows[i][8] = rows[i][8].capitalize() + " "
        note(i, "label spelt otherwise", repr(rows[i][8]))

    def odd_units(i):
        rows[i][7] = f"ref(7B)+{rows[i][7]}"
        note(i, "unusual action units", rows[i][7])

    def unreadable(i):
        faults.empty_file(f"{folder(plans[i])}/{file(plans[i], plans[i].apex)}.jpg")

    steps = (offset_zero, apex_outside, missing_folder, missing_frame, unknown_label)
    for i, step in zip(
        range(last, -1, -1), (*steps, padded_label, odd_units, unreadable), strict=False
    ):
        step(i)
    faults.stray_file("CASME2_RAW_selected/.DS_Store")
    if last >= 8:
        rows.append(list(rows[0]))
        note(last + 1, "duplicated clip", f"{rows[0][1]} of subject 1 stands twice")


FORM = Form("casme2", folder=folder, file=file, annotate=annotate, emotions=EMOTIONS)

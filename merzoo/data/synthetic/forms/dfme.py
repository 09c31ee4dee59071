"""DFME: `train_data/train_data/sub0001_01/00001.png` and a workbook for each part.

Zhao et al., "DFME: A New Benchmark for Dynamic Facial Micro-Expression Recognition", IEEE Trans.
Affective Computing 2024. The quirks are those that users of the set mend by hand, all of them known
and corrected when it is read.
"""

from collections import Counter

from merzoo.data.synthetic.forms.form import Form, first_number
from merzoo.files import write_workbook

COLUMNS = ["Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Emotion", "AU"]
SHEETS = "full_release_annotation/full_release_annotation"
# Clips per emotion in the training part of the real set.
EMOTIONS = {
    "disgust": 548,
    "surprise": 298,
    "sadness": 278,
    "fear": 265,
    "happiness": 206,
    "anger": 161,
    "contempt": 100,
}
# Part -> folder of its clips, and name of its sheet.
PARTS = {
    "train": ("train_data/train_data", "training_full_with_AU.xlsx"),
    "testA": ("test_data_A/test_data_A", "testA_full_with_AU.xlsx"),
    "testB": ("test_data_B/test_data_B", "testB_full_with_AU.xlsx"),
}


def part(plan) -> str:
    """Three people in five train; nobody is in two parts."""
    return {3: "testA", 4: "testB"}.get(plan.subject % 5, "train")


def subject_name(plan) -> str:
    return f"sub{plan.subject + 1:04d}"


def clip_name(plan) -> str:
    return f"{subject_name(plan)}_{plan.index + 1:02d}"


def folder(plan) -> str:
    return f"{PARTS[part(plan)][0]}/{clip_name(plan)}"


def number(plan, position) -> int:
    return first_number(plan, 1, 400) + position


def file(plan, position) -> str:
    return f"{number(plan, position):05d}"


def annotate(root, plans, fps, faults) -> None:
    rows: dict[str, list[list]] = {}
    for plan in plans:
        times = [number(plan, t) for t in (plan.onset, plan.annotated_apex, plan.offset)]
        row = [subject_name(plan), clip_name(plan), *times, plan.emotion, plan.action_units]
        rows.setdefault(part(plan), []).append(row)
    if faults:
        _plant(rows["train"], faults)
    for name, sheet in rows.items():
        write_workbook(root / SHEETS / PARTS[name][1], "Sheet1", [COLUMNS, *sheet])


def _plant(rows, faults) -> None:
    """What the published sheets have: a label spelt otherwise, blanks, units with letters."""
    where = f"{SHEETS}/{PARTS['train'][1]}"

    def note(row, fault, detail):
        faults.note(fault, f"{where} row {rows.index(row) + 2}", detail)

    usual = Counter(row[5] for row in rows).most_common(1)[0][0]
    row = [row for row in rows if row[5] == usual][-1]
    row[5] = usual.capitalize()
    note(row, "label spelt otherwise", row[5])
    row = rows[0]
    row[1] = f"{row[1]} "
    note(row, "blanks around a cell", repr(row[1]))
    row[6] = "+".join(f"AU{unit}" for unit in row[6].split("+"))
    note(row, "units spelt otherwise", row[6])
    faults.stray_file("train_data/.DS_Store")
    faults.stray_file("train_data/train_data/Thumbs.db")


FORM = Form("dfme", folder=folder, file=file, annotate=annotate, emotions=EMOTIONS, suffix=".png")

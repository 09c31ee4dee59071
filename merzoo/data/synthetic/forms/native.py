"""merzoo's own form: a folder of frames (or one lossless video) a clip, and `clips.csv`."""

import csv
import io

from merzoo.data.synthetic.forms.form import Form
from merzoo.files import write_text

COLUMNS = ["dataset", "subject", "clip", "path", "onset", "apex", "offset"]
COLUMNS += ["label", "action_units", "fps"]


def clip_name(plan) -> str:
    return f"s{plan.subject + 1:02d}/c{plan.index + 1:02d}"


def folder(plan) -> str:
    return f"clips/{clip_name(plan)}"


def annotate(root, plans, fps, faults) -> None:
    rows = []
    for plan in plans:
        subject, clip = clip_name(plan).split("/")
        path = folder(plan)
        if not (root / path).is_dir():
            path += ".avi"
        rows.append(
            {
                "dataset": "synthetic",
                "subject": subject,
                "clip": f"{subject}_{clip}",
                "path": path,
                "onset": plan.onset,
                "apex": plan.annotated_apex,
                "offset": plan.offset,
                "label": plan.emotion,
                "action_units": plan.action_units,
                "fps": f"{fps:g}",
            }
        )
    if faults:
        _plant(rows, plans, faults)
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(root / "clips.csv", text.getvalue())


def _plant(rows, plans, faults) -> None:
    def fault(row, kind, detail):
        faults.note(kind, f"clips.csv row {row + 2}", detail)

    def apex_outside(i):
        rows[i]["apex"] = rows[i]["offset"] + 9
        fault(i, "apex outside onset..offset", f"apex {rows[i]['apex']}")

    def no_apex(i):
        rows[i]["apex"] = ""
        fault(i, "no apex", "the cell is empty")

    def unknown_label(i):
        rows[i]["label"] = "hapiness"
        fault(i, "unknown label", "hapiness")

    def two_spellings(i):
        rows[i]["subject"] = rows[i]["subject"].upper()
        fault(i, "two spellings of a subject", rows[i]["subject"])

    def missing_frame(i):
        number = (plans[i].onset + plans[i].apex) // 2
        faults.remove_file(f"{folder(plans[i])}/{file(plans[i], number)}.jpg", "dropped")

    def no_folder(i):
        faults.remove_folder(folder(plans[i]), f"clips.csv row {i + 2} names it")

    steps = (apex_outside, no_apex, unknown_label, two_spellings, missing_frame, no_folder)
    for row, step in zip(range(len(rows) - 1, -1, -1), steps, strict=False):
        step(row)
    if len(rows) > len(steps):
        rows.append(dict(rows[0]))
        fault(len(rows) - 1, "duplicated clip", f"{rows[0]['clip']} stands twice")


def file(plan, position) -> str:
    return f"frame_{position:04d}"


FORM = Form("native", folder=folder, file=file, annotate=annotate, context=8)

"""SMIC-HS: `SMIC_all_raw/HS/s1/micro/negative/s1_ne_01/`; the class is the folder, nothing else.

Li et al., "A Spontaneous Micro-expression Database: Inducement, Collection and Baseline", FG 2013.
No action units and no apex are annotated. The composite list of MEGC2019 writes `s01` for `s1`.
"""

from merzoo.data.synthetic.forms.form import Form, first_number
from merzoo.data.synthetic.forms.micro import write_composite_list

# Clips per class in the real set; the negatives share 70.
EMOTIONS = {"disgust": 18, "repression": 18, "sadness": 17, "fear": 17}
EMOTIONS |= {"happiness": 51, "surprise": 43}
_FOLDERS = {"happiness": ("positive", "po"), "surprise": ("surprise", "sur")}


def subject_name(plan) -> str:
    return f"s{plan.subject + 1}"


def clip_name(plan) -> str:
    return f"{subject_name(plan)}_{_class_of(plan)[1]}_{plan.index + 1:02d}"


def _class_of(plan) -> tuple[str, str]:
    return _FOLDERS.get(plan.emotion, ("negative", "ne"))


def folder(plan) -> str:
    name = _class_of(plan)[0]
    return f"SMIC_all_raw/HS/{subject_name(plan)}/micro/{name}/{clip_name(plan)}"


def file(plan, position) -> str:
    return f"image{first_number(plan, 1000, 90000) + position:06d}"


def annotate(root, plans, fps, faults) -> None:
    composite = []
    for plan in plans:
        padded = f"s{plan.subject + 1:02d}"
        clip = f"{padded}_{_class_of(plan)[1]}_{plan.index + 1:02d}"
        composite.append(("smic", padded, clip, plan.emotion))
    write_composite_list(root, composite)
    if faults:
        _plant(plans, faults)


def _plant(plans, faults) -> None:
    """One fault of each kind, from the last clip backwards; the list still names every clip."""

    def no_frames(plan):
        where = folder(plan)
        for image in sorted((faults.root / where).glob("*.jpg")):
            image.unlink()
        faults.note("no frames", where, "the folder is empty")

    def missing_frame(plan):
        where = f"{folder(plan)}/{file(plan, (plan.onset + plan.apex) // 2)}.jpg"
        faults.remove_file(where, "inside the clip")

    def unreadable(plan):
        faults.empty_file(f"{folder(plan)}/{file(plan, plan.apex)}.jpg")

    def unknown_class(plan):
        where = folder(plan)
        other = where.replace(f"/{_class_of(plan)[0]}/", "/negatve/")
        faults.rename_folder(where, other, "unknown label", "a folder 'negatve'")

    def padded_subject(plan):
        where = folder(plan)
        other = where.replace(f"/{subject_name(plan)}/", f"/s{plan.subject + 1:02d}/", 1)
        if other != where:
            detail = f"{subject_name(plan)} and s{plan.subject + 1:02d}"
            faults.rename_folder(where, other, "two spellings of a subject", detail)

    steps = (no_frames, missing_frame, unreadable, unknown_class)
    for plan, step in zip(reversed(plans), steps, strict=False):
        step(plan)
    if len(plans) > len(steps):
        padded_subject(plans[0])
    faults.stray_file("SMIC_all_raw/HS/s1/micro/Thumbs.db")


FORM = Form("smic", folder=folder, file=file, annotate=annotate, emotions=EMOTIONS, fps=100.0)

"""CK+: sequences `cohn-kanade-images/S005/001/S005_001_00000011.png`, neutral to peak, grey.

Lucey et al., "The Extended Cohn-Kanade Dataset (CK+)", CVPR Workshops 2010. A sequence without an
emotion file has no label.
"""

from merzoo.data.synthetic.forms.form import Form
from merzoo.files import write_text

# Number in the emotion file; 0 is neutral, which no sequence peaks in.
NUMBERS = {
    "anger": 1,
    "contempt": 2,
    "disgust": 3,
    "fear": 4,
    "happiness": 5,
    "sadness": 6,
    "surprise": 7,
}
# Labelled sequences per emotion in the real set.
EMOTIONS = {
    "anger": 45,
    "contempt": 18,
    "disgust": 59,
    "fear": 25,
    "happiness": 69,
    "sadness": 28,
    "surprise": 83,
}


def sequence(plan) -> tuple[str, str]:
    return f"S{plan.subject + 5:03d}", f"{plan.index + 1:03d}"


def folder(plan) -> str:
    return "cohn-kanade-images/" + "/".join(sequence(plan))


def file(plan, position) -> str:
    return "_".join(sequence(plan)) + f"_{position + 1:08d}"


def labelled(plan) -> bool:
    """Five of six sequences are."""
    return (plan.subject + plan.index) % 6 != 5


def annotate(root, plans, fps, faults) -> None:
    for plan in plans:
        place, name = "/".join(sequence(plan)), file(plan, plan.apex)
        if labelled(plan):
            number = NUMBERS[plan.emotion]
            write_text(root / "Emotion" / place / f"{name}_emotion.txt", f"   {number:.7e}\n")
        lines = []
        for unit in sorted(plan.units, key=lambda unit: unit.number):
            level = "ABCDE".index(unit.intensity) + 1
            lines.append(f"   {unit.number:.7e}   {level:.7e}\n")
        write_text(root / "FACS" / place / f"{name}_facs.txt", "".join(lines))
    if faults:
        _plant(plans, faults)


def _plant(plans, faults) -> None:
    """One fault of each kind, from the last labelled sequence backwards."""

    def emotion_file(plan):
        return f"Emotion/{'/'.join(sequence(plan))}/{file(plan, plan.apex)}_emotion.txt"

    def unknown_label(plan):
        where = emotion_file(plan)
        write_text(faults.root / where, "   9.0000000e+00\n")
        faults.note("unknown label", where, "9")

    def empty_label(plan):
        where = emotion_file(plan)
        write_text(faults.root / where, "")
        faults.note("unknown label", where, "the file is empty")

    def missing_frame(plan):
        faults.remove_file(f"{folder(plan)}/{file(plan, 3)}.png", "inside the sequence")

    def unreadable(plan):
        faults.empty_file(f"{folder(plan)}/{file(plan, plan.apex)}.png")

    def missing_folder(plan):
        faults.remove_folder(folder(plan), f"{emotion_file(plan)} names it")

    steps = (unknown_label, empty_label, missing_frame, unreadable, missing_folder)
    for plan, step in zip(
        [plan for plan in reversed(plans) if labelled(plan)], steps, strict=False
    ):
        step(plan)
    faults.stray_file("cohn-kanade-images/.DS_Store")


FORM = Form(
    "ck_plus",
    folder=folder,
    file=file,
    annotate=annotate,
    emotions=EMOTIONS,
    fps=30.0,
    grey=True,
    suffix=".png",
    content="sequences",
)

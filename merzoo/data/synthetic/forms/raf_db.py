"""RAF-DB: `Image/aligned/train_00001_aligned.jpg` and `EmoLabel/list_patition_label.txt`.

Li, Deng, Du, "Reliable Crowdsourcing and Deep Locality-Preserving Learning for Expression
Recognition in the Wild", CVPR 2017. The list's name is misspelt in the real set too.
"""

from merzoo.data.synthetic.forms.form import Form
from merzoo.files import write_text

NUMBERS = {
    "surprise": 1,
    "fear": 2,
    "disgust": 3,
    "happiness": 4,
    "sadness": 5,
    "anger": 6,
    "neutral": 7,
}
# Images per class in the real set, both parts.
EMOTIONS = {
    "surprise": 1619,
    "fear": 355,
    "disgust": 877,
    "happiness": 5957,
    "sadness": 2460,
    "anger": 867,
    "neutral": 3204,
}
LIST = "EmoLabel/list_patition_label.txt"
FOLDER = "Image/aligned"


def part(plan) -> str:
    """One person in five is tested, none is on both sides."""
    return "test" if plan.subject % 5 == 4 else "train"


def name(plan) -> str:
    return f"{part(plan)}_{plan.subject * 100 + plan.index + 1:05d}"


def folder(plan) -> str:
    return FOLDER


def file(plan, position) -> str:
    return f"{name(plan)}_aligned"


def annotate(root, plans, fps, faults) -> None:
    ordered = sorted(plans, key=lambda plan: (part(plan) == "test", plan.subject, plan.index))
    lines = [f"{name(plan)}.jpg {NUMBERS[plan.emotion]}\n" for plan in ordered]
    if faults:
        _plant(lines, ordered, faults)
    write_text(root / LIST, "".join(lines))


def _plant(lines, plans, faults) -> None:
    """One fault of each kind, from the last line backwards."""

    def note(i, fault, detail):
        faults.note(fault, f"{LIST} line {i + 1}", detail)

    def unknown_label(i):
        lines[i] = f"{name(plans[i])}.jpg 8\n"
        note(i, "unknown label", "8")

    def missing_image(i):
        where = f"{FOLDER}/{file(plans[i], 0)}.jpg"
        faults.remove_file(where, f"line {i + 1} names it", fault="missing image")

    def unreadable(i):
        faults.empty_file(f"{FOLDER}/{file(plans[i], 0)}.jpg")

    def half_a_line(i):
        lines[i] = f"{name(plans[i])}.jpg\n"
        note(i, "unreadable line", "no label")

    steps = (unknown_label, missing_image, unreadable, half_a_line)
    for i, step in zip(range(len(lines) - 1, -1, -1), steps, strict=False):
        step(i)
    if len(lines) > len(steps):
        lines.append(lines[0])
        note(len(lines) - 1, "duplicated clip", f"{name(plans[0])}.jpg stands twice")


FORM = Form(
    "raf_db",
    folder=folder,
    file=file,
    annotate=annotate,
    emotions=EMOTIONS,
    size=(100, 100),
    fps=None,
    zoom=1.25,
    content="images",
)

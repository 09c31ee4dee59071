"""FER-2013: 48x48 grey images, as folders `train/<class>/Training_1.jpg` and as `fer2013.csv`.

Goodfellow et al., "Challenges in Representation Learning", ICONIP 2013.
"""

from merzoo.data.synthetic.forms.form import Form
from merzoo.whole import whole

CLASSES = {
    "anger": "angry",
    "disgust": "disgust",
    "fear": "fear",
    "happiness": "happy",
    "sadness": "sad",
    "surprise": "surprise",
    "neutral": "neutral",
}
# Images per class in the real set.
EMOTIONS = {
    "anger": 4953,
    "disgust": 547,
    "fear": 5121,
    "happiness": 8989,
    "sadness": 6077,
    "surprise": 4002,
    "neutral": 6198,
}
CSV = "fer2013.csv"


def usage(plan) -> str:
    """Three people in five train; nobody is on two sides."""
    return {3: "PublicTest", 4: "PrivateTest"}.get(plan.subject % 5, "Training")


def folder(plan) -> str:
    part = "train" if usage(plan) == "Training" else "test"
    return f"{part}/{CLASSES[plan.emotion]}"


def file(plan, position) -> str:
    return f"{usage(plan)}_{plan.subject * 100 + plan.index}"


def annotate(root, plans, fps, faults) -> None:
    ordered = sorted(plans, key=lambda p: (usage(p) != "Training", usage(p) != "PublicTest"))
    with (
        whole(root / CSV) as temporary,
        open(temporary, "w", encoding="utf-8", newline="\n") as out,  # line by line
    ):
        out.write("emotion,pixels,Usage\n")
        for row, plan in enumerate(ordered):
            out.write(_row(root, plan, len(ordered) - 1 - row if faults else None))
    if faults:
        _plant(ordered, faults)


def _row(root, plan, planted: int | None) -> str:
    """One image as a line; the last three lines of a faulty csv carry one fault each."""
    from merzoo.data.frames import read_image

    image = read_image(root / folder(plan) / f"{file(plan, 0)}.jpg")
    pixels = [str(value) for value in image.ravel().tolist()]
    number, part = list(CLASSES).index(plan.emotion), usage(plan)
    if planted == 0:
        number = 7
    elif planted == 1:
        pixels.pop()
    elif planted == 2:
        part = "Trainning"
    return f"{number},{' '.join(pixels)},{part}\n"


def _plant(plans, faults) -> None:
    last = len(plans) + 1
    for back, fault, detail in (
        (0, "unknown label", "7"),
        (1, "unreadable line", "one pixel is missing"),
        (2, "unknown usage", "Trainning"),
    ):
        if len(plans) > back:
            faults.note(fault, f"{CSV} row {last - back}", detail)
    if len(plans) > 3:
        faults.empty_file(f"{folder(plans[0])}/{file(plans[0], 0)}.jpg")
    faults.stray_file("train/.DS_Store")


FORM = Form(
    "fer2013",
    folder=folder,
    file=file,
    annotate=annotate,
    emotions=EMOTIONS,
    size=(48, 48),
    fps=None,
    grey=True,
    zoom=1.3,
    content="images",
)

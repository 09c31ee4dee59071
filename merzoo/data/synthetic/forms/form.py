"""What a form is: where its files go, how they are numbered, and how its annotation is written."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from merzoo.data.synthetic.plan import NATIVE_EMOTIONS, ClipPlan, generator
from merzoo.files import write_text


@dataclass(frozen=True)
class Form:
    """The layout of one dataset.

    Args:
        name: as typed.
        folder: plan -> the clip's folder inside the tree.
        file: (plan, position) -> the name of that frame's file, without suffix.
        annotate: (root, plans, fps, faults) -> None; writes the annotation and plants `faults`
            (`None` for a clean tree).
        emotions: emotion -> how often.
        size: (width, height) unless the user says otherwise.
        fps: frames per second unless the user says otherwise; `None` for still images.
        timing: a key of `merzoo.data.synthetic.plan.TIMING`.
        context: most frames before the onset and after the offset.
        grey: whether images have one channel.
        suffix: of the image files.
        zoom: enlargement of the face beyond what fits the frame whole.
        content: `"clips"` of micro-expressions, `"sequences"` from neutral to a full expression,
            or single `"images"` of full expressions.
    """

    name: str
    folder: Callable[[ClipPlan], str]
    file: Callable[[ClipPlan, int], str]
    annotate: Callable
    emotions: dict = field(default_factory=lambda: NATIVE_EMOTIONS)
    size: tuple[int, int] = (280, 340)
    fps: float | None = 200.0
    timing: str = "casme2"
    context: int = 0
    grey: bool = False
    suffix: str = ".jpg"
    zoom: float = 1.0
    content: str = "clips"


class Faults:
    """Plants annotation and file faults and keeps the list of them.

    Args:
        root: of the tree.

    A fault is a dictionary with `fault` (its kind), `where` (a path inside the tree, or a
    file and row) and `detail`.
    """

    def __init__(self, root: Path):
        self.root = root
        self.planted: list[dict] = []

    def note(self, fault: str, where: str, detail: str) -> None:
        self.planted.append({"fault": fault, "where": where, "detail": detail})

    def remove_file(self, where: str, detail: str, fault: str = "missing frame") -> None:
        (self.root / where).unlink(missing_ok=True)
        self.note(fault, where, detail)

    def remove_folder(self, where: str, detail: str) -> None:
        folder = self.root / where
        if folder.is_dir():
            for file in folder.iterdir():
                file.unlink()
            folder.rmdir()
        self.note("missing folder", where, detail)

    def rename_folder(self, where: str, other: str, fault: str, detail: str) -> None:
        if (self.root / where).is_dir():
            (self.root / other).parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(self.root / other, ignore_errors=True)  # of a run that was stopped
            os.replace(self.root / where, self.root / other)
        self.note(fault, other, detail)

    def empty_file(self, where: str) -> None:
        (self.root / where).write_bytes(b"")
        self.note("unreadable image", where, "the file has 0 bytes")

    def stray_file(self, where: str, content: bytes = b"\x00\x00\x00\x01Bud1") -> None:
        (self.root / where).write_bytes(content)
        self.note("stray file", where, "not an image; to be ignored")

    def save(self, path: Path) -> None:
        write_text(path, json.dumps(self.planted, indent=2) + "\n")


def first_number(plan: ClipPlan, low: int, high: int) -> int:
    """The number of a clip's first frame, as in a set cut out of long recordings."""
    seed, subject, _, index = plan.seed
    return int(generator(seed, subject, 4, index).integers(low, high))

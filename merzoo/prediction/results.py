"""What a prediction holds, and the JSON and CSV that it is written as."""

import csv
import io
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from merzoo.data.unit_labels import combination
from merzoo.errors import InputError
from merzoo.files import check_folder, claim_file, write_text
from merzoo.metrics import MACRO_F1, UF1
from merzoo.pages.html_table import html_table
from merzoo.preprocessing.face import Face
from merzoo.schema import read_json

if TYPE_CHECKING:
    import pandas

RESULTS, TABLE = "predictions.json", "predictions.csv"
UNKNOWN = "does not know"
NOT_FOR = (
    "Not for lie detection, hiring, school or medical decisions: facial movements do not show "
    "what a person thinks or feels."
)


@dataclass(frozen=True)
class Segment:
    """One expression of a video.

    Args:
        onset, apex, offset: frames, from 0.
        onset_seconds, apex_seconds, offset_seconds: `None` where the frame rate is unknown.
        probabilities: by class, summing to 1; of a network of action units, of each by itself.
        label: the most probable class; of a network of action units, those above one half.
        score: how many times its threshold the movement reaches (`"spot"`), or the confidence 0..1
            of its apex (`"whole"`); `None` for a pair of images.
        units: action unit -> probability that it moves; `None` where no weights say them.
        known: whether its calibrated confidence reaches the threshold of the weights' card, below
            which the network does not know; `None` where it is not calibrated.
    """

    onset: int
    apex: int
    offset: int
    onset_seconds: float | None
    apex_seconds: float | None
    offset_seconds: float | None
    probabilities: dict[str, float]
    label: str
    score: float | None
    units: dict[str, float] | None = None
    known: bool | None = None

    @property
    def shown(self) -> str:
        """The label, or that it is not known."""
        return UNKNOWN if self.known is False else self.label


def confidence_told(model: dict) -> str:
    """What the probabilities of a model are, from its facts; one line.

    >>> confidence_told({"confidence": None})
    'Its confidence is not calibrated: probabilities are as the network says them.'
    >>> confidence_told({"confidence": {"temperature": 1.7, "threshold": 0.62, "people": 8}})
    'Its confidence is calibrated on 8 people not trained on; below 0.62 it does not know.'
    """
    chosen = model.get("confidence")
    if chosen is None:
        return "Its confidence is not calibrated: probabilities are as the network says them."
    told = f"Its confidence is calibrated on {chosen['people']} people not trained on; "
    if chosen["threshold"] > 1:
        return told + "none of its answers was sure enough there, so it never says that it knows."
    if chosen["threshold"] == 0:
        return told + "there its answers were right often enough, so that it always answers."
    return told + f"below {chosen['threshold']:.2f} it does not know."


def least_of_units(model: dict) -> float:
    """The probability from which on it is known that a unit moves, from a model's facts.

    >>> least_of_units({"units": {"confidence": {"threshold": 0.8}}}), least_of_units({})
    (0.8, 0.0)
    """
    chosen = model.get("units", {}).get("confidence") or {}
    return float(chosen.get("threshold", 0.0))


def shown_units(units: dict[str, float]) -> str:
    """The action units above one half, as a combination.

    >>> shown_units({"AU4": 0.9, "AU9": 0.2, "AU12": 0.6}), shown_units({"AU4": 0.1})
    ('AU4+AU12', 'none')
    """
    return combination(int(name[2:]) for name, share in units.items() if share > 0.5)


@dataclass(frozen=True)
class Prediction(Sequence):
    """The segments of one video, clip or pair of images, in order of time; it is a list of them.

    Args:
        source: what was given.
        kind: `"video"`, `"folder"`, `"frames"` (in memory) or `"pair"`.
        segments: what was found; may be empty.
        frames: their number.
        fps: frames per second, or `None`.
        how: `"spot"` (candidates were looked for), `"whole"` (one clip, its apex spotted),
            `"pair"` or `"live"`.
        model: name, weights, classes, and the honest figures of the weights.
        warnings: what a reader must know.
        positions, curve: the movement of the face in pixels of its crop, at these frames.
        faces: (position, `Face`) where it was found.
        annotated: the annotated video, or `None`.
        times: (frames,) seconds of each frame, or `None` where the frame rate is unknown.
        live: of what was watched live: frames that came (`came`) and were `dropped`, and the
            seconds from each segment's apex to its answer (`latency`); else `None`.
    """

    source: str
    kind: str
    segments: tuple[Segment, ...]
    frames: int
    fps: float | None
    how: str
    model: dict
    warnings: tuple[str, ...]
    positions: np.ndarray = field(repr=False)
    curve: np.ndarray = field(repr=False)
    faces: tuple[tuple[int, Face], ...] = field(repr=False, default=())
    annotated: Path | None = None
    times: np.ndarray | None = field(repr=False, default=None)
    live: dict | None = None

    def __len__(self) -> int:
        return len(self.segments)

    def __getitem__(self, index):
        return self.segments[index]

    def to_frame(self) -> "pandas.DataFrame":
        """The segments as a table, a row each: the columns of `predictions.csv`."""
        import pandas

        return pandas.read_csv(io.StringIO(csv_text([self])))

    def _repr_html_(self) -> str:
        shown = [
            [
                *(s.shown, s.probabilities.get(s.label, "-")),
                *("-" if s.units is None else shown_units(s.units), s.onset, s.apex, s.offset),
            ]
            for s in self.segments
        ]
        rate = f" at {self.fps:g} frames per second" if self.fps else ""
        return html_table(
            f"{self.source}: {len(self)} found in {self.frames} frames{rate}",
            ["label", "probability", "action units", "onset", "apex", "offset"],
            shown,
            " ".join(
                [*self.warnings, self.model.get("note", ""), confidence_told(self.model), NOT_FOR]
            ),
        )

    def as_dict(self) -> dict:
        """Plain JSON types: everything but the curve and the faces."""
        return {
            "source": self.source,
            "kind": self.kind,
            "frames": self.frames,
            "fps": self.fps,
            "how": self.how,
            "segments": [asdict(segment) for segment in self.segments],
            "warnings": list(self.warnings),
            "annotated": self.annotated.name if self.annotated else None,
            "model": self.model,
            "not_for": NOT_FOR,
        } | ({} if self.live is None else {"live": self.live})


@dataclass(frozen=True)
class Failed:
    """A file of a batch that could not be used, and why (one line)."""

    source: str
    reason: str

    def as_dict(self) -> dict:
        return {"source": self.source, "error": self.reason}


def figures(model: dict) -> list[str]:
    """The honest figures of a model's weights, one line each.

    >>> figures({"metrics": {"synthetic:easy?seed=0": {"uf1": 0.9912, "n": 140}}})
    ['UF1 0.991 on synthetic:easy?seed=0, 140 samples']
    """
    lines = []
    for name, value in model["metrics"].items():
        if isinstance(value, dict) and UF1.name in value:
            size = f", {value['n']} samples" if "n" in value else ""
            lines.append(f"{UF1.label} {value[UF1.name]:.3f} on {name}{size}")
        elif isinstance(value, dict) and MACRO_F1.name in value:
            always = value["always_present_macro_f1"]
            lines.append(
                f"{MACRO_F1.label} of action units {value[MACRO_F1.name]:.3f} (always present: "
                f"{always:.3f}) on {name}, {value['n']} samples"
            )
        else:
            lines.append(f"{name} {value}")
    return lines


def check_results(out: str | os.PathLike | None) -> None:
    """Refuses, before any work, a folder that cannot be written to, or that holds predictions of
    another program or verb, which these would replace.

    Raises:
        InputError: saying why.
    """
    if out is None:
        return
    check_folder(out, file=None)
    for name in (RESULTS, TABLE):
        claim_file(Path(out) / name, "file of predictions", lambda path: _is_ours(path.parent))


def _is_ours(folder: Path) -> bool:
    try:
        return "files" in read_json(folder / RESULTS)
    except InputError:
        return False


def write_results(folder: Path, results: Sequence[Prediction | Failed]) -> None:
    """Writes `predictions.json` and `predictions.csv`, each whole or not at all."""
    content = {"files": [result.as_dict() for result in results]}
    write_text(folder / RESULTS, json.dumps(content, indent=1) + "\n")
    write_text(folder / TABLE, csv_text(results))


def csv_text(results: Sequence[Prediction | Failed]) -> str:
    """One row a segment: file, frames, seconds, label, score, a probability a class; and, where
    weights say them, the action units and a probability of each."""
    found = [result for result in results if isinstance(result, Prediction)]
    classes = list(dict.fromkeys(c for result in found for c in result.model["classes"]))
    fields = ("onset", "apex", "offset", "onset_seconds", "apex_seconds", "offset_seconds")
    beside = [result.model.get("units", {}).get("classes", []) for result in found]
    units = list(dict.fromkeys(name for names in beside for name in names))
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    columns = ["source", *fields, "label", "score", *(f"p_{name}" for name in classes)]
    sure = ["known"] if any(result.model.get("confidence") for result in found) else []
    columns += sure
    writer.writerow([*columns, *(["units"] if units else []), *(f"p_{name}" for name in units)])
    for result in found:
        for segment in result:
            numbers = [getattr(segment, name) for name in (*fields, "score")]
            numbers = ["" if n is None else f"{n:.6g}" for n in numbers]
            shares = [f"{segment.probabilities[name]:.6f}" for name in result.model["classes"]]
            source = _plain_cell(result.source)
            row = [source, *numbers[:-1], segment.label, numbers[-1], *shares]
            row += [_YES_NO[segment.known]] if sure else []
            if units:
                told = segment.units or {}
                row += [shown_units(told) if told else ""]
                row += [f"{told[name]:.6f}" if name in told else "" for name in units]
            writer.writerow(row)
    return stream.getvalue()


_YES_NO = {None: "", True: "yes", False: "no"}


def _plain_cell(text: str) -> str:
    """A name as spreadsheets should take it: as text, never as a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text

"""Bad inputs made of good files: each file that a verb reads, damaged in each way.

`PLACES` says which file of which verb, `BYTES` and `THINGS` how it is damaged; every pair is an
input. What is wrong inside of a whole file stands in `bad_inputs_contents.py`.
"""

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bad_inputs_run import Input

MANIFEST = "--detector none --jobs 1"
ARRAYS = "--epochs 1 --out out"


@dataclass(frozen=True)
class Place:
    """A file that a verb reads.

    Args:
        verb: of the command line.
        words: of the command line; the damaged copy lies in the folder of the try.
        file: that is damaged, its path (or a pattern of it) starting with the good file or folder
            that is copied.
        text: whether it is a table, so that a cut is made within a row.
        said: what a run that goes on must print; `None` where it may not.
        names: what a refusal must name, if not the file.
        may_change: what a run that goes on may write anew.
        spare: whether the verb works without it.
    """

    verb: str
    words: str
    file: str
    text: bool = False
    said: str | None = None
    names: str = ""
    may_change: tuple[str, ...] = ()
    spare: bool = False


PLACES = (
    Place("audit", "audit --data arrays:flow.npz", "flow.npz"),
    Place("evaluate", f"evaluate ststnet --data arrays:flow.npz {ARRAYS}", "flow.npz"),
    Place("pretrain", f"pretrain ststnet --data arrays:flow.npz {ARRAYS}", "flow.npz"),
    Place(
        "transfer",
        f"transfer ststnet --pretrained {{good}}/pre --data arrays:flow.npz {ARRAYS}",
        "flow.npz",
    ),
    Place("tune", "tune ststnet --data arrays:flow.npz --trials 1 --out out", "flow.npz"),
    Place("data check", "data check manifest faces", "faces/manifest.csv", text=True),
    Place(
        "data check",
        "data check manifest faces",
        "faces/s0c0/2.png",
        said=r"fault.*(2\.png|number 2)",
    ),
    Place(
        "data prepare",
        f"data prepare --data manifest:faces --input difference=16x16x1 {MANIFEST} --out o.npz",
        "faces/manifest.csv",
        text=True,
    ),
    Place(
        "data prepare",
        f"data prepare --data manifest:faces --input difference=16x16x1 {MANIFEST} --out o.npz",
        "faces/s0c0/2.png",
        names="s0c0",
        said="apex: a spotted one",
    ),
    Place(
        "explain",
        f"explain ststnet --weights synthetic --data manifest:faces {MANIFEST[:15]} --out out",
        "faces/manifest.csv",
        text=True,
    ),
    Place(
        "explain",
        "explain ststnet --weights small.weights.h5 --data manifest:{good}/faces --out out",
        "small.weights.h5",
    ),
    Place("export", "export ststnet --weights small.weights.h5 --out o", "small.weights.h5"),
    Place("export", "export model.keras --out o", "model.keras"),
    Place("predict", "predict film.avi --annotated none --out out", "film.avi", said="frames"),
    Place("predict", "predict onset.png {good}/apex.png --out out", "onset.png"),
    Place(
        "predict",
        "predict {good}/film.avi --weights small.weights.h5 --classes a,b,c --out out",
        "small.weights.h5",
    ),
    Place("predict", "predict {good}/film.avi --model model.keras --out out", "model.keras"),
    Place("demo", "demo --port 0 --weights small.weights.h5", "small.weights.h5"),
    Place(
        "audit",
        "audit ststnet --data arrays:{good}/flow.npz --split run/split.json",
        "run/split.json",
    ),
    Place(
        "audit",
        "audit ststnet --data arrays:{good}/flow.npz --recipe recipe.json",
        "recipe.json",
    ),
    Place(
        "evaluate",
        f"evaluate ststnet --data arrays:{{good}}/flow.npz --recipe recipe.json {ARRAYS}",
        "recipe.json",
    ),
    Place(
        "evaluate",
        f"evaluate ststnet --data arrays:{{good}}/flow.npz --split run/split.json {ARRAYS}",
        "run/split.json",
    ),
    Place(
        "evaluate",
        "evaluate --from run/protocol.json --out out",
        "run/protocol.json",
        names=r"protocol\.json|flow\.npz",
    ),
    Place(
        "evaluate",
        "evaluate ststnet --data arrays:{good}/flow.npz --epochs 1 --out run",
        "run/folds/seed0-a_s0*.npz",
        names="seed0-a_s0",
        said="seed0-a_s0.*(again|damaged)",
        may_change=("run/*",),
    ),
    Place(
        "evaluate",
        "evaluate ststnet --data arrays:{good}/flow.npz --epochs 1 --out run",
        "run/protocol.json",
        may_change=("run/*",),
    ),
    Place(
        "tune",
        "tune ststnet --data arrays:{good}/flow.npz --space space.json --out out",
        "space.json",
    ),
    Place("report", "report run", "run/protocol.json"),
    Place(
        "report",
        "report run",
        "run/metrics.json",
        spare=True,
        may_change=("run/*",),
    ),
    Place("report", "report run", "run/predictions.csv", text=True),
    Place("compare", "compare run {good}/other", "run/protocol.json"),
    Place("compare", "compare {good}/other run", "run/metrics.json", spare=True),
    Place("compare", "compare {good}/other run --out out", "run/predictions.csv", text=True),
    Place("score", "score scores.csv --out out", "scores.csv", text=True),
    Place("score", "score scores.xlsx --out out", "scores.xlsx"),
    Place("score", "score log.txt --out out", "log.txt", text=True),
    Place(
        "transfer",
        f"transfer ststnet --pretrained pre --data arrays:{{good}}/flow.npz {ARRAYS}",
        "pre/weights.json",
    ),
    Place(
        "transfer",
        f"transfer ststnet --pretrained pre --data arrays:{{good}}/flow.npz {ARRAYS}",
        "pre/model.weights.h5",
    ),
    Place(
        "predict",
        "predict {good}/film.avi --weights pre --out out",
        "pre/weights.json",
        names="weights.json|pre",
    ),
    Place("export", "export ststnet --weights pre --out o", "pre/model.weights.h5"),
)


def in_a_row(data: bytes, share: float) -> bytes:
    """A table cut after the first cell of a row."""
    lines = data.splitlines(keepends=True)
    last = max(1, int(len(lines) * share))
    cell = re.split(rb"[, ]", lines[last])[0]
    return b"".join(lines[:last]) + cell


def flipped(data: bytes) -> bytes:
    """The first 64 bytes with every bit turned: no header remains. (Of zip archives the last.)"""
    if data[:2] == b"PK":
        return data[:-64] + bytes(byte ^ 0xFF for byte in data[-64:])
    return bytes(byte ^ 0xFF for byte in data[:64]) + data[64:]


def noise(data: bytes) -> bytes:
    """As many random bytes."""
    return np.random.default_rng(0).bytes(len(data))


PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0:~\x9bU"  # a picture's head

BYTES = {
    "emptied": lambda data: b"",
    "one byte": lambda data: data[:1],
    "cut at a quarter": lambda data: data[: len(data) // 4],
    "cut at the half": lambda data: data[: len(data) // 2],
    "cut near its end": lambda data: data[: len(data) - max(2, len(data) // 50)],
    "its header turned": flipped,
    "noise": noise,
    "zero bytes": lambda data: bytes(len(data)),
    "of another kind": lambda data: b"PK\5\6" + bytes(18) if data[:4] == b"\x89PNG" else PNG,
    "UTF-16": lambda data: data.decode("latin-1").encode("utf-16"),
}
MAY_STAND = {"UTF-16"}  # a text in it can be read
NAMES_ONLY = {("log.txt", "its header turned")}  # another name in Latin-1, which nothing forbids


def _folder(path: Path) -> None:
    path.mkdir()
    (path / "inside.txt").write_text("dear")


THINGS = {
    "not there": lambda path: None,
    "a folder": _folder,
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link to nothing": lambda path: path.symlink_to("nothing"),
    "a pipe": os.mkfifo,
    "a link to /dev/zero": lambda path: path.symlink_to("/dev/zero"),
}


def _copied(place: Path | str, user: Path, good: Path) -> Path:
    """The damaged file's path in a copy of the good file or folder."""
    top = str(place).partition("/")[0]
    if (good / top).is_dir():
        shutil.copytree(good / top, user / top)
    else:
        shutil.copy(good / top, user / top)
    return next(user.glob(str(place)))


def _with_bytes(place: Place, damage: str):
    def make(user: Path, good: Path) -> None:
        path = _copied(place.file, user, good)
        data = path.read_bytes()
        share = {"cut at a quarter": 0.25, "cut at the half": 0.5, "cut near its end": 0.95}
        if place.text and damage in share:
            path.write_bytes(in_a_row(data, share[damage]))
        else:
            path.write_bytes(BYTES[damage](data))

    return make


def _with_thing(place: Place, damage: str):
    def make(user: Path, good: Path) -> None:
        path = _copied(place.file, user, good)
        path.unlink()
        THINGS[damage](path)

    return make


def _unreadable(place: Place):
    def make(user: Path, good: Path) -> None:
        _copied(place.file, user, good).chmod(0)

    return make


def damaged_files() -> Iterator[Input]:
    """Every file that a verb reads, damaged in every way."""
    for place in PLACES:
        name = Path(place.file).name
        usual = {
            "verb": place.verb,
            "words": tuple(place.words.split()),
            "needs": (place.file.partition("/")[0],),
            "names": place.names or re.escape(name),
            "may_change": place.may_change,
        }
        for damage in BYTES:
            if damage == "UTF-16" and not (place.text or name.endswith(".json")):
                continue
            stands = damage in MAY_STAND or (name, damage) in NAMES_ONLY
            said = "" if stands else place.said
            about = f"{place.file}: {damage} ({place.words.split()[0]} {_role(place)})"
            yield Input(about=about, make=_with_bytes(place, damage), said=said, **usual)
        makers = {damage: _with_thing(place, damage) for damage in THINGS}
        makers["not to be read"] = _unreadable(place)
        for damage, make in makers.items():
            about = f"{place.file}: {damage} ({place.words.split()[0]} {_role(place)})"
            # A fold that is not there is one of a run that was stopped: it is run.
            lacks = damage == "not there" and "/folds/" in str(place.file)
            spare = (place.spare and damage in THINGS) or lacks
            yield Input(about=about, make=make, said="" if spare else place.said, **usual)


def _role(place: Place) -> str:
    """The option or argument that names the file."""
    words = place.words.split()
    top = place.file.partition("/")[0]
    found = next(i for i, word in enumerate(words) if top in word)
    return words[found - 1] if words[found - 1].startswith("-") else words[found]

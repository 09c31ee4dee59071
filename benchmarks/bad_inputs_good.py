"""The good files that bad inputs are made from: small, and written by merzoo where merzoo has them.

`GOOD` is filled by the functions below; `make` writes those that are needed.
"""

import csv
import json
import os
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

GOOD: dict[str, Callable[[Path], None]] = {}
NEEDS = {
    "run": ("flow.npz",),
    "other": ("flow.npz",),
    "pre": ("before.npz",),
    "zeros.npz": ("flow.npz",),
    "rows.xlsx": ("scores.xlsx",),
}
CLASSES = ("negative", "positive", "surprise")


def good(name: str):
    """Registers a function that writes the good file or folder `name`."""

    def register(function):
        GOOD[name] = function
        return function

    return register


def make(names: Iterable[str], folder: Path) -> None:
    """Writes the good files `names` into `folder`, and what they are made from."""
    for name in names:
        if not (folder / name).exists():
            make(NEEDS.get(name, ()), folder)
            GOOD[name](folder / name)


def merzoo(*words: str, cwd: Path) -> None:
    """A command line of merzoo that must succeed, in a process of its own."""
    command = [sys.executable, "-m", "merzoo", *words]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=os.environ)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr}")


def flow_columns(dataset: str = "", subjects: int = 4, clips: int = 6) -> dict[str, np.ndarray]:
    """The keys of an `.npz` file of flow images (N, 28, 28, 3) whose classes can be learnt."""
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(subjects), clips)
    label = (person + np.tile(np.arange(clips), subjects)) % 3
    flow = rng.uniform(0, 60, (len(label), 28, 28, 3))
    for sample, k in enumerate(label):
        flow[sample, 8 * k : 8 * k + 10, 4:24] += 150
    return {
        "flow_image": flow.astype("float32"),
        "label": label,
        "subject": np.array([f"s{i}" for i in person]),
        "dataset": np.array([dataset or "ab"[i % 2] for i in person]),
        "clip": np.array([f"s{i}_{n}" for n, i in enumerate(person)]),
        "classes": np.array(CLASSES),
    }


@good("flow.npz")
def flow(path: Path) -> None:
    np.savez(path, **flow_columns())


@good("before.npz")
def before(path: Path) -> None:
    np.savez(path, **flow_columns("elsewhere"))


def picture(seed: int, shift: int = 0, side: int = 64) -> np.ndarray:
    """(side, side, 3) uint8: a smooth random pattern, moved by `shift` pixels."""
    import cv2

    noise = np.random.default_rng(seed).integers(0, 255, (side, side, 3), np.uint8)
    return np.roll(cv2.GaussianBlur(noise, (0, 0), 2), shift, 1)


MANIFEST = ("path", "subject", "label", "onset", "apex", "offset", "fps")


def manifest_rows() -> list[list]:
    """Rows of the manifest of `faces`: four people, three clips each, five frames a clip."""
    labels = ("disgust", "happiness", "surprise")
    return [[f"s{s}c{c}", f"s{s}", labels[c], 0, 2, 4, 50] for s in range(4) for c in range(3)]


@good("faces")
def faces(path: Path) -> None:
    """A data set of one's own: `manifest.csv` and folders of frames."""
    from merzoo.files import encode_image

    for place, row in enumerate(manifest_rows()):
        (path / row[0]).mkdir(parents=True)
        for i in range(5):
            (path / row[0] / f"{i}.png").write_bytes(encode_image(picture(place, i), ".png"))
    with (path / "manifest.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([MANIFEST, *manifest_rows()])


@good("casme2")
def casme2(path: Path) -> None:
    form = ("--form", "casme2", "--subjects", "1", "--clips", "2", "--jobs", "1")
    merzoo("data", "synthesize", str(path), *form, "--size", "64x64", cwd=path.parent)


@good("film.avi")
def film(path: Path) -> None:
    """A second of video, 64 x 64."""
    import cv2

    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25, (64, 64))
    for i in range(25):
        writer.write(picture(0, i % 3))
    writer.release()


@good("onset.png")
def onset(path: Path) -> None:
    from merzoo.files import encode_image

    path.write_bytes(encode_image(picture(1), ".png"))


@good("apex.png")
def apex(path: Path) -> None:
    from merzoo.files import encode_image

    path.write_bytes(encode_image(picture(1, 2), ".png"))


@good("scores.csv")
def scores(path: Path) -> None:
    """Another program's predictions, with probabilities."""
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows(score_rows())


def score_rows() -> list[list]:
    """The header and the rows of `scores.csv`."""
    rows = [["dataset", "subject", "clip", "label", "predicted", *(f"p_{n}" for n in CLASSES)]]
    for s in range(4):
        for c in range(6):
            shares = np.roll([0.6, 0.3, 0.1], (s + c // 2) % 3).tolist()
            truth, said = CLASSES[(s + c) % 3], CLASSES[int(np.argmax(shares))]
            rows.append(["ab"[s % 2], f"s{s}", f"s{s}_{c}", truth, said, *shares])
    return rows


@good("scores.xlsx")
def workbook(path: Path) -> None:
    from merzoo.files import write_workbook

    write_workbook(path, "Sheet1", score_rows())


@good("log.txt")
def log(path: Path) -> None:
    """Predictions in the form of MEGC 2019's logs."""
    lines = []
    for s in range(4):
        lines.append(f"casme2 sub{s:02d}")
        lines += [f"EP{c:02d}_0{s} {c % 3} {(c + s) % 3}" for c in range(4)]
    path.write_text("\n".join(lines) + "\n")


@good("run")
def run(path: Path) -> None:
    data = ("--data", "arrays:flow.npz")
    merzoo("evaluate", "ststnet", *data, "--epochs", "1", "--out", path.name, cwd=path.parent)


@good("other")
def other(path: Path) -> None:
    data = ("--data", "arrays:flow.npz")
    merzoo("evaluate", "flow-krr", *data, "--out", path.name, cwd=path.parent)


@good("pre")
def pre(path: Path) -> None:
    data = ("--data", "arrays:before.npz", "--epochs", "1", "--validation", "0")
    merzoo("pretrain", "ststnet", *data, "--out", path.name, cwd=path.parent)


@good("model.keras")
def model(path: Path) -> None:
    code = f"import merzoo; merzoo.create_model('ststnet').save({str(path)!r})"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@good("small.weights.h5")
def weights(path: Path) -> None:
    code = f"import merzoo; merzoo.create_model('ststnet').save_weights({str(path)!r})"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@good("recipe.json")
def recipe(path: Path) -> None:
    from dataclasses import asdict

    from merzoo.training.recipes import Recipe

    path.write_text(json.dumps(asdict(Recipe("mine", epochs=1)), indent=1))


@good("space.json")
def space(path: Path) -> None:
    path.write_text(json.dumps({"learning_rate": {"low": 1e-4, "high": 1e-2}, "epochs": [1]}))


def archive_with(path: Path, source: Path, name: str, parts: Iterable[bytes]) -> None:
    """A copy of the zip archive `source`, its member `name` replaced by what `parts` give."""
    with (
        zipfile.ZipFile(source) as old,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new,
    ):
        for member in old.namelist():
            if member != name:
                new.writestr(member, old.read(member))
        with new.open(name, "w", force_zip64=True) as stream:
            for part in parts:
                stream.write(part)


def array_header(descr: str, shape: str) -> bytes:
    """The head of a `.npy` file."""
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (117 - len(text)) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + text


@good("zeros.npz")
def zeros(path: Path) -> None:
    """24 pictures of 2 GB together, all zero: packed a thousandth of it."""
    head = array_header("<f4", f"(24, {(2 << 30) // 96000}, 1000, 1)")
    size = 24 * 4 * 1000 * ((2 << 30) // 96000)
    parts = (head, *(bytes(min(1 << 24, size - at)) for at in range(0, size, 1 << 24)))
    archive_with(path, path.parent / "flow.npz", "flow_image.npy", parts)


@good("rows.xlsx")
def rows(path: Path) -> None:
    """A workbook whose sheet of empty rows unpacks to half a gigabyte."""
    name = "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(path.parent / "scores.xlsx") as archive:
        start, mark, end = archive.read(name).partition(b"<sheetData>")
    row = b'<row r="1"><c r="A1"/></row>' * 300_000
    parts = (start + mark, *(row for _ in range(64)), end)
    archive_with(path, path.parent / "scores.xlsx", name, parts)

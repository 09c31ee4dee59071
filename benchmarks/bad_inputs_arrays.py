"""Bad inputs that are whole archives with wrong arrays, and small files that swell."""

import csv
import shutil
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from bad_inputs_good import (
    MANIFEST,
    archive_with,
    array_header,
    flow_columns,
    manifest_rows,
    score_rows,
)
from bad_inputs_run import Input

LONG = 200_000  # characters of a name that is too long
HALF = np.arange(24) % 2 == 0


def _one(value, place: int = 3):
    """A column with one value replaced."""

    def change(column):
        column = np.array(column, object if isinstance(value, str) else column.dtype)
        column[place] = value
        return column.astype(str) if isinstance(value, str) else column

    return change


# What is wrong -> (key, its column or what makes it of the good one); None leaves it out.
ARRAYS: dict[str, tuple[str, object]] = {
    "NaN": ("flow_image", _one(np.nan)),
    "infinite": ("flow_image", _one(np.inf)),
    "3e38": ("flow_image", _one(3e38)),
    "-3e38": ("flow_image", _one(-3e38)),
    "complex": ("flow_image", lambda x: x.astype("complex64")),
    "text as picture": ("flow_image", lambda x: np.full(x.shape[:1], "picture")),
    "a picture less": ("flow_image", lambda x: x[:-1]),
    "no pictures": ("flow_image", lambda x: x[:0]),
    "a number for pictures": ("flow_image", lambda x: np.float32(3)),
    "pictures of no width": ("flow_image", lambda x: x[:, :, :0]),
    "one axis less": ("flow_image", lambda x: x[..., 0]),
    "two channels": ("flow_image", lambda x: x[..., :2]),
    "another size": ("flow_image", lambda x: x[:, :20]),
    "an unknown modality": ("fow_image", lambda x: x),
    "a scalar as label": ("label", lambda x: np.int64(1)),
    "a label less": ("label", lambda x: x[:-1]),
    "labels of 1.5": ("label", lambda x: x + 0.5),
    "labels of -1": ("label", _one(-1)),
    "labels of NaN": ("label", lambda x: np.where(HALF, np.nan, x)),
    "labels that are ids": ("label", _one(1 << 40)),
    "a label without a class": ("label", _one(3)),
    "labels of two axes": ("label", lambda x: np.eye(3)[x]),
    "labels as text": ("label", lambda x: np.array(["happy", "sad", "angry"])[x]),
    "classes named twice": ("classes", np.array(["a", "a", "b"])),
    "classes that differ by case": ("classes", np.array(["a", "A", "b"])),
    "a class without a name": ("classes", np.array(["", "a", "b"])),
    "a class of blanks": ("classes", np.array([" ", "a", "b"])),
    "two classes for three": ("classes", np.array(["a", "b"])),
    "a class of 200 kB": ("classes", np.array(["a", "b", "c" * LONG])),
    "a class of two lines": ("classes", np.array(["a", "b", "c\nd"])),
    "classes of two axes": ("classes", np.array([["a", "b", "c"]] * 2)),
    "numbers as classes": ("classes", np.array([np.nan, 1, 2])),
    "a subject without a name": ("subject", _one("")),
    "a subject of blanks": ("subject", _one("  ")),
    "a subject of 200 kB": ("subject", _one("s" * LONG)),
    "a subject of two lines": ("subject", _one("s\n1")),
    "a subject with a zero byte": ("subject", _one("s\0x1")),
    "a subject that climbs": ("subject", _one("../../s1")),
    "a subject less": ("subject", lambda x: x[:-1]),
    "a scalar as subject": ("subject", np.array("s1")),
    "one subject": ("subject", lambda x: np.array(["s1"] * len(x))),
    "a data set without a name": ("dataset", _one("")),
    "a data set of 200 kB": ("dataset", _one("d" * LONG)),
    "a data set that climbs": ("dataset", _one("../a")),
    "a data set less": ("dataset", lambda x: x[:-1]),
    "a clip named twice": ("clip", lambda x: _one(str(x[1]), 0)(x)),
    "a clip without a name": ("clip", _one("")),
    "a clip of 200 kB": ("clip", _one("c" * LONG)),
    "a clip of two lines": ("clip", _one("c\r\n1")),
    "a clip less": ("clip", lambda x: x[:-1]),
    "no labels": ("label", None),
    "no subjects": ("subject", None),
    "no data sets": ("dataset", None),
    "no clips": ("clip", None),
    "no modality": ("flow_image", None),
    "Python objects": ("subject", lambda x: x.astype(object)),
    "records": ("flow_image", lambda x: np.zeros(len(x), [("a", "f4"), ("b", "i4")])),
    "fitted on nobody known": ("fitted_on", np.array(["", "x"])),
}
ARRAYS_SAID = {  # that need not be refused where it is said
    "one subject": "subject",
    "classes that differ by case": "class",
    "fitted on nobody known": "fitted",
    "a subject that climbs": "",
    "a data set that climbs": "",
    "another size": "",
}


def _array_file(what: str):
    key, change = ARRAYS[what]

    def make(user: Path, good: Path) -> None:
        columns = flow_columns()
        if change is None:
            del columns[key]
        elif key == "fow_image":
            columns[key] = columns.pop("flow_image")
        else:
            columns[key] = change(columns[key]) if callable(change) else change
        np.savez(user / "bad.npz", **columns, allow_pickle=True)

    return make


ARRAY_WORDS = {
    "evaluate": "evaluate ststnet --data arrays:bad.npz --epochs 1 --out out",
    "audit": "audit ststnet --data arrays:bad.npz",
}


def wrong_arrays() -> Iterator[Input]:
    """Archives whose columns cannot be right."""
    for verb, words in ARRAY_WORDS.items():
        for what in ARRAYS:
            yield Input(
                verb,
                f"arrays: {what}",
                tuple(words.split()),
                _array_file(what),
                said=ARRAYS_SAID.get(what),
                names=r"bad\.npz|flow_image|fow_image",
            )


def _swelling(name: str, header: bytes):
    """The good archive with the member `name` replaced by a header that promises more."""

    def make(user: Path, good: Path) -> None:
        archive_with(user / "bad.npz", good / "flow.npz", f"{name}.npy", (header,))

    return make


def _png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    packed = zlib.compress(bytes(1 << 16))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    )


def _huge_picture(user: Path, good: Path) -> None:
    (user / "huge.png").write_bytes(_png(60_000, 60_000))


def _huge_frame(user: Path, good: Path) -> None:
    shutil.copytree(good / "faces", user / "faces")
    (user / "faces" / "s0c0" / "2.png").write_bytes(_png(60_000, 60_000))


def _frames_without_end(user: Path, good: Path) -> None:
    data = bytearray((good / "film.avi").read_bytes())
    for mark, place in ((b"avih", 24), (b"strh", 40)):
        at = data.index(mark) + place
        data[at : at + 4] = (2**31 - 1).to_bytes(4, "little")
    (user / "film.avi").write_bytes(data)


def _long_cells(name: str, rows: list[list]):
    def make(user: Path, good: Path) -> None:
        if name.startswith("faces"):
            shutil.copytree(good / "faces", user / "faces")
        changed = [rows[0], [*rows[1]], *rows[2:]]
        changed[1][1] = "s" * LONG
        with (user / name).open("w", newline="") as stream:
            csv.writer(stream).writerows(changed)

    return make


def swelling() -> Iterator[Input]:
    """Small files and words that would take all of the memory."""
    archives = {
        "10^9 texts of no length": ("subject", array_header("<U0", "(1000000000,)")),
        "10^9 labels stated": ("label", array_header("<i8", "(1000000000,)")),
        "10^12 pictures stated": ("flow_image", array_header("<f4", "(1000000000, 28, 28, 3)")),
        "texts of 10^9 characters": ("clip", array_header("<U1000000000", "(24,)")),
        "10^30 stated": ("flow_image", array_header("<f4", f"({10**15}, {10**15})")),
        "axes without end": ("flow_image", array_header("<f4", "(0, 99999999999)")),
    }
    words = ARRAY_WORDS | {
        "tune": "tune ststnet --data arrays:bad.npz --out out",
    }
    for about, arguments in archives.items():
        for verb, line in words.items():
            make, needs = _swelling(*arguments), ("flow.npz",)
            yield Input(verb, f"swells: {about}", tuple(line.split()), make, needs, names="bad.npz")
    for verb, line in words.items():
        line_of = tuple(line.replace("bad.npz", "{good}/zeros.npz").split())
        yield Input(verb, "swells: 2 GB of zeros", line_of, names="zeros.npz")
    prepare = "data prepare --data manifest:{faces} --detector none --jobs 1 --out o.npz --input "
    for shape in ("200000x200000x3", "999999x999999x999999", "10x999999x999999x3", "0x28x3"):
        line = prepare.replace("{faces}", "{good}/faces") + f"difference={shape}"
        yield Input("data prepare", f"swells: {shape}", tuple(line.split()), names=shape[:6])
    line = prepare.replace("{faces}", "faces") + "difference=16x16x1"
    usual = {"words": tuple(line.split()), "needs": ("faces",)}
    yield Input("data prepare", "swells: a frame", make=_huge_frame, names="s0c0", **usual)
    rows = [list(MANIFEST), *manifest_rows()]
    make = _long_cells("faces/manifest.csv", rows)
    yield Input("data prepare", "a subject of 200 kB", make=make, names="manifest.csv", **usual)
    for verb in ("score", "compare"):
        rest = " --out out" if verb == "score" else " {good}/scores.csv"
        make = _long_cells("bad.csv", score_rows())
        line = f"{verb} bad.csv{rest}"
        yield Input(verb, "a subject of 200 kB", tuple(line.split()), make, names="bad.csv")
        for place in ("/dev/zero", "/dev/random"):
            words_of = tuple(f"{verb} {place}{rest}".split())
            yield Input(verb, f"swells: {place}", words_of, names=place)
    yield Input(
        "score",
        "swells: a workbook",
        ("score", "{good}/rows.xlsx", "--out", "out"),
        names="rows.xlsx",
    )
    for about, words_of, make, needs, names in (
        ("a picture", "predict huge.png huge.png --out out", _huge_picture, (), "huge.png"),
        ("/dev/zero", "predict /dev/zero --out out", None, (), "/dev/zero"),
        (
            "/dev/zero as weights",
            "predict {good}/film.avi --weights /dev/zero --out out",
            None,
            (),
            "/dev/zero",
        ),
    ):
        yield Input(
            "predict", f"swells: {about}", tuple(words_of.split()), make, needs, names=names
        )
    line = "predict film.avi --annotated none --out out"
    film = {"make": _frames_without_end, "needs": ("film.avi",), "said": "", "names": "film.avi"}
    yield Input("predict", "swells: frames without end", tuple(line.split()), **film)
    sizes = ("99999x99999", "0x0", "1x1", "99999x1")
    for size in sizes:
        line = f"data synthesize out --subjects 1 --clips 1 --jobs 1 --size {size}"
        yield Input(
            "data synthesize", f"swells: {size}", tuple(line.split()), names="size|width|height"
        )
    argument = "evaluate ststnet --data arrays:{good}/flow.npz --epochs 1 --out out --argument "
    for value in ("input_shape=[99999,99999,3]", "input_shape=[0,0,3]", "classes=1000000000"):
        line = argument + value
        names = value.partition("=")[0]
        yield Input("evaluate", f"swells: {value}", tuple(line.split()), names=names)

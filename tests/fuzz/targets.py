"""What is fuzzed: for each kind of file a real one, how merzoo loads it, and what is done with it.

A loader may do what it does for a user with a good file, and may raise `InputError`: nothing else.
"""

import csv
import io
import json
import zipfile
from pathlib import Path

import cv2
import numpy as np

from merzoo.files import encode_image, write_workbook

SIDE = 48


def picture(seed=0) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 255, (SIDE, SIDE, 3), np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 2)


def image(suffix):
    def make(folder: Path) -> bytes:
        if suffix in (".jpg", ".png"):
            return encode_image(picture(), suffix)
        return cv2.imencode(suffix, picture())[1].tobytes()

    return make


def load_image(path):
    from merzoo.data.frames import read_image

    found = read_image(path)
    assert found.dtype == np.uint8 and found.ndim == 3 and found.shape[-1] in (1, 3)


def video(code, suffix):
    def make(folder: Path) -> bytes:
        path = folder / f"seed{suffix}"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*code), 50, (SIDE, SIDE))
        for i in range(12):
            writer.write(np.roll(picture(), i, 1))
        writer.release()
        return path.read_bytes()

    return make


def load_video(path):
    from merzoo.prediction.sources import open_source

    source = open_source(path)
    for i in range(min(len(source.frames), 40)):
        assert source.frames[i].dtype == np.uint8


def arrays(folder: Path) -> bytes:
    stream = io.BytesIO()
    flow = np.random.default_rng(0).normal(size=(3, 6, 6, 3)).astype("float32")
    columns = {name: np.array([f"{name}{i}" for i in range(3)]) for name in ("subject", "clip")}
    columns |= {"dataset": np.array(["d"] * 3), "classes": np.array(["no", "yes"])}
    np.savez(stream, flow=flow, label=np.array([0, 1, 0]), **columns)
    return stream.getvalue()


def load_arrays(path):
    from merzoo.preprocessing.arrays import read_arrays

    read_arrays(path)


def manifest(folder: Path) -> bytes:
    (folder / "clip").mkdir(exist_ok=True)
    for i in range(4):
        (folder / "clip" / f"img{i}.png").write_bytes(encode_image(picture(i), ".png"))
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(
        [
            "dataset",
            "subject",
            "clip",
            "path",
            "onset",
            "apex",
            "offset",
            "label",
            "action_units",
            "fps",
        ]
    )
    for i in range(3):
        writer.writerow(["mine", f"s{i}", f"c{i}", "clip", 0, 2, 3, "happiness", "6+L12", 100.5])
    return stream.getvalue().encode()


def load_manifest(path):
    """No frame lies outside the manifest's folder, whatever a cell says."""
    from merzoo.data.manifest import read

    reading = read(path)
    root = path.parent.resolve()
    for clip in reading.clips:
        for file in clip.frames._files():
            assert root in file.resolve().parents, file


def workbook(folder: Path) -> bytes:
    rows = [["Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Estimated Emotion"]]
    rows += [[i, f"EP{i:02d}", 10, 20 + i, 40, "happiness"] for i in range(5)]
    write_workbook(folder / "seed.xlsx", "Sheet1", rows)
    return (folder / "seed.xlsx").read_bytes()


def load_table(path):
    from merzoo.data.tables import read_table
    from merzoo.errors import InputError

    for row in read_table(path, ("subject", "onset")):
        try:
            row.whole("onset")
        except InputError:
            continue


def unpacked_workbook(folder: Path) -> bytes:
    """The same, its parts stored as they are: damage reaches the XML instead of the packing."""
    return _stored(workbook(folder))


def _stored(data: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(stream, "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
    return stream.getvalue()


def entry(folder: Path) -> bytes:
    content = {
        **{"id": "ststnet.mine", "file": "model.weights.h5", "sha256": "0" * 64, "bytes": 10},
        **{"licence": "none", "trained_on": ["mine"], "subjects": ["mine/s1"], "url": None},
        **{"classes": ["no", "yes"], "labels": "megc3", "metrics": {"uf1": 0.5}},
    }
    return json.dumps([content]).encode()


def load_entry(path):
    from merzoo.weights.entry import read_entries

    for found in read_entries(path):
        assert Path(found.file).name == found.file


_MODELS = {}


def _model():
    if not _MODELS:
        import merzoo

        _MODELS["one"] = merzoo.create_model("ststnet")
    return _MODELS["one"]


def weights(folder: Path) -> bytes:
    _model().save_weights(folder / "seed.weights.h5")
    return (folder / "seed.weights.h5").read_bytes()


def load_weights(path):
    from merzoo.weights import load

    load(_model(), path)


def keras_file(folder: Path) -> bytes:
    _model().save(folder / "seed.keras")
    return _stored((folder / "seed.keras").read_bytes())


def load_keras(path):
    from merzoo.weights.keras_file import load_keras

    load_keras(path)


# name -> suffix of the file, its maker, its loader; those that need Keras come last.
TARGETS = {
    "png": (".png", image(".png"), load_image),
    "jpg": (".jpg", image(".jpg"), load_image),
    "bmp": (".bmp", image(".bmp"), load_image),
    "tiff": (".tiff", image(".tiff"), load_image),
    "avi": (".avi", video("MJPG", ".avi"), load_video),
    "mp4": (".mp4", video("mp4v", ".mp4"), load_video),
    "webm": (".webm", video("VP80", ".webm"), load_video),
    "npz": (".npz", arrays, load_arrays),
    "csv": (".csv", manifest, load_manifest),
    "xlsx": (".xlsx", workbook, load_table),
    "xlsx stored": (".xlsx", unpacked_workbook, load_table),
    "entry": (".json", entry, load_entry),
    "weights": (".weights.h5", weights, load_weights),
    "keras": (".keras", keras_file, load_keras),
}

"""Damaged files: no crash, no hang, no memory that runs away, nothing but `InputError`.

The mutations run in a child process with a limit of time and memory; see `child.py`. A failure
names target and seed: `python -m tests.fuzz.child FOLDER SEED SEED+1 TARGET` repeats it.
"""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from merzoo.data.frames import VideoFrames, read_image
from merzoo.data.tables import read_table
from merzoo.errors import InputError
from merzoo.preprocessing.arrays import read_arrays
from tests.fuzz.targets import TARGETS, keras_file, workbook

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("weights", "keras")  # need Keras


def fuzz(folder, first, last, *names) -> dict:
    command = [sys.executable, "-m", "tests.fuzz.child", str(folder), str(first), str(last), *names]
    done = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        errors="replace",
        env=os.environ | {"PYTHONPATH": str(ROOT), "OPENCV_LOG_LEVEL": "SILENT"},
        timeout=1500,
    )
    lines = done.stdout.strip().splitlines()
    assert done.returncode == 0 and lines[-1].startswith("RESULT "), (
        f"died at {lines[-1:]}: {done.returncode} {done.stderr[-1500:]}"
    )
    return json.loads(lines[-1].removeprefix("RESULT "))


def check(result):
    assert result["faults"] == []
    assert result["counts"]["refused"] > 0


def test_a_thin_slice_of_damaged_files(tmp_path):
    """Some of each kind that loads without Keras."""
    check(fuzz(tmp_path, 0, 25, *(name for name in TARGETS if name not in HEAVY)))


def test_a_thin_slice_of_damaged_weights_and_models(tmp_path):
    check(fuzz(tmp_path, 0, 4, *HEAVY))


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_many_damaged_files(name, tmp_path):
    check(fuzz(tmp_path, 1000, 1150 if name in HEAVY else 2500, name))


# Attacks that chance does not find


def test_an_image_that_states_more_than_a_memory_holds_is_refused(tmp_path):
    """A PNG of 60 bytes that claims 60000 x 60000 pixels."""
    import struct
    import zlib

    def chunk(kind, data):
        size, check = struct.pack(">I", len(data)), struct.pack(">I", zlib.crc32(kind + data))
        return size + kind + data + check

    header = struct.pack(">IIBBBBB", 60000, 60000, 16, 6, 0, 0, 0)
    path = tmp_path / "bomb.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    )
    with pytest.raises(InputError, match="too many pixels for a frame"):
        read_image(path)


def test_a_video_that_states_more_frames_than_it_has_bytes_is_refused(tmp_path):
    data = bytearray(TARGETS["avi"][1](tmp_path))
    for mark, place in ((b"avih", 24), (b"strh", 40)):  # total frames, length of the stream
        at = data.index(mark) + place
        data[at : at + 4] = (2**31 - 1).to_bytes(4, "little")
    data[data.index(b"idx1") : data.index(b"idx1") + 4] = b"junk"
    path = tmp_path / "bomb.avi"
    path.write_bytes(data)
    try:
        assert len(VideoFrames(path)) < len(data)
    except InputError as error:
        assert "cannot be right" in str(error) or "not a video" in str(error)


def test_arrays_of_python_objects_are_refused(tmp_path):
    """An object array is a pickle, and loading a pickle runs code."""

    class Attack:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'ran'}",)

    path = tmp_path / "attack.npz"
    evil = np.array([Attack()], dtype=object)
    columns = {name: evil for name in ("flow", "label", "subject", "dataset", "clip")}
    np.savez(path, **columns)
    with pytest.raises(InputError, match="holds Python objects"):
        read_arrays(path)
    assert not (tmp_path / "ran").exists()


def test_an_archive_that_states_more_than_it_holds_is_refused(tmp_path):
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (9999999, 9999, 9), }"
    header += b" " * (118 - len(header) - 1) + b"\n"
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("flow.npy", b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + header)
    with pytest.raises(InputError, match="more than the file holds"):
        read_arrays(path)


def test_a_workbook_of_nested_entities_is_refused_at_once(tmp_path):
    """ "Billion laughs": ten entities, each ten times the one before."""
    path = tmp_path / "laughs.xlsx"
    levels = "".join(
        f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' if i else '<!ENTITY l0 "ha">' for i in range(12)
    )
    good = workbook(tmp_path)
    (tmp_path / "good.xlsx").write_bytes(good)
    with zipfile.ZipFile(tmp_path / "good.xlsx") as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            text = source.read(name)
            if name.endswith("sheet1.xml"):
                text = f"<!DOCTYPE x [{levels}]>".encode() + text.replace(
                    b"<v>10</v>", b"<v>&l11;</v>"
                )
            target.writestr(name, text)
    with pytest.raises(InputError):
        read_table(path, ("subject", "onset"))


@pytest.mark.parametrize("cell", ["../outside", "/etc", "~", "a/../../outside", "link/outside"])
def test_a_manifest_cannot_reach_outside_its_folder(cell, tmp_path):
    from merzoo.data.manifest import load
    from tests.fuzz.targets import manifest

    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "img1.png").write_bytes(TARGETS["png"][1](tmp_path))
    (inside / "link").symlink_to(tmp_path)
    text = manifest(inside).decode().replace(",clip,", f",{cell},")
    (inside / "manifest.csv").write_text(text)
    with pytest.raises(InputError):
        load(inside)


def test_a_model_file_with_code_of_its_own_is_refused(tmp_path):
    """A `Lambda` layer is Python byte code: Keras' safe mode stays on."""
    import keras

    from merzoo.weights.keras_file import load_keras

    path = tmp_path / "lambda.keras"
    mark = tmp_path / "ran"
    x = keras.Input((2,), name="flow")
    code = keras.layers.Lambda(lambda t, mark=str(mark): (open(mark, "w").close(), t)[1])
    keras.Model(x, code(x)).save(path)
    mark.unlink(missing_ok=True)
    with pytest.raises(InputError, match=r"lambda\.keras: cannot be loaded"):
        load_keras(path)
    assert not mark.exists()


def test_a_model_file_that_names_a_function_of_python_is_refused(tmp_path):
    """The class of a layer replaced by one of the standard library."""
    from merzoo.weights.keras_file import load_keras

    good, path = tmp_path / "good.keras", tmp_path / "bad.keras"
    good.write_bytes(keras_file(tmp_path))
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "config.json":
                content = json.loads(data)
                layer = content["config"]["layers"][1]
                layer |= {"module": "subprocess", "class_name": "Popen"}
                layer["config"] = {"args": ["touch", str(tmp_path / "ran")]}
                data = json.dumps(content)
            target.writestr(name, data)
    with pytest.raises(InputError, match="cannot be loaded"):
        load_keras(path)
    assert not (tmp_path / "ran").exists()

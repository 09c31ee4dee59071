"""Files of a few bytes that stand for gigabytes, files without an end, and names without one."""

import io
import os
import socket
import subprocess
import sys
import zipfile
import zlib

import numpy as np
import pytest

from merzoo.data.cells import read_cells
from merzoo.data.pixels import read_image
from merzoo.errors import InputError
from merzoo.evaluation.scores.foreign import read_foreign
from merzoo.limits import LONGEST_NAME, bounded_zip, check_size, read_bytes
from merzoo.modalities import input_shapes
from merzoo.models.building import refuse_large
from merzoo.preprocessing.arrays import read_arrays


def header(shape, kind):
    """The bytes before the values of an `.npy` file."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": kind, "fortran_order": False, "shape": shape}
    )
    return file.getvalue()


def archive(path, **parts):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(f"{name}.npy", content)
    return path


ARCHIVES = {
    "text of no characters": ({"subject": header((10**9,), "<U0")}, "more than the file holds"),
    "text of one": ({"subject": header((10**12,), "<U1")}, "more than the file holds"),
    "numbers": ({"flow": header((1 << 40, 28, 28, 3), "<f4")}, "more than the file holds"),
    "zeros": ({"flow": header((140 << 20,), "|u1") + bytes(140 << 20)}, "packs so well"),
    "objects": ({"label": header((3,), "|O") + b"cos\nsystem\n."}, "Python objects"),
    "another kind of file": ({"label": b"<html>"}, "not a readable .npz"),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_is_measured_before_it_is_read(tmp_path, name):
    parts, message = ARCHIVES[name]
    with pytest.raises(InputError, match=message):
        read_arrays(archive(tmp_path / "x.npz", **parts))


def test_an_archive_that_names_a_member_twice_is_refused(tmp_path):
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("label.npy", b"a")
        file.writestr("label.npy", b"b")
    with pytest.raises(InputError, match=r"'label\.npy' twice"), bounded_zip(path):
        pass


@pytest.fixture
def endless(tmp_path):
    """Paths that are no files with an end, by what they are."""
    fifo, place = tmp_path / "fifo.csv", tmp_path / "socket.csv"
    os.mkfifo(fifo)
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "link.csv").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(str(place))
        yield {"a pipe": fifo, "a socket": place, "a folder": tmp_path / "folder.csv"} | {
            "a device": tmp_path / "link.csv"
        }


@pytest.mark.parametrize("read", [lambda p: read_foreign([p]), lambda p: list(read_cells(p))])
def test_what_has_no_end_is_not_read(endless, read):
    for kind, path in endless.items():
        with pytest.raises(InputError, match=f"{path.name}: {kind}, not a file"):
            read(path)


def test_a_file_is_read_to_its_limit(tmp_path):
    path = tmp_path / "x.txt"
    path.write_bytes(bytes(100))
    assert read_bytes(path, 100) == bytes(100)
    with pytest.raises(InputError, match="over 1 MB"):
        read_bytes(path, 99)
    if os.path.exists("/proc/self/maps"):  # which states a size of 0
        with pytest.raises(InputError, match="no end"):
            read_bytes("/proc/self/maps", 10)


def test_a_table_of_one_line_or_of_very_wide_rows_is_refused(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("path,subject,label\n" + "a," * 600_000)
    with pytest.raises(InputError, match="characters; it is no table"):
        list(read_cells(path))
    path.write_text(("a,b" + "," * 400_000 + "\n") * 20)
    with pytest.raises(InputError, match="cells, too many"):
        list(read_cells(path))


@pytest.mark.parametrize("column", range(5))
def test_a_name_without_end_is_shown_in_part(tmp_path, column):
    row = ["d", "s1", "a", "0", "1"]
    row[column] = "x" * (LONGEST_NAME + 1)
    path = tmp_path / "x.csv"
    path.write_text("dataset,subject,clip,label,predicted\n" + ",".join(row) + "\n")
    with pytest.raises(InputError, match="1001 characters") as told:
        read_foreign([path])
    assert len(str(told.value)) < 300


def test_a_picture_that_states_too_many_pixels_is_not_decoded(tmp_path):
    cv2 = pytest.importorskip("cv2")
    path = tmp_path / "x.png"
    data = bytearray(cv2.imencode(".png", np.zeros((8, 8), np.uint8))[1].tobytes())
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    path.write_bytes(data)
    with pytest.raises(InputError, match="too many pixels"):
        read_image(path)


def test_sizes_that_no_memory_holds_are_refused_by_their_numbers():
    with pytest.raises(InputError, match="200000 x 200000 x 1 is 40000000000 values"):
        input_shapes({"difference": (200_000, 200_000, 1)})
    with pytest.raises(InputError, match="3 x 5 is 15 values; 14 are the most"):
        check_size("it", (3, 5), 14)
    for arguments in ({"input_shape": (10**5, 10**5, 3)}, {"classes": 10**9}):
        with pytest.raises(InputError, match=next(iter(arguments))):
            refuse_large(pytest.fail, (), arguments)  # which is not called


def test_a_network_of_too_many_weights_is_counted_before_it_is_built():
    merzoo = pytest.importorskip("merzoo")
    with pytest.raises(InputError, match="offapexnet would have 18433058843 weights"):
        merzoo.create_model("offapexnet", input_shape=(3000, 3000, 3))


def test_bombs_are_refused_within_a_gigabyte(tmp_path):
    """All of them in one process that may not take more."""
    files = [
        archive(tmp_path / f"{i}.npz", **parts) for i, (parts, _) in enumerate(ARCHIVES.values())
    ]
    code = (
        "import sys, resource\n"
        "resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))\n"
        "from merzoo.preprocessing.arrays import read_arrays\n"
        "from merzoo.evaluation.scores.foreign import read_foreign\n"
        "from merzoo.errors import InputError\n"
        "for path in sys.argv[1:]:\n"
        "    try:\n"
        "        read_arrays(path) if path.endswith('npz') else read_foreign([path])\n"
        "        sys.exit(path)\n"
        "    except InputError:\n"
        "        pass\n"
        "lines = open('/proc/self/status').read().splitlines()\n"
        "print(next(line.split()[1] for line in lines if line.startswith('VmHWM')))\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, *map(str, files), "/dev/zero"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert found.returncode == 0, found.stderr
    assert int(found.stdout) < 1 << 20  # kB

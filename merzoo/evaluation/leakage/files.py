"""What is in the files that callbacks and builders name: arrays, tables, pictures, videos.

Files are read as data only: no pickles, no code, nothing that is no plain file, nothing over 2 GB.
"""

import itertools
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

_LARGEST = 1 << 31  # bytes
_FILES = 2000  # of a folder
_FRAMES = 300  # of a video
_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
_VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".webm")
_TABLES = (".csv", ".tsv")
_IN_FOLDERS = (".npz", ".npy", ".h5", ".hdf5", *_PICTURES, *_VIDEOS)


def is_data_file(name: str | Path) -> bool:
    """Whether a text names a file of data that is there, or a folder.

    >>> is_data_file("no such file.npz"), is_data_file("/dev/zero")
    (False, False)
    """
    text = str(name)
    if not 0 < len(text) < 4096 or "\n" in text or "\0" in text:
        return False
    path = Path(text)
    try:
        if path.suffix.lower() not in _READERS:
            return path.is_absolute() and path.parent != path.parent.parent and path.is_dir()
        return path.is_file() and path.stat().st_size < _LARGEST
    except OSError:
        return False


def parts_of_file(path: Path) -> Iterator[tuple[str, object]]:
    """(step, value) of what a file holds; nothing of what cannot be read as data.

    Args:
        path: for which `is_data_file` is true; of a folder its arrays, pictures and videos are
            given, of the first 2000 files.
    """
    if path.is_dir():
        files = itertools.islice(path.glob("**/*"), _FILES)
        yield from (("", file) for file in files if file.suffix.lower() in _IN_FOLDERS)
        return
    try:
        for step, value in _READERS[path.suffix.lower()](path):
            yield f", file {path.name}{step}", value
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, RuntimeError):
        return


def _npz(path: Path) -> Iterator[tuple[str, object]]:
    with np.load(path, allow_pickle=False) as archive:
        table = {}
        for name in archive.files:
            try:
                table[name] = archive[name]
            except ValueError:  # a pickled object
                continue
        yield "", table


def _npy(path: Path) -> Iterator[tuple[str, object]]:
    yield "", np.load(path, mmap_mode="r", allow_pickle=False)


def _hdf5(path: Path) -> Iterator[tuple[str, object]]:
    import h5py

    with h5py.File(path, "r") as file:
        names: list[str] = []
        file.visit(names.append)
        table = {}
        for name in names:
            found = file[name]
            if isinstance(found, h5py.Dataset):
                text = h5py.check_string_dtype(found.dtype) is not None
                table[name] = np.asarray(found.asstr()[...] if text else found)
        yield "", table


def _csv(path: Path) -> Iterator[tuple[str, object]]:
    import pandas

    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    yield "", pandas.read_csv(path, sep=separator, nrows=200_000)


def _json(path: Path) -> Iterator[tuple[str, object]]:
    yield "", json.loads(path.read_text(encoding="utf-8"))


def _picture(path: Path) -> Iterator[tuple[str, object]]:
    import cv2

    found = cv2.imdecode(np.fromfile(path, "uint8"), cv2.IMREAD_UNCHANGED)
    if found is not None:
        yield "", found
        if found.ndim == 3:
            yield "", np.ascontiguousarray(found[..., ::-1])  # as RGB


def _video(path: Path) -> Iterator[tuple[str, object]]:
    import cv2

    video = cv2.VideoCapture(str(path))
    try:
        for i in range(_FRAMES):
            good, frame = video.read()
            if not good:
                return
            yield f" frame {i}", frame
            yield f" frame {i}", np.ascontiguousarray(frame[..., ::-1])
            yield f" frame {i}", cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
    finally:
        video.release()


_READERS = {
    ".npz": _npz,
    ".npy": _npy,
    ".h5": _hdf5,
    ".hdf5": _hdf5,
    ".json": _json,
    **dict.fromkeys(_TABLES, _csv),
    **dict.fromkeys(_PICTURES, _picture),
    **dict.fromkeys(_VIDEOS, _video),
}

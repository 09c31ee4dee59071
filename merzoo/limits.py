"""Limits: how large a file, a name or an array may be before any of it is read or made.

A few bytes can stand for more than a memory holds: a device that never ends, an archive that
unpacks to a thousand times its size, a shape of 200000 x 200000. Whatever a user names is measured
here first, and refused with the limit that it breaks.
"""

import contextlib
import math
import os
import stat
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from merzoo.errors import InputError

if TYPE_CHECKING:
    import numpy as np

LONGEST_NAME = 1000  # characters of a data set, subject, clip or class
MOST_CLASSES = 1000
LARGEST_SAMPLE = 1 << 25  # values of one sample of one modality: 128 MiB as float32
# An archive that unpacks to more than this may unpack to so many times its own size.
UNPACKED, PACKED = 128 << 20, 100

_KINDS = {
    stat.S_ISDIR: "a folder",
    stat.S_ISFIFO: "a pipe",
    stat.S_ISSOCK: "a socket",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
}


def regular_file(path: str | Path, most: int | None = None, *, advice: str = "") -> Path:
    """The path of a file that has an end, of at most `most` bytes.

    Args:
        path: as the user gave it.
        most: bytes; `None` for a file of any size.
        advice: what to do about one that is too large, a sentence.

    Raises:
        InputError: for a path at which there is nothing, a folder, pipe, socket or device, or a
            larger file.

    Example:

    >>> import os
    >>> regular_file(os.devnull, 100)
    Traceback (most recent call last):
    ...
    merzoo.errors.InputError: /dev/null: a device, not a file; give a file.
    """
    path = Path(path)
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        raise InputError(
            f"{path}: no such file." if missing else f"{path}: cannot be read: {reason}."
        ) from None
    if not stat.S_ISREG(found.st_mode):
        kind = next((name for test, name in _KINDS.items() if test(found.st_mode)), "no file")
        raise InputError(f"{path}: {kind}, not a file; give a file.")
    if most is not None and found.st_size > most:
        raise InputError(
            f"{path}: over {max(1, most >> 20)} MB, the most that is read."
            + (f" {advice}" if advice else "")
        )
    return path


def read_bytes(path: str | Path, most: int, *, advice: str = "") -> bytes:
    """The content of a file that `regular_file` lets pass; no more is read, should it grow.

    Raises:
        InputError: as `regular_file`, and for a file that may not be read.
    """
    path = regular_file(path, most, advice=advice)
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from None
    if len(data) > most:  # of files that state no size, as those of /proc
        raise InputError(f"{path}: has no end; give a file.")
    return data


@contextlib.contextmanager
def bounded_zip(path: str | Path, unpacked: int = UNPACKED) -> Iterator[zipfile.ZipFile]:
    """An open zip archive whose members unpack to what such a file can hold.

    Args:
        path: of a regular file.
        unpacked: bytes that any archive may unpack to; a larger one to `PACKED` times its size.

    Raises:
        InputError: for an archive that unpacks to more, or has two members of one name.
        zipfile.BadZipFile: for what is no archive.
    """
    size = os.stat(path).st_size  # members may lie upon each other: what they state is no measure
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
        total = sum(part.file_size for part in parts)
        if total > max(unpacked, PACKED * size):
            raise InputError(
                f"{path}: unpacks to {total >> 20} MB from {size >> 10} kB: no real file packs so "
                f"well ({PACKED} times is the most)."
            )
        twice = [name for name, count in Counter(p.filename for p in parts).items() if count > 1]
        if twice:
            raise InputError(f"{path}: holds {shown(twice[0])} twice; write it anew.")
        yield archive


def read_npz(path: str | Path) -> "dict[str, np.ndarray]":
    """The arrays of an `.npz` file, whose headers are looked at before any of them is read.

    Args:
        path: of the file, of any size; samples take as much memory as they are.

    Raises:
        InputError: for what is no file or no archive of arrays, an array that states more values
            than the file holds, Python objects (which could run code), or what `bounded_zip`
            refuses.
    """
    import numpy as np

    path = regular_file(path)
    try:
        with bounded_zip(path) as archive:
            for part in archive.infolist():
                _check_header(path, archive, part)
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except InputError:
        raise
    except Exception as error:  # of zip, zlib and NumPy, whatever a damaged file provokes
        line = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path}: not a readable .npz file ({line}).") from None


def _check_header(path: Path, archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    from numpy.lib import format as npy

    name = shown(part.filename.removesuffix(".npy"))
    if not part.filename.endswith(".npy"):
        raise InputError(f"{path}: holds {name}, which is no array (.npy); leave it out.")
    with archive.open(part) as file:
        version = npy.read_magic(file)
        read = npy.read_array_header_1_0
        if version != (1, 0):
            read = npy.read_array_header_2_0
        shape, _, dtype = read(file)
    if dtype.hasobject:
        raise InputError(
            f"{path}: {name} holds Python objects, which could run code; save names as text "
            "(np.asarray(names, str)) and samples as one array of numbers."
        )
    # Text of no characters takes no room in a file, and some in memory.
    if math.prod(shape) * max(1, dtype.itemsize) > part.file_size:
        raise InputError(f"{path}: {name} states {shape} values, more than the file holds.")


def check_size(what: str, shape: Sequence[int], most: int = LARGEST_SAMPLE) -> None:
    """Refuses a shape of more values than any memory is worth taking for.

    Args:
        what: for the message, such as `"input 'flow'"`.
        shape: of the array that would be made.
        most: values.

    Raises:
        InputError: naming the shape and the limit.

    >>> check_size("input 'flow'", (28, 28, 3))
    >>> check_size("input 'flow'", (200000, 200000, 3))
    Traceback (most recent call last):
    ...
    merzoo.errors.InputError: input 'flow' of 200000 x 200000 x 3 is 120000000000 values; 33554432 \
are the most: give smaller sides.
    """
    size = math.prod(shape)
    if size > most:
        sides = " x ".join(map(str, shape))
        raise InputError(
            f"{what} of {sides} is {size} values; {most} are the most: give smaller sides."
        )


def check_names(what: str, names: Iterable[str], source: str) -> None:
    """Refuses names that no table, page or file could show.

    Args:
        what: `"subject"`, `"clip"`, `"class"`, ...
        names: in order.
        source: the file or object that holds them, for the message.

    Raises:
        InputError: for a name of more than `LONGEST_NAME` characters, or with one that is no text
            but controls a terminal or ends a line or a name.

    Example:

    >>> check_names("clip", ["a b", "a\\nb"], "x.npz")
    Traceback (most recent call last):
    ...
    merzoo.errors.InputError: x.npz: the clip 'a\\nb' holds the control character '\\n'; rename it.
    """
    for name in names:
        if not name.isprintable():
            control = next((c for c in name if unicodedata.category(c) == "Cc"), None)
            if control is not None:
                raise InputError(
                    f"{source}: the {what} {shown(name, 20)} holds the control character "
                    f"{control!r}; rename it."
                )
        if len(name) > LONGEST_NAME:
            raise InputError(
                f"{source}: the {what} {shown(name, 20)} has {len(name)} characters; "
                f"{LONGEST_NAME} are the most."
            )


def shown(text: str, most: int = 60) -> str:
    """A text of any length, as a message can hold it.

    >>> shown("abc"), shown("a" * 100, 9)
    ("'abc'", "'aaaaaaaaa...'")
    """
    return repr(text if len(text) <= most else text[:most] + "...")

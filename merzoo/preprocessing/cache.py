"""The cache of extracted modalities: one `.npy` file per clip and modality, named by content.

A key is the SHA-256 of everything the array depends on, so nothing in the cache is ever out of
date. Files appear whole or not at all (written beside their place, then renamed, which POSIX and
NTFS do in one step), so two runs may share a cache and a killed run leaves no half file.
"""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from merzoo.errors import InputError
from merzoo.home import home

_PART = ".part"  # the suffix of a file that is being written
_ABANDONED = 3600  # seconds after which nobody is writing it any more


class CacheError(InputError):
    """The cache cannot be written: no clip is at fault, the whole run must stop."""


class Cache:
    """A folder of arrays named by their keys.

    Args:
        folder: where it lies; `None` means `home("cache", "modalities")`. Made when first written.

    Example:

    >>> import tempfile
    >>> cache = Cache(tempfile.mkdtemp())
    >>> name = key(clip="3f2a", modality="flow", version=1)
    >>> cache.put(name, np.ones((2, 2), "float32"))
    >>> float(cache.get(name).sum()), cache.get(key(clip="other"))
    (4.0, None)
    """

    def __init__(self, folder: str | Path | None = None):
        self.folder = home("cache", "modalities") if folder is None else Path(folder)

    def path(self, name: str) -> Path:
        """Where the array of a key lies (whether or not it is there)."""
        return self.folder / name[:2] / f"{name}.npy"

    def __contains__(self, name: str) -> bool:
        return self.path(name).is_file()

    def get(self, name: str) -> np.ndarray | None:
        """The array of a key as a read-only memory map, or `None` if it is not there."""
        path = self.path(name)
        try:
            return np.load(path, mmap_mode="r", allow_pickle=False)
        except FileNotFoundError:
            return None
        except (ValueError, EOFError, OSError):
            path.unlink(missing_ok=True)  # damaged from outside: computed again
            return None

    def put(self, name: str, array: np.ndarray) -> None:
        """Stores an array; raises `CacheError` if the disk is full or the folder not writable."""
        self.put_rows(name, [array], array.shape, array.dtype)

    def put_rows(self, name: str, rows: Iterable, shape: tuple[int, ...], dtype) -> None:
        """Stores an array of `shape` from consecutive parts, one at a time in memory."""
        path = self.path(name)
        part = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, part = tempfile.mkstemp(dir=path.parent, suffix=_PART)
            with os.fdopen(handle, "wb") as file:
                np.lib.format.write_array_header_1_0(
                    file, {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": shape}
                )
                for row in rows:
                    file.write(np.ascontiguousarray(row, dtype))
            os.replace(part, path)
        except OSError as error:
            raise CacheError(
                f"cache {self.folder}: cannot be written: {error.strerror}; free some space "
                "(merzoo data cache --clear) or name another folder."
            ) from None
        finally:
            if part is not None:
                Path(part).unlink(missing_ok=True)

    def size(self) -> tuple[int, int]:
        """Number of stored arrays and bytes that the cache takes."""
        files = [p for p in self.folder.rglob("*") if p.is_file()]
        return sum(p.suffix == ".npy" for p in files), sum(p.stat().st_size for p in files)

    def clear(self) -> tuple[int, int]:
        """Removes everything in the cache; returns what `size` said before."""
        before = self.size()
        for folder in self.folder.glob("[0-9a-f][0-9a-f]"):
            shutil.rmtree(folder, ignore_errors=True)
        return before

    def sweep(self) -> int:
        """Removes what killed runs left unfinished over an hour ago; returns how many files."""
        oldest = time.time() - _ABANDONED
        left = [p for p in self.folder.glob(f"*/*{_PART}") if p.stat().st_mtime < oldest]
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)


def key(**parts) -> str:
    """SHA-256 over named values (anything that JSON holds).

    >>> key(a=1, b=[2, "x"]) == key(b=[2, "x"], a=1), len(key(a=1))
    (True, 64)
    """
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def content_of(frames, store: Cache) -> str:
    """The content hash of frames; the cache remembers it while their files stay untouched."""
    stamp = frames.stamp()
    if stamp is None:
        return frames.content_hash()
    name = key(stamp=stamp)
    known = store.get(name)
    if known is not None:
        return bytes(known).hex()
    content = frames.content_hash()
    store.put(name, np.frombuffer(bytes.fromhex(content), np.uint8))
    return content

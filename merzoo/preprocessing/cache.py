"""The cache of extracted modalities, named by content: arrays in files of their own, or in packs.

A key is the SHA-256 of everything the array depends on, so nothing in the cache is ever out of
date. A pack holds the arrays of many clips in one file, because thousands of small files cost more
than what is in them; it is two NumPy arrays one after the other, the keys and the rows. Files
appear whole or not at all (written beside their place, then renamed, which POSIX and NTFS do in one
step), so several runs may share a cache and a killed run leaves no half file.

Only files that are named as the cache names its own, in the folders where it puts them, are ever
counted or removed: a folder may be shared with other things.
"""

import contextlib
import functools
import hashlib
import json
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from merzoo.errors import InputError
from merzoo.home import home
from merzoo.whole import DAMAGED, exhausted, sweep, unfinished, whole

_PACKS, _PACK = "packs", ".pack"  # folder and suffix
_PACK_BYTES = 32 << 20  # of a batch that is written at once
_PACK_SECONDS = 5.0  # of work that a killed run may lose
# What is the cache's own, as FOLDER/FILE, beside what a run is writing: arrays and packs.
_OWN = re.compile(
    r"(?P<array>([0-9a-f]{2})/\2[0-9a-f]{62}\.npy)"
    rf"|(?P<pack>{_PACKS}/[0-9a-f]{{64}}\{_PACK})"
)


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
        self._packs: dict[str, _Pack] = {}  # by the names of their files
        self._places: dict[bytes, tuple[_Pack, int]] = {}

    def __getstate__(self) -> dict:
        return {"folder": self.folder}  # another process looks for itself

    def __setstate__(self, state: dict) -> None:
        self.__init__(state["folder"])

    def path(self, name: str) -> Path:
        """Where the file of a key lies, of an array that has one (whether or not it is there)."""
        return self.folder / name[:2] / f"{name}.npy"

    def __contains__(self, name: str) -> bool:
        return bool(self.held([name]))

    def held(self, names: Iterable[str]) -> set[str]:
        """Those of some keys whose arrays are there."""
        self._look()
        return {n for n in names if bytes.fromhex(n) in self._places or self.path(n).is_file()}

    def get(self, name: str) -> np.ndarray | None:
        """The array of a key as a read-only memory map, or `None` if it is not there."""
        return self.found([name]).get(name)

    def found(self, names: Iterable[str]) -> dict[str, np.ndarray]:
        """Key -> its array as a read-only memory map, of those that are there."""
        self._look()
        arrays = ((name, self._array(name)) for name in names)
        return {name: array for name, array in arrays if array is not None}

    def rows(self, names: Iterable[str]) -> Iterator[np.ndarray]:
        """The arrays of keys, one after another, as read-only memory maps.

        Raises:
            CacheError: if one is not there any more.
        """
        self._look()
        for name in names:
            found = self._array(name)
            if found is None:
                raise CacheError(
                    f"cache {self.folder}: was emptied while it was read; run the same again."
                )
            yield found

    def put(self, name: str, array: np.ndarray) -> None:
        """Stores an array; raises `CacheError` if the disk is full or the folder not writable."""
        self.put_rows(name, [array], array.shape, array.dtype)

    def put_rows(self, name: str, rows: Iterable, shape: tuple[int, ...], dtype) -> None:
        """Stores an array of `shape` from consecutive parts, one at a time in memory."""
        with self._written(self.path(name)) as file:
            _write_array(file, rows, shape, dtype)

    def put_pack(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Stores arrays of one shape and type by their keys, in one file."""
        first = next(iter(arrays.values()))
        if len(arrays) == 1:
            self.put(*arrays, first)
            return
        keys = np.frombuffer(bytes.fromhex("".join(arrays)), np.uint8).reshape(-1, 32)
        path = self.folder / _PACKS / f"{hashlib.sha256(keys).hexdigest()}{_PACK}"
        with self._written(path) as file:
            _write_array(file, [keys], keys.shape, keys.dtype)
            _write_array(file, arrays.values(), (len(arrays), *first.shape), first.dtype)

    def size(self) -> tuple[int, int]:
        """Number of stored arrays and bytes that the cache takes.

        Raises:
            InputError: for a folder that holds other things only.
        """
        self._look()
        files = list(self._own_files())
        if not files and self._others():
            raise InputError(
                f"{self.folder}: not a cache of merzoo: it holds other files, and none that merzoo "
                "named. Name the folder that was given as --cache."
            )
        arrays = sum(kind == "array" for kind, _ in files) + sum(map(len, self._packs.values()))
        return arrays, sum(path.stat().st_size for _, path in files)

    def clear(self) -> tuple[int, int, list[str]]:
        """Removes what merzoo has put into the cache, and nothing else.

        Returns:
            What `size` said before, and the names of what else lies in the folder and was kept.

        Raises:
            InputError: for a folder that holds other things only.
        """
        before = self.size()
        for _, path in list(self._own_files()):
            path.unlink(missing_ok=True)
        for folder in self._own_folders():
            with contextlib.suppress(OSError):  # it holds something else
                folder.rmdir()
        return *before, self._others()

    def sweep(self) -> int:
        """Removes what processes that are no more left unfinished; returns how many files."""
        return sweep(self.folder, deep=True)

    def _own_folders(self) -> list[Path]:
        """The folders in which the cache keeps files."""
        try:
            with os.scandir(self.folder) as entries:
                own = [e for e in entries if e.is_dir(follow_symlinks=False)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise InputError(
                f"{self.folder}: not a folder that can be read: {error.strerror}."
            ) from None
        return [Path(e.path) for e in own if re.fullmatch(rf"{_PACKS}|[0-9a-f]{{2}}", e.name)]

    def _own_files(self) -> Iterator[tuple[str, Path]]:
        """`"array"`, `"pack"` or `"part"`, and the path, of each file that the cache wrote."""
        for folder in self._own_folders():
            with os.scandir(folder) as entries:
                for entry in entries:
                    kind = _kind(folder.name, entry.name)
                    if kind and entry.is_file(follow_symlinks=False):
                        yield kind, Path(entry.path)

    def _others(self) -> list[str]:
        """Names of what lies in the folder and is none of the cache's, sorted."""
        if not self.folder.is_dir():
            return []
        inside = (entry for folder in self._own_folders() for entry in folder.iterdir())
        beside = set(self.folder.iterdir()) - set(self._own_folders())
        others = {*inside, *beside} - {path for _, path in self._own_files()}
        return sorted(path.relative_to(self.folder).as_posix() for path in others)

    @contextlib.contextmanager
    def _written(self, path: Path):
        """A file to write to that stands at `path` once all went well, and is not there else."""
        try:
            with whole(path) as temporary, open(temporary, "wb") as file:
                yield file
        except OSError as error:
            raise CacheError(
                f"cache {self.folder}: cannot be written: {error.strerror}; free some space "
                "(merzoo data cache --clear) or name another folder."
            ) from error

    def _array(self, name: str) -> np.ndarray | None:
        pack, row = self._places.get(bytes.fromhex(name), (None, 0))
        if pack is not None:
            with contextlib.suppress(FileNotFoundError, ValueError):  # removed or cut meanwhile
                return pack.rows[row]
        path = self.path(name)
        try:
            return np.load(path, mmap_mode="r", allow_pickle=False)
        except FileNotFoundError:
            return None
        except DAMAGED:
            path.unlink(missing_ok=True)  # from outside: computed again
            return None

    def _look(self) -> None:
        """Learns what packs there are now."""
        try:
            found = {n for n in os.listdir(self.folder / _PACKS) if _kind(_PACKS, n) == "pack"}
        except (FileNotFoundError, NotADirectoryError):  # that none can be written shows then
            found = set()
        if self._packs.keys() - found:  # somebody emptied the cache
            self._packs, self._places = {}, {}
        for name in sorted(found - self._packs.keys()):
            path = self.folder / _PACKS / name
            try:
                pack = _Pack(path)
            except FileNotFoundError:
                continue
            except DAMAGED:
                path.unlink(missing_ok=True)  # from outside: computed again
                continue
            self._packs[name] = pack
            self._places |= {one: (pack, row) for row, one in enumerate(pack.keys)}


class _Pack:
    """One file of keys (n, 32) uint8 and rows (n, ...)."""

    def __init__(self, path: Path):
        self.path = path
        with path.open("rb") as file:
            (size, width), dtype = _read_header(file)
            if (width, dtype) != (32, np.uint8):
                raise ValueError("no keys")
            content = file.read(size * width)
            self.keys = [content[i : i + width] for i in range(0, len(content), width)]
            self._shape, self._dtype = _read_header(file)
            self._start = file.tell()
        end = self._start + int(np.prod(self._shape)) * self._dtype.itemsize
        if self._shape[0] != size or path.stat().st_size != end:
            raise ValueError("cut short")

    def __len__(self) -> int:
        return len(self.keys)

    @functools.cached_property
    def rows(self) -> np.ndarray:
        """(n, ...) read-only memory map."""
        return np.memmap(self.path, self._dtype, "r", self._start, self._shape)


class Batch:
    """Arrays on their way into a cache, in packs: few large files instead of many small ones.

    Use as a context manager: what is left is written at its end. A killed run loses what came in
    within the last seconds, and nothing else.

    Args:
        cache: to write to.
        most: bytes that are held at most.
        seconds: for which they are held.

    >>> import tempfile
    >>> with Batch(Cache(tempfile.mkdtemp())) as batch:
    ...     for i in range(1000):
    ...         batch.add(key(clip=i), np.full((4, 4), i, "float32"))
    >>> batch.cache.size()[0], len(list(batch.cache.folder.rglob("*.*")))
    (1000, 1)
    """

    def __init__(self, cache: Cache, most: int = _PACK_BYTES, seconds: float = _PACK_SECONDS):
        self.cache, self._most, self._seconds = cache, most, seconds
        self._clear()

    def add(self, name: str, array: np.ndarray) -> None:
        """Takes an array, which must not change any more."""
        if not self._bytes:
            self._since = time.monotonic()
        self._held.setdefault((array.shape, array.dtype.str), {})[name] = array
        self._bytes += array.nbytes
        if self._bytes >= self._most or time.monotonic() - self._since > self._seconds:
            self.write()

    def write(self) -> None:
        """Writes what is held; raises `CacheError` as `Cache.put` does."""
        held = list(self._held.values())
        self._clear()
        for arrays in held:
            self.cache.put_pack(arrays)

    def _clear(self) -> None:
        self._held: dict[tuple, dict[str, np.ndarray]] = {}
        self._bytes, self._since = 0, 0.0

    def __enter__(self) -> "Batch":
        return self

    def __exit__(self, kind, error, trace) -> None:
        if not isinstance(error, CacheError):
            self.write()


def _kind(folder: str, name: str) -> str | None:
    """`"array"`, `"pack"` or `"part"` for a file of the cache's own, by its folder and its name.

    >>> _kind("ab", f"{'ab' * 32}.npy"), _kind("ab", "wedding.jpg"), _kind("packs", "films.pack")
    ('array', None, None)
    """
    if unfinished(Path(name)):
        return "part"
    found = _OWN.fullmatch(f"{folder}/{name}")
    return found.lastgroup if found else None


def _write_array(file, rows: Iterable, shape: tuple[int, ...], dtype) -> None:
    header = {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": tuple(shape)}
    np.lib.format.write_array_header_1_0(file, header)
    for row in rows:
        file.write(np.ascontiguousarray(row, dtype))


def _read_header(file) -> tuple[tuple[int, ...], np.dtype]:
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("another version")
    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    return shape, dtype


def key(**parts) -> str:
    """SHA-256 over named values (anything that JSON holds).

    >>> key(a=1, b=[2, "x"]) == key(b=[2, "x"], a=1), len(key(a=1))
    (True, 64)
    """
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def content_of(frames, store: Cache) -> str:
    """The content hash of frames; the cache remembers it while their files stay untouched."""
    [content] = contents_of([frames], store)
    if isinstance(content, Exception):
        raise content
    return content


def contents_of(sequences: Sequence, store: Cache) -> Iterator[str | Exception]:
    """The content hash of each of several clips' frames, or why they cannot be read.

    Each is read once: what the cache does not remember yet it is told in one go.
    """
    stamps = [frames.stamp() for frames in sequences]
    names = [None if stamp is None else key(stamp=stamp) for stamp in stamps]
    known = store.found(filter(None, names)).items()
    known = {n: bytes(row).hex() for n, row in known if row.nbytes == 32}  # a SHA-256
    with Batch(store) as batch:
        for frames, name in zip(sequences, names, strict=True):
            if name in known:
                yield known[name]
                continue
            try:
                content = frames.content_hash()
            except (InputError, OSError) as error:
                if exhausted(error):
                    raise
                yield error
                continue
            if name is not None:
                batch.add(name, np.frombuffer(bytes.fromhex(content), np.uint8))
                known[name] = content
            yield content

"""Files that appear whole or not at all, and folders that one process works in at a time.

A file is written under a temporary name beside its place and renamed, which POSIX does in one step.
The temporary name says which process writes it: what a killed process left is removed by the next
one that writes to the same folder, what a living one is at is left alone.
"""

import contextlib
import errno
import functools
import hashlib
import os
import platform
import re
import shutil
import time
import uuid
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from merzoo.errors import InputError
from merzoo.listing import LOCK

# What reading a damaged file raises. Errors of the system (too many open files, no memory, a disk
# that does not answer) say nothing about the file: it is neither removed nor made again for them.
DAMAGED = (ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)
_NOTHING_LEFT = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EDQUOT, errno.EIO}
_ABANDONED = 3600.0  # seconds without a write after which another machine's file is left behind
_TEMPORARY = re.compile(r"\.([0-9a-f]{8})-(\d+)-[0-9a-f]{8}\.part(\.\w+)*")


def exhausted(error: BaseException | None) -> bool:
    """Whether the machine has nothing left: no open files, no memory, no room on the disk.

    Looks at what the error arose from, too.

    >>> exhausted(OSError(errno.EMFILE, "Too many open files")), exhausted(FileNotFoundError(2, ""))
    (True, False)
    """
    while error is not None:
        if isinstance(error, MemoryError) or getattr(error, "errno", None) in _NOTHING_LEFT:
            return True
        error = error.__cause__ or error.__context__
    return False


@contextlib.contextmanager
def whole(path: str | Path, suffix: str = "") -> Iterator[Path]:
    """Where to write a file that stands at `path` once that went well, and is not there else.

    Makes the folder, and removes from it what killed processes left.

    Args:
        path: of the file.
        suffix: of the temporary name, for writers that go by it; none else, so that nobody who
            looks for files by their suffix finds a half one.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with whole(Path(folder) / "notes.txt") as temporary:
    ...         _ = temporary.write_text("all of it", encoding="utf-8")
    ...     [path.name for path in Path(folder).iterdir()]
    ['notes.txt']
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _swept(str(path.parent))
    temporary = temporary_beside(path, suffix)
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def temporary_beside(path: Path, suffix: str = "") -> Path:
    """A name in the same folder that says that this process is at work on it."""
    return path.with_name(f".{_place()}-{os.getpid()}-{uuid.uuid4().hex[:8]}.part{suffix}")


def unfinished(path: Path) -> bool:
    """Whether a file or folder is being written, or was when its process ended."""
    return _TEMPORARY.fullmatch(path.name) is not None


def sweep(folder: str | Path, deep: bool = False) -> int:
    """Removes the temporary files and folders of processes that are no more.

    Those of another machine are removed where nothing was written to them for an hour.

    Args:
        folder: in which they lie; need not be there.
        deep: look into its folders, too.

    Returns:
        How many were removed.
    """
    places = [folder, *(root for root, _, _ in os.walk(folder) if root != str(folder))]
    removed = 0
    for place in places if deep else places[:1]:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            for name in os.listdir(place):
                path = Path(place, name)
                if unfinished(path) and _left_behind(path):
                    remove(path)
                    removed += 1
    return removed


def remove(path: Path) -> None:
    """Removes a file or a folder with all in it; does nothing where there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def alone(folder: str | Path, wait: bool = False) -> Iterator[None]:
    """Makes a folder and works in it as the only process; the lock ends with the process.

    Args:
        folder: to work in.
        wait: until another process is done, instead of an error.

    Raises:
        InputError: if another process is at work there, or if it is no folder.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise InputError(
            f"{folder}: cannot be written: a file is in the way; give another --out."
        ) from None
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(locked(folder / LOCK))
        except Busy:
            if not wait:
                raise InputError(
                    f"{folder}: another process is at work there; wait until it is done, or give "
                    "another --out."
                ) from None
            warnings.warn(
                f"{folder}: waiting for another process that is at work there.", stacklevel=3
            )
            held.enter_context(locked(folder / LOCK, wait=True))
        except OSError as error:
            warnings.warn(
                f"{folder}: cannot be locked here ({error.strerror}); let no second process write "
                "to it meanwhile.",
                stacklevel=3,
            )
        yield


class Busy(Exception):
    """Another process holds a lock."""


@contextlib.contextmanager
def locked(file: str | Path, wait: bool = False) -> Iterator[None]:
    """Holds the lock that a file is; it ends with the process at the latest.

    Args:
        file: made if missing, and removed when the lock is let go, unless another waits for it.
        wait: until nobody else holds it.

    Raises:
        Busy: if another process, or another place of this one, holds it and `wait` is false.
        OSError: if the file cannot be made or locked there.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, locked(Path(folder) / "x.lock"):
    ...     with contextlib.suppress(Busy), locked(Path(folder) / "x.lock"):
    ...         print("twice")
    """
    from filelock import FileLock, Timeout

    lock = FileLock(file, thread_local=False)
    try:
        lock.acquire(timeout=-1 if wait else 0)
    except Timeout:
        raise Busy(str(file)) from None
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # Windows keeps a file that somebody has open
            os.unlink(file)  # who waits for it sees that it is gone, and makes another
        lock.release()


@functools.lru_cache(4096)  # once a folder
def _swept(folder: str) -> None:
    sweep(folder)


def _left_behind(path: Path) -> bool:
    """Whether nobody writes a temporary file any more."""
    place, pid = _TEMPORARY.fullmatch(path.name).group(1, 2)  # type: ignore[union-attr]
    if place == _place() and int(pid) != os.getpid() and os.name == "posix":
        return not _lives(int(pid))
    try:
        return time.time() - path.stat().st_mtime > _ABANDONED
    except FileNotFoundError:
        return False


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:  # one that has ended, but whose parent has not asked how
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2][1] != "Z"
    except (OSError, IndexError):
        return True


@functools.cache
def _place() -> str:
    """Where the numbers of processes mean what they mean here: this machine, this container."""
    try:
        space = os.readlink("/proc/self/ns/pid")
    except OSError:
        space = ""
    return hashlib.sha256(f"{platform.node()} {space}".encode()).hexdigest()[:8]

"""The page's own folder: uploads and results lie in it, and nothing stays longer than it must.

    merzoo-demo-XXXXXXXX/
        merzoo-demo.lock     held while the page is served; a kill lets it go
        files/TOKEN/NAME     an upload that no job has taken yet, or a copy of a result
        jobs/XXXXXXXX/       of one job: its uploads, and what it makes

Every upload has a token of its own, so equal files of two users never share a place.
"""

import contextlib
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from merzoo.errors import InputError
from merzoo.home import home
from merzoo.whole import Busy, locked

KEPT = 900.0  # seconds after which whatever is left is removed
_PREFIX, _LOCK = "merzoo-demo-", "merzoo-demo.lock"
_NAME = 80  # characters of an upload's name that are kept


class Folder:
    """A folder of one running page, made under the system's folder for temporary files.

    What pages that were killed have left there is removed first.

    Example:

    >>> import io
    >>> with contextlib.closing(Folder()) as folder, folder.job() as work:
    ...     path = folder.save("me.mp4", io.BytesIO(b"..."))
    ...     folder.take(str(path), work).name, path.exists()
    ('me.mp4', False)
    """

    def __init__(self) -> None:
        with _making():  # no other page takes a folder for left behind that is not locked yet
            remove_left_behind()
            self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
            self._lock = contextlib.ExitStack()
            self._lock.enter_context(locked(self.path / _LOCK))
        self.files, self.jobs = self.path / "files", self.path / "jobs"
        self.files.mkdir()
        self.jobs.mkdir()

    def save(self, name: str, content: BinaryIO) -> Path:
        """Keeps an upload; returns its path.

        Args:
            name: as the user's computer names it; only its last part is kept, of plain characters.
            content: to read from.
        """
        place = self.files / secrets.token_urlsafe(16)
        place.mkdir()
        try:
            with (place / plain_name(name)).open("wb") as file:
                shutil.copyfileobj(content, file)
                return Path(file.name)
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise

    @contextlib.contextmanager
    def job(self) -> Iterator[Path]:
        """A folder for one job, which is removed with all that is in it when the job ends."""
        place = Path(tempfile.mkdtemp(dir=self.jobs))
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def take(self, path: str, job: Path) -> Path:
        """Moves an upload into the folder of the job that works on it; returns where it is.

        Raises:
            InputError: for a path that is no upload, or none any more.
        """
        given = Path(path)
        if given.parent.parent == self.files and ".." not in given.parts:
            target = Path(tempfile.mkdtemp(dir=job)) / given.name
            with contextlib.suppress(OSError):
                given.rename(target)
                given.parent.rmdir()
                return target
        raise InputError(
            "choose the file again: uploads are removed when they were analysed, and after "
            f"{KEPT / 60:g} minutes."
        )

    def drop_old(self, seconds: float = KEPT) -> int:
        """Removes uploads, results and jobs that nobody has touched for some time; how many."""
        oldest, dropped = time.time() - seconds, 0
        for entry in (*self.files.iterdir(), *self.jobs.iterdir()):
            with contextlib.suppress(OSError):  # removed meanwhile
                touched = max(path.stat().st_mtime for path in (entry, *entry.rglob("*")))
                if touched < oldest:
                    shutil.rmtree(entry, ignore_errors=True) if entry.is_dir() else entry.unlink()
                    dropped += 1
        return dropped

    def close(self) -> None:
        """Removes everything."""
        _remove(self.path)
        self._lock.close()
        with contextlib.suppress(OSError):
            self.path.rmdir()


def plain_name(name: str) -> str:
    """The last part of a file's name, with plain characters only, not too long.

    >>> plain_name("../../etc/Größe 1.MP4"), plain_name("C:\\\\films\\\\.a.avi"), plain_name("")
    ('Größe 1.MP4', 'a.avi', 'upload')
    """
    last = re.sub(r"[^\w .()-]", "_", re.split(r"[/\\\\]", name)[-1]).strip(" .")
    stem, suffix = os.path.splitext(last)
    return f"{stem[: _NAME - len(suffix)]}{suffix[:_NAME]}" or "upload"


@contextlib.contextmanager
def _making() -> Iterator[None]:
    """One page of a user at a time makes its folder."""
    lock = home("demo.lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    with locked(lock, wait=True):
        yield


def remove_left_behind() -> int:
    """Removes the folders of pages that were killed; returns how many.

    Only those of this user whose lock nobody holds: a page that runs holds its own.
    """
    removed = 0
    for lock in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_LOCK}"):
        with contextlib.suppress(OSError, Busy):  # another user's, gone by now, or held
            own = not hasattr(os, "getuid") or lock.parent.lstat().st_uid == os.getuid()
            if not own or lock.parent.is_symlink():
                continue
            with locked(lock):
                _remove(lock.parent)
            removed += 1
            with contextlib.suppress(OSError):
                lock.parent.rmdir()
    return removed


def _remove(folder: Path) -> None:
    """Removes what a page has written."""
    for name in ("files", "jobs"):
        shutil.rmtree(folder / name, ignore_errors=True)

"""Decoded pictures that stay at hand, so that no file is decoded twice.

Up to a number of bytes they stay in memory; beyond, all go to a temporary file as they are, which
the system removes when it is closed or the process ends. It takes at most half of what is free in
the temporary folder; where that does not do, no picture is kept and `full` says so.
"""

import shutil
import tempfile
from typing import IO

import numpy as np


class Kept:
    """Pictures (H, W, C) uint8 by their position.

    Args:
        memory: bytes that may stay in memory; `None` keeps no picture at all.

    Example:

    >>> kept = Kept(1000)
    >>> for position in range(3):
    ...     kept.add(position, np.full((20, 10, 3), position, np.uint8), 3)
    >>> 2 in kept, kept[2].shape, int(kept[2].max()), kept.in_memory
    (True, (20, 10, 3), 2, False)
    """

    def __init__(self, memory: int | None):
        self.memory = memory
        self.full = ""
        self.clear()

    def clear(self) -> None:
        """Drops all pictures."""
        self._held: dict[int, np.ndarray] = {}
        self._places: dict[int, tuple[int, tuple[int, ...]]] = {}
        self._file: IO[bytes] | None = None
        self._bytes = self._room = 0

    @property
    def keeps(self) -> bool:
        """Whether pictures that are added stay."""
        return self.memory is not None and not self.full

    @property
    def in_memory(self) -> bool:
        """Whether no temporary file was needed."""
        return self._file is None

    def __contains__(self, position: int) -> bool:
        return position in self._held or position in self._places

    def __getitem__(self, position: int) -> np.ndarray:
        if position in self._held:
            return self._held[position]
        at, shape = self._places[position]
        picture = np.empty(shape, np.uint8)
        assert self._file is not None
        self._file.seek(at)
        self._file.readinto(picture.data)  # type: ignore[attr-defined]  # of all binary files
        return picture

    def add(self, position: int, picture: np.ndarray, count: int) -> None:
        """Keeps one more picture, of about `count` in all; once kept it stays as it is."""
        if self.memory is None or self.full or position in self:
            return
        whole = max(picture.nbytes * count, self._bytes + picture.nbytes)
        if self._file is None and whole <= self.memory:
            self._held[position] = picture
            self._bytes += picture.nbytes
            return
        try:
            if self._file is None:
                self._open()
            if whole > self._room:
                self._give_up(whole)
            else:
                self._write(position, picture)
        except OSError as error:
            self._give_up(whole, error)

    def _open(self) -> None:
        self._room = shutil.disk_usage(tempfile.gettempdir()).free // 2
        self._file = tempfile.TemporaryFile(prefix="merzoo-frames-")  # noqa: SIM115  # stays open
        held, self._held, self._bytes = self._held, {}, 0
        for position, picture in held.items():
            self._write(position, picture)

    def _write(self, position: int, picture: np.ndarray) -> None:
        assert self._file is not None
        self._file.seek(self._bytes)
        self._file.write(np.ascontiguousarray(picture).data)
        self._places[position] = (self._bytes, picture.shape)
        self._bytes += picture.nbytes

    def _give_up(self, needed: int, error: OSError | None = None) -> None:
        reason = f" ({error.strerror})" if error else f", half of what is free ({self._room:,})"
        self.clear()
        self.full = (
            f"its decoded frames ({needed:,} bytes) do not fit into the temporary folder{reason}: "
            "it is decoded anew whenever it is read; TMPDIR names another folder."
        )

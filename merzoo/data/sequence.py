"""`Frames`: what all clips' frames look like, wherever they are read from."""

import functools
import hashlib
import itertools
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from merzoo.data.pixels import READING
from merzoo.errors import InputError


class Frames(Sequence):
    """Base of the three readers: numbering, slicing and iteration on top of `_read(position)`."""

    numbers: Sequence[int]
    name: str
    notes: tuple[str, ...] = ()  # what a reader of the frames must know

    @property
    def eyes(self) -> np.ndarray | None:
        """(2, 2) x, y of the middle of the picture's left and right eye in the first frame, where
        it is known, so that no face need be looked for."""
        return None

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return np.stack([self[i] for i in range(*index.indices(len(self)))])
        position = range(len(self))[index]
        return self._read(position)

    def position(self, number: int) -> int:
        """0-based position of the frame that carries `number`; raises `InputError` if absent."""
        try:
            return self._positions[number]
        except KeyError:
            raise InputError(
                f"{self.name}: no frame numbered {number}; it has {len(self)} frames numbered "
                f"{self.numbers[0]}..{self.numbers[-1]}."
            ) from None

    def faults(self) -> Iterator[tuple[str, str]]:
        """Kind and message of everything that cannot be read; decodes each frame once."""
        for place, number in enumerate(self.numbers):
            try:
                self[place]
            except InputError as error:
                yield "unreadable image", f"frame {number}: {error}"

    def content_hash(self) -> str:
        """SHA-256 over the stored frames and their numbers: the same content gives the same text.

        >>> from merzoo.data.frames import ArrayFrames
        >>> a = ArrayFrames(np.zeros((5, 4, 4, 1), "uint8"))
        >>> a.content_hash() == ArrayFrames(a.array.copy()).content_hash()
        True
        """
        digest = hashlib.sha256(repr(self._numbering()).encode())
        self._feed(digest)
        return digest.hexdigest()

    def stamp(self) -> str | None:
        """Names, sizes and times of the files as text: while it stays, so does the content.

        `None` for frames in memory, and for files changed within the last two seconds, whose next
        change could carry the same time.
        """
        files = self._files()
        try:
            rows = [(str(path), *_size_and_time(path)) for path in files]
        except OSError:
            return None  # reading will say what is wrong
        if not rows or max(row[2] for row in rows) > time.time_ns() - 2_000_000_000:
            return None
        return hashlib.sha256(repr((READING, self._numbering(), rows)).encode()).hexdigest()

    def _numbering(self):
        """The numbers, as far as the files' content does not decide them."""
        return self.numbers

    def _files(self) -> Sequence[Path]:
        return ()

    def _feed(self, digest) -> None:
        for frame in self:
            digest.update(f"{frame.shape}".encode())
            digest.update(np.ascontiguousarray(frame))

    @functools.cached_property
    def _positions(self) -> dict[int, int]:
        return {number: position for position, number in enumerate(self.numbers)}

    @property
    def gaps(self) -> list[range]:
        """Stretches of numbers that are missing between the first and the last frame."""
        pairs = itertools.pairwise(self.numbers)
        return [range(before + 1, after) for before, after in pairs if after > before + 1]


def _size_and_time(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns

"""Some samples of those that many trainings share: of arrays in memory, or of a pool on disk."""

import mmap
import os
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from merzoo.preprocessing.arrays import Arrays
from merzoo.training.pool import Pool


@dataclass(frozen=True)
class Rows:
    """Some samples of a pool.

    Args:
        pool: that holds them.
        rows: their numbers.
        balanced: draw every class equally often, so that samples of rare ones come again.
    """

    pool: Pool
    rows: np.ndarray
    balanced: bool = False

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def label(self) -> np.ndarray:
        return self.pool.label[self.rows]

    @property
    def classes(self) -> tuple[str, ...]:
        return self.pool.classes

    def gather(self, places) -> dict[str, np.ndarray]:
        """The samples at places among these rows, read from disk now."""
        return self.pool.gather(self.rows[np.asarray(places)])


@dataclass(frozen=True)
class Part:
    """Some samples of arrays that several parts share, such as the training samples of a fold.

    Args:
        known: labels and names of these samples and of no others; without modalities.
        rows: their places in `shared`.
        shared: name -> array of all samples.

    >>> data = Arrays({"flow": np.zeros((3, 1, 1, 3))}, [0, 1, 0], list("stu"), ["d"] * 3,
    ...               list("abc"), ("no", "yes"))
    >>> Part.of(data, np.array([1, 2])).take([1]).arrays().clip.tolist()
    ['c']
    """

    known: Arrays
    rows: np.ndarray
    shared: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, data: Arrays, rows) -> "Part":
        """The samples at `rows` of arrays."""
        return cls(data.with_modalities({}).take(rows), np.asarray(rows), data.modalities)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def label(self) -> np.ndarray:
        return self.known.label

    @property
    def subject(self) -> np.ndarray:
        return self.known.subject

    @property
    def classes(self) -> tuple[str, ...]:
        return self.known.classes

    @property
    def nbytes(self) -> int:
        """Of these samples, as arrays of their own."""
        return sum(x[:1].nbytes * len(self) for x in self.shared.values())

    def take(self, places) -> "Part":
        """The samples at places among these."""
        return Part(self.known.take(places), self.rows[places], self.shared)

    def arrays(self) -> Arrays:
        """These samples as arrays of their own, which hold nothing of the others."""
        return self.known.with_modalities({n: x[self.rows] for n, x in self.shared.items()})


def identity(array: np.ndarray) -> tuple:
    """What tells arrays apart: a worker opens the same file anew for each fold."""
    named = isinstance(array, np.memmap) and array.filename is not None
    if named and isinstance(array.base, mmap.mmap):  # no part of one
        time = os.stat(array.filename).st_mtime_ns
        return str(array.filename), array.offset, array.shape, time
    return (id(array),)

"""The samples of one fold on their way to the process that trains: the test part stays closed.

What training gets is an `Arrays` of the training samples and nothing else. The test part is opened
after training, as `Unlabelled`: its labels never leave the process that asked for the evaluation.
Until then a fold is row numbers beside the arrays of all samples, which several processes share as
a memory map, so that no fold costs a copy on its way.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from merzoo.evaluation.splits.protocols import Fold
from merzoo.preprocessing.arrays import Arrays


@dataclass(frozen=True)
class Unlabelled:
    """Samples to predict: modalities, and nothing that says what is right."""

    modalities: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(next(iter(self.modalities.values())))


@dataclass(frozen=True)
class FoldData:
    """One fold of some samples, gathered when asked for.

    Args:
        known: labels and names of the training samples, without modalities.
        samples: number of all samples, training and test, of all folds.
        train_rows, test_rows: of `modalities`.
        modalities: name -> array of all samples.
    """

    known: Arrays
    samples: int
    train_rows: np.ndarray
    test_rows: np.ndarray
    modalities: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, data: Arrays, fold: Fold) -> "FoldData":
        """The fold of these samples."""
        known = data.with_modalities({}).take(fold.train)
        return cls(known, len(data), fold.train, fold.test, data.modalities)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self.known.classes

    def train(self) -> Arrays:
        """The training samples, as arrays that hold nothing of the others."""
        return self.known.with_modalities(self._gather(self.train_rows))

    def test(self) -> Unlabelled:
        """The test samples without labels; asked for after training only."""
        return Unlabelled(self._gather(self.test_rows))

    def _gather(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        return {name: array[rows] for name, array in self.modalities.items()}

"""What the audit reports, and who stands on which side of a split."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from merzoo.evaluation.splits.protocols import Fold
from merzoo.preprocessing.arrays import Arrays

# Kind -> what it means, for the documentation and the command line.
KINDS = {
    "subject on both sides": "clips of one subject are trained on and tested",
    "clip on both sides": "one sample is trained on and tested",
    "frames of one clip": "frames of one clip are trained on and tested",
    "identical samples": "the same values stand under two names, one trained on, one tested",
    "near-identical samples": "copies re-encoded, brightened, resized, mirrored, moved or cut",
    "mixed samples": "a sample is a mean of two others that are not on its side",
    "input tells the class": "numbers of a modality follow the labels too well to be measured",
    "one person, two names": "subjects that differ in spelling only, or whose faces are one",
    "weights know test subjects": "the starting weights were trained on subjects that are tested",
    "weights may know test subjects": "they saw a set of another name whose people have our names",
    "weights of unknown origin": "nothing says which subjects the starting weights have seen",
    "features fitted before the split": "a scaler, PCA or constant was fitted on tested samples",
    "annotation at test time": "features need the annotated apex or action units of test samples",
    "asked units among inputs": "a network is told the annotated action units that it is asked for",
    "settings chosen on test subjects": "a search judged the recipe on subjects that are tested",
    "class priors of test samples": "class weights equal those of all samples, tested ones too",
    "intervals of test videos": "a spotter refers to the true intervals of videos that are tested",
    "code holds test samples": "a callback or builder refers to tested samples, labels or people",
}

# What no check can see, for the documentation and the command line.
UNSEEN = (
    "one person in two settings under two names",
    "a copy that was turned, moved by more than two pixels, cut and re-encoded, or mixed of three",
    "a fit on all samples that left no trace, such as pictures put together from components",
    "features of a network that was trained on test subjects, and weights that do not say so",
    "noisy hints, hints of one class among few samples, and hints of several numbers together",
    "code that downloads, unpickles, asks another program or reads files over 2 GB",
    "choices that a person made after looking at test scores",
)


@dataclass(frozen=True)
class Finding:
    """One leak.

    Args:
        kind: a key of `KINDS`.
        severity: `"error"` (certain: an evaluation stops) or `"warning"`.
        message: one line that says what, where and what to do.
        samples: `"dataset/clip"` of every sample concerned.
    """

    kind: str
    severity: str
    message: str
    samples: tuple[str, ...] = ()

    def as_dict(self) -> dict:
        """Plain JSON types."""
        return {**vars(self), "samples": list(self.samples)}


class Sides:
    """Which samples of some data are trained on and tested in which fold of a split.

    Args:
        data: the samples.
        folds: the split.
    """

    def __init__(self, data: Arrays, folds: Sequence[Fold]):
        self.data, self.folds = data, list(folds)
        self.ids = data.ids()
        self.train = np.zeros((len(self.folds), len(data)), bool)
        self.test = np.zeros_like(self.train)
        for k, fold in enumerate(self.folds):
            self.train[k, fold.train] = True
            self.test[k, fold.test] = True

    @property
    def tested(self) -> np.ndarray:
        """(N,) whether a sample is tested in some fold."""
        return self.test.any(0)

    def across(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """(P,) whether samples first[p] and second[p] stand on opposite sides of some fold."""
        found = np.zeros(len(first), bool)
        for train, test in zip(self.train, self.test, strict=True):
            found |= (train[first] & test[second]) | (test[first] & train[second])
        return found

    def fold_of(self, first: int, second: int) -> str:
        """The first fold in which two samples stand on opposite sides."""
        for k, fold in enumerate(self.folds):
            if self.train[k, first] & self.test[k, second]:
                return fold.name
            if self.test[k, first] & self.train[k, second]:
                return fold.name
        raise ValueError("they never do")

    def shared(self, groups: np.ndarray) -> dict[str, str]:
        """Group -> first fold in which it stands on both sides, for those that do."""
        names, number = np.unique(groups, return_inverse=True)
        found: dict[str, str] = {}
        for k, fold in enumerate(self.folds):
            train, test = np.zeros((2, len(names)), bool)
            train[number[self.train[k]]] = test[number[self.test[k]]] = True
            for name in names[train & test].tolist():
                found.setdefault(name, fold.name)
        return found

    def names(self, rows: Iterable) -> tuple[str, ...]:
        """`"dataset/clip"` of rows (numbers or a mask), sorted, each once."""
        rows = np.asarray(rows)
        return tuple(sorted(set(self.ids[rows].tolist()))) if rows.size else ()


def some(items: Sequence, count: int = 3) -> str:
    """The first few items as text, and how many more there are.

    >>> some(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    items = list(map(str, items))
    more = f" and {len(items) - count} more" if len(items) > count else ""
    return ", ".join(items[:count]) + more

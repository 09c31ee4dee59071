"""`splits`: the protocols as splitters of scikit-learn, for `cross_val_score`, searches and kin.

What is tested together is decided here once, for a network by `merzoo.evaluate` and for anything
else by scikit-learn.
"""

from collections.abc import Iterator

import numpy as np

from merzoo.errors import InputError
from merzoo.evaluation.splits.protocols import Fold, make_folds, parse_protocol
from merzoo.preprocessing.arrays import Arrays


class Splitter:
    """A protocol in the form of scikit-learn's `model_selection` splitters.

    Args:
        protocol: such as `"loso"` or `"kfold:8"`.
        data: samples whose subjects and data sets decide; `None` for the `groups` of each call.
    """

    def __init__(self, protocol: str = "loso", data: Arrays | None = None):
        parse_protocol(protocol)
        self.protocol, self.data = protocol, data

    def __repr__(self) -> str:
        return f"merzoo.splits({self.protocol!r})"

    def split(self, X=None, y=None, groups=None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Row numbers to train on and to test on, fold by fold.

        Args:
            X: (N, ...) samples; only their number counts.
            y: (N,) labels, for stratified protocols.
            groups: (N,) whose each is, `"dataset/subject"` or `"subject"`.

        Raises:
            InputError: without groups, for other lengths, or where the protocol cannot split them.
        """
        for fold in self._folds(X, y, groups):
            yield fold.train, fold.test

    def get_n_splits(self, X=None, y=None, groups=None) -> int:
        """Number of folds."""
        return len(self._folds(X, y, groups))

    def _folds(self, X, y, groups) -> list[Fold]:
        data = self.data if groups is None else _as_arrays(y, groups)
        if data is None:
            raise InputError(
                f"{self!r} needs to know whose each sample is: give groups=, the subjects."
            )
        if X is not None and len(X) != len(data):
            raise InputError(f"{self!r}: {len(X)} samples, but {len(data)} groups.")
        return make_folds(self.protocol, data)


def splits(protocol: str = "loso", data: Arrays | None = None) -> Splitter:
    """A protocol of `merzoo.evaluate` as a splitter of scikit-learn's form.

    Args:
        protocol: such as `"loso"`, `"leave-one-dataset-out"` or `"kfold:8"`.
        data: samples that decide once and for all; `None` for the `groups` of each call, which are
            texts `"dataset/subject"` or `"subject"`.

    Raises:
        InputError: for a protocol that there is not.

    Example:

    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import cross_val_score
    >>> X, y = np.arange(12.0)[:, None], np.array([0, 0, 0, 1, 1, 1] * 2)
    >>> who = ["a/s1", "a/s2", "a/s3"] * 4
    >>> len(cross_val_score(LogisticRegression(), X, y, groups=who, cv=splits("loso")))
    3
    """
    return Splitter(protocol, data)


def _as_arrays(y, groups) -> Arrays:
    """Samples of which only labels and subjects are known."""
    names = [str(group) for group in groups]
    label = np.zeros(len(names), int) if y is None else np.unique(y, return_inverse=True)[1]
    if len(label) != len(names):
        raise InputError(f"{len(label)} labels, but {len(names)} groups.")
    parts = [name.partition("/") if "/" in name else ("data", "/", name) for name in names]
    classes = tuple(f"class {k}" for k in range(label.max() + 1 if len(label) else 1))
    clips = [str(number) for number in range(len(names))]
    subject, dataset = [part[2] for part in parts], [part[0] for part in parts]
    return Arrays({}, label, subject, dataset, clips, classes, source="groups")

"""Protocols: how samples are split into folds. A split is data, not code that runs during training.

Every protocol is a function from `Arrays` to a list of `Fold`s; `PROTOCOLS` is their table.
"""

import hashlib
from dataclasses import dataclass

import numpy as np

from merzoo.data.arrays import Arrays
from merzoo.errors import InputError, unknown


@dataclass(frozen=True)
class Fold:
    """One split: train on the samples at `train`, test on those at `test` (row numbers)."""

    name: str
    train: np.ndarray
    test: np.ndarray


def loso(data: Arrays) -> list[Fold]:
    """Leave one subject out: as many folds as subjects, each tested on all clips of one subject."""
    return _leave_one_out(data, data.subject, "subject")


def leave_one_dataset_out(data: Arrays) -> list[Fold]:
    """Leave one dataset out (the holdout-database evaluation, HDE, of MEGC)."""
    return _leave_one_out(data, data.dataset, "dataset")


PROTOCOLS = {"loso": loso, "leave-one-dataset-out": leave_one_dataset_out}


def make_folds(protocol: str, data: Arrays) -> list[Fold]:
    """The folds of a protocol by name.

    Raises:
        InputError: for an unknown protocol, or data with a single group.
    """
    if protocol not in PROTOCOLS:
        raise unknown("protocol", protocol, PROTOCOLS)
    return PROTOCOLS[protocol](data)


def split_fingerprint(folds: list[Fold]) -> str:
    """SHA-256 of who is trained on and tested on in every fold."""
    digest = hashlib.sha256()
    for fold in folds:
        digest.update(f"{fold.name}|{fold.train.tolist()}|{fold.test.tolist()}\n".encode())
    return digest.hexdigest()


def _leave_one_out(data: Arrays, groups: np.ndarray, what: str) -> list[Fold]:
    names = sorted(set(groups.tolist()))
    if len(names) < 2:
        raise InputError(
            f"{data.source}: holds a single {what} ({names[0]}), so none can be left out; "
            f"at least two are needed."
        )
    everything = np.arange(len(data))
    return [Fold(n, everything[groups != n], everything[groups == n]) for n in names]

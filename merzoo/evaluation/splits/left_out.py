"""Which samples a split leaves out: a score that is not of all the data says so."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from merzoo.evaluation.splits.protocols import Fold
from merzoo.preprocessing.arrays import Arrays

_SHOWN = 5  # people that a warning names


def left_out(folds: Sequence[Fold], data: Arrays) -> dict[str, dict[str, list[str]]]:
    """The samples that no fold tests, for the protocol card.

    Args:
        folds: of the split or protocol.
        data: all samples.

    Returns:
        Nothing where all are tested, else `{"left_out_by_split": {"trained_on": [...], "unused":
        [...]}}` with `"dataset/clip"` of the samples that are never tested, by whether any fold
        trains on them.

    >>> data = Arrays({}, [0, 1, 0], list("aab"), ["d"] * 3, list("xyz"), ("no", "yes"))
    >>> left_out([Fold("1", np.array([0]), np.array([2]))], data)
    {'left_out_by_split': {'trained_on': ['d/x'], 'unused': ['d/y']}}
    """
    untested, trained = _rows(folds, data)
    if not untested.any():
        return {}
    ids = data.ids()
    parts = {"trained_on": ids[untested & trained], "unused": ids[untested & ~trained]}
    return {"left_out_by_split": {name: found.tolist() for name, found in parts.items()}}


def left_out_told(folds: Sequence[Fold], data: Arrays) -> list[str]:
    """A warning that says how many samples are never tested, and whose; none where all are.

    Args:
        folds, data: as for `left_out`.

    >>> data = Arrays({}, [0, 1, 0], list("aab"), ["d"] * 3, list("xyz"), ("no", "yes"))
    >>> left_out_told([Fold("1", np.array([0]), np.array([2]))], data)
    ['The split tests 1 of 3 clips; never tested: d/a (2 clips), 1 of these not trained on either.']
    """
    untested, trained = _rows(folds, data)
    if not untested.any():
        return []
    everyone = Counter(data.subject.tolist())
    found = Counter(data.subject[untested].tolist())
    names = [f"{name} ({_clips(n, everyone[name])})" for name, n in sorted(found.items())]
    more = f" and {len(names) - _SHOWN} more subjects" if len(names) > _SHOWN else ""
    unused = int((untested & ~trained).sum())
    also = f", {unused} of these not trained on either" if unused else ""
    return [
        f"The split tests {int((~untested).sum())} of {len(data)} clips; never tested: "
        f"{', '.join(names[:_SHOWN])}{more}{also}."
    ]


def _clips(count: int, of: int) -> str:
    part = "" if count == of else f" of {of}"
    return f"{count}{part} clip{'s' if of > 1 else ''}"


def _rows(folds: Sequence[Fold], data: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """(N,) whether each sample is never tested, and whether any fold trains on it."""
    untested, trained = np.ones(len(data), bool), np.zeros(len(data), bool)
    for fold in folds:
        untested[fold.test] = False
        trained[fold.train] = True
    return untested, trained

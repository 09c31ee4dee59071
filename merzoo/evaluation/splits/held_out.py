"""Which of a protocol's folds are run."""

from collections import Counter
from collections.abc import Sequence

from merzoo.arguments import whole_number
from merzoo.errors import unknown
from merzoo.evaluation.splits.protocols import Fold
from merzoo.names import known_people
from merzoo.preprocessing.arrays import Arrays


def held_out_folds(
    folds: list[Fold], subjects: str | Sequence[str] | int | None, data: Arrays
) -> list[Fold]:
    """The folds of the named subjects, or the first ones of each data set; all for `None`.

    Args:
        folds: of the protocol.
        subjects: `"dataset/subject"`, however spelt, one or several; or of each data set the first
            so many.
        data: what the folds part.

    Raises:
        InputError: for a subject who is not there, or a number that is none.

    Example:

    >>> import numpy as np
    >>> data = Arrays({}, [0] * 4, ["s1", "s1", "s2", "s3"], ["d"] * 4, list("abcd"), ("x",))
    >>> folds = [Fold(f"d/s{n}", np.array([0]), np.array([n])) for n in (1, 2, 3)]
    >>> [[f.name for f in held_out_folds(folds, who, data)] for who in (2, "d/s3")]
    [['d/s1', 'd/s2'], ['d/s3']]
    """
    if subjects is None or subjects == []:
        return folds
    if isinstance(subjects, int):
        return _first_folds(folds, whole_number("subjects", subjects))
    subjects = [subjects] if isinstance(subjects, str) else subjects
    names = [fold.name for fold in folds]
    chosen: set[str] = set()
    for subject in subjects:
        found = [subject] if subject in names else known_people(names, [subject])
        if not found:
            raise unknown("subject", subject, names, f"It has no clips in {data.source}.")
        chosen.update(found)
    return [fold for fold in folds if fold.name in chosen]


def _first_folds(folds: list[Fold], count: int) -> list[Fold]:
    """The first folds of each data set; of folds that are of no data set, the first of all."""
    seen: Counter = Counter()
    chosen = []
    for fold in folds:
        dataset = fold.name.rpartition("/")[0]
        seen[dataset] += 1
        if seen[dataset] <= count:
            chosen.append(fold)
    return chosen

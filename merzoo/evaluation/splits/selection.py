"""Selection rules: which weights of a training course are scored. None of them sees a test sample.

`last` scores the final weights; `fixed:N` does so after N epochs, said beforehand; `inner` draws
about a fifth of the fold's training subjects for validation, trains on the others, and scores the
epoch with the best pooled UF1 on those (the first of equals), as nested cross-validation does.
"""

import zlib
from dataclasses import dataclass

import numpy as np

from merzoo.errors import InputError, unknown
from merzoo.preprocessing.arrays import Arrays

RULES = ("last", "fixed", "inner")
SHARE = 0.2  # of the training subjects, for the validation of `inner`
_DRAWS = 100  # looked through for one in which no class is missing


@dataclass(frozen=True)
class Selection:
    """A parsed rule: its name, and the number of epochs of `fixed`."""

    name: str
    epochs: int | None = None

    @property
    def text(self) -> str:
        """As typed: `"last"`, `"fixed:20"`, `"inner"`."""
        return self.name if self.epochs is None else f"{self.name}:{self.epochs}"

    @property
    def about(self) -> str:
        """One line for the protocol card."""
        if self.name == "last":
            return "last: the final weights of each fold are scored"
        if self.name == "fixed":
            return f"fixed:{self.epochs}: epochs said beforehand, the final weights are scored"
        return (
            f"inner: of each fold's training subjects {SHARE:.0%} are drawn for validation, the "
            f"rest is trained on, and the epoch with the best pooled UF1 on the drawn ones is "
            f"scored; test subjects play no part"
        )


def parse_selection(text: str) -> Selection:
    """A rule as typed.

    Raises:
        InputError: for an unknown rule, or epochs that are no whole number from 1.

    >>> parse_selection("fixed:20")
    Selection(name='fixed', epochs=20)
    """
    name, _, number = text.partition(":")
    if name not in RULES:
        raise unknown("selection rule", name, RULES, "Write last, fixed:N or inner.")
    if name == "fixed":
        if not number.isdecimal() or int(number) < 1:
            raise InputError(f"selection {text!r}: say how many epochs, such as fixed:20.")
        return Selection(name, int(number))
    if number:
        raise InputError(f"selection {text!r}: {name} takes no number.")
    return Selection(name)


def inner_split(train: Arrays, seed: int, fold: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows to train on and rows to validate on, no subject in both, drawn for this seed and fold.

    Of the draws looked through the first is taken in which neither side lacks a class that the
    samples have; where there is none, the one that lacks the fewest.

    Raises:
        InputError: for fewer than two subjects.

    Example:

    >>> data = Arrays({}, [0, 1] * 5, list("aabbccddee"), ["x"] * 10, list("0123456789"),
    ...               ("no", "yes"))
    >>> rows, validation = inner_split(data, seed=0, fold="x/f")
    >>> len(rows), len(validation)
    (8, 2)
    """
    subjects = sorted(set(train.subject.tolist()))
    if len(subjects) < 2:
        raise InputError(
            f"fold {fold}: trains on a single subject ({subjects[0]}), of which none can be drawn "
            f"for validation; use --selection last."
        )
    rng = np.random.default_rng([seed, zlib.crc32(fold.encode())])
    count = max(1, round(SHARE * len(subjects)))
    best, fewest = None, None
    for _ in range(_DRAWS):
        drawn = rng.choice(subjects, count, replace=False)
        held = np.isin(train.subject, drawn)
        kinds = [len(set(train.label[side].tolist())) for side in (~held, held)]
        lacking = -2 * kinds[0] - kinds[1]  # a class never trained on is the worse of the two
        if fewest is None or lacking < fewest:
            best, fewest = held, lacking
    return np.flatnonzero(~best), np.flatnonzero(best)

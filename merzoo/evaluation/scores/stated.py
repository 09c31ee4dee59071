"""Figures that a file of predictions states of itself, beside those that follow from its clips.

Logs often end in a line such as `UF1: 0.7353 | UAR: 0.7605`. Which of our figures each of them is
gets said, because the words are not always used alike: a log in which annotation and prediction
have changed places calls macro precision (mean over the predicted clips of each class) recall.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from merzoo.metrics import METRICS

# What logs call a metric -> its name in `METRICS`.
_WORDS = {
    "uf1": "uf1",
    "f1": "uf1",
    "f1-score": "uf1",
    "uar": "uar",
    "recall": "uar",
    "precision": "macro_precision",
    "accuracy": "accuracy",
    "acc": "accuracy",
}
_FIGURE = re.compile(
    rf"(?<![\w-])({'|'.join(sorted(_WORDS, key=len, reverse=True))})\s*[:=]?\s*"
    r"(\d*\.\d+|\d+(?=\s*%))\s*(%?)",
    re.IGNORECASE,
)


class Stated(NamedTuple):
    """A figure as a file states it: the word, the text of the number, its value and last digit."""

    word: str
    text: str
    value: float
    digit: float


def figures_in(line: str) -> list[Stated]:
    """The figures that a line states.

    >>> [(one.word, one.value) for one in figures_in("# UF1: 0.7353 | UAR: 76.05 %")]
    [('UF1', 0.7353), ('UAR', 0.7605)]
    >>> figures_in("casme2 sub01"), figures_in("EP02_01f 0 1")
    ([], [])
    """
    found = []
    for word, number, percent in _FIGURE.findall(line):
        scale = 0.01 if percent else 1.0
        digit = scale * 10.0 ** -len(number.partition(".")[2])
        value = round(float(number) * scale, 12)
        found.append(Stated(word, f"{number}{' %' if percent else ''}", value, digit))
    return found


def stated_told(lines: Iterable[str], parts: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Which of our figures each stated one is, a sentence each.

    Args:
        lines: of the files.
        parts: part of the data (`""` for all of it) -> name in `METRICS` -> our figure.

    >>> stated_told(["UAR: 0.7605"], {"": {"uar": 0.7186, "macro_precision": 0.76049}})
    ['The file states UAR 0.7605: that is its macro precision; its UAR is 0.7186.']
    """
    told = []
    for one in dict.fromkeys(figure for line in lines for figure in figures_in(line)):
        own = METRICS[_WORDS[one.word.casefold()]]
        same = [
            f"{METRICS[name].label}{f' of {part}' if part else ''}"
            for part, figures in parts.items()
            for name, value in figures.items()
            if abs(value - one.value) < one.digit  # rounded or cut off
        ]
        ours = f"its {own.label} is {parts[''][own.name]:.4f}"
        start = f"The file states {one.word} {one.text}: "
        if own.label in same:
            told.append(f"{start}that is its {own.label}.")
        elif same:
            told.append(f"{start}that is its {' or its '.join(same)}; {ours}.")
        else:
            told.append(f"{start}none of the figures that follow from its clips; {ours}.")
    return told

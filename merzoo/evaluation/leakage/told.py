"""Whether numbers tell the labels of samples: tests that what a camera measures does not pass.

Each test looks at many numbers at once, the columns of (N, M), and names how one of them tells the
classes, or returns an empty text. What could be chance among so many numbers is left out; samples
of one person that have one value count once, since copies of a sample agree in everything.
"""

from collections.abc import Sequence
from math import lgamma, log

import numpy as np

_CHANCE = log(200)  # how unlikely it must be, after all numbers that were looked at
_PROBE = 48  # samples by which numbers of many values are sorted out
_SAME = 1e-6  # of a number's range, within which two values are one
_FEW = 64  # values of a number that a tree may look at
_TOLD = 0.9  # share of samples of people left out that the tree tells
_DEVIATIONS = 5  # by which a count must differ from that of chance


class Told:
    """Labels of samples, and the tests of numbers against them.

    Args:
        label: (N,) class indices.
        subject: (N,) names of people.

    Example:

    >>> label = np.arange(30) % 3
    >>> told = Told(label, np.repeat(list("abcde"), 6))
    >>> told.by_values((7 * label)[:, None])
    'it has one value a class'
    >>> told.by_values(np.random.default_rng(0).normal(size=(30, 99)))
    ''
    """

    def __init__(self, label: np.ndarray, subject: np.ndarray):
        self.label = np.unique(label, return_inverse=True)[1]
        self.people, self.person = np.unique(subject, return_inverse=True)
        self.classes = int(self.label.max(initial=-1)) + 1
        self.ways = _ways(np.bincount(self.label))
        counts = np.zeros((len(self.people), self.classes))
        np.add.at(counts, (self.person, self.label), 1)
        self.counts = counts
        self.probe = np.random.default_rng(0).permutation(len(label))[:_PROBE]
        self._by_class = _Groups(self.label)
        self._by_person = _Groups(self.person)
        self._by_both = _Groups(self.person * max(1, self.classes) + self.label)

    def surely(self, ways: float, numbers: int) -> bool:
        """Whether one of so many numbers would hardly do by chance what one in exp(ways) does."""
        return ways > _CHANCE + log(max(1, numbers))

    def rarest(self) -> float:
        """The logarithm of in how many ways the samples of the rarest class can be chosen."""
        counts = np.bincount(self.label)
        return _ways([counts.min(), counts.sum() - counts.min()]) if self.classes > 1 else 0.0

    def class_ranges(self, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(K, M) least and largest values of each class."""
        return self._by_class.ranges(columns)

    def by_values(self, columns: np.ndarray) -> str:
        """Numbers with one value a class, or with few values of which each is of one class."""
        if self.classes < 2:
            return ""
        columns = columns[:, self._few_in_probe(columns)]
        if not columns.shape[1]:
            return ""
        low, high = self._by_class.ranges(columns)
        total = high.max(0) - low.min(0)
        for j in np.flatnonzero(((high - low) <= _SAME * total).all(0) & (total > 0)):
            values = np.unique(np.rint(low[:, j] / (2 * _SAME * total[j])), return_inverse=True)[1]
            parts = np.bincount(values, weights=(self.counts > 0).sum(0)).astype(int)
            if self.surely(_ways(parts), columns.shape[1]):
                return "it has one value a class"
        for j in np.flatnonzero(self._pure_in_probe(columns)):
            codes = np.unique(columns[:, j], return_inverse=True)[1]
            pairs = np.unique(np.stack([codes, self.label]), axis=1)
            count = int(codes.max()) + 1
            if pairs.shape[1] > count:  # a value in two classes
                continue
            parts = np.unique(np.stack([codes, self.person, self.label]), axis=1)[2]
            ways = _ways(np.bincount(parts)) - count * log(self.classes)
            if self.surely(ways, columns.shape[1]):
                return f"each of its {count} values is of one class"
        return ""

    def by_order(self, columns: np.ndarray) -> str:
        """Numbers that count the samples, where these are sorted by class."""
        if self.classes < 2:
            return ""
        counters = self._counters(columns)
        for j in np.flatnonzero(counters):
            if self._sorted_by_class(columns[:, j]):
                return "it counts the samples, which are sorted by class"
        within = sum(_ways(row) for row in self.counts) - lgamma(self.classes + 1)
        coarse = np.flatnonzero(counters | self._counts_within(columns))
        if (
            self.surely(within, coarse.size)
            and coarse.size
            and self._sorted_within(columns[:, coarse]).any()
        ):
            return "it counts each person's samples, which are sorted by class"
        return ""

    def by_person(self, columns: np.ndarray) -> str:
        """Numbers that are one for all samples of a person and follow that person's labels."""
        people = len(self.people)
        if self.classes < 2 or people < 5 or people == len(self.label):
            return ""
        low, high = self._by_person.ranges(columns)
        total = high.max(0) - low.min(0)
        fixed = ((high - low) <= _SAME * total).all(0) & (total > 0)
        values = np.unique(np.round(low[:, fixed] / total[fixed], 5), axis=1)
        if not values.shape[1]:
            return ""
        size, whole = self.counts.sum(1, keepdims=True), self.counts.sum(0)
        shares, others = self.counts / size, (whole - self.counts) / (len(self.label) - size)
        frequent = self.counts.argmax(1)[:, None]
        targets = np.concatenate([shares, others, self.counts, frequent], 1)
        found: dict[bytes, float] = {}  # partition of the people -> how unlikely
        for target in targets.T:
            for column in values.T:
                parts, ways = _agreement(column, target)
                if ways:
                    found[parts] = ways
        sure = self.surely(sum(found.values()), values.shape[1])
        return "it is one for each person and follows the classes of that person" if sure else ""

    def by_names(self, names: Sequence[str]) -> bool:
        """Whether a word of each name, or a number in it, tells the class."""
        import re

        words = [re.findall(r"[^\W\d_]+|\d+", name.casefold()) for name in names]
        most = max(map(len, words), default=0)
        for place in (*range(most), *range(-most, 0)):
            at = [w[place] if -len(w) <= place < len(w) else "" for w in words]
            codes = np.unique(at, return_inverse=True)[1]
            if len(set(at)) > 1 and self.by_values(codes[:, None]):
                return True
        return False

    def few_valued(self, columns: np.ndarray) -> np.ndarray:
        """(N, m) the numbers of few values among these, each partition of the samples once."""
        kept = {}
        for j in np.flatnonzero(self._few_in_probe(columns))[: 4 * _FEW]:
            values, codes = np.unique(columns[:, j], return_inverse=True)
            if 1 < len(values) <= min(_FEW, len(codes) // 5):
                kept[codes.tobytes()] = columns[:, j].astype("float64")
        return np.stack(list(kept.values()), 1) if kept else np.zeros((len(self.label), 0))

    def by_tree(self, columns: np.ndarray) -> str:
        """Numbers of few values by which a tree tells the classes of people it has not seen."""
        if not columns.shape[1] or len(self.people) < 5 or self.classes < 2:
            return ""
        from sklearn.tree import DecisionTreeClassifier

        right = 0
        for part in range(5):
            held = self.person % 5 == part
            tree = DecisionTreeClassifier(random_state=0)
            tree.fit(columns[~held], self.label[~held])
            right += int((tree.predict(columns[held]) == self.label[held]).sum())
        n, often = len(self.label), np.bincount(self.label).max() / len(self.label)
        chance = n * often + _DEVIATIONS * np.sqrt(n * often * (1 - often))
        if right < max(_TOLD * n, chance):
            return ""
        return f"a few numbers of few values tell {right} of {n} samples of people left out"

    def agrees(self, columns: np.ndarray) -> bool:
        """Whether the largest of K numbers of each sample is its class far more often than by
        chance, as of soft labels and a teacher's answers."""
        answer, n = columns.argmax(1), len(self.label)
        given, true = (np.bincount(a, minlength=columns.shape[1]) / n for a in (answer, self.label))
        chance = float((given * true).sum())
        deviation = np.sqrt(n * chance * (1 - chance)) + 1e-9
        right = int((answer == self.label).sum())
        return right > n * chance + _DEVIATIONS * deviation or (right == n and self.ways > _CHANCE)

    def _few_in_probe(self, columns) -> np.ndarray:
        """(M,) whether many of a few samples share their values, as near as rounding allows."""
        values = np.sort(columns[self.probe], 0)
        near = _SAME * (values[-1:].astype("float64") - values[:1])
        return (np.diff(values.astype("float64"), axis=0) > near).sum(0) + 1 <= 0.75 * len(values)

    def _pure_in_probe(self, columns) -> np.ndarray:
        """(M,) whether equal values among a few samples are of one class, and there are such."""
        part = columns[self.probe]
        order = part.argsort(0, kind="stable")
        values, label = np.take_along_axis(part, order, 0), self.label[self.probe][order]
        equal = values[1:] == values[:-1]
        mixed = (equal & (label[1:] != label[:-1])).any(0)
        return ~mixed & (equal.sum(0) >= 0.25 * len(values))

    def _counters(self, columns) -> np.ndarray:
        """(M,) whether the values are evenly spaced and each there once."""
        n = len(columns)
        low, high = columns.min(0).astype("float64"), columns.max(0).astype("float64")
        step = np.maximum((high - low) / max(1, n - 1), 1e-30)
        places = (columns[self.probe] - low) / step
        found = (np.abs(places - np.rint(places)) < 1e-2).all(0) & (high > low)
        for j in np.flatnonzero(found):
            places = np.sort(np.rint((columns[:, j] - low[j]) / step[j]))
            found[j] = np.array_equal(places, np.arange(n))
        return found

    def _counts_within(self, columns) -> np.ndarray:
        """(M,) whether there are no more values than samples of a person, evenly spaced."""
        found, most = self._few_in_probe(columns), int(self.counts.sum(1).max())
        for j in np.flatnonzero(found):
            values = np.unique(columns[:, j]).astype("float64")
            steps = np.diff(values)
            found[j] = 1 < len(values) <= most and np.ptp(steps) <= _SAME * values[-1]
        return found

    def _sorted_by_class(self, column) -> bool:
        """Whether labels in this order change less often than by chance (Wald and Wolfowitz)."""
        ordered, n = self.label[np.argsort(column, kind="stable")], len(self.label)
        runs = 1 + int((ordered[1:] != ordered[:-1]).sum())
        counts = np.bincount(ordered).astype(float)
        two, three = (counts**2).sum(), (counts**3).sum()
        mean = 1 + (n * n - two) / n
        spread = (two * (two + n * (n + 1)) - 2 * n * three - n**3) / (n * n * (n - 1))
        return runs < mean - _DEVIATIONS * np.sqrt(max(spread, 1e-9))

    def _sorted_within(self, columns) -> np.ndarray:
        """(M,) whether each person's samples are sorted by class, in one order of the classes."""
        low, high = self._by_both.ranges(columns)
        person, label = np.divmod(self._by_both.names, max(1, self.classes))
        place = np.full((len(self.people), self.classes), -1)
        place[person, label] = np.arange(len(person))
        good = np.ones(columns.shape[1], bool)
        for first in range(self.classes):
            for second in range(first):
                both = (place[:, first] >= 0) & (place[:, second] >= 0)
                one, two = place[both, first], place[both, second]
                good &= (high[one] < low[two]).all(0) | (high[two] < low[one]).all(0)
        return good


class _Groups:
    """Rows by a number of each, for the range of values in each group."""

    def __init__(self, number: np.ndarray):
        self.order = np.argsort(number, kind="stable")
        self.names, self.starts = np.unique(number[self.order], return_index=True)

    def ranges(self, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(G, M) least and largest values in each group."""
        rows = columns[self.order]
        kind = "float64" if rows.dtype.kind == "f" else "int64"
        return (
            np.minimum.reduceat(rows, self.starts, 0).astype(kind),
            np.maximum.reduceat(rows, self.starts, 0).astype(kind),
        )


def _ways(counts) -> float:
    """The logarithm of in how many ways so many of each kind can be shared out."""
    counts = [float(count) for count in counts]
    return lgamma(sum(counts) + 1) - sum(lgamma(count + 1) for count in counts)


def _agreement(column: np.ndarray, target: np.ndarray) -> tuple[bytes, float]:
    """How people are parted by both, and how unlikely it is that both part them so; 0 if not."""
    groups = np.unique(np.round(target, 9), return_inverse=True)[1]
    if groups.max() == 0:
        return b"", 0.0
    codes = np.unique(column, return_inverse=True)[1]
    if codes.max() == groups.max() and len(set(zip(codes, groups, strict=True))) == codes.max() + 1:
        sizes = np.bincount(groups)
        ways = _ways(sizes) - lgamma(len(sizes) + 1)
        if ways > 0:
            return groups.tobytes(), ways
    if groups.max() >= 4 and abs(np.corrcoef(column, target)[0, 1]) > 1 - 1e-6:
        return groups.tobytes(), 3.0 * len(column)
    return b"", 0.0

"""Inputs that tell the class: numbers of a modality that follow labels too well to be measured.

What a camera gives is never quite the same in two clips, and never tells every class without an
exception. So it is looked for numbers, single values of a sample or statistics of it, that

- take few values, each in one class only, or one value a class (the label itself, a code of it);
- part all classes by gaps as wide as the classes themselves, and stand alone or fill the sample;
- count samples that are sorted by class, in the whole set or within each person;
- are one for all clips of a person and follow what classes that person's clips have;
- spell the clips' names, where the names tell the class.

Values are read in blocks, so the time grows with their count and the memory does not.
"""

from collections.abc import Iterator

import numpy as np

from merzoo.evaluation.leakage.findings import Finding, Sides
from merzoo.evaluation.leakage.told import Told
from merzoo.preprocessing.arrays import Arrays

_BLOCK = 1 << 21  # values read at a time
_ALONE = 3  # different numbers that part the classes: more are a picture of something
_FILLED = 0.9  # share of numbers that part the classes, where samples are nothing else
_MOST = 512  # numbers of few values that a tree looks at
_SCALES = (1, 255, 256, 127, 128)  # by which texts are put into 0..1


def label_in_inputs(sides: Sides) -> list[Finding]:
    """Findings of modalities in which a label, or what follows from labels, is found."""
    data, findings = sides.data, []
    told = Told(data.label, data.subject)
    for name, array in data.modalities.items():
        severity, how = _how(told, data, array)
        if how:
            message = (
                f"{name!r} tells the class of the samples, tested ones too: {how}. Leave it out "
                f"unless it is known of a clip before anybody has labelled it."
            )
            kind = "input tells the class"
            findings.append(Finding(kind, severity, message, sides.names(sides.tested)))
    return findings


def _how(told: Told, data: Arrays, array: np.ndarray) -> tuple[str, str]:
    """Severity, and how an array (N, ...) tells the class; empty if it does not."""
    gaps, few = _Gaps(told), np.zeros((len(array), 0))
    for what, block in _blocks(array):
        for test in (told.by_values, told.by_order, told.by_person):
            how = test(block)
            if how:
                return "error", f"{what}, {how}"
        if what == _NUMBER:
            gaps.add(block)
            if few.shape[1] < _MOST:
                few = np.concatenate([few, told.few_valued(block)], 1)
    if _spelt(data, array) and told.by_names(data.clip.tolist()):
        return "error", "it spells the clips' names, which do"
    return "warning", gaps.how() or told.by_tree(few)


_NUMBER = "of one of its numbers"


def _blocks(array: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """(what, (N, M) numbers) of samples: statistics, values that vary, and the last two bits of
    whole numbers."""
    flat = array.reshape(len(array), -1)
    if flat.shape[1] >= 16:
        found = _statistics(array)
        yield "of a statistic of each sample", found[:, (found != found[:1]).any(0)]
    step = max(1, _BLOCK // max(1, len(flat)))
    for start in range(0, flat.shape[1], step):
        block = flat[:, start : start + step]
        block = block[:, (block != block[:1]).any(0)]
        if not block.shape[1]:
            continue
        yield _NUMBER, block
        if block.dtype.kind in "ui" or not np.any(block % 1):
            left = (block.astype("int64") & 3).astype("int8")
            yield "of the last two bits of a number", left[:, (left != left[:1]).any(0)]


def _statistics(array: np.ndarray) -> np.ndarray:
    """(N, S) mean, spread, least and largest value of each sample, and the mean by channel, which
    is the last axis; the numbers of a sample that has one axis are channels themselves."""
    rows = []
    for sample in array:
        sample = np.asarray(sample, "float64")
        means = sample.reshape(-1, sample.shape[-1]).mean(0)[:8]
        rows.append([sample.mean(), sample.std(), sample.min(), sample.max(), *means])
    return np.array(rows)


class _Gaps:
    """Numbers that part classes by gaps as wide as the classes, over all blocks."""

    def __init__(self, told: Told):
        self.told, self.varied, self.full = told, 0, 0
        self.prints: list[set] = [set() for _ in range(told.classes + 1)]
        self.random = np.random.default_rng(0).normal(size=len(told.label))

    def add(self, block: np.ndarray) -> None:
        low, high = self.told.class_ranges(block)
        self.varied += block.shape[1]
        order = low.argsort(0)
        least, most = (np.take_along_axis(a, order, 0) for a in (low, high))
        gaps = least[1:] - most[:-1]
        full = (gaps > 0).all(0) & (gaps >= (high - low).max(0)).all(0)
        self.full += int(full.sum())
        self._note(self.told.classes, block, full)
        for k in range(self.told.classes if self.told.classes > 2 else 0):
            low_rest, high_rest = np.delete(low, k, 0).min(0), np.delete(high, k, 0).max(0)
            gap = np.maximum(low[k] - high_rest, low_rest - high[k])
            wide = np.maximum(high[k] - low[k], high_rest - low_rest)
            self._note(k, block, (gap > 0) & (gap >= wide))

    def _note(self, place: int, block, chosen) -> None:
        """Keeps which different numbers were chosen, until there are too many."""
        if chosen.any() and len(self.prints[place]) <= _ALONE:
            kept = block[:, chosen].astype("float64")
            kept = (kept - kept.min(0)) / np.ptp(kept, axis=0)
            self.prints[place].update(np.round(self.random @ kept, 6).tolist())

    def how(self) -> str:
        *single, full = (len(found) for found in self.prints)
        if not self.told.surely(self.told.rarest(), self.varied):
            return ""
        filled = self.varied and self.full >= _FILLED * self.varied
        if 0 < full <= _ALONE or filled:
            return "one of its numbers parts all classes by wide gaps"
        if single and self.told.classes > 2 and all(0 < n <= _ALONE for n in single):
            return "for each class one of its numbers parts it from the others by a wide gap"
        return ""


def _spelt(data: Arrays, array: np.ndarray) -> bool:
    """Whether most samples hold the characters of their clips' names, one after another."""
    names = [name.encode() for name in data.clip.tolist()]
    flat = array.reshape(len(array), -1)
    for scale in _SCALES:
        for step in sorted({1, array.shape[-1]}):
            found = sum(
                _holds(sample[::step], name, scale)
                for sample, name in zip(flat[:20], names, strict=False)
            )
            if found >= 0.9 * min(20, len(flat)):
                return True
    return False


def _holds(sample: np.ndarray, name: bytes, scale: int) -> bool:
    """Whether a name of four letters or more stands in a sample, whatever was added to each."""
    if len(name) < 4:
        return False
    steps = np.diff(np.rint(np.asarray(sample, "float64") * scale)).clip(-999, 999)
    wanted = np.diff(np.frombuffer(name, "uint8").astype("int16"))
    return wanted.tobytes() in steps.astype("int16").tobytes()

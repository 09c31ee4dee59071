"""Splits as files: who is trained on and who is tested in each fold, by the names of the samples.

`split.json` lies in every run's folder. It can be edited, published and given to another run
(`--split FILE`), which is then tested on the same samples whatever their order in its data.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NotRequired, TypedDict

import numpy as np

from merzoo.errors import InputError, unknown
from merzoo.evaluation.splits.protocols import Fold, make_folds, split_fingerprint
from merzoo.names import clip_key, dataset_key, plain, plain_subject
from merzoo.preprocessing.arrays import Arrays
from merzoo.schema import read_json


class Sides(TypedDict):
    """One fold of a `split.json`: samples named `"dataset/clip"`."""

    train: list[str]
    test: list[str]


class Split(TypedDict):
    """What `split.json` must hold."""

    folds: dict[str, Sides]
    protocol: NotRequired[str]
    fingerprint: NotRequired[str]


def folds_of(data: Arrays, protocol: str, split=None) -> list[Fold]:
    """The folds of a split (a file's path, or folds), or of the protocol where there is none.

    Raises:
        InputError: for a split or protocol that these samples cannot have.
    """
    if split is None:
        return make_folds(protocol, data)
    if isinstance(split, str | Path):
        return read_split(split, data)
    return _checked(list(split), data)


def split_as_dict(folds: list[Fold], data: Arrays, protocol: str) -> dict:
    """`{"protocol", "fingerprint", "folds": {name: {"train": [...], "test": [...]}}}`.

    Samples are named `"dataset/clip"`; the fingerprint is that of the protocol card.
    """
    ids = data.ids().astype(object)  # each name is there once, in however many folds it stands
    named = {
        fold.name: {"train": ids[fold.train].tolist(), "test": ids[fold.test].tolist()}
        for fold in folds
    }
    return {"protocol": protocol, "fingerprint": split_fingerprint(folds), "folds": named}


def read_split(path: str | Path, data: Arrays) -> list[Fold]:
    """The folds of a `split.json` for these samples.

    A file may hold fewer samples than the data: the others are neither trained on nor tested, of
    which the result warns (`merzoo.evaluation.splits.left_out`).
    Overlaps of training and test are left to the leak audit, which names them. A sample that the
    data name otherwise (`CASME2/sub01_EP02_01f` for `casme2/sub01/EP02_01f`) is found by its normal
    form, where only one has it.

    Raises:
        InputError: for a missing or damaged file, a sample that the data lack, an empty side, or a
            sample that is tested twice or stands twice in a side.
    """
    path = Path(path)
    hint = 'a split holds {"folds": {NAME: {"train": [...], "test": [...]}}}'
    named = read_json(path, Split, hint)["folds"]
    sides = {name: (fold["train"], fold["test"]) for name, fold in named.items()}
    row = {name: i for i, name in enumerate(data.ids().tolist())}
    written = (sample for sides_of in sides.values() for side in sides_of for sample in side)
    known = _as_data_name_them(dict.fromkeys(written), data)
    tested: dict[str, str] = {}
    folds = []
    for name, (train, test) in sides.items():
        if not train or not test:
            raise InputError(f"{path}: fold {name} has no samples to train on or to test.")
        if len(set(train)) < len(train):
            twice = next(sample for sample in train if train.count(sample) > 1)
            raise InputError(
                f"{path}: fold {name} trains on {twice} twice; name each sample once (a recipe's "
                f"class_weights give classes more weight)."
            )
        train, test = ([known.get(s, s) for s in side] for side in (train, test))
        for sample in (*train, *test):
            if sample not in row:
                raise unknown("sample", sample, row, f"{path}, fold {name}, is of other data.")
        for sample in test:
            if sample in tested:
                raise InputError(
                    f"{path}: {sample} is tested twice, in the folds {tested[sample]} and {name}; "
                    f"each sample counts once."
                )
            tested[sample] = name
        sides_rows = [np.array(sorted({row[s] for s in side})) for side in (train, test)]
        folds.append(Fold(name, *sides_rows))
    if not folds:
        raise InputError(f"{path}: holds no folds.")
    return folds


def _checked(folds: list[Fold], data: Arrays) -> list[Fold]:
    """Folds of the caller's own, with row numbers as arrays; raises `InputError` for what a file
    could not say: rows that are none, an empty side, a name or a tested sample that stands twice.
    """
    if not folds:
        raise InputError("split: holds no folds.")
    tested: dict[int, str] = {}
    found: dict[str, Fold] = {}
    for fold in folds:
        if fold.name in found:
            raise InputError(f"split: two folds are named {fold.name!r}; give each its own name.")
        sides = [np.asarray(side) for side in (fold.train, fold.test)]
        for side in sides:
            rows = side.ndim == 1 and side.size and side.dtype.kind in "iu"
            if not rows or side.min() < 0 or side.max() >= len(data):
                raise InputError(
                    f"split: fold {fold.name} must train on and test row numbers from 0 to "
                    f"{len(data) - 1}, one or more each."
                )
        for row in sides[1].tolist():
            if row in tested:
                raise InputError(
                    f"split: {data.ids()[row]} is tested twice, in the folds {tested[row]} and "
                    f"{fold.name}; each sample counts once."
                )
            tested[row] = fold.name
        found[fold.name] = Fold(fold.name, *sides)
    return list(found.values())


def _as_data_name_them(samples: Iterable[str], data: Arrays) -> dict[str, str]:
    """Sample as a file names it -> `"dataset/clip"` of the data, for those that can be told."""
    ids = data.ids().tolist()
    known = dict(zip(ids, ids, strict=True))
    strange = [sample for sample in samples if sample not in known]
    if not strange:
        return known
    columns = (data.dataset.tolist(), data.subject.tolist(), data.clip.tolist())
    forms: dict[tuple[str, str], set[str]] = {}
    for name, dataset, subject, clip in zip(ids, *columns, strict=True):
        forms.setdefault((plain_subject(subject), clip_key(subject, clip)), set()).add(name)
        forms.setdefault((dataset_key(dataset), plain(clip)), set()).add(name)
    for sample in strange:
        dataset, _, clip = sample.partition("/")
        leads = [clip.split("/")[0], re.split(r"[\s_-]", clip.rsplit("/", 1)[-1])[0]]
        people = [f"{dataset}/{lead}" for lead in leads]
        tried = [(plain_subject(person), clip_key(person, clip)) for person in people]
        found = [
            forms[form] for form in [*tried, (dataset_key(dataset), plain(clip))] if form in forms
        ]
        if found and len(found[0]) == 1:
            known[sample] = next(iter(found[0]))
    return known

"""Protocols: how samples are split into folds. A split is data, not code that runs during training.

`PROTOCOLS` is their table: a name, what a fold leaves out, and the function that makes the folds.
Who is left out together decides what a score means: splits by clip or by frame put one person on
both sides and are there to show how much that gains, never without the subject-wise figure beside.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from merzoo.arguments import number_after, split_text
from merzoo.data.frame_samples import MARK, clip_of
from merzoo.errors import InputError, unknown
from merzoo.preprocessing.arrays import Arrays

_FOLDS = 5  # of a k-fold protocol that does not say how many
_SEED = 0  # of shuffled splits that do not say one: the same for every seed of a run, so that
# seeds can be compared


@dataclass(frozen=True)
class Fold:
    """One split: train on the samples at `train`, test on those at `test` (row numbers)."""

    name: str
    train: np.ndarray
    test: np.ndarray


@dataclass(frozen=True)
class Protocol:
    """One row of `PROTOCOLS`.

    Args:
        about: one line.
        split: (data, number of folds, seed of the shuffle) -> folds; the numbers are ignored where
            the data decide it.
        by: what never stands on both sides: `"subject"`, `"clip"` or `"frame"`.
        numbered: whether `:K`, the number of folds, may follow the name, and `:SEED` after it.
        labels: the label map that belongs to the protocol, or `None` for any.
        datasets: the datasets that belong to it, or none for any.
        instead: for a split that is not by subject, the protocol whose figure stands beside.
    """

    about: str
    split: Callable[[Arrays, int, int], list[Fold]]
    by: str = "subject"
    numbered: bool = False
    labels: str | None = None
    datasets: tuple[str, ...] = ()
    instead: str | None = None


def loso(data: Arrays) -> list[Fold]:
    """Leave one subject out: as many folds as subjects, each tested on all clips of one subject."""
    return _leave_one_out(data, data.subject, "subject")


def leave_one_dataset_out(data: Arrays) -> list[Fold]:
    """Leave one dataset out (the holdout-database evaluation, HDE, of MEGC)."""
    return _leave_one_out(data, data.dataset, "dataset")


def kfold(
    data: Arrays, folds: int, by: str = "subject", stratified: bool = False, seed: int = _SEED
) -> list[Fold]:
    """Shuffled k-fold over subjects, clips or frames.

    Args:
        data: the samples; frames of one clip are named `"clip#frame"`.
        folds: K, from 2.
        by: `"subject"`, `"clip"` or `"frame"`: what stays together on one side.
        stratified: whether the classes are spread evenly over the folds, as far as keeping
            together allows.
        seed: of the shuffle.

    Raises:
        InputError: if there are fewer than K to share out, or no frames to split by.

    Example:

    >>> data = Arrays({}, [0, 1] * 4, list("aabbccdd"), ["x"] * 8, list("12345678"), ("no", "yes"))
    >>> [sorted(set(data.subject[fold.test].tolist())) for fold in kfold(data, 2)]
    [['x/a', 'x/c'], ['x/b', 'x/d']]
    """
    groups = _groups(data, by)
    names = sorted(set(groups.tolist()))
    if folds < 2 or folds > len(names):
        raise InputError(
            f"{data.source}: {folds} folds of its {len(names)} {by}s cannot be made; "
            f"choose from 2 to {len(names)}."
        )
    if stratified:
        part = _stratified_parts(data, groups, folds, seed)
    else:
        order = np.random.default_rng(seed).permutation(len(names))
        shares = np.array_split(order, folds)
        part_of = {names[i]: k for k, share in enumerate(shares) for i in share}
        part = np.array([part_of[name] for name in groups.tolist()])
    return [
        Fold(f"{k + 1}of{folds}", np.flatnonzero(part != k), np.flatnonzero(part == k))
        for k in range(folds)
    ]


def _megc2018(split):
    """The split, after a look whether these are the challenge's two datasets and five classes."""

    def checked(data: Arrays, folds: int, seed: int) -> list[Fold]:
        from merzoo.data.labels import label_map

        found = sorted({name.casefold() for name in data.dataset.tolist()})
        classes = label_map("objective-5").classes
        if found != ["casme2", "samm"] or data.classes != classes:
            raise InputError(
                f"{data.source}: MEGC 2018 is casme2 and samm in the objective classes "
                f"{', '.join(classes)}; these are {', '.join(found)} in the classes "
                f"{', '.join(data.classes)}. Use --labels objective-5."
            )
        return split(data)

    return checked


def _row(by: str, stratified: bool) -> Protocol:
    spread = ", classes spread evenly" if stratified else ""
    leak = "" if by == "subject" else "; leaks, so the figure by subject stands beside"
    return Protocol(
        f"K shuffled folds of {by}s{spread}{leak}",
        lambda data, folds, seed: kfold(data, folds, by, stratified, seed),
        by=by,
        numbered=True,
        instead=None if by == "subject" else ("stratified-" if stratified else "") + "kfold",
    )


_MEGC2018 = {"labels": "objective-5", "datasets": ("casme2", "samm")}
PROTOCOLS: dict[str, Protocol] = {
    "loso": Protocol("leave one subject out", lambda data, *_: loso(data)),
    "leave-one-dataset-out": Protocol(
        "leave one dataset out (HDE)", lambda data, *_: leave_one_dataset_out(data)
    ),
    "kfold": _row("subject", False),
    "stratified-kfold": _row("subject", True),
    "kfold-clips": _row("clip", False),
    "stratified-kfold-clips": _row("clip", True),
    "kfold-frames": _row("frame", False),
    "stratified-kfold-frames": _row("frame", True),
    "megc2018-cde": Protocol(
        "MEGC 2018, objective classes I-V of casme2 and samm, leave one subject out",
        _megc2018(loso),
        **_MEGC2018,
    ),
    "megc2018-hde": Protocol(
        "MEGC 2018, objective classes I-V, train on casme2 and test on samm, and the reverse",
        _megc2018(leave_one_dataset_out),
        **_MEGC2018,
    ),
}


def parse_protocol(text: str) -> tuple[Protocol, int]:
    """A protocol as typed, such as `"kfold:8"`, or `"kfold:8:42"` with the seed of its shuffle: its
    row, and the number of folds.

    Raises:
        InputError: for an unknown name, or a number where none belongs or that is none.

    >>> protocol, folds = parse_protocol("kfold-clips:8")
    >>> protocol.by, folds, protocol.instead
    ('clip', 8, 'kfold')
    """
    row, folds, _ = _parsed(text)
    return row, folds


def _parsed(text: str) -> tuple[Protocol, int, int]:
    """The row of a protocol, the number of its folds, and the seed of its shuffle."""
    name, number = split_text("protocol", text, "kfold:8")
    if name not in PROTOCOLS:
        raise unknown("protocol", name, PROTOCOLS, "merzoo evaluate --help lists them.")
    protocol = PROTOCOLS[name]
    if number is None:
        return protocol, _FOLDS, _SEED
    if not protocol.numbered:
        raise InputError(f"protocol {text!r} cannot be read: {name} takes no number, write {name}.")
    count, seed = split_text("protocol", number, f"{name}:8 or {name}:8:42")
    folds = number_after("protocol", text, count, f"{name}:8", least=2)
    if seed is None:
        return protocol, folds, _SEED
    return protocol, folds, number_after("protocol", text, seed, f"{name}:8:42", least=0)


def make_folds(protocol: str, data: Arrays) -> list[Fold]:
    """The folds of a protocol by name.

    Raises:
        InputError: for an unknown protocol, or data that cannot be split so.
    """
    row, folds, seed = _parsed(protocol)
    try:
        return row.split(data, folds, seed)
    except InputError as error:
        raise InputError(f"protocol {protocol}: {error}") from None


def subject_wise(protocol: str, data: Arrays) -> str | None:
    """The protocol by subject that a clip- or frame-wise one must be shown beside, or `None`.

    It has the same number of folds, or as many as there are subjects.
    """
    row, folds, seed = _parsed(protocol)
    if row.instead is None:
        return None
    shuffled = "" if seed == _SEED else f":{seed}"
    return f"{row.instead}:{min(folds, len(set(data.subject.tolist())))}{shuffled}"


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


def _groups(data: Arrays, by: str) -> np.ndarray:
    if by == "subject":
        return data.subject
    if by == "clip":
        return np.char.add(np.char.add(data.dataset, "/"), clip_of(data.clip))
    if not any(MARK in name for name in data.clip.tolist()):
        raise InputError(
            f"{data.source}: its samples are whole clips, there are no frames to split by; give "
            f"clips (such as casme2:FOLDER), which are cut into frames."
        )
    return data.ids()


def _stratified_parts(data: Arrays, groups: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """(N,) the fold in which each sample is tested."""
    import warnings

    from sklearn.model_selection import StratifiedGroupKFold

    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    part = np.zeros(len(data), int)
    with warnings.catch_warnings():
        # A class with fewer samples than folds is spread as far as it goes.
        warnings.filterwarnings("ignore", message="The least populated class")
        try:
            for k, (_, test) in enumerate(splitter.split(data.label, data.label, groups)):
                part[test] = k
        except ValueError as error:
            raise InputError(f"{data.source}: {folds} stratified folds: {error}") from None
    if len(set(part.tolist())) < folds:
        raise InputError(
            f"{data.source}: {folds} stratified folds leave one empty; choose fewer folds."
        )
    return part

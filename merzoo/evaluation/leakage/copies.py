"""Identical and near-identical samples on both sides of a split, and one face under two names.

Identical: the same values in some modality, by hash. Near-identical: small pictures of both (a
perceptual fingerprint) agree, and so do the pictures and their gradients at up to 64 pixels, also
when one is mirrored. The limits are set where no two different people are found: not among the
synthetic faces, nor the MEGC 2019 flow images, nor the faces of FER-2013 (whose pairs beyond them
are reposts of one photograph), while copies with a little noise, other brightness, another size
or JPEG compression are, and faces of one person in one place. Copies that were moved or cut are
looked for by `merzoo.evaluation.leakage.shifted`.
"""

import hashlib
from collections import defaultdict

import numpy as np

from merzoo.evaluation.leakage.findings import Finding, Sides
from merzoo.evaluation.leakage.pictures import (
    close_rows,
    gradient_agreement,
    normalised,
    pictures_of,
)
from merzoo.evaluation.leakage.shifted import moved_copies
from merzoo.modalities import modality

_SMALL, _LARGE = 16, 64  # pixels a side, of the search and of the comparison
_SMALL_AGREE, _AGREE = 0.95, 0.95  # correlation
_GRADIENTS_AGREE, _FACES_AGREE = 0.80, 0.70  # of gradients; of faces
_BLOCK = 256  # samples compared with all others at a time
_MOST = 2_000_000  # pairs that are looked at; more say nothing new


def copied_samples(sides: Sides, by: str) -> list[Finding]:
    """Findings of identical and near-identical samples; `by` as in `shared_groups`."""
    identical: set[tuple[int, int]] = set()
    near: dict[tuple[int, int], tuple[str, str]] = {}
    for name, array in sides.data.modalities.items():
        if modality(name).is_image:
            same = _identical(array, sides)
            identical |= same
            for pair, how in _near_identical(name, array, sides, by).items():
                near.setdefault(pair, (name, how))
            for pair in moved_copies(name, array, sides):
                if by == "subject" or len(set(sides.data.subject[list(pair)])) > 1:
                    near.setdefault(pair, (name, "moved"))
    near = {pair: how for pair, how in near.items() if pair not in identical}
    openly = {pair for pair in identical if _openly(sides, pair, by)}
    strangers = {pair: how for pair, how in near.items() if _one_face(sides, pair, how[0])}
    copies = {pair: "" for pair in identical - openly}
    return [
        *_finding("identical samples", "error", copies, sides, "Keep one."),
        *_finding("identical samples", "warning", dict.fromkeys(openly, ""), sides, ""),
        *_finding(
            "one person, two names",
            "warning",
            strangers,
            sides,
            "Look at them; if it is one person, give one name.",
        ),
        *_finding(
            "near-identical samples",
            "warning",
            {pair: how for pair, how in near.items() if pair not in strangers},
            sides,
            "Keep them on one side.",
        ),
    ]


def _openly(sides: Sides, pair: tuple[int, int], by: str) -> bool:
    """Whether the protocol says itself that it puts such a pair on both sides."""
    first, second = pair
    return by != "subject" and sides.data.subject[first] == sides.data.subject[second]


def _one_face(sides: Sides, pair: tuple[int, int], name: str) -> bool:
    subject = sides.data.subject
    return modality(name).face and subject[pair[0]] != subject[pair[1]]


def _finding(kind, severity, pairs: dict, sides: Sides, advice: str) -> list[Finding]:
    if not pairs:
        return []
    named = [
        f"{sides.ids[i]} and {sides.ids[j]} (fold {sides.fold_of(i, j)})"
        for i, j in sorted(pairs)[:3]
    ]
    more = f" and {len(pairs) - 3} more" if len(pairs) > 3 else ""
    message = f"{kind} on both sides, {len(pairs)} pairs: {'; '.join(named)}{more}. {advice}"
    rows = sorted({i for pair in pairs for i in pair})
    return [Finding(kind, severity, message.strip(), sides.names(rows))]


def _identical(array: np.ndarray, sides: Sides) -> set[tuple[int, int]]:
    """Pairs with the same values on opposite sides; pictures of one value say nothing."""
    places = defaultdict(list)
    for i, sample in enumerate(array):
        sample = np.ascontiguousarray(sample, "float32")
        if sample.min() < sample.max():
            places[hashlib.blake2b(sample, digest_size=16).digest()].append(i)
    pairs = [(a, b) for rows in places.values() for k, a in enumerate(rows) for b in rows[k + 1 :]]
    if not pairs:
        return set()
    first, second = np.array(pairs).T
    return {pair for pair, across in zip(pairs, sides.across(first, second), strict=True) if across}


def _near_identical(name: str, array: np.ndarray, sides: Sides, by: str) -> dict:
    """Pair -> `"copy"` or `"mirrored"`, of near-identical samples on opposite sides.

    Pairs of one person are left out where the protocol says itself that it parts them.
    """
    small = _fingerprints(array, name, _SMALL)
    found: dict[tuple[int, int], str] = {}
    for how, other in (("copy", small), ("mirrored", _mirrored(small, name))):
        first, second = _close_pairs(small, other)
        wanted = sides.across(first, second)
        if by != "subject":
            wanted &= sides.data.subject[first] != sides.data.subject[second]
        first, second = first[wanted][:_MOST], second[wanted][:_MOST]
        kept = _agree(array, name, first, second, mirrored=how == "mirrored")
        found |= dict.fromkeys(zip(first[kept].tolist(), second[kept].tolist(), strict=True), how)
    return found


def _fingerprints(array, name: str, side: int, rows=None) -> np.ndarray:
    """`pictures_of`, each channel with mean 0 and norm 1."""
    return normalised(pictures_of(array, name, side, rows))


def _mirrored(pictures: np.ndarray, name: str) -> np.ndarray:
    pictures = pictures[:, :, ::-1]
    sign = modality(name).mirror_sign  # the shift goes with the mean
    return pictures * np.array(sign, "float32") if sign else pictures


def _close_pairs(pictures: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows (first, second), first < second, whose small pictures agree."""
    first, second = close_rows(pictures, others, _SMALL_AGREE)
    return first[first < second], second[first < second]


def _agree(array, name: str, first, second, mirrored: bool) -> np.ndarray:
    """(P,) whether two samples agree in values and in gradients."""
    agreed = np.zeros(len(first), bool)
    if not len(first):
        return agreed
    rows, places = np.unique(np.concatenate([first, second]), return_inverse=True)
    pictures = _fingerprints(array, name, _LARGE, rows)
    limit = _FACES_AGREE if modality(name).face else _GRADIENTS_AGREE
    for start in range(0, len(first), _BLOCK):
        block = slice(start, start + _BLOCK)
        one, two = (pictures[side[block]] for side in (places[: len(first)], places[len(first) :]))
        if mirrored:
            two = _mirrored(two, name)
        values = (one * two).sum((1, 2)).mean(-1)
        agreed[block] = (values >= _AGREE) & (gradient_agreement(one, two) >= limit)
    return agreed

"""Copies that were moved by a pixel or two, or cut and enlarged again: the search of `copies`, with
each picture moved and cut against all others as they are.

Pictures are compared at up to 32 pixels a side, without a margin, in which a moved copy has other
content. The limits are stricter than those of copies in place, since there are more chances.
"""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from merzoo.evaluation.leakage.findings import Sides
from merzoo.evaluation.leakage.pictures import (
    close_rows,
    gradient_agreement,
    normalised,
    pictures_of,
)

_BLOCK = 1024  # pairs compared at a time
_VALUES = 1 << 24  # of moved pictures that are compared at a time
_MARGIN = 3  # pixels that are left out
_SHIFT = 2  # pixels, at most
_CUTS = (1, 2, 3, 4)  # pixels, at each side
_AGREE, _GRADIENTS_AGREE = 0.965, 0.92  # correlation


def moved_copies(name: str, array: np.ndarray, sides: Sides) -> set[tuple[int, int]]:
    """Pairs (i, j), i < j, on opposite sides of which one is the other moved or cut."""
    pictures = pictures_of(array, name, 32)
    if min(pictures.shape[1:3]) < 4 * _MARGIN:
        return set()
    plain, found = _inner(pictures, 0, 0), set()
    small, ways = normalised(_halved(plain)), list(_ways(pictures))
    at_once = max(1, _VALUES // small.size)
    for start in range(0, len(ways), at_once):
        part = ways[start : start + at_once]
        moved = np.concatenate([normalised(_halved(way(pictures))) for way in part])
        first, second = close_rows(moved, small, _AGREE)
        number, first = np.divmod(first, len(pictures))
        wanted = sides.across(first, second)
        number, first, second = number[wanted], first[wanted], second[wanted]
        for k in np.unique(number):
            one, two = first[number == k], second[number == k]
            agreed = _agree(part[k](pictures), plain, one, two)
            pairs = np.sort(np.stack([one[agreed], two[agreed]], 1), 1)
            found |= set(map(tuple, pairs.tolist()))
    return found


def _agree(moved, plain, first, second) -> np.ndarray:
    """(P,) whether pictures first[p] moved and second[p] agree in values and gradients."""
    agreed = np.zeros(len(first), bool)
    for start in range(0, len(first), _BLOCK):
        block = slice(start, start + _BLOCK)
        one, two = normalised(moved[first[block]]), normalised(plain[second[block]])
        values = (one * two).sum((1, 2)).mean(-1)
        gradients = gradient_agreement(one, two)
        agreed[block] = (values >= _AGREE) & (gradients >= _GRADIENTS_AGREE)
    return agreed


def _halved(pictures: np.ndarray) -> np.ndarray:
    """Pictures of half the size, by which pairs that could agree are found."""
    n, height, width, channels = pictures.shape
    pictures = pictures[:, : height // 2 * 2, : width // 2 * 2]
    return pictures.reshape(n, height // 2, 2, width // 2, 2, channels).mean((2, 4))


def _inner(pictures: np.ndarray, y: int, x: int) -> np.ndarray:
    height, width = pictures.shape[1:3]
    return pictures[:, _MARGIN + y : height - _MARGIN + y, _MARGIN + x : width - _MARGIN + x]


def _ways(pictures: np.ndarray) -> Iterator[Callable[[np.ndarray], np.ndarray]]:
    """Functions that move all pictures, or cut and enlarge them, without their margin."""
    steps = range(-_SHIFT, _SHIFT + 1)
    for y, x in ((y, x) for y in steps for x in steps if (y, x) != (0, 0)):
        yield partial(_inner, y=y, x=x)
    for cut in _CUTS:
        corners = {(0, 0), (0, 2 * cut), (2 * cut, 0), (2 * cut, 2 * cut), (cut, cut)}
        for y, x in sorted(corners):
            yield partial(_cut, y=y, x=x, cut=cut)


def _cut(pictures: np.ndarray, y: int, x: int, cut: int) -> np.ndarray:
    import cv2

    height, width = pictures.shape[1:3]
    parts = pictures[:, y : height - 2 * cut + y, x : width - 2 * cut + x]
    resized = [cv2.resize(part, (width, height)) for part in parts]
    return _inner(np.stack(resized).reshape(pictures.shape), 0, 0)

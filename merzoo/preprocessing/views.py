"""Views of samples at test time, whose answers are averaged: a mirror image, ten crops."""

from collections.abc import Callable
from functools import partial

import numpy as np

from merzoo.preprocessing.transforms import flip, translate

# What is looked at, for cards.
TEST_TIME = {
    "flip": "mean over a sample and its mirror image",
    "ten-crop": "mean over ten views: five crops and their mirror images",
}
_PADDING = 15 / 224  # as of the augmentation `crop-15`
_CORNERS = ((0, 0), (-1, -1), (-1, 1), (1, -1), (1, 1))


def views(test_time: str | None) -> tuple[Callable, ...]:
    """What is done to a batch {modality: (B, ...) float32} for each of its views, of its own size.

    Ten crops (Krizhevsky et al., 2012) are the middle and the four corners of the padded picture
    that the augmentation `crop-15` draws its crops of, and the mirror images of these.

    Args:
        test_time: `None` for one view, or a key of `TEST_TIME`.

    >>> sample = {"apex": np.float32([[[[1], [2]]]])}
    >>> [view(sample)["apex"].ravel().tolist() for view in views("flip")]
    [[1.0, 2.0], [2.0, 1.0]]
    """
    return _VIEWS[test_time]


def _same(sample: dict) -> dict:
    return sample


def _crop(sample: dict, corner: tuple[int, int], mirrored: bool) -> dict:
    size = len(next(iter(sample.values())))
    moved = translate(sample, np.tile(np.float32(corner) * np.float32(_PADDING), (size, 1)))
    return flip(moved) if mirrored else moved


_VIEWS: dict[str | None, tuple[Callable, ...]] = {
    None: (_same,),
    "flip": (_same, flip),
    "ten-crop": tuple(
        partial(_crop, corner=corner, mirrored=mirrored)
        for corner in _CORNERS
        for mirrored in (False, True)
    ),
}

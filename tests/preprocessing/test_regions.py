"""Identification blocks: places worked out by hand from the paper's equations."""

import numpy as np
import pytest

from merzoo.errors import InputError
from merzoo.preprocessing import regions

# Partner of each landmark under a mirror, 1-based.
MIRROR = [*range(17, 0, -1), *range(27, 17, -1), 28, 29, 30, 31, 36, 35, 34, 33, 32]
MIRROR += [46, 45, 44, 43, 48, 47, 40, 39, 38, 37, 42, 41]
MIRROR += [55, 54, 53, 52, 51, 50, 49, 60, 59, 58, 57, 56, 65, 64, 63, 62, 61, 68, 67, 66]


def symmetric_face(seed=0):
    """Random landmarks, symmetric about the middle of a 224-pixel crop, far from its edges."""
    points = np.random.default_rng(seed).uniform(70, 150, (68, 2))
    points[[48, 54], 0] = 91.5, 131.5
    partner = points[np.array(MIRROR) - 1] * [-1, 1] + [223, 0]
    return (points + partner) / 2


def centres(boxes):
    """Pixel positions of the middles of boxes on a 224-pixel crop, x y."""
    return np.stack([boxes[:, 1] + boxes[:, 3], boxes[:, 0] + boxes[:, 2]], -1) * 112 - 0.5


def test_24_blocks_lie_where_the_paper_says():
    points = symmetric_face()
    boxes = regions.regions_24(points, 224, 224)
    got = centres(boxes)
    np.testing.assert_allclose((boxes[:, 2:] - boxes[:, :2]) * 224, 48, atol=1e-4)
    for block, landmark in {1: 19, 2: 22, 5: 39, 6: 37, 11: 49, 15: 59, 16: 57}.items():
        np.testing.assert_allclose(got[block - 1], points[landmark - 1], atol=1e-3)
    np.testing.assert_allclose(got[18 - 1], (points[41 - 1] + points[42 - 1]) / 2, atol=1e-3)
    np.testing.assert_allclose(got[23 - 1], points[49 - 1] - 16, atol=1e-3)  # Eq. 4


def test_the_literal_24_differ_in_block_24_only_by_32_pixels():
    points = symmetric_face()
    corrected = centres(regions.regions_24(points, 224, 224))
    literal = centres(regions.regions_24_literal(points, 224, 224))
    difference = literal - corrected
    np.testing.assert_allclose(difference[:23], 0)
    np.testing.assert_allclose(difference[23], [0, 32], atol=1e-3)  # Eq. 5 prints +16, not -16


def test_10_blocks_lie_where_the_paper_says():
    points = symmetric_face()  # mouth corners 40 pixels apart: blocks 20 pixels wide
    boxes = regions.regions_10(points, 224, 224)
    got = centres(boxes)
    np.testing.assert_allclose((boxes[:, 2:] - boxes[:, :2]) * 224, 20, atol=1e-4)
    brow, side = (points[20 - 1] + points[25 - 1]) / 2, np.array([20, 0])
    expected = [
        points[49 - 1],
        points[55 - 1],
        points[9 - 1] + [0, -10],
        points[32 - 1] + [-10, 0],
        points[36 - 1] + [10, 0],
        points[37 - 1] + [-10, 0],
        points[46 - 1] + [10, 0],
        brow,
        brow - side,
        brow + side,
    ]
    np.testing.assert_allclose(got, expected, atol=1e-3)
    literal = centres(regions.regions_10_literal(points, 224, 224))
    np.testing.assert_allclose(literal[2], points[9 - 1] + [-10, 0], atol=1e-3)  # Eq. 12


@pytest.mark.parametrize("function", [regions.regions_24, regions.regions_10])
def test_the_blocks_of_a_symmetric_face_are_symmetric(function):
    boxes = function(symmetric_face(), 224, 224)
    mirrored = np.stack([boxes[:, 0], 1 - boxes[:, 3], boxes[:, 2], 1 - boxes[:, 1]], -1)
    order = np.lexsort(boxes.round(4).T)
    np.testing.assert_allclose(boxes[order], mirrored[np.lexsort(mirrored.round(4).T)], atol=1e-5)


@pytest.mark.parametrize("function", [regions.regions_24_literal, regions.regions_10_literal])
def test_the_literal_blocks_are_not_symmetric(function):
    boxes = function(symmetric_face(), 224, 224)
    mirrored = np.stack([boxes[:, 0], 1 - boxes[:, 3], boxes[:, 2], 1 - boxes[:, 1]], -1)
    nearest = np.abs(boxes[:, None] - mirrored[None]).max(-1).min(1)
    assert nearest.max() > 0.02


@pytest.mark.parametrize("name", ["regions_24", "regions_10", "regions_24_literal"])
@pytest.mark.parametrize("shift", [-120, 120])
def test_blocks_stay_in_the_crop_at_their_full_size(name, shift):
    function = getattr(regions, name)
    inside = function(symmetric_face(), 224, 224)
    boxes = function(symmetric_face() + shift, 224, 224)
    assert boxes.min() >= 0 and boxes.max() <= 1
    np.testing.assert_allclose(
        boxes[:, 2:] - boxes[:, :2], inside[:, 2:] - inside[:, :2], atol=1e-5
    )


def test_blocks_scale_with_the_crop():
    points = symmetric_face()
    double = (points + 0.5) * 2 - 0.5  # the same places on a crop of twice the size
    for function in (regions.regions_24, regions.regions_10):
        np.testing.assert_allclose(
            function(points, 224, 224), function(double, 448, 448), atol=1e-6
        )


@pytest.mark.parametrize(
    "points, words",
    [
        (np.zeros((72, 2)), r"\(68, 2\)"),
        (np.full((68, 2), np.nan), "NaN"),
        (np.zeros((68, 2)), "mouth corner"),
    ],
)
def test_landmarks_that_cannot_be_right_are_refused(points, words):
    with pytest.raises(InputError, match=words):
        regions.regions_10(points, 224, 224)

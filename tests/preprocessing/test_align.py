"""Alignment: transforms recovered from points moved by a known one, and crops of known images."""

import numpy as np
import pytest

from merzoo.errors import InputError
from merzoo.preprocessing import align
from merzoo.preprocessing.face import Face
from merzoo.preprocessing.landmarks import (
    EYE_CORNERS,
    MIRROR,
    eye_centres,
    landmarks_72,
    reference_face,
)

MATRIX = np.array([[1.10, -0.23], [0.31, 0.94]])
SHIFT = np.array([41.0, -17.0])


def moved(points):
    return points @ MATRIX.T + SHIFT


def similar(points, angle=0.2, scale=1.7, shift=(30, 60)):
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    return points @ np.array([[c, -s], [s, c]]).T + shift


@pytest.fixture
def points():
    jitter = np.random.default_rng(0).normal(0, 3, (68, 2))
    return reference_face(280, 340) + jitter


@pytest.fixture
def elsewhere():
    return np.random.default_rng(1).uniform(-50, 400, (500, 2))


@pytest.mark.parametrize("name", ["affine", "piecewise_affine", "local_weighted_mean"])
def test_a_known_affine_is_recovered_everywhere(name, points, elsewhere):
    transform = getattr(align, name)(points, moved(points))
    np.testing.assert_allclose(transform(points), moved(points), atol=1e-6)
    np.testing.assert_allclose(transform(elsewhere), moved(elsewhere), atol=1e-6)


def test_a_known_similarity_is_recovered(points, elsewhere):
    transform = align.similarity(points, similar(points))
    np.testing.assert_allclose(transform(elsewhere), similar(elsewhere), atol=1e-6)


def test_a_similarity_does_not_shear(points):
    transform = align.similarity(points, moved(points))
    a, b, c = transform(np.array([[0.0, 0], [1, 0], [0, 1]]))
    assert abs((b - a) @ (c - a)) < 1e-12
    assert np.hypot(*(b - a)) == pytest.approx(np.hypot(*(c - a)))


def test_local_weighted_mean_is_of_second_order(points):
    def bend(p):
        return p + 0.001 * np.stack([p[:, 0] ** 2, p[:, 0] * p[:, 1]], -1)

    transform = align.local_weighted_mean(points, bend(points))
    inside = points.mean(0) + (points - points.mean(0)) * 0.5
    # Exact but for the small weight of the global affine, 1e-3.
    np.testing.assert_allclose(transform(inside), bend(inside), atol=0.05)
    assert np.abs(align.affine(points, bend(points))(inside) - bend(inside)).max() > 1


def test_piecewise_affine_takes_every_point_to_its_target(points):
    target = points + np.random.default_rng(2).normal(0, 4, points.shape)
    np.testing.assert_allclose(align.piecewise_affine(points, target)(points), target, atol=1e-8)


@pytest.mark.parametrize("method", align.ALIGNMENTS)
def test_an_aligned_face_has_its_eyes_in_the_reference_place(method, points):
    source = similar(reference_face(224, 224))
    face = Face((0, 0, 10, 10), eye_centres(source), source)
    alignment = align.align(face, 224, 224, method)
    np.testing.assert_allclose(alignment.to_crop(source), reference_face(224, 224), atol=1e-6)
    np.testing.assert_allclose(alignment.to_frame(alignment.to_crop(points)), points, atol=1e-6)


def test_without_landmarks_the_eye_centres_align():
    source = similar(reference_face(224, 224))
    face = Face((0, 0, 10, 10), eye_centres(source))
    alignment = align.align(face, 224, 224)
    np.testing.assert_allclose(alignment.to_crop(source), reference_face(224, 224), atol=1e-6)


def test_a_non_rigid_alignment_without_landmarks_is_refused():
    face = Face((0, 0, 10, 10), np.array([[3.0, 3], [7, 3]]))
    with pytest.raises(InputError, match="needs 68 landmarks"):
        align.align(face, 224, 224, "local_weighted_mean")


def test_the_crop_shows_the_frame_at_the_mapped_places():
    """A frame whose grey level is its x + y: the crop must read the level of its place."""
    y, x = np.mgrid[:200, :180]
    frame = ((x + y) / 2).astype(np.uint8)[..., None]
    source = similar(reference_face(64, 64), angle=0.1, scale=1.2, shift=(40, 40))
    face = Face((0, 0, 200, 180), eye_centres(source), source)
    alignment = align.align(face, 64, 64)
    rows, columns = np.mgrid[:64, :64]
    places = alignment.to_frame(np.stack([columns, rows], -1).reshape(-1, 2).astype(float))
    expected = places.sum(1).reshape(64, 64) / 2
    assert np.abs(alignment.apply(frame)[..., 0] - expected).max() < 1.1  # rounding to uint8, twice


def test_a_whole_frame_is_averaged_down():
    frame = np.zeros((40, 80, 3), np.uint8)
    frame[::2] = 200  # stripes finer than the crop: their mean, not one of them
    crop = align.align(Face((0, 0, 40, 80)), 10, 20).apply(frame)
    assert crop.shape == (10, 20, 3)
    np.testing.assert_allclose(crop, 100, atol=1)


def test_a_whole_frame_of_the_crops_size_is_unchanged():
    frame = np.random.default_rng(0).integers(0, 256, (30, 20, 1), np.uint8)
    crop = align.align(Face((0, 0, 30, 20)), 30, 20).apply(frame)
    np.testing.assert_array_equal(crop, frame)


def test_the_mirror_table_is_its_own_inverse_and_fits_the_reference():
    order = np.array(MIRROR) - 1
    np.testing.assert_array_equal(order[order], np.arange(68))
    points = reference_face(100, 100)
    np.testing.assert_allclose(points[order] * [-1, 1] + [99, 0], points, atol=1e-9)


def test_the_72_points_are_those_of_face_recognition():
    """Its `face_landmarks` gives 48 points as they are, then two closed lip outlines of 12."""
    points = np.arange(136).reshape(68, 2)
    got = landmarks_72(points)
    top = [*range(48, 55), 64, 63, 62, 61, 60]
    bottom = [*range(54, 60), 48, 60, 67, 66, 65, 64]
    np.testing.assert_array_equal(got, points[[*range(48), *top, *bottom]])


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: align.similarity(np.zeros((1, 2)), np.zeros((1, 2))), "at least 2"),
        (lambda: align.similarity(np.zeros((4, 2)), np.zeros((4, 2))), "one place"),
        (lambda: align.affine(np.zeros((4, 2)), np.zeros((5, 2))), "two equal lists"),
        (lambda: align.affine(np.full((4, 2), np.nan), np.zeros((4, 2))), "NaN"),
        (lambda: align.local_weighted_mean(np.zeros((9, 2)), np.zeros((9, 2))), "at least 12"),
        (lambda: align.align(Face((0, 0, 9, 9)), 9, 9, "lwm"), "Unknown alignment"),
        (lambda: landmarks_72(np.zeros((5, 2))), r"\(68, 2\)"),
    ],
)
def test_bad_points_are_refused(call, words):
    with pytest.raises(InputError, match=words):
        call()


def test_eye_corners_are_level_in_the_reference():
    corners = reference_face(200, 200)[np.array(EYE_CORNERS) - 1]
    assert np.ptp(corners[:, 1]) < 2

"""Flow and strain: known displacements, and the strain of fields whose strain is known by hand."""

import numpy as np
import pytest

from merzoo.errors import InputError
from merzoo.preprocessing import flow as flows

Y, X = np.mgrid[:64, :80].astype(np.float64)


def texture(x, y):
    """A smooth image defined at every real position, so that a shift is exact."""
    waves = np.sin(x / 4) * np.cos(y / 5) + 0.5 * np.sin((x + 2 * y) / 7) + 0.3 * np.cos(x / 2.5)
    return 128 + 60 * waves


@pytest.mark.parametrize("method", flows.FLOW_METHODS)
def test_every_method_finds_a_known_translation(method):
    onset, apex = texture(X, Y), texture(X - 1.5, Y + 0.75)
    inner = flows.optical_flow(onset, apex, method)[16:-16, 16:-16]
    np.testing.assert_allclose(inner.mean((0, 1)), [1.5, -0.75], atol=0.1)


@pytest.mark.parametrize("method", flows.FLOW_METHODS)
def test_grey_and_colour_of_either_type_give_one_flow(method):
    onset = np.rint(texture(X, Y).clip(0, 255)).astype(np.uint8)
    apex = np.rint(texture(X - 1, Y).clip(0, 255)).astype(np.uint8)
    expected = flows.optical_flow(onset, apex, method)
    assert expected.shape == (64, 80, 2) and expected.dtype == np.float32
    for change in (lambda i: i[..., None], lambda i: i.astype(float)):
        np.testing.assert_array_equal(
            flows.optical_flow(change(onset), change(apex), method), expected
        )
    colour = flows.optical_flow(
        np.repeat(onset[..., None], 3, -1), np.repeat(apex[..., None], 3, -1), method
    )
    np.testing.assert_allclose(colour, expected, atol=1e-3)


@pytest.mark.parametrize(
    ("u", "v", "expected"),
    [
        (0 * X + 2, 0 * X - 1, 0.0),  # translation
        (-0.02 * Y, 0.02 * X, 0.0),  # rotation by 0.02 rad
        (0.03 * X, 0.05 * Y, np.hypot(0.03, 0.05)),  # stretch: .0583
        (0.04 * Y, 0 * X, 0.04 / np.sqrt(2)),  # simple shear
        (0 * X, 0.04 * X, 0.04 / np.sqrt(2)),  # the other simple shear
    ],
)
def test_strain_of_fields_known_by_hand(u, v, expected):
    strain = flows.optical_strain(np.stack([u, v], axis=-1))
    np.testing.assert_allclose(strain, expected, atol=1e-12)


def test_the_literal_equation_of_dfrnet_sees_strain_in_a_rotation():
    rotation = np.stack([-0.02 * Y, 0.02 * X], axis=-1)
    np.testing.assert_allclose(flows.optical_strain_dfrnet_eq7(rotation), 0.02, atol=1e-12)
    stretch = np.stack([0.03 * X, 0.05 * Y], axis=-1)
    np.testing.assert_allclose(flows.optical_strain_dfrnet_eq7(stretch), 0.0583, atol=5e-5)


def test_flow_modality_is_u_v_and_strain():
    flow = np.stack([0.03 * X, 0.05 * Y], axis=-1)
    modality = flows.flow_with_strain(flow)
    assert modality.shape == (64, 80, 3) and modality.dtype == np.float32
    np.testing.assert_allclose(modality[..., :2], flow, rtol=1e-6)
    np.testing.assert_allclose(modality[..., 2], 0.0583, atol=5e-5)


def test_flow_image_holds_0_and_255_in_every_channel_and_keeps_order():
    flow = np.stack([np.sin(X / 9), np.cos(Y / 9)], axis=-1)
    image = flows.flow_image(flow, size=(28, 30))
    assert image.shape == (28, 30, 3) and image.dtype == np.float32
    assert (image.min((0, 1)) == 0).all() and (image.max((0, 1)) == 255).all()
    rows = image[:, 0, 1]  # v depends on y alone: the channels were not exchanged
    assert np.ptp(rows) > 200 and np.ptp(image[5, :, 1]) < 1e-3


def test_a_still_pair_gives_zero_and_no_nan():
    image = flows.flow_image(np.zeros((64, 64, 2)))
    assert (image == 0).all()
    y, x = np.mgrid[:160, :160]
    still = flows.farneback_flow(texture(x, y), texture(x, y))
    assert np.median(np.abs(still)) < 1e-3  # OpenCV drifts inwards from the last row and column


@pytest.mark.parametrize(
    ("onset", "apex", "message"),
    [
        (np.zeros((40, 40)), np.zeros((40, 41)), "same box"),
        (np.zeros((40, 40, 4)), np.zeros((40, 40, 4)), r"must be \(H, W\)"),
        (np.full((40, 40), np.nan), np.zeros((40, 40)), "onset: holds NaN"),
        (np.zeros((40, 40)), np.full((40, 40), 0.5), "apex: intensities lie in 0..1"),
        (np.array([["a"]]), np.zeros((1, 1)), "must hold numbers"),
    ],
)
def test_unusable_images_are_named(onset, apex, message):
    with pytest.raises(InputError, match=message):
        flows.optical_flow(onset, apex)


def test_unknown_method_and_wrong_flow_shape_are_refused():
    with pytest.raises(InputError, match="Did you mean 'farneback'"):
        flows.optical_flow(np.zeros((40, 40)), np.zeros((40, 40)), "farnback")
    with pytest.raises(InputError, match="sides from 32"):
        flows.dis_flow(np.zeros((20, 40)), np.zeros((20, 40)))
    with pytest.raises(InputError, match="flow must be"):
        flows.optical_strain(np.zeros((8, 8)))
    with pytest.raises(InputError, match="flow must be"):
        flows.flow_image(np.zeros((2, 8, 8, 2)))

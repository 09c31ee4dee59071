"""Magnification: gains known from the filters' formulas, and clips for which a band is empty."""

import numpy as np
import pytest

from merzoo.errors import InputError
from merzoo.preprocessing import magnify as evm

Y, X = np.mgrid[:192, :192]
PATTERN = np.cos(2 * np.pi * X / 48)  # a wavelength that lives in the middle pyramid levels


def flicker(hertz, frames=500, fps=100, amplitude=0.5):
    """A pattern whose contrast swings at `hertz`; the frequency is a Fourier bin of the clip."""
    swing = amplitude * np.sin(2 * np.pi * hertz * np.arange(frames) / fps)
    return (128 + swing[:, None, None] * PATTERN).astype(np.float32)[..., None]


def contrast(frame):
    return ((frame[..., 0] - 128) * PATTERN).sum() / (PATTERN**2).sum()


def test_a_sinusoid_inside_the_band_is_amplified_by_one_plus_alpha():
    clip = flicker(2.0)
    band = {"temporal_filter": "ideal", "low": 1, "high": 3, "cutoff_wavelength": 4}
    t = 12  # near the first crest
    magnified = evm.magnified_frame(clip, t, 100, **band)
    assert contrast(magnified) == pytest.approx(16 * contrast(clip[t]), rel=0.05)


def test_a_sinusoid_outside_the_band_is_unchanged():
    clip = flicker(5.0)
    band = {"temporal_filter": "ideal", "low": 1, "high": 3, "alpha": 15}
    magnified = evm.magnified_frame(clip, 5, 100, **band)
    assert contrast(magnified) == pytest.approx(contrast(clip[5]), rel=0.01)


PULSE = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(68) / 67)  # a micro-expression at 200 fps


@pytest.mark.parametrize(
    ("arguments", "gain"),
    [
        ({"temporal_filter": "butterworth", "low": 0.4, "high": 3}, 0.55),
        ({"temporal_filter": "butterworth", "low": 0.5, "high": 10}, 0.74),
        ({"temporal_filter": "iir", "low": 0.05, "high": 0.4}, 0.44),
    ],
)
def test_gain_at_the_apex_of_a_pulse(arguments, gain):
    filtered = evm.temporal_weights(68, 200, **arguments) @ PULSE
    assert filtered[33] == pytest.approx(gain, abs=0.01)


def test_the_default_band_peaks_on_the_apex():
    assert abs(int((evm.temporal_weights(68, 200) @ PULSE).argmax()) - 33) <= 1


@pytest.mark.parametrize("name", evm.TEMPORAL_FILTERS)
def test_a_constant_clip_is_left_alone(name):
    weights = evm.temporal_weights(600, 100, name)
    np.testing.assert_allclose(weights.sum(axis=1), 0, atol=1e-9)
    still = np.repeat(128 + 50 * PATTERN[None, :64, :64, None], 30, axis=0).astype(np.float32)
    np.testing.assert_allclose(evm.magnify(still, 100), still, atol=1e-3)


def test_the_filters_of_the_weights_equal_a_plain_recursion():
    x = np.random.default_rng(0).normal(size=40)
    fast = slow = x[0]
    expected = []
    for value in x:
        fast, slow = 0.6 * fast + 0.4 * value, 0.95 * slow + 0.05 * value
        expected.append(fast - slow)
    np.testing.assert_allclose(evm.temporal_weights(40, 200, "iir") @ x, expected, atol=1e-12)


def test_an_empty_band_is_an_error_that_explains_itself():
    clip = np.zeros((68, 32, 32, 1), np.uint8)
    with pytest.raises(InputError) as error:
        evm.magnified_frame(clip, 30, 200, temporal_filter="ideal")
    message = str(error.value)
    for part in ("0.1-0.4 Hz", "68 frames", "2.94 Hz apart", "butterworth", "at least 500 frames"):
        assert part in message
    assert evm.temporal_weights(500, 200, "ideal").any()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(64, 64), (61, 83)])
def test_one_frame_equals_that_of_the_whole_clip(channels, size):
    clip = np.random.default_rng(0).integers(90, 160, (12, *size, channels)).astype(np.uint8)
    whole = evm.magnify(clip, 200)
    assert whole.shape == clip.shape and whole.dtype == np.float32
    assert whole.min() >= 0 and whole.max() <= 255
    one = evm.magnified_frame(clip, 7, 200)
    np.testing.assert_allclose(one, whole[7], atol=1e-2)


def test_causal_filters_read_no_frame_after_the_wanted_one():
    clip = np.random.default_rng(0).integers(0, 255, (10, 32, 32, 1)).astype(np.uint8)

    class Counting(list):
        def __getitem__(self, i):
            read.add(i)
            return super().__getitem__(i)

    read = set()
    evm.magnified_frame(Counting(clip), 4, 200)
    assert max(read) == 4


def test_colour_changes_are_attenuated_and_brightness_is_not():
    clip = np.full((20, 64, 64, 3), 128, np.float32)
    red = PATTERN[:64, :64, None] * np.array([1, 0, 0])
    grey = PATTERN[:64, :64, None] * np.array([1, 1, 1])
    swing = 2 * PULSE[:40:2, None, None, None]
    luma = np.array([0.299, 0.587, 0.114])

    def gain(change, chroma):
        magnified = evm.magnified_frame(clip + swing * change, 15, 200, chroma=chroma)
        added = magnified - (clip + swing * change)[15]
        return added @ luma, added - (added @ luma)[..., None]

    np.testing.assert_allclose(gain(grey, 0.0)[0], gain(grey, 1.0)[0], atol=1e-2)
    luma_without, colour_without = gain(red, 0.0)
    luma_with, colour_with = gain(red, 1.0)
    np.testing.assert_allclose(luma_without, luma_with, atol=1e-2)
    assert np.abs(colour_without).max() < 1e-2 < 1 < np.abs(colour_with).max()


def test_gains_follow_the_bound_of_the_paper():
    # 280 x 340: wavelengths 4.6 9.2 18.4 36.7 73.4 146.8; (1 + 15) 9.18 / 16 - 1 = 8.18
    gains = evm.level_gains(280, 340, alpha=15, cutoff_wavelength=16)
    np.testing.assert_allclose(gains, [0, 8.18, 15, 15, 15, 0], atol=0.01)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: evm.magnify(c, 25, high=13), "nothing from 12.5 Hz"),
        (lambda c: evm.magnify(c, None), "frames per second"),
        (lambda c: evm.magnify(c[:1], 200), "at least 2 frames"),
        (lambda c: evm.magnify(c, 200, low=3, high=2), "0 < low < high"),
        (lambda c: evm.magnify(c, 200, temporal_filter="ideel"), "Did you mean 'ideal'"),
        (lambda c: evm.magnify(c[..., 0], 200), "sides from 20"),
        (lambda c: evm.magnified_frame(c, 9, 200), "Frame 9 asked for"),
        (lambda c: evm.magnify(c, 200, temporal_filter="iir", high=2), "rates must lie"),
    ],
)
def test_impossible_requests_are_named(call, message):
    with pytest.raises(InputError, match=message):
        call(np.zeros((6, 32, 32, 1), np.uint8))


@pytest.mark.parametrize("size", [(64, 64), (61, 83)])
def test_the_result_equals_that_of_the_plain_order_of_operations(size):
    from benchmarks import plain_magnification as plain

    clip = np.random.default_rng(0).integers(60, 200, (12, *size, 3)).astype(np.uint8)
    np.testing.assert_allclose(evm.magnify(clip, 200), plain.magnify(clip, 200), atol=0.05)

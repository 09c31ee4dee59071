"""Apex spotting: clips whose peak is known because they are made from it."""

import numpy as np
import pytest

from merzoo.data.clip import Clip
from merzoo.data.frames import ArrayFrames
from merzoo.errors import InputError
from merzoo.preprocessing import apex

LENGTH, PEAK = 41, 17


def texture(seed=0, size=112):
    import cv2

    noise = np.random.default_rng(seed).normal(0, 1, (size, size)).astype(np.float32)
    smooth = sum(cv2.GaussianBlur(noise, (0, 0), s) * s for s in (1.5, 4, 9))
    return 128 + 90 * smooth / np.abs(smooth).max()


def triangle(length=LENGTH, peak=PEAK):
    """0 at both ends, 1 at the peak, straight in between."""
    return np.interp(np.arange(length), [0, peak, length - 1], [0, 1, 0])


def intensity_clip(peak=PEAK):
    """Grey levels that rise and fall linearly, without noise."""
    step = texture(1) - 128
    return [100 + level * step for level in triangle(peak=peak)]


def motion_clip(peak=PEAK, pixels=3.0, noise=0.0, seed=0):
    """A face-sized texture whose mouth region moves up and back by up to `pixels`."""
    import cv2

    image = texture()
    y, x = np.mgrid[:112, :112].astype(np.float32)
    bump = np.exp(-((x - 56) ** 2 + (y - 82) ** 2) / (2 * 14**2))
    rng = np.random.default_rng(seed)
    frames = []
    for level in triangle(peak=peak):
        frame = cv2.remap(image, x, y + np.float32(level * pixels) * bump, cv2.INTER_LINEAR)
        frames.append(np.clip(frame + rng.normal(0, noise, frame.shape), 0, 255).astype(np.float32))
    return frames


@pytest.mark.parametrize("peak", [5, 17, 20, 33])
def test_pixel_ratio_finds_the_peak_of_a_noise_free_triangle(peak):
    found = apex.pixel_ratio(intensity_clip(peak))
    assert abs(found.index - peak) <= 1
    assert np.isnan(found.curve[[0, -1]]).all() and found.curve.shape == (LENGTH,)


def test_pixel_ratio_equals_the_equation_worked_out_by_hand():
    """Levels 10, 14, 11: (4 + 1 + 3 + 1) / (4 + 1) = 1.8 in the middle frame."""
    found = apex.pixel_ratio([np.full((3, 3), level, np.uint8) for level in (10, 14, 11)])
    assert found.index == 1 and found.curve[1] == pytest.approx(1.8)


@pytest.mark.parametrize("method", ["dc_rois", "flow"])
@pytest.mark.parametrize("peak", [9, 20, 30])
def test_motion_spotters_find_the_peak_of_a_noise_free_triangle(method, peak):
    found = apex.spot_apex(motion_clip(peak), method)
    assert abs(found.index - peak) <= 1
    assert found.method == method and 0 < found.confidence <= 1


def test_flow_is_the_best_spotter_under_noise():
    """The mean error over seeds of sensor noise 3: flow stays near a frame."""
    errors = {name: [] for name in apex.SPOTTERS}
    for seed in range(3):
        frames = motion_clip(20, noise=3.0, seed=seed)
        for name in errors:
            errors[name].append(abs(apex.spot_apex(frames, name).index - 20))
    means = {name: np.mean(values) for name, values in errors.items()}
    assert means["flow"] <= 2
    assert means["flow"] <= min(means.values())


def head_motion(shift=(2.0, -1.0), turn=0.02, scale=1.01, size=90):
    """The flow of a head that shifts, turns and comes nearer, worked out by hand."""
    y, x = np.mgrid[:size, :size] - size / 2
    u = scale * (np.cos(turn) * x - np.sin(turn) * y) - x + shift[0]
    v = scale * (np.sin(turn) * x + np.cos(turn) * y) - y + shift[1]
    return np.stack([u, v], -1).astype(np.float32)


def test_head_motion_is_taken_away_and_the_expression_stays():
    head = head_motion()
    assert np.abs(apex.without_head_motion(head)).max() < 1e-4
    mouth = np.zeros_like(head)
    mouth[60:80, 30:60, 1] = 0.5
    left = apex.without_head_motion(head + mouth)
    assert np.abs(left - mouth).max() < 0.05


def test_flow_finds_the_peak_of_a_face_that_drifts_away():
    """The head moves 3 pixels to the right over the clip, the mouth 2 pixels up and back."""
    import cv2

    drift = np.linspace(0, 3, LENGTH)
    frames = [
        cv2.warpAffine(frame, np.float32([[1, 0, shift], [0, 1, 0]]), (112, 112), borderMode=1)
        for frame, shift in zip(motion_clip(20, pixels=2.0), drift, strict=True)
    ]
    assert abs(apex.flow(frames).index - 20) <= 1


def test_a_still_clip_has_no_confidence():
    assert apex.flow([texture()] * 12).confidence == 0


def test_divide_and_conquer_keeps_the_half_with_the_larger_peak_sum():
    curve = np.zeros(16)
    curve[3] = 0.9  # the highest single peak, alone in its half
    curve[[9, 12, 14]] = 0.5, 0.6, 0.4  # the right half sums to 1.5; then 0.5 against 1.0; ...
    assert apex._divide_and_conquer(curve) == 12


def test_uniform_patterns_equal_those_of_scikit_image():
    """scikit-image's "nri_uniform" up to the numbering of the patterns, without the border."""
    feature = pytest.importorskip("skimage.feature")
    image = np.random.default_rng(0).integers(0, 256, (60, 50)).astype(np.uint8)
    ours = apex.uniform_patterns(image)
    theirs = feature.local_binary_pattern(image, 8, 1, "nri_uniform")[1:-1, 1:-1].astype(int)
    pairs = set(zip(ours.ravel().tolist(), theirs.ravel().tolist(), strict=True))
    assert ours.max() == 58
    assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


def test_there_are_58_uniform_patterns():
    assert len(set(apex._UNIFORM.tolist())) == 59 and (apex._UNIFORM == 58).sum() == 256 - 58


def clip(**fields):
    frames = ArrayFrames(np.zeros((10, 8, 8, 1), np.uint8))
    return Clip("made", "made/s1", "s1/a", frames, **fields)


def test_the_annotated_apex_is_taken_as_it_stands():
    found = apex.annotated(clip(onset=1, apex=4, offset=9))
    assert (found.index, found.confidence, found.curve.argmax()) == (4, 1.0, 4)


@pytest.mark.parametrize(
    "fields, words",
    [
        ({"onset": 0, "offset": 9}, "made s1/a: has no annotated apex; choose a spotter"),
        ({"onset": 2, "apex": 1, "offset": 9}, r"apex 1 lies outside onset\.\.offset 2\.\.9"),
        ({"onset": 2, "apex": 8, "offset": 7}, r"apex 8 lies outside onset\.\.offset 2\.\.7"),
        ({"onset": 2, "apex": 3, "offset": 10}, "does not fit its 10 frames"),
        ({"onset": 7, "apex": 7, "offset": 0}, r"onset\.\.offset 7\.\.0 does not fit"),
    ],
)
def test_annotations_that_cannot_be_right_are_refused(fields, words):
    with pytest.raises(InputError, match=words):
        apex.annotated(clip(**fields))


@pytest.mark.parametrize("method", apex.SPOTTERS)
def test_two_frames_are_too_few(method):
    with pytest.raises(InputError, match=f"{method}: .*needs 3 frames, got 2"):
        apex.spot_apex([texture()] * 2, method)


def test_crops_too_small_for_the_blocks_are_refused():
    with pytest.raises(InputError, match="region 'left eye and brow' is only"):
        apex.dc_rois([np.zeros((20, 20), np.uint8)] * 3)


def test_an_unknown_spotter_is_refused():
    with pytest.raises(InputError, match="Did you mean 'dc_rois'"):
        apex.spot_apex([texture()] * 3, "dc_roi")


def test_the_plot_marks_the_apex_in_red(tmp_path):
    found = apex.flow(motion_clip())
    figure = apex.plot_apex(found, annotation=PEAK)
    axes = figure.axes[0]
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), found.curve)
    assert axes.lines[1].get_color() == "red" and axes.lines[1].get_xdata()[0] == found.index
    figure.savefig(tmp_path / "apex.png")
    assert (tmp_path / "apex.png").stat().st_size > 5000

"""The spotter on movements whose expressions are known because they are put there."""

import numpy as np
import pytest

from merzoo.errors import InputError
from merzoo.prediction.spotting import Settings, spot
from tests.prediction.made import blink, motion

SMILE = ("mouth corner", 0.3, -0.25)
FROWN = ("inner brow", 0.2, 0.35)


def test_two_expressions_are_found_where_they_are():
    spots, curve = spot(motion([(*SMILE, 150, 170, 190), (*FROWN, 400, 412, 440)]))
    assert len(spots) == 2 and len(curve) == 600
    for found, truth in zip(spots, [(150, 170, 190), (400, 412, 440)], strict=True):
        assert np.abs(np.subtract((found.onset, found.apex, found.offset), truth)).max() <= 4


def test_noise_alone_gives_nothing():
    assert spot(motion([], seed=3))[0] == []


def test_a_blink_is_no_expression():
    assert spot(motion(blink(200)))[0] == []


def test_a_smile_during_a_blink_is_found_and_the_blink_is_not_part_of_it():
    spots, _ = spot(motion([*blink(210), (*SMILE, 200, 222, 240)]))
    assert len(spots) == 1 and abs(spots[0].apex - 222) <= 3


@pytest.mark.parametrize("length, found", [(0.03, 0), (0.3, 1), (1.2, 0)])
def test_what_lasts_too_short_or_too_long_is_left_out(length, found):
    frames = 300 * length  # a fast camera, so that 0.03 s is more than one frame
    bump = (*SMILE, 900, 900 + frames / 2, 900 + frames)
    settings = Settings(smoothing=0.003)
    assert len(spot(motion([bump], length=1800, fps=300.0), settings)[0]) == found


def test_the_limits_are_the_callers():
    bump = (*SMILE, 300, 330, 360)
    assert spot(motion([bump]), Settings(longest=0.5))[0] == []
    assert len(spot(motion([bump]), Settings(longest=0.8))[0]) == 1


def test_of_two_that_overlap_one_stays():
    spots, _ = spot(motion([(*SMILE, 200, 220, 240), (*FROWN, 210, 228, 246)]))
    assert len(spots) == 1


def test_positions_are_those_of_the_video_where_frames_were_left_out():
    slow = motion([(*SMILE, 150, 170, 190)])
    thinned = type(slow)(slow.positions * 2, slow.fps, slow.moves)
    spots, _ = spot(thinned)
    assert len(spots) == 1 and abs(spots[0].apex - 340) <= 6 and spots[0].apex % 2 == 0


def test_a_stretch_without_a_face_splits_the_video():
    moved = motion([(*SMILE, 150, 170, 190), (*SMILE, 450, 470, 490)])
    moved.moves[250:350] = np.nan
    spots, curve = spot(moved)
    assert [s.apex // 100 for s in spots] == [1, 4]
    assert np.isnan(curve[250:350]).all() and np.isfinite(curve[:250]).all()


def test_a_stretch_too_short_for_anything_is_no_error():
    moved = motion([], length=40)
    moved.moves[3:30] = np.nan
    assert spot(moved)[0] == []


@pytest.mark.parametrize("limits", [(0.5, 0.04), (0, 0.5), (0.2, 0.2)])
def test_impossible_limits_are_refused(limits):
    with pytest.raises(InputError, match="0 < shortest < longest"):
        spot(motion([]), Settings(shortest=limits[0], longest=limits[1]))

"""The growth benchmark judges exponents and slopes as it says, on clips that can be told apart."""

import numpy as np
import pytest

from tests.benchmarks.test_speed import load

growth = load("growth")


def rows(exponent, clips=(100, 400, 1600, 6400)):
    """CPU seconds that grow with a power of the clips, and 20 MiB a thousand clips."""
    return [
        {
            "model": "ststnet",
            "step": "evaluate",
            "clips": n,
            "subjects": 8,
            "cpu_s": (n / 100) ** exponent if n > 100 else 50.0,  # starting up is left out
            "peak_mib": 200 + n / 50,
        }
        for n in clips
    ]


def test_growth_is_judged_from_400_clips_on():
    assert growth.grown(rows(2), "ststnet", "evaluate", 8) == pytest.approx((2, 20, 6400))
    assert [fact["met"] for fact in growth.facts(rows(2)) + growth.facts(rows(1))] == [False, True]


def test_every_subject_has_two_clips():
    assert growth.sizes((100, 400), (8, 128)) == [(100, 8), (400, 8), (400, 128)]


def test_clips_differ_and_move_where_their_class_says():
    clips = growth.made_clips(12, 4)
    frames = [clip.frames[0] for clip in clips]
    assert len({frame.tobytes() for frame in frames}) == 12
    assert len({clip.subject for clip in clips}) == 4 and len({c.label for c in clips}) == 3
    for clip in clips:
        moved = np.abs(clip.frames[1].astype(int) - clip.frames[0])[..., 0]
        y, x = np.unravel_index(moved.argmax(), moved.shape)
        place = clip.frames.place
        assert np.hypot(x / growth.SIDE - place[0], y / growth.SIDE - place[1]) < 0.3

"""Long synthetic videos: the plan keeps its promises, and the pictures show what it says."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from merzoo.data.datasets import load_long
from merzoo.data.frames import VideoFrames
from merzoo.data.synthetic import recordings
from merzoo.data.synthetic.long import (
    LONGEST_MICRO,
    NUISANCES,
    film_long,
    plan_long,
    write_long,
)
from merzoo.errors import InputError

SMALL = (140, 170)


@pytest.mark.parametrize("seed", range(8))
def test_expressions_follow_one_another_and_keep_their_durations(seed):
    plan = plan_long(seed, 30, "medium")
    shown = [event for event in plan.events if event.units]
    assert all(a.offset < b.onset for a, b in itertools.pairwise(shown))
    for event in plan.events:
        assert 0 <= event.onset < event.apex < event.offset < plan.length
    assert all((e.offset - e.onset) / plan.fps < LONGEST_MICRO for e in plan.of_kind("micro"))
    assert all((e.offset - e.onset) / plan.fps >= 0.89 for e in plan.of_kind("long"))
    for blink in plan.of_kind("blink"):
        for micro in plan.of_kind("micro"):
            assert blink.offset < micro.onset or micro.offset < blink.onset


def test_thirty_seconds_hold_all_kinds_of_events():
    kinds = {event.kind for seed in range(4) for event in plan_long(seed, 30).events}
    assert kinds == {"micro", "long", "blink", "nod"}


def test_the_same_seed_gives_the_same_frames():
    first, again = (list(film_long(plan_long(5, 2, fps=25), SMALL)[1]) for _ in range(2))
    assert np.array_equal(first, again) and first[0].shape == (170, 140, 3)


def test_a_blink_covers_the_eyes_and_nothing_else():
    plan = next(p for p in (plan_long(s, 6, fps=50) for s in range(20)) if p.of_kind("blink"))
    motion, _ = film_long(plan, SMALL)
    blink = plan.of_kind("blink")[0]
    motion.closing[blink.apex] = 0
    open_eyes = motion.source(blink.apex)
    motion.closing[blink.apex] = 1
    moved = np.hypot(*np.moveaxis(motion.source(blink.apex) - open_eyes, -1, 0))
    points = motion.landmarks()[blink.apex]
    rows, columns = np.nonzero(moved > 0.3)
    assert len(rows) > 20
    assert columns.min() > points[36, 0] - 3 and columns.max() < points[45, 0] + 3
    assert rows.min() > points[17:27, 1].min() and rows.max() < points[36:48, 1].max() + 3


def test_landmarks_move_with_the_expression_and_come_back():
    plan = next(p for p in (plan_long(s, 6, fps=50) for s in range(20)) if p.of_kind("micro"))
    motion, _ = film_long(plan, (280, 340))
    event = plan.of_kind("micro")[0]
    motion.head[:] = 0
    points = motion.canvas.to_frame(motion.person.landmarks)
    moved = np.abs(motion.forward(points, event.apex) - points).max()
    assert moved > 0.4 * max(unit.amplitude for unit in event.units)
    assert np.abs(motion.forward(points, event.offset) - points).max() < 1e-6


def test_a_written_video_has_the_frames_and_the_rate(tmp_path):
    path = write_long(tmp_path / "a" / "long.avi", plan_long(2, 2, fps=25), SMALL)
    frames = VideoFrames(path)
    assert (len(frames), frames.fps) == (50, 25.0)
    first = next(film_long(plan_long(2, 2, fps=25), SMALL)[1])
    assert np.abs(frames[0].astype(int) - first).mean() < 3
    assert [p.name for p in path.parent.iterdir()] == ["long.avi"]


def test_a_video_too_short_for_anything_is_refused():
    with pytest.raises(InputError, match="2 seconds or more"):
        plan_long(1, 0.5)


def test_speech_and_turns_come_only_where_asked_for_and_stay_away_from_micro_expressions():
    usual = plan_long(3, 30, fps=30)
    asked = plan_long(3, 30, fps=30, nuisances=NUISANCES)
    assert {e.kind for e in usual.events} & {"speech", "turn"} == set()
    for kind in ("micro", "long", "blink", "nod"):
        assert usual.of_kind(kind) == asked.of_kind(kind)
    others = asked.of_kind("speech") + asked.of_kind("turn")
    assert {e.kind for e in others} == {"speech", "turn"}
    for other in others:
        assert 0 < other.onset < other.apex < other.offset < asked.length
        assert all(other.offset < e.onset or e.offset < other.onset for e in asked.of_kind("micro"))
    alone = plan_long(3, 30, fps=30, nuisances=())
    assert {e.kind for e in alone.events} == {"micro"}
    with pytest.raises(InputError, match="Did you mean 'blink'"):
        plan_long(3, 30, nuisances=("blnk",))


def test_a_turning_head_moves_its_middle_farther_than_its_edge():
    plan = plan_long(3, 12, fps=30, nuisances=("turn",))
    motion, _ = film_long(plan, SMALL)
    event = plan.of_kind("turn")[0]
    middle = motion.canvas.to_frame(motion.person.landmarks)[[30, 0, 16]]  # nose, both ears
    still = replace(plan, events=tuple(e for e in plan.events if e.kind != "turn"))
    plain, _ = film_long(still, SMALL)
    nose, *edges = (motion.forward(middle, event.apex) - plain.forward(middle, event.apex))[:, 0]
    assert all(abs(nose) > 1.2 * abs(edge) and nose * edge > 0 for edge in edges)


def test_long_videos_are_recordings_with_an_exact_truth(tmp_path, monkeypatch):
    monkeypatch.setenv("MERZOO_HOME", str(tmp_path))
    how = {"subjects": 2, "seconds": 4, "fps": 15, "jobs": 1}
    first, second = load_long("synthetic-long", "easy", **how)
    assert (first.subject, second.subject) == ("synthetic-long/s01", "synthetic-long/s02")
    assert len(first.frames) == 60 and first.frames[0].shape == (255, 210, 3)
    plan = plan_long(0, 4, "easy", 15, subject=1, nuisances=NUISANCES, gap=recordings.GAP)
    assert second.intervals("micro") == [(e.onset, e.offset) for e in plan.of_kind("micro")]
    written = (tmp_path / "synthetic-long").glob("*/*.avi")
    before = {path: path.stat().st_mtime_ns for path in written}
    again = load_long("synthetic-long", "easy", **how)
    assert [v.intervals(None) for v in again] == [v.intervals(None) for v in (first, second)]
    assert before == {path: path.stat().st_mtime_ns for path in before} and len(before) == 2
    with pytest.raises(InputError, match="'wink' is none of all, none, long"):
        load_long("synthetic-long", "easy", nuisances="wink")

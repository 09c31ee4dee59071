"""The synthetic clips: same bytes for same arguments, and a truth that the pictures agree with."""

import dataclasses
import json
import os
import time

import cv2
import numpy as np
import pytest

from merzoo.data.frames import VideoFrames
from merzoo.data.synthetic import DIFFICULTIES, clips, synthesize
from merzoo.data.synthetic.action_units import ActionUnit, displacement
from merzoo.data.synthetic.canvas import Canvas
from merzoo.data.synthetic.film import film, sensor_noise
from merzoo.data.synthetic.identity import MIRROR, draw_identity, neutral_landmarks
from merzoo.data.synthetic.motion import Motion
from merzoo.data.synthetic.plan import CAP, EMOTIONS, Setting, plan_clips
from merzoo.errors import InputError
from merzoo.files import clean_workshop
from merzoo.whole import temporary_beside

TINY = {"subjects": 2, "clips": 2, "size": (70, 85), "fps": 50.0}


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return synthesize(tmp_path_factory.mktemp("native") / "faces", **TINY, seed=3, jobs=1)


@pytest.fixture(scope="module")
def clear_plan():
    """A still head, no noise, no distractor, a brow that comes down on both sides."""
    for plan in plan_clips(Setting(4, 7, "easy", seed=1)):
        if plan.emotion == "anger" and plan.units[0].side == "B":
            return dataclasses.replace(plan, drift=0.0, noise=0.0)
    raise AssertionError("no such clip")


# What others put there


def test_cleaning_up_keeps_what_merzoo_did_not_write(tmp_path):
    mine = ["thesis.txt", "photos/cat.jpg", "0123456789abX"]
    left = [".0123abcd-1-4567cdef.part/1.png", ".fedcba98-17-76543210.part.avi"]
    for name in (*mine, *left):
        path = tmp_path / "faces.partial" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
        for old in (path, path.parent):
            os.utime(old, (time.time() - 7200,) * 2)
    clean_workshop(tmp_path / "faces.partial")
    assert sorted(contents(tmp_path / "faces.partial")) == sorted(mine)


# The same bytes


def test_same_seed_gives_same_bytes_with_one_worker_and_with_two(tree, tmp_path):
    again = synthesize(tmp_path / "faces", **TINY, seed=3, jobs=2)
    assert contents(again) == contents(tree)


def test_another_seed_gives_other_clips(tree, tmp_path):
    other = synthesize(tmp_path / "faces", **TINY | {"subjects": 1}, seed=4, jobs=1)
    assert (other / "clips.csv").read_bytes() != (tree / "clips.csv").read_bytes()


def test_a_stopped_run_is_continued_and_keeps_what_was_finished(tree, tmp_path):
    out = synthesize(tmp_path / "faces", **TINY, seed=3, jobs=1)
    settings = out / "synthesis.json"
    facts = json.loads(settings.read_text())
    del facts["finished"]
    settings.write_text(json.dumps(facts))
    (out / "clips.csv").unlink()
    for frame in (out / "clips/s02/c01").iterdir():
        frame.unlink()
    (out / "clips/s02/c01").rmdir()
    kept = (out / "clips/s01/c01/frame_0000.jpg").stat().st_mtime_ns
    synthesize(out, **TINY, seed=3, jobs=1)
    assert contents(out) == contents(tree)
    assert (out / "clips/s01/c01/frame_0000.jpg").stat().st_mtime_ns == kept


def test_two_processes_may_write_the_same_folder_at_once(tree, tmp_path):
    from joblib import Parallel, delayed

    out = tmp_path / "faces"
    Parallel(2)(delayed(synthesize)(out, **TINY, seed=3, jobs=1) for _ in range(2))
    assert contents(out) == contents(tree)
    assert [path.name for path in tmp_path.iterdir()] == ["faces"]


def test_a_kill_at_the_very_first_file_does_not_block_the_folder(tree, tmp_path):
    (tmp_path / "faces").mkdir()
    temporary_beside(tmp_path / "faces" / "synthesis.json").write_text("{")
    assert set(contents(synthesize(tmp_path / "faces", **TINY, seed=3, jobs=1))) >= set(
        contents(tree)
    )


def test_more_clips_leave_the_first_as_they_were(tree, tmp_path):
    more = synthesize(tmp_path / "faces", **TINY | {"clips": 3}, seed=3, jobs=1)
    few, many = contents(tree), contents(more)
    assert all(many[name] == few[name] for name in few if name.startswith("clips/"))


def test_video_is_lossless(tmp_path):
    out = synthesize(
        tmp_path / "faces", subjects=1, clips=1, size=(96, 116), fps=50, media="video", jobs=1
    )
    plan = plan_clips(Setting(1, 1, fps=50.0, context=8))[0]
    frames = VideoFrames(out / "clips/s01/c01.avi")
    assert len(frames) == plan.length
    assert (frames[2] == list(film(plan, (96, 116))[1])[2]).all()


def test_over_25_frames_a_second_and_core_at_280x340(clear_plan):
    film(clear_plan, (280, 340))  # paints the face, which is kept for all clips of a person
    cv2.setNumThreads(1)
    start = time.process_time()
    count = sum(1 for _ in film(clear_plan, (280, 340))[1])
    assert count / (time.process_time() - start) > 25


# The truth


def test_true_flow_agrees_with_farneback(clear_plan):
    """Farneback's relative error on face pairs with known flow is .14 to .19; .3 is allowed."""
    motion, frames = film(clear_plan, (280, 340))
    frames = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    first, last = frames[clear_plan.onset], frames[clear_plan.apex]
    true = motion.flow(clear_plan.onset, clear_plan.apex)
    found = cv2.calcOpticalFlowFarneback(first, last, None, 0.5, 3, 15, 3, 5, 1.2, 0)
    strong = np.linalg.norm(true, axis=-1) > 0.5
    error = np.linalg.norm(found - true, axis=-1)[strong].mean()
    assert error / np.linalg.norm(true, axis=-1)[strong].mean() < 0.3


def test_flow_carries_the_landmarks_from_onset_to_apex():
    plan = plan_clips(Setting(1, 1, "hard", seed=2))[0]  # with drift and distractors
    person = draw_identity(np.random.default_rng(0))
    motion = Motion(plan, person, Canvas((280, 340)))
    before, after = (motion.landmarks()[time] for time in (plan.onset, plan.apex))
    flow = motion.flow(plan.onset, plan.apex)
    at = cv2.remap(flow, before.reshape(1, -1, 2), None, cv2.INTER_LINEAR)[0]
    np.testing.assert_allclose(before + at, after, atol=0.02)


def test_warped_picture_shows_the_landmarks_where_the_truth_says(clear_plan):
    motion = Motion(clear_plan, draw_identity(np.random.default_rng(0)), Canvas((280, 340)))
    moved = motion.landmarks()[clear_plan.apex]
    source = motion.source(clear_plan.apex).astype(np.float32)
    back = cv2.remap(source, moved.reshape(1, -1, 2), None, cv2.INTER_LINEAR)[0]
    np.testing.assert_allclose(back, motion.person.landmarks, atol=0.02)


def test_movement_peaks_at_the_apex_and_is_nil_at_onset_and_offset(clear_plan):
    motion = Motion(clear_plan, draw_identity(np.random.default_rng(0)), Canvas((280, 340)))
    points = motion.landmarks()
    size = np.linalg.norm(points - points[clear_plan.onset], axis=-1).max(-1)
    assert size.argmax() == clear_plan.apex
    assert size[clear_plan.apex] > 0.5
    assert size[clear_plan.offset] < 1e-3


def test_action_unit_12_pulls_the_mouth_corner_up_and_out_on_its_side():
    face = neutral_landmarks()
    right = displacement([ActionUnit(12, "R", 2.0)], face, face)
    np.testing.assert_allclose(right[48], (-1.6, -1.2))  # 2 px along (-.8, -.6)
    assert np.linalg.norm(right[54]) < 0.1
    left = displacement([ActionUnit(12, "L", 2.0)], face, face)
    np.testing.assert_allclose(left, right[MIRROR] * (-1, 1), atol=1e-12)


def test_true_annotation_stands_beside_the_clip(tree):
    with np.load(tree / "truth/s01/c01.npz") as truth:
        frames = len(list((tree / "clips/s01/c01").iterdir()))
        assert truth["landmarks"].shape == (frames, 68, 2)
        assert truth["flow"].shape == (85, 70, 2)
        assert len(truth["action_units"]) == len(truth["sides"]) == len(truth["intensities"])
        assert truth["onset"] < truth["apex"] < truth["offset"] < frames


# What is drawn


@pytest.mark.parametrize(
    ("timing", "length", "rise"), [("casme2", (41, 63, 97), 31), ("samm", (45, 78, 98), 32)]
)
def test_timing_follows_the_real_percentiles(timing, length, rise):
    plans = plan_clips(Setting(60, 10, timing=timing))
    lengths = [plan.offset - plan.onset + 1 for plan in plans]
    np.testing.assert_allclose(np.percentile(lengths, (10, 50, 90)), length, atol=5)
    assert abs(np.median([plan.apex - plan.onset for plan in plans]) - rise) < 5


def test_half_the_frame_rate_halves_the_frames():
    fast, slow = (plan_clips(Setting(9, 9, fps=fps, context=0)) for fps in (200.0, 100.0))
    ratio = sum(plan.length for plan in slow) / sum(plan.length for plan in fast)
    assert abs(ratio - 0.5) < 0.01


@pytest.mark.parametrize("level", DIFFICULTIES)
def test_amplitude_side_and_cap(level):
    plans = plan_clips(Setting(60, 10, level))
    sizes = np.array([unit.amplitude for plan in plans for unit in plan.units])
    assert sizes.max() <= CAP
    assert abs(np.median(sizes) / DIFFICULTIES[level].amplitude - 1) < 0.1
    plans = [plan for plan in plans if plan.emotion not in ("contempt", "repression")]
    share = np.mean([any(unit.side != "B" for unit in plan.units) for plan in plans])
    assert abs(share - 0.3) < 0.06


def test_units_are_a_variant_of_the_emotion_and_people_have_preferences():
    plans = plan_clips(Setting(40, 12, "hard"))
    for plan in plans:
        numbers = tuple(unit.number for unit in plan.units)
        assert numbers in [variant for variant, _ in EMOTIONS[plan.emotion]]
        assert not {unit.number for unit in plan.distractor} & set(numbers)
    happy = np.array([plan.emotion == "happiness" for plan in plans]).reshape(40, 12).sum(1)
    binomial = 12 * happy.mean() / 12 * (1 - happy.mean() / 12)
    assert happy.var() > 1.3 * binomial  # more uneven than chance


def test_a_clip_reads_lazily_with_its_annotation(tmp_path, monkeypatch):
    monkeypatch.setenv("MERZOO_HOME", str(tmp_path))
    found = clips("easy", subjects=1, clips=2, seed=5, fps=25, jobs=1)
    clip = found[1]
    assert (clip.subject, clip.id, clip.fps) == ("synthetic/s01", "s01_c02", 25)
    assert clip.frames[clip.apex].shape == (340, 280, 3)
    assert clip.onset < clip.apex < clip.offset < len(clip.frames)


def test_noise_has_the_asked_deviation_and_no_bias():
    noise = sensor_noise(np.random.default_rng(1), (300, 300), 2.0)
    assert abs(noise.std() - 2) < 0.1 and abs(noise.mean()) < 0.05


# Bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"form": "samn"}, "Unknown form 'samn'. Did you mean 'samm'?"),
        ({"difficulty": "meduim"}, "Unknown difficulty 'meduim'. Did you mean 'medium'?"),
        ({"subjects": 0}, "subjects must be a whole number from 1 to 999, got 0."),
        ({"clips": 2.5}, "clips must be a whole number from 1 to 99, got 2.5."),
        ({"size": (280, 3)}, "height must be a whole number from 32 to 4096, got 3."),
        ({"seed": -1}, "seed must be a whole number from 0"),
        ({"fps": 5}, "fps must be a number from 20 to 1000, got 5."),
        ({"fps": 0}, "fps must be a number from 20 to 1000, got 0."),
        ({"media": "gif"}, "Unknown medium 'gif': choose 'frames' or 'video'."),
        ({"media": "video", "form": "samm"}, "choose 'frames', or form 'native'."),
    ],
)
def test_impossible_arguments_are_named(tmp_path, arguments, message):
    with pytest.raises(InputError) as error:
        synthesize(tmp_path / "faces", **arguments)
    assert message in str(error.value)
    assert not (tmp_path / "faces").exists()


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(InputError, match="is not empty; choose another folder"):
        synthesize(tmp_path)


def test_a_folder_of_other_arguments_is_not_mixed_with(tree):
    with pytest.raises(InputError, match="holds clips with seed 3, not 9"):
        synthesize(tree, **TINY, seed=9)


def test_an_unwritable_folder_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot be written"):
        synthesize(tmp_path / "file" / "faces", subjects=1, clips=1)


@pytest.mark.parametrize("text", ["280", "280*340", "x340", "280x340x3"])
def test_command_line_names_a_bad_size(text, tmp_path, capsys):
    from merzoo.cli import main

    assert main(["data", "synthesize", str(tmp_path / "faces"), "--size", text]) == 2
    line = f"merzoo: error: --size {text!r} is not WIDTHxHEIGHT, such as 280x340.\n"
    assert capsys.readouterr().err == line


def test_command_line_writes_and_says_what(tmp_path, capsys):
    from merzoo.cli import main

    words = f"data synthesize {tmp_path}/faces --subjects 1 --clips 1 --size 70x85 --fps 50"
    assert main([*words.split(), "--jobs", "1"]) == 0
    assert capsys.readouterr().out == f"1 people, 1 clips: {tmp_path}/faces\n"

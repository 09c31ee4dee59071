"""Whose face is followed, and from which frame on: films that begin without one, and of several."""

import argparse

import cv2
import numpy as np
import pytest

import merzoo
from merzoo.data.synthetic.film import film
from merzoo.data.synthetic.plan import Setting, plan_clips
from merzoo.errors import InputError
from merzoo.prediction import Classifier, predict
from merzoo.prediction.motion import measure_motion

FPS, SIZE = 100.0, (180, 218)


@pytest.fixture(scope="module")
def classifier():
    return Classifier(merzoo.create_model("ststnet"), detector="haar")


@pytest.fixture(scope="module")
def plans():
    """A clip of each of two people."""
    return plan_clips(Setting(2, 1, "easy", 7, FPS))


def filmed(plan):
    return np.array(list(film(plan, SIZE)[1]))


@pytest.mark.parametrize("empty", [1, 7, 30])
def test_a_clip_starts_at_its_first_frame_with_a_face(empty, plans, classifier):
    frames = filmed(plans[0])
    wanted = predict(frames, classifier, how="whole", fps=FPS)
    wall = np.full_like(frames[:1], 90).repeat(empty, 0)
    found = predict(np.concatenate([wall, frames]), classifier, how="whole", fps=FPS)
    assert [p for p, _ in found.faces] == [empty]
    assert found.warnings[-1] == f"no face in the first {empty} frames: the clip starts after them."
    (one,), (other,) = wanted, found
    assert (other.onset, other.apex, other.offset) == tuple(
        empty + n for n in (one.onset, one.apex, one.offset)
    )
    assert other.probabilities == pytest.approx(one.probabilities, abs=1e-5)
    assert len(found.curve) == len(found.positions) == empty + len(frames)
    assert np.isnan(found.curve[:empty]).all() and np.isfinite(found.curve[empty:]).all()


def test_a_clip_whose_face_comes_too_late_is_refused(plans, classifier):
    frames = filmed(plans[0])
    wall = np.full_like(frames[:1], 90).repeat(20, 0)
    with pytest.raises(InputError, match="frame 0: no frontal face"):
        predict(np.concatenate([wall, frames[:2]]), classifier, how="whole", fps=FPS)


@pytest.fixture(scope="module")
def beside(plans):
    """Two people side by side, the right one larger and still; and the left one's clip."""
    left, right = (filmed(plan) for plan in plans)
    larger = cv2.resize(right[0], None, fx=1.3, fy=1.3, interpolation=cv2.INTER_CUBIC)
    frames = np.full((len(left), larger.shape[0], SIZE[0] + larger.shape[1], 3), 120, np.uint8)
    frames[:, : SIZE[1], : SIZE[0]] = left
    frames[:, :, SIZE[0] :] = larger
    return frames, left


def test_of_two_people_the_one_that_is_chosen_is_followed(beside, classifier):
    frames, alone = beside
    with pytest.raises(InputError, match=r"2 faces found.*\(--face largest\)"):
        predict(frames, classifier, how="whole", fps=FPS)
    model = Classifier(classifier.model, detector="haar", face="left")
    found = predict(frames, model, how="whole", fps=FPS)
    (wanted,) = predict(alone, model, how="whole", fps=FPS)
    assert found.faces[0][1].eyes[:, 0].max() < SIZE[0]
    assert abs(found[0].apex - wanted.apex) <= 2  # the crop differs at its border
    model = Classifier(classifier.model, detector="haar", face="largest")
    found = predict(frames, model, how="whole", fps=FPS)
    assert found.faces[0][1].eyes[:, 0].min() > SIZE[0]


def test_a_person_who_is_followed_is_not_left_for_a_larger_one(beside):
    """The larger one comes after half a second and would be the largest from then on."""
    frames, _ = beside
    frames = np.concatenate([frames, frames[::-1]])
    frames[:50, :, SIZE[0] :] = 120
    motion = measure_motion(frames, FPS, "haar", which="largest")
    assert not motion.missing and len(motion.faces) >= 3
    assert all(face.eyes[:, 0].max() < SIZE[0] for _, face in motion.faces)


def test_the_command_line_takes_the_choice():
    from merzoo.commands import predict as command
    from merzoo.commands._options import preprocessing_of

    parser = argparse.ArgumentParser()
    command.arguments(parser)
    options = parser.parse_args(["a.mp4", "--out", "x", "--face", "left", "--detector", "haar"])
    assert preprocessing_of(options) == {"face": "left", "detector": "haar"}
    with pytest.raises(InputError, match="Did you mean 'largest'"):
        preprocessing_of(parser.parse_args(["a.mp4", "--out", "x", "--face", "larger"]))

"""Face and landmark detectors, made for real faces, accept the painted ones."""

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest

from merzoo.data.synthetic.film import film
from merzoo.data.synthetic.plan import Setting, plan_clips

dlib = pytest.importorskip("dlib")


def landmark_file() -> str:
    found = importlib.util.find_spec("face_recognition_models")
    if found is None:
        pytest.skip("the 68-point landmark file is not installed")
    folder = Path(found.submodule_search_locations[0]) / "models"
    return str(folder / "shape_predictor_68_face_landmarks.dat")


def first_frames(people: int, seed: int):
    """The onset frame of each person's first clip, and its true landmarks."""
    for plan in plan_clips(Setting(people, 1, "medium", seed)):
        motion, frames = film(plan, (280, 340))
        yield next(frames), motion.landmarks()[0]


def shares_found(people: int, seed: int) -> tuple[float, float, float]:
    """Shares found by dlib HOG and by Haar at default settings, and the mean landmark error.

    The error is the mean distance of the 68 points over the distance of the outer eye corners.
    """
    hog = dlib.get_frontal_face_detector()
    predictor = dlib.shape_predictor(landmark_file())
    haar = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    by_hog, by_haar, errors = 0, 0, []
    for frame, truth in first_frames(people, seed):
        boxes = hog(frame)
        by_hog += len(boxes) == 1
        by_haar += len(haar.detectMultiScale(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY))) >= 1
        if len(boxes):
            shape = predictor(frame, boxes[0])
            points = np.array([(p.x, p.y) for p in shape.parts()])
            distance = np.linalg.norm(points - truth, axis=1).mean()
            errors.append(distance / np.linalg.norm(truth[36] - truth[45]))
    return by_hog / people, by_haar / people, float(np.mean(errors))


def test_a_few_faces_are_found():
    by_hog, by_haar, error = shares_found(4, seed=11)
    assert by_hog == by_haar == 1
    assert error < 0.06


@pytest.mark.slow
def test_at_least_98_per_cent_are_found():
    by_hog, by_haar, error = shares_found(100, seed=12)
    assert by_hog >= 0.98 and by_haar >= 0.98
    assert error < 0.06

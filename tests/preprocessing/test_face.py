"""Faces: a real photograph (in scikit-image's wheel, public domain) and what is refused."""

import functools
import sys

import numpy as np
import pytest

from merzoo.errors import InputError
from merzoo.preprocessing import face
from merzoo.preprocessing.landmarks import reference_face

data = pytest.importorskip("skimage.data", reason="scikit-image holds the test photograph")
needs_landmarks = pytest.mark.skipif(
    not face.has_landmarks(), reason="dlib or its landmark file is not installed"
)

# The middle of each iris on the photograph of 512x512 pixels, good to about 3 pixels.
LEFT_PUPIL, RIGHT_PUPIL = (204, 101), (247, 103)


@functools.cache
def photograph():
    return data.astronaut()


@pytest.mark.parametrize("detector", [pytest.param("dlib", marks=needs_landmarks), "haar"])
def test_the_face_and_its_eyes_are_found(detector):
    found = face.find_face(photograph(), detector)
    y1, x1, y2, x2 = found.box
    assert x1 < 204 < 247 < x2 and y1 < 101 < 150 < y2
    np.testing.assert_allclose(found.eyes, [LEFT_PUPIL, RIGHT_PUPIL], atol=3)


@needs_landmarks
def test_haar_and_dlib_agree_on_the_eyes_within_two_pixels():
    eyes = [face.find_face(photograph(), name).eyes for name in ("dlib", "haar")]
    assert np.abs(eyes[0] - eyes[1]).max() <= 2


@needs_landmarks
def test_a_grey_frame_gives_nearly_the_same_landmarks():
    grey = photograph().mean(-1).astype(np.uint8)[..., None]
    both = [face.find_face(image, "dlib").landmarks for image in (photograph(), grey)]
    assert np.abs(both[0] - both[1]).mean() < 1.5


@needs_landmarks
def test_background_that_scores_far_below_the_face_is_no_second_face():
    """At twice the size dlib also reports a patch of the flag, with a twentieth of the score."""
    large = np.repeat(np.repeat(photograph(), 2, 0), 2, 1)
    np.testing.assert_allclose(
        face.find_face(large, "dlib").eyes / 2, [LEFT_PUPIL, RIGHT_PUPIL], atol=3
    )


def test_none_takes_the_whole_frame():
    found = face.find_face(np.zeros((28, 30, 1), np.uint8), "none")
    assert found.box == (0, 0, 28, 30) and found.eyes is None and found.landmarks is None


def no_face():
    return np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)


def profile():
    return data.camera()[..., None]  # a man seen from the side


def two_faces():
    return np.hstack([photograph(), photograph()[:, ::-1]])


@pytest.mark.parametrize("detector", [pytest.param("dlib", marks=needs_landmarks), "haar"])
@pytest.mark.parametrize(
    "image, words",
    [
        (no_face, "clip 7: no frontal face found"),
        (profile, "clip 7: no frontal face found"),
        (two_faces, "clip 7: 2 faces found"),
    ],
)
def test_frames_without_one_frontal_face_are_refused(detector, image, words):
    with pytest.raises(InputError, match=words):
        face.find_face(image(), detector, where="clip 7")


def test_a_face_turned_aside_is_refused():
    points = reference_face(224, 224)
    face.check_frontal(points)
    points[27] = points[36] + [3, 0]  # the bridge of the nose beside the left eye's outer corner
    with pytest.raises(InputError, match="turned aside"):
        face.check_frontal(points)


def test_a_face_whose_eyes_are_hidden_is_refused_by_haar(monkeypatch):
    monkeypatch.setitem(face._DETECT, "haar", lambda image: [(0, 0, 100, 100)])
    with pytest.raises(InputError, match="not both eyes"):
        face.find_face(np.zeros((100, 100, 1), np.uint8), "haar")


def test_an_unknown_detector_is_refused():
    with pytest.raises(InputError, match="Did you mean 'dlib'"):
        face.find_face(photograph(), "dlip")


def test_a_named_landmark_file_must_exist(monkeypatch, tmp_path):
    monkeypatch.setenv("MERZOO_LANDMARKS", str(tmp_path / "none.dat"))
    with pytest.raises(InputError, match=r"MERZOO_LANDMARKS is set to .* no such file"):
        face.landmark_file()


def test_a_named_landmark_file_comes_first(monkeypatch, tmp_path):
    path = tmp_path / "own.dat"
    path.write_bytes(b"")
    monkeypatch.setenv("MERZOO_LANDMARKS", str(path))
    assert face.landmark_file() == path


def test_a_damaged_landmark_file_is_named(monkeypatch, tmp_path):
    pytest.importorskip("dlib")
    path = tmp_path / "own.dat"
    path.write_bytes(b"not a model")
    monkeypatch.setenv("MERZOO_LANDMARKS", str(path))
    with pytest.raises(InputError, match=r"own\.dat: not a dlib landmark file"):
        face.landmarks_68(photograph(), (83, 179, 170, 266))


def test_a_missing_landmark_file_is_explained_and_haar_takes_over(monkeypatch):
    monkeypatch.delenv("MERZOO_LANDMARKS", raising=False)
    monkeypatch.setattr(face, "_search", lambda: None)
    with pytest.raises(InputError, match=r"MERZOO_LANDMARKS.*face_recognition_models.*haar"):
        face.landmark_file()
    assert face.default_detector() == "haar"


def test_a_missing_dlib_is_explained(monkeypatch):
    monkeypatch.setitem(sys.modules, "dlib", None)
    monkeypatch.setattr(face.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"merzoo\[faces\]"):
        face.find_face(photograph(), "dlib")

"""Faces: a real photograph (in scikit-image's wheel, public domain) and what is refused."""

import functools
import sys

import numpy as np
import pytest

from merzoo.data.synthetic.scene import Placed, person_of_skin, scene
from merzoo.errors import InputError
from merzoo.preprocessing import face
from merzoo.preprocessing.finding import Found
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
    monkeypatch.setitem(face._DETECT, "haar", lambda image: [Found((0, 0, 100, 100))])
    with pytest.raises(face.NoFaceError, match=r"not both eyes.*or 'none' if the frames are face"):
        face.find_face(np.zeros((100, 100, 1), np.uint8), "haar")
    with pytest.raises(face.NoFaceError, match=r"not both eyes; choose the detector 'dlib'.$"):
        face.find_face(np.zeros((200, 100, 1), np.uint8), "haar")


def filmed(tone, width, size, light=1.0, seed=0):
    """A frame with one invented person; and the middle of each eye, (2, 2) x, y."""
    place = size[0] / 3, size[1] / 2
    frame, points = scene([Placed(person_of_skin(tone), width, place)], size, light, seed=seed)
    return frame, np.array([points[0, 36:42].mean(0), points[0, 42:48].mean(0)])


DETECTED = [pytest.param("dlib", marks=needs_landmarks), "haar"]


@pytest.mark.parametrize("detector", DETECTED)
@pytest.mark.parametrize(
    "tone, width, size, light",
    [
        ("light", 60, (1920, 1080), 1.0),
        ("dark", 60, (1920, 1080), 1.0),
        ("medium", 60, (1920, 1080), 0.3),
        ("light", 60, (3840, 2160), 0.3),
        ("dark", 160, (640, 480), 0.12),  # about 8 grey levels of face, and 3 of noise
        ("medium", 110, (1280, 720), 0.12),
    ],
)
def test_small_and_dark_faces_are_found(detector, tone, width, size, light):
    """To a tenth of the distance between the eyes, which the cascade's eyes are off by at most."""
    frame, eyes = filmed(tone, width, size, light)
    found = face.find_face(frame, detector)
    between = np.linalg.norm(eyes[1] - eyes[0])
    assert np.linalg.norm(found.eyes.mean(0) - eyes.mean(0)) < 0.1 * between
    assert np.linalg.norm(found.eyes - eyes, axis=1).max() < 0.2 * between


@pytest.mark.parametrize("detector", DETECTED)
def test_a_frame_with_a_face_at_first_sight_is_not_looked_at_twice(detector, monkeypatch):
    monkeypatch.setattr(face, "look_again", None)  # would fail
    assert not face.find_face(photograph(), detector).dim


@pytest.mark.parametrize("detector", DETECTED)
def test_nobody_is_found_in_an_empty_room(detector):
    for light in (1.0, 0.12, 0.0):
        frame, _ = scene([], (640, 480), light, seed=1)
        with pytest.raises(face.NoFaceError):
            face.find_face(frame, detector)


def test_a_face_that_is_followed_is_found_beside_where_it_was_first():
    frame, eyes = filmed("light", 60, (1280, 720), 0.3)
    once = face.find_face(frame, "haar")
    again = face.find_face(frame, "haar", near=once.box)
    assert once.dim and again.dim
    assert np.abs(again.eyes - eyes).max() < 5


@needs_landmarks
def test_landmarks_of_a_dim_face_are_its_landmarks():
    """The mean error of dlib's 68 points on invented faces is 2 to 4 % of the face's width."""
    frame, points = scene([Placed(person_of_skin("light"), 120, (300, 240))], (640, 480), 0.08)
    found = face.find_face(frame, "dlib")
    assert np.linalg.norm(found.landmarks - points[0], axis=1).mean() < 0.06 * 120
    again = face.landmarks_of(frame, found)
    np.testing.assert_array_equal(again, found.landmarks)


def three_people():
    """Faces of 110, 150 and 120 pixels, from left to right."""
    people = [
        Placed(person_of_skin("light", 0), 110, (200, 240)),
        Placed(person_of_skin("medium", 0), 150, (600, 250)),
        Placed(person_of_skin("light", 1), 120, (1000, 230)),
    ]
    return scene(people, (1280, 600))[0], [one.place for one in people]


@pytest.mark.parametrize("detector", DETECTED)
def test_of_several_faces_one_can_be_chosen(detector):
    frame, places = three_people()
    with pytest.raises(InputError, match=r"3 faces found .*\(--face largest\)"):
        face.find_face(frame, detector)
    for which, number in (("left", 0), ("largest", 1), ("right", 2)):
        found = face.find_face(frame, detector, which=which)
        assert np.linalg.norm(found.eyes.mean(0) - places[number]) < 8, which
    with pytest.raises(InputError, match="Did you mean 'largest'"):
        face.find_face(frame, detector, which="largst")


def test_a_face_that_was_chosen_is_followed_when_another_comes():
    frame, places = three_people()
    first = face.find_face(frame, "haar", which="right")
    found = face.find_face(frame, "haar", which="left", near=first.box)
    assert np.linalg.norm(found.eyes.mean(0) - places[2]) < 8
    elsewhere = face.find_face(frame, "haar", which="left", near=(0, 0, 60, 60))
    assert np.linalg.norm(elsewhere.eyes.mean(0) - places[0]) < 8
    with pytest.raises(InputError, match="3 faces"):
        face.find_face(frame, "haar", near=first.box)


def test_advice_names_none_for_face_crops_only():
    """A crop of the photograph's face, which haar does not see without surroundings."""
    crop = np.ascontiguousarray(photograph()[83:172, 165:280].repeat(3, 0).repeat(3, 1))
    assert face.fills_frame(crop) and "'none'" in face.advice([crop], "haar")
    assert not face.fills_frame(photograph())
    for frame in (photograph(), no_face(), profile(), crop[:, :120]):
        assert "none" not in face.advice([frame], "haar")
        assert "none" not in face.advice([crop, frame], "haar")
    small = np.zeros((100, 90, 1), np.uint8)  # can be nothing but a crop
    assert "'none'" in face.advice([small], "dlib")


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

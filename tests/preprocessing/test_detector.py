"""Which detector serves a data set: face crops are seen as such, and a wrong one stops early."""

from typing import ClassVar

import cv2
import numpy as np
import pytest

from merzoo.data.frames import ArrayFrames
from merzoo.data.synthetic.scene import Placed, person_of_skin, scene
from merzoo.errors import InputError
from merzoo.preprocessing import face
from merzoo.preprocessing.pipeline import prepare
from tests.preprocessing import made

SHAPE = {"apex": (32, 32, 1)}


class Counting(ArrayFrames):
    read: ClassVar[set[int]] = set()  # which clips

    def __getitem__(self, position):
        Counting.read.add(id(self))
        return super().__getitem__(position)


def noise(side, number=12):
    images = np.random.default_rng(0).integers(0, 256, (number, side, side, 3), np.uint8)
    return [made.clip(i, Counting(np.repeat(x[None], 9, 0))) for i, x in enumerate(images)]


def photographs(crop: slice, factor: float):
    """Six clips of a face on a photograph, cut at `crop` of its rows and columns from 179."""
    image = pytest.importorskip("skimage.data").astronaut()[crop, 165:280]
    image = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    return [made.clip(i, ArrayFrames(np.repeat(image[None], 9, 0))) for i in range(6)]


def run(clips, tmp_path, inputs=SHAPE, **options):
    return prepare(clips, inputs, "megc3", jobs=1, cache=tmp_path / "cache", **options)


def test_frames_of_up_to_112_pixels_are_face_crops(tmp_path):
    data = run([made.clip(i) for i in range(3)], tmp_path)  # 96 pixels
    assert data.preparation["detector"] == {"made": "none"}
    assert data.preparation["notes"] == ["made: frames of 96x96 pixels are taken as face crops."]


@pytest.mark.parametrize("detector", ["haar", "auto"])
def test_a_set_without_faces_stops_after_five_clips(detector, tmp_path):
    Counting.read.clear()
    with pytest.raises(
        InputError, match=r"made: .* finds no face in any of 5 clips.*at least 60 pixels"
    ) as caught:
        run(noise(300), tmp_path, detector=detector, on_error="skip")
    assert len(Counting.read) == 5 and "none" not in str(caught.value)


def test_crops_for_which_a_detector_was_asked_are_told_from_frames_that_hold_more(tmp_path):
    crops = photographs(slice(83, 172), 3.5)  # 402 x 311, which haar finds nothing in
    with pytest.raises(InputError, match=r"finds no face in any of 5 .*--detector none"):
        run(crops, tmp_path, detector="haar")


def test_a_set_of_small_dark_faces_has_a_detector(tmp_path):
    frames = [
        scene([Placed(person_of_skin("light", i % 2), 70, (500, 200))], (1280, 720), 0.12, seed=i)
        for i in range(6)
    ]
    clips = [made.clip(i, ArrayFrames(np.repeat(f[None], 9, 0))) for i, (f, _) in enumerate(frames)]
    data = run(clips, tmp_path, detector="haar")
    assert data.preparation["detector"] == {"made": "haar"} and len(data) == 6
    for picture, (frame, points) in zip(data.modalities["apex"], frames, strict=True):
        assert picture.std() > 2  # the face, not the wall, whose noise averages out
        x, y = points[0].mean(0).astype(int)
        assert abs(picture.mean() - frame[y - 30 : y + 30, x - 25 : x + 25].mean()) < 6


def test_a_crop_that_a_face_fills_is_tried_as_such_and_warned_of(monkeypatch, tmp_path):
    """Without landmarks the default is haar, which sees no face without its surroundings."""
    monkeypatch.setattr(face, "_search", lambda: None)
    clips = photographs(slice(83, 172), 2)  # 230 x 178
    with pytest.warns(UserWarning, match="finds no face in 5 clips; their frames of 230x178"):
        data = run(clips, tmp_path)
    assert data.preparation["detector"] == {"made": "none"}
    with pytest.warns(UserWarning, match="taken as face crops"):  # remembered, and said again
        run(clips, tmp_path)
    with pytest.raises(InputError, match="finds no face"):  # larger: not a crop by this rule
        run(photographs(slice(83, 172), 3.5), tmp_path)
    with pytest.raises(InputError, match="finds no face"):  # what holds no face is no crop
        run(noise(200), tmp_path)


def test_landmarks_that_cannot_be_had_say_what_to_install(monkeypatch, tmp_path):
    monkeypatch.delenv("MERZOO_LANDMARKS", raising=False)
    monkeypatch.setattr(face, "_search", lambda: None)
    regions = {"regions": (24, 4)}
    words = "'regions' needs 68 landmarks of each face: .*pip install face_recognition_models"
    with pytest.raises(InputError, match=words) as caught:
        run([made.clip(0)], tmp_path, regions)
    assert "haar" not in str(caught.value)
    with pytest.raises(InputError, match=r"'local_weighted_mean' needs .* 'similarity'"):
        run([made.clip(0)], tmp_path, detector="haar", alignment="local_weighted_mean")
    run([made.clip(0)], tmp_path, detector="none", alignment="local_weighted_mean")  # scaled whole

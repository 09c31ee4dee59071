"""What a prediction does not do twice: decode a frame, look for a face, keep what it has seen."""

import tracemalloc

import cv2
import numpy as np
import pytest

import merzoo
import merzoo.data.frames
import merzoo.prediction.sources
from merzoo.data.frames import VideoFrames
from merzoo.data.synthetic.film import film
from merzoo.data.synthetic.plan import Setting, plan_clips
from merzoo.data.synthetic.scene import scene
from merzoo.errors import InputError
from merzoo.prediction import Classifier, predict
from merzoo.prediction.classify import clips_of
from merzoo.prediction.motion import measure_motion
from merzoo.prediction.spotting import Spot
from merzoo.preprocessing import face as faces
from merzoo.training.probabilities import Unlabelled
from merzoo.training.probabilities import predict as probabilities
from tests.prediction.made import write_video

FPS, LENGTH = 60.0, 30


@pytest.fixture(scope="module")
def frames():
    """30 frames (220, 180, 3) of an expression."""
    plan = plan_clips(Setting(1, 1, "easy", 7, FPS))[0]
    return np.array(list(film(plan, (180, 220))[1]))[:LENGTH]


@pytest.fixture(scope="module")
def video(frames, tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("video") / "short.avi", frames, FPS)


@pytest.fixture(scope="module")
def images(frames, tmp_path_factory):
    folder = tmp_path_factory.mktemp("frames")
    for i, frame in enumerate(frames):
        cv2.imwrite(str(folder / f"img{i:03d}.png"), frame[..., ::-1])
    return folder


@pytest.fixture(scope="module")
def classifier():
    return Classifier("ststnet", "synthetic")


@pytest.fixture
def looks(monkeypatch):
    """Where faces were looked for: one shape of a picture a search."""
    searched = []
    for name, detect in faces._DETECT.items():

        def counting(image, detect=detect):
            searched.append(image.shape)
            return detect(image)

        monkeypatch.setitem(faces._DETECT, name, counting)
    return searched


def test_each_frame_of_a_clip_is_decoded_once_and_its_face_looked_for_once(
    video, classifier, decoded, looks, tmp_path
):
    result = predict(video, classifier, out=tmp_path)
    assert result.how == "whole" and len(result) == 1 and result.annotated.is_file()
    assert decoded.count == LENGTH and len(looks) == 1


def test_each_picture_of_a_folder_is_decoded_once(images, classifier, monkeypatch, tmp_path):
    read, places = merzoo.data.frames.read_page, []

    def counting(path, page):
        places.append(path)
        return read(path, page)

    monkeypatch.setattr(merzoo.data.frames, "read_page", counting)
    predict(images, classifier, fps=FPS, out=tmp_path)
    assert len(places) == len(set(places)) == LENGTH
    monkeypatch.setattr(merzoo.prediction.sources, "_KEPT", 1 << 20)  # of 3.4 MB
    places.clear()
    result = predict(images, classifier, fps=FPS, out=tmp_path)
    assert len(places) == len(set(places)) == LENGTH and len(result) == 1


def test_the_face_of_a_pair_is_looked_for_once(images, classifier, looks):
    predict((images / "img000.png", images / "img012.png"), classifier)
    assert len(looks) == 1


def test_where_nobody_is_second_looks_are_ever_more_seldom(monkeypatch):
    """Ten seconds are 29 places: a second look at the first, third and seventh, then each fourth.

    Of 29 places those are 1, 3, 7, 11, ... 27: eight.
    """
    empty = scene([], (160, 120))[0]
    second, look = [], faces.look_again
    monkeypatch.setattr(faces, "look_again", lambda *given: second.append(1) or look(*given))
    with pytest.raises(InputError, match="frame 0: no frontal face"):
        measure_motion(np.repeat(empty[None], 290, 0), 29.0, "haar")
    assert len(second) == 8


@pytest.mark.parametrize("limit", [0, 10 * 220 * 180 * 3])
def test_a_film_over_the_limit_is_decoded_once(
    video, classifier, decoded, monkeypatch, tmp_path, limit
):
    """For its rate, the movement, the segments and the annotated video."""
    whole = predict(video, classifier, how="spot")
    monkeypatch.setattr(merzoo.prediction.sources, "_KEPT", limit)
    decoded.count = decoded.captures = 0
    result = predict(video, classifier, how="spot", out=tmp_path)
    assert result.annotated.is_file() and list(result) == list(whole) != []
    assert decoded.count == LENGTH and decoded.captures <= 2  # one looks whether it can be opened


def test_a_face_that_is_known_gives_the_sample_that_looking_for_it_gives(frames, classifier):
    spots = [Spot(0, 12, 29, None)]
    found = faces.find_face(frames[0], classifier.parameters["detector"])
    ((clip, known, _),) = clips_of(frames, spots, [(0, found)], FPS)
    assert known is found
    ((clip, elsewhere, _),) = clips_of(frames, spots, [(5, found)], FPS)
    assert elsewhere is None
    given, looked_for = classifier.inputs(clip, known), classifier.inputs(clip)
    for name in classifier.shapes:
        np.testing.assert_array_equal(given[name], looked_for[name])


def test_samples_one_at_a_time_give_what_a_padded_batch_gives(classifier):
    rng = np.random.default_rng(0)
    maps = rng.uniform(0, 255, (3, *classifier.shapes["flow_image"])).astype(np.float32)
    batch = probabilities(classifier.model, Unlabelled({"flow_image": maps}), batch_size=8)
    alone = classifier.probabilities([{"flow_image": one} for one in maps])
    np.testing.assert_allclose(alone, classifier.confidence.of(batch), atol=1e-5)


@pytest.mark.parametrize("size, width", [("half", 400), ("full", 720)])
def test_the_annotated_video_is_half_as_wide_unless_asked(
    size, width, frames, classifier, tmp_path
):
    """Of frames of 800 pixels; a video is never wider than 720."""
    wide = [cv2.resize(frame, (800, 978)) for frame in frames[:12]]
    path = write_video(tmp_path / "wide.avi", wide, FPS)
    result = predict(path, classifier, out=tmp_path / "out", annotated=size)
    assert VideoFrames(result.annotated)[0].shape[1] == width


def test_an_unknown_size_of_the_annotated_video_is_refused(video, classifier, tmp_path):
    with pytest.raises(InputError, match="Did you mean 'half'"):
        predict(video, classifier, out=tmp_path, annotated="halv")


def test_a_film_of_six_times_the_length_takes_no_more_memory(frames, tmp_path):
    """Of 118 KB a frame: 450 frames more would be 53 MB."""
    to_and_fro = np.concatenate([frames, frames[::-1]])
    peaks = []
    for turns in (1.5, 9):
        played = (to_and_fro[i % 60] for i in range(int(turns * 60)))
        path = write_video(tmp_path / f"{turns}.avi", played, FPS)
        film = VideoFrames(path, keep=4 << 20)
        tracemalloc.start()
        measure_motion(film, None, "haar")
        peaks.append(tracemalloc.get_traced_memory()[1] / 1e6)
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 2, peaks

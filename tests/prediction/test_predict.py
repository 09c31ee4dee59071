"""`predict` on real files: videos, folders, pairs, and files that cannot be used."""

import csv
import json
import weakref

import cv2
import numpy as np
import pytest

import merzoo
from merzoo.data.clip import Clip
from merzoo.data.frames import ArrayFrames, Frames, VideoFrames
from merzoo.data.synthetic.long import film_long, plan_long
from merzoo.errors import InputError
from merzoo.prediction import Classifier, Prediction, predict, predict_files
from merzoo.prediction.classify import clips_of
from merzoo.prediction.motion import measure_motion, region_windows
from merzoo.prediction.results import Failed
from merzoo.prediction.spotting import Spot
from merzoo.preprocessing import prepare
from merzoo.preprocessing.face import find_face, has_landmarks
from merzoo.weights.keras_file import load_keras
from tests.data.test_videos import write_matroska
from tests.prediction.made import NAMES, regions, write_video
from tests.preprocessing.test_apex import texture

FPS, SIZE = 50.0, (180, 218)


@pytest.fixture(scope="module")
def plan():
    """3.2 seconds of video with two expressions and a blink."""
    plans = (plan_long(seed, 3.2, "easy", FPS) for seed in range(100))
    return next(p for p in plans if len(p.of_kind("micro")) == 2 and p.of_kind("blink"))


@pytest.fixture(scope="module")
def frames(plan):
    return np.array(list(film_long(plan, SIZE)[1]))


@pytest.fixture(scope="module")
def video(frames, tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("video") / "long.avi", frames, FPS)


@pytest.fixture(scope="module")
def classifier():
    return Classifier(merzoo.create_model("ststnet"))


@pytest.fixture(scope="module")
def folder(frames, tmp_path_factory):
    """Frames 0..39 as PNG files."""
    out = tmp_path_factory.mktemp("frames")
    for i in range(40):
        cv2.imwrite(str(out / f"img{i:03d}.png"), frames[i, ..., ::-1])
    return out


@pytest.fixture(scope="module")
def found(video, classifier, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    return predict(video, classifier, out=out), out


def images(folder, pair):
    paths = [str(folder / name) for name in ("pair1.png", "pair2.png")]
    for path, frame in zip(paths, pair, strict=True):
        cv2.imwrite(path, frame[..., ::-1])
    return tuple(paths)


def test_the_expressions_of_a_long_video_are_found(found, plan):
    result, _ = found
    for event in plan.of_kind("micro"):
        near = [s for s in result if s.onset <= event.apex <= s.offset]
        assert len(near) == 1, event
    assert isinstance(result, Prediction) and result.how == "spot"


def test_a_segment_holds_seconds_probabilities_and_label(found):
    result, _ = found
    for segment in result:
        assert segment.onset < segment.apex <= segment.offset
        assert segment.apex_seconds == pytest.approx(segment.apex / FPS)
        assert sum(segment.probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert segment.label == max(segment.probabilities, key=segment.probabilities.get)
        assert list(segment.probabilities) == ["negative", "positive", "surprise"]


def test_json_and_csv_hold_the_same_segments(found):
    result, out = found
    content = json.loads((out / "predictions.json").read_text())
    rows = list(csv.DictReader((out / "predictions.csv").open()))
    segments = content["files"][0]["segments"]
    assert len(segments) == len(rows) == len(result)
    for segment, row in zip(segments, rows, strict=True):
        assert segment["label"] == row["label"] and segment["apex"] == int(row["apex"])
        share = segment["probabilities"]["negative"]
        assert float(row["p_negative"]) == pytest.approx(share, abs=1e-5)
    assert "lie detection" in content["files"][0]["not_for"]


def test_the_annotated_video_has_the_rate_and_a_timeline(found, frames):
    _, out = found
    shown = VideoFrames(out / "long.annotated.webm")
    assert shown.fps == pytest.approx(FPS, rel=0.01) and abs(len(shown) - len(frames)) <= 1
    page = shown[0]
    assert page.shape == (568, 360, 3)  # the picture at twice its size, and 132 of timeline
    assert page[:436].std() > 20


def test_frames_in_memory_give_what_their_files_give(folder, frames, classifier):
    wanted = predict(folder, classifier, fps=FPS)
    assert wanted.how == "whole" and len(wanted) == 1
    for given in (frames[:40], list(frames[:40]), iter(frames[:40]), ArrayFrames(frames[:40])):
        found = predict(given, classifier, fps=FPS)
        assert (found.kind, found.frames, found.fps) == ("frames", 40, FPS)
        assert found.segments == wanted.segments


def test_a_folder_of_videos_is_one_table(frames, classifier, tmp_path):
    clips = tmp_path / "clips"
    (clips / "s2").mkdir(parents=True)
    for name in ("b.avi", "a.avi", "s2/a.avi"):
        write_video(clips / name, frames[:40], FPS)
    (clips / "._a.avi").write_bytes(b"x")
    (clips / "notes.txt").write_text("mine")
    results = predict_files([clips], classifier, tmp_path / "out")
    paths = [str(clips / name) for name in ("a.avi", "b.avi", "s2/a.avi")]
    assert [result.source for result in results] == paths
    with open(tmp_path / "out" / "predictions.csv") as file:
        assert [row["source"] for row in csv.DictReader(file)] == paths
    assert len({result.annotated.name for result in results}) == 3


def test_two_images_are_a_pair(frames, plan, classifier, tmp_path):
    event = plan.of_kind("micro")[0]
    pair = images(tmp_path, frames[[event.onset, event.apex]])
    result = predict(pair, classifier, out=tmp_path / "out")
    assert result.how == "pair" and len(result) == 1 and result[0].onset_seconds is None
    assert result.annotated is None


def test_the_class_of_a_pair_is_that_of_the_same_clip_prepared_for_training(
    frames, plan, classifier, tmp_path
):
    """`predict` and `prepare` make the same modality of the same two frames."""
    event = plan.of_kind("micro")[0]
    pair = frames[[event.onset, event.apex]]
    clip = Clip("d", "d/s", "c", ArrayFrames(pair), "happiness", onset=0, apex=1, offset=1)
    data = prepare([clip], classifier.shapes, cache=tmp_path / "cache", jobs=1)
    expected = classifier.probabilities([{n: a[0] for n, a in data.modalities.items()}])[0]
    result = predict(images(tmp_path, pair), classifier)
    assert list(result[0].probabilities.values()) == pytest.approx(expected.tolist(), abs=1e-6)


def test_a_folder_of_a_short_clip_is_one_segment_with_a_spotted_apex(folder, classifier):
    result = predict(folder, classifier, fps=FPS)
    assert result.how == "whole" and len(result) == 1
    assert (result[0].onset, result[0].offset) == (0, 39) and 0 < result[0].apex <= 39
    assert result[0].offset_seconds == pytest.approx(39 / FPS)


def test_how_can_be_said(folder, classifier):
    assert predict(folder, classifier, fps=FPS, how="spot").how == "spot"
    with pytest.raises(InputError, match="give its frames per second"):
        predict(folder, classifier, how="spot")
    with pytest.raises(InputError, match="Did you mean 'spot'"):
        predict(folder, classifier, how="sport")


def test_a_slow_video_is_warned_about(frames, classifier, tmp_path):
    path = write_video(tmp_path / "slow.avi", frames[::2], 25.0)
    result = predict(path, classifier)
    assert any("cannot be resolved reliably below 50" in w for w in result.warnings)


def test_one_bad_file_does_not_stop_the_rest(folder, classifier, tmp_path):
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"not a video")
    sources = [str(bad), str(folder), str(tmp_path / "missing.avi"), str(folder)]
    seen = []
    results = predict_files(sources, classifier, tmp_path / "out", done=seen.append)
    assert [isinstance(r, Failed) for r in results] == [True, False, True, False]
    assert seen == results and "not a video" in results[0].reason
    content = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert [("error" in one) for one in content["files"]] == [True, False, True, False]
    assert len(list((tmp_path / "out").glob("*.webm"))) == 2  # of one name, neither overwritten


def test_a_video_that_breaks_off_is_used_as_far_as_it_goes(video, classifier, tmp_path):
    data = video.read_bytes()
    cut = tmp_path / "cut.avi"
    cut.write_bytes(data[: int(len(data) * 0.7)])
    result = predict(cut, classifier)
    assert any("breaks off" in warning for warning in result.warnings)


def test_a_film_that_jumps_and_has_uneven_times_says_where(frames, plan, classifier, tmp_path):
    """Stated 1000 frames a second, taken at 20 and 40 ms; a black frame halfway."""
    events = plan.of_kind("micro")
    place = (events[0].offset + events[1].onset) // 2
    film = frames.copy()
    film[place] = 0
    taken = [i for i in range(len(film)) if i % 5 or i == place]
    times = [20 * i for i in taken]
    path = write_matroska(tmp_path / "film.mkv", times, 60_000, 1000, film[taken])
    result = predict(path, classifier, out=tmp_path / "out")
    assert result.frames == len(taken)
    assert result.fps == pytest.approx(1000 * (len(taken) - 1) / (times[-1] - times[0]), rel=0.01)
    words = " ".join(result.warnings)
    assert f"at {(times[taken.index(place)] - times[0]) / 1000:.2f} s" in words, words
    assert "its frame rate varies, from 25 to 50" in words and "below 50" in words
    assert "breaks off" not in words
    for segment in result:
        assert not segment.onset_seconds <= place / FPS <= segment.offset_seconds
        assert segment.apex_seconds == pytest.approx((times[segment.apex] - times[0]) / 1000)
    shown = VideoFrames(tmp_path / "out" / "film.annotated.webm")
    assert len(shown) / shown.fps == pytest.approx((times[-1] - times[0]) / 1000, abs=0.1)


def test_a_video_without_a_face_says_so(classifier, tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (90, 120, 120, 3), np.uint8)
    path = write_video(tmp_path / "noise.avi", noise)
    with pytest.raises(InputError, match="no frontal face found"):
        predict(path, classifier)


def test_frames_are_read_one_at_a_time_and_let_go():
    """However long the video: what is kept of a frame is a few crops."""
    alive, most = weakref.WeakSet(), 0
    still = np.random.default_rng(0).integers(0, 250, (64, 64, 3), np.uint8)

    class Counted(Frames):
        numbers = tuple(range(300))

        def _read(self, position):
            nonlocal most
            noise = np.random.default_rng(position).integers(0, 5, still.shape, np.uint8)
            frame = Held(still + noise)
            alive.add(frame)
            most = max(most, len(alive))
            return frame

    moved = measure_motion(Counted(), 100.0, "none")
    assert most <= 4
    assert moved.moves.shape == (300, len(NAMES), 2) and np.isfinite(moved.moves).all()


class Held(np.ndarray):
    """An array that a set of weak references can hold."""

    def __new__(cls, array):
        return array.view(cls)

    __hash__ = object.__hash__


def test_movement_is_measured_in_pixels_and_the_head_is_taken_away():
    """A texture that shifts by 3 pixels and whose left mouth corner rises by 1.5 besides."""
    _, windows = region_windows(128)
    corner = NAMES.index("left mouth corner")
    image = cv2.resize(texture(), (128, 128)).astype(np.float32)
    y, x = np.mgrid[:128, :128].astype(np.float32)
    bump = windows[corner] / windows[corner].max()
    frames = []
    for level in np.linspace(0, 1, 20, dtype=np.float32):
        moved = cv2.remap(image, x - 3 * level, y + 1.5 * level * bump, cv2.INTER_LINEAR)
        frames.append(np.repeat(moved[..., None], 3, -1).clip(0, 255).astype(np.uint8))
    moves = measure_motion(frames, 50.0, "none").moves
    assert -1.4 < moves[-1, corner, 1] < -0.4  # up, averaged over the window
    assert np.abs(moves[-1, regions("brow")]).max() < 0.25


FEW = ("keyregionnet", "mmnet", "sssn")  # sequence and regions, onset and apex, flow


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in FEW else pytest.mark.slow)
        for name in merzoo.list_models(kind="network")
    ],
)
def test_a_segment_has_what_every_network_asks_for(name, frames, plan):
    from merzoo.models.registry import entry

    event = plan.of_kind("micro")[0]
    model = Classifier(merzoo.create_model(name, **entry(name).small))
    if "regions" in model.shapes and not has_landmarks():
        pytest.skip("regions need dlib and its landmark file")
    spots = [Spot(event.onset, event.apex, event.offset, None)]
    face = find_face(frames[0], model.parameters["detector"])
    sample = model.inputs(*next(clips_of(frames, spots, [(0, face)], FPS)))
    assert {name: array.shape for name, array in sample.items()} == model.shapes
    assert all(np.isfinite(array).all() for array in sample.values())


def test_frames_are_kept_whole_where_they_fit_and_else_cut_around_the_face(
    frames, classifier, monkeypatch
):
    face = find_face(frames[0], "haar")
    tall = np.pad(frames[:3], ((0, 0), (0, 400), (0, 0), (0, 0)), mode="edge")
    spots = [Spot(0, 1, 2, None)]
    ((clip, known, near),) = clips_of(tall, spots, [(0, face)], FPS)
    assert known is face and near == face.box
    assert np.array_equal(np.stack([clip.frames[i] for i in range(3)]), tall)
    monkeypatch.setattr("merzoo.prediction.classify._LARGEST_WHOLE", 0)
    ((clip, known, near),) = clips_of(tall, spots, [(0, face)], FPS)
    assert known is None  # its place is that in the whole frame
    again = find_face(clip.frames[0], "haar").box
    np.testing.assert_allclose(near, again, atol=3)
    assert clip.frames[0].shape[0] < tall.shape[1] - 300
    assert set(classifier.inputs(clip)) == set(classifier.shapes)


def test_a_built_model_takes_no_weights(classifier):
    with pytest.raises(InputError, match="load them into yours"):
        Classifier(classifier.model, weights="synthetic")
    with pytest.raises(InputError, match="3 classes, but 2 names"):
        Classifier(classifier.model, classes=["a", "b"])


def test_a_keras_file_is_a_model(classifier, tmp_path):
    classifier.model.save(tmp_path / "mine.keras")
    again = Classifier(str(tmp_path / "mine.keras"))
    sample = [{"flow_image": np.random.default_rng(0).uniform(0, 255, (28, 28, 3))}]
    assert np.allclose(again.probabilities(sample), classifier.probabilities(sample), atol=1e-6)
    assert again.facts()["name"] == "mine.keras"
    with pytest.raises(InputError, match="no such file"):
        load_keras(tmp_path / "other.keras")

"""Pictures in memory and folders of videos: what is taken, and what is refused in one line."""

import cv2
import numpy as np
import pytest

from merzoo.data.frames import ArrayFrames, VideoFrames
from merzoo.errors import InputError
from merzoo.prediction import predict, predict_files
from merzoo.prediction.given import expand
from merzoo.prediction.sources import check_rate, group_inputs, open_source
from tests.prediction.made import write_video

FRAMES = np.arange(5, dtype=np.uint8)[:, None, None, None] + np.zeros((1, 40, 30, 3), np.uint8)


@pytest.mark.parametrize(
    "given",
    [FRAMES, list(FRAMES), tuple(FRAMES), iter(FRAMES), (f for f in FRAMES), ArrayFrames(FRAMES)],
)
def test_frames_in_memory_in_every_form(given):
    source = open_source(given, 100)
    assert (source.kind, source.fps, len(source.frames)) == ("frames", 100, 5)
    np.testing.assert_array_equal(source.frames[1:3], FRAMES[1:3])
    np.testing.assert_allclose(source.times, [0, 0.01, 0.02, 0.03, 0.04])


def test_grey_frames_and_a_pair():
    assert open_source(FRAMES[..., 0], 100).frames[4].shape == (40, 30, 1)
    source = open_source((FRAMES[0], FRAMES[4]))
    assert source.kind == "pair" and source.frames[1].max() == 4


def test_an_opened_video_is_a_video(tmp_path):
    video = VideoFrames(write_video(tmp_path / "a.avi", FRAMES, 50))
    assert (open_source(video).kind, open_source(video).fps) == ("video", 50)


def test_many_paths_of_images_are_the_frames_in_their_order(tmp_path):
    paths = [tmp_path / f"{name}.png" for name in "cabde"]
    for path, frame in zip(paths, FRAMES, strict=True):
        cv2.imwrite(str(path), frame)
    source = open_source((path for path in paths), 25)
    assert source.kind == "folder" and [frame.max() for frame in source.frames] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("given", ["sample", (FRAMES[0], FRAMES[4]), FRAMES[:2]])
def test_a_rate_that_has_no_effect_is_refused(given, tmp_path):
    with pytest.raises(InputError, match=r"fps \(--fps\) has no effect for the sample"):
        predict(given, fps=100)
    with pytest.raises(InputError, match=r"fps \(--fps\) has no effect for the sample"):
        predict_files([given], None, tmp_path / "out", fps=100)
    assert not (tmp_path / "out").exists()
    check_rate([given, FRAMES], 100)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (FRAMES / 255, r"number 0 is float64: give uint8 .*\(255 \* frames\)\.astype"),
        (np.moveaxis(FRAMES, -1, 1), r"number 0 is 3x40x30: give .*\(T, H, W, 3\)"),
        ([FRAMES[0], FRAMES[1, :20]], "number 1 is 20x30x3, number 0 is 40x30x3"),
        (FRAMES[:1], "one image shows no movement"),
        (FRAMES[:0], "no pictures were given"),
        (FRAMES[0], r"number 0 is 30x3x1"),
        (7, "a int is nothing to predict on"),
        (["a.mp4", "b.mp4", "c.mp4"], r"a\.mp4: no image; .*predict_files takes several videos"),
    ],
)
def test_what_is_no_film_is_one_clear_line(given, words):
    with pytest.raises(InputError, match=words) as error:
        open_source(given)
    assert "\n" not in str(error.value)


def made(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def test_a_folder_of_videos_and_folders_is_each_clip_in_it(tmp_path):
    made(tmp_path, "s1/b.mp4", "s1/a.MOV", "s1/._a.MOV", "s2/clip/1.png", "s2/clip/2.png", "x.txt")
    names = ["s1/a.MOV", "s1/b.mp4", "s2/clip"]
    assert expand(tmp_path) == [str(tmp_path / name) for name in names]
    assert expand(str(tmp_path / "s2" / "clip")) == [str(tmp_path / "s2" / "clip")]
    with pytest.raises(InputError, match=r"holds 2 videos; predict takes one, such as .*a\.MOV"):
        open_source(tmp_path / "s1")


def test_pictures_beside_videos_are_said_to_be_left_out(tmp_path):
    made(tmp_path, "a.mp4", "b.mp4", "a.jpg")
    with pytest.warns(UserWarning, match="1 pictures beside 2 videos are left out"):
        assert len(expand(tmp_path)) == 2


def test_what_is_no_folder_stays_as_it_is(tmp_path):
    (tmp_path / "empty").mkdir()
    for given in ("sample", ("a.png", "b.png"), FRAMES, tmp_path / "empty"):
        assert expand(given)[0] is given


def test_what_systems_leave_is_no_input():
    assert group_inputs(["Thumbs.db", "._a.mp4", "a.mp4"]) == ["a.mp4"]

"""What `predict` opens, and what it refuses in one line."""

import contextlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np
import pytest

from merzoo.cli import main
from merzoo.errors import InputError
from merzoo.prediction.results import csv_text
from merzoo.prediction.sources import camera_of, group_inputs, open_source, record
from tests.prediction.made import write_video


def image(path, shape=(60, 50, 3)):
    cv2.imwrite(str(path), np.zeros(shape, np.uint8))
    return str(path)


def test_each_two_images_in_a_row_are_a_pair():
    given = ["a.png", "b.png", "film.mp4", "c.jpg", "d.PNG"]
    assert group_inputs(given) == [("a.png", "b.png"), "film.mp4", ("c.jpg", "d.PNG")]


@pytest.mark.parametrize("given", [["a.png"], ["a.png", "film.mp4"], ["f.mp4", "a.png"]])
def test_an_image_alone_is_refused(given):
    with pytest.raises(InputError, match=r"a\.png: one image shows no movement"):
        group_inputs(given)


def test_a_folder_named_like_an_image_is_a_folder(tmp_path):
    folder = tmp_path / "clip.png"
    folder.mkdir()
    assert group_inputs([str(folder)]) == [str(folder)]


@pytest.mark.parametrize(
    "name, words", [("no.mp4", "no such video or folder"), ("one.png", "one image shows no")]
)
def test_what_is_not_there_is_named(name, words, tmp_path):
    with pytest.raises(InputError, match=words):
        open_source(tmp_path / name)


def test_a_pair_must_be_of_one_size(tmp_path):
    pair = (image(tmp_path / "a.png"), image(tmp_path / "b.png", (60, 60, 3)))
    with pytest.raises(InputError, match="onset is 50x60 and apex is 60x60"):
        open_source(pair)


def test_a_grey_and_a_coloured_image_make_a_coloured_pair(tmp_path):
    pair = (image(tmp_path / "a.png", (60, 50)), image(tmp_path / "b.png"))
    assert open_source(pair).frames[0].shape == (60, 50, 3)


@pytest.mark.parametrize("fps", [0, -1, float("nan"), 1e9])
def test_an_impossible_rate_is_refused(fps, tmp_path):
    with pytest.raises(InputError, match="fps must be a number from 1 to 10000"):
        open_source(tmp_path, fps)


def test_a_video_has_the_rate_of_its_file_or_the_one_given(tmp_path):
    path = write_video(tmp_path / "a.avi", np.zeros((5, 48, 64, 3), np.uint8), 60.0)
    assert open_source(path).fps == 60.0 and open_source(path, 120).fps == 120


def test_a_camera_that_is_not_there_is_an_input_error(tmp_path):
    assert camera_of("webcam:97") == 97 and camera_of("webcam:x") is None
    with pytest.raises(InputError, match="webcam:97: no camera there"):
        record(97, tmp_path / "a.avi", 1)
    with pytest.raises(InputError, match="seconds must be a number from"):
        record(97, tmp_path / "a.avi", 0)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def camera():
    """The address of a network camera on this machine: 25 JPEGs a second, brighter by one each."""

    class Stream(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                for level in range(40, 240):
                    code = cv2.imencode(".jpg", np.full((48, 64, 3), level, np.uint8))[1].tobytes()
                    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(code)}"
                    self.wfile.write(head.encode() + b"\r\n\r\n" + code + b"\r\n")
                    time.sleep(1 / 25)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Stream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/video.mjpg"
    server.shutdown()
    server.server_close()


def test_a_network_camera_is_recorded_at_the_rate_of_its_frames(camera, tmp_path):
    assert camera_of(f"webcam:{camera}") == camera
    path = record(camera, tmp_path / "camera.avi", 1.5)
    source = open_source(path)
    assert 10 < source.fps < 200 and len(source.frames) > 10  # what waited comes in a burst
    levels = [int(source.frames[i].mean()) for i in range(len(source.frames))]
    assert levels == sorted(levels) and levels[-1] > levels[0]


def test_a_name_that_a_spreadsheet_would_run_is_kept_as_text():
    from merzoo.prediction.results import Prediction, Segment

    segment = Segment(0, 1, 2, None, None, None, {"a": 1.0}, "a", None)
    model = {"classes": ["a"]}
    found = Prediction(
        "=cmd.avi", "video", (segment,), 3, None, "pair", model, (), np.arange(2), np.zeros(2)
    )
    assert csv_text([found]).splitlines()[1].startswith("'=cmd.avi,0,1,2,,,")


def test_a_camera_that_is_not_there_leaves_no_folder(tmp_path, capsys):
    for camera, seconds, why in ((99, 1, "no camera there"), (99, -1, "seconds must be a number")):
        with pytest.raises(InputError, match=why):
            record(camera, tmp_path / "out" / "webcam.avi", seconds)
    words = ["predict", "webcam:0", "--out", str(tmp_path / "out"), "--seconds"]
    for seconds in ("0", "1e4", "nan"):
        assert main([*words, seconds]) == 2
        assert "seconds must be a number from 0.5 to 600" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()

"""Watching live: answers while frames come, latency measured, dropped frames counted."""

import json
import time

import numpy as np
import pytest

from merzoo.cli import main
from merzoo.data.synthetic.long import film_long, plan_long
from merzoo.errors import InputError
from merzoo.prediction import Classifier, predict
from merzoo.prediction.live import WAITING, Feed, Watcher, check_live, watch
from merzoo.prediction.sources import open_source
from tests.prediction.made import write_video
from tests.prediction.test_sources import camera  # noqa: F401 - a fixture

FPS = 50.0


@pytest.fixture(scope="module")
def film():
    plans = (plan_long(seed, 2.4, "easy", FPS) for seed in range(100))
    plan = next(p for p in plans if p.of_kind("micro"))
    return np.array(list(film_long(plan, (180, 218))[1]))


@pytest.fixture(scope="module")
def model():
    return Classifier("ststnet", "synthetic", units="none")


def test_frames_that_nobody_takes_are_dropped_and_counted():
    feed = Feed(iter(np.zeros((100, 2, 2, 1), "uint8")), step=2)
    feed.start()
    feed.join()
    assert (feed.came, feed.dropped) == (50, 50 - WAITING)
    taken = [feed.next() for _ in range(WAITING + 1)]
    assert taken[-1] is None and all(came <= time.monotonic() for _, came in taken[:-1])


def test_a_source_that_fails_says_so():
    def frames():
        yield np.zeros((2, 2, 1), "uint8")
        raise InputError("the film is cut")

    feed = Feed(frames())
    feed.start()
    while feed.next() is not None:
        pass
    assert str(feed.error) == "the film is cut"


def test_what_is_found_while_frames_come_is_what_is_found_afterwards(film, model):
    start, answers = time.monotonic(), []
    watcher = Watcher(model, FPS)
    for position, frame in enumerate(film):
        answers += watcher.add(frame, start + position / FPS - len(film) / FPS)
    answers += watcher.finish()
    afterwards = predict(film, model, fps=FPS, how="spot")
    assert len(answers) == len(afterwards) > 0
    for (segment, latency), other in zip(answers, afterwards, strict=True):
        assert abs(segment.apex - other.apex) <= 1 and segment.label == other.label
        assert segment.apex_seconds == pytest.approx(segment.apex / FPS, abs=0.01)
        assert latency > 0
    found = watcher.prediction("film", len(film) + 30, 30)
    assert found.live["dropped"] == 30 and len(found.live["latency"]) == len(found)
    assert found.fps == pytest.approx(FPS, rel=0.01) and found.how == "live"
    assert "30 of 150 frames were dropped, 20.0%" in found.warnings[0]
    assert found.as_dict()["live"] == found.live


def test_only_a_camera_or_a_video_can_be_watched(tmp_path):
    check_live(["webcam:0"])
    with pytest.raises(InputError, match="3 inputs: live is for one"):
        check_live(["a.avi"] * 3)
    pictures = open_source(np.zeros((4, 8, 8, 3), "uint8"), 50)
    with pytest.raises(InputError, match="live is for one webcam:0 or one video"):
        check_live([pictures])


def test_a_network_camera_is_watched_for_so_many_seconds(camera, model):  # noqa: F811
    address = camera.replace("http://", "http://me:secret@")
    found = watch(f"webcam:{address}", model, seconds=1.0)
    assert found.source == "webcam:127.0.0.1" and len(found) == 0  # nothing moves in its pictures
    assert found.live["came"] == found.frames + found.live["dropped"] > 5
    with pytest.raises(InputError, match="webcam:97: no camera there"):
        watch("webcam:97", model)


@pytest.mark.slow
def test_a_film_is_played_at_its_own_speed(film, model, tmp_path, capsys):
    path, answers = write_video(tmp_path / "film.avi", film, FPS), []
    start = time.monotonic()
    found = watch(str(path), model, answer=lambda *one: answers.append(one))
    assert time.monotonic() - start >= (len(film) - 1) / FPS
    assert found.live["came"] == len(film) == found.frames + found.live["dropped"]
    assert [segment for segment, _ in answers] == list(found)
    out = tmp_path / "out"
    words = ["predict", str(path), "--live", "--units", "none", "--out", str(out)]
    assert main(words) == 0
    assert "frames dropped" in capsys.readouterr().out
    (file,) = json.loads((out / "predictions.json").read_text())["files"]
    assert file["how"] == "live" and len(file["live"]["latency"]) == len(file["segments"])
    assert main([*words, "--fps", "50"]) == 2
    assert "--fps has no effect beside --live" in capsys.readouterr().err

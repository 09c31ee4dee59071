"""Length, rate and times of a film are those of what decodes, whatever its header says."""

import struct
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from merzoo.data.checks import unreadable_images
from merzoo.data.clip import Clip
from merzoo.data.videos import VideoFrames
from merzoo.errors import InputError


def _element(name, data):
    return bytes.fromhex(name) + (1 << 56 | len(data)).to_bytes(8, "big") + data


def _number(name, value):
    return _element(name, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def write_matroska(path, times, duration=None, rate=None, frames=None):
    """A Matroska file of JPEG frames at `times` (whole milliseconds), stating what it is told."""
    if frames is None:
        frames = [np.full((48, 64, 3), 3 * i % 250, np.uint8) for i in range(len(times))]
    height, width = frames[0].shape[:2]
    head = _number("4286", 1) + _number("42F7", 1) + _number("42F2", 4) + _number("42F3", 8)
    head += _element("4282", b"matroska") + _number("4287", 2) + _number("4285", 2)
    info = _number("2AD7B1", 1_000_000) + _element("4D80", b"test") + _element("5741", b"test")
    if duration:
        info += _element("4489", struct.pack(">d", duration))
    track = _number("D7", 1) + _number("73C5", 1) + _number("83", 1) + _element("86", b"V_MJPEG")
    if rate:
        track += _number("23E383", round(1e9 / rate))
    track += _element("E0", _number("B0", width) + _number("BA", height))
    body = b""
    for time, frame in zip(times, frames, strict=True):
        jpeg = cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 97])[1].tobytes()
        block = _element("A3", b"\x81\x00\x00\x80" + jpeg)
        body += _element("1F43B675", _number("E7", int(time)) + block)
    tracks = _element("1654AE6B", _element("AE", track))
    content = _element("1549A966", info) + tracks + body
    path.write_bytes(_element("1A45DFA3", head) + _element("18538067", content))
    return path


EVEN = np.arange(45) * 20  # 50 frames a second
UNEVEN = np.cumsum([0] + [16, 17, 33, 17, 50] * 8)


@pytest.mark.parametrize(
    "times, duration, stated",
    [(EVEN, None, None), (EVEN, 5000, None), (UNEVEN, None, 1000), (UNEVEN, 1100, 100)],
    ids=["no duration", "sound goes on", "a thousand stated", "uneven, a hundred stated"],
)
def test_length_rate_and_times_are_those_of_the_frames(tmp_path, times, duration, stated):
    path = write_matroska(tmp_path / "film.mkv", times, duration, stated)
    film = VideoFrames(path)
    assert len(film) == len(times) == len(list(film))
    assert film.fps == pytest.approx(1000 * (len(times) - 1) / times[-1], rel=0.01)
    np.testing.assert_allclose(film.times - film.times[0], times, atol=1)
    assert film.variable_rate == (times is UNEVEN) and film.broken_off is None
    clip = Clip("d", "d/s", "c", VideoFrames(path), source="row 1")
    assert unreadable_images([clip]) == []


def test_the_rate_of_a_single_frame_is_the_stated_one(tmp_path):
    film = VideoFrames(write_matroska(tmp_path / "film.mkv", [0], rate=40))
    assert len(film) == 1 and film.fps == pytest.approx(40) and not film.variable_rate


def test_the_last_frames_of_an_mpeg_film_are_read_and_have_times(tmp_path):
    """The header of such a file counts 27 of the 40 frames, and the last carries no time."""
    path = str(tmp_path / "film.mpg")
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*"PIM1"), 50, (64, 48))
    assert writer.isOpened()
    for level in range(40):
        writer.write(np.full((48, 64, 3), 6 * level, np.uint8))
    writer.release()
    film = VideoFrames(path)
    assert len(film) == 40 and film.fps == pytest.approx(50) and not film.variable_rate
    assert film[39].mean() > 6 * 38


def test_a_film_lasts_as_long_as_its_frames(tmp_path):
    film = VideoFrames(write_matroska(tmp_path / "film.mkv", EVEN, 9000))
    assert film.lasts(0.5) and not film.ended and not film.lasts(0.9) and film.ended


@pytest.mark.parametrize("keep", [1 << 20, 1000, 0])
def test_a_film_is_decoded_once_in_memory_or_through_a_file(tmp_path, monkeypatch, keep):
    """45 frames of 9 KiB; read, asked for its length, and read twice more."""
    path = write_matroska(tmp_path / "film.mkv", EVEN)
    captures, capture = [], cv2.VideoCapture
    monkeypatch.setattr(cv2, "VideoCapture", lambda p: captures.append(p) or capture(p))
    film = VideoFrames(path, keep=keep)
    assert film.lasts(0.2)
    first = [frame.copy() for frame in film]
    assert len(film) == 45
    np.testing.assert_array_equal(film[3:6], first[3:6])
    assert len(captures) == 1 and film._kept.in_memory == (keep > 1000)


def test_frames_that_are_passed_over_are_kept_as_well(tmp_path, decoded):
    film = VideoFrames(write_matroska(tmp_path / "film.mkv", EVEN), keep=0)
    plain = list(VideoFrames(film.path))
    decoded.count = 0
    assert np.array_equal(film[40], plain[40]) and np.array_equal(film[7], plain[7])
    assert decoded.count == 40 and film.notes == ()  # the first was decoded on opening


def test_without_room_for_its_frames_a_film_is_decoded_again_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=100_000))
    film = VideoFrames(write_matroska(tmp_path / "film.mkv", EVEN), keep=0)
    first = list(film)
    np.testing.assert_array_equal(film[3], first[3])
    assert "do not fit into the temporary folder" in film.notes[0]


def test_a_film_is_checked_in_one_pass(tmp_path, decoded):
    film = VideoFrames(write_matroska(tmp_path / "film.mkv", EVEN))
    assert unreadable_images([Clip("d", "d/s", "c", film, source="row 1")]) == []
    assert decoded.count == 45 and decoded.captures == 1


def test_a_film_of_several_clips_is_checked_once(tmp_path, decoded):
    film = VideoFrames(write_matroska(tmp_path / "film.mkv", EVEN))
    clips = [Clip("d", "d/s", f"c{n}", film, offset=50, source=f"row {n}") for n in (1, 2)]
    assert [fault.where for fault in unreadable_images(clips)] == ["row 1", "row 2"]
    assert decoded.count == 45 and decoded.captures == 1


def test_a_film_that_is_cut_breaks_off_and_is_a_fault(tmp_path):
    path = write_matroska(tmp_path / "film.mkv", EVEN, 900)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    film = VideoFrames(path)
    assert 20 < len(film) < 40
    with pytest.raises(InputError, match=f"breaks off at frame {len(film)}"):
        list(film)
    (fault,) = unreadable_images([Clip("d", "d/s", "c", VideoFrames(path), source="row 1")])
    assert fault.kind == "unreadable video" and "breaks off" in fault.message

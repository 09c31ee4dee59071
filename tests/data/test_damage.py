"""A film that ends too early, or is damaged in the middle, is told; a whole one is not."""

import cv2
import numpy as np
import pytest

from merzoo.data.checks import unreadable_images
from merzoo.data.clip import Clip
from merzoo.data.containers import is_cut
from merzoo.data.damage import PictureWatch, gaps
from merzoo.data.videos import VideoFrames

FORMS = {
    "avi": "MJPG",
    "mp4": "mp4v",
    "mkv": "VP80",
    "ts": "mp2v",
    "m2ts": "mp2v",
    "flv": "FLV1",
    "wmv": "WMV2",
}
LENGTH = 60  # with a key frame every 12 frames


def pictures():
    """A textured disc that wanders over a still, textured ground."""
    rng = np.random.default_rng(2)
    ground = cv2.GaussianBlur(rng.integers(0, 255, (96, 128, 3), np.uint8), (5, 5), 0)
    for i in range(LENGTH):
        frame = ground.copy()
        cv2.circle(frame, (20 + i, 50 + i // 4), 14, (90, 160, 210), -1)
        yield frame


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Suffix -> bytes of a film of 50 frames a second."""
    found = {}
    for suffix, code in FORMS.items():
        path = tmp_path_factory.mktemp("films") / f"film.{suffix}"
        code = cv2.VideoWriter_fourcc(*code)
        writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, code, 50, (128, 96))
        assert writer.isOpened(), suffix
        for frame in pictures():
            writer.write(frame)
        writer.release()
        found[suffix] = path.read_bytes()
    return found


def faults(path):
    """Messages of `data check`."""
    clip = Clip("d", "d/s", "c", VideoFrames(path), source="row 1")
    return [fault.message for fault in unreadable_images([clip])]


@pytest.mark.parametrize("suffix", FORMS)
def test_a_whole_film_has_no_fault_and_a_cut_one_breaks_off(suffix, films, tmp_path):
    path = tmp_path / f"film.{suffix}"
    path.write_bytes(films[suffix])
    assert not is_cut(path) and faults(path) == [] and len(VideoFrames(path)) == LENGTH
    path.write_bytes(films[suffix][: len(films[suffix]) * 7 // 10 // 188 * 188 + 100])
    assert is_cut(path)
    if suffix != "mp4":  # whose list of frames stands at its end: nothing is left to read
        (message,) = [text for text in faults(path) if "breaks off" in text]
        assert 10 < len(VideoFrames(path)) < LENGTH, message


def test_an_flv_film_cut_between_two_parts_is_known_by_its_stated_size(films, tmp_path):
    data, at, path = films["flv"], 13, tmp_path / "film.flv"
    while at < len(data) * 0.6:
        at += 15 + int.from_bytes(data[at + 1 : at + 4], "big")
    path.write_bytes(data[:at])
    assert is_cut(path)
    path.write_bytes(data[:at].replace(b"filesize", b"filesome"))
    assert not is_cut(path)  # as of a broadcast, which states no size


def test_frames_that_do_not_decode_are_told_and_those_after_them_are_read(films, tmp_path):
    """Of an MP4 film 14 frames from the middle on; what follows to the next key frame is wrong."""
    data, path = bytearray(films["mp4"]), tmp_path / "film.mp4"
    middle = len(data) // 2
    data[middle : middle + 9000] = bytes(9000)
    path.write_bytes(data)
    film = VideoFrames(path)
    assert 30 < len(film) < LENGTH - 2 and film.times[-1] == pytest.approx(20 * (LENGTH - 1))
    (one,) = film.damage
    assert one.what == f"{LENGTH - len(film)} frames cannot be decoded"
    assert one.last == len(film) - 1 or film._kinds[one.last : one.last + 1] == b"I"
    (message,) = faults(path)
    assert f"{LENGTH - len(film)} frames cannot be decoded, at 0." in message


def test_an_avi_film_whose_frames_are_gone_lists_them_still(films, tmp_path):
    data, path = bytearray(films["avi"]), tmp_path / "film.avi"
    middle = len(data) // 2
    data[middle : middle + 20_000] = bytes(20_000)
    path.write_bytes(data)
    assert any("its index lists 60 frames" in message for message in faults(path))


def test_a_gap_in_time_is_one_where_the_film_is_even_elsewhere():
    even = np.arange(0, 3000, 20)
    assert gaps(np.r_[even, even + 3500]) == [(149, 150)]
    assert gaps(np.r_[even, even + 3020]) == []  # one dropped frame, as cameras do
    assert gaps(np.cumsum(np.tile([20, 20, 140, 30], 40))) == []  # of an uneven film


def watched(frames, every):
    watch = PictureWatch()
    for position, frame in enumerate(frames):
        watch.add(position, frame, position % every == 0)
    return watch.found


def test_remains_of_a_damaged_frame_up_to_a_key_frame_are_found():
    frames = list(pictures())
    assert watched(frames, 12) == watched(frames, 1) == []
    for frame in frames[29:36]:  # up to the key frame 36, growing fainter
        frame[20:50, 70:110] //= 2
    assert watched(frames, 12) == [(29, 35)]
    assert watched(frames, 13) == []  # ends elsewhere: something that was filmed


def test_a_frame_of_which_the_lower_part_is_grey_is_found_where_all_are_key_frames():
    frames = list(pictures())
    frames[30][40:] = 128
    assert watched(frames, 1) == [(30, 30)]


def test_a_cut_is_no_damage():
    frames = list(pictures())
    assert watched([*frames[:24], *(255 - f for f in frames[24:36]), *frames[36:]], 12) == []

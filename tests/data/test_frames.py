"""Frames: the same clip as folder, video and array; what is broken is named with its index."""

import struct

import cv2
import numpy as np
import pytest

from merzoo.data import frames
from merzoo.errors import InputError


def picture(level, height=48, width=64):
    y, x = np.mgrid[:height, :width]
    return np.stack([x + level, y + level, 0 * x + 3 * level], -1).astype(np.uint8)


def write(path, image, *options):
    assert cv2.imwrite(str(path), image[..., ::-1] if image.ndim == 3 else image, list(options))
    return path


@pytest.fixture
def folder(tmp_path):
    for number in (2, 10, 9, 11):
        write(tmp_path / f"reg_img{number}.png", picture(number))
    return tmp_path


def write_video(path, count=6, code="FFV1"):
    out = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*code), 25, (64, 48))
    assert out.isOpened()
    for level in range(count):
        out.write(picture(10 * level)[..., ::-1])
    out.release()
    return path


def test_a_folder_is_read_in_the_order_of_its_numbers(folder):
    clip = frames.ImageFrames.from_folder(folder)
    assert clip.numbers == (2, 9, 10, 11) and clip.gaps == [range(3, 9)]
    np.testing.assert_array_equal(clip[1], picture(9))
    np.testing.assert_array_equal(clip[1:3], [picture(9), picture(10)])
    assert clip.position(10) == 2 and len(list(clip)) == 4


def test_numbers_that_are_times_in_nanoseconds_leave_gaps_without_filling_the_memory(tmp_path):
    for number in (1_700_000_000_000_000_000, 1_700_000_000_005_000_000):
        write(tmp_path / f"{number}.png", picture(9))
    [gap] = frames.ImageFrames.from_folder(tmp_path).gaps
    assert len(gap) == 4_999_999


def test_nothing_is_opened_before_a_frame_is_asked_for(folder):
    (folder / "reg_img10.png").write_bytes(b"")
    clip = frames.ImageFrames.from_folder(folder)
    assert clip[0].shape == (48, 64, 3)
    with pytest.raises(InputError, match=r"frame 2 of 4: .*reg_img10\.png: not a readable image"):
        clip[2]


def test_a_video_is_read_losslessly_in_any_order(tmp_path):
    clip = frames.VideoFrames(write_video(tmp_path / "clip.avi"))
    assert len(clip) == 6 and clip.fps == 25
    for position in (4, 1, 1, 5):
        np.testing.assert_array_equal(clip[position], picture(10 * position))


def test_a_16_bit_png_is_scaled_and_alpha_is_dropped(tmp_path):
    deep = (np.arange(48 * 64).reshape(48, 64) * 16).astype(np.uint16)
    got = frames.read_image(write(tmp_path / "deep1.png", deep))
    assert got.dtype == np.uint8 and got.shape == (48, 64, 1)
    np.testing.assert_array_equal(got[..., 0], deep // 256)
    alpha = np.dstack([picture(5)[..., ::-1], np.full((48, 64), 7, np.uint8)])
    cv2.imwrite(str(tmp_path / "alpha1.png"), alpha)
    np.testing.assert_array_equal(frames.read_image(tmp_path / "alpha1.png"), picture(5))


def test_a_16_bit_png_with_alpha_is_read(tmp_path):
    deep = np.full((4, 5, 4), 0x7FFF, np.uint16)
    cv2.imwrite(str(tmp_path / "both1.png"), deep)
    got = frames.read_image(tmp_path / "both1.png")
    assert got.shape == (4, 5, 3) and (got == 0x7F).all()


def cut(path, part):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    return path


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("part", [0.3, 0.9])
def test_an_image_that_breaks_off_is_refused(tmp_path, suffix, part):
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    path = cut(write(tmp_path / f"img1.{suffix}", noise), part)
    with pytest.raises(InputError, match=f"img1.{suffix}: (the image breaks off|not a readable)"):
        frames.read_image(path)


def test_a_float_image_is_refused(tmp_path):
    cv2.imwrite(str(tmp_path / "img1.tiff"), np.zeros((5, 5), np.float32))
    with pytest.raises(InputError, match="holds float32 values"):
        frames.read_image(tmp_path / "img1.tiff")


def test_a_video_that_breaks_off_names_the_frame(tmp_path):
    whole = write_video(tmp_path / "clip.avi", count=40, code="MJPG")
    clip = frames.VideoFrames(cut(whole, 0.5))
    with pytest.raises(InputError, match=r"breaks off at frame \d+"):
        clip[39]
    assert 10 < len(clip) < 30 and f"frame {len(clip)}" in clip.broken_off


def test_a_truncated_mp4_is_refused(tmp_path):
    path = cut(write_video(tmp_path / "clip.mp4", count=30, code="mp4v"), 0.5)
    with pytest.raises(InputError, match=r"clip\.mp4: not a video that OpenCV can read"):
        frames.VideoFrames(path)


def test_an_unreadable_folder_is_named(folder, monkeypatch):
    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("merzoo.listing.os.scandir", refuse)
    with pytest.raises(InputError, match="cannot be read: Permission denied"):
        frames.ImageFrames.from_folder(folder)


def test_two_frames_with_one_number_are_refused(folder):
    write(folder / "img10.png", picture(1))
    with pytest.raises(InputError, match="two frames carry the number 10"):
        frames.ImageFrames.from_folder(folder)


def with_uneven_times(path):
    """Rewrites an mp4's table of frame durations ("stts"): the second half lasts three times."""
    data = bytearray(path.read_bytes())
    at = data.index(b"stts")
    count, delta = struct.unpack(">II", data[at + 12 : at + 20])
    entries = struct.pack(">IIIII", 2, count // 2, delta, count - count // 2, 3 * delta)
    data[at + 8 : at + 20] = entries
    for box in (b"stts", b"stbl", b"minf", b"mdia", b"trak", b"moov"):  # each grows by 8 bytes
        place = data.rindex(box, 0, at + 4) - 4
        size = struct.unpack(">I", data[place : place + 4])[0]
        data[place : place + 4] = struct.pack(">I", size + 8)
    path.write_bytes(bytes(data))
    return path


def test_a_variable_frame_rate_is_noticed(tmp_path):
    even = frames.VideoFrames(write_video(tmp_path / "even.mp4", count=20, code="mp4v"))
    assert not even.variable_rate
    np.testing.assert_allclose(np.diff(even.times), 40, atol=1e-6)  # 25 frames a second
    path = with_uneven_times(write_video(tmp_path / "uneven.mp4", count=20, code="mp4v"))
    assert frames.VideoFrames(path).variable_rate


def test_the_content_hash_follows_the_content(folder, tmp_path):
    before = frames.ImageFrames.from_folder(folder).content_hash()
    assert frames.ImageFrames.from_folder(folder).content_hash() == before
    write(folder / "reg_img9.png", picture(8))
    assert frames.ImageFrames.from_folder(folder).content_hash() != before
    video = frames.VideoFrames(write_video(tmp_path / "a.avi"))
    shorter = frames.VideoFrames(write_video(tmp_path / "b.avi", count=5))
    assert video.content_hash() != shorter.content_hash()

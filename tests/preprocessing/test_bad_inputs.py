"""Thirty and more things that go wrong between a clip and its modalities: each gives one line."""

import struct
import zlib

import cv2
import numpy as np
import pytest

from merzoo.data.clip import Clip
from merzoo.data.frames import ArrayFrames, ImageFrames, VideoFrames
from merzoo.errors import InputError
from merzoo.preprocessing import face
from merzoo.preprocessing.pipeline import prepare
from tests.preprocessing import made

SHAPE = {"difference": (32, 32, 1)}


def photograph():
    return pytest.importorskip("skimage.data").astronaut()


def still(image, count=3):
    return ArrayFrames(np.repeat(image[None], count, 0))


def broken_file(folder, name, data):
    """A clip of files of which one, img4, is the apex and holds `data`."""
    made.folder_clip(folder / "clip")
    (folder / "clip" / "img4.png").unlink()
    (folder / "clip" / name).write_bytes(data)
    return made.clip(0, ImageFrames.from_folder(folder / "clip"))


def cut_png(folder):
    whole = made.folder_clip(folder / "whole").frames.paths[4].read_bytes()
    return broken_file(folder, "img4.png", whole[: len(whole) // 2])


def cut_jpeg(folder):
    whole = cv2.imencode(".jpg", made.film(0)[4])[1].tobytes()
    return broken_file(folder, "img4.jpg", whole[: len(whole) // 2])


def text_as_png(folder):
    return broken_file(folder, "img4.png", b"<html>404 not found</html>")


def empty_file(folder):
    return broken_file(folder, "img4.png", b"")


def png_of_no_size(folder):
    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", 0, 0, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IEND", b"")
    return broken_file(folder, "img4.png", data)


def float_tiff(folder):
    path = folder / "deep.tiff"
    cv2.imwrite(str(path), np.zeros((96, 96), np.float32))
    return broken_file(folder, "img4.tiff", path.read_bytes())


def vanished_file(folder):
    clip = made.folder_clip(folder / "clip")
    clip.frames.paths[4].unlink()
    return clip


def directory_as_frame(folder):
    clip = made.folder_clip(folder / "clip")
    clip.frames.paths[4].unlink()
    clip.frames.paths[4].mkdir()
    return clip


def other_size(folder):
    return broken_file(folder, "img4.png", cv2.imencode(".png", made.film(0)[4][:50])[1].tobytes())


def video(folder, code, suffix, part):
    path = folder / f"clip.{suffix}"
    out = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*code), 25, (96, 96))
    for frame in made.film(0, length=40, apex=30):
        out.write(frame)
    out.release()
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    return made.clip(0, VideoFrames(path), apex=30, offset=39)


def two_faces():
    return np.hstack([photograph(), photograph()[:, ::-1]])


def profile():
    return pytest.importorskip("skimage.data").camera()[..., None]


def noise():
    return np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)


def on_photograph(image):
    return lambda folder: made.clip(0, still(image()), apex=1, offset=2)


def fields(**changes):
    return lambda folder: made.clip(0, **changes)


def single(folder):
    return made.clip(0, ArrayFrames(made.film(0)[:1]), onset=0, apex=0, offset=0)


# What is wrong with the clip, how to make it, words of the message, options of `prepare`.
CLIPS = {
    "0-byte image": (empty_file, r"frame 4 of 9: .*img4.png: not a readable image \(0 bytes\)", {}),
    "text with an image's name": (text_as_png, "frame 4 of 9: .*not a readable image", {}),
    "PNG cut short": (cut_png, "frame 4 of 9: .*(breaks off|not a readable image)", {}),
    "JPEG cut short": (cut_jpeg, "frame 4 of 9: .*(breaks off|not a readable image)", {}),
    "PNG of no size": (png_of_no_size, "frame 4 of 9: .*not a readable image", {}),
    "float TIFF": (float_tiff, "frame 4 of 9: .*float32.*save it with 8 or 16 bits", {}),
    "image deleted meanwhile": (vanished_file, "frame 4 of 9: .*cannot be read: No such file", {}),
    "folder in place of an image": (directory_as_frame, "frame 4 of 9: .*Is a directory", {}),
    "frame of another size": (other_size, "frame 4 is 96x50, frame 0 is 96x96", {}),
    "truncated mp4": (
        lambda folder: video(folder, "mp4v", "mp4", 0.5),
        "clip.mp4: not a video that OpenCV can read",
        {},
    ),
    "truncated avi": (
        lambda folder: video(folder, "MJPG", "avi", 0.5),
        r"clip.avi: the video breaks off at frame \d+",
        {},
    ),
    "1-frame clip": (single, "has a single frame, so no motion", {}),
    "no face (haar)": (on_photograph(noise), "frame 0: no frontal face", {"detector": "haar"}),
    "two faces (haar)": (on_photograph(two_faces), "frame 0: 2 faces", {"detector": "haar"}),
    "profile face (haar)": (on_photograph(profile), "no frontal face", {"detector": "haar"}),
    "no face (dlib)": (on_photograph(noise), "frame 0: no frontal face", {"detector": "dlib"}),
    "two faces (dlib)": (on_photograph(two_faces), "frame 0: 2 faces", {"detector": "dlib"}),
    "profile face (dlib)": (on_photograph(profile), "no frontal face", {"detector": "dlib"}),
    "apex before the onset": (
        fields(onset=5),
        r"apex 4 lies outside onset\.\.offset 5\.\.8",
        {"apex": "annotated"},
    ),
    "apex after the offset": (
        fields(offset=3),
        r"apex 4 lies outside onset\.\.offset 0\.\.3",
        {"apex": "annotated"},
    ),
    "no apex": (fields(apex=None), "no annotated apex; choose a spotter", {"apex": "annotated"}),
    "offset before the onset": (fields(onset=5, offset=2), "does not fit its 9 frames", {}),
    "offset after the frames": (fields(offset=99), "0..99 does not fit its 9 frames", {}),
    "negative onset": (fields(onset=-1), "-1..8 does not fit", {}),
    "apex on the onset": (fields(onset=4), "apex 4 is its onset", {}),
    "spotting in two frames": (
        lambda folder: made.clip(0, ArrayFrames(made.film(0)[:2]), apex=None, offset=1),
        "needs 3 frames, got 2",
        {"apex": "flow"},
    ),
}


@pytest.mark.parametrize("name", CLIPS)
def test_a_bad_clip_is_reported_with_its_name(name, tmp_path):
    make, words, options = CLIPS[name]
    if options.get("detector") == "dlib" and not face.has_landmarks():
        pytest.skip("dlib or its landmark file is not installed")
    options = {"detector": "none", "jobs": 1, "cache": tmp_path / "cache"} | options
    with pytest.raises(InputError, match=words) as caught:
        prepare([make(tmp_path)], SHAPE, "megc3", **options)
    message = str(caught.value)
    assert "\n" not in message and "Error" not in message.split(":")[0]
    assert "made s00/c0" in message or "clip.mp4" in message


def test_magnification_without_a_frame_rate_is_refused(tmp_path):
    clips = [made.clip(0, fps=None)]
    with pytest.raises(InputError, match=r"frames per second are unknown.*in a column 'fps'"):
        prepare(clips, {"magnified_apex": (32, 32, 3)}, detector="none", cache=tmp_path, jobs=1)


@pytest.mark.parametrize(
    "units, words",
    [(None, "has no annotated action units; choose action_units='zero'"), ("4+5 6", "'5 6'")],
)
def test_bad_action_units_are_reported(units, words, tmp_path):
    clips = [made.clip(0, action_units=units)]
    with pytest.raises(InputError, match=words):
        prepare(clips, {"action_units": (21,)}, cache=tmp_path, jobs=1)


# What is wrong with the call, its inputs, its options, words of the message.
CALLS = {
    "no modality of that name": ({"flow_imag": (28, 28, 3)}, {}, "Did you mean 'flow_image'"),
    "no inputs": ({}, {}, "name at least one modality"),
    "flow with one channel": ({"flow": (28, 28, 1)}, {}, r"only \(height, width, 3\)"),
    "image with two axes": ({"apex": (28, 28)}, {}, r"only \(height, width, 1 or 3\)"),
    "side left open": ({"apex": (None, 28, 3)}, {}, "build the model with a fixed input shape"),
    "side of zero": ({"apex": (0, 28, 3)}, {}, "fixed input shape"),
    "12 regions": ({"regions": (12, 4)}, {}, "24 or 10"),
    "20 action units": ({"action_units": (20,)}, {}, r"only \(21\)"),
    "regions on oblong crops": (
        {"regions": (24, 4), "apex": (224, 112, 3)},
        {},
        "needs square crops",
    ),
    "sequence and regions of different length": (
        {"regions": (8, 24, 4), "sequence": (10, 64, 64, 3)},
        {},
        "the same number of frames",
    ),
    "unknown parameter": (SHAPE, {"apexx": "flow"}, "Did you mean 'apex'"),
    "unknown spotter": (SHAPE, {"apex": "flaw"}, "Did you mean 'flow'"),
    "unknown flow": (SHAPE, {"flow": "farnebeck"}, "Did you mean 'farneback'"),
    "unknown alignment": (SHAPE, {"alignment": "lwmt"}, "Unknown alignment"),
    "landmark alignment without landmarks": (
        SHAPE,
        {"detector": "haar", "alignment": "piecewise_affine"},
        "'piecewise_affine' needs 68 landmarks",
    ),
    "band upside down": (SHAPE, {"magnification_band": "10-0.5"}, "must be LOW-HIGH"),
    "band of one number": (SHAPE, {"magnification_band": "10"}, "must be LOW-HIGH"),
    "rates above 1": (
        SHAPE,
        {"magnification": "iir", "magnification_band": [0.5, 10]},
        r"takes rates in 0\.\.1",
    ),
    "negative gain": (SHAPE, {"magnification_gain": -1}, "must be a number from 0"),
    "gain of no number": (SHAPE, {"magnification_gain": "nan"}, "must be a number from 0"),
    "steep filter": (SHAPE, {"magnification_order": 9}, "a whole number from 1 to 4"),
    "unknown strain": (SHAPE, {"strain": "ful"}, "Did you mean 'full'"),
    "no frames": (SHAPE, {"frames": "0"}, "a whole number from 1"),
    "on_error": (SHAPE, {"on_error": "ignore"}, "Unknown on_error 'ignore'. Known: fail, skip"),
    "no jobs": (SHAPE, {"jobs": 0}, "jobs must be a whole number from 1"),
    "unknown label map": (SHAPE, {"labels": "megc4"}, "Did you mean 'megc3'"),
    "label map of another dataset": (SHAPE, {"labels": "smic"}, "is for smic, not for 'made'"),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_bad_call_is_refused_before_any_work(name, tmp_path):
    inputs, options, words = CALLS[name]
    options = {"labels": "megc3", "detector": "none", "cache": tmp_path / "cache"} | options
    with pytest.raises(InputError, match=words) as caught:
        prepare([made.clip(0)], inputs, **options)
    assert "\n" not in str(caught.value) and not (tmp_path / "cache").exists()


def test_clips_that_the_labels_leave_out_are_not_an_empty_result(tmp_path):
    clip = Clip("made", "made/s1", "a", ArrayFrames(made.film(0)), "others")
    with pytest.raises(InputError, match="no clip is left of 1 under the label map 'megc3'"):
        prepare([clip], SHAPE, "megc3", cache=tmp_path)


def test_a_label_that_no_map_knows_is_refused(tmp_path):
    with pytest.raises(InputError, match="Did you mean 'happiness'"):
        prepare([made.clip(0, label="hapiness")], SHAPE, "megc3", cache=tmp_path)


def test_a_cache_where_nothing_can_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file: cannot be written"):
        prepare([made.clip(0)], SHAPE, detector="none", jobs=1, cache=tmp_path / "file")

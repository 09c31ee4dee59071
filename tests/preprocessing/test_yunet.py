"""The detector YuNet: its file, and how its answers are read, by a network that sees red squares.

The network is made here, has YuNet's inputs and outputs (OpenCV 4.8 and later), and runs in OpenCV
as YuNet does. It finds a square of 32 pixels, on a grid of 32, that is pure red, by its colour: so
that colours in another order, another scale or shifted eyes would show. The real file, where
MERZOO_YUNET names one, is tried on a photograph.
"""

import os

import numpy as np
import pytest

from merzoo.data.frames import ArrayFrames
from merzoo.errors import InputError
from merzoo.preprocessing import face
from merzoo.preprocessing.pipeline import prepare
from merzoo.preprocessing.yunet import VARIABLE
from tests.preprocessing import made

REAL = os.environ.get(VARIABLE)
_RIGHT_EYE, _LEFT_EYE = (0.25, 0.375), (0.75, 0.375)  # of the square; of the subject


@pytest.fixture
def red_squares(monkeypatch, tmp_path):
    """Sets `MERZOO_YUNET` to a network that finds red squares."""
    path = tmp_path / "red.onnx"
    write_red_squares(path)
    monkeypatch.setenv(VARIABLE, str(path))
    return path


def write_red_squares(path, right_eye=_RIGHT_EYE, left_eye=_LEFT_EYE):
    onnx = pytest.importorskip("onnx")
    nodes, constants, outputs = [], [], []

    def constant(name, values, kind=onnx.TensorProto.FLOAT):
        values = np.asarray(values)
        constants.append(onnx.helper.make_tensor(name, kind, values.shape, values.ravel()))

    def output(name, stride, weights, biases):
        """(1, cells, channels) of a convolution that sees each cell of the grid alone."""
        constant(f"{name}_weights", np.asarray(weights, np.float32))
        constant(f"{name}_biases", np.asarray(biases, np.float32))
        constant(f"{name}_shape", [1, -1, len(biases)], onnx.TensorProto.INT64)
        inputs = ["input", f"{name}_weights", f"{name}_biases"]
        steps = [stride, stride]
        nodes.append(
            onnx.helper.make_node(
                "Conv", inputs, [f"{name}_conv"], strides=steps, kernel_shape=steps
            )
        )
        order = [0, 2, 3, 1]
        nodes.append(
            onnx.helper.make_node("Transpose", [f"{name}_conv"], [f"{name}_last"], perm=order)
        )
        nodes.append(onnx.helper.make_node("Reshape", [f"{name}_last", f"{name}_shape"], [name]))
        shape = [1, None, len(biases)]
        outputs.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape))

    points = np.concatenate([right_eye, left_eye, (0.5, 0.6), (0.3, 0.8), (0.7, 0.8)])
    for stride in (8, 16, 32):
        red = np.zeros((1, 3, stride, stride))
        if stride == 32:
            red[0, 2], red[0, :2] = 1 / (255 * 32**2), -1 / (255 * 32**2)  # blue, green, red
        output(f"cls_{stride}", stride, red, [0])
        output(f"obj_{stride}", stride, red, [0])
        output(f"bbox_{stride}", stride, np.zeros((4, 3, stride, stride)), [0.5, 0.5, 0, 0])
        output(f"kps_{stride}", stride, np.zeros((10, 3, stride, stride)), points)
    shape = [1, 3, "height", "width"]
    given = onnx.helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, shape)
    graph = onnx.helper.make_graph(nodes, "red squares", [given], outputs, constants)
    opset = [onnx.helper.make_opsetid("", 11)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8), path)


def squares(size, side, *places):
    """A black frame with red squares, by the x and y of their upper left corners."""
    frame = np.zeros((size[1], size[0], 3), np.uint8)
    for x, y in places:
        frame[y : y + side, x : x + side, 0] = 255
    return frame


def test_boxes_and_eyes_are_in_pixels_of_the_frame(red_squares):
    found = face.find_face(squares((1280, 720), 64, (320, 192)), "yunet")
    np.testing.assert_allclose(found.box, (192, 320, 256, 384), atol=1)
    np.testing.assert_allclose(found.eyes, [(336.5, 216.5), (368.5, 216.5)], atol=1)
    assert not found.dim and found.landmarks is None
    grey = np.zeros((200, 300, 1), np.uint8)
    with pytest.raises(face.NoFaceError, match="no frontal face found by 'yunet' in 300x200"):
        face.find_face(grey, "yunet")


def test_the_left_eye_of_the_picture_comes_first(monkeypatch, tmp_path):
    """Of a picture in a mirror the subject's right eye lies right."""
    write_red_squares(tmp_path / "mirror.onnx", _LEFT_EYE, _RIGHT_EYE)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "mirror.onnx"))
    found = face.find_face(squares((640, 320), 32, (96, 64)), "yunet")
    assert found.eyes[0, 0] < found.eyes[1, 0]


def test_of_several_one_is_chosen_and_small_ones_are_found_at_a_second_look(red_squares):
    frame = squares((640, 320), 32, (64, 64), (320, 128))
    with pytest.raises(InputError, match="2 faces found by 'yunet'"):
        face.find_face(frame, "yunet")
    assert face.find_face(frame, "yunet", which="right").box[1] == pytest.approx(320, abs=1)
    small = squares((1920, 960), 32, (640, 320))  # ten pixels in a picture of 640
    assert face.find_boxes(small, "yunet") == []
    found = face.find_face(small, "yunet")
    assert found.dim and found.box == pytest.approx((320, 640, 352, 672), abs=1)


def test_clips_are_prepared_with_it(red_squares, tmp_path):
    """The square's eyes lie where the alignment puts them; what moves is the clip's middle."""
    frames = np.repeat(squares((320, 240), 32, (96, 96))[None], 9, 0)
    frames[4, 120:126, 100:124, 1] = 200
    data = prepare(
        [made.clip(0, ArrayFrames(frames))],
        {"difference": (32, 32, 3)},
        "megc3",
        detector="yunet",
        jobs=1,
        cache=tmp_path / "cache",
    )
    assert data.preparation["detector"] == {"made": "yunet"}
    assert data.modalities["difference"].max() > 100


def test_a_missing_file_is_said_at_once(monkeypatch, tmp_path):
    frame = np.zeros((200, 200, 3), np.uint8)
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(InputError, match=r"'yunet' needs its model file: set MERZOO_YUNET to"):
        face.find_face(frame, "yunet")
    with pytest.raises(InputError, match="MERZOO_YUNET"):
        prepare([made.clip(0)], {"apex": (32, 32, 1)}, detector="yunet", cache=tmp_path, jobs=1)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none.onnx"))
    with pytest.raises(InputError, match=r"MERZOO_YUNET is set to .*none\.onnx, but there is no"):
        face.check_detector("yunet")


@pytest.mark.parametrize(
    "content, words",
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a pointer of Git LFS"),
        (b"not a network", "not a YuNet that this OpenCV can run"),
        (b"", "not a YuNet that this OpenCV can run"),
    ],
)
def test_what_is_no_model_is_named(content, words, monkeypatch, tmp_path):
    path = tmp_path / "yunet.onnx"
    path.write_bytes(content)
    monkeypatch.setenv(VARIABLE, str(path))
    with pytest.raises(InputError, match=rf"yunet\.onnx: {words}") as caught:
        face.find_face(np.full((200, 200, 3), 90, np.uint8), "yunet")
    assert "\n" not in str(caught.value)


def test_an_alignment_that_needs_landmarks_is_refused(red_squares, tmp_path):
    if not face.has_landmarks():
        pytest.skip("dlib or its landmark file is not installed")
    with pytest.raises(InputError, match="which 'yunet' does not find"):
        prepare(
            [made.clip(0)],
            {"apex": (32, 32, 1)},
            detector="yunet",
            alignment="piecewise_affine",
            cache=tmp_path,
            jobs=1,
        )


@pytest.mark.skipif(not REAL, reason="MERZOO_YUNET names no model file")
def test_the_real_network_finds_the_photographs_face():
    photograph = pytest.importorskip("skimage.data").astronaut()
    found = face.find_face(photograph, "yunet")
    np.testing.assert_allclose(found.eyes, [(204, 101), (247, 103)], atol=4)

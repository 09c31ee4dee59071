"""Resizing inside a model gives the very grey levels that preprocessing gives outside of it."""

import numpy as np
import pytest

from merzoo.data.clip import Clip
from merzoo.data.frames import ArrayFrames
from merzoo.errors import InputError
from merzoo.layers import FaceResize
from merzoo.preprocessing.aligned_clip import AlignedClip
from merzoo.preprocessing.parameters import check_parameters
from tests.battery import run_layer_test


def python_crop(frame, size, channels):
    clip = Clip("d", "d/s", "c", ArrayFrames(frame[None]), onset=0, apex=0)
    aligned = AlignedClip(clip, check_parameters({"detector": "none"}))
    return aligned.crop(0, *size, channels)


def test_equals_the_python_pipeline_to_the_grey_level():
    # The same size, halves, other parts, odd sides, enlargement: each takes another way in OpenCV.
    for frame_size, size, channels in (
        ((224, 224), (224, 224), 1),
        ((224, 224), (112, 112), 3),
        ((224, 224), (28, 28), 1),
        ((224, 224), (64, 64), 1),
        ((160, 140), (75, 60), 3),
        ((160, 140), (227, 227), 1),
    ):
        frame = np.random.default_rng(0).integers(0, 256, (*frame_size, 3)).astype("uint8")
        ours = np.asarray(FaceResize(size, channels)(frame[None]))[0]
        np.testing.assert_array_equal(ours, python_crop(frame, size, channels), str(size))


def test_is_a_layer_like_the_others():
    frames = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype("uint8")
    run_layer_test(FaceResize((12, 8), channels=1), frames, expected_shape=(2, 12, 8, 1))


def test_refuses_what_is_no_colour_crop():
    with pytest.raises(InputError, match="1 or 3 channels"):
        FaceResize((8, 8), channels=2)
    with pytest.raises(InputError, match="takes"):
        FaceResize((8, 8))(np.zeros((1, 16, 16, 1), "uint8"))

"""Preprocessing inside the graph computes what the Python pipeline computes."""

import keras
import numpy as np
import pytest

import merzoo
from merzoo.errors import InputError
from merzoo.exporting import with_preprocessing
from merzoo.preprocessing import prepare
from tests.exporting.faces import clips, pairs

SHAPES = {
    "onset": (32, 40, 1),
    "apex": (56, 56, 3),
    "difference": (28, 28, 3),
    "signed_difference": (56, 56, 1),
    "flow": (28, 28, 3),
    "flow_image": (28, 28, 3),
}


def test_every_modality_of_a_frame_pair_equals_the_python_pipeline(tmp_path):
    crops = pairs()
    inputs = [keras.Input(shape, name=name) for name, shape in SHAPES.items()]
    same = keras.Model(inputs, [keras.layers.Identity()(x) for x in inputs])
    found = with_preprocessing(same, crop_size=(56, 56)).predict(crops, verbose=0)
    data = prepare(clips(crops), SHAPES, detector="none", cache=tmp_path, jobs=1)
    for (name, expected), ours in zip(data.modalities.items(), found, strict=True):
        # Flow is floating point, within the bounds of FarnebackFlow; the rest is whole numbers.
        tolerance = {"flow": 1e-3, "flow_image": 0.1}.get(name, 0)
        np.testing.assert_allclose(ours, expected, atol=tolerance, err_msg=name)


def test_takes_only_the_frames_that_the_model_needs_and_keeps_other_inputs():
    apex_only = with_preprocessing(merzoo.create_model("broadbentnet", input_shape=(16, 16, 1)))
    assert [x.name for x in apex_only.inputs] == ["apex"]
    small = {"input_shape": (32, 32, 3), "window": 2}
    model = with_preprocessing(merzoo.create_model("cvanet", **small, fpf=None), (64, 64))
    assert {x.name: x.dtype for x in model.inputs} == {
        "onset": "uint8",
        "apex": "uint8",
        "action_units": "float32",
    }


def test_a_model_of_whole_clips_is_refused():
    model = merzoo.create_model("densemixednet", input_shape=(32, 32, 3), growth=8)
    with pytest.raises(InputError, match="takes magnified_apex, and none of them"):
        with_preprocessing(model)

"""Preprocessing inside the graph computes what the Python pipeline computes."""

import keras
import numpy as np
import pytest

from merzoo.errors import InputError
from merzoo.exporting import with_preprocessing
from merzoo.exporting.graph import default_crop_size
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


def joined(**shapes):
    """A small model of the named inputs."""
    inputs = [keras.Input(shape, name=name) for name, shape in shapes.items()]
    flat = [keras.layers.Flatten()(x) for x in inputs]
    x = keras.layers.Concatenate()(flat) if len(flat) > 1 else flat[0]
    return keras.Model(inputs, keras.layers.Dense(3)(x), name="joined")


def test_takes_only_the_frames_that_the_model_needs_and_keeps_other_inputs():
    apex_only = with_preprocessing(joined(apex=(16, 16, 1)))
    assert [x.name for x in apex_only.inputs] == ["apex"]
    model = with_preprocessing(joined(apex=(8, 8, 1), action_units=(21,), flow=(16, 16, 3)))
    found = {x.name: (x.shape[1:], x.dtype) for x in model.inputs}
    assert found["onset"] == found["apex"] == ((224, 224, 3), "uint8")  # 14 times 16
    assert found["action_units"] == ((21,), "float32")


def test_crops_are_a_whole_multiple_of_the_models_pictures():
    assert default_crop_size(joined(apex=(64, 64, 1), flow=(28, 28, 3))) == (192, 192)
    assert default_crop_size(joined(apex=(227, 227, 3))) == (227, 227)


def test_a_model_of_whole_clips_is_refused():
    with pytest.raises(InputError, match="takes magnified_apex, and none of them"):
        with_preprocessing(joined(magnified_apex=(8, 8, 1)))

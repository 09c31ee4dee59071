"""Real exports, opened again by the runtime of their format."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from merzoo.exporting.card import model_card
from merzoo.exporting.convert import REPRESENTATIVE
from merzoo.exporting.exporter import TOLERANCE, run_jobs, write_job
from merzoo.exporting.formats import FORMATS
from merzoo.exporting.graph import with_preprocessing
from tests.exporting.faces import pairs, undecided

CLASSES = ("negative", "positive", "surprise")


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """STSTNet with its preprocessing in all formats, and as int8 without: one process for all."""
    root = tmp_path_factory.mktemp("exports")
    model = undecided("ststnet")
    wrapped = with_preprocessing(model, crop_size=(56, 56))
    crops = pairs()
    images = np.random.default_rng(0).uniform(0, 255, (6, 28, 28, 3)).astype("float32")
    card = model_card(model, wrapped, CLASSES, None, preprocessing=True)
    folders = {format: root / format for format in FORMATS}
    for format, folder in folders.items():
        folder.mkdir()
        write_job(folder, wrapped, format, {"real": crops}, CLASSES, card)
    folders["int8"] = root / "int8"
    folders["int8"].mkdir()
    probes = {"real": {"flow_image": images}, REPRESENTATIVE: {"flow_image": images}}
    write_job(folders["int8"], model, "litert", probes, CLASSES, card)
    answers = dict(zip(folders, run_jobs(list(folders.values())), strict=True))
    expected = {"graph": wrapped.predict(crops, verbose=0)}
    expected["int8"] = model.predict({"flow_image": images}, verbose=0)
    return folders, answers, expected


@pytest.mark.parametrize("format", FORMATS)
def test_gives_the_probabilities_of_the_keras_model(exports, format):
    _, answers, expected = exports
    whole, alone = answers[format]["real"], answers[format]["real, first alone"]
    assert whole.shape == (3, 3) and alone.shape == (1, 3)  # any batch size
    assert expected["graph"].min() > 0.01 and np.ptp(expected["graph"], axis=0).max() > 0.01
    np.testing.assert_allclose(whole, expected["graph"], atol=TOLERANCE)
    np.testing.assert_allclose(alone, expected["graph"][:1], atol=TOLERANCE)


def test_int8_is_near_and_smaller(exports):
    folders, answers, expected = exports
    found = answers["int8"]["real"]
    assert 0 < np.abs(found - expected["int8"]).max() < 0.1
    assert (folders["int8"] / "export.tflite").stat().st_size < 20_000


def test_classes_and_card_are_inside(exports):
    folders, _, _ = exports
    assets = folders["saved_model"] / "export" / "assets"
    assert (assets / "classes.txt").read_text().split() == list(CLASSES)
    card = json.loads((assets / "model_card.json").read_text())
    assert card["inputs"]["onset"]["shape"] == [None, 56, 56, 3]
    assert "lie detection" in card["limits"]

    import onnx

    model = onnx.load(folders["onnx"] / "export.onnx")
    inside = {item.key: item.value for item in model.metadata_props}
    assert json.loads(inside["classes"]) == list(CLASSES)
    assert json.loads(inside["model_card"]) == card
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"


IN_KERAS = """
import sys
import keras
import numpy as np
layer = keras.layers.TFSMLayer(sys.argv[1], call_endpoint="serve")
names = ("onset", "apex")
frames = {name: np.full((2, 56, 56, 3), 90, "uint8") for name in names}
inputs = {name: keras.Input((56, 56, 3), dtype="uint8", name=name) for name in names}
print(keras.Model(inputs, layer(inputs)).predict(frames, verbose=0)["probabilities"].sum())
"""


@pytest.mark.slow
def test_keras_takes_a_saved_model_as_a_layer_of_named_inputs(exports):
    """In a process of its own: the layer is of Keras on TensorFlow only."""
    command = [sys.executable, "-c", IN_KERAS, str(exports[0]["saved_model"] / "export")]
    told = os.environ | {"KERAS_BACKEND": "tensorflow"}
    done = subprocess.run(command, env=told, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split()[-1]) == pytest.approx(2, abs=1e-4)

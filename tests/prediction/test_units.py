"""Action units of a segment, beside its class or as the answer itself."""

import csv
import io

import keras
import numpy as np
import pytest

import merzoo
from merzoo.data.clip import Clip
from merzoo.data.frames import HeldFrames
from merzoo.errors import InputError
from merzoo.explain.page import explain_clips
from merzoo.explain.split import split
from merzoo.prediction import Classifier
from merzoo.prediction.annotate import class_colour
from merzoo.prediction.defaults import UNIT_WEIGHTS
from merzoo.prediction.results import Prediction, csv_text
from merzoo.prediction.segments import segment_of
from merzoo.prediction.spotting import Spot

SPOT = Spot(0, 1, 2, 0.5)


def of_units(names=("AU4", "AU12")):
    model = merzoo.create_model("ststnet", classes=2, classifier_activation="sigmoid")
    return Classifier(model, classes=names)


def clip():
    frames = np.random.default_rng(0).integers(0, 255, (3, 224, 224, 3), dtype="uint8")
    held = HeldFrames(list(frames), "clip")
    return Clip("a", "a/s1", "x", held, "joy", onset=0, apex=1, offset=2, action_units="4+L12")


def test_invented_weights_bring_those_of_units_and_others_none():
    model = Classifier("ststnet", "synthetic", detector="none")
    assert model.units.entry.id == UNIT_WEIGHTS and model.units.of_units
    assert model.facts()["units"]["classes"] == list(model.units.classes)
    assert Classifier("ststnet", "synthetic", units="none").units is None
    assert Classifier(merzoo.create_model("ststnet")).units is None
    with pytest.raises(InputError, match="say no action units"):
        Classifier("ststnet", "synthetic", units="ststnet.synthetic")
    with pytest.raises(InputError, match="Unknown weights 'synthetic-au'"):
        Classifier("ststnet", "synthetic", units="synthetic-au")
    sample = model.inputs(clip())
    told = model.told_units(sample, clip(), None, None)
    row = model.units.probabilities([model.units.inputs(clip())])[0]
    np.testing.assert_allclose(list(told.values()), row, rtol=1e-6)


def test_a_segment_has_its_units_in_the_table_and_in_json():
    model = Classifier(merzoo.create_model("ststnet"))
    found = segment_of(SPOT, np.array([0.2, 0.7, 0.1]), model, None, {"AU4": 0.9, "AU12": 0.2})
    facts = model.facts() | {"units": {"classes": ["AU4", "AU12"]}}
    result = Prediction(
        "x", "pair", (found,), 3, None, "whole", facts, (), np.arange(3), np.ones(3)
    )
    (row,) = csv.DictReader(io.StringIO(csv_text([result])))
    assert (row["label"], row["units"], row["p_AU4"]) == ("positive", "AU4", "0.900000")
    assert result.as_dict()["segments"][0]["units"] == {"AU4": 0.9, "AU12": 0.2}
    assert ">AU4<" in result._repr_html_()


def test_a_network_of_units_names_the_combination():
    model = of_units()
    found = segment_of(SPOT, np.array([0.9, 0.8]), model, None, None)
    assert found.label == "AU4+AU12" and found.units == {"AU4": 0.9, "AU12": 0.8}
    assert segment_of(SPOT, np.array([0.1, 0.2]), model, None, None).label == "none"
    assert class_colour(model.classes, "AU12+AU14") == class_colour(model.classes, "AU12")
    with pytest.raises(InputError, match="ends in a sigmoid"):
        of_units(("joy", "anger"))


def test_one_map_a_unit_by_the_score_before_its_sigmoid(tmp_path):
    model = of_units().model
    assert split(model).tail is not None
    names = ("AU4", "AU12")
    (found,) = explain_clips(model, [clip()], tmp_path, "annotated", names, detector="none")
    assert found.label == "AU4+AU12" and set(found.probabilities) == set(names)
    assert (tmp_path / found.picture).stat().st_size > 20_000
    assert keras.utils.load_img(tmp_path / found.picture).width > 4 * 300  # four panels

"""What a prediction says of its confidence: calibrated, or not, or that it does not know."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest

import merzoo
from merzoo.app.html import report_html
from merzoo.commands.predict import _row
from merzoo.errors import InputError
from merzoo.prediction import Classifier
from merzoo.prediction.defaults import DEFAULT_MODEL, DEFAULT_WEIGHTS, network_of
from merzoo.prediction.results import Prediction, confidence_told, csv_text, figures
from merzoo.prediction.segments import segment_of
from merzoo.prediction.spotting import Spot
from merzoo.training.confidence import Confidence
from merzoo.training.probabilities import Unlabelled, predict
from merzoo.weights.entry import ENTRY_FILE, REAL, WeightsEntry
from merzoo.weights.manifest import entries
from tests.app.test_html import result as shown_result

SURE = {"temperature": 2.0, "threshold": 0.6, "people": 4, "answers": 20}


def calibrated():
    model = Classifier("ststnet", "synthetic", units="none", detector="none")
    model.entry = replace(model.entry, confidence=SURE)
    model.confidence = Confidence(**SURE)
    return model


def test_probabilities_are_as_the_card_calibrates_them():
    model = calibrated()
    sample = {"flow_image": np.random.default_rng(0).uniform(0, 255, (28, 28, 3))}
    plain = predict(model.model, Unlabelled({n: x[None] for n, x in sample.items()}))
    found = model.probabilities([sample])
    assert found == pytest.approx(plain**0.5 / (plain**0.5).sum(), abs=1e-5)
    assert model.facts()["confidence"] == SURE
    units = Classifier(
        merzoo.create_model("ststnet", classes=2, classifier_activation="sigmoid"),
        classes=("AU4", "AU12"),
    )
    assert units.knows({"AU4": 0.7, "AU12": 0.2}) is None
    units.confidence = Confidence(**SURE)
    assert units.knows({"AU4": 0.7, "AU12": 0.2}) and not units.knows({"AU4": 0.55, "AU12": 0.9})
    assert units.knows({"AU4": 0.1, "AU12": 0.2})  # says that nothing moves


def test_below_the_threshold_it_does_not_know():
    model = calibrated()
    spot = Spot(0, 1, 2, 0.5)
    unsure = segment_of(spot, np.array([0.3, 0.2, 0.5]), model, None, None)
    sure = segment_of(spot, np.array([0.1, 0.2, 0.7]), model, None, None)
    assert (unsure.shown, sure.shown) == ("does not know", sure.label)
    units = {"units": {"confidence": SURE | {"threshold": 0.8}}}
    moving = replace(unsure, units={"AU1": 0.9, "AU2": 0.6, "AU4": 0.1})
    assert _row(moving, units)[:3] == [
        f"does not know ({unsure.label}?)",
        "0.500",
        "AU1 0.90 AU2? 0.60",
    ]
    assert _row(sure, {})[0] == sure.label
    result = Prediction(
        "x", "pair", (unsure, sure), 3, None, "whole", model.facts(), (), np.arange(3), np.ones(3)
    )
    assert [row["known"] for row in csv.DictReader(io.StringIO(csv_text([result])))] == [
        "no",
        "yes",
    ]
    assert [s["known"] for s in result.as_dict()["segments"]] == [False, True]
    assert "does not know" in result._repr_html_()
    plain = Classifier(merzoo.create_model("ststnet"), units="none", detector="none")
    assert segment_of(spot, np.array([0.3, 0.2, 0.5]), plain, None, None).known is None
    assert "not calibrated" in confidence_told(plain.facts())
    never = confidence_told({"confidence": SURE | {"threshold": 1.1}})
    assert "none of its answers was sure enough" in never


def test_the_page_says_what_it_does_not_know():
    found = shown_result()
    found["prediction"]["segments"][0] |= {"known": False, "units": {"AU1": 0.9, "AU2": 0.6}}
    model = found["prediction"]["model"] | {"confidence": SURE}
    units = {"name": "u", "weights": "w", "classes": ["AU1", "AU2"], "metrics": {}, "note": ""}
    model["units"] = units | {"confidence": SURE | {"threshold": 0.8}}
    found["prediction"]["model"] = model
    html = report_html(found)
    assert "<h3>does not know (surprise?)</h3>" in html
    assert "Action units: AU1; does not know whether AU2" in html and "AU2? 0.60" in html
    assert 'fill="rgb(140, 140, 140)"' in html  # in the timeline
    assert "calibrated on 4 people not trained on; below 0.60 it does not know" in html


def test_a_result_tells_what_was_measured_on_real_faces():
    model = Classifier(DEFAULT_MODEL, DEFAULT_WEIGHTS, units="none", detector="none")
    (real,) = [scores for name, scores in model.entry.metrics.items() if name.startswith(REAL)]
    note = model.facts()["note"]
    assert f"measured on {real['n']} samples of 68 people" in note and f"{real['uf1']:.3f}" in note
    assert model.confidence.answers == real["n"]
    assert any(f"UF1 {real['uf1']:.3f} on {REAL}" in told for told in figures(model.facts()))
    unmeasured = {n: s for n, s in model.entry.metrics.items() if not n.startswith(REAL)}
    model.entry = replace(model.entry, metrics=unmeasured)
    assert "worth on real faces was not measured" in model.facts()["note"]
    left_out = {"leave one of 9 subjects out, 2 seed(s)": {"uf1": 0.61234}}
    model.entry = replace(model.entry, trained_on=("CASME2",), metrics=left_out)
    told = "Trained on CASME2 only (leave one of 9 subjects out, 2 seed(s): UF1 0.612); people"
    assert model.facts()["note"].startswith(told)


def test_without_a_model_weights_say_their_network(tmp_path):
    (entry,) = entries("ststnet.synthetic")
    (tmp_path / ENTRY_FILE).write_text(json.dumps(entry.as_dict()))
    assert network_of(tmp_path) == "ststnet" and network_of(str(tmp_path)) == "ststnet"
    foreign = replace(entry, id="my_network.mine")
    (tmp_path / ENTRY_FILE).write_text(json.dumps(foreign.as_dict()))
    assert network_of(tmp_path) == network_of("nothing") == DEFAULT_MODEL
    assert Classifier(None, "ststnet.synthetic", units="none").name == "ststnet"


def test_the_default_reaches_most_on_real_faces():
    """Of the weights of invented faces that were measured there."""
    found = {
        entry.id: scores["uf1"]
        for entry in entries("*.synthetic")
        for name, scores in entry.metrics.items()
        if name.startswith(REAL)
    }
    assert len(found) > 1 and max(found, key=found.get) == f"{DEFAULT_MODEL}.{DEFAULT_WEIGHTS}"


def test_a_card_with_a_temperature_that_cannot_be_is_one_line():
    entry = Classifier("ststnet", "synthetic", units="none").entry.as_dict()
    assert json.loads(json.dumps(entry))["confidence"]["people"] == 68
    for wrong in ({"temperature": 0, "threshold": 0.5}, {"temperature": "x", "threshold": 0.5}):
        with pytest.raises(InputError, match=r"card: the field 'confidence"):
            WeightsEntry.from_dict(entry | {"confidence": wrong}, "card")

"""A label map that is asked for is applied to arrays as to clips, or refused in one line."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from merzoo.cli import main
from merzoo.data.labels import LabelMap
from merzoo.errors import InputError
from merzoo.evaluation import evaluate
from merzoo.evaluation.audit import audit
from merzoo.preprocessing import load_samples
from merzoo.preprocessing.relabel import relabel
from tests.samples import flow_arrays

EMOTIONS = ("others", "happiness", "disgust", "surprise")


def emotions(datasets=("casme2", "SAMM")):
    """The 30 samples of `flow_arrays` by emotion; every third one of others."""
    data = flow_arrays(datasets=datasets)
    label = np.array([2, 1, 3])[data.label]
    return replace(data, label=np.where(np.arange(30) % 3 == 1, 0, label), classes=EMOTIONS)


def test_a_map_gives_arrays_its_classes_and_says_what_it_leaves_out():
    data = emotions()
    with pytest.warns(UserWarning, match="map megc3: 5 SAMM/others, 5 casme2/others"):
        found = load_samples(data, {}, labels="megc3")
    assert found.classes == ("negative", "positive", "surprise")
    kept = np.flatnonzero(data.label)
    assert found.clip.tolist() == data.clip[kept].tolist()
    to = np.array([-1, 1, 0, 2])
    assert found.label.tolist() == to[data.label[kept]].tolist()
    assert np.array_equal(found.modalities["flow_image"], data.modalities["flow_image"][kept])
    assert found.preparation["notes"][0].startswith("left out by the label map megc3: 5 SAMM")
    with pytest.raises(InputError, match=r"s.npz.* is no data: give text, such as"):
        load_samples(Path("s.npz"), {})
    assert load_samples(data, {}) is data and load_samples(data, {}, labels="annotated") is data
    own = LabelMap("mine", ("yes", "no"), {"any dataset": dict.fromkeys(EMOTIONS, "no")})
    assert set(relabel(data, own).label.tolist()) == {1}


def test_arrays_in_the_classes_of_the_map_stay_as_they_are():
    data = flow_arrays()
    assert relabel(data, "megc3") is data and relabel(data, "smic") is data
    turned = replace(data, label=2 - data.label, classes=data.classes[::-1])
    again = relabel(turned, "megc3")
    assert again.classes == data.classes and again.label.tolist() == data.label.tolist()


@pytest.mark.parametrize(
    ("classes", "datasets", "labels", "says"),
    [
        (EMOTIONS, ("casme2",), "megc", "Unknown label map 'megc'"),
        (EMOTIONS, ("casme2",), "samm-5", "'samm-5' is for samm, not for 'casme2'"),
        (("class 0", "class 1", "class 2"), ("x",), "megc3", "its class 'class 0' is none"),
        (("joy", "pain", "awe"), ("x",), "macro7", "its class 'joy' is none that the map knows"),
        (("others", "others 2", "x"), ("x",), "smic", "is for smic, not for 'x'"),
        (("fear", "sadness", "others"), ("casme2",), "megc3", "no sample is left"),
        (("negative", "positive", "surprise"), ("a",), "objective-5", "class 'negative' is none"),
    ],
)
def test_a_map_that_cannot_be_applied_is_refused(classes, datasets, labels, says, tmp_path):
    data = replace(flow_arrays(datasets=datasets, size=8), classes=classes)
    if len(classes) == 4:
        data = emotions(datasets)
    for act in (relabel, lambda *a: evaluate("flow-krr", a[0], labels=a[1], out=tmp_path / "x")):
        with pytest.raises(InputError, match=says):
            act(data, labels)
    assert not (tmp_path / "x").exists()


@pytest.mark.filterwarnings("ignore:.*left out by the label map")
def test_card_result_and_rerun_know_the_map(tmp_path, capsys):
    emotions().save(tmp_path / "mine.npz")
    words = ["evaluate", "flow-krr", "--data", f"arrays:{tmp_path / 'mine.npz'}"]
    assert main([*words, "--labels", "megc3", "--out", str(tmp_path / "run")]) == 0
    assert "left out by the label map megc3: 5 SAMM/others" in capsys.readouterr().out
    card = json.loads((tmp_path / "run" / "protocol.json").read_text())
    assert card["labels"]["name"] == "megc3" and card["rerun"]["labels"] == "megc3"
    assert set(card["labels"]["tables"]) == {"SAMM", "casme2"}
    assert card["data"]["classes"] == ["negative", "positive", "surprise"]
    assert "5 SAMM/others" in (tmp_path / "run" / "report.html").read_text()
    plain = evaluate("flow-krr", f"arrays:{tmp_path / 'mine.npz'}", out=tmp_path / "plain")
    assert plain.metrics["classes"] == list(EMOTIONS)
    assert json.loads((plain.folder / "protocol.json").read_text())["labels"] == "of the arrays"
    again = ["evaluate", "--from", str(tmp_path / "plain"), "--out", str(tmp_path / "again")]
    assert main(again) == 0
    assert audit(emotions(), "flow-krr", labels="megc3") == audit(emotions(), labels="megc3")

"""`merzoo export` as a user types it, and what it refuses."""

import json

import numpy as np
import pytest

import merzoo
from merzoo.cli import main
from merzoo.errors import InputError
from merzoo.exporting import export, load_export
from merzoo.exporting import export as function
from tests.exporting.faces import undecided
from tests.samples import flow_arrays


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "mine.weights.h5"
    undecided("ststnet").save_weights(path)
    return str(path)


@pytest.fixture
def data(tmp_path):
    flow_arrays(subjects=2, clips=2).save(tmp_path / "data.npz")
    return f"arrays:{tmp_path / 'data.npz'}"


def test_writes_a_saved_model_that_agrees(capsys, tmp_path, weights, data):
    out = tmp_path / "runs" / "saved"
    words = ["export", "ststnet", "--weights", weights, "--data", data, "--out", str(out)]
    assert main([*words, "--json"]) == 0
    done = json.loads(capsys.readouterr().out)
    assert [row["inputs"] for row in done["parity"]] == ["random", "real"]
    assert all(row["difference"] <= 1e-4 for row in done["parity"])
    assert done["inputs"] == {"flow_image": [28, 28, 3]}
    assert sorted(x.name for x in out.parent.iterdir()) == ["saved"]  # nothing else is left
    assert (out / "saved_model.pb").is_file()


def test_random_weights_need_their_own_word(capsys, tmp_path):
    out = str(tmp_path / "x")
    for words in (["--weights", "none"], []):
        assert main(["export", "ststnet", "--out", out, *words]) == 2
    said = capsys.readouterr().err
    assert "say 'random'" in said and "--weights" in said


def test_an_export_that_disagrees_is_not_left(tmp_path, monkeypatch):
    answers = {"random": np.zeros((3, 3)), "real": np.full((4, 3), np.nan)}
    answers |= {f"{name}, first alone": x[:1] for name, x in answers.items()}
    monkeypatch.setattr("merzoo.exporting.exporter.run_jobs", lambda folders: [answers])
    data = flow_arrays(subjects=2, clips=2)
    with pytest.raises(InputError, match=r"differs from the Keras model by .* it was removed"):
        export(undecided("ststnet"), tmp_path / "x.onnx", "onnx", data=data)
    assert not list(tmp_path.iterdir())


def test_a_link_to_nothing_is_refused_and_stays(tmp_path):
    link = tmp_path / "x.onnx"
    link.symlink_to("elsewhere/x.onnx")
    with pytest.raises(InputError, match=r"x\.onnx: is a link to nothing"):
        export(undecided("ststnet"), link, "onnx")
    assert link.is_symlink()


def test_a_file_that_is_no_export_stays(tmp_path):
    for there, path, form in (
        ("x.onnx", "x.onnx", "onnx"),
        ("y.tflite", "y.tflite", "litert"),
        ("z.classes.txt", "z.tflite", "litert"),
        ("w.bin", "w.xml", "openvino"),
    ):
        (tmp_path / there).write_text("mine")
        with pytest.raises(InputError, match=rf"{there}: is there already and no export"):
            export(undecided("ststnet"), tmp_path / path, form)
        assert (tmp_path / there).read_text() == "mine"
    (tmp_path / "v.onnx").mkdir()
    with pytest.raises(InputError, match=r"v\.onnx: is a folder"):
        export(undecided("ststnet"), tmp_path / "v.onnx", "onnx")


def test_refuses_what_cannot_work(tmp_path):
    model = merzoo.create_model("ststnet")
    for arguments, message in (
        (("x.onnx", "onxx"), "Did you mean 'onnx'"),
        (("x.tflite", "onnx"), "path of an export to onnx must end in"),
        (("x.onnx", "saved_model"), "a path without an ending"),
        (("x.onnx", "onnx", False), "int8 is for format='litert'"),
    ):
        with pytest.raises(InputError, match=message):
            export(model, tmp_path / arguments[0], *arguments[1:], int8=len(arguments) > 2)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="other things in it"):
        export(model, tmp_path / "folder")
    for name in ("saved_model.pb", "assets/model_card.json"):  # an earlier export, and more
        (tmp_path / "folder" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "folder" / name).write_text("")
    with pytest.raises(InputError, match="other things in it"):
        export(model, tmp_path / "folder")
    assert (tmp_path / "folder" / "thesis.txt").read_text() == "mine"
    with pytest.raises(InputError, match="takes a keras"):
        export(merzoo.create_model("flow-krr"), tmp_path / "x")
    with pytest.raises(InputError, match="checked with clips"):
        export(model, tmp_path / "x", preprocessing=True, data=flow_arrays())
    with pytest.raises(InputError, match="2 classes are named"):
        export(model, tmp_path / "x", classes=("no", "yes"))
    with pytest.raises(InputError, match="no export"):
        load_export(tmp_path / "missing.onnx")
    assert merzoo.export is function

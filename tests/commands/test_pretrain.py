"""Pretraining and transfer as a user types them, on invented faces; and a real kill -9."""

import json
import os

import pytest

from merzoo.cli import main
from merzoo.data.synthetic import synthesize
from merzoo.weights import WeightsEntry
from tests.training.pictures import picture_arrays

SMALL = ["--argument", "input_shape=[8,8,1]", "--argument", "dense_units=[4]"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    before = os.environ.get("MERZOO_HOME")
    folder = tmp_path_factory.mktemp("home")
    os.environ["MERZOO_HOME"] = str(folder)
    yield folder
    os.environ.pop("MERZOO_HOME")
    if before is not None:
        os.environ["MERZOO_HOME"] = before


@pytest.fixture(scope="module")
def pretrained(home):
    """The folder that `merzoo pretrain` leaves for invented FER-2013 pictures."""
    faces = synthesize(home / "fer", subjects=7, clips=3, form="fer2013", seed=7, jobs=1)
    out = home / "pre"
    words = ["pretrain", "broadbentnet", "--data", f"fer2013:{faces}", *SMALL]
    assert main([*words, "--epochs", "2", "--out", str(out)]) == 0
    return out


def fails_with(capsys, *words) -> str:
    assert main(list(words)) == 2
    said = capsys.readouterr().err.strip().splitlines()
    lines = [line for line in said if not line.startswith("merzoo: warning: ")]
    assert len(lines) == 1 and lines[0].startswith("merzoo: error: ")
    return lines[0]


def test_the_folder_holds_weights_and_everything_known_of_them(pretrained):
    names = {"model.weights.h5", "weights.json", "history.csv", "training.png", "protocol.json"}
    assert names <= {path.name for path in pretrained.iterdir()}
    assert not (pretrained / "state").exists()
    content = json.loads((pretrained / "weights.json").read_text())
    entry = WeightsEntry.from_dict(content, "weights.json")
    assert entry.subjects == ("fer2013/*",)
    assert entry.model_arguments == {"input_shape": [8, 8, 1], "dense_units": [4]}
    card = json.loads((pretrained / "protocol.json").read_text())
    assert any("test part" in name for name in card["data"]["left_out"])
    assert len((pretrained / "history.csv").read_text().splitlines()) == 3


def test_transfer_tests_new_people_and_refuses_those_seen(capsys, pretrained, tmp_path):
    picture_arrays(subjects=3, dataset="mine").save(tmp_path / "mine.npz")
    picture_arrays(subjects=3, dataset="fer2013").save(tmp_path / "seen.npz")
    words = ["transfer", "broadbentnet", "--pretrained", str(pretrained), "--epochs", "1"]
    mine = ["--data", f"arrays:{tmp_path / 'mine.npz'}"]
    out = tmp_path / "run"
    options = ["--freeze", "until:pool_2", "--trunk-rate", "0.5", "--out", str(out)]
    assert main([*words, *mine, *options]) == 0
    assert "report.html" in capsys.readouterr().out
    card = json.loads((out / "protocol.json").read_text())
    assert card["pretrained"]["id"] == "broadbentnet.pre"
    assert card["pretrained"]["freeze"] == "pool_2"
    line = fails_with(capsys, *words, "--data", f"arrays:{tmp_path / 'seen.npz'}")
    assert "has been trained on 3 of the subjects" in line
    line = fails_with(capsys, *words, *mine, "--freeze", "pool_2")
    assert "write until:LAYER, or none" in line
    new = tmp_path / "new"
    line = fails_with(capsys, *words, *mine, "--freeze", "until:pool_9", "--out", str(new))
    assert "Unknown layer" in line and not new.exists()


def test_bad_input_is_one_line(capsys, home, pretrained, tmp_path):
    fer = f"fer2013:{home / 'fer'}"
    line = fails_with(capsys, "pretrain", "ststnet", "--data", fer)
    assert "ststnet takes flow_image, but fer2013 holds single pictures" in line
    assert "not a network" in fails_with(capsys, "pretrain", "flow-krr", "--data", fer)
    words = ["pretrain", "broadbentnet", "--data", fer, *SMALL]
    assert "--plateau soon" in fails_with(capsys, *words, "--plateau", "soon")
    out = home / "elsewhere"
    assert "gpu:99" in fails_with(capsys, *words, "--devices", "gpu:99", "--out", str(out))
    assert not out.exists()  # nothing there is in the way of the right command
    assert "its recipe.epochs is 2, here it is 25" in fails_with(
        capsys, *words, "--out", str(pretrained)
    )
    assert "cannot be read: write NAME=VALUE" in fails_with(
        capsys, *words, "--argument", "input_shape"
    )
    assert "cannot be built by the recipe" in fails_with(capsys, *words, "--argument", "colour=red")
    line = fails_with(capsys, *words, "--labels", "megc33")
    assert "Unknown label map 'megc33'. Did you mean 'megc3'?" in line

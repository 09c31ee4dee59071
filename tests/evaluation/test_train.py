"""The model to use: trained on everybody, with the figure of the run that judged its recipe."""

import json
import shutil

import pytest

import merzoo
from merzoo.cli import main
from merzoo.errors import InputError
from merzoo.training.recipes import Recipe
from merzoo.training.trainer import Trainer
from tests.own_networks import small_network
from tests.samples import flow_arrays


def test_what_cannot_be_trained_is_one_line(tmp_path):
    data = flow_arrays(subjects=4, clips=3)
    with pytest.raises(InputError, match="give a model"):
        merzoo.train(data=data)
    with pytest.raises(InputError, match="give data"):
        merzoo.train("ststnet")
    with pytest.raises(InputError, match=r"flow-krr .* has no weights to keep"):
        merzoo.train("flow-krr", data)
    with pytest.raises(InputError, match="no such folder"):
        merzoo.train(run=tmp_path / "none")


@pytest.mark.parametrize(
    ("words", "asked"), [([], "give a model,"), (["ststnet"], "give data (--data KIND:PLACE),")]
)
def test_what_is_not_said_is_asked_for_by_its_option(words, asked, capsys):
    assert main(["train", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{asked} or a finished run (--run FOLDER). merzoo train --help shows how." in line


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """An evaluation of two epochs, by the command line, and its folder."""
    folder = tmp_path_factory.mktemp("train")
    flow_arrays(subjects=3, clips=3).save(folder / "flow.npz")
    words = ["evaluate", "ststnet", "--data", f"arrays:{folder / 'flow.npz'}", "--epochs", "2"]
    assert main([*words, "--engine", "scan", "--out", str(folder / "run")]) == 0
    return folder / "run"


@pytest.mark.slow
def test_its_card_has_the_figure_of_its_run(run, tmp_path, capsys):
    out = tmp_path / "model"
    assert main(["train", "--run", str(run), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    entry = json.loads((out / "weights.json").read_text())
    full = json.loads((run / "metrics.json").read_text())["full"]
    (about,) = entry["metrics"]
    assert about == "loso of 3 subjects, 1 seed(s)"
    assert entry["metrics"][about]["uf1"] == pytest.approx(full["uf1"], abs=1e-4)
    assert f"UF1 {full['uf1']:.3f} on {about}" in said
    assert len(entry["subjects"]) == 3
    assert merzoo.create_model("ststnet", weights=out).output_shape == (None, 3)
    from merzoo.prediction import Classifier

    assert Classifier("ststnet", str(out)).facts()["metrics"] == entry["metrics"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 3}, "recipe.epochs: 3 here, 2 there"),
        ({"model": "offapexnet", "data": flow_arrays(subjects=3, clips=3)}, "another training"),
        ({"data": flow_arrays(subjects=4, clips=3)}, "samples: are others"),
    ],
)
def test_figures_of_something_else_are_refused(run, changes, message):
    with pytest.raises(InputError, match=message):
        merzoo.train(run=run, **changes)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "changes", "message"),
    [
        ("protocol.json", {"rerun": {"selection": "inner"}}, "epochs chosen on inner people"),
        ("metrics.json", {"warnings": ["LEAK: s0 is on both sides."]}, "LEAK: s0 is on both sides"),
    ],
)
def test_figures_that_are_not_of_this_training_on_new_people_are_refused(
    run, file, changes, message, tmp_path
):
    shutil.copytree(run, tmp_path / "run")
    content = json.loads((run / file).read_text())
    for name, value in changes.items():
        content[name] = content[name] | value if isinstance(value, dict) else value
    (tmp_path / "run" / file).write_text(json.dumps(content))
    with pytest.raises(InputError, match=message):
        merzoo.train(run=tmp_path / "run")


@pytest.mark.parametrize("validation", [0.0, 0.5])
def test_an_epoch_has_as_many_steps_as_in_the_folds_of_an_evaluation(
    validation, monkeypatch, tmp_path
):
    steps = []

    def noted(self, *_, **__):
        steps.append(self.steps_per_epoch)
        raise InputError("that is enough")

    monkeypatch.setattr(Trainer, "fit", noted)
    data = flow_arrays(subjects=4, clips=5)
    recipe = Recipe("quick", epochs=1, batch_size=8, validation=validation)
    for verb in (merzoo.evaluate, merzoo.train):
        with pytest.raises(InputError, match="that is enough"):
            verb(small_network, data, recipe=recipe, out=tmp_path / verb.__name__)
    assert steps == [3, 3]  # 20 samples in batches of 8

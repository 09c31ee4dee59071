"""The verbs that answer a question about merzoo itself."""

import json
import subprocess

import pytest

from merzoo.cli import main
from merzoo.commands._verbs import whole_parser
from merzoo.training.recipes import RECIPES, Recipe, recipe_from_dict
from tests.samples import flow_arrays


def said(capsys, *words, status=0) -> str:
    assert main(list(words)) == status
    return capsys.readouterr().out


def test_list_has_inputs_weights_and_size(capsys):
    (line,) = [x for x in said(capsys, "list").splitlines() if " ststnet " in x]
    for cell in ("flow_image 28x28x3", "1,683", "megc2019 synthetic"):
        assert cell in line


def test_recipes_are_listed_and_shown_as_the_file_that_they_can_be(capsys):
    assert all(name in (text := said(capsys, "recipes")) for name in RECIPES) and text
    shown = json.loads(said(capsys, "recipes", "merzoo-flow"))
    assert recipe_from_dict(shown, "it") == RECIPES["merzoo-flow"]
    row = json.loads(said(capsys, "recipes", "cvanet/table3/both/samm"))
    assert isinstance(recipe_from_dict(row, "it"), Recipe) and row["labels"] == "samm-5"
    assert len(json.loads(said(capsys, "recipes", "ststnet*", "--json"))) > 1
    assert main(["recipes", "merzoo-flo"]) == 2
    assert "Did you mean 'merzoo-flow'" in capsys.readouterr().err


def test_completion_is_a_script_that_its_shell_reads(capsys):
    script = said(capsys, "completion", "bash")
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    assert "--on-error" in script and "synthesize" in script
    assert main(["completion", "dos"]) == 2
    assert "choose bash" in capsys.readouterr().err
    assert whole_parser().parse_args(["data", "cache", "--size"]).size


def test_doctor_says_what_is_there_and_what_to_type(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("MERZOO_HOME", str(tmp_path))
    monkeypatch.setenv("MERZOO_YUNET", str(tmp_path / "none.onnx"))
    rows = {row["what"]: row for row in json.loads(said(capsys, "doctor", "--json"))}
    assert rows["merzoo"]["state"] == rows["backend"]["state"] == "ok"
    assert rows["yunet"]["state"] == "missing" and "MERZOO_YUNET" in rows["yunet"]["todo"]
    assert str(tmp_path) in rows["home"]["found"]
    assert " of " in rows["weights"]["found"] and rows["cache"]["found"].startswith("0 arrays")


@pytest.mark.parametrize(("said_backend", "same"), [("jax", True), ("", False)])
def test_doctor_tells_where_python_would_take_another_backend(said_backend, same, monkeypatch):
    """Without a word of the user, `import keras` takes TensorFlow, and the command line JAX."""
    from merzoo.commands import doctor

    monkeypatch.setenv("KERAS_BACKEND", said_backend)
    monkeypatch.setenv("KERAS_HOME", "/nowhere")
    monkeypatch.setattr(
        doctor, "choose_backend", lambda: monkeypatch.setenv("KERAS_BACKEND", "jax")
    )
    (row,) = [row for row in doctor._backends() if row[0] == "backend"]
    assert ("KERAS_BACKEND=jax" in row[3]) is not same


def test_results_without_out_get_a_new_folder_that_is_named_first(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    flow_arrays(subjects=3).save("flow.npz")
    words = ["evaluate", "flow-krr", "--data", "arrays:flow.npz"]
    assert main(words) == main(words) == 0
    said = [x for x in capsys.readouterr().err.splitlines() if x.startswith("merzoo: results: ")]
    named = [tmp_path / line.removeprefix("merzoo: results: ") for line in said]
    assert len(set(named)) == 2 and all((path / "report.html").is_file() for path in named)
    assert all(path.parent == tmp_path / "runs" and "flow-krr-" in path.name for path in named)


def test_a_log_gets_a_line_a_fold(tmp_path, capsys):
    flow_arrays(subjects=3).save(tmp_path / "flow.npz")
    words = ["evaluate", "flow-krr", "--data", f"arrays:{tmp_path / 'flow.npz'}"]
    assert main([*words, "--out", str(tmp_path / "run")]) == 0
    folds = [x for x in capsys.readouterr().err.splitlines() if x.startswith("merzoo: fold ")]
    assert len(folds) == 3 and folds[-1].startswith("merzoo: fold 3 of 3: ")

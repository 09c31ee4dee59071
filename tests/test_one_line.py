"""Damaged and wrong files, in one process: one line that names file and field, never a traceback.

`shows where` ends the line for errors that merzoo did not expect: none of these may reach it.
"""

import dataclasses
import json
import os

import numpy as np
import pytest

from merzoo.cli import main
from merzoo.errors import InputError
from merzoo.evaluation.runs.card import rerun_options
from merzoo.evaluation.runs.folder import read_fold
from merzoo.evaluation.runs.read import read_run
from merzoo.evaluation.splits.file import read_split
from merzoo.files import file_name
from merzoo.schema import read_json
from merzoo.training.recipe_limits import LIMITS, OPTIMIZERS
from merzoo.training.recipes import RECIPES, Recipe, get_recipe
from merzoo.weights.download import fetch
from merzoo.weights.entry import read_entry
from merzoo.weights.manifest import entries
from tests.samples import flow_arrays

LONG = "p" * 400


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of an evaluation of people whose names have 400 letters."""
    from merzoo.evaluation import evaluate

    data = flow_arrays(subjects=3)
    names = [f"{LONG}{name[-1]}" for name in data.subject.tolist()]
    data = dataclasses.replace(data, subject=np.array(names))
    folder = tmp_path_factory.mktemp("runs") / "run"
    evaluate("flow-krr", data, out=folder)
    return folder


def changed(content, path: str, value):
    """A copy of JSON with one field replaced, or removed for `...`."""
    content = json.loads(json.dumps(content))
    *above, last = path.split(".")
    place = content
    for name in above:
        place = place[name]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return content


def refused(call, *wanted: str) -> None:
    with pytest.raises(InputError) as error:
        call()
    text = str(error.value)
    assert "\n" not in text and all(word in text for word in wanted), text


def test_a_subject_of_400_letters_has_its_fold_and_no_two_texts_share_a_file(run):
    assert len(list((run / "folds").glob("*.npz"))) == 3
    texts = ["a/b", "a_b", "a b", "a/b ", LONG, LONG + "q", "ä" * 300, "..", "", ".a", "\udc80"]
    names = [file_name(text) for text in texts]
    assert len(set(names)) == len(names)
    assert all(0 < len(os.fsencode(n)) < 120 and n not in (".", "..") for n in names)


@pytest.mark.parametrize(
    ("file", "path", "value", "message"),
    [
        ("protocol.json", "model", 7, "'model' is 7; it must be a text"),
        ("protocol.json", "data", ["x"], "it must be an object with the fields samples, subj"),
        ("protocol.json", "data.classes", [], "a list, each a text, not empty"),
        ("protocol.json", "data.preparation", {"apex": {"d": 3}}, "'data.preparation.apex.d' is 3"),
        ("protocol.json", "versions", ..., "lacks the field 'versions'"),
        ("protocol.json", "seeds", 1.5, "a whole number at least 1"),
        ("protocol.json", "seeds", True, "'seeds' is true"),
        ("metrics.json", "full", [1], "'full' is the list [1]"),
        ("metrics.json", "full.uf1", "high", "'full.uf1' is 'high'; it must be a number"),
        ("metrics.json", "full.uar", float("nan"), "'full.uar' is no finite number"),
        ("metrics.json", "full.interval.uf1", [0.1], "a list of 2: a number, a number"),
        ("metrics.json", "full.n_per_class", [1, 2], "has 2 values, but there are 3 classes"),
        ("metrics.json", "full.confusion", [[[1]]], "'full.confusion[0]' has 1 values"),
        ("metrics.json", "by_dataset.a.uf1", ..., "lacks the field 'by_dataset.a.uf1'"),
        ("metrics.json", "warnings", "none", "'warnings' is 'none'; it must be a list"),
        ("metrics.json", "seeds", 4, "metrics.json is of the seeds 4"),
    ],
)
def test_a_field_of_a_run_that_cannot_be_is_named(run, file, path, value, message):
    whole = (run / file).read_text()
    try:
        (run / file).write_text(json.dumps(changed(json.loads(whole), path, value)))
        refused(lambda: read_run(run), file, message)
    finally:
        (run / file).write_text(whole)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("rerun", [], "'rerun' is the list []"),
        ("rerun.data", "arrays:x", "'rerun.data' is 'arrays:x'; it must be a list, each a text"),
        ("rerun.start", {"pretrained": 1, "network": "x"}, "'rerun.start.pretrained' is 1"),
        ("recipe", ..., "lacks the field 'recipe'"),
        ("recipe.epochs", 0, "epochs=0 must be a whole number from 1"),
    ],
)
def test_a_card_that_cannot_be_run_again_says_which_field(run, path, value, message):
    card = changed(read_json(run / "protocol.json"), path, value)
    refused(lambda: rerun_options(card, "protocol.json"), "protocol.json: ", message)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: "", "not a readable table"),
        (lambda text: text.splitlines()[0] + "\n", "holds no rows"),
        (lambda text: text[: len(text) // 2], "predictions.csv, line"),
        (lambda text: "\n".join(text.splitlines()[:-1]) + "\n", "is of the clips 15"),
        (lambda text: text.replace("label", "lable", 1), "lacks the column 'label'"),
        (lambda text: text.replace("\n0,", "\nx,", 1), "'seed' is 'x'; it must be a whole number"),
        (lambda text: text.replace("negative", "purple", 4), "is 'purple'; it must be one of"),
        (lambda text: text + text.splitlines()[1] + "\n", "does not stand once"),
    ],
)
def test_a_cut_or_changed_table_says_which_row(run, damage, message):
    file = run / "predictions.csv"
    whole = file.read_text()
    try:
        head, _, rest = whole.partition("\n")
        file.write_text(damage(f"{head}\n{rest}"))
        refused(lambda: read_run(run), message)
    finally:
        file.write_text(whole)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"probabilities": np.full((5, 3), np.nan)}, "'probabilities' holds NaN"),
        ({"probabilities": np.ones((4, 3))}, "of 4 samples, 'test' names 5"),
        ({"probabilities": np.ones(5)}, "numbers with 2 axes"),
        ({"test": np.array(["a"] * 5)}, "'test' is <U1 (5,)"),
        ({"seconds": np.array([1.0, 2.0])}, "'seconds' is float64 (2,)"),
        ({"epochs": np.ones((2, 5, 2))}, "another shape"),
        ({"history_loss": np.array("x")}, "'history_loss' is <U1"),
        ({"seconds": None}, "lacks the field 'seconds'"),
    ],
)
def test_a_fold_with_nan_or_wrong_lengths_is_named(tmp_path, changes, message):
    good = {"test": np.arange(5), "probabilities": np.full((5, 3), 1 / 3), "seconds": 1.0}
    content = {name: value for name, value in (good | changes).items() if value is not None}
    np.savez(tmp_path / "fold.npz", **content)
    refused(lambda: read_fold(tmp_path / "fold.npz"), "fold.npz: ", message)


@pytest.mark.parametrize("name", LIMITS)
def test_every_field_of_a_recipe_refuses_what_it_cannot_be(name, tmp_path):
    file = tmp_path / "mine.json"
    for value in (-3, True, float("nan"), float("inf"), "__lambda__", [[1]], {"a": None}):
        texts = ("name", "about", "protocol", "labels")
        arguments = name.endswith("arguments")
        if (name in texts and isinstance(value, str)) or (arguments and isinstance(value, dict)):
            continue
        file.write_text(json.dumps({name: value}))
        refused(lambda: get_recipe(file), f"{file}: ", name)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"optimizer": "keras.optimizers.Adam"}, "must be 'adadelta', 'adafactor'"),
        ({"optimizer_arguments": {"momentum": 0.9}}, "'adam' has no argument 'momentum'"),
        ({"optimizer_arguments": {"weight_decay": -1}}, "optimizer_arguments.weight_decay=-1"),
        ({"loss_arguments": {"label_smoothing": 1}}, "at least 0 and below 1"),
        ({"model_arguments": {"dropout": float("inf")}}, "'dropout' is no finite number"),
        ({"decay_until": -3}, "decay_until=-3 must be a whole number from 0"),
        ({"augment": ["mixpu"]}, "Did you mean 'mixup'?"),
        ({"batch": 3}, "unknown field 'batch'"),
    ],
)
def test_a_recipe_file_says_what_is_allowed(content, message, tmp_path):
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(content))
    refused(lambda: get_recipe(file), f"{file}: ", message)


def test_the_table_of_limits_names_every_field_and_what_keras_has():
    import keras

    assert list(LIMITS) == [field.name for field in dataclasses.fields(Recipe)]
    for recipe in RECIPES.values():
        dataclasses.replace(recipe)
    for name, arguments in OPTIMIZERS.items():
        made = keras.optimizers.get({"class_name": name, "config": {}})
        assert set(arguments) <= set(made.get_config()), name


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"folds": {"s": {"train": [1]}}}', "["])
def test_files_of_the_wrong_kind(text, tmp_path):
    file = tmp_path / "weights.json"
    file.write_text(text * (100_000 if text == "[" else 1))
    readers = (read_entry, get_recipe, lambda path: read_split(path, flow_arrays(subjects=3)))
    for read in readers:
        refused(lambda read=read: read(file), str(file))


@pytest.mark.parametrize(
    "url", ["ftp://x", "http://", "http://[::1", "http://a b", "http://x:99999", "https://ä/"]
)
def test_a_mirror_that_is_no_address_is_said(url, monkeypatch):
    monkeypatch.setenv("MERZOO_WEIGHTS_URL", url)
    entry = dataclasses.replace(entries()[0], file="none.weights.h5", sha256="0" * 64)
    refused(lambda: fetch(entry), "MERZOO_WEIGHTS_URL=", "is no address")


@pytest.mark.parametrize(
    "changes",
    [
        {"label": np.array(3)},
        {"label": np.zeros((15, 1), int)},
        {"subject": np.array("s")},
        {"classes": np.array([["a", "b", "c"]])},
        {"annotated": np.array([["apex"]])},
        {"preparation": np.array('{"parameters": 3}')},
        {"preparation": np.array('{"apex": 3}')},
        {"flow_image": np.array(3.0)},
    ],
)
def test_arrays_of_the_wrong_shape_end_in_one_line(changes, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "numpy")
    file = tmp_path / "samples.npz"
    flow_arrays(subjects=3).save(file)
    with np.load(file) as archive:
        np.savez(file, **{name: archive[name] for name in archive.files} | changes)
    out = str(tmp_path / "run")
    assert main(["evaluate", "flow-krr", "--data", f"arrays:{file}", "--out", out]) == 2
    said = capsys.readouterr().err
    assert "shows where" not in said and said.count("\n") == 1 and said.count(str(file)) == 1


def test_predict_refuses_one_bad_file_before_the_model_and_libraries_keep_quiet(tmp_path, capfd):
    file = tmp_path / "film.mp4"
    file.write_bytes(b"\x00\x00\x00\x18ftypmp42" + b"no film" * 500)
    words = ["predict", str(file), "--model", "there is no such model", "--out", str(tmp_path)]
    assert main(words) == 2
    out, said = capfd.readouterr()
    assert out == "" and said.count("\n") == 1 and said.count(str(file)) == 1
    assert "not a video" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("score", "blank.csv"), "blank.csv: holds no rows"),
        (("score", "twice.csv"), "the column 'dataset' stands twice"),
        (("score", "quote.csv"), "quote.csv"),
        (("evaluate", "broken.py:f"), "broken.py cannot be imported (SyntaxError"),
        (("evaluate", "fails.py:f"), "fails.py cannot be imported (ZeroDivisionError"),
        (("evaluate", "ststnet", "--argument", "dropout=-1"), "cannot be built"),
        (("evaluate", "ststnet", "--argument", "name=[1]"), "cannot be built"),
        (("evaluate", "ststnet", "--selection", "inner:"), "write last, fixed:20 or inner"),
        (("evaluate", "ststnet", "--recipe", "lambda.json"), "lambda.json: optimizer='__lambda__'"),
        (("evaluate", "ststnet", "--split", "lambda.json"), "lambda.json: lacks the field 'folds'"),
        (("evaluate", "--from", "lambda.json"), "lambda.json: "),
        (("tune", "ststnet", "--space", "space.json"), "space.json: lacks the field 'epochs.high'"),
    ],
)
def test_no_command_says_that_it_was_surprised(words, message, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_BACKEND", os.environ.get("KERAS_BACKEND", "jax"))
    head = "dataset,subject,clip,label,predicted\n"
    for name, text in {
        "blank.csv": ",,,\n,,\n",
        "twice.csv": f"dataset,{head}a,a,b,c,0,1\n",
        "quote.csv": f'{head}"a,b,c,0,1\n',
        "broken.py": "def f(:\n",
        "fails.py": "1 / 0\n",
        "lambda.json": '{"optimizer": "__lambda__"}',
        "space.json": '{"epochs": {"low": 1}}',
    }.items():
        (tmp_path / name).write_text(text)
    flow_arrays(subjects=3).save(tmp_path / "flow.npz")
    data = [] if words[0] == "score" else ["--data", "arrays:flow.npz"]
    assert main([*words, *data, "--out", "out"]) == 2
    said = capsys.readouterr().err
    assert "shows where" not in said and said.count("\n") == 1 and message in said, said
    assert not (tmp_path / "out").exists()

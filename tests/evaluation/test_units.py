"""Action units as a task: one yes or no a unit, by every engine, with people held out."""

import inspect
import json
import shutil
from dataclasses import replace

import keras
import numpy as np
import pytest
from sklearn.dummy import DummyClassifier

import merzoo
from merzoo.cli import main
from merzoo.commands.evaluate import print_result
from merzoo.data.clip import Clip
from merzoo.data.labels import map_labels
from merzoo.errors import InputError
from merzoo.evaluation.audit import audit
from merzoo.evaluation.compare import compare
from merzoo.evaluation.pages.report import write_report
from merzoo.evaluation.runs.card import rerun_options
from merzoo.evaluation.runs.read import read_run
from merzoo.evaluation.score import score
from merzoo.evaluation.scores.units import _drawn_areas, metrics_of
from merzoo.evaluation.tasks import run_task
from merzoo.evaluation.units import evaluate_units, unit_learner
from merzoo.metrics import auc_per_unit, f1_per_unit, macro_auc, macro_f1, unit_confusion
from merzoo.models.registry import REGISTRY
from merzoo.preprocessing.arrays import Arrays
from merzoo.preprocessing.relabel import relabel
from merzoo.training.builders import takes
from merzoo.training.learner import resolve
from merzoo.training.losses import target_rows
from merzoo.training.recipes import RECIPES, Recipe, multilabel_recipe

CLASSES = ("none", "AU4", "AU4+AU12", "AU12")
SHORT = Recipe("short", learning_rate=0.01, epochs=20, batch_size=8)


def small(classes=2, classifier_activation="softmax"):
    """A network of one layer, which compiles at once."""
    picture = keras.Input((8, 8, 3), name="flow_image")
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 64, offset=-2.5)(picture))
    x = keras.layers.Dense(classes)(x)
    return keras.Model([picture], keras.layers.Activation(classifier_activation)(x))


def samples(people=4, clips=6, datasets=("a", "b")) -> Arrays:
    """AU4 darkens the upper half, AU12 the lower."""
    rng = np.random.default_rng(0)
    label = (np.arange(people * clips) + np.arange(people * clips) // clips) % 4
    pictures = rng.uniform(150, 255, (len(label), 8, 8, 3)).astype("float32")
    pictures[np.isin(label, (1, 2)), :4] -= 150
    pictures[np.isin(label, (2, 3)), 4:] -= 150
    subject = [f"s{i // clips}" for i in range(len(label))]
    dataset = [datasets[i // clips % len(datasets)] for i in range(len(label))]
    clip = [f"c{i}" for i in range(len(label))]
    return Arrays({"flow_image": pictures}, label, subject, dataset, clip, CLASSES, source="test")


def run(folder, data=None, **options):
    options = {"recipe": SHORT, "labels": "action_units:at-least-2", "out": folder} | options
    return evaluate_units(small, samples() if data is None else data, **options)


def probabilities(result) -> np.ndarray:
    return result.predictions[["p_AU4", "p_AU12"]].to_numpy()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return run(tmp_path_factory.mktemp("units") / "run")


def test_the_scores_of_six_clips_by_hand():
    import pandas as pd

    rows = [  # clip, annotated, p of AU4, p of AU12
        ("a/s1", "AU4", 0.9, 0.2),
        ("a/s1", "AU4+AU12", 0.4, 0.8),
        ("a/s1", "none", 0.6, 0.1),
        ("a/s2", "none", 0.3, 0.7),
        ("a/s2", "AU12", 0.1, 0.9),
        ("a/s2", "AU4", 0.8, 0.3),
    ]
    told = ["AU4", "AU12", "AU4", "AU12", "AU12", "AU4"]
    table = pd.DataFrame(rows, columns=["subject", "label", "p_AU4", "p_AU12"])
    table = table.assign(seed=0, dataset="a", clip=list("uvwxyz"), predicted=told)
    full = metrics_of(table)["full"]
    four, twelve = full["units"]
    # AU4: 2 of 3 found, 1 of 3 others called: 4 / (4 + 1 + 1). AU12: 2 of 2, and 1 too many.
    assert (four["f1"], twelve["f1"]) == pytest.approx((4 / 6, 4 / 5))
    assert full["macro_f1"] == pytest.approx((4 / 6 + 4 / 5) / 2)
    # AU4: .9 and .8 above .6, .3, .1 and .4 above two of them: 8 of 9 pairs; AU12: all 8 pairs.
    assert (four["auc"], twelve["auc"]) == pytest.approx((8 / 9, 1.0))
    assert full["auc"] == pytest.approx((8 / 9 + 1) / 2)
    assert (four["accuracy"], twelve["accuracy"]) == pytest.approx((4 / 6, 5 / 6))
    assert (four["present"], four["prevalence"], four["subjects"]) == (3, 0.5, 2)
    assert (four["always_absent"], four["always_present"]) == pytest.approx((1 / 2, 6 / 9))
    low, high = full["interval"]["macro_f1"]
    assert low < full["macro_f1"] < high
    assert twelve["auc_interval"] == (1.0, 1.0)


def test_scores_are_those_of_scikit_learn_and_draws_of_everybody_are_the_score():
    from sklearn.metrics import f1_score, roc_auc_score

    rng = np.random.default_rng(1)
    shown = rng.random((60, 3)) < 0.3
    found = (rng.random((60, 3)) + shown * 0.3).round(1)  # with ties
    matrix = unit_confusion(shown, found > 0.5)
    np.testing.assert_allclose(f1_per_unit(matrix), f1_score(shown, found > 0.5, average=None))
    assert macro_f1(matrix) == pytest.approx(f1_score(shown, found > 0.5, average="macro"))
    areas = [roc_auc_score(shown[:, k], found[:, k]) for k in range(3)]
    np.testing.assert_allclose(auc_per_unit(shown, found), areas)
    assert macro_auc(shown, found) == pytest.approx(np.mean(areas))
    owner = np.arange(60)[:, None] % 6 == np.arange(6)
    drawn = _drawn_areas(shown[:, 0], found[None, :, 0], owner, np.ones((1, 6)))
    assert drawn == pytest.approx([areas[0]])
    twice = np.ones((1, 6))
    twice[0, 2] = 2  # a subject drawn twice is as its clips twice
    rows = np.concatenate([np.arange(60), np.flatnonzero(owner[:, 2])])
    drawn = _drawn_areas(shown[:, 0], found[None, :, 0], owner, twice)
    assert drawn == pytest.approx([roc_auc_score(shown[rows, 0], found[rows, 0])])


def test_what_is_scored_is_decided_by_the_annotation_before():
    texts = ["4+L12", "12", "4", None, "R12+1", "7"]
    clips = [
        Clip("a", f"a/s{i % 3}", str(i), (), action_units=text) for i, text in enumerate(texts)
    ]
    mapped = map_labels(clips, "action_units:at-least-2")
    assert mapped.classes == ("none", "AU4", "AU4+AU12", "AU12")
    assert [mapped.classes[k] for k in mapped.indices] == [
        *("AU4+AU12", "AU12", "AU4", "AU12", "none")
    ]
    assert "AU4 2, AU12 3" in mapped.note and "left out: AU1 1, AU7 1" in mapped.note
    assert mapped.excluded == {"a/(no label)": 1}  # not annotated is not absent
    for labels, said in (
        ("action_units", "at-least-5"),
        ("action_units:2", "AU2 occurs in no clip"),
        ("action_units:at-least", "cannot be read"),
    ):
        with pytest.raises(InputError, match=said):
            map_labels(clips, labels)


def test_arrays_say_their_units_by_classes_or_by_the_modality():
    data = samples()
    flags = np.zeros((len(data), 21), "float32")
    flags[:, 2] = np.isin(data.label, (1, 2))  # AU4
    flags[:, 8] = np.isin(data.label, (2, 3))  # AU12
    held = replace(
        data, modalities=data.modalities | {"action_units": flags}, classes=tuple("wxyz")
    )
    for one in (data, held):
        found = relabel(one, "action_units")
        assert [found.classes[k] for k in found.label] == [CLASSES[k] for k in data.label]
    only = relabel(data, "action_units:12")
    assert only.classes == ("none", "AU12") and only.label.sum() == 12
    with pytest.raises(InputError, match="modality 'action_units'"):
        relabel(replace(data, classes=tuple("wxyz")), "action_units")


def test_a_run_is_written_like_others_and_read_back(made):
    assert made.macro_f1 > 0.8 and made.auc > 0.9  # of pictures that show it
    card = json.loads((made.folder / "protocol.json").read_text())
    assert card["task"] == "au" and card["units"] == ["AU4", "AU12"]
    assert card["recipe"]["loss"] == "binary-cross-entropy"
    assert set(made.metrics["by_dataset"]) == {"a", "b"}
    back = read_run(made.folder)
    assert back.metrics["full"]["macro_f1"] == made.macro_f1
    page = write_report(made.folder).read_text()
    assert "Always saying present" in page and ">AU12<" in page
    titles = [title for title, _, _ in made.tables()]
    assert "AU4 12, AU12 12" in titles[1]
    again = rerun_options(card, str(made.folder / "protocol.json"))
    assert again["task"] == "au" and again["labels"] == "action_units:at-least-2"
    again |= {"model": small, "data": samples(), "out": made.folder}  # which are objects
    assert run_task(again.pop("task"), again.pop("model"), again.pop("data"), again).macro_f1 > 0.8


def test_a_damaged_run_is_one_line(made, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(made.folder, folder)
    text = (folder / "predictions.csv").read_text()
    (folder / "predictions.csv").write_text(text.replace("AU4+AU12", "AU4+AU99"))
    with pytest.raises(InputError, match="'AU4\\+AU99'; it must be one of"):
        read_run(folder)
    (folder / "predictions.csv").write_text(text)
    metrics = json.loads((folder / "metrics.json").read_text())
    metrics["full"]["units"].pop()
    (folder / "metrics.json").write_text(json.dumps(metrics))
    with pytest.raises(InputError, match=r"full\.units"):
        read_run(folder)


@pytest.mark.slow
def test_the_cross_dataset_protocol_tests_each_set_on_the_others(tmp_path):
    result = run(tmp_path / "run", protocol="leave-one-dataset-out")
    folds = dict(zip(result.predictions["dataset"], result.predictions["fold"], strict=True))
    assert folds == {"a": "a", "b": "b"}


@pytest.mark.slow
@pytest.mark.skipif(keras.backend.backend() != "jax", reason="the other engines are JAX's")
@pytest.mark.parametrize("engine", ["scan", "together"])
def test_every_engine_gives_the_same(engine, made, tmp_path):
    found = run(tmp_path / engine, engine=engine)
    reuse = run(tmp_path / "reuse", engine="reuse")
    np.testing.assert_allclose(probabilities(found), probabilities(reuse), atol=1e-4)


@pytest.mark.slow
def test_units_of_a_test_person_reach_no_weight_of_the_training(made, tmp_path):
    data = samples()
    mine = data.subject == "a/s0"
    label = data.label.copy()
    label[mine] = np.roll(label[mine], 1)
    options = {"subjects": ["a/s0"]}
    one = run(tmp_path / "one", **options)
    other = run(tmp_path / "other", replace(data, label=label), **options)
    np.testing.assert_array_equal(probabilities(one), probabilities(other))


def test_balance_is_that_of_the_training_people():
    data = samples()
    train = data.take(np.flatnonzero(data.label != 3)[:12])
    recipe = unit_learner(resolve(small, SHORT)).recipe
    rows = target_rows(train, recipe)
    counts = np.bincount(train.label, minlength=4)
    present = counts[1] + counts[2]
    assert rows[1, 0] == pytest.approx(len(train) / (2 * present))  # AU4 is there
    assert rows[0, 2] == pytest.approx(len(train) / (2 * (len(train) - present)))  # and absent
    assert rows[1, 2] == rows[0, 0] == 0
    unweighted = target_rows(train, replace(recipe, class_weights=None))
    assert set(unweighted.ravel()) == {0, 1}
    classes = replace(SHORT, class_weights=(1.0, 2.0))  # of classes, which there are none of
    assert multilabel_recipe(classes).class_weights == "balanced"


@pytest.mark.slow
def test_an_epoch_may_be_chosen_on_inner_people(tmp_path):
    result = run(tmp_path / "run", selection="inner")
    histories = read_run(result.folder).histories()
    assert all(len(h["inner_macro_f1"]) == SHORT.epochs for h in histories)


@pytest.mark.slow
def test_mixed_samples_have_mixed_targets(tmp_path):
    recipe = replace(SHORT, augment=("mixup", "flip"))
    assert run(tmp_path / "run", recipe=recipe).macro_f1 > 0.8


def test_every_network_takes_a_head_of_units():
    lacking = [
        name
        for name, row in REGISTRY.items()
        if row.kind == "network" and not takes(row.builder, "classifier_activation")
    ]
    assert not lacking
    model = unit_learner(resolve("ststnet")).build(5)
    assert model.layers[-1].activation.__name__ == "sigmoid" and model.output_shape == (None, 5)
    # Capsules say yes or no by their lengths, which no sigmoid follows.
    assert RECIPES["capsulenet"].model_arguments == {"classifier_activation": None}


def told_units(classes=2, classifier_activation="softmax"):
    flags = keras.Input((21,), name="action_units")
    x = keras.layers.Dense(classes)(flags)
    return keras.Model([flags], keras.layers.Activation(classifier_activation)(x))


def softmax_only(classes=2):
    return small(classes, "softmax")


def test_what_cannot_be_done_is_one_line(tmp_path):
    data = samples()
    options = {"recipe": SHORT, "labels": "action_units"}
    for model, changed, said in (
        (DummyClassifier(), {}, "is no network"),
        (told_units, {}, "told what it is asked"),
        (small, {"protocol": "kfold-clips:3"}, "one person on both sides"),
        (small, {"labels": "megc3"}, "no action units"),
        (softmax_only, {"out": tmp_path / "run", "engine": "reuse"}, "a sigmoid each"),
    ):
        with pytest.raises(InputError, match=said):
            evaluate_units(model, data, **options | changed)
    with pytest.raises(InputError, match="does not take --audit-epochs"):
        run_task("au", small, data, {"audit_epochs": True})


def test_the_audit_sees_asked_units_among_the_inputs():
    data = samples()
    flags = np.zeros((len(data), 21), "float32")
    flags[:, 2] = np.isin(data.label, (1, 2))
    told = replace(data, modalities={"action_units": flags})
    for asked in ({"labels": "action_units"}, {"task": "au"}):
        assert any(f.kind == "asked units among inputs" for f in audit(told, **asked))
    with pytest.raises(InputError, match="'megc3' are no action units"):
        audit(data, task="au", labels="megc3")
    with pytest.raises(InputError, match="Unknown task 'aus'"):
        audit(data, task="aus")


def test_whatever_evaluates_units_prints_their_tables(made, capsys):
    print_result("transfer of units", made)
    said = capsys.readouterr().out
    assert "macro F1" in said and "AU12" in said


@pytest.mark.slow
def test_the_model_to_use_says_its_units_and_how_sure_it_is(tmp_path):
    run(tmp_path / "run", calibrate=True)
    judged = read_run(tmp_path / "run")
    found = merzoo.train(small, samples(), run=tmp_path / "run", out=tmp_path / "model")
    (figures,) = found.entry.metrics.values()
    assert found.entry.classes == ("AU4", "AU12")
    assert found.entry.model_arguments["classifier_activation"] == "sigmoid"
    assert figures["macro_f1"] == pytest.approx(judged.metrics["full"]["macro_f1"], abs=1e-4)
    assert found.entry.confidence == judged.metrics["calibration"]["chosen"]


@pytest.mark.slow
def test_a_run_of_units_is_run_again_from_its_card(tmp_path, capsys):
    samples().save(tmp_path / "units.npz")
    (tmp_path / "net.py").write_text(f"import keras\n\n\n{inspect.getsource(small)}")
    words = ["evaluate", f"{tmp_path / 'net.py'}:small"]
    words += ["--data", f"arrays:{tmp_path / 'units.npz'}"]
    words += ["--task", "au", "--epochs", "2", "--calibrate", "--selection", "inner"]
    first, again = tmp_path / "first", tmp_path / "again"
    assert main([*words, "--out", str(first)]) == 0
    assert main(["evaluate", "--from", str(first), "--out", str(again)]) == 0
    assert read_run(first).predictions.equals(read_run(again).predictions)


def test_two_runs_are_compared_by_their_macro_f1(made, tmp_path):
    import pandas as pd

    other = tmp_path / "other"
    shutil.copytree(made.folder, other)
    table = pd.read_csv(other / "predictions.csv", keep_default_na=False)
    worse = table["subject"] == "a/s0"
    table.loc[worse, "predicted"] = "none"
    table.to_csv(other / "predictions.csv", index=False)
    (other / "metrics.json").unlink()
    result = compare([made.folder, other], out=tmp_path / "page")
    found = result["comparisons"][0]
    difference = read_run(other).metrics["full"]["macro_f1"] - made.macro_f1
    assert found["macro_f1"]["difference"] == pytest.approx(difference) and difference < 0
    low, high = found["macro_f1"]["interval"]
    assert low <= difference <= high
    assert found["secondary"]["mcnemar"]["only_second_right"] == 0
    assert "Δ macro F1" in (tmp_path / "page" / "comparison.html").read_text()


def test_runs_of_two_tasks_are_not_compared(made, tmp_path):
    log = tmp_path / "log.txt"
    log.write_text("a s0\nc0 0 0\nc1 1 1\na s2\nc12 2 2\nc13 0 0\n")
    with pytest.raises(InputError, match="of the task au, log of classify"):
        compare([made.folder, log])


def test_predictions_from_elsewhere_are_judged_alike(made, tmp_path):
    file = made.folder / "predictions.csv"
    judged = score(file, out=tmp_path / "judged")
    assert judged.macro_f1 == made.macro_f1
    assert judged.metrics["full"]["units"] == made.metrics["full"]["units"]
    wrong = tmp_path / "wrong.csv"
    wrong.write_text(file.read_text().replace("AU4+AU12", "AU4 and AU12"))
    with pytest.raises(InputError, match=r"line .*'AU4 and AU12'; of action units"):
        score(wrong)

"""Pretrained weights: they fit exactly or not at all, whom they have seen, and what may move."""

import json

import keras
import numpy as np
import pytest

import merzoo
from merzoo.errors import InputError
from merzoo.preprocessing.arrays import Arrays
from merzoo.training.pretrained import find_start
from merzoo.training.recipes import Recipe
from merzoo.weights import WeightsEntry
from merzoo.weights.entry import ENTRY_FILE
from tests.training.pictures import picture_arrays

ARGUMENTS = {"input_shape": [8, 8, 1], "dense_units": [4]}
CLASSES = ("negative", "positive", "surprise")


@pytest.fixture
def run(tmp_path):
    """The folder of a training run of a tiny broadbentnet, and its model."""
    import hashlib

    keras.utils.set_random_seed(5)
    model = small()
    model.save_weights(tmp_path / "model.weights.h5")
    content = (tmp_path / "model.weights.h5").read_bytes()
    entry = WeightsEntry(
        id="broadbentnet.test",
        file="model.weights.h5",
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        licence="for tests",
        trained_on=("fer2013", "ck_plus"),
        subjects=("fer2013/*", "ck_plus/S005"),
        classes=CLASSES,
        labels="macro3",
        model_arguments=ARGUMENTS,
    )
    (tmp_path / ENTRY_FILE).write_text(json.dumps(entry.as_dict()))
    return tmp_path, model


def small(classes=3, **arguments):
    plain = {"input_shape": (8, 8, 1), "dense_units": (4,)} | arguments
    return merzoo.create_model("broadbentnet", classes=classes, **plain)


def test_same_classes_take_every_weight_and_others_a_fresh_head(run):
    folder, source = run
    start = find_start(folder, "broadbentnet")
    model = small()
    start.load_into(model, CLASSES)
    for one, other in zip(source.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    for classes in (("a", "b", "c", "d", "e"), ("surprise", "positive", "negative")):
        model = small(classes=len(classes))
        head = model.get_layer("classes").get_weights()
        start.load_into(model, classes)
        np.testing.assert_array_equal(model.get_layer("classes").get_weights()[0], head[0])
        np.testing.assert_array_equal(
            model.get_layer("conv_3").get_weights()[0], source.get_layer("conv_3").get_weights()[0]
        )


def test_what_does_not_fit_is_an_error_and_never_skipped(run):
    start = find_start(run[0], "broadbentnet")
    with pytest.raises(InputError, match="its layer 'dense_1' has weights of"):
        start.load_into(small(dense_units=(6,)), CLASSES)
    with pytest.raises(InputError, match="only broadbentnet has a layer 'dense_2'"):
        start.load_into(small(dense_units=(4, 4)), CLASSES)


def test_weights_are_found_by_folder_or_file_and_checked(run, tmp_path):
    folder, _ = run
    by_file = find_start(folder / "model.weights.h5", "broadbentnet")
    assert by_file == find_start(folder, "broadbentnet")
    with pytest.raises(InputError, match="holds weights of broadbentnet, not of resnet18"):
        find_start(folder, "resnet18")
    with pytest.raises(InputError, match="not known whom they have seen"):
        find_start(tmp_path / "elsewhere" / "x.weights.h5", "broadbentnet")
    small(classes=5).save_weights(folder / "model.weights.h5")
    with pytest.raises(InputError, match=r"not what weights\.json says"):
        find_start(folder, "broadbentnet")


def test_subjects_that_the_weights_have_seen_are_refused(run):
    start = find_start(run[0], "broadbentnet")
    start.check_unseen(["ck_plus/S006", "casme2/sub01"], "data")
    with pytest.raises(InputError, match=r"trained on 2 of the subjects of data \(CK_plus/s005, f"):
        start.check_unseen(["casme2/sub01", "CK_plus/s005", "fer2013/happy/Training_1"], "data")
    for written in ("CK+/S5", "ck-plus/subject 005", "ck_plus/5.0", "CK_plus/s005\u200b"):
        with pytest.raises(InputError, match="trained on 1 of the subjects"):
            start.check_unseen([written], "data")
    start.check_unseen(["ck_plus/S50", "ck_plus/F005"], "data")


def test_freezing_keeps_a_layer_and_all_before_it(run):
    start = find_start(run[0], "broadbentnet", freeze="pool_2")
    model = small()
    start.load_into(model, CLASSES)
    free = {w.path.split("/")[0] for w in model.trainable_weights}
    assert free == {"conv_3", "bn_3", "attention", "dense_1", "classes"}
    assert not model.get_layer("bn_2").trainable
    with pytest.raises(InputError, match="Did you mean 'pool_2'"):
        find_start(run[0], "broadbentnet", freeze="pool2").load_into(small(), CLASSES)
    with pytest.raises(InputError, match="leaves no layer to train"):
        find_start(run[0], "broadbentnet", freeze="predictions").load_into(small(), CLASSES)


def test_the_trunk_moves_by_its_own_rate(run):
    model = small()
    start = find_start(run[0], "broadbentnet", trunk_rate=0.1)
    start.load_into(model, CLASSES)
    optimizer = start.optimizer(model, None, Recipe("x", optimizer="sgd", learning_rate=0.5), 1)
    optimizer.build(model.trainable_variables)
    before = [keras.ops.convert_to_numpy(w).copy() for w in model.trainable_variables]
    optimizer.apply([keras.ops.ones(w.shape) for w in model.trainable_variables])
    for weight, old in zip(model.trainable_variables, before, strict=True):
        step = np.abs(keras.ops.convert_to_numpy(weight) - old)
        expected = 0.5 if weight.path.startswith("classes/") else 0.05
        np.testing.assert_allclose(step, expected, rtol=1e-4, err_msg=weight.path)


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="the same on every backend")
def test_the_protocol_is_the_recipes_where_none_is_named(run):
    recipe = Recipe("mine", epochs=1, batch_size=12, protocol="kfold:2")
    data = picture_arrays(subjects=4, dataset="new")
    result = merzoo.transfer("broadbentnet", run[0], data, recipe=recipe)
    card = json.loads((result.folder / "protocol.json").read_text())
    assert (card["protocol"], card["folds"]) == ("kfold:2", 2)


@pytest.mark.slow  # the options that it is given are tested always, in evaluation/test_protocols.py
@pytest.mark.skipif(keras.backend.backend() != "jax", reason="the same on every backend")
def test_the_figure_by_subject_beside_a_split_over_clips_starts_from_the_same_weights(run):
    label = np.arange(24) % 3
    pictures = np.random.default_rng(0).uniform(0, 255, (24, 8, 8, 1)).astype("float32")
    data = Arrays({"apex": pictures}, label, [f"s{i // 6}" for i in range(24)], ["demo"] * 24,
                  [str(i) for i in range(24)], CLASSES)  # fmt: skip
    recipe = Recipe("quick", epochs=1, batch_size=12)
    result = merzoo.transfer("broadbentnet", run[0], data, protocol="kfold-clips:2", recipe=recipe)
    folders = (result.folder, result.folder / "by-subject")
    cards = [json.loads((folder / "protocol.json").read_text()) for folder in folders]
    assert cards[0]["pretrained"]["id"] == "broadbentnet.test"
    assert cards[1]["pretrained"] == cards[0]["pretrained"]

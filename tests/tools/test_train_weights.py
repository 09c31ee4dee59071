"""Weights that come with merzoo: the split of FER-2013 and the short storage of kernels."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from merzoo.errors import InputError
from merzoo.models import create_model
from merzoo.training.learner import resolve
from merzoo.training.recipes import Recipe
from merzoo.training.trainer import Trainer
from merzoo.weights import load
from tests.data.trees import write_csv
from tests.samples import flow_arrays

TOOLS = Path(__file__).parents[2] / "tools"


@pytest.fixture(scope="module", autouse=True)
def tools():
    """`tools/` as a place to import from, as where `python tools/train_weights.py` runs."""
    sys.path.insert(0, str(TOOLS))
    yield
    sys.path.remove(str(TOOLS))


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """`fer2013.csv`: 84 pictures of Training, of which 4 stand in a test part too."""
    root = tmp_path_factory.mktemp("fer")
    draw = np.random.default_rng(0)
    pictures = draw.integers(0, 256, (100, 48 * 48))
    usages = ["Training"] * 84 + ["PublicTest"] * 8 + ["PrivateTest"] * 8
    pictures[:2], pictures[2:4] = pictures[84:86], pictures[92:94]
    rows = [
        (i % 7, " ".join(map(str, picture)), usage)
        for i, (picture, usage) in enumerate(zip(pictures, usages, strict=True))
    ]
    write_csv(root / "fer2013.csv", [("emotion", "pixels", "Usage"), *rows])
    return root


def test_both_label_maps_hold_out_the_same_pictures(faces):
    from weights_data import fer2013

    seven, three = (fer2013(faces, {"apex": (48, 48, 1)}, m) for m in ("macro7", "macro3"))
    assert len(seven.train) + len(seven.validation) == 80 and len(seven.validation) == 8
    assert len(seven.tests["PublicTest"]) == len(seven.tests["PrivateTest"]) == 8
    assert len(three.validation) > 0
    assert set(three.validation.clip) <= set(seven.validation.clip)
    assert set(three.train.clip) <= set(seven.train.clip)
    assert "neutral" not in three.train.classes and len(three.train) < len(seven.train)


def test_no_picture_of_a_test_part_is_trained_on(faces):
    from weights_data import fer2013

    split = fer2013(faces, {"apex": (48, 48, 1)}, "macro7")
    assert split.notes == ("4 pictures of Training that a test part repeats were left out",)
    tested = {p.tobytes() for test in split.tests.values() for p in test.modalities["apex"]}
    for part in (split.train, split.validation):
        assert not tested & {p.tobytes() for p in part.modalities["apex"]}


def test_short_kernels_load_within_their_rounding(tmp_path):
    from weights_store import shrink

    arguments = {"input_shape": (32, 32, 1), "classes": 3}
    model, path = create_model("resnet18", **arguments), tmp_path / "resnet18.weights.h5"
    model.save_weights(path)
    written, before = path.stat().st_size, model.get_weights()
    shrink(path)
    assert path.stat().st_size < 0.4 * written
    loaded = create_model("resnet18", **arguments)
    load(loaded, path)
    for old, new in zip(before, loaded.get_weights(), strict=True):
        if old.ndim > 1:
            np.testing.assert_allclose(new, old, rtol=0.016, atol=2e-6)
        else:
            np.testing.assert_array_equal(new, old)


def test_the_state_of_an_optimizer_is_not_stored(tmp_path):
    from weights_store import shrink

    path = tmp_path / "model.weights.h5"
    model = create_model("broadbentnet", input_shape=(16, 16, 1), classes=3)
    model.compile("adam", "categorical_crossentropy")
    model.optimizer.build(model.trainable_variables)
    model.save_weights(path)
    shrink(path)
    with h5py.File(path) as file:
        assert "optimizer" not in file
    load(create_model("broadbentnet", input_shape=(16, 16, 1), classes=3), path)


def test_weights_that_others_start_from_are_trained_first():
    from weights_group import chains_of
    from weights_runs import RUNS

    chains = chains_of("fer2013", [])
    assert {len(chain) for chain in chains} == {2} and len(chains) == 3
    assert all(RUNS[first].start is None and RUNS[last].start for first, last in chains)
    assert chains_of("fer2013", ["resnet18"]) == [["resnet18.fer2013-7", "resnet18.fer2013-3"]]
    with pytest.raises(InputError, match=r"Unknown network with weights of fer2013 'resnet8'"):
        chains_of("fer2013", ["resnet8"])


def test_the_last_batch_of_an_epoch_counts_as_in_the_folds(monkeypatch):
    import train_weights
    from weights_data import Split
    from weights_runs import Run

    def noted(self, *_, **__):
        raise InputError(f"{self.steps_per_epoch} steps")

    monkeypatch.setattr(Trainer, "fit", noted)
    data = flow_arrays(subjects=4, clips=5)
    split = Split("invented", data, None, {}, (), "")
    run = Run("synthetic", Recipe("quick", epochs=1, batch_size=8))
    with pytest.raises(InputError, match="3 steps"):  # 20 samples in batches of 8
        train_weights.train("ststnet.synthetic", run, split)


def test_the_epochs_are_those_that_end_in_time():
    from weights_group import TESTS, fitting

    data, recipe = flow_arrays(subjects=2), Recipe("quick", schedule="cosine", batch_size=5)
    learner = resolve("ststnet", recipe)
    trainer = Trainer(learner, data.classes, steps_per_epoch=2, adjustable=True)
    epochs = fitting(trainer, data, data, time.time() + TESTS + 3600)
    assert epochs > 20
    trainer.use(replace(recipe, epochs=4), 2)
    assert len(trainer.fit(data, 0)["loss"]) == 4
    with pytest.raises(InputError, match="give more --minutes"):
        fitting(trainer, data, data, time.time() + TESTS)


@pytest.mark.slow
def test_a_training_with_an_end_takes_the_epochs_that_fit_and_leaves_the_project_alone(
    faces, tmp_path
):
    from train_weights import store, train
    from weights_data import fer2013
    from weights_group import TESTS
    from weights_runs import LONGER
    from weights_store import WEIGHTS

    long = LONGER["broadbentnet.fer2013-7"]
    run = replace(long, recipe=replace(long.recipe, batch_size=16))
    split = fer2013(faces, {"apex": (48, 48, 1)}, "macro7")
    name, before = "broadbentnet.fer2013-7", sorted(WEIGHTS.iterdir())
    trainer, log = train(name, run, split, end=time.time() + TESTS + 40, out=tmp_path)
    assert log["recipe"]["epochs"] == len(log["history"]["loss"]) >= 3
    assert log["recipe"]["test_time"] == trainer.recipe.test_time == "ten-crop"
    assert log["recipe"]["optimizer_arguments"]["use_ema"]
    entry = store(name, run, split, trainer, log, tmp_path)
    assert entry.metrics["PrivateTest"]["n"] == 8 and (tmp_path / entry.file).is_file()
    assert sorted(WEIGHTS.iterdir()) == before
    with pytest.raises(InputError, match="give more --minutes"):
        train(name, run, split, end=time.time() + TESTS)


@pytest.mark.slow
def test_a_group_is_trained_beside_each_other_and_each_from_its_start(tmp_path):
    root, out = tmp_path / "fer", tmp_path / "out"
    root.mkdir()
    draw = np.random.default_rng(0)
    usages = ["Training"] * 540 + ["PublicTest"] * 30 + ["PrivateTest"] * 30
    rows = [
        (i % 7, " ".join(map(str, draw.integers(0, 256, 48 * 48))), usage)
        for i, usage in enumerate(usages)
    ]
    write_csv(root / "fer2013.csv", [("emotion", "pixels", "Usage"), *rows])
    command = [sys.executable, str(TOOLS / "train_weights.py"), "--group", "fer2013"]
    command += ["--networks", "broadbentnet", "--minutes", "5", "--data", str(root)]
    done = subprocess.run(
        [*command, "--out", str(out)],
        env=os.environ | {"KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    log = json.loads((out / "broadbentnet.fer2013-3.json").read_text())
    assert log["start"] == "broadbentnet.fer2013-7"
    assert sorted(p.name for p in out.glob("*.entry.json")) == [
        "broadbentnet.fer2013-3.entry.json",
        "broadbentnet.fer2013-7.entry.json",
    ]
    assert "broadbentnet.fer2013-3: accuracy PublicTest 0." in done.stdout

"""Papers' plateau and early stopping in folds: on people drawn from the training people, kept."""

from dataclasses import replace

import numpy as np
import pytest

from merzoo.errors import InputError
from merzoo.evaluation import evaluate
from merzoo.evaluation.runs.read import read_run
from merzoo.training.learner import resolve
from merzoo.training.recipes import RECIPES, Recipe
from merzoo.training.trainer import Trainer
from merzoo.training.validation import inner_split
from tests.own_networks import small_network
from tests.samples import CLASSES, flow_arrays

WATCHED = Recipe(
    "watched", learning_rate=0.02, epochs=12, batch_size=8, validation=0.25, plateau=1, stop=3
)


def test_the_papers_recipes_say_what_the_papers_prescribe():
    dense, dfrnet = RECIPES["densemixednet"], RECIPES["dfrnet"]
    assert (dense.validation, dense.plateau, dense.factor, dense.stop) == (0.2, 10, 0.1, 20)
    assert (dfrnet.validation, dfrnet.monitor, dfrnet.plateau, dfrnet.stop) == (
        0.2,
        "loss",
        None,
        10,
    )
    assert RECIPES["densemixednet-fixed"].validation == RECIPES["dfrnet-fixed"].validation == 0


def test_the_rate_falls_training_stops_and_the_best_epoch_is_kept():
    data = flow_arrays(subjects=8)
    trainer = Trainer(resolve(small_network, WATCHED), CLASSES, steps_per_epoch=4)
    history = trainer.fit_fold(data, 0, "a/s0")
    scores = history["val_accuracy"]
    best = int(np.argmax(scores))
    assert len(scores) < 12 and len(scores) == best + 1 + WATCHED.stop  # three without a better one
    assert min(history["learning_rate"]) < 0.02
    _, held = inner_split(data, 0, "a/s0", 0.25)
    right = trainer.predict(data.take(held)).argmax(1) == data.label[held]
    assert right.mean() == pytest.approx(scores[best], abs=1e-6)


def test_only_people_of_the_fold_are_watched_and_the_curves_are_kept(tmp_path):
    data = flow_arrays(subjects=6)
    result = evaluate(small_network, data, recipe=WATCHED, out=tmp_path)
    run = read_run(tmp_path)
    assert all({"val_loss", "val_accuracy"} <= set(h) for h in run.histories())
    assert run.card["selection"].startswith("by the recipe: of each fold's training subjects 25%")
    assert "inner people" in (tmp_path / "report.html").read_text()
    for subject in sorted(set(data.subject)):  # a fold that never had the test person's samples
        train = data.take(np.flatnonzero(data.subject != subject))
        trainer = Trainer(resolve(small_network, WATCHED), CLASSES, steps_per_epoch=4)
        trainer.fit_fold(train, 0, subject)
        rows = result.predictions["subject"] == subject
        names = [f"p_{name}" for name in CLASSES]
        own = data.take(np.flatnonzero(data.subject == subject))
        order = np.argsort(own.clip)
        expected = result.predictions.loc[rows, names].to_numpy()
        np.testing.assert_allclose(trainer.predict(own)[order], expected, atol=1e-5)
        break


def test_epochs_said_beforehand_watch_nobody(tmp_path):
    evaluate(small_network, flow_arrays(), recipe=WATCHED, selection="fixed:2", out=tmp_path)
    assert all("val_loss" not in history for history in read_run(tmp_path).histories())


def test_rules_that_cannot_be_are_refused(tmp_path):
    with pytest.raises(InputError, match="plateau and stop watch a validation"):
        Recipe("x", stop=3)
    with pytest.raises(InputError, match="plateau lowers the rate itself"):
        replace(WATCHED, schedule="cosine")
    with pytest.raises(InputError, match="monitor='f1' must be 'accuracy' or 'loss'"):
        replace(WATCHED, monitor="f1")
    with pytest.raises(InputError, match="trains on a single subject"):
        evaluate(small_network, flow_arrays(subjects=2), recipe=WATCHED, out=tmp_path / "x")
    assert not (tmp_path / "x").exists()

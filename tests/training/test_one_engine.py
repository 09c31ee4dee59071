"""Every verb trains by the one engine: the compiled loss, the first losses and the card agree.

Each recipe of the table is run for real by `evaluate`, `tune`, `pretrain`, `finetune` and
`tools/train_weights.py` on the same samples from the same first weights. A batch is all samples, so
that a loss does not depend on their order; where samples are mixed it does, and then the verbs that
take samples from memory agree, and those that take them from disk.
"""

import hashlib
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

import merzoo
from merzoo.preprocessing.arrays import Arrays
from merzoo.preprocessing.augment import augment_all, draw_all
from merzoo.training.batches import training_graph
from merzoo.training.learner import resolve
from merzoo.training.parts import Rows
from merzoo.training.pool import Pool
from merzoo.training.recipes import Recipe, recipe_as_dict
from merzoo.training.seeds import seeded
from merzoo.training.trainer import Trainer
from merzoo.weights import WeightsEntry
from tests.samples import CLASSES, flow_arrays

EPOCHS = 5
NETWORK = "tests.own_networks:small_network"  # nothing random in it, and soon compiled
PLAIN = Recipe("plain", learning_rate=2e-3, epochs=EPOCHS, batch_size=12)
# Of two groups of people one is trained on, so an epoch of all samples is two steps in folds, and
# one step where the group is all there is.
IN_FOLDS = ("evaluate", "tune")
ONE_STEP = ("pretrain", "finetune", "train_weights")
MARGIN = {"present": 0.9, "absent": 0.1, "weight": 0.5}


@dataclass(frozen=True)
class Row:
    """A recipe, and what must have been compiled for it.

    Args:
        changes: of the recipe.
        loss: name of the compiled loss.
        numbers: some settings of it.
        l2: the compiled factor.
        rates: learning rates of the first five updates, in verbs of two steps an epoch; `None`
            for the recipe's own.
        mixed: whether losses depend on the order of the samples.
    """

    changes: dict
    loss: str = "sparse_categorical_crossentropy"
    numbers: dict | None = None
    l2: float = 0.0
    rates: tuple[float, ...] | None = None
    mixed: bool = False


COSINE = tuple(2e-3 * 0.5 * (1 + np.cos(np.pi * step / (2 * EPOCHS))) for step in range(5))
ROWS = {
    "plain": Row({"class_weights": "sqrt"}),
    "focal-l2": Row(
        {"loss": "focal", "l2": 1e-3}, "CategoricalFocalCrossentropy", {"gamma": 2.0}, 1e-3
    ),
    "smooth-cosine": Row(
        {"loss_arguments": {"label_smoothing": 0.4}, "schedule": "cosine"},
        "CategoricalCrossentropy",
        {"label_smoothing": 0.4},
        rates=COSINE,
    ),
    "margin-two-views": Row(
        {"loss": "margin", "loss_arguments": MARGIN, "test_time": "flip"}, "MarginLoss", MARGIN
    ),
    "mixup-exponential": Row(
        {"augment": ("flip", "mixup"), "schedule": "exponential", "decay": 0.5},
        "CategoricalCrossentropy",
        {"label_smoothing": 0.0},
        rates=(2e-3, 2e-3, 2e-3, 1e-3, 1e-3),  # Keras' boundaries belong to what is before them
        mixed=True,
    ),
}

ALWAYS = ("focal-l2", "mixup-exponential")  # the others are tested with the slow ones


@dataclass
class Fit:
    """What one training of the engine was: its facts, its losses by epoch, what it then says."""

    facts: dict
    losses: list[float]
    probabilities: np.ndarray


@pytest.fixture
def fits(monkeypatch) -> list[Fit]:
    """Every training that the engine runs, as it runs it."""
    found, fit = [], Trainer.fit

    def noted(self, *arguments, **options):
        history = fit(self, *arguments, **options)
        found.append(Fit(self.facts(), history["loss"], self.predict(flow_arrays(subjects=1))))
        return history

    monkeypatch.setattr(Trainer, "fit", noted)
    return found


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """The folder of weights that are those of a network that was not trained yet."""
    folder = tmp_path_factory.mktemp("first")
    learner = resolve(NETWORK, PLAIN)
    with seeded(0):
        model = learner.build(len(CLASSES))
    model.save_weights(folder / "model.weights.h5")
    content = (folder / "model.weights.h5").read_bytes()
    entry = WeightsEntry(
        id=f"{NETWORK}.first",
        file="model.weights.h5",
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        licence="for tests",
        trained_on=("nothing",),
        subjects=("nothing/*",),
        classes=CLASSES,
        labels="megc3",
    )
    (folder / "weights.json").write_text(json.dumps(entry.as_dict()))
    return folder


def run(verb: str, recipe: Recipe, data: Arrays, weights: Path, out: Path) -> dict:
    """Runs a verb; its card, with the recipe and, where it says so, what was compiled."""
    from merzoo.tuning.search import grouped_folds

    folds = grouped_folds(data, 2)
    group = data.take(folds[0].train)
    if verb == "evaluate":
        merzoo.evaluate(
            NETWORK, data, recipe=recipe, split=folds, subjects=[folds[0].name], out=out
        )
        return json.loads((out / "protocol.json").read_text())
    if verb == "tune":
        space = {"class_weights": [recipe.class_weights]}
        merzoo.tune(NETWORK, data, recipe=recipe, space=space, trials=1, folds=2, out=out)
        return json.loads((out / "settings.json").read_text())
    recipe = replace(recipe, epochs=2 * EPOCHS)  # of one step each
    options = {"recipe": recipe, "validation": 0, "balance": None, "out": out}
    if verb == "pretrain":
        return merzoo.pretrain(NETWORK, group, **options).card
    if verb == "finetune":
        return merzoo.finetune(NETWORK, weights, group, **options).card
    return trained_weights(recipe, group)


def trained_weights(recipe: Recipe, group: Arrays) -> dict:
    tools = str(Path(__file__).parents[2] / "tools")
    sys.path.insert(0, tools)
    try:
        from train_weights import train
        from weights_data import Split
        from weights_runs import Run
    finally:
        sys.path.remove(tools)
    split = Split("test", group, None, {}, (), "for tests")
    return train(f"{NETWORK}.test", Run("test", recipe), split)[1]


def by_two_steps(verb: str, losses: list[float]) -> np.ndarray:
    """The mean loss of each two steps."""
    return np.reshape(losses, (EPOCHS, -1)).mean(1)


@pytest.mark.parametrize(
    "name",
    [n if n in ALWAYS else pytest.param(n, marks=pytest.mark.slow) for n in ROWS],
)
def test_every_verb_trains_alike_and_says_so(name, fits, weights, tmp_path):
    row, data = ROWS[name], flow_arrays(subjects=4, clips=6)
    recipe = replace(PLAIN, name=name, **row.changes)
    found, cards = {}, {}
    for verb in (*IN_FOLDS, *ONE_STEP):
        fits.clear()
        cards[verb] = run(verb, recipe, data, weights, tmp_path / verb)
        found[verb] = fits[0]

    for verb, fit in found.items():
        card, facts = cards[verb], fit.facts
        asked = recipe_as_dict(recipe)
        for field in ("loss", "loss_arguments", "l2", "schedule", "augment", "test_time"):
            assert card["recipe"][field] == asked[field], f"{verb}: {field}"
        if verb in ONE_STEP:
            assert card["compiled"] == json.loads(json.dumps(facts)), verb
        assert facts["loss"] == row.loss and facts["l2"] == pytest.approx(row.l2)
        for setting, value in (row.numbers or {}).items():
            assert facts["loss_arguments"][setting] == value, f"{verb}: {setting}"
        if recipe.schedule != "exponential" or verb in IN_FOLDS:
            rates = row.rates or (recipe.learning_rate,) * 5
            np.testing.assert_allclose(facts["learning_rates"], [rates], rtol=1e-4, err_msg=verb)

    together = [(*IN_FOLDS, *ONE_STEP)]
    if row.mixed:  # in another order from disk, and with other boundaries of an epoch
        together = [IN_FOLDS, ("pretrain", "finetune")]
    for verbs in together:
        for verb in verbs[1:]:
            losses, first = (by_two_steps(v, found[v].losses) for v in (verb, verbs[0]))
            np.testing.assert_allclose(losses, first, rtol=1e-3, err_msg=f"{verb}, {verbs[0]}")
            one, other = found[verb].probabilities, found[verbs[0]].probabilities
            np.testing.assert_allclose(one, other, atol=5e-3, err_msg=f"{verb}, {verbs[0]}")


@pytest.mark.parametrize("place", ["memory", "disk"])
def test_samples_from_memory_and_from_disk_are_changed_alike(place):
    data, seed = flow_arrays(subjects=2, clips=4), 3
    kept = data if place == "memory" else Rows(Pool((data,)), np.arange(len(data)))
    options = {"batch_size": 4, "seed": seed, "steps": 2, "targets": np.eye(3, dtype="float32")}
    plain = training_graph(kept, **options).take(5)
    changed = training_graph(kept, augment=("flip", "mixup"), **options).take(5)
    for step, (before, after) in enumerate(zip(plain, changed, strict=True)):
        names, sample = ("flip", "mixup"), before[0]
        mixed = augment_all(*before, names, draw_all(names, 4, step, seed))
        np.testing.assert_allclose(after[0]["flow_image"], mixed[0]["flow_image"], rtol=1e-6)
        np.testing.assert_allclose(after[1], mixed[1], rtol=1e-6)
        assert np.abs(after[0]["flow_image"] - sample["flow_image"]).max() > 1

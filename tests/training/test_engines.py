"""Every engine gives the numbers of `reuse`: one program for an epoch, one for all folds."""

import functools
from dataclasses import replace

import keras
import numpy as np
import pytest

import merzoo
import merzoo.layers
from merzoo.errors import InputError
from merzoo.evaluation import evaluate
from merzoo.models.random_inputs import random_inputs
from merzoo.models.registry import entry
from merzoo.preprocessing.arrays import Arrays
from merzoo.training import batches, on_device
from merzoo.training.batches import order_of_steps, training_graph
from merzoo.training.engines import choose_engine
from merzoo.training.fixed_layers import split_fixed
from merzoo.training.learner import resolve
from merzoo.training.parts import Part
from merzoo.training.recipes import Recipe
from merzoo.training.together import Replica, chunk_for, replica_bytes
from merzoo.training.trainer import Trainer
from tests.samples import CLASSES, flow_arrays

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "jax", reason="programs of whole epochs are JAX's"
)

# 30 samples in batches of 8 are 4 steps an epoch: 28 steps in 7 epochs.
FLOW = Recipe("flow", learning_rate=2e-3, epochs=7, batch_size=8)
PREPARED = {"preparation": "flow"}

RECIPES = {
    # Dropout and batch normalisation are on in STSTNet.
    "plain": FLOW,
    "mirrored, prepared once": replace(
        FLOW, augment=("flip",), test_time="flip", model_arguments=PREPARED, class_weights="sqrt"
    ),
    "augmented on the device": replace(FLOW, augment=("crop-15", "flip"), schedule="cosine"),
    "ten crops": replace(FLOW, epochs=2, test_time="ten-crop"),
    "soft labels, L2, decay": replace(
        FLOW,
        augment=("mixup",),
        loss="focal",
        l2=1e-3,
        schedule="exponential",
        decay=0.7,
        optimizer="adamw",
        optimizer_arguments={"weight_decay": 0.1, "gradient_accumulation_steps": 2},
    ),
    "averaged weights": replace(
        FLOW, optimizer_arguments={"use_ema": True, "ema_momentum": 0.9}, epochs=3
    ),
}


def _columns(result):
    table = result.predictions
    return table[[name for name in table if name.startswith("p_")]].to_numpy()


def _losses(result):
    files = sorted((result.folder / "folds").iterdir())
    return np.array([np.load(file)["history_loss"] for file in files])


@functools.cache
def _run(name: str, engine: str):
    people = ["a/s0", "b/s1"]
    return evaluate("ststnet", flow_arrays(), recipe=RECIPES[name], engine=engine, subjects=people)


# The steps of `scan` are those of `together`, which is tested always.
SLOW = [(name, "scan") for name in RECIPES if name != "plain"]
SLOW += [
    (name, "together") for name in ("augmented on the device", "averaged weights", "ten crops")
]
PAIRS = [
    pytest.param(name, engine, marks=pytest.mark.slow) if (name, engine) in SLOW else (name, engine)
    for name in RECIPES
    for engine in ("scan", "together")
]


@pytest.mark.parametrize(("name", "engine"), PAIRS)
def test_an_engine_gives_the_numbers_of_reuse(name, engine):
    results = [_run(name, chosen) for chosen in ("reuse", engine)]
    np.testing.assert_allclose(_columns(results[1]), _columns(results[0]), atol=1e-5)
    np.testing.assert_allclose(_losses(results[1]), _losses(results[0]), rtol=1e-4)
    assert results[1].engine == {"name": engine, "why": "asked for"}


@pytest.mark.slow
def test_larger_networks_agree_over_a_few_steps():
    # Adam divides by the size of the gradient, so that rounding of 2.7 million small gradients
    # grows with every step; over 4 steps it has not.
    few = replace(FLOW, epochs=1, learning_rate=1e-4)
    data, people = flow_arrays(), ["a/s0", "b/s1"]
    reuse, scan, together = (
        _columns(evaluate("offapexnet", data, recipe=few, engine=engine, subjects=people))
        for engine in ("reuse", "scan", "together")
    )
    np.testing.assert_allclose(scan, reuse, atol=1e-5)
    np.testing.assert_allclose(together, reuse, atol=1e-5)


# At the size of tests the deepest layers normalise 4 samples of few pixels, so steps enlarge the
# last bit of a weight: with dfrnet-4, weights that differ by 1e-7 end, after three steps at 1e-3,
# in probabilities that differ by .2, however they are trained. Smaller steps enlarge it less.
RATES = {"dfrnet-4": 1e-5, "mmnet": 1e-4, "resnet18": 1e-4, "resnet3d18": 1e-4}


@pytest.mark.slow
@pytest.mark.parametrize("name", merzoo.list_models(kind="network"))
def test_every_network_trains_together_as_it_does_alone(name):
    if name in ("abpn", "softnet"):
        pytest.skip("scores frames: it has no classes")
    arguments = entry(name).small | {"classes": 3}
    inputs = random_inputs(merzoo.create_model(name, **arguments), batch=12)
    label, people = np.arange(12) % 3, [f"s{i // 4}" for i in range(12)]
    rows = {"dataset": ["a"] * 12, "clip": [str(i) for i in range(12)], "classes": CLASSES}
    data = Arrays(inputs, label, people, **rows, source="test")
    own = resolve(name).recipe
    rate = RATES.get(name, 1e-3)
    few = Recipe("few", optimizer="sgd", learning_rate=rate, epochs=1, batch_size=4)
    few = replace(few, model_arguments=arguments, loss=own.loss, loss_arguments=own.loss_arguments)
    alone, together = (
        _columns(evaluate(name, data, recipe=few, engine=engine, subjects=2))
        for engine in ("reuse", "together")
    )
    np.testing.assert_allclose(together, alone, atol=2e-4)


@pytest.mark.parametrize("engine", [pytest.param("scan", marks=pytest.mark.slow), "together"])
def test_what_is_held_out_changes_nothing_of_its_training(engine):
    data = flow_arrays()
    test = data.subject == "a/s0"
    label = data.label.copy()
    label[test] = (label[test] + 1) % 3
    images = data.modalities["flow_image"].copy()
    images[test] = 255 - images[test]
    others = data.with_modalities({"flow_image": images})
    permuted = replace(data, label=label)
    recipe = replace(FLOW, augment=("flip",), model_arguments=PREPARED, epochs=2)
    how = {"recipe": recipe, "engine": engine, "subjects": ["a/s0"]}
    one = evaluate("ststnet", data, **how)
    assert (_columns(evaluate("ststnet", permuted, **how)) == _columns(one)).all()
    # Other pictures of the test subject: the losses of training stay the same to the bit.
    assert (_losses(evaluate("ststnet", others, **how)) == _losses(one)).all()


def test_epochs_are_watched_and_stopped_as_fit_does():
    recipe = replace(FLOW, validation=0.3, plateau=1, stop=2, learning_rate=0.02, epochs=12)
    data, people = flow_arrays(), ["a/s0"]
    fed, scan = (
        evaluate("ststnet", data, recipe=recipe, engine=engine, subjects=people)
        for engine in ("reuse", "scan")
    )
    np.testing.assert_allclose(_columns(scan), _columns(fed), atol=1e-5)
    held = [np.load(next((r.folder / "folds").iterdir())) for r in (fed, scan)]
    assert held[0].files == held[1].files and "history_val_loss" in held[0].files
    assert len(held[0]["history_loss"]) == len(held[1]["history_loss"]) < 12  # stopped early
    with pytest.raises(InputError, match="epochs are looked at while a fold trains"):
        evaluate("ststnet", data, recipe=recipe, engine="together")


@pytest.mark.slow
def test_chunks_give_what_all_at_once_gives():
    data = flow_arrays()
    one, other = (
        evaluate("ststnet", data, recipe=replace(FLOW, epochs=2), engine="together", fold_chunk=n)
        for n in (6, 4)  # the second chunk of four is filled up
    )
    np.testing.assert_allclose(_columns(one), _columns(other), atol=1e-6)
    trainer = Trainer(resolve("ststnet", FLOW), data.classes, 4, on_device=True)
    trainer.reset(0)
    replica = Replica(Part.of(data, np.arange(20)), np.arange(20, 30), seed=0)
    weights = 4 * sum(int(np.prod(v.shape)) for v in trainer.model.variables)
    assert replica_bytes(trainer, replica) > weights  # and what its gradients need
    assert chunk_for(68, each=10, free=10_000) == 68
    assert chunk_for(68, each=10, free=700) == 34  # 42 fit: two chunks that are alike
    assert chunk_for(68, each=10**9, free=1) == 1


def test_a_run_that_goes_on_by_another_engine_says_so(tmp_path):
    how = {"recipe": replace(FLOW, epochs=1), "subjects": ["a/s0"], "out": tmp_path}
    assert not any("engine" in text for text in evaluate("ststnet", flow_arrays(), **how).warnings)
    again = evaluate("ststnet", flow_arrays(), engine="reuse", **how)
    assert any("engine scan, then reuse" in text for text in again.warnings)


def test_rows_are_those_of_the_graph():
    data = flow_arrays(subjects=3)
    graph = training_graph(data, batch_size=8, seed=4)
    rows = order_of_steps(len(data), 8, 5, seed=4)
    for step, (_, label, _) in zip(rows, graph, strict=False):
        assert np.asarray(label).tolist() == data.label[step].tolist()


def test_many_samples_are_fed_batch_by_batch_in_the_same_order(monkeypatch):
    data = flow_arrays(subjects=3)
    part = Part.of(data, np.arange(3, 15))
    options = {"batch_size": 8, "seed": 4, "augment": ("flip",)}
    at_once = [x for x, _ in zip(training_graph(part, **options), range(5), strict=False)]
    monkeypatch.setattr(batches, "IN_GRAPH", 0)
    by_batch = [x for x, _ in zip(training_graph(part, **options), range(5), strict=False)]
    for one, other in zip(at_once, by_batch, strict=True):
        for x, y in zip(one[1:], other[1:], strict=True):
            assert np.asarray(x).tolist() == np.asarray(y).tolist()
        assert (np.asarray(one[0]["flow_image"]) == np.asarray(other[0]["flow_image"])).all()


class EveryStep(keras.callbacks.Callback):
    """Looks at every step."""

    def on_train_batch_end(self, batch, logs=None):
        pass


class EveryEpoch(keras.callbacks.Callback):
    """Looks at every epoch."""

    def on_epoch_end(self, epoch, logs=None):
        pass


def test_the_engine_is_chosen_by_what_it_has_to_do():
    learner = resolve("ststnet")
    assert choose_engine("auto", learner).name == "scan"  # on a CPU
    assert choose_engine("auto", learner, callbacks=[EveryEpoch()]).name == "scan"
    fed = choose_engine("auto", learner, callbacks=[EveryStep()])
    assert fed.name == "reuse" and "EveryStep is called at every step" in fed.why
    assert choose_engine("auto", learner, size=1 << 40).name == "reuse"
    flow = keras.Input((28, 28, 3), name="flow_image")
    for layers, name in ((keras.layers, "reuse"), (merzoo.layers, "scan")):
        x = keras.layers.Flatten()(layers.Conv2D(2, 3, name="first")(flow))
        own = keras.Model(flow, keras.layers.Dense(3, activation="softmax")(x))
        chosen = choose_engine("auto", resolve(own))
        assert chosen.name == name and (name == "scan" or "(first)" in chosen.why)
    for wanted, facts, reason in (
        ("scan", {"callbacks": [EveryStep()]}, "EveryStep"),
        ("together", {"watched": True}, "epochs are looked at"),
        ("together", {"cluster": True}, "one fold at a time"),
        ("togther", {}, "Did you mean 'together'"),
    ):
        with pytest.raises(InputError, match=reason):
            choose_engine(wanted, learner, **facts)


@pytest.mark.parametrize("given", [[3], 3, EveryEpoch(), [EveryEpoch], None])
def test_what_is_no_list_of_callbacks_is_refused_at_once(given):
    for verb, words in ((merzoo.evaluate, ("ststnet", [])), (merzoo.audit, ([], "ststnet"))):
        with pytest.raises(InputError, match=r"callbacks must be a list of Keras callbacks, got "):
            verb(*words, callbacks=given)


def test_fixed_layers_are_parted_from_those_that_learn():
    x = keras.Input((8, 8, 3), name="flow_image")
    y = keras.layers.Rescaling(2.0)(x)
    frozen = keras.layers.Conv2D(4, 3, trainable=False)
    y = keras.layers.Flatten(name="flat")(frozen(y))
    y = keras.layers.BatchNormalization(center=False, scale=False, name="moving")(y)
    model = keras.Model(x, keras.layers.Dense(3, activation="softmax")(y))
    first, rest = split_fixed(model)
    assert [layer.name for layer in first.layers][-1] == "flat"
    assert "moving" in [layer.name for layer in rest.layers]  # its statistics are of the batch
    some = np.random.default_rng(0).random((2, 8, 8, 3)).astype("float32")
    np.testing.assert_allclose(rest(first(some)), model(some), atol=1e-6)
    assert split_fixed(resolve("ststnet").build(3)) is not None  # padding
    noisy = keras.Sequential([x, keras.layers.GaussianNoise(1.0), keras.layers.Flatten(),
                              keras.layers.Dense(3)])  # fmt: skip
    assert split_fixed(noisy) is None


class Scaled(keras.Model):
    """A network whose loss is a tenth of what its recipe says."""

    def compute_loss(self, *arguments, **options):
        return 0.1 * super().compute_loss(*arguments, **options)


def scaled_network(classes=3):
    flow = keras.Input((28, 28, 3), name="flow_image")
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(flow))
    return Scaled(flow, keras.layers.Dense(classes, activation="softmax")(x))


def test_a_training_step_of_ones_own_is_taken_by_every_engine():
    assert split_fixed(scaled_network()) is None
    data, recipe = flow_arrays(subjects=3), replace(FLOW, epochs=2)
    fed, one, all_at_once = (
        _losses(evaluate(scaled_network, data, recipe=recipe, engine=engine, subjects=["a/s0"]))
        for engine in ("reuse", "scan", "together")
    )
    np.testing.assert_allclose(one, fed, rtol=1e-4)
    np.testing.assert_allclose(all_at_once, fed, rtol=1e-4)


@pytest.mark.parametrize("unfolded", [True, False])
def test_clips_are_parted_and_never_their_frames(unfolded):
    clips = keras.Input((4, 8, 8, 3), name="sequence")
    x = merzoo.layers.FoldTime()(keras.layers.Rescaling(2.0)(clips))
    x = merzoo.layers.UnfoldTime(4)(x) if unfolded else keras.layers.Dense(2)(x)
    x = x if unfolded else merzoo.layers.UnfoldTime(4)(x)
    first, rest = split_fixed(keras.Model(clips, keras.layers.Dense(3)(keras.layers.Flatten()(x))))
    assert first.outputs[0].shape == ((None, 768) if unfolded else (None, 4, 8, 8, 3))
    assert rest.output_shape == (None, 3)


def test_without_a_table_the_numbers_are_the_same(monkeypatch):
    data, people = flow_arrays(), ["a/s0"]
    recipe = replace(RECIPES["mirrored, prepared once"], epochs=2)
    with_table = evaluate("ststnet", data, recipe=recipe, engine="scan", subjects=people)
    monkeypatch.setattr(on_device, "TABLE", 0)
    other = resolve("ststnet", recipe)  # another learner, whose model is another
    without = evaluate(other, data, engine="scan", subjects=people)
    np.testing.assert_allclose(_columns(without), _columns(with_table), atol=1e-6)

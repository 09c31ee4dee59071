"""Fitting one model many times: built and compiled once, reset to its first state for every fold.

Building and compiling costs seconds, and leave-one-subject-out repeats it for every subject. A
`Fitter` does it once: a reset puts back every variable of the model (weights, moving averages, seed
generators) and of the optimizer, which gives the same numbers as a fresh model to the last digit.
"""

from functools import partial

import keras
import numpy as np

from merzoo.errors import InputError
from merzoo.preprocessing.arrays import Arrays
from merzoo.preprocessing.augment import flip, training_graph
from merzoo.training.batches import prediction_batches
from merzoo.training.devices import distributed, xla_pays
from merzoo.training.losses import add_l2, make_loss, wants_soft_labels
from merzoo.training.recipes import Recipe
from merzoo.training.seeds import seeded


class Fitter:
    """Trains and applies one Keras model by a recipe, as often as asked, each time from the start.

    Args:
        build: called without arguments, builds the uncompiled model.
        recipe: how to train it.
        steps_per_epoch: gradient steps an epoch, the same in every fold.
        start: a `merzoo.training.pretrained.Start` to begin with, or `None` for random weights.
        classes: names of the classes, which a start's head must have been trained for.
        devices: `None` for one, or what `merzoo.training.devices.distributed` takes.
    """

    def __init__(
        self, build, recipe: Recipe, steps_per_epoch: int, start=None, classes=(), devices=None
    ):
        self.build, self.recipe, self.steps_per_epoch = build, recipe, steps_per_epoch
        self.start, self.classes, self.devices = start, classes, devices
        self.model = None
        self._first_states: dict[int, list[np.ndarray]] = {}

    def reset(self, seed: int) -> None:
        """Puts the model in the state that a fresh model built under `seed` would have."""
        with self._distributed():
            self._reset(seed)

    def _distributed(self):
        return distributed(self.devices, self.recipe.batch_size)

    def _reset(self, seed: int) -> None:
        if seed not in self._first_states:
            with seeded(seed):
                model = self.build()
            if self.start is not None:
                self.start.load_into(model, self.classes)
            if self.model is None:
                self._compile(model)
            self._first_states[seed] = _copies(_states(model))
        _assign(_states(self.model), self._first_states[seed])
        _assign(self.model.optimizer.variables, self._first_optimizer)

    def fit(self, data: Arrays, seed: int, callbacks=()) -> dict[str, list[float]]:
        """Resets, trains for all epochs of the recipe, and returns the history by epoch."""
        self.reset(seed)
        graph = training_graph(
            data,
            batch_size=self.recipe.batch_size,
            augment=self.recipe.augment,
            seed=seed,
            sample_weight=class_weights(data, self.recipe.class_weights),
            soft_labels=wants_soft_labels(self.recipe),
        )
        with self._distributed():
            history = self.model.fit(
                graph,
                epochs=self.recipe.epochs,
                steps_per_epoch=self.steps_per_epoch,
                shuffle=False,
                verbose=0,
                callbacks=[_SeedAtStart(seed), *callbacks],
            )
        return history.history

    def predict(self, data) -> np.ndarray:
        """Class probabilities (N, K) of the current weights, float32.

        Args:
            data: `Arrays`, or whatever has `modalities` and a length; labels are not read.
        """
        views = [lambda x: x] + ([flip] if self.recipe.test_time == "flip" else [])
        parts = []
        batch_size = self.recipe.batch_size
        batch_size = min(batch_size, 32) if self.devices is None else batch_size
        with self._distributed():
            for batch, size in prediction_batches(data, batch_size):
                outputs = [np.asarray(self.model.predict_on_batch(view(batch))) for view in views]
                parts.append(np.mean(outputs, axis=0)[:size])
        probabilities = np.concatenate(parts)
        if self.recipe.loss == "margin":  # lengths of capsules
            probabilities = probabilities / probabilities.sum(-1, keepdims=True)
        if not np.isfinite(probabilities).all():
            raise InputError(
                f"The model's outputs are not finite after training by recipe "
                f"{self.recipe.name!r}: lower its learning rate."
            )
        return probabilities

    def _optimizer(self, model, recipe: Recipe):
        make = make_optimizer if self.start is None else partial(self.start.optimizer, model)
        return make(recipe, self.steps_per_epoch)

    def _compile(self, model) -> None:
        recipe = self.recipe
        add_l2(model, recipe.l2)
        model.compile(
            optimizer=self._optimizer(model, recipe),
            loss=make_loss(recipe),
            weighted_metrics=["accuracy"],
            jit_compile=xla_pays(self.devices),
        )
        model.optimizer.build(model.trainable_variables)
        self._first_optimizer = _copies(model.optimizer.variables)
        self.model = model


class _SeedAtStart(keras.callbacks.Callback):
    """PyTorch's dropout draws from the global generator, which the first `fit` has moved on."""

    def __init__(self, seed: int):
        super().__init__()
        self.seed = seed

    def on_train_begin(self, logs=None):
        keras.utils.set_random_seed(self.seed)


def make_optimizer(recipe: Recipe, steps_per_epoch: int):
    """The Keras optimizer of a recipe, with its schedule."""
    rate, schedules = recipe.learning_rate, keras.optimizers.schedules
    if recipe.schedule == "cosine":
        rate = schedules.CosineDecay(rate, recipe.epochs * steps_per_epoch)
    if recipe.schedule == "exponential":
        last = min(recipe.decay_until, recipe.epochs - 1)
        boundaries = [epoch * steps_per_epoch for epoch in range(1, last + 1)]
        values = [recipe.learning_rate * recipe.decay**epoch for epoch in range(last + 1)]
        rate = schedules.PiecewiseConstantDecay(boundaries, values) if boundaries else rate
    config = {"learning_rate": rate} | recipe.optimizer_arguments
    return keras.optimizers.get({"class_name": recipe.optimizer, "config": config})


def class_weights(data: Arrays, rule: str | tuple[float, ...] | None) -> np.ndarray | None:
    """(N,) weights from the class counts of `data` (the training samples), mean 1; `None` for none.

    A tuple gives the weight of each class itself.

    >>> import numpy as np
    >>> data = Arrays({}, [0, 0, 0, 1], ["s"] * 4, ["d"] * 4, list("abcd"), ("no", "yes"))
    >>> class_weights(data, "balanced").round(2).tolist()
    [0.67, 0.67, 0.67, 2.0]
    """
    if rule is None:
        return None
    counts = np.bincount(data.label, minlength=len(data.classes))
    if isinstance(rule, tuple):
        if len(rule) != len(counts):
            raise InputError(f"class_weights={rule}: give one weight a class, {len(counts)}.")
        weights = np.array(rule, float)
    else:
        weights = 1 / np.maximum(counts, 1) ** (0.5 if rule == "sqrt" else 1.0)
    weights = weights[data.label]
    return weights / weights.mean()


def _states(model) -> list:
    """Weights, moving averages and seed generators, but not the metrics, which `fit` resets."""
    metrics = {id(v) for v in model.metrics_variables}
    return [v for v in model.variables if id(v) not in metrics]


def _copies(variables) -> list[np.ndarray]:
    return [np.array(keras.ops.convert_to_numpy(v), copy=True) for v in variables]


def _assign(variables, values) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)

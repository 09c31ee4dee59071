"""Epochs as one compiled JAX program each: samples and draws lie on the device, no step is fed.

A step is Keras' own `train_step`, so loss, L2, metrics, schedules and optimizers are those of
`fit`. Its batches are the ones that `merzoo.training.batches.training_graph` would give: the same
order, augmented by the same draws. What fixed first layers make of the samples
(`merzoo.training.fixed_layers`) is worked out once, where it is no larger than `TABLE` bytes and
nothing random but mirroring comes before them.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import keras
import numpy as np

from merzoo.preprocessing.augment import augment_all, draws_of_steps
from merzoo.preprocessing.views import views
from merzoo.training.batches import order_of_steps, prediction_batches
from merzoo.training.fixed_layers import split_fixed
from merzoo.training.losses import target_rows
from merzoo.training.parts import Part, identity
from merzoo.training.probabilities import Unlabelled
from merzoo.training.recipes import Recipe

TABLE = 1 << 30  # bytes

# Else XLA tries dozens of kernels for every new shape of a product, which takes minutes.
_COMPILER = {"gpu": {"xla_gpu_enable_triton_gemm": False}}


@dataclass(frozen=True)
class Course:
    """Which samples each step of a training takes, and what is drawn for their augmentation.

    Args:
        rows: (steps, B) places in the samples on the device.
        draws: one array (steps, B, ...) for each augmentation.
    """

    rows: np.ndarray
    draws: tuple

    def epoch(self, number: int, steps: int) -> tuple:
        """The part of one epoch."""
        part = slice(number * steps, (number + 1) * steps)
        return self.rows[part], tuple(draw[part] for draw in self.draws)


class DeviceTraining:
    """Trains a compiled model by epochs that are programs.

    Args:
        model: compiled.
        compile_rest: compiles another model of the same variables in the same way.
    """

    def __init__(self, model, compile_rest):
        self.model, self.compile_rest = model, compile_rest
        self._split = split_fixed(model)
        self._rest_compiled = False
        self._place: tuple = ()
        self._held: tuple = ()
        self._samples: dict = {}
        self._table: tuple = ((), [])
        self._programs: dict = {}

    def samples(self, shared) -> dict:
        """All samples on the device; put there once for arrays that stay the same."""
        place = tuple(identity(x) for x in shared.values())
        if place != self._place:
            self._place, self._held = place, tuple(shared.values())  # so that ids stay theirs
            names = [tensor.name for tensor in self.model.inputs]
            arrays = {name: jnp.asarray(np.asarray(shared[name])) for name in names}
            self._samples, self._table = arrays, ((), [])
        return self._samples

    def prepared(self, shared, recipe: Recipe, state_key) -> "Prepared":
        """What steps gather from, and the model that they train.

        Args:
            shared: name -> array of all samples.
            recipe: of the training.
            state_key: of the weights of frozen layers.
        """
        samples = self.samples(shared)
        mirrored = recipe.augment == ("flip",)
        if self._split is None or not (mirrored or not recipe.augment):
            return Prepared(self.model, samples, recipe.augment, 0)
        first, rest = self._split
        size = len(next(iter(samples.values())))
        width = sum(4 * int(np.prod(tensor.shape[1:])) for tensor in first.outputs)
        if size * width * (1 + mirrored) > TABLE:
            return Prepared(self.model, samples, recipe.augment, 0)
        key = (state_key if first.variables else None, mirrored)
        if self._table[0] != key:
            self._table = (key, _table(first, shared, mirrored))
        if not self._rest_compiled:
            self.compile_rest(rest)
            self._rest_compiled = True
        return Prepared(rest, self._table[1], (), size if mirrored else 0)

    def course(self, part: Part, recipe: Recipe, seed: int, steps: int, mirror: int) -> Course:
        """Rows and draws of a training on a part of the samples.

        Args:
            mirror: how many rows further on a sample's mirror image lies; 0 where augmentation is
                done on the device.
        """
        places = order_of_steps(len(part), recipe.batch_size, steps, seed)
        rows = part.rows[places].astype(np.int32)
        draws = drawn(recipe.augment, recipe.batch_size, steps, seed)
        if mirror:
            return Course(rows + mirror * np.asarray(draws[0], np.int32), ())
        return Course(rows, draws)

    def program(self, prepared: "Prepared", together: bool = False):
        """The compiled epoch: (state, samples, label, weight, rows, draws) -> (state, logs)."""
        key = (id(prepared.model), prepared.names, together)
        if key not in self._programs:
            epoch = functools.partial(_epoch, prepared.model, prepared.names)
            if together:
                epoch = jax.vmap(epoch, in_axes=(0, None, 0, 0, 0, 0))
            options = _COMPILER.get(jax.default_backend())
            self._programs[key] = jax.jit(epoch, donate_argnums=0, compiler_options=options)
        return self._programs[key]

    def outputs_program(self, view: Callable):
        """What stacked weights put out for stacked rows of samples, each seen by a view:
        (trained (R, ...), other weights (R, ...), samples, rows (R, T)) -> (R, T, K)."""
        key = ("outputs", view)
        if key not in self._programs:

            def outputs(trained, others, samples, rows):
                sample = {name: x[rows].astype("float32") for name, x in samples.items()}
                return self.model.stateless_call(trained, others, view(sample), training=False)[0]

            self._programs[key] = jax.jit(jax.vmap(outputs, in_axes=(0, 0, None, 0)))
        return self._programs[key]


@dataclass(frozen=True)
class Prepared:
    """What steps gather from.

    Args:
        model: that takes it.
        samples: {modality: (N, ...)}, or what the fixed layers made of them, [(N, ...), ...].
        names: of the augmentations that are left to do.
        mirror: how many rows further on the mirror images lie; 0 without.
    """

    model: object
    samples: object
    names: tuple[str, ...]
    mirror: int

    def targets(self, part: Part, recipe: Recipe, weight: np.ndarray | None) -> tuple:
        """Labels and weights of all rows; those of no training sample are 0, and never read."""
        size = len(jax.tree.leaves(self.samples)[0])
        count = self.mirror or size
        label = np.zeros(count, np.int32)
        label[part.rows] = part.label
        weights = np.zeros(count, np.float32)
        weights[part.rows] = 1 if weight is None else weight
        rows = target_rows(part, recipe)
        if rows is not None:
            label = rows[label]
        if self.mirror:
            label, weights = np.concatenate([label] * 2), np.concatenate([weights] * 2)
        return label, weights


def state_of(model) -> tuple[list, ...]:
    """The values that a training step changes, as `train_step` takes them."""
    groups = (model.trainable_variables, model.non_trainable_variables)
    groups += (model.optimizer.variables, model.metrics_variables)
    return tuple([variable.value for variable in group] for group in groups)


def put_back(model, state) -> None:
    """Gives a state back to the variables of a model."""
    groups = (model.trainable_variables, model.non_trainable_variables)
    groups += (model.optimizer.variables, model.metrics_variables)
    for group, values in zip(groups, state, strict=True):
        for variable, value in zip(group, values, strict=True):
            variable.assign(value)


def build_metrics(model, batch) -> None:
    """Makes the variables of a compiled model's metrics, as `fit` does before its first step."""
    model._symbolic_build(data_batch=batch)


def device_fit(
    device: DeviceTraining, part: Part, recipe: Recipe, seed: int, steps_per_epoch: int, **how
) -> dict[str, list[float]]:
    """Trains on a part of the samples, from the state that the model is in; as `fit` would.

    Args:
        device: with the model.
        part: the training samples.
        recipe, seed, steps_per_epoch: of the training.
        **how: `weight` (N,) of each sample or `None`, `callbacks`, and `watched`, an iterable of
            batches to validate on or `None`.

    Returns:
        The history by epoch.
    """
    prepared = device.prepared(part.shared, recipe, seed)
    label, weight = prepared.targets(part, recipe, how["weight"])
    course = device.course(part, recipe, seed, recipe.epochs * steps_per_epoch, prepared.mirror)
    model, full = prepared.model, device.model
    _make_ready(prepared, label, weight, course)
    program = device.program(prepared)
    history = keras.callbacks.History()
    callbacks = keras.callbacks.CallbackList(
        [*how["callbacks"], history],
        model=full,
        epochs=recipe.epochs,
        steps=steps_per_epoch,
        verbose=0,
    )
    label, weight = jnp.asarray(label), jnp.asarray(weight)
    full.stop_training = False
    callbacks.on_train_begin()
    for epoch in range(recipe.epochs):
        callbacks.on_epoch_begin(epoch)
        model.reset_metrics()
        now = course.epoch(epoch, steps_per_epoch)
        state, logs = program(state_of(model), prepared.samples, label, weight, *now)
        put_back(model, state)
        logs = {name: float(value) for name, value in logs.items()}
        if how["watched"] is not None:
            found = full.evaluate(how["watched"], callbacks=callbacks, return_dict=True, verbose=0)
            logs |= {f"val_{name}": value for name, value in found.items()}
        callbacks.on_epoch_end(epoch, logs)
        if full.stop_training:
            break
    model.optimizer.finalize_variable_values(model.trainable_weights)
    callbacks.on_train_end(logs)
    return history.history


@functools.lru_cache(maxsize=16)
def drawn(names: tuple[str, ...], batch_size: int, steps: int, seed: int) -> tuple:
    """The draws of a whole training, which are the same in every fold."""
    return draws_of_steps(names, batch_size, steps, seed)


def _epoch(model, names, state, samples, label, weight, rows, draws):
    def step(state, now):
        rows, draws = now
        sample = jax.tree.map(lambda x: x[rows].astype("float32"), samples)
        batch = augment_all(sample, label[rows], weight[rows], names, draws)
        logs, state = model.train_step(state, batch)
        return state, logs

    state, logs = jax.lax.scan(step, state, (rows, draws))
    return state, {name: values[-1] for name, values in logs.items()}


def _make_ready(prepared: Prepared, label, weight, course: Course) -> None:
    rows = course.rows[0]
    sample = jax.tree.map(lambda x: jnp.zeros((len(rows), *x.shape[1:])), prepared.samples)
    build_metrics(prepared.model, (sample, label[rows], weight[rows]))


def _table(first, shared, mirrored: bool) -> list:
    """What the fixed layers make of all samples, and then of their mirror images."""
    parts: list[list] = [[] for _ in first.outputs]
    names = [tensor.name for tensor in first.inputs]
    data = Unlabelled({name: shared[name] for name in names})
    for view in views("flip" if mirrored else None):
        for batch, size in prediction_batches(data, 32):
            found = first.predict_on_batch(view(batch))
            found = found if isinstance(found, list) else [found]
            for part, one in zip(parts, found, strict=True):
                part.append(np.asarray(one)[:size])
    return [jnp.asarray(np.concatenate(part)) for part in parts]

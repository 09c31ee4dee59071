"""Many folds and seeds trained together: one compiled JAX program for a whole chunk of them.

One replica is one fold under one seed. What `merzoo.training.on_device` compiles for one training
is stacked (`jax.vmap`): every replica has its own weights, optimizer, order and draws, all of them
read the same samples. So a graphics card, which one small network cannot fill, trains hundreds.

Every replica has labels of its own: those of its training samples, zeros for all others. The label
of a test sample is not there to be read.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from merzoo.preprocessing.views import views
from merzoo.training.losses import sample_weights
from merzoo.training.on_device import build_metrics, state_of
from merzoo.training.parts import Part
from merzoo.training.probabilities import PADDED, mean_probabilities

_ON_CPU = 8  # replicas at a time, where stacking them saves nothing
_SHARE = 0.6  # of the device's free memory that a chunk may take


@dataclass(frozen=True)
class Replica:
    """One fold under one seed.

    Args:
        train: its training samples.
        test_rows: places of its test samples in the same arrays.
        seed: of weights, order, augmentation and dropout.
    """

    train: Part
    test_rows: np.ndarray
    seed: int


@dataclass(frozen=True)
class Trained:
    """What a replica leaves.

    Args:
        number: its place among the replicas.
        probabilities: (n, K) of its test samples.
        history: by epoch, as Keras' `fit` gives it.
    """

    number: int
    probabilities: np.ndarray
    history: dict[str, list[float]]


def train_together(
    trainer,
    replicas: Sequence[Replica],
    *,
    chunk: int | None = None,
    on_epoch: Callable | None = None,
) -> Iterator[list[Trained]]:
    """Trains replicas, a chunk at a time, and yields the results of each chunk.

    Args:
        trainer: a `Trainer`, by whose recipe all are trained; one without a validation rule.
        replicas: of the same arrays.
        chunk: how many at a time; `None` for as many as the device has room for. Where it has not,
            half as many are tried.
        on_epoch: called with (numbers of the replicas, epoch, their losses) after each epoch.

    Yields:
        Lists of `Trained`, in the order of the replicas.
    """
    trainer.reset(replicas[0].seed)
    left = list(range(len(replicas)))
    size = min(chunk or _chunk_size(trainer, replicas), len(replicas))
    while left:
        numbers = left[:size]
        try:
            yield _train_chunk(trainer, replicas, numbers, size, on_epoch)
        except Exception as error:
            if "RESOURCE_EXHAUSTED" not in str(error) or size == 1:
                raise
            size = -(-size // 2)
            continue
        left = left[size:]


@dataclass
class _Stack:
    """Replicas side by side: what their epochs take."""

    program: object
    prepared: object
    state: tuple
    targets: tuple
    courses: list
    steps: int

    @property
    def arguments(self) -> tuple:
        return (self.state, self.prepared.samples, *self.targets)

    def epoch(self, number: int) -> tuple:
        """Rows and draws of one epoch of all replicas."""
        now = [course.epoch(number, self.steps) for course in self.courses]
        return jax.tree.map(lambda *x: jnp.asarray(np.stack(x)), *now)


def _stack(trainer, filled: list[Replica]) -> _Stack:
    recipe, steps, device = trainer.recipe, trainer.steps_per_epoch, trainer.device()
    prepared, state = _first_states(trainer, filled)
    targets = [prepared.targets(r.train, recipe, sample_weights(r.train, recipe)) for r in filled]
    courses = [
        device.course(r.train, recipe, r.seed, recipe.epochs * steps, prepared.mirror)
        for r in filled
    ]
    targets = tuple(jnp.asarray(np.stack(part)) for part in zip(*targets, strict=True))
    program = device.program(prepared, together=True)
    return _Stack(program, prepared, state, targets, courses, steps)


def _train_chunk(trainer, replicas, numbers, size, on_epoch) -> list[Trained]:
    filled = [replicas[numbers[i % len(numbers)]] for i in range(size)]  # one shape, compiled once
    stack = _stack(trainer, filled)
    fresh = [np.asarray(value) for value in stack.state[3]]  # of the metrics
    histories: list[dict] = [{} for _ in numbers]
    for epoch in range(trainer.recipe.epochs):
        stack.state = (*stack.state[:3], [jnp.array(value) for value in fresh])
        stack.state, logs = stack.program(*stack.arguments, *stack.epoch(epoch))
        logs = {name: np.asarray(values) for name, values in logs.items()}
        for place, history in enumerate(histories):
            for name, values in logs.items():
                history.setdefault(name, []).append(float(values[place]))
        if on_epoch is not None:
            on_epoch(numbers, epoch, logs["loss"][: len(numbers)])
    for history in histories:
        trainer.check_finite(history)
    state = _averaged(stack.prepared.model, stack.state)
    outputs = _outputs(trainer, stack.prepared, filled, state)
    kind = trainer.learner.output_kind(trainer.model)
    found = []
    for place, number in enumerate(numbers):
        views = [view[place, : len(replicas[number].test_rows)] for view in outputs]
        found.append(mean_probabilities(views, kind, trainer.model.name))
    return [Trained(n, p, h) for n, p, h in zip(numbers, found, histories, strict=True)]


def _first_states(trainer, filled: list[Replica]) -> tuple:
    """What steps gather from, and the states that the replicas begin in, stacked."""
    device, recipe = trainer.device(), trainer.recipe
    states: dict = {}
    for seed in dict.fromkeys(replica.seed for replica in filled):
        trainer.reset(seed)
        prepared = device.prepared(filled[0].train.shared, recipe, seed)
        if not states:
            _make_ready(prepared, filled[0], recipe)
        prepared.model.reset_metrics()
        states[seed] = jax.tree.map(np.array, state_of(prepared.model))
    several = [states[replica.seed] for replica in filled]
    return prepared, jax.tree.map(lambda *x: jnp.asarray(np.stack(x)), *several)


def _make_ready(prepared, replica: Replica, recipe) -> None:
    size = recipe.batch_size
    sample = jax.tree.map(lambda x: jnp.zeros((size, *x.shape[1:])), prepared.samples)
    label, weight = prepared.targets(replica.train, recipe, None)
    label = np.resize(label, (size, *label.shape[1:]))
    build_metrics(prepared.model, (sample, label, np.resize(weight, size)))


def _outputs(trainer, prepared, filled, state) -> list[np.ndarray]:
    """What the trained replicas put out for their test samples, one (R, T, K) array a view."""
    device = trainer.device()
    samples = device.samples(filled[0].train.shared)
    weights = _of_whole(trainer.model, prepared.model, state, len(filled))
    longest = -(-max(len(r.test_rows) for r in filled) // PADDED) * PADDED
    rows = jnp.asarray(np.stack([np.resize(r.test_rows, longest) for r in filled]))
    found = []
    for view in views(trainer.recipe.test_time):
        program = device.outputs_program(view)
        parts = range(0, longest, PADDED)
        parts = [program(*weights, samples, rows[:, i : i + PADDED]) for i in parts]
        found.append(np.concatenate(parts, 1))
    return found


def _averaged(model, state) -> tuple:
    """The state in which the moving averages of the weights take their place, where the optimizer
    keeps any; `fit` ends so too."""
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)  # of loss scaling
    places = {id(v): place for place, v in enumerate(model.optimizer.variables)}
    averages = {
        id(weight): state[2][places[id(average)]]
        for one in getattr(optimizer, "optimizers", [optimizer])
        if one.use_ema
        for weight, average in zip(
            one._trainable_variables, one._model_variables_moving_average, strict=True
        )
    }
    known = zip(model.trainable_variables, state[0], strict=True)
    return ([averages.get(id(v), value) for v, value in known], *state[1:])


def _of_whole(model, trained, state, count: int) -> tuple[list, list]:
    """The weights of the whole model, stacked, where a part of it was trained."""
    known = zip(trained.non_trainable_variables, state[1], strict=True)
    known = {id(variable): value for variable, value in known}
    others = [
        known.get(id(v), jnp.broadcast_to(v.value, (count, *v.shape)))
        for v in model.non_trainable_variables
    ]
    return state[0], others


def chunk_for(count: int, each: int, free: int) -> int:
    """How many of `count` replicas of `each` bytes at a time, in chunks that are alike in size.

    >>> chunk_for(340, each=10_000_000, free=1_000_000_000)
    57
    """
    fit = max(1, int(_SHARE * free / each))
    return -(-count // -(-count // fit))


def _chunk_size(trainer, replicas) -> int:
    """How many replicas the device has room for."""
    device = jax.devices()[0]
    if device.platform == "cpu":
        return min(len(replicas), _ON_CPU)
    stats = device.memory_stats() or {}
    free = stats.get("bytes_limit", 8 << 30) - stats.get("bytes_in_use", 0)
    return chunk_for(len(replicas), replica_bytes(trainer, replicas[0]), free)


def replica_bytes(trainer, replica: Replica) -> int:
    """Bytes that one replica more takes, read from small programs that are compiled for it."""
    sizes = []
    for count in (1, 2):
        stacked = _stack(trainer, [replica] * count)
        arguments = (*stacked.arguments, *stacked.epoch(0))
        compiled = stacked.program.lower(*arguments).compile()
        found = compiled.memory_analysis()
        sizes.append(found.temp_size_in_bytes + found.argument_size_in_bytes)
    return max(1, sizes[1] - sizes[0])

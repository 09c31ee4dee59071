"""One long training with validation: what `pretrain` and `finetune` share.

Keras' `fit` with its own callbacks: the rate falls when validation stalls, training stops when it
stalls for longer, and the weights of the best epoch are kept. A fold of an evaluation is not
trained like this: it has no samples to validate on (see `merzoo.training.trainer`).
"""

import importlib.util
import shutil
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import keras
import numpy as np

from merzoo.errors import InputError
from merzoo.training.batches import ordered_stream, training_stream
from merzoo.training.devices import distributed, xla_pays
from merzoo.training.pool import Pool
from merzoo.training.pretrained import Start
from merzoo.training.recipes import Recipe
from merzoo.training.resume import Resume
from merzoo.training.seeds import seeded
from merzoo.training.trainer import class_weights, make_optimizer

BALANCES = (None, "weights", "sampling")
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
MONITOR = "val_accuracy"


@dataclass(frozen=True)
class Training:
    """How one long training is run, beside its recipe.

    Args:
        validation: share of the samples to validate on, by person; 0 for none, and then the last
            epoch's weights are kept.
        balance: `"weights"` (each class weighs alike in the loss), `"sampling"` (each class is
            drawn equally often), or `None` for the recipe's class weights.
        plateau: epochs without a better validation after which the rate falls; `None` for the
            recipe's own schedule. With it the recipe's schedule plays no part.
        factor: by which it falls then.
        stop: epochs without a better validation after which training ends; `None` for never.
        ema: momentum of a moving average of the weights, which is then what is validated and
            kept; `None` for none.
        precision: `"float32"`, `"mixed_bfloat16"` or `"mixed_float16"`; weights stay float32.
        accumulate: steps whose gradients make one update.
        xla: compile with XLA where it pays (see `merzoo.training.devices.xla_pays`).
        seed: of weights, split, order and augmentation.
        devices: several devices of this machine, as `merzoo.training.devices.distributed`
            takes them, such as `"all"`; `None` for one.
    """

    validation: float = 0.2
    balance: str | None = "weights"
    plateau: int | None = 10
    factor: float = 0.1
    stop: int | None = 20
    ema: float | None = None
    precision: str = "float32"
    accumulate: int = 1
    xla: bool = True
    seed: int = 0
    devices: str | tuple[str, ...] | None = None

    def __post_init__(self):
        for name, allowed in (("balance", BALANCES), ("precision", PRECISIONS)):
            if getattr(self, name) not in allowed:
                raise InputError(f"{name}={getattr(self, name)!r}: use one of {allowed}.")
        limits = {
            "validation": (0, 0.5),
            "factor": (1e-6, 0.999),
            "plateau": (1, np.inf),
            "stop": (1, np.inf),
            "ema": (0, 1),
            "accumulate": (1, np.inf),
        }
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise InputError(f"{name}={value} must be from {low} to {high}.")

    def applied_to(self, recipe: Recipe) -> Recipe:
        """The recipe with what these options replace of it."""
        extra = {}
        if self.ema is not None:
            extra |= {"use_ema": True, "ema_momentum": self.ema}
        if self.accumulate > 1:
            extra |= {"gradient_accumulation_steps": self.accumulate}
        changes = {"optimizer_arguments": recipe.optimizer_arguments | extra}
        if self.plateau and self.validation:
            changes |= {"schedule": "constant"}
        if self.balance is not None:
            changes |= {"class_weights": "balanced" if self.balance == "weights" else None}
        return replace(recipe, **changes)


def train_once(
    build,
    pool: Pool,
    rows: tuple[np.ndarray, np.ndarray],
    recipe: Recipe,
    training: Training,
    folder: Path,
    start: Start | None = None,
):
    """Trains one model and leaves nothing but the state to go on from in `folder`.

    Args:
        build: called without arguments, builds the uncompiled model.
        pool: the samples.
        rows: those to train on, and those to validate on (may be none).
        recipe: as `Training.applied_to` gives it.
        training: the options.
        folder: where state and logs are kept; a training that was stopped there goes on.
        start: pretrained weights, or `None` for fresh ones.

    Returns:
        The float32 model with the weights of the best epoch (of the last, without validation), and
        the logs of every epoch.

    Raises:
        InputError: if the loss is no longer a number.
    """
    state = folder / "state"
    state.mkdir(parents=True, exist_ok=True)
    with distributed(training.devices, recipe.batch_size):
        model, logs = _fitted(build, pool, rows, recipe, training, folder, start)
    if not logs or not np.isfinite([row["loss"] for row in logs]).all():
        raise InputError(
            f"The loss of recipe {recipe.name!r} is not finite any more: lower its learning rate."
        )
    if len(rows[1]):
        model.load_weights(state / "best.weights.h5")
    final = build()
    final.set_weights(model.get_weights())
    return final, logs


def check_devices(training: Training, recipe: Recipe) -> None:
    """Raises `InputError` for devices that are not there or cannot train so, before any work."""
    if training.devices and training.accumulate > 1 and keras.backend.backend() == "tensorflow":
        raise InputError(
            f"accumulate={training.accumulate}: TensorFlow cannot accumulate gradients on several "
            f"devices; set KERAS_BACKEND=jax, or give the recipe a larger batch_size instead."
        )
    with distributed(training.devices, recipe.batch_size):
        pass


def forget_state(folder: Path) -> None:
    """Removes what only a training that is under way needs."""
    shutil.rmtree(folder / "state", ignore_errors=True)


def predict(model, pool: Pool, rows: np.ndarray, batch_size: int) -> np.ndarray:
    """Class probabilities (len(rows), K) of samples that stay on disk."""
    starts = range(0, len(rows), batch_size)
    batches = [np.resize(rows[i : i + batch_size], batch_size) for i in starts]
    found = [np.asarray(model.predict_on_batch(pool.gather(batch))) for batch in batches]
    return np.concatenate(found)[: len(rows)]


def _fitted(build, pool, rows, recipe, training, folder, start):
    """The compiled model after its last epoch, and the logs of every epoch."""
    steps = max(1, len(rows[0]) // recipe.batch_size)
    model = _compiled(build, pool, recipe, training, steps, start)
    callbacks, resume = _callbacks(folder, recipe, training, bool(len(rows[1])), steps)
    first = resume.restore(model)
    weight = _weights(pool, rows[0], recipe.class_weights)
    model.fit(
        training_stream(
            pool,
            rows[0],
            batch_size=recipe.batch_size,
            steps=steps,
            seed=training.seed,
            first_epoch=first,
            augment=recipe.augment,
            weight=weight,
            balanced=training.balance == "sampling",
        ),
        epochs=recipe.epochs,
        initial_epoch=first,
        steps_per_epoch=steps,
        validation_data=_validation(pool, rows[1], recipe, training),
        shuffle=False,
        verbose=0,
        callbacks=[*callbacks, resume],
    )
    return model, resume.rows


def _compiled(build, pool, recipe, training, steps, start):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(training.precision)
    try:
        with seeded(training.seed):
            model = build()
    finally:
        keras.config.set_dtype_policy(before)

    if start is not None:
        start.load_into(model, pool.classes)
    make = make_optimizer if start is None else partial(start.optimizer, model)
    model.compile(
        optimizer=make(recipe, steps),
        loss="sparse_categorical_crossentropy",
        weighted_metrics=["accuracy"],
        jit_compile=training.xla and xla_pays(training.devices),
    )
    model.optimizer.build(model.trainable_variables)
    return model


def _callbacks(folder, recipe, training, validated, steps):
    """All callbacks but the last, and the last. Their order matters, see `Resume`."""
    state = folder / "state"
    found = [keras.callbacks.TerminateOnNaN()]
    if training.ema is not None:  # first: what follows sees the averaged weights at an epoch's end
        found.append(keras.callbacks.SwapEMAWeights(swap_on_epoch=True))
    if validated:
        watched = {"monitor": MONITOR, "mode": "max"}
        best = state / "best.weights.h5"
        found.append(
            keras.callbacks.ModelCheckpoint(
                best, save_best_only=True, save_weights_only=True, **watched
            )
        )
        if training.plateau:
            found.append(
                keras.callbacks.ReduceLROnPlateau(
                    patience=training.plateau, factor=training.factor, **watched
                )
            )
        if training.stop:
            found.append(keras.callbacks.EarlyStopping(patience=training.stop, **watched))
    if importlib.util.find_spec("tensorboard"):
        found.append(keras.callbacks.TensorBoard(folder / "logs", write_graph=False))
    found.append(_Progress(recipe.epochs, steps))
    return found, Resume(state / "epoch.npz", found, training.seed)


def _weights(pool, rows, rule) -> np.ndarray | None:
    """(N,) class weights of the pool, from the classes of `rows` alone."""
    if rule is None:
        return None
    found = np.zeros(len(pool))
    found[rows] = class_weights(_Labels(pool.label[rows], pool.classes), rule)
    return found


def _validation(pool, rows, recipe, training):
    """Where training is balanced, every class weighs alike in validation: accuracy is UAR."""
    if not len(rows):
        return None
    rule = "balanced" if training.balance else None
    return ordered_stream(pool, rows, recipe.batch_size, _weights(pool, rows, rule))


@dataclass(frozen=True)
class _Labels:
    """What `class_weights` needs of samples."""

    label: np.ndarray
    classes: tuple[str, ...]


class _Progress(keras.callbacks.Callback):
    """A bar over all steps, with the epoch, the loss and the last validation."""

    def __init__(self, epochs: int, steps: int):
        super().__init__()
        self.epochs, self.steps = epochs, steps
        self._last = "-"

    def on_train_begin(self, logs=None):
        from rich.progress import TextColumn

        from merzoo.progress import progress_bar

        columns = [TextColumn(f"{{task.fields[{n}]}}") for n in ("epoch", "loss", "validation")]
        self._bar = progress_bar(*columns)
        self._bar.start()
        fields = {"epoch": "", "loss": "", "validation": ""}
        self._task = self._bar.add_task(self.model.name, total=self.epochs * self.steps, **fields)

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch
        self._bar.update(self._task, completed=epoch * self.steps)

    def on_train_batch_end(self, batch, logs=None):
        if not self._bar.disable:
            self._bar.update(
                self._task,
                completed=self._epoch * self.steps + batch + 1,
                epoch=f"epoch {self._epoch + 1}/{self.epochs}",
                loss=f"loss {float(logs['loss']):.3f}",
            )

    def on_epoch_end(self, epoch, logs=None):
        if MONITOR in (logs or {}):
            self._bar.update(self._task, validation=f"validation {logs[MONITOR]:.3f}")

    def on_train_end(self, logs=None):
        self._bar.stop()

"""`Trainer`: the one engine that trains a network, for folds, searches and long trainings alike.

Building and compiling costs seconds, and leave-one-subject-out repeats it for every subject. A
`Trainer` does it once: a reset puts back every variable of the model (weights, moving averages,
seed generators) and of the optimizer, which gives the same numbers as a fresh model to the last
digit. Loss, L2, schedule, precision, devices, validation and pretrained starts are handled here
and nowhere else.
"""

import importlib.util
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import keras
import numpy as np

from merzoo.errors import InputError
from merzoo.preprocessing.arrays import Arrays
from merzoo.training.batches import training_graph, validation_graph
from merzoo.training.devices import distributed, xla_pays
from merzoo.training.learner import Learner, check_classes
from merzoo.training.losses import (
    add_l2,
    class_weights,
    make_accuracy,
    make_loss,
    sample_weights,
    target_rows,
)
from merzoo.training.optimizers import adjustable_optimizer, first_rates, make_optimizer
from merzoo.training.options import ONE_DEVICE, Training
from merzoo.training.parts import Part
from merzoo.training.probabilities import output_kind
from merzoo.training.progress_callback import Progress
from merzoo.training.recipes import Recipe
from merzoo.training.resume import Resume
from merzoo.training.seeds import seeded
from merzoo.training.validation import SHARE, BestEpoch, inner_split, rule_callbacks


class Trainer:
    """Trains and applies one Keras model by a recipe, as often as asked, each time from the start.

    Args:
        learner: what is trained, and its recipe.
        classes: names of the classes.
        steps_per_epoch: gradient steps an epoch, the same in every fold.
        start: a `merzoo.training.pretrained.Start` to begin with, or `None` for random weights.
        options: precision, devices and the like.
        adjustable: whether another recipe of the same architecture may be taken on without
            compiling (`use`): the schedule's numbers are then variables.
        on_device: whether each epoch of samples in memory is one compiled program (JAX); else
            Keras' `fit` is fed step by step.
    """

    def __init__(
        self,
        learner: Learner,
        classes: Sequence[str],
        steps_per_epoch: int,
        start=None,
        options: Training = ONE_DEVICE,
        adjustable: bool = False,
        on_device: bool = False,
    ):
        self.learner, self.classes, self.steps_per_epoch = learner, tuple(classes), steps_per_epoch
        self.start, self.options, self.adjustable = start, options, adjustable
        self.on_device, self._device = on_device, None
        self.model = None
        self.inner: np.ndarray | None = None
        self._schedule = None
        self._first_states: dict[int, list[np.ndarray]] = {}

    @property
    def recipe(self) -> Recipe:
        """By which it trains."""
        return self.learner.recipe

    def reset(self, seed: int) -> None:
        """Puts the model in the state that a fresh model built under `seed` would have."""
        with self._distributed():
            self._reset(seed)

    def use(self, recipe: Recipe, steps_per_epoch: int) -> None:
        """Trains by another recipe of the same architecture from now on, without compiling."""
        self.learner, self.steps_per_epoch = replace(self.learner, recipe=recipe), steps_per_epoch
        if self.model is None:
            return
        optimizer = self.model.optimizer
        if self._schedule is None:  # a plateau lowers the rate itself
            changed = optimizer._learning_rate
            changed.assign(recipe.learning_rate)
        else:
            changed = self._schedule.numbers
            self._schedule.follow(recipe, steps_per_epoch)
        place = [v is changed for v in optimizer.variables].index(True)
        self._first_optimizer[place] = _copies([changed])[0]
        self._rates = first_rates(optimizer)

    def fit(
        self,
        data,
        seed: int,
        callbacks: Sequence = (),
        validation=None,
        folder: Path | None = None,
        by_uf1: bool = False,
    ) -> dict[str, list[float]]:
        """Resets, trains for all epochs of the recipe, and returns the history by epoch.

        Args:
            data: `Arrays`, a `Part` of them, or `Rows` of a pool that stays on disk.
            seed: of weights, order and augmentation.
            callbacks: Keras callbacks of the caller's; they see what a validation gives.
            validation: samples of other people, by which the recipe's rule lowers the rate, stops,
                and chooses the epoch whose weights are kept; `None` keeps the last epoch's. The
                history then has `val_loss` and `val_accuracy`.
            folder: where the state of a long training is kept, so that a stopped one goes on, with
                its logs; `None` for a fold, which is trained in one go.
            by_uf1: choose the epoch by the UF1 of the validation (of action units, by their macro
                F1), whatever the recipe says; the history then has `inner_uf1` (`inner_macro_f1`).

        Raises:
            InputError: if the loss is no longer a number.
        """
        self.reset(seed)
        best = None
        if validation is not None:
            measure = ("macro_f1" if self.learner.multilabel else "uf1") if by_uf1 else None
            measure = measure or self.recipe.monitor
            best = BestEpoch(measure, self.predict, validation, _best_file(folder))
        own, resume = self._callbacks(seed, best, folder)
        first = 0 if resume is None else resume.restore(self.model)
        watched = self._watched(validation)
        swaps = [c for c in own if isinstance(c, keras.callbacks.SwapEMAWeights)]
        callbacks = [*own, *callbacks, *map(_KeepAverages, swaps)]
        if self.on_device and isinstance(data, Part):
            found = self._device_fit(data, seed, callbacks, watched)
        else:
            found = self._fed_fit(data, seed, callbacks, watched, resume, first)
        self.check_finite(found)
        return found

    def _watched(self, validation):
        """The batches of a validation, or `None`."""
        if validation is None:
            return None
        # Where training was told to balance, every class weighs alike: accuracy is UAR.
        weight = class_weights(validation, "balanced" if self.options.balance else None)
        weight = None if self.learner.multilabel else weight
        targets = target_rows(validation, self.recipe, weighted=False)
        return validation_graph(validation, self.recipe.batch_size, weight, targets)

    def _fed_fit(self, data, seed: int, callbacks: list, watched, resume, first: int) -> dict:
        """By Keras' `fit`, fed step by step."""
        recipe = self.recipe
        graph = training_graph(
            data,
            batch_size=recipe.batch_size,
            augment=recipe.augment,
            seed=seed,
            sample_weight=sample_weights(data, recipe),
            targets=target_rows(data, recipe),
            steps=self.steps_per_epoch,
            first_epoch=first,
        )
        with self._distributed():
            history = self.model.fit(
                graph,
                epochs=recipe.epochs,
                initial_epoch=first,
                steps_per_epoch=self.steps_per_epoch,
                validation_data=watched,
                shuffle=False,
                verbose=0,
                callbacks=[*callbacks, *([] if resume is None else [resume])],
            )
        return history.history if resume is None else resume.history()

    def _device_fit(self, data: Part, seed: int, callbacks: list, watched) -> dict:
        """By epochs that are programs."""
        from merzoo.training.on_device import device_fit

        weight = sample_weights(data, self.recipe)
        how = {"weight": weight, "callbacks": callbacks, "watched": watched}
        return device_fit(self.device(), data, self.recipe, seed, self.steps_per_epoch, **how)

    def device(self):
        """What trains the model by programs; made once."""
        if self._device is None:
            from merzoo.training.on_device import DeviceTraining

            def compile_rest(rest):
                compile_model(rest, self.recipe, self.model.optimizer, self.options, l2=False)

            self._device = DeviceTraining(self.model, compile_rest)
        return self._device

    def fit_fold(
        self,
        train: Arrays | Part,
        seed: int,
        fold: str,
        callbacks: Sequence = (),
        by_uf1: bool = False,
        draw: bool = False,
    ) -> dict[str, list[float]]:
        """Trains on a fold's training samples, by the recipe's validation rule.

        `inner` then holds the places, among these samples, of the inner people; `None` without any.

        Args:
            train: the training samples of the fold, and no others.
            seed: of weights, order, augmentation, and of who is drawn.
            fold: its name, which the draw depends on too.
            callbacks: Keras callbacks of the caller's.
            by_uf1: draw inner people whatever the recipe says, and keep the epoch with the best
                UF1 on them; the history then has `inner_uf1`.
            draw: draw inner people whatever the recipe says; where it watches nobody, they are
                only left out of training.
        """
        watched, self.inner = bool(self.recipe.validation) or by_uf1, None
        if not watched and not draw:
            return self.fit(train, seed, callbacks)
        rows, held = inner_split(train, seed, fold, self.recipe.validation or SHARE)
        inner, validation, self.inner = train.take(rows), train.take(held), held
        check_classes(inner, fold)
        if not watched:
            return self.fit(inner, seed, callbacks)
        if isinstance(validation, Part):
            validation = validation.arrays()
        return self.fit(inner, seed, callbacks, validation, by_uf1=by_uf1)

    def predict(self, data) -> np.ndarray:
        """Class probabilities (N, K) of the current weights, float32; labels are not read."""
        size = None if self.options.devices is None else self.recipe.batch_size
        with self._distributed():
            return self.learner.predict(self.model, data, size)

    def final(self):
        """A float32 model with the current weights, whatever the precision of training."""
        model = self.learner.build(len(self.learner.outputs(self.classes)))
        model.set_weights(self.model.get_weights())
        return model

    def facts(self) -> dict:
        """What was compiled, read from the model itself, as plain JSON types."""
        loss, optimizer = self.model.loss, self.model.optimizer
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # of loss scaling
        optimizers = getattr(optimizer, "optimizers", [optimizer])  # of the head and of the trunk
        norms = [v.regularizer for v in self.model.trainable_variables]
        return {
            "loss": loss if isinstance(loss, str) else type(loss).__name__,
            "loss_arguments": {} if isinstance(loss, str) else _numbers(loss),
            "l2": max((float(getattr(norm, "l2", 0.0)) for norm in norms), default=0.0),
            "optimizer": type(optimizers[0]).__name__,
            "optimizer_arguments": _numbers(optimizers[0]),
            "learning_rates": self._rates,
            "frozen_layers": [layer.name for layer in self.model.layers if not layer.trainable],
            "trained_weights": sum(int(np.prod(v.shape)) for v in self.model.trainable_variables),
            "precision": self.model.dtype_policy.name,
            "xla": bool(self.model.jit_compile),
        }

    def _distributed(self):
        return distributed(self.options.devices, self.recipe.batch_size)

    def _reset(self, seed: int) -> None:
        if seed not in self._first_states:
            model = self._built(seed)
            if self.start is not None:
                self.start.load_into(model, self.classes, self.learner)
            if self.model is None:
                self._compile(model)
            self._first_states[seed] = _copies(_states(model))
        _assign(_states(self.model), self._first_states[seed])
        _assign(self.model.optimizer.variables, self._first_optimizer)

    def _built(self, seed: int):
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(self.options.precision)
        try:
            with seeded(seed):
                return self.learner.build(len(self.learner.outputs(self.classes)))
        finally:
            keras.config.set_dtype_policy(before)

    def _compile(self, model) -> None:
        optimizer = self._optimizer(model)
        compile_model(model, self.recipe, optimizer, self.options)
        model.optimizer.build(model.trainable_variables)
        self._first_optimizer = _copies(model.optimizer.variables)
        self._rates = first_rates(model.optimizer)
        self.model = model

    def _optimizer(self, model):
        if self.adjustable and not self.recipe.plateau:
            optimizer, self._schedule = adjustable_optimizer(self.recipe, self.steps_per_epoch)
            return optimizer
        make = make_optimizer
        if self.start is not None:
            make = partial(self.start.optimizer, model, self.learner)
        return make(self.recipe, self.steps_per_epoch)

    def _callbacks(self, seed: int, best: BestEpoch | None, folder: Path | None):
        """The engine's own callbacks, and the last of all, which goes on with a stopped training.

        Their order matters, see `Resume`.
        """
        watching: list = [] if best is None else [best, *rule_callbacks(self.recipe)]
        if self.recipe.optimizer_arguments.get("use_ema"):  # first: the others see the averages
            watching = [keras.callbacks.SwapEMAWeights(swap_on_epoch=True), *watching]
        if folder is None:
            return [_SeedAtStart(seed), *watching], None
        state = folder / "state"
        state.mkdir(parents=True, exist_ok=True)
        found: list = [keras.callbacks.TerminateOnNaN(), *watching]
        if importlib.util.find_spec("tensorboard"):
            found.append(keras.callbacks.TensorBoard(folder / "logs", write_graph=False))
        found.append(Progress(self.recipe, self.steps_per_epoch))
        return found, Resume(state / "epoch.npz", found, seed)

    def check_finite(self, history: dict) -> None:
        """Raises `InputError` where the losses of a training are not numbers."""
        if not history.get("loss") or not np.isfinite(history["loss"]).all():
            raise InputError(
                f"The loss of recipe {self.recipe.name!r} is not finite any more: lower its "
                f"learning rate."
            )


def compile_model(
    model, recipe: Recipe, optimizer, options: Training = ONE_DEVICE, l2: bool = True
) -> None:
    """Compiles a network as a recipe says: its loss, the L2 norm of weights, its optimizer."""
    if l2:
        add_l2(model, recipe.l2)
    outputs = output_kind(model)
    model.compile(
        optimizer=optimizer,
        loss=make_loss(recipe, outputs),
        weighted_metrics=[make_accuracy(recipe, outputs)],
        jit_compile=options.xla and xla_pays(options.devices),
    )


class _SeedAtStart(keras.callbacks.Callback):
    """PyTorch's dropout draws from the global generator, which the first `fit` has moved on."""

    def __init__(self, seed: int):
        super().__init__()
        self.seed = seed

    def on_train_begin(self, logs=None):
        keras.utils.set_random_seed(self.seed)


class _KeepAverages(keras.callbacks.Callback):
    """Keras ends a training by taking the averages for the weights, but has swapped the two after
    an epoch that is the last because a callback ended the training; the last of the callbacks."""

    def __init__(self, swap: keras.callbacks.SwapEMAWeights):
        super().__init__()
        self.swap = swap

    def on_epoch_end(self, epoch, logs=None):
        if self.model.stop_training:
            self.swap._finalize_ema_values()


def _best_file(folder: Path | None) -> Path | None:
    return None if folder is None else folder / "state" / "best.weights.h5"


def _states(model) -> list:
    """Weights, moving averages and seed generators, but not the metrics, which `fit` resets."""
    metrics = {id(v) for v in model.metrics_variables}
    return [v for v in model.variables if id(v) not in metrics]


def _copies(variables) -> list[np.ndarray]:
    return [np.array(keras.ops.convert_to_numpy(v), copy=True) for v in variables]


def _assign(variables, values) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _numbers(part) -> dict:
    """The numbers and switches of a loss or an optimizer, but not its learning rate."""
    config = vars(part) | part.get_config()
    kept = {n: v for n, v in config.items() if isinstance(v, bool | int | float)}
    left_out = ("learning_rate", "built")
    return {n: v for n, v in kept.items() if not n.startswith("_") and n not in left_out}

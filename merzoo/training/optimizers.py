"""The optimizers that recipes name, with their schedules of the learning rate."""

import keras
import numpy as np
from keras import ops

from merzoo.training.recipes import Recipe


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
    return named_optimizer(recipe, rate)


def named_optimizer(recipe: Recipe, rate):
    """The optimizer that a recipe names, at a learning rate or by a schedule."""
    config = {"learning_rate": rate} | recipe.optimizer_arguments
    return keras.optimizers.get({"class_name": recipe.optimizer, "config": config})


def first_rates(optimizer, updates: int = 5) -> list[list[float]]:
    """The learning rates of the first updates, of each optimizer that a model has.

    >>> first_rates(make_optimizer(Recipe("x", schedule="cosine", epochs=2), 2), 3)
    [[0.001, 0.000853553, 0.0005]]
    """
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # of loss scaling
    found = []
    for one in getattr(optimizer, "optimizers", [optimizer]):
        rate = one._learning_rate
        values = [rate(update) if callable(rate) else rate for update in range(updates)]
        found.append([float(f"{float(ops.convert_to_numpy(v)):.6g}") for v in values])
    return found


class AdjustableSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A recipe's schedule, whose numbers can be changed after compiling.

    rate * decay^min(epoch, decay_until), times half a cosine to zero where `steps` is above 0: what
    `make_optimizer` gives for each kind of schedule.
    """

    def attach(self, optimizer) -> None:
        """Makes the numbers variables of `optimizer`, so that every backend sees their changes."""
        self.numbers = optimizer.add_variable((5,), dtype="float32", name="schedule")

    def follow(self, recipe: Recipe, steps_per_epoch: int) -> None:
        """Takes on the schedule of a recipe."""
        exponential = recipe.schedule == "exponential"
        self.numbers.assign(
            [
                recipe.learning_rate,
                recipe.epochs * steps_per_epoch if recipe.schedule == "cosine" else 0,
                steps_per_epoch,
                recipe.decay if exponential else 1,
                min(recipe.decay_until, recipe.epochs - 1),
            ]
        )

    def get_config(self) -> dict:
        """Nothing: its numbers are the optimizer's."""
        return {}

    def __call__(self, step):
        numbers = ops.unstack(ops.convert_to_tensor(self.numbers), 5)
        rate, steps, steps_per_epoch, decay, until = numbers
        step = ops.cast(step, "float32")
        epoch = ops.floor(ops.maximum(step - 1, 0.0) / steps_per_epoch)  # as Keras' boundaries
        rate = rate * decay ** ops.minimum(epoch, until)
        progress = ops.minimum(step / ops.maximum(steps, 1.0), 1.0)
        return ops.where(steps > 0, rate * 0.5 * (1 + ops.cos(np.pi * progress)), rate)


def adjustable_optimizer(recipe: Recipe, steps_per_epoch: int):
    """The optimizer of a recipe and its `AdjustableSchedule`."""
    schedule = AdjustableSchedule()
    optimizer = named_optimizer(recipe, schedule)
    schedule.attach(optimizer)
    schedule.follow(recipe, steps_per_epoch)
    return optimizer, schedule

"""One compiled model for all folds and trials of an architecture, whatever their learning rates.

Compiling costs seconds and a fold of a small network little more. Nothing that a schedule says has
to be compiled in: here its numbers are variables of the optimizer, and one formula covers constant,
cosine and exponential schedules. Epochs, class weights, augmentation and the test-time flip are no
part of the compiled step at all. So a model is compiled again only for another architecture or
another optimizer.
"""

import json
from collections import OrderedDict

import keras
import numpy as np
from keras import ops

from merzoo.preprocessing.augment import AUGMENTATIONS
from merzoo.training.recipes import Recipe, recipe_as_dict
from merzoo.training.trainer import Fitter

# Fields of a recipe that a compiled training step does not depend on.
NOT_COMPILED = {
    *("name", "about", "learning_rate", "schedule", "decay", "decay_until", "batch_size"),
    *("epochs", "class_weights", "augment", "test_time", "chosen_on"),
}
_KEEP_BYTES = 500e6  # of variables of compiled models that are kept


class AdjustableSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A recipe's schedule, whose numbers can be changed after compiling.

    rate * decay^min(epoch, decay_until), times half a cosine to zero where `steps` is above 0: what
    `make_optimizer` gives for each kind of schedule.
    """

    def attach(self, optimizer) -> None:
        """Makes the numbers variables of `optimizer`, so that every backend sees their changes."""
        self._numbers = optimizer.add_variable((5,), dtype="float32", name="schedule")

    def follow(self, recipe: Recipe, steps_per_epoch: int) -> None:
        """Takes on the schedule of a recipe."""
        exponential = recipe.schedule == "exponential"
        self._numbers.assign(
            [
                recipe.learning_rate,
                recipe.epochs * steps_per_epoch if recipe.schedule == "cosine" else 0,
                steps_per_epoch,
                recipe.decay if exponential else 1,
                min(recipe.decay_until, recipe.epochs - 1),
            ]
        )

    def __call__(self, step):
        numbers = ops.unstack(ops.convert_to_tensor(self._numbers), 5)
        rate, steps, steps_per_epoch, decay, until = numbers
        step = ops.cast(step, "float32")
        epoch = ops.floor(ops.maximum(step - 1, 0.0) / steps_per_epoch)  # as Keras' boundaries
        rate = rate * decay ** ops.minimum(epoch, until)
        progress = ops.minimum(step / ops.maximum(steps, 1.0), 1.0)
        return ops.where(steps > 0, rate * 0.5 * (1 + ops.cos(np.pi * progress)), rate)


class SharedFitter(Fitter):
    """A `Fitter` that takes on another recipe of the same architecture without compiling."""

    def use(self, recipe: Recipe, steps_per_epoch: int) -> None:
        """Trains by `recipe` from now on; see `compile_key` for what must stay the same."""
        self.recipe, self.steps_per_epoch = recipe, steps_per_epoch
        if self.model is not None:
            self._schedule.follow(recipe, steps_per_epoch)
            place = [v is self._schedule._numbers for v in self.model.optimizer.variables]
            numbers = np.array(ops.convert_to_numpy(self._schedule._numbers))
            self._first_optimizer[place.index(True)] = numbers

    def _optimizer(self, model, recipe: Recipe):
        self._schedule = AdjustableSchedule()
        config = {"learning_rate": self._schedule} | recipe.optimizer_arguments
        optimizer = keras.optimizers.get({"class_name": recipe.optimizer, "config": config})
        self._schedule.attach(optimizer)
        self._schedule.follow(recipe, self.steps_per_epoch)
        return optimizer


def compile_key(recipe: Recipe) -> str:
    """What two recipes must share to share a compiled model: all that is not `NOT_COMPILED`.

    >>> from dataclasses import replace
    >>> one = Recipe("one")
    >>> compile_key(one) == compile_key(replace(one, learning_rate=0.1, augment=("flip",)))
    True
    >>> compile_key(one) == compile_key(replace(one, optimizer="sgd"))
    False
    """
    compiled = {k: v for k, v in recipe_as_dict(recipe).items() if k not in NOT_COMPILED}
    # What mixes samples, and so labels, is no augmentation of one sample, and needs another loss.
    compiled["mixing"] = [name for name in recipe.augment if name not in AUGMENTATIONS]
    return json.dumps(compiled)


class Fitters:
    """The compiled models of one network, one for each architecture; the latest are kept.

    Args:
        model: name of the network.
        classes: their number.
    """

    def __init__(self, model: str, classes: int):
        self.model, self.classes = model, classes
        self.compiled = 0  # how many were compiled so far
        self._kept: OrderedDict[str, SharedFitter] = OrderedDict()

    def get(self, recipe: Recipe, steps_per_epoch: int) -> SharedFitter:
        """The fitter of a recipe: a kept one where the architecture was seen before."""
        from merzoo.models import create_model

        key = compile_key(recipe)
        fitter = self._kept.pop(key, None)
        if fitter is None:
            self._make_room()
            self.compiled += 1
            arguments = {"classes": self.classes} | recipe.model_arguments
            fitter = SharedFitter(
                lambda: create_model(self.model, **arguments), recipe, steps_per_epoch
            )
        fitter.use(recipe, steps_per_epoch)
        self._kept[key] = fitter
        return fitter

    def drop(self, recipe: Recipe) -> None:
        """Forgets the model of a recipe, after a failure that may have left it half made."""
        self._kept.pop(compile_key(recipe), None)

    def _make_room(self) -> None:
        def size(fitter):
            variables = [*fitter.model.variables, *fitter.model.optimizer.variables]
            return 4 * sum(np.prod(v.shape, dtype=float) for v in variables)

        while sum(size(f) for f in self._kept.values() if f.model) > _KEEP_BYTES:
            self._kept.popitem(last=False)

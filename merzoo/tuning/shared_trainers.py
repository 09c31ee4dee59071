"""One compiled model for all folds and trials of an architecture, whatever their learning rates.

Compiling costs seconds and a fold of a small network little more. Nothing that a schedule says has
to be compiled in (see `merzoo.training.optimizers.AdjustableSchedule`), and epochs, class weights,
augmentation and the test-time flip are no part of the compiled step at all. So a model is compiled
again only for another architecture or another optimizer.
"""

import json
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from merzoo.preprocessing.augment import AUGMENTATIONS
from merzoo.training.learner import Learner
from merzoo.training.recipes import Recipe, recipe_as_dict
from merzoo.training.trainer import Trainer

# Fields of a recipe that a compiled training step does not depend on.
NOT_COMPILED = {
    *("name", "about", "learning_rate", "schedule", "decay", "decay_until", "batch_size"),
    *("epochs", "class_weights", "augment", "test_time", "chosen_on", "preprocessing"),
    *("validation", "monitor", "plateau", "factor", "stop", "protocol", "labels"),
}
_KEEP_BYTES = 500e6  # of variables of compiled models that are kept


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
    compiled["plateau"] = bool(recipe.plateau)  # lowers a rate that no schedule may hold
    return json.dumps(compiled)


class SharedTrainers:
    """The compiled models of one network, one for each architecture; the latest are kept.

    Args:
        learner: the network, by any recipe.
        classes: their names.
        on_device: as of `Trainer`.
    """

    def __init__(self, learner: Learner, classes: Sequence[str], on_device: bool = False):
        self.learner, self.classes, self.on_device = learner, tuple(classes), on_device
        self.compiled = 0  # how many were compiled so far
        self._kept: OrderedDict[str, Trainer] = OrderedDict()

    def get(self, recipe: Recipe, steps_per_epoch: int) -> Trainer:
        """The trainer of a recipe: a kept one where the architecture was seen before."""
        key = compile_key(recipe)
        trainer = self._kept.pop(key, None)
        if trainer is None:
            self._make_room()
            self.compiled += 1
            learner = self.learner.with_recipe(recipe)
            trainer = Trainer(
                learner,
                self.classes,
                steps_per_epoch,
                adjustable=True,
                on_device=self.on_device,
            )
        trainer.use(recipe, steps_per_epoch)
        self._kept[key] = trainer
        return trainer

    def drop(self, recipe: Recipe) -> None:
        """Forgets the model of a recipe, after a failure that may have left it half made."""
        self._kept.pop(compile_key(recipe), None)

    def _make_room(self) -> None:
        def size(trainer):
            variables = [*trainer.model.variables, *trainer.model.optimizer.variables]
            return 4 * sum(np.prod(v.shape, dtype=float) for v in variables)

        while sum(size(t) for t in self._kept.values() if t.model) > _KEEP_BYTES:
            self._kept.popitem(last=False)

"""`Learner`: what is trained, resolved once: a builder, its inputs and its recipe.

Every verb takes a registered name, a builder (any callable that returns a Keras model whose inputs
are named after modalities), a Keras model (whose configuration is the builder), a scikit-learn
estimator, and as text `module:function`, `file.py:function` or the path of a `.keras` file. A
learner carries the builder itself, not its name, so it travels to worker processes and clusters,
which never look a name up again.

`predict` is the only place where a network's outputs become probabilities.
"""

import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from merzoo import modalities
from merzoo.data.unit_labels import unit_table
from merzoo.errors import InputError
from merzoo.preprocessing.arrays import Arrays
from merzoo.training.builders import (
    call_builder,
    fingerprint,
    inputs_of,
    is_estimator,
    named_builder,
    seeded_by,
    takes,
)
from merzoo.training.probabilities import PADDED, YES_OR_NO, output_kind, predict
from merzoo.training.recipes import MULTILABEL_LOSS, Recipe, change_recipe, get_recipe


@dataclass(frozen=True)
class Learner:
    """A network or estimator that can be built afresh, with the recipe that it is trained by.

    Args:
        name: for people and cards: `"ststnet"`, `"mynets:MyNet"`, the name of a Keras model.
        builder: called with the recipe's `model_arguments` and, where it takes it, `classes`.
        recipe: how it is trained; its `model_arguments` are all arguments of the builder.
        inputs: modality -> shape of one sample; `None` for an estimator that takes whatever
            modality the samples hold.
        kind: `"network"` or `"estimator"`.
        entry: the register's `ModelEntry`, or `None` for a network of one's own.
        origin: the text by which it can be found again, or `None` for an object.
        token: tells learners apart; what was built for one is kept by it.
    """

    name: str
    builder: Callable = field(repr=False)
    recipe: Recipe
    inputs: dict[str, tuple[int, ...]] | None
    kind: str = "network"
    entry: Any = field(default=None, repr=False)
    origin: str | None = None
    token: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __getstate__(self) -> dict:
        return self.__dict__ | {"modalities": modalities.own()}  # which a worker does not know

    def __setstate__(self, state: dict) -> None:
        modalities.learn(state["modalities"])
        self.__dict__.update({n: value for n, value in state.items() if n != "modalities"})

    @property
    def takes_maps(self) -> bool:
        """Of an estimator: whether it takes samples in their shape, and whose each is (merzoo's
        do); scikit-learn's take one row of numbers a sample."""
        return self.inputs is not None

    @property
    def deterministic(self) -> bool:
        """Whether every seed gives the same: an estimator that takes no `random_state`."""
        if self.kind != "estimator":
            return False
        return not seeded_by(call_builder(self.builder, self.recipe.model_arguments, self.name))

    @property
    def multilabel(self) -> bool:
        """Whether it says yes or no of each action unit, instead of naming one class."""
        return self.recipe.loss == MULTILABEL_LOSS

    @property
    def arguments(self) -> dict:
        """All arguments of the builder but the number of classes: the recipe's, and of a learner of
        action units the activation that says yes or no."""
        own = dict(self.recipe.model_arguments)
        if self.multilabel and takes(self.builder, "classifier_activation"):
            return {"classifier_activation": "sigmoid"} | own
        return own

    def outputs(self, classes: Sequence[str]) -> tuple[str, ...]:
        """What a network's outputs stand for: the classes, or the units that they combine.

        Raises:
            InputError: for a learner of action units and classes that are no combinations of them.
        """
        return unit_table(classes)[0] if self.multilabel else tuple(classes)

    def build(self, classes: int):
        """A fresh Keras model, or scikit-learn estimator, for a number of classes (or units).

        Raises:
            InputError: if the builder makes one for another number of classes.
        """
        arguments = self.arguments
        if takes(self.builder, "classes"):
            arguments = {"classes": classes} | arguments
        built = call_builder(self.builder, arguments, self.name)
        if self.kind == "network" and built.output_shape[-1] != classes:
            raise InputError(
                f"{self.name} has {built.output_shape[-1]} outputs, but there are {classes} "
                f"{'units' if self.multilabel else 'classes'}; give its builder an argument "
                f"'classes'."
            )
        return built

    def fingerprint(self, classes: int) -> str | None:
        """What tells networks or estimators of one's own apart that go by one name; `None` of the
        register's, which name and arguments tell apart."""
        return None if self.entry is not None else fingerprint(self.build(classes))

    def with_recipe(self, recipe: Recipe) -> "Learner":
        """The same learner by another recipe; its inputs follow the recipe's arguments."""
        if recipe.model_arguments == self.recipe.model_arguments:
            return replace(self, recipe=recipe)
        built = call_builder(self.builder, recipe.model_arguments, self.name)
        return replace(self, recipe=recipe, inputs=inputs_of(built, self.name))

    def take(self, samples: Arrays) -> Arrays:
        """The modalities of samples that the learner takes, checked against inputs and classes.

        Raises:
            InputError: for a modality that is missing or of another shape, or classes of another
                number than the recipe, its weights of classes, or a network of one's own has.
        """
        outputs = self.outputs(samples.classes)
        classes = self.recipe.model_arguments.get("classes", len(outputs))
        if classes != len(outputs):
            raise InputError(
                f"recipe {self.recipe.name} asks for a {classes}-class {self.name}, but "
                f"{samples.source} has {len(outputs)} {'units' if self.multilabel else 'classes'}: "
                f"{', '.join(outputs)}."
            )
        self.recipe.check_classes(len(samples.classes))
        inputs = self._inputs_among(samples)
        held = {name: samples.modalities[name].shape[1:] for name in samples.modalities}
        for name, shape in inputs.items():
            if name not in held:
                raise InputError(
                    f"{self.name} takes {', '.join(inputs)}, but {samples.source} holds "
                    f"{', '.join(sorted(held))}: {name!r} is missing."
                )
            if tuple(shape) != tuple(held[name]):
                raise InputError(
                    f"{self.name} takes {name!r} of shape {tuple(shape)}, but {samples.source} "
                    f"holds {tuple(held[name])}."
                )
        if self.entry is None:
            self.build(len(outputs))  # whether it has as many outputs
        return samples.with_modalities({name: samples.modalities[name] for name in inputs})

    def _inputs_among(self, samples: Arrays) -> dict[str, tuple[int, ...]]:
        if self.inputs is not None:
            return self.inputs
        if len(samples.modalities) != 1:
            raise InputError(
                f"{self.name} does not say which modality it takes of "
                f"{', '.join(sorted(samples.modalities))}: give it an attribute 'inputs', such as "
                f"{{'flow_image': (28, 28, 3)}}, or samples of one modality."
            )
        return {name: array.shape[1:] for name, array in samples.modalities.items()}

    def predict(self, model, data, batch_size: int | None = None) -> np.ndarray:
        """Class probabilities by the recipe's test-time rule; see `predict`."""
        size = batch_size or min(self.recipe.batch_size, PADDED)
        kind = self.output_kind(model)
        return predict(model, data, test_time=self.recipe.test_time, batch_size=size, kind=kind)

    def output_kind(self, model) -> str:
        """What a network of this learner's puts out; see `output_kind`."""
        kind = output_kind(model)
        if self.multilabel:
            return "logits of yes or no" if kind == "logits" else "yes or no"
        kind = "unknown" if kind in YES_OR_NO else kind
        if kind == "unknown" and self.recipe.loss == "margin":
            return "lengths"  # which that loss trains
        return kind


def resolve(
    model, recipe: Recipe | str | os.PathLike | None = None, *, arguments: Mapping | None = None
) -> Learner:
    """Makes a learner of whatever names a network.

    Args:
        model: a registered name, `"module:function"`, `"file.py:function"`, the path of a `.keras`
            file, a builder, a Keras model, a scikit-learn estimator, or a `Learner` (kept).
        recipe: a `Recipe`, a name of one, the path of a `.json`; `None` for the model's own, which
            is `"default"` for a network of one's own.
        arguments: of the builder, over the recipe's.

    Raises:
        InputError: for an unknown name, a builder that cannot be called so, inputs that are no
            modalities, or outputs that are no classes.

    Example:

    >>> learner = resolve("ststnet")
    >>> learner.inputs, learner.build(5).output_shape
    ({'flow_image': (28, 28, 3)}, (None, 5))
    """
    if isinstance(model, Learner):
        chosen = model.recipe if recipe is None else get_recipe(recipe)
        changes = chosen.model_arguments | dict(arguments or {})
        return model.with_recipe(change_recipe(chosen, model_arguments=changes))
    name, builder, entry = named_builder(model)
    recipe = get_recipe(recipe, default=entry.recipe if entry else "default")
    if arguments:
        recipe = replace(recipe, model_arguments=recipe.model_arguments | dict(arguments))
    built = call_builder(builder, recipe.model_arguments, name)
    kind = "estimator" if is_estimator(built) else "network"
    origin = os.fspath(model) if isinstance(model, str | os.PathLike) else None
    if origin is None and entry is not None:
        origin = entry.name
    return Learner(name, builder, recipe, inputs_of(built, name), kind, entry, origin)


def check_classes(train: Arrays, fold: str) -> None:
    """Raises `InputError` where a fold's training samples are all of one class."""
    if len(set(train.label.tolist())) < 2:
        raise InputError(
            f"fold {fold}: its {len(train)} training samples are all of class "
            f"{train.classes[train.label[0]]!r}; nothing can be learnt from one class."
        )

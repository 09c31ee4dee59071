"""`Start`: pretrained weights that a training starts from, and how far each layer may move.

The weights are loaded into the very network that they were trained as, so nothing is skipped;
layers are then copied by name. Only the class head may differ, and only where the classes do.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import keras

from merzoo.arguments import real_number
from merzoo.errors import InputError, unknown
from merzoo.names import known_people
from merzoo.training.learner import Learner
from merzoo.training.optimizers import make_optimizer
from merzoo.training.recipes import Recipe
from merzoo.weights import WeightsEntry
from merzoo.weights import load as load_file
from merzoo.weights.entry import ENTRY_FILE
from merzoo.weights.load import locate


@dataclass(frozen=True)
class Start:
    """What training starts from.

    Args:
        entry: what is known of the weights.
        file: the `.weights.h5` file.
        freeze: `None`, or the name of the last layer that is kept as it is: that layer and all
            before it are not trained, and their batch normalisation uses its stored averages.
        trunk_rate: factor of the learning rate for every layer but the class head.
        text: by which the weights were named.
    """

    entry: WeightsEntry
    file: Path
    freeze: str | None = None
    trunk_rate: float = 1.0
    text: str = field(default="", compare=False)

    def __post_init__(self):
        real_number("trunk_rate", self.trunk_rate, least=0, above=True)  # freeze= keeps layers

    def load_into(self, model, classes: Iterable[str], learner: Learner | None = None) -> None:
        """Puts the weights into a just built model, and freezes what is to be frozen.

        The class head keeps its fresh values unless the weights are of the same classes in the
        same order.

        Args:
            model: just built.
            classes: names of its classes.
            learner: whose builder made it; `None` for the register's.

        Raises:
            InputError: if any other layer does not fit exactly, or nothing would be trained.
        """
        arguments = plain_arguments(self.entry)
        source = self._built(len(self.entry.classes), learner)
        load_file(source, self.file)
        fresh = set() if tuple(classes) == self.entry.classes else self._head(learner)
        given, taken = _weighted(source, learner), _weighted(model, learner)
        for name in sorted(set(given) ^ set(taken)):
            holder = self.entry.id if name in given else model.name
            raise InputError(
                f"{self.entry.id} does not fit {model.name}: only {holder} has a layer {name!r}; "
                f"build the model with the arguments of the weights, {json.dumps(arguments)}."
            )
        for name, layer in taken.items():
            if name not in fresh:
                _copy(given[name], layer, self.entry.id)
        self._freeze(model)

    def optimizer(self, model, learner: Learner | None, recipe: Recipe, steps_per_epoch: int):
        """The optimizer of a recipe for a model; one more for the trunk where its rate differs."""
        ours = make_optimizer(recipe, steps_per_epoch)
        if self.trunk_rate == 1.0:
            return ours
        slower = replace(recipe, learning_rate=recipe.learning_rate * self.trunk_rate)
        slower = make_optimizer(slower, steps_per_epoch)
        layers = _weighted(model, learner)
        head = {id(v) for name in self._head(learner) for v in layers[name].variables}
        return keras.optimizers.MultiOptimizer(lambda v: ours if id(v) in head else slower)

    def check_unseen(self, subjects: Iterable[str], source: str) -> None:
        """Raises `InputError` if the weights have seen any of the subjects, however spelt."""
        check_people(subjects, self.entry.subjects, self.entry.id, source)

    def card(self) -> dict:
        """What a protocol says of the start, as plain JSON types."""
        return self.entry.as_dict() | {"freeze": self.freeze, "trunk_rate": self.trunk_rate}

    def named(self) -> dict:
        """The arguments of `find_start` that find this start again."""
        return {
            "pretrained": self.text or str(self.file),
            "network": self.entry.network,
            "freeze": self.freeze,
            "trunk_rate": self.trunk_rate,
        }

    def _head(self, learner: Learner | None) -> set[str]:
        """Names of the layers whose weights depend on the number of classes."""
        one, other = (_weighted(self._built(n, learner), learner) for n in (2, 3))
        return {name for name in one if _shapes(one[name]) != _shapes(other[name])}

    def _built(self, classes: int, learner: Learner | None):
        """The network that the weights were trained as, for a number of classes."""
        from merzoo.models import create_model

        arguments = plain_arguments(self.entry)
        if learner is None or learner.entry is not None:
            return create_model(self.entry.network, classes=classes, **arguments)
        recipe = replace(learner.recipe, model_arguments=arguments)
        return replace(learner, recipe=recipe).build(classes)

    def _freeze(self, model) -> None:
        if self.freeze is None:
            return
        names = [layer.name for layer in model.layers]
        if self.freeze not in names:
            raise unknown(f"layer of {model.name}", self.freeze, names)
        for layer in model.layers[: names.index(self.freeze) + 1]:
            layer.trainable = False
        if not model.trainable_weights:
            raise InputError(f"freeze={self.freeze!r} leaves no layer to train.")


def check_people(subjects: Iterable[str], seen: Iterable[str], weights: str, source: str) -> None:
    """Raises `InputError` if subjects to be tested are among those seen, however spelt.

    Args:
        subjects: `"dataset/subject"`, to be tested.
        seen: likewise, of the training; patterns such as `"fer2013/*"` too.
        weights, source: how the weights and the data are called.
    """
    found = known_people(subjects, seen)
    if found:
        shown = ", ".join(found[:3]) + (", ..." if len(found) > 3 else "")
        raise InputError(
            f"{weights} has been trained on {len(found)} of the subjects of {source} "
            f"({shown}): a test on them would measure memory. Leave them out, or start from "
            f"other weights."
        )


def find_start(
    pretrained: str | os.PathLike, network: str, freeze: str | None = None, trunk_rate: float = 1.0
) -> Start:
    """A `Start` from what the user names.

    Args:
        pretrained: the folder of a training run, its `weights.json` or its `.weights.h5` file, or
            a tag of the weights manifest.
        network: name of the variant.
        freeze, trunk_rate: see `Start`.

    Raises:
        InputError: if there is nothing there, it is another network's, its file is not the one
            that was described, or nothing says what it has seen.
    """
    file, entry = locate(pretrained, network)
    if entry is None:
        raise InputError(
            f"{pretrained}: no {ENTRY_FILE} there that describes weights, so it is not known whom "
            f"they have seen; give the folder that merzoo pretrain wrote."
        )
    return Start(entry, file.resolve(), freeze, float(trunk_rate), str(pretrained))


def plain_arguments(entry: WeightsEntry) -> dict:
    """The builder's arguments of an entry, with tuples where JSON had lists."""
    return {n: _tuples(v) for n, v in entry.model_arguments.items() if n != "classes"}


def _weighted(model, learner: Learner | None) -> dict:
    """Name -> layer, of layers with weights; by kind and place in a network of one's own, whose
    layers Keras names by how many the process has built."""
    layers = [layer for layer in model.layers if layer.weights]
    if learner is None or learner.entry is not None:
        return {layer.name: layer for layer in layers}
    return {f"{type(layer).__name__} {place}": layer for place, layer in enumerate(layers, 1)}


def _shapes(layer) -> list[tuple]:
    return [tuple(weight.shape) for weight in layer.weights]


def _copy(given, layer, owner: str) -> None:
    if _shapes(given) != _shapes(layer):
        raise InputError(
            f"{owner} does not fit: its layer {layer.name!r} has weights of {_shapes(given)}, "
            f"the model's {_shapes(layer)}; build the model with the arguments of the weights."
        )
    layer.set_weights(given.get_weights())


def _tuples(value):
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value

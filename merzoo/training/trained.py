"""A trained network from whatever names it, for verbs that use one: predict, explain, export."""

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from merzoo.errors import InputError
from merzoo.training.builders import call_builder, named_builder
from merzoo.training.probabilities import output_kind
from merzoo.weights import WeightsEntry
from merzoo.weights.keras_file import load_keras
from merzoo.weights.load import fitting_arguments, locate

RANDOM = "random"  # the word for weights that know nothing; never taken unless it is said


@dataclass(frozen=True)
class Trained:
    """A network with its weights.

    Args:
        name: for people.
        model: the `keras.Model`.
        weights: by which its weights were named, or `None` for a model that had them.
        entry: what is known of the weights, or `None`.
    """

    name: str
    model: Any = field(repr=False)
    weights: str | None = None
    entry: WeightsEntry | None = field(default=None, repr=False)

    @property
    def units(self) -> tuple[str, ...] | None:
        """The action units that its outputs say yes or no of; `None` for a network of classes.

        Raises:
            InputError: where its outputs are such, but nothing says of which units.
        """
        if output_kind(self.model) != "yes or no":
            return None
        if self.entry is None:
            raise InputError(
                f"{self.name} ends in a sigmoid, but nothing says which action units its outputs "
                f"are: give weights with a weights.json, such as --weights synthetic-au."
            )
        return self.entry.classes

    @property
    def preprocessing(self) -> dict:
        """The choices of preprocessing that the weights were trained with, where it is known."""
        return dict(self.entry.preprocessing) if self.entry else {}


def load_trained(
    model, weights: str | os.PathLike | None = None, classes: Sequence[str] | None = None
) -> Trained:
    """A network with weights that were trained.

    Args:
        model: a Keras model or the path of a `.keras` file, which have their weights; or a
            registered name, a builder or `"module:function"`.
        weights: for the latter: tag, folder of a training run, path of a `.weights.h5` file, or
            `"random"`.
        classes: names of the classes, where nothing else says how many there are.

    Raises:
        InputError: for a model without weights or weights without a model, or two that do not fit.

    Example:

    >>> load_trained("ststnet", "synthetic").entry.id
    'ststnet.synthetic'
    """
    file = isinstance(model, str | os.PathLike) and str(model).endswith(".keras")
    if file or _is_built(model):
        if weights is not None:
            raise InputError("weights are for a model given by name; load them into yours first.")
        built = load_keras(model) if file else model
        return Trained(os.path.basename(model) if file else model.name, built)
    name, builder, entry = named_builder(model)
    if entry is not None and entry.kind != "network":
        raise InputError(f"{name} is no network: this is for networks only.")
    if weights is None or str(weights).lower() == "none":
        raise InputError(
            f"{name}: name its weights (--weights): a tag of merzoo weights list, the folder of a "
            f"training run, a .weights.h5 file; or say 'random' for weights that know nothing."
        )
    counted = {} if not classes else {"classes": len(classes)}
    if str(weights) == RANDOM:
        warnings.warn(f"{name} has random weights: its answers mean nothing.", stacklevel=2)
        return Trained(name, call_builder(builder, counted, name), RANDOM)
    _, known = locate(weights, name)
    arguments = fitting_arguments(name, {"weights": weights} | ({} if known else counted))
    if entry is not None:
        return Trained(name, call_builder(builder, arguments, name), str(weights), known)
    from merzoo.weights import load

    path = arguments.pop("weights")
    built = call_builder(builder, arguments, name)
    load(built, path)
    return Trained(name, built, str(weights), known)


def _is_built(model) -> bool:
    import keras

    return isinstance(model, keras.Model)

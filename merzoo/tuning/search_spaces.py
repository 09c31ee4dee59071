"""Search spaces as data: what `merzoo tune` may change of a network and of its recipe.

A space is a dictionary, name -> values. A name is a field of `Recipe` (`learning_rate`, `epochs`,
...) or an argument of the network's builder (`dropout`, `fusion`, ...). Values are a list to choose
from, or `{"low": ..., "high": ...}`: a range that is searched on a logarithmic scale. The same form
in a JSON file is a space of one's own.

The batch size is left out: at these sizes it does little that the learning rate does not do.
"""

import inspect
from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from merzoo.errors import InputError, unknown
from merzoo.schema import read_json
from merzoo.training.recipe_limits import check_fields
from merzoo.training.recipes import Recipe

# Arguments of the optimizers that a search may pick, where the recipe's own is another one.
OPTIMIZER_ARGUMENTS = {"adam": {}, "adamw": {"weight_decay": 0.01}, "sgd": {"momentum": 0.9}}

_NOT_SEARCHED = {"name", "about", "optimizer_arguments", "protocol", "labels", "chosen_on"}
_NOT_SEARCHED |= {"preprocessing", "validation", "monitor", "plateau", "factor", "stop"}
_WHOLE = ("batch_size", "epochs")  # numbers that are rounded where they come from a range

# Switches of the papers' tables and sizes, by builder. A network without any is searched by how it
# is trained alone.
ARCHITECTURES = {
    "AlexNet": {"dropout": [0.3, 0.5, 0.7]},
    "BroadbentNet": {
        "attention": ["broadbent", None],
        "attention_dim": [8, 16, 32],
        "dropout": [0.3, 0.5],
    },
    "CVANet": {
        "direction": ["vertical", "horizontal", "both"],
        "continuous": [True, False],
        "prior_activation": [None, "sigmoid"],
        "fpf": ["swin", "vit", None],
        "frames": ["dual", "onset", "apex"],
        "au": [True, False],
    },
    "CapsuleNet": {"iterations": [1, 2, 3], "class_width": [8, 16]},
    "DFRNet": {
        "features": ["TSD", "SD", "TD", "TS"],
        "fusion": ["attention", "add", "mul", "cat"],
        "gate": ["relu", "sigmoid"],
        "stages": [1, 2, 3],
        "attention": [["ca", "sa"], ["ca"], ["sa"], []],
        "ca_pool": ["sum_then_mlp", "mlp_then_sum"],
    },
    "DSSN": {"fusion": ["multiply", "add", "concatenate"], "dropout": [0.3, 0.5, 0.7]},
    "DenseMixedNet": {
        "block": ["dense", "residual"],
        "attention": ["mixed", "channel", "spatial", None],
        "attention_at": ["last", "each"],
        "reduction": [4, 8],
    },
    "DualInception": {
        "preparation": [None, "flow"],
        "flow_channels": [3, 1],
        "dense_units": [1024, 256],
    },
    "HTNet": {"preparation": [None, "flow"], "depths": [[2, 2, 10], [2, 2, 2]]},
    "KeyRegionNet": {
        "share_block_weights": [False, True],
        "ib_units": [32, 64],
        "lstm_units": [64, 128],
        "dropout": [0.3, 0.5],
    },
    "OffApexNet": {
        "preparation": [None, "flow"],
        "dense_units": [[1024, 1024], [256, 256]],
        "dropout": [0.3, 0.5, 0.7],
    },
    "RCN": {
        "preparation": [None, "flow"],
        "filters": [64, 32],
        "pool_size": [7, 5],
        "dropout": [0.3, 0.5],
    },
    "SSSN": {"quantity": ["strain", "magnitude"], "dropout": [0.3, 0.5, 0.7]},
    "STSTNet": {"preparation": [None, "flow"], "dropout": [0.3, 0.5, 0.7]},
}


Values = Annotated[list[Any], Meta(min_length=1)]


class Range(msgspec.Struct, forbid_unknown_fields=True):
    """A range of numbers in a search space, searched on a logarithmic scale."""

    low: Annotated[float, Meta(gt=0)]
    high: Annotated[float, Meta(gt=0)]


def search_space(model, recipe: Recipe | None = None) -> dict:
    """The space that is searched for a network where none is given.

    The recipe's own settings are among the values: a search starts from them.

    Args:
        model: a network of `merzoo.list_models(kind="network")`, or a `Learner`.
        recipe: to start from; `None` for the network's own.

    Returns:
        Name -> list of values, or `{"low": ..., "high": ...}`.

    Raises:
        InputError: for an unknown model, or one that is not a Keras network.

    Example:

    >>> space = search_space("ststnet")
    >>> space["dropout"], space["learning_rate"]
    ([0.3, 0.5, 0.7], {'low': 0.0001, 'high': 0.01})
    """
    from merzoo.training.recipes import get_recipe

    found = network(model)
    recipe = recipe or get_recipe(None, default=found.recipe)
    augment = [[], ["flip"], ["flip", "crop-15"]]
    if "preparation" not in _builder_arguments(found):  # a flow image cannot be rotated
        augment.append(["flip", "crop-15", "rotate-8"])
    space = {
        "learning_rate": {
            "low": _round(recipe.learning_rate / 10),
            "high": _round(recipe.learning_rate * 10),
        },
        "optimizer": list(OPTIMIZER_ARGUMENTS),
        "schedule": ["constant", "cosine"],
        "class_weights": [None, "sqrt", "balanced"],
        "augment": augment,
        "test_time": [None, "flip"],
        "epochs": sorted({max(1, recipe.epochs // 2), recipe.epochs, 2 * recipe.epochs}),
    }
    switches = ARCHITECTURES.get(getattr(found.builder, "__name__", ""), {})
    space |= {n: v for n, v in switches.items() if n not in found.arguments}
    return with_defaults(space, model, recipe)


def read_space(path: str | Path) -> dict:
    """A space from a JSON file; raises `InputError` for a damaged one."""
    content = read_json(path, dict[str, Range | Values])
    if not content:
        raise InputError(f"{path}: a search space is a dictionary, name -> values; it is empty.")
    return content


def with_defaults(space: dict, model, recipe: Recipe) -> dict:
    """A checked space, to which the recipe's own settings are added where they are missing.

    Raises:
        InputError: for a name that is neither a field of a recipe nor an argument of the network,
            or values that are neither a list nor a range.
    """
    found = network(model)
    recipe_names = {f.name for f in fields(Recipe)} - _NOT_SEARCHED
    known = (recipe_names | set(_builder_arguments(found))) - {"model_arguments", "classes"}
    checked = {}
    for name, values in space.items():
        if name not in known:
            raise unknown("search parameter", name, known, f"It is for {found.name}.")
        own = _plain(_own_value(name, found, recipe))
        _check_limits(name, values, recipe_names)
        if isinstance(values, dict):
            checked[name] = _checked_range(name, values, own)
        elif isinstance(values, list | tuple) and values:
            values = [_plain(value) for value in values]
            checked[name] = values if own in values else _with(own, values)
        else:
            raise InputError(
                f"search parameter {name}: {values!r} is neither a list of values nor a range "
                f"such as {{'low': 0.0001, 'high': 0.01}}."
            )
    return checked


def _check_limits(name: str, values, recipe_names: set[str]) -> None:
    """Refuses values that a recipe's field may not have, also those that no trial would reach."""
    if name not in recipe_names:
        return
    each = values
    if isinstance(values, dict):
        each = [value for end, value in values.items() if end in ("low", "high")]
    for value in each if isinstance(each, list | tuple) else ():
        try:
            check_fields({name: tuple(value) if isinstance(value, list) else value})
        except InputError as error:
            raise InputError(f"search parameter {error}") from None


def recipe_of(space: dict, values: dict, base: Recipe, name: str = "tuned") -> Recipe:
    """The recipe that a trial's values stand for.

    Args:
        space: as `search_space` gives it.
        values: name -> label of a value (see `label`), or a number in a range.
        base: for all that the space leaves out.
        name: of the new recipe.

    Raises:
        InputError: for settings that no recipe can have.

    >>> space = {"dropout": [0.5, 0.3], "epochs": [12, 24]}
    >>> recipe = recipe_of(space, {"dropout": "0.3", "epochs": "24"}, Recipe("x"))
    >>> recipe.epochs, recipe.model_arguments
    (24, {'dropout': 0.3})
    """
    chosen = {}
    for key, values_of_key in space.items():
        if isinstance(values_of_key, dict):
            number = _round(values[key])
            chosen[key] = round(number) if key in _WHOLE else number
        else:
            chosen[key] = {label(v): v for v in values_of_key}[values[key]]
    recipe_names = {f.name for f in fields(Recipe)}
    changes = {key: value for key, value in chosen.items() if key in recipe_names}
    arguments = {key: value for key, value in chosen.items() if key not in recipe_names}
    if changes.get("optimizer", base.optimizer) != base.optimizer:
        changes["optimizer_arguments"] = OPTIMIZER_ARGUMENTS.get(changes["optimizer"], {})
    return replace(base, name=name, model_arguments=base.model_arguments | arguments, **changes)


def label(value) -> str:
    """A value as the text that KerasTuner keeps, which knows neither `None` nor lists.

    >>> label(None), label([]), label(["ca", "sa"]), label(0.5)
    ('none', 'none', 'ca+sa', '0.5')
    """
    if value is None or value == []:
        return "none"
    return "+".join(map(str, value)) if isinstance(value, list) else str(value)


def hyperparameters(space: dict, model, recipe: Recipe, *, grid: bool = False):
    """The space as KerasTuner's `HyperParameters`, whose defaults are the recipe's settings.

    Args:
        space: as `search_space` gives it.
        model: the network: its name, or a `Learner`.
        recipe: that the search starts from.
        grid: five values for each range, for a search that cannot take a range.
    """
    import keras_tuner
    import numpy as np

    found = keras_tuner.HyperParameters()
    for name, values in space.items():
        own = _plain(_own_value(name, network(model), recipe))
        if isinstance(values, list):
            found.Choice(name, [label(value) for value in values], default=label(own))
        elif grid:
            steps = {_round(v) for v in np.geomspace(values["low"], values["high"], 5)}
            found.Choice(name, sorted({_round(own), *steps}), default=_round(own))
        else:
            found.Float(name, values["low"], values["high"], sampling="log", default=own)
    return found


def network(model):
    """The register's entry of a network, or one made for a network of one's own.

    Args:
        model: a name, or a `Learner`.

    Raises:
        InputError: for anything that is not a Keras network.
    """
    from merzoo.models.registry import ModelEntry
    from merzoo.training.learner import Learner, resolve

    learner = model if isinstance(model, Learner) else resolve(model)
    if learner.kind != "network":
        raise InputError(
            f"{learner.name} is a scikit-learn estimator, and what is searched here is Keras "
            f"networks; merzoo list shows them."
        )
    return learner.entry or ModelEntry(learner.name, learner.builder, recipe="default")


def _checked_range(name: str, values: dict, own) -> dict:
    numbers = [values.get("low"), values.get("high")]
    if not all(isinstance(n, int | float) for n in numbers) or not 0 < numbers[0] < numbers[1]:
        raise InputError(f"search parameter {name}: a range needs 0 < low < high, got {values}.")
    if not isinstance(own, int | float):
        raise InputError(f"search parameter {name}: {own!r} cannot be searched by a range.")
    return {"low": min(numbers[0], own), "high": max(numbers[1], own)}


def _with(own, values: list) -> list:
    values = [own, *values]
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    return sorted(values) if numbers else values


def _builder_arguments(found) -> dict:
    parameters = inspect.signature(found.builder).parameters
    return {n: p.default for n, p in parameters.items() if n not in ("name", "weights")}


def _own_value(name: str, found, recipe: Recipe):
    """What the recipe (or the builder, where the recipe says nothing) has for a name."""
    if hasattr(recipe, name):
        return getattr(recipe, name)
    settings = _builder_arguments(found) | found.arguments | recipe.model_arguments
    return settings[name]


def _plain(value):
    """Tuples as lists, as JSON has them."""
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _round(value: float) -> float:
    """Three digits: no search resolves more, and a recipe stays readable."""
    return float(f"{value:.3g}")

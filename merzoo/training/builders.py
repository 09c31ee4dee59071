"""What names a network, and the builder that it stands for.

A builder is any callable that returns a Keras model whose inputs are named after modalities (or an
estimator with `fit` and `predict_proba`). A Keras model's configuration, a scikit-learn estimator
and texts become builders too, which travel to other processes.
"""

import copy
import hashlib
import importlib
import importlib.util
import inspect
import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from merzoo.errors import InputError

_NAMES = ("name", "inbound_nodes", "input_layers", "output_layers")  # fields of configurations


def named_builder(model) -> tuple[str, Callable, Any]:
    """Name, builder and the register's entry (or `None`) of whatever names a network."""
    if isinstance(model, str | os.PathLike):
        return _from_text(os.fspath(model))
    if is_keras_model(model):
        return model.name, KerasModelBuilder.of(model), None
    if is_estimator(model) and not inspect.isclass(model):
        return type(model).__name__, EstimatorBuilder(model), None
    if callable(model):
        return getattr(model, "__name__", type(model).__name__), model, _entry_of(model)
    raise InputError(
        f"{model!r} is no model: give a name of merzoo list, a builder, a Keras model, a "
        f"scikit-learn estimator, module:function or the path of a .keras file."
    )


def call_builder(builder: Callable, arguments: Mapping, name: str):
    """`builder(**arguments)`, checked to give a network or an estimator.

    Raises:
        InputError: for arguments that the builder does not take, or another kind of result.
    """
    try:
        built = builder(**arguments)
    except InputError:
        raise
    except (TypeError, ValueError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise InputError(f"{name} cannot be built by the recipe's arguments: {reason}.") from None
    if is_keras_model(built):
        _check_network(built, name)
        built = _with_listed_inputs(built)
    elif not is_estimator(built):
        raise InputError(
            f"{name} gives a {type(built).__name__}; a builder gives a keras.Model, or an "
            f"estimator with fit and predict_proba."
        )
    return built


def inputs_of(built, name: str) -> dict[str, tuple[int, ...]] | None:
    """Modality -> shape of one sample, of what a builder gave.

    Raises:
        InputError: for an input that is not named after a modality.
    """
    from merzoo.modalities import input_shapes

    if not is_keras_model(built):
        return dict(built.inputs) if getattr(built, "inputs", None) else None
    try:
        return input_shapes(built.inputs)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


@dataclass(frozen=True)
class KerasModelBuilder:
    """A Keras model's configuration as a builder: fresh weights each time it is called.

    Args:
        kind: its class.
        config: of `get_config`.
        layers: class name -> class, of layers that Keras does not bring.
    """

    kind: type
    config: dict
    layers: dict[str, type]

    @classmethod
    def of(cls, model) -> "KerasModelBuilder":
        """The builder of models like this one."""
        own = {
            type(layer).__name__: type(layer)
            for layer in _all_layers(model)
            if not type(layer).__module__.startswith("keras.")
        }
        return cls(type(model), model.get_config(), own)

    def __call__(self):
        import keras

        with keras.saving.custom_object_scope(self.layers):
            return self.kind.from_config(copy.deepcopy(self.config))  # which Keras takes apart


@dataclass(frozen=True)
class EstimatorBuilder:
    """A scikit-learn estimator as a builder: an unfitted copy each time it is called."""

    estimator: Any

    def __call__(self):
        from sklearn.base import clone

        made = clone(self.estimator)
        if hasattr(self.estimator, "inputs"):
            made.inputs = self.estimator.inputs
        return made


def _from_text(text: str) -> tuple[str, Callable, Any]:
    if text.endswith(".keras"):
        from merzoo.weights.keras_file import load_keras

        return Path(text).name, KerasModelBuilder.of(load_keras(text)), None
    module, colon, function = text.rpartition(":")
    if colon and function.isidentifier():
        builder = _imported(module, function)
        return text, builder, _entry_of(builder)
    from merzoo.models.registry import entry

    found = entry(text)
    return text, partial(found.builder, **{"name": found.name} | found.arguments), found


def _imported(module: str, function: str) -> Callable:
    """The function of `module:function` or `file.py:function`, which workers get by its content."""
    import cloudpickle

    try:
        if module.endswith(".py"):
            path = Path(module)
            spec = importlib.util.spec_from_file_location(path.stem, path)
            found = importlib.util.module_from_spec(spec)
            sys.modules[path.stem] = found
            spec.loader.exec_module(found)
        else:
            if os.getcwd() not in sys.path:
                sys.path.insert(0, os.getcwd())  # as python -m does
            found = importlib.import_module(module)
    except Exception as error:  # of the user's own code, whatever it raises
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise InputError(f"{module}:{function}: {module} cannot be imported ({reason}).") from error
    builder = getattr(found, function, None)
    if not callable(builder):
        raise InputError(f"{module}:{function}: {module} has no function {function!r}.")
    if not found.__name__.startswith("merzoo"):
        cloudpickle.register_pickle_by_value(found)
    return builder


def _entry_of(builder):
    """The register's entry of a builder that is registered without arguments of a variant."""
    from merzoo.models.registry import REGISTRY

    for found in REGISTRY.values():
        if found.builder is builder and not found.arguments:
            return found
    return None


def takes(builder: Callable, name: str) -> bool:
    """Whether a builder has an argument of this name."""
    try:
        parameters = inspect.signature(builder).parameters
    except ValueError:  # built in
        return False
    every = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
    return name in parameters or every


def seeded_by(estimator) -> list[str]:
    """The parameters of a scikit-learn estimator that a seed sets, those of its parts too.

    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> seeded_by(make_pipeline(StandardScaler(), RandomForestClassifier()))
    ['randomforestclassifier__random_state']
    """
    names = estimator.get_params() if hasattr(estimator, "get_params") else ()
    return sorted(name for name in names if name.rpartition("__")[2] == "random_state")


def fingerprint(built) -> str:
    """SHA-256 of the settings of a network's layers, or of an estimator, whatever their names.

    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> fingerprint(KNeighborsClassifier(3)) == fingerprint(KNeighborsClassifier(5))
    False
    """
    if is_keras_model(built):
        facts: Any = [_settings_of(layer) for layer in _all_layers(built)]
    else:
        facts = built.get_params() if hasattr(built, "get_params") else {}
    return settings_fingerprint(type(built).__qualname__, facts)


def settings_fingerprint(*settings) -> str:
    """SHA-256 of what `settings` hold, the same in every process.

    >>> settings_fingerprint({"a": 1, "b": len}) == settings_fingerprint({"b": len, "a": 1})
    True
    >>> settings_fingerprint({("a", 1): 2}) == settings_fingerprint({("a", 1): 3})
    False
    """
    try:
        text = json.dumps(settings, sort_keys=True, default=repr)
    except (TypeError, ValueError):  # keys that are no text, or what holds itself
        text = repr(settings)
    return hashlib.sha256(re.sub(r" at 0x[0-9A-Fa-f]+", "", text).encode()).hexdigest()


def _settings_of(layer) -> list:
    shapes = [list(weight.shape) for weight in layer.weights]
    try:
        return [type(layer).__name__, shapes, _unnamed(layer.get_config())]
    except Exception:  # of the user's own code, whatever it raises
        return [type(layer).__name__, shapes]


def _unnamed(config):
    """A configuration without names, which Keras numbers by what the process has built."""
    if isinstance(config, dict):
        return {str(n): _unnamed(v) for n, v in config.items() if n not in _NAMES}
    return [_unnamed(one) for one in config] if isinstance(config, list | tuple) else config


def is_keras_model(value) -> bool:
    keras = sys.modules.get("keras")  # a Keras model cannot be there before Keras is
    return keras is not None and isinstance(value, keras.Model)


def is_estimator(value) -> bool:
    return hasattr(value, "fit") and hasattr(value, "predict_proba") and not is_keras_model(value)


def _check_network(model, name: str) -> None:
    if len(model.outputs) != 1 or len(model.output_shape) != 2:
        raise InputError(
            f"{name} puts out {model.output_shape}: a network for classes has one output "
            f"(batch, classes)."
        )


def _with_listed_inputs(model):
    """The same network, whose inputs are a list: Keras then takes them by name without a word."""
    import keras

    if type(model).__name__ != "Functional" or isinstance(model._inputs_struct, list):
        return model
    return keras.Model(model.inputs, model.outputs[0], name=model.name)


def _all_layers(model):
    """The layers of a model, those inside of models and wrappers too."""
    for layer in model.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from _all_layers(layer)
        if hasattr(layer, "layer"):
            yield layer.layer

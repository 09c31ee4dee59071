"""`Learner`: what is trained, resolved once: a builder, its inputs and its recipe.

Every verb takes a registered name, a builder (any callable that returns a Keras model whose inputs
are named after modalities), a Keras model (whose configuration is the builder), a scikit-learn
estimator, and as text `module:function`, `file.py:function` or the path of a `.keras` file. A
learner carries the builder itself, not its name, so it travels to worker processes and clusters,
which never look a name up again.

`predict` is the only place where a network's outputs become probabilities.
"""

import copy
import importlib
import importlib.util
import inspect
import os
import sys
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from merzoo.errors import InputError
from merzoo.preprocessing.arrays import Arrays
from merzoo.training.recipes import Recipe, change_recipe, get_recipe

PADDED = 32  # samples a batch of predictions, padded to one shape: nothing is compiled twice


@dataclass(frozen=True)
class Unlabelled:
    """Samples to predict: modalities, and nothing that says what is right."""

    modalities: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(next(iter(self.modalities.values())))


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

    @property
    def takes_maps(self) -> bool:
        """Of an estimator: whether it takes samples in their shape, and whose each is (merzoo's
        do); scikit-learn's take one row of numbers a sample."""
        return self.inputs is not None

    def build(self, classes: int):
        """A fresh Keras model, or scikit-learn estimator, for a number of classes.

        Raises:
            InputError: if the builder makes one for another number of classes.
        """
        arguments = dict(self.recipe.model_arguments)
        if takes(self.builder, "classes"):
            arguments = {"classes": classes} | arguments
        built = call_builder(self.builder, arguments, self.name)
        if self.kind == "network" and built.output_shape[-1] != classes:
            raise InputError(
                f"{self.name} has {built.output_shape[-1]} outputs, but there are {classes} "
                f"classes; give its builder an argument 'classes'."
            )
        return built

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
                number than the recipe or a network of one's own has.
        """
        classes = self.recipe.model_arguments.get("classes", len(samples.classes))
        if classes != len(samples.classes):
            raise InputError(
                f"recipe {self.recipe.name} asks for a {classes}-class {self.name}, but "
                f"{samples.source} has {len(samples.classes)} classes: "
                f"{', '.join(samples.classes)}."
            )
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
            self.build(len(samples.classes))  # whether it has as many outputs
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
        kind = output_kind(model)
        if kind == "unknown" and self.recipe.loss == "margin":
            kind = "lengths"  # which that loss trains
        return predict(model, data, test_time=self.recipe.test_time, batch_size=size, kind=kind)


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
    kind = "estimator" if _is_estimator(built) else "network"
    origin = os.fspath(model) if isinstance(model, str | os.PathLike) else None
    if origin is None and entry is not None:
        origin = entry.name
    return Learner(name, builder, recipe, inputs_of(built, name), kind, entry, origin)


def named_builder(model) -> tuple[str, Callable, Any]:
    """Name, builder and the register's entry (or `None`) of whatever names a network."""
    if isinstance(model, str | os.PathLike):
        return _from_text(os.fspath(model))
    if _is_keras_model(model):
        return model.name, KerasModelBuilder.of(model), None
    if _is_estimator(model) and not inspect.isclass(model):
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
    except TypeError as error:
        raise InputError(f"{name} cannot be built by the recipe's arguments: {error}.") from None
    if _is_keras_model(built):
        _check_network(built, name)
        built = _with_listed_inputs(built)
    elif not _is_estimator(built):
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

    if not _is_keras_model(built):
        return dict(built.inputs) if getattr(built, "inputs", None) else None
    try:
        return input_shapes(built.inputs)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


def predict(
    model,
    data,
    *,
    test_time: str | None = None,
    batch_size: int = PADDED,
    kind: str | None = None,
) -> np.ndarray:
    """Class probabilities (N, K) of a Keras model, float32, each row summing to 1.

    Args:
        model: a network; its outputs may be probabilities, logits, or lengths of capsules.
        data: whatever has `modalities` (name -> array (N, ...)) and a length, or `Rows` of a pool.
        test_time: `None`, or `"flip"`: mean over each sample and its mirror image.
        batch_size: samples at a time; the last batch is padded to the same size.
        kind: of the outputs, see `output_kind`; `None` reads it from the network.

    Raises:
        InputError: if an output is not finite, or is no distribution over classes.

    Example:

    >>> import merzoo
    >>> from merzoo.models.random_inputs import random_inputs
    >>> model = merzoo.create_model("ststnet")
    >>> found = predict(model, Unlabelled(random_inputs(model, batch=3)))
    >>> found.shape, found.sum(-1).round(5).tolist()
    ((3, 3), [1.0, 1.0, 1.0])
    """
    from merzoo.preprocessing.augment import flip
    from merzoo.training.batches import prediction_batches

    kind = kind or output_kind(model)
    views = [lambda x: x] + ([flip] if test_time == "flip" else [])
    parts = []
    for batch, size in prediction_batches(data, batch_size):
        outputs = [np.asarray(model.predict_on_batch(view(batch)), np.float32) for view in views]
        found = np.mean([_as_probabilities(one[:size], kind, model.name) for one in outputs], 0)
        parts.append(found)
    if not parts:
        return np.zeros((0, model.output_shape[-1]), np.float32)
    return np.concatenate(parts)


def check_classes(train: Arrays, fold: str) -> None:
    """Raises `InputError` where a fold's training samples are all of one class."""
    if len(set(train.label.tolist())) < 2:
        raise InputError(
            f"fold {fold}: its {len(train)} training samples are all of class "
            f"{train.classes[train.label[0]]!r}; nothing can be learnt from one class."
        )


def output_kind(model) -> str:
    """What a network puts out: `"probabilities"`, `"lengths"` of capsules, `"logits"`, `"unknown"`.

    Read from its last layers, passing over those that change nothing.

    >>> import merzoo
    >>> output_kind(merzoo.create_model("ststnet", classifier_activation=None))
    'logits'
    """
    layer = _layer_of(model.outputs[0]) if getattr(model, "outputs", None) else None
    while layer is not None:
        activation = getattr(getattr(layer, "activation", None), "__name__", None)
        kind = type(layer).__name__
        if kind == "CapsuleLength":
            return "lengths"
        if activation == "softmax" or kind == "Softmax":
            return "probabilities"
        if kind == "Activation" and activation == "linear":
            layer = _layer_before(layer)
            continue
        if kind in ("Dense", "Conv2D", "Conv1D") and activation == "linear":
            return "logits"
        return "unknown"
    return "unknown"


def _as_probabilities(outputs: np.ndarray, kind: str, name: str) -> np.ndarray:
    if not np.isfinite(outputs).all():
        bad = int((~np.isfinite(outputs)).any(-1).sum())
        raise InputError(
            f"The outputs of {name} are not finite for {bad} of {len(outputs)} samples: its "
            f"weights hold NaN or infinity, or its training has diverged; lower its learning rate."
        )
    if kind == "logits":
        outputs = np.exp(outputs - outputs.max(-1, keepdims=True))
    total = outputs.sum(-1, keepdims=True)
    if kind in ("logits", "lengths"):
        return outputs / np.maximum(total, np.finfo(np.float32).tiny)
    if (outputs < -1e-4).any() or (np.abs(total - 1) > 1e-2).any():
        raise InputError(
            f"The outputs of {name} are no probabilities (a row sums to {float(total.flat[0]):.3g})"
            f": end it in a softmax."
        )
    return outputs


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
    import merzoo.models  # noqa: F401 - fills the register
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
    except (ImportError, OSError) as error:
        raise InputError(f"{module}:{function}: {module} cannot be imported ({error}).") from None
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


def _is_keras_model(value) -> bool:
    keras = sys.modules.get("keras")  # a Keras model cannot be there before Keras is
    return keras is not None and isinstance(value, keras.Model)


def _is_estimator(value) -> bool:
    return hasattr(value, "fit") and hasattr(value, "predict_proba") and not _is_keras_model(value)


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


def _layer_of(tensor):
    history = getattr(tensor, "_keras_history", None)
    return None if history is None else history.operation


def _layer_before(layer):
    inputs = layer.input
    return _layer_of(inputs) if not isinstance(inputs, list | tuple) else None

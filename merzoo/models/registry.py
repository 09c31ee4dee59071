"""The register of models: a variant is a name, and its facts are data.

`@register("name", ...)` stands over a builder in its own file; `list_models`, `create_model` and
`model_info` read the register. Stack the decorator to register several variants of one builder.
The file of a network is loaded when the network is used: what is asked about it before stands in
the catalogue.
"""

import copy
import fnmatch
import importlib
import inspect
import math
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from merzoo.errors import InputError, unknown
from merzoo.models.building import economical, leave_without_values
from merzoo.models.catalogue import catalogue


@dataclass(frozen=True)
class ModelEntry:
    """What is known of one variant besides its code."""

    name: str
    builder: Callable
    arguments: dict = field(default_factory=dict)  # of the builder, that make this variant
    kind: str = "network"  # or "estimator": a scikit-learn estimator instead of a Keras model
    title: str = ""
    reference: str = ""  # authors, title, venue, year
    url: str = ""
    licence: str = "Apache-2.0"  # of this implementation
    recipe: str = ""  # name of the default recipe in merzoo.training.recipes
    trainable: int | None = None  # counted trainable parameters at the default arguments
    small: dict = field(default_factory=dict)  # tiny builder arguments, for tests
    paper_figures: dict = field(default_factory=dict)  # what the paper prints, as printed
    readings: tuple[str, ...] = ()  # how unclear passages of the paper were read


REGISTRY: dict[str, ModelEntry] = {}  # of the files that are loaded, and of one's own
_OURS: dict[str, ModelEntry] = {}  # of the files of this folder that are loaded
Builder = TypeVar("Builder", bound=Callable)


def register(
    name: str, *, arguments: dict | None = None, **facts: Any
) -> Callable[[Builder], Builder]:
    """Registers the decorated builder under `name`, with the facts of `ModelEntry`.

    A name is taken from another builder that has it, with a `UserWarning` that names both. The
    same function once more, as when its module is loaded again, is no other builder.

    A builder of this folder works out no initial values that nobody sees: see `building.py`. One of
    one's own, which may do anything, is left as it is.
    """

    def decorate(builder: Builder) -> Builder:
        ours = _path(builder).startswith(f"{__package__}.")
        if not ours:
            known_entry(name)  # a network of the zoo is not replaced in silence
        elif facts.get("kind") != "estimator" and builder not in _builders():
            builder = economical(builder, _fitting)
        old = REGISTRY.get(name)
        if old is not None and not _same(old.builder, builder):
            text = f"model '{name}': {_path(builder)} replaces {_path(old.builder)}."
            warnings.warn(text, UserWarning, stacklevel=2)
        REGISTRY[name] = ModelEntry(name, builder, arguments or {}, **facts)
        if ours:
            _OURS[name] = REGISTRY[name]
        return builder

    return decorate


def _fitting(builder: Callable, arguments: dict) -> dict:
    """Arguments of a builder whose `weights` are a path, with those that a tag or folder brings."""
    weights = arguments["weights"]
    if str(weights).endswith(".weights.h5"):  # found already, or of one's own
        return arguments
    from merzoo.weights.load import fitting_arguments

    variants = {name: found for name, found in _OURS.items() if found.builder is builder}
    said = {n: p.default for n, p in inspect.signature(builder).parameters.items()} | arguments
    agree = [
        name
        for name, found in variants.items()
        if all(said.get(key) == value for key, value in found.arguments.items())
    ]
    name = max(agree or variants, key=lambda name: len(variants[name].arguments))
    return fitting_arguments(name, arguments)


def _builders() -> list[Callable]:
    return [found.builder for found in _OURS.values()]


def _same(one: Callable, other: Callable) -> bool:
    """Whether two builders are one, or one function of a module that was loaded twice."""
    return one is other or (_path(one) == _path(other) and "<" not in _path(one))


def _path(builder: Callable) -> str:
    kind = builder if hasattr(builder, "__qualname__") else type(builder)
    return f"{kind.__module__}.{kind.__qualname__}"


def entry(name: str) -> ModelEntry:
    """The entry of a variant; raises `InputError` with the nearest name if there is none."""
    found = known_entry(name)
    if found is None:
        load_all()  # a variant that is being written is not in the catalogue yet
        found = REGISTRY.get(name)
    if found is None:
        _check_no_spotter(name)
        raise unknown("model", name, REGISTRY, "merzoo list shows all.")
    return found


def _check_no_spotter(name: str) -> None:
    """Raises `InputError` for what only the tasks on long videos take, naming the task."""
    if name == "spotter" or "+" in name:
        task, function = "spot", "evaluate.evaluate_spots"
        if "+" in name:
            task, function = "spot-recognise", "recognise.evaluate_recognised"
        raise InputError(
            f"{name} is for long videos, not for ready-cut clips: give --task {task} "
            f"(merzoo.evaluation.spotting.{function})."
        )


def known_entry(name: str) -> ModelEntry | None:
    """The entry of a variant, its file loaded if it has to be; `None` if there is none.

    >>> known_entry("rcn-a").arguments, known_entry("of my own") is None
    ({'variant': 'a'}, True)
    """
    if name not in REGISTRY and name not in _OURS:
        if name in catalogue():
            _load({catalogue()[name]["file"]})
        else:
            _load(_unlisted())
    if name not in REGISTRY and name in _OURS:
        REGISTRY[name] = _OURS[name]
    return REGISTRY.get(name)


def load_all() -> None:
    """Loads the files of all networks, so that every variant is in the register."""
    _load(_unlisted() | {row["file"] for row in catalogue().values()})
    for name, found in _OURS.items():
        REGISTRY.setdefault(name, found)


def _load(files: Iterable[str]) -> None:
    for file in sorted(files):
        importlib.import_module(f"{__package__}.{file}")


def _unlisted() -> set[str]:
    """The files that the catalogue does not have yet: of networks that are being written."""
    files = set(importlib.import_module(__package__).FILES.values())
    of_none = {"classes", "loading", "registry", "saving"}
    return files - {row["file"] for row in catalogue().values()} - of_none


def _kinds() -> dict[str, str]:
    """Name -> kind, of all variants."""
    _load(_unlisted())
    known = {name: row["info"]["kind"] for name, row in catalogue().items()}
    return known | {name: found.kind for name, found in (_OURS | REGISTRY).items()}


def list_models(pattern: str = "*", *, kind: str | None = None, weights: bool = False) -> list[str]:
    """Names of the variants that match a shell-style wildcard, sorted.

    Args:
        pattern: such as `"dfr*"`.
        kind: `"network"`, `"estimator"` or `None` for both.
        weights: list trained weights instead, as `"network.tag"`.

    Example:

    >>> import merzoo
    >>> merzoo.list_models("sts*")
    ['ststnet']
    >>> merzoo.list_models("dfr*", weights=True)
    ['dfrnet.synthetic']
    """
    if weights:
        from merzoo.weights.manifest import entries

        return [e.id for e in entries(pattern) if kind in (None, _kinds().get(e.network))]
    return sorted(
        name
        for name, its_kind in _kinds().items()
        if fnmatch.fnmatch(name, pattern) and kind in (None, its_kind)
    )


def create_model(name: str, **arguments) -> Any:
    """Builds a variant by name.

    Args:
        name: a name of `list_models()`.
        **arguments: the builder's own arguments, such as `classes=3`; they go before those that
            make the variant. `input_tensor` is what `keras.Input` gave, to build on (a list or a
            dictionary by name for several). `weights` is `None` for fresh ones, a tag such as
            `"synthetic"` of `list_models(weights=True)` (downloaded if it has to be), the folder of
            a training run (also `hf://OWNER/REPOSITORY` or `https://HOST/FOLDER`), or the path of a
            `.weights.h5` file. A tag or folder brings the arguments that it was trained with, such
            as `input_shape` and `classes`.

    Returns:
        An uncompiled `keras.Model`, or a scikit-learn estimator for variants of kind `"estimator"`.

    Raises:
        InputError: for an unknown name or weights, or weights that do not fit the arguments.

    Example:

    >>> import merzoo
    >>> merzoo.create_model("ststnet", classes=5).output_shape
    (None, 5)
    """
    found = entry(name)
    if arguments.get("weights") is not None:
        from merzoo.weights.load import fitting_arguments

        if found.kind == "estimator":
            raise InputError(f"weights: {name} is fitted to data in seconds and has none to load.")
        arguments = fitting_arguments(name, arguments)
    return found.builder(**{"name": name} | found.arguments | arguments)


def model_info(name: str) -> dict:
    """Inputs, parameters, multiply-adds, paper figures, readings, licence and citation.

    >>> import merzoo
    >>> merzoo.model_info("ststnet")["parameters"]["trainable"]
    1683
    """
    own = name in REGISTRY and REGISTRY[name] is not _OURS.get(name)
    if name in catalogue() and not own:
        return copy.deepcopy(catalogue()[name]["info"])
    return counted_info(name)


def counted_info(name: str) -> dict:
    """`model_info` from the register and the built network, whatever the catalogue says."""
    found = entry(name)
    info = {
        "name": name,
        "title": found.title,
        "kind": found.kind,
        "recipe": found.recipe,
        "reference": found.reference,
        "url": found.url,
        "licence": found.licence,
        "paper_figures": found.paper_figures,
        "readings": list(found.readings),
    }
    if found.kind == "estimator":
        inputs = {modality: list(shape) for modality, shape in create_model(name).inputs.items()}
        return info | {"inputs": inputs, "parameters": None}
    import keras

    from merzoo.models.multiply_adds import multiply_adds

    with keras.StatelessScope():
        model = create_model(name)
        leave_without_values(model)
        trainable = sum(math.prod(w.shape) for w in model.trainable_weights)
        return info | {
            "inputs": {t.name: list(t.shape[1:]) for t in model.inputs},
            "output": list(model.output_shape[1:]),
            "parameters": {"trainable": trainable, "total": model.count_params()},
            "multiply_adds": multiply_adds(model),
        }


def compared_figures(info: dict) -> list[dict]:
    """The paper's figures of a `model_info`, each beside ours where we count the same.

    Returns:
        Dictionaries of `figure` (its name), `paper` (as printed), `ours` (`None` where nothing of
        ours is the same quantity) and `difference` (relative, ours over the paper's, less one).

    Example:

    >>> [(x["figure"], x["paper"], x["ours"]) for x in compared_figures(model_info("dfrnet-1"))][0]
    ('parameters', 456000.0, 456359)
    """
    counts = info["parameters"] or {}
    ours = {"parameters": counts.get("trainable"), "multiply_adds": info.get("multiply_adds")}
    rows = []
    for figure, paper in info["paper_figures"].items():
        mine = ours.get(figure)
        difference = None if mine is None else mine / paper - 1
        rows.append({"figure": figure, "paper": paper, "ours": mine, "difference": difference})
    return rows

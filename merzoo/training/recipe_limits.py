"""What each field of a recipe may be: the one table of types and limits.

`merzoo.training.recipes.Recipe` is checked against it wherever it comes from: a file, the command
line, a search, Python.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta

from merzoo.errors import InputError
from merzoo.preprocessing.views import TEST_TIME
from merzoo.schema import allowed, check, shown

# The optimizers of `keras.optimizers` that a recipe may name, with the arguments that each has
# beside those of `_EVERY_OPTIMIZER`.
OPTIMIZERS = {
    "adadelta": ("rho", "epsilon"),
    "adafactor": ("beta_2_decay", "epsilon_1", "epsilon_2", "clip_threshold", "relative_step"),
    "adagrad": ("initial_accumulator_value", "epsilon"),
    "adam": ("beta_1", "beta_2", "epsilon", "amsgrad"),
    "adamax": ("beta_1", "beta_2", "epsilon"),
    "adamw": ("beta_1", "beta_2", "epsilon", "amsgrad"),
    "lion": ("beta_1", "beta_2"),
    "nadam": ("beta_1", "beta_2", "epsilon"),
    "rmsprop": ("rho", "momentum", "epsilon", "centered"),
    "sgd": ("momentum", "nesterov"),
}
LOSSES = {
    "cross-entropy": ("label_smoothing",),
    "focal": ("gamma", "alpha", "label_smoothing"),
    "margin": ("present", "absent", "weight"),
    "binary-cross-entropy": (),
}

_Above = Annotated[float, Meta(gt=0)]
_NotBelow = Annotated[float, Meta(ge=0)]
_Share = Annotated[float, Meta(ge=0, le=1)]
_Part = Annotated[float, Meta(ge=0, lt=1)]
_Patience = Annotated[int, Meta(ge=1, le=1_000_000_000)]
_Count = Annotated[int, Meta(ge=1, le=1_000_000)]
_Name = Annotated[str, Meta(min_length=1)]

LIMITS: dict[str, Any] = {
    "name": _Name,
    "about": str,
    "optimizer": Literal[*OPTIMIZERS],
    "learning_rate": Annotated[float, Meta(gt=0, le=1e30)],
    "optimizer_arguments": dict[str, Any],
    "schedule": Literal["constant", "cosine", "exponential"],
    "decay": Annotated[float, Meta(gt=0, le=1)],
    "decay_until": Annotated[int, Meta(ge=0, le=1_000_000_000)],
    "batch_size": _Count,
    "epochs": _Count,
    "class_weights": Literal["balanced", "sqrt"]
    | Annotated[tuple[_Above, ...], Meta(min_length=2)]
    | None,
    "augment": tuple[str, ...],
    "test_time": Literal[*TEST_TIME] | None,
    "model_arguments": dict[str, Any],
    "loss": Literal[*LOSSES],
    "loss_arguments": dict[str, Any],
    "l2": _NotBelow,
    "validation": Annotated[float, Meta(ge=0, le=0.5)],
    "monitor": Literal["accuracy", "loss"],
    "plateau": _Patience | None,
    "factor": Annotated[float, Meta(ge=1e-6, le=0.999)],
    "stop": _Patience | None,
    "protocol": _Name,
    "labels": _Name,
    "chosen_on": tuple[str, ...],
    "preprocessing": dict[str, Any],
}
# The same of the fields of `merzoo.training.options.Training`.
TRAINING_LIMITS: dict[str, Any] = {
    name: LIMITS[name] for name in ("validation", "plateau", "factor", "stop")
} | {
    "balance": Literal["weights", "sampling"] | None,
    "ema": _Part | None,
    "precision": Literal["float32", "mixed_bfloat16", "mixed_float16"],
    "accumulate": _Count,
    "xla": bool,
    "seed": Annotated[int, Meta(ge=0, le=4_294_967_295)],
    "devices": _Name | tuple[str, ...] | None,
}
_EVERY_OPTIMIZER: dict[str, Any] = {
    "weight_decay": _NotBelow | None,
    "clipnorm": _Above | None,
    "clipvalue": _Above | None,
    "global_clipnorm": _Above | None,
    "use_ema": bool,
    "ema_momentum": _Share,
    "ema_overwrite_frequency": _Count | None,
    "loss_scale_factor": _Above | None,
    "gradient_accumulation_steps": _Count | None,
}
_ARGUMENTS: dict[str, Any] = _EVERY_OPTIMIZER | {
    "momentum": _Part,
    "nesterov": bool,
    "amsgrad": bool,
    "centered": bool,
    "relative_step": bool,
    "rho": _Part,
    "beta_1": _Part,
    "beta_2": _Part,
    "beta_2_decay": float,
    "epsilon": _Above,
    "epsilon_1": _Above,
    "epsilon_2": _Above,
    "clip_threshold": _Above,
    "initial_accumulator_value": _NotBelow,
    "label_smoothing": _Part,
    "gamma": _NotBelow,
    "alpha": _Above | Annotated[list[_Above], Meta(min_length=2)],
    "present": _Share,
    "absent": _Share,
    "weight": _NotBelow,
}


def check_fields(fields: Mapping[str, Any], limits: Mapping[str, Any] = LIMITS) -> None:
    """Raises `InputError` for a field that is not what a table allows.

    Args:
        fields: name -> value.
        limits: name -> type, with its limits.

    >>> check_fields({"epochs": 0})
    Traceback (most recent call last):
    ...
    merzoo.errors.InputError: epochs=0 must be a whole number from 1 to 1000000.
    """
    for name, value in fields.items():
        _check_one(name, value, limits[name])


def check_arguments(optimizer: str, arguments: Mapping, loss: str, of_loss: Mapping) -> None:
    """Raises `InputError` for an argument that an optimizer or a loss does not have.

    Args:
        optimizer: a name of `OPTIMIZERS`.
        arguments: of it.
        loss: a name of `LOSSES`.
        of_loss: its arguments.
    """
    has = (*OPTIMIZERS[optimizer], *_EVERY_OPTIMIZER)
    _check_arguments("optimizer", optimizer, arguments, has)
    _check_arguments("loss", loss, of_loss, LOSSES[loss])


def _check_arguments(kind: str, owner: str, arguments: Mapping[str, Any], has) -> None:
    for name, value in arguments.items():
        if name not in has:
            known = ", ".join(sorted(has))
            raise InputError(f"the {kind} {owner!r} has no argument {name!r}; it has {known}.")
        _check_one(f"{kind}_arguments.{name}", value, _ARGUMENTS[name])


def _check_one(name: str, value: Any, kind: Any) -> None:
    try:
        check(_plain(value), kind, name, finite=False)
    except InputError:
        raise InputError(f"{name}={shown(value)} must be {allowed(kind)}.") from None
    check(_plain(value), Any, name)


def _plain(value: Any) -> Any:
    """A number of NumPy's as Python's own, alone or in a list."""
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value.item() if getattr(value, "shape", None) == () else value

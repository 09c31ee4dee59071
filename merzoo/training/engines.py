"""The engines that train the folds of an evaluation, and which of them serves when.

All give the same numbers up to rounding: same order, same augmentation, same dropout.

- `together`: many folds and seeds as one compiled program (JAX; for graphics cards).
- `scan`: one fold at a time, each epoch one compiled program (JAX).
- `reuse`: one compiled Keras model, reset for every fold, fed step by step (every backend).
- `fresh`: a model built and compiled anew in every fold (for checks and benchmarks).
- `auto`: whichever of the first three serves.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from merzoo.errors import InputError, unknown
from merzoo.training.learner import Learner

ENGINES = ("auto", "together", "scan", "reuse", "fresh")
ON_DEVICE = 8 << 30  # bytes of samples above which they are fed step by step


@dataclass(frozen=True)
class Engine:
    """What trains, and why it was chosen.

    Args:
        name: of `ENGINES`, but never `"auto"`.
        why: for cards and the terminal.
    """

    name: str
    why: str

    def as_dict(self) -> dict:
        """Plain JSON types."""
        return asdict(self)


def choose_engine(
    wanted: str,
    learner: Learner,
    *,
    classes: int = 3,
    size: int = 0,
    callbacks: Sequence = (),
    watched: bool = False,
    cluster: bool = False,
) -> Engine:
    """The engine of an evaluation.

    Args:
        wanted: one of `ENGINES`.
        learner: what is trained.
        classes: their number.
        size: bytes of all samples.
        callbacks: Keras callbacks of the caller's.
        watched: whether epochs are looked at while a fold trains: by a validation rule, an inner
            choice of the epoch, or an audit of epochs.
        cluster: whether the folds go to other machines, one at a time.

    Raises:
        InputError: for an unknown engine, or one that cannot do this, saying why.

    >>> from merzoo.training.learner import resolve
    >>> choose_engine("auto", resolve("flow-krr")).name
    'fit'
    """
    if wanted not in ENGINES:
        raise unknown("engine", wanted, ENGINES)
    if learner.kind == "estimator":
        if wanted != "auto":
            raise InputError(
                f"engine {wanted!r} cannot be used: {learner.name} is fitted at once; leave it to "
                f"'auto'."
            )
        return Engine("fit", "estimators are fitted at once")
    if wanted in ("reuse", "fresh"):
        return Engine(wanted, "asked for")
    against = _against(learner, size, callbacks)
    together = against or _against_together(callbacks, watched, cluster)
    if wanted != "auto":
        reason = together if wanted == "together" else against
        if reason:
            raise InputError(f"engine {wanted!r} cannot be used: {reason}; leave it to 'auto'.")
        return Engine(wanted, "asked for")
    if against:
        return Engine("reuse", against)
    device = _device()
    slow = _slow_in_loops(learner, classes) if device == "cpu" else None
    if slow:
        return Engine("reuse", slow)
    if device == "cpu":
        return Engine("scan", "an epoch as one program costs least on a CPU")
    if together:
        return Engine("scan", together)
    return Engine("together", f"all folds as one program cost least on a {device}")


def check_callbacks(callbacks) -> None:
    """Raises `InputError` for what is no list of Keras callbacks.

    >>> check_callbacks([3])
    Traceback (most recent call last):
    ...
    merzoo.errors.InputError: callbacks must be a list of Keras callbacks, got [3].
    """
    if isinstance(callbacks, list | tuple):
        if not callbacks:
            return
        import keras

        if all(isinstance(one, keras.callbacks.Callback) for one in callbacks):
            return
    raise InputError(f"callbacks must be a list of Keras callbacks, got {callbacks!r}.")


def _against(learner: Learner, size: int, callbacks: Sequence) -> str | None:
    """Why epochs cannot be programs, or `None`."""
    import keras

    if keras.backend.backend() != "jax":
        return f"it needs the backend jax, and this is {keras.backend.backend()}"
    stepwise = [type(c).__name__ for c in callbacks if _watches_steps(c)]
    if stepwise:
        return f"the callback {stepwise[0]} is called at every step"
    if size > ON_DEVICE:
        return f"{size / 2**30:.1f} GiB of samples are too many for the memory of a device"
    return None


def _against_together(callbacks: Sequence, watched: bool, cluster: bool) -> str | None:
    """Why folds cannot be trained together, or `None`."""
    if cluster:
        return "a cluster takes one fold at a time"
    if watched:
        return "epochs are looked at while a fold trains"
    return "callbacks are called in each fold" if callbacks else None


def _slow_in_loops(learner: Learner, classes: int) -> str | None:
    """Why the network's layers are better fed step by step, or `None`; merzoo's own never are."""
    if learner.entry is not None:
        return None
    from merzoo.layers.forms import slow_in_loops

    names = slow_in_loops(learner.build(classes))
    if not names:
        return None
    return (
        f"XLA trains Keras' convolutions ({names[0]}) slowly inside a program of many steps; with "
        f"those of merzoo.layers, which take the same arguments, 'scan' serves"
    )


def _watches_steps(callback) -> bool:
    import keras

    plain = keras.callbacks.Callback
    names = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")
    return any(
        getattr(type(callback), name) is not getattr(plain, name) or name in vars(callback)
        for name in names
    )


def _device() -> str:
    import jax

    return jax.default_backend()

"""Spotters under one roof: the motion spotter, networks on windows, and anybody's function.

A `Spotter` says what it needs of a video and settles on training people; what comes out, a
`Settled`, finds candidates in a video that it has never seen, without its truth.
"""

import importlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

from merzoo.data.long_videos import KINDS, LongVideo
from merzoo.errors import InputError
from merzoo.evaluation.spotting.choosing import Choice, choose
from merzoo.evaluation.spotting.features import Watched, Windows
from merzoo.evaluation.spotting.intervals import Interval, as_intervals
from merzoo.models.registry import list_models
from merzoo.prediction.spotting import Settings, spot

MOTION = "spotter"  # the name of the motion spotter


class Settled(Protocol):
    """A spotter that has been settled on the training people of a fold."""

    def spot(self, watched: Watched) -> list[Interval]:
        """Candidates in order of time; those that are not `reported` are below the threshold."""

    def facts(self) -> dict[str, Any]:
        """What was chosen and on whom, as plain JSON types."""


class Spotter(Protocol):
    """What `evaluate_spots` runs."""

    name: str
    origin: str | None  # the text by which it can be found again
    deterministic: bool
    motion: bool  # whether it needs the movement of the face

    def windows(self) -> dict[str, Windows]:
        """Which windows of each video it needs."""

    def settle(
        self, watched: Sequence[Watched], truth: Sequence[LongVideo], seed: int, fold: str
    ) -> Settled:
        """Trains and chooses on videos of training people, the same in both lists."""

    def facts(self) -> dict[str, Any]:
        """What decides its results and is not the data, as plain JSON types."""


# What the motion spotter looks for, and the smoothing (seconds) that is chosen among.
_LOWEST = {"clear": 1.5, "factor": 1.5}
MOTION_SETTINGS = {
    "micro": (Settings(**_LOWEST), (0.018, 0.035)),
    "macro": (
        Settings(
            shortest=0.5,
            longest=4.0,
            baseline=6.0,
            surroundings=10.0,
            **_LOWEST,
        ),
        (0.05, 0.1),
    ),
}


@dataclass(frozen=True)
class MotionSpotter:
    """`merzoo.prediction.spotting.spot`, once for each kind of expression."""

    name: str = MOTION
    origin: str | None = MOTION
    deterministic: bool = True
    motion: bool = True
    _kept: dict[tuple, tuple] = field(default_factory=dict, repr=False, compare=False)

    def windows(self) -> dict[str, Windows]:
        return {}

    def settle(self, watched, truth, seed: int, fold: str) -> "SettledMotion":
        choices = {
            kind: choose(partial(self._candidates, kind), watched, truth, kind, smoothings)
            for kind, (_, smoothings) in MOTION_SETTINGS.items()
        }
        return SettledMotion(choices)

    def _candidates(self, kind: str, one: Watched, smoothing: float) -> list[Interval]:
        """Those of `_motion_candidates`, worked out once for all folds: the video decides them."""
        place = (kind, smoothing, id(one))
        if place not in self._kept:  # with the video, so that its id stays its own
            self._kept[place] = (_motion_candidates(kind)(one, smoothing), one)
        return self._kept[place][0]

    def facts(self) -> dict[str, Any]:
        return {
            kind: {"settings": vars(settings), "smoothings": list(smoothings)}
            for kind, (settings, smoothings) in MOTION_SETTINGS.items()
        }


def _motion_candidates(kind: str) -> Callable[[Watched, float], list[Interval]]:
    settings = MOTION_SETTINGS[kind][0]

    def candidates(one: Watched, smoothing: float) -> list[Interval]:
        assert one.motion is not None
        spots, _ = spot(one.motion, replace(settings, smoothing=smoothing))
        return [Interval(s.onset, s.offset, kind, s.score, s.apex) for s in spots]

    return candidates


@dataclass(frozen=True)
class SettledMotion:
    """The motion spotter with what was chosen for each kind."""

    choices: dict[str, Choice]

    def spot(self, watched: Watched) -> list[Interval]:
        found: list[Interval] = []
        for kind, choice in self.choices.items():
            candidates = _motion_candidates(kind)(watched, choice.smoothing)
            found += choice.applied(candidates)
        return sorted(found, key=lambda one: one.onset)

    def facts(self) -> dict[str, Any]:
        return {kind: choice.as_dict() for kind, choice in self.choices.items()}


@dataclass(frozen=True)
class FunctionSpotter:
    """A function of somebody's own: it is given a `LongVideo` without its truth and returns
    intervals (see `as_intervals`). Nothing is chosen for it."""

    name: str
    function: Callable = field(repr=False)
    origin: str | None = None
    deterministic: bool = True
    motion: bool = False

    def windows(self) -> dict[str, Windows]:
        return {}

    def settle(self, watched, truth, seed: int, fold: str) -> "FunctionSpotter":
        return self

    def spot(self, watched: Watched) -> list[Interval]:
        found = self.function(watched.video)
        return as_intervals(found, watched.frames, f"{self.name} on {watched.video.id}")

    def facts(self) -> dict[str, Any]:
        return {}


def resolve_spotter(
    spotter, recipe=None, *, epochs: int | None = None, arguments: dict | None = None
) -> Spotter:
    """Makes a spotter of whatever names one.

    Args:
        spotter: `"spotter"` (the motion spotter); a network of `merzoo list`, a builder or a Keras
            model that takes `flow_image` or `region_motion`; a function video -> intervals, or
            `"module:function"` or `"file.py:function"` of one; or a `Spotter`, which is kept.
        recipe, epochs, arguments: of a network, as for `merzoo.evaluate`.

    Raises:
        InputError: for an unknown name, a network of other inputs, or a recipe for what has none.

    Example:

    >>> resolve_spotter("spotter").name, resolve_spotter(lambda video: []).motion
    ('spotter', False)
    """
    if isinstance(spotter, str) and spotter == MOTION:
        found: Any = MotionSpotter()
    elif hasattr(spotter, "settle"):
        found = spotter
    else:
        found = _network_or_function(spotter, recipe, epochs, arguments)
    trained = {"recipe": recipe, "epochs": epochs, "argument": arguments}
    if not hasattr(found, "learner") and any(trained.values()):
        said = next(name for name, value in trained.items() if value)
        raise InputError(f"{found.name} is not trained: leave out --{said}.")
    return found


def _network_or_function(spotter, recipe, epochs, arguments):
    from merzoo.training.builders import named_builder
    from merzoo.training.learner import resolve
    from merzoo.training.recipes import change_recipe

    if isinstance(spotter, str | os.PathLike):
        text = os.fspath(spotter)
        if ":" not in text and not text.endswith(".keras") and text not in list_models():
            from merzoo.errors import unknown

            known = [MOTION, *list_models(kind="network")]
            raise unknown("spotter", text, known, "module:function takes one of your own.")
    name, builder, entry = named_builder(spotter)
    origin = os.fspath(spotter) if isinstance(spotter, str | os.PathLike) else None
    if entry is None and _takes_a_video(builder):
        return FunctionSpotter(name, builder, origin)
    learner = resolve(spotter, recipe, arguments=arguments)
    learner = learner.with_recipe(change_recipe(learner.recipe, epochs=epochs))
    learnt = importlib.import_module("merzoo.evaluation.spotting.learnt")
    return learnt.NetworkSpotter(learner)


def _takes_a_video(function) -> bool:
    """Whether something is called with one thing that has no default, as a spotter is."""
    import inspect

    try:
        taken = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    needed = [
        p
        for p in taken
        if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    return len(needed) == 1 and needed[0].name not in ("classes", "input_shape")


__all__ = ["KINDS", "FunctionSpotter", "MotionSpotter", "Settled", "Spotter", "resolve_spotter"]

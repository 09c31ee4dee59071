"""The tasks of `merzoo evaluate --task`: name -> what it is about and the function that runs it.

A row's function is called as `function(model, data, **options)` with the options that were said
(`out`, `seeds`, `jobs`, `recipe`, `epochs`, ...); one that it does not take is refused before
anything is done. It returns a result with `metrics` (the content of `metrics.json`), `folder`,
`warnings`, and `tables()`: (title, columns, rows) of each table for the terminal. Tasks on long
videos, whose runs are intervals, have an audit of their own beside it.
"""

import importlib
import inspect
from collections.abc import Callable
from typing import NamedTuple

from merzoo.errors import InputError, unknown
from merzoo.metrics import CLASSIFY, UNITS


class Task(NamedTuple):
    """A row: what the task asks, and `module:function`, imported when it is run.

    `audit` is that of a task on long videos, `audit(data, model, *, protocol, split, recipe)`.
    """

    about: str
    function: str
    audit: str | None = None


SPOT, RECOGNISE = "spot", "spot-recognise"
TASKS: dict[str, Task] = {
    CLASSIFY: Task("the class of ready-cut clips", "merzoo.evaluation.evaluate:evaluate"),
    SPOT: Task(
        "where in long videos expressions are",
        "merzoo.evaluation.spotting.evaluate:evaluate_spots",
        "merzoo.evaluation.spotting.evaluate:audit_spots",
    ),
    RECOGNISE: Task(
        "where they are and of which class, by spotter+network",
        "merzoo.evaluation.spotting.recognise:evaluate_recognised",
        "merzoo.evaluation.spotting.recognise:audit_recognised",
    ),
    UNITS: Task("which action units move, by a network", "merzoo.evaluation.units:evaluate_units"),
}
SPOTTING = tuple(name for name, task in TASKS.items() if task.audit)


def task_function(name: str) -> Callable:
    """The function that runs a task.

    Raises:
        InputError: for an unknown task, with the nearest one.

    Example:

    >>> task_function("classify").__name__
    'evaluate'
    """
    return _imported(_row(name).function)


def run_task(name: str, model, data, options: dict):
    """Runs a task with the options that were said.

    Raises:
        InputError: for an unknown task, an option that it does not take, or what the task raises.

    Example:

    >>> run_task("spt", "spotter", "synthetic-long:easy", {})
    Traceback (most recent call last):
    merzoo.errors.InputError: Unknown task 'spt'. Did you mean 'spot'?
    """
    function = task_function(name)
    taken = inspect.signature(function).parameters
    for option in options:
        if option not in taken:
            said = option.replace("_", "-")
            raise InputError(f"--task {name} does not take --{said}: leave it out.")
    return function(model, data, **options)


def audit_videos(name: str) -> Callable | None:
    """The audit of a task on long videos; `None` of a task on clips.

    Raises:
        InputError: as `task_function`.

    Example:

    >>> audit_videos("au"), audit_videos("spot").__name__
    (None, 'audit_spots')
    """
    own = _row(name).audit
    return None if own is None else _imported(own)


def _row(name: str) -> Task:
    if name not in TASKS:
        raise unknown("task", name, TASKS)
    return TASKS[name]


def _imported(place: str) -> Callable:
    module, function = place.split(":")
    return getattr(importlib.import_module(module), function)

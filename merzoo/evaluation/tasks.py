"""The tasks of `merzoo evaluate --task`: name -> what it is about and the function that runs it.

A row's function is called as `function(model, data, **options)` with the options that were said
(`out`, `seeds`, `jobs`, `recipe`, `epochs`, ...); one that it does not take is refused before
anything is done. It returns a result with `metrics` (the content of `metrics.json`), `folder`,
`warnings`, and `tables()`: (title, columns, rows) of each table for the terminal.
"""

import importlib
import inspect
from collections.abc import Callable
from typing import NamedTuple

from merzoo.errors import InputError, unknown


class Task(NamedTuple):
    """A row: what the task asks, and `module:function`, imported when it is run."""

    about: str
    function: str


CLASSIFY = "classify"
TASKS: dict[str, Task] = {
    CLASSIFY: Task("the class of ready-cut clips", "merzoo.evaluation.evaluate:evaluate"),
    "spot": Task(
        "where in long videos expressions are", "merzoo.evaluation.spotting.evaluate:evaluate_spots"
    ),
    "spot-recognise": Task(
        "where they are and of which class, by spotter+network",
        "merzoo.evaluation.spotting.recognise:evaluate_recognised",
    ),
    "au": Task("which action units move, by a network", "merzoo.evaluation.units:evaluate_units"),
}


def task_function(name: str) -> Callable:
    """The function that runs a task.

    Raises:
        InputError: for an unknown task, with the nearest one.

    Example:

    >>> task_function("classify").__name__
    'evaluate'
    """
    if name not in TASKS:
        raise unknown("task", name, TASKS)
    module, function = TASKS[name].function.split(":")
    return getattr(importlib.import_module(module), function)


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

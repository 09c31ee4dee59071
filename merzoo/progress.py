"""Progress bars through rich: on standard error where that is a terminal, and in notebooks.

There they need ipywidgets; without them rich would show a warning in the place of each bar.
"""

import importlib.util
import os
import sys

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from merzoo.surroundings import on_command_line


def progress_bar(*extra_columns: ProgressColumn, count: ProgressColumn | None = None) -> Progress:
    """A `rich.progress.Progress` with merzoo's columns; use as a context manager.

    Args:
        extra_columns: after the count.
        count: column that says how much is done, `None` for numbers of items.

    >>> with progress_bar() as bar:
    ...     for item in bar.track(range(3), description="clips"):
    ...         pass
    """
    console = Console(stderr=True)
    return Progress(
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        count or MofNCompleteColumn(),
        *extra_columns,
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        disable=not (sys.stderr.isatty() or (console.is_jupyter and _has_widgets())),
    )


def _has_widgets() -> bool:
    return importlib.util.find_spec("ipywidgets") is not None


def name_folder(folder: str | os.PathLike) -> None:
    """Says on standard error where results will be; to users of the command line only."""
    if on_command_line():
        print(f"merzoo: results: {folder}", file=sys.stderr)


def tell(text: str) -> None:
    """One line on standard error, between bars; silent where it is not a terminal."""
    if sys.stderr.isatty():
        print(text, file=sys.stderr)

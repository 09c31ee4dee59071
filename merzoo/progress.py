"""Progress bars on standard error, through rich; silent where standard error is not a terminal."""

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


def progress_bar(*extra_columns: ProgressColumn, count: ProgressColumn | None = None) -> Progress:
    """A `rich.progress.Progress` with merzoo's columns; use as a context manager.

    Args:
        extra_columns: after the count.
        count: column that says how much is done, `None` for numbers of items.

    >>> with progress_bar() as bar:
    ...     for item in bar.track(range(3), description="clips"):
    ...         pass
    """
    return Progress(
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        count or MofNCompleteColumn(),
        *extra_columns,
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
    )


def tell(text: str) -> None:
    """One line on standard error, between bars; silent where it is not a terminal."""
    if sys.stderr.isatty():
        print(text, file=sys.stderr)

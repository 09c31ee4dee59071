"""What a drawing is given: the data, and what the paper's tables have run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from merzoo.errors import InputError
from merzoo.evaluation.runs.read import Run, read_run
from merzoo.reproduction.rows import Rows


@dataclass(frozen=True)
class Given:
    """What a paper's figures are drawn from.

    Args:
        rows: the data, and how rows are run.
        folders: `"table6/all/composite"` -> folder of that run.
        titles: likewise -> how the paper calls the row, and on what it was run.
    """

    rows: Rows
    folders: Mapping[str, Path]
    titles: Mapping[str, str] = field(default_factory=dict)

    def there(self, names: Iterable[str]) -> list[str]:
        """Those of some runs that were made.

        Args:
            names: as for `run`.
        """
        return [name for name in names if self._folders(name)]

    def _folders(self, name: str) -> list[str]:
        return [where for where in self.folders if f"{where}/".startswith(f"{name}/")]

    def title(self, name: str) -> str:
        """How the paper calls a run that was made."""
        return next((self.titles[where] for where in self._folders(name) if self.titles), name)

    def run(self, name: str) -> Run:
        """A run of a table of the paper.

        Args:
            name: `"table6/all"`, or with the name of a run behind it where the row has several.

        Raises:
            InputError: where it was not run.
        """
        found = self._folders(name)
        if not found:
            raise InputError(f"it shows {name}, which was not run.")
        return read_run(self.folders[found[0]])

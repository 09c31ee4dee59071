"""What a drawing is given: the data, and what the paper's tables have run."""

from collections.abc import Mapping
from dataclasses import dataclass
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
    """

    rows: Rows
    folders: Mapping[str, Path]

    def run(self, name: str) -> Run:
        """A run of a table of the paper.

        Args:
            name: `"table6/all"`, or with the name of a run behind it where the row has several.

        Raises:
            InputError: where it was not run.
        """
        found = [where for where in self.folders if f"{where}/".startswith(f"{name}/")]
        if not found:
            raise InputError(f"it shows {name}, which was not run.")
        return read_run(self.folders[found[0]])

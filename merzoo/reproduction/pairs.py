"""Tests between the rows of a reproduced table: the paper's own row against each other one.

They are those of `merzoo.compare`, on runs with the same clips, so that who reads that one row is
better than another also reads how sure that is. Holm's correction is over the rows of the table on
one run of data.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from merzoo.evaluation.compare import KEY, compare_pairs
from merzoo.evaluation.runs.read import Run as Finished
from merzoo.evaluation.runs.read import read_run
from merzoo.reproduction.tables import PaperTable


@dataclass(frozen=True)
class Ran:
    """A row that was run on one run's data.

    Args:
        row: its name.
        label: by which it is shown.
        run: name of the run of the table.
        pretrained: whether it started from pretrained weights.
        folder: of its result.
    """

    row: str
    label: str
    run: str
    pretrained: bool
    folder: Path


def paired_rows(table: PaperTable, ran: Sequence[Ran]) -> tuple[list[dict], list[str]]:
    """Paired tests of a table's rows, and what a reader must know of what was left out of them.

    The paper's own row is compared with each other row, and each row from pretrained weights with
    itself from random ones. Where there are both, the pretrained ones are compared with the others.

    Args:
        table: of a paper.
        ran: its rows, as far as they were run.

    Returns:
        For each run of the table with two rows or more what `merzoo.compare` returns, with the
        `run`'s name; and sentences.
    """
    tests, notes = [], []
    for run in table.runs:
        group = [one for one in ran if one.run == run]
        own = _form(group, table.ours)
        if own is None:
            if len(group) > 1:
                notes.append(
                    f"No tests between rows on {run}: the paper's own row, {table.ours}, was not "
                    f"run."
                )
            continue
        found, said = _tests_of(run, own, group)
        tests += found
        notes += said
    return tests, notes


def _form(group: Sequence[Ran], row: str) -> Ran | None:
    """A row as it stands for itself: from pretrained weights where it was run so."""
    forms = [one for one in group if one.row == row]
    return max(forms, key=lambda one: one.pretrained, default=None)


def _tests_of(run: str, own: Ran, group: list[Ran]) -> tuple[list[dict], list[str]]:
    runs, notes = {own.label: read_run(own.folder).renamed(own.label)}, []
    reference, folders = runs[own.label], {own.folder.resolve()}
    for one in group:
        if one is own:
            continue
        finished = read_run(one.folder).renamed(one.label)
        if one.folder.resolve() in folders:
            notes.append(f"{one.label} is the same run as another row: it is not tested.")
        elif _clips(finished) != _clips(reference):
            notes.append(
                f"{one.label} is not tested against {own.label}: on {run} they were run on "
                f"different clips."
            )
        else:
            runs[one.label] = finished
            folders.add(one.folder.resolve())
    pairs = []
    for row in dict.fromkeys(one.row for one in group):
        forms = [one for one in group if one.row == row and one.label in runs]
        best = _form(forms, row)
        if best is not None and row != own.row:
            pairs.append((runs[best.label], reference))
        pairs += [(runs[one.label], runs[best.label]) for one in forms if one is not best]
    if not pairs:
        return [], notes
    found, _ = compare_pairs(list(runs.values()), pairs)
    return [{"run": run} | found], notes + [note for note in found["notes"] if note]


def _clips(run: Finished) -> set[tuple]:
    return set(run.predictions[KEY].itertuples(index=False, name=None))

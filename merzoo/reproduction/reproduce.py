"""`reproduce`: a table of a paper, row by row, each row an evaluation of its own.

The table is data (`merzoo.reproduction.tables`); what is done with a row is `merzoo.evaluate`, so a
run that was stopped continues, fold by fold. `merzoo.reproduction.figures` writes what comes out.
"""

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from merzoo.errors import InputError
from merzoo.files import check_folder
from merzoo.reproduction.figures import (
    Line,
    cost_line,
    cost_notes,
    labelled,
    printed_lines,
    score_lines,
    write_pages,
)
from merzoo.reproduction.how import How
from merzoo.reproduction.pairs import Ran, paired_rows
from merzoo.reproduction.pretrained import FROM_RANDOM, pretrained_notes, read_pretrained
from merzoo.reproduction.rows import QUICK_EPOCHS, QUICK_FOLDS, QUICK_FRAMES, Rows
from merzoo.reproduction.sources import QUICK_SUBJECTS, Taken, read_sources
from merzoo.reproduction.tables import PaperTable, Row, Run, get_table


@dataclass(frozen=True)
class Reproduction:
    """A table of a paper beside ours.

    Args:
        table: the paper's.
        lines: one for each row and part of the data, see `merzoo.reproduction.figures.Line`.
        failed: `"row/run"` -> why it could not be run.
        notes: what differs from the paper, in sentences.
        folder: with `table.md`, `table.json`, `table.html` and a folder for each row.
        tests: between the rows, see `merzoo.reproduction.pairs.paired_rows`.
    """

    table: PaperTable
    lines: list[Line]
    failed: dict[str, str]
    notes: list[str]
    folder: Path
    tests: list[dict] = field(default_factory=list)


def reproduce(
    table: str,
    data,
    *,
    quick: bool = False,
    rows: list[str] | None = None,
    labels: str | None = None,
    epochs: int | None = None,
    parameters: dict | None = None,
    seeds: int = 1,
    jobs: int = 1,
    cluster: str | None = None,
    trunks: dict[str, str] | None = None,
    pretrained=None,
    pretrain=None,
    out=None,
) -> Reproduction:
    """Runs the rows of a paper's table and puts the paper's figures beside ours.

    Args:
        table: a name of `merzoo.reproduction.tables.list_tables()`, such as `"dfrnet/table6"`.
        data: text such as `"casme2:FOLDER"`, `Arrays`, or a list of these. A run of the table takes
            those of its own data sets, also out of arrays whose samples carry their names; data of
            no paper (synthetic clips) stand in for them.
        quick: a thin slice that says whether it works, not what it scores: a few rows, small
            networks, few subjects and folds, 2 epochs.
        rows: names of rows; `None` for all.
        labels: label map of what stands in; `None` for `"megc3"` of clips.
        epochs: instead of the recipes'.
        parameters: choices of preprocessing over the recipes', as for `merzoo.evaluate`.
        seeds, jobs, cluster: as for `merzoo.evaluate`.
        trunks: network -> file of a trunk that its rows begin with, such as
            `{"capsulenet": "resnet18.npz"}`; see `tools/convert_trunk_torch.py`.
        pretrained: weights as for `merzoo.transfer`: rows of their network are run from random
            weights and from these, and tested against each other.
        pretrain: likewise with weights that are trained here on such data (as for
            `merzoo.pretrain`), once for each network that the paper's rows ask for.
        out: folder for the results; a run that stopped half-way continues in the same folder.

    Returns:
        A `Reproduction`.

    Raises:
        InputError: for an unknown table or row, weights that are no row's or have seen people of
            the data, or if no row could be run.

    Example:

    >>> found = reproduce("dfrnet/table6", "synthetic:easy", quick=True)  # doctest: +SKIP
    >>> [line.figures["uf1"].paper for line in found.lines]  # doctest: +SKIP
    ['0.7333', '0.7657']
    """
    check_folder(out, file=None)
    how = How(quick, labels, epochs, parameters, seeds, jobs, cluster, trunks or {})
    table = get_table(table)
    chosen = table.thin() if quick else list(table.rows)
    if rows:
        chosen = [table.row(name) for name in rows]
    folder = Path(out or tempfile.mkdtemp(prefix="merzoo-"))
    sources = read_sources(data)
    paper = table.name.partition("/")[0]
    weights = read_pretrained(
        pretrained, pretrain, chosen, paper, sources, how, folder / "pretrained"
    )
    found = fill_table(table, chosen, Rows(sources, how, weights), folder)
    if not any(line.n for line in found.lines) and table.runs:
        reason = next(iter(found.failed.values()), found.notes[-1])
        raise InputError(f"{table.name}: no row could be run: {reason}")
    write_pages(found)
    return found


def fill_table(table: PaperTable, chosen: list[Row], rows: Rows, folder: Path) -> Reproduction:
    """Runs rows of a table, those that were not run before; writes no page.

    Args:
        table: of a paper.
        chosen: rows of it.
        rows: the data, and what has been run on them.
        folder: of the table.
    """
    lines, failed, ran = [], {}, []
    for row in chosen:
        if row.reason:
            lines += printed_lines(table, row)
            continue
        done = set()
        for run in table.runs.values():
            taken = rows.take(run)
            if taken is None:
                needed = " --data ".join(f"{kind}:FOLDER" for kind in run.data)
                failed[f"{row.name}/{run.name}"] = f"no data given: --data {needed}"
                continue
            recipe = rows.recipe(table, row, run, taken)
            same = (recipe.labels, recipe.protocol, taken.datasets)
            if not taken.own and same in done:  # it would be the same result
                continue
            done.add(same)
            found = _run_row(table, row, run, rows, recipe, taken, folder)
            lines += found.lines
            failed |= found.failed
            ran += found.ran
        if any(column.run is None for column in table.columns):
            lines.append(cost_line(table, row))
    tests, said = paired_rows(table, ran)
    notes = [*_notes(table, chosen, rows), *said]
    return Reproduction(table, lines, failed, list(dict.fromkeys(notes)), folder, tests)


@dataclass
class _Found:
    """What running a row on one run's data gave."""

    lines: list[Line] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    ran: list[Ran] = field(default_factory=list)


def _run_row(table, row: Row, run: Run, rows: Rows, recipe, taken: Taken, folder: Path) -> _Found:
    """Runs a row on one run's data, from each of the weights that it is run from."""
    found = _Found()
    for weights in rows.weights(row):
        pretrained = weights not in ("", FROM_RANDOM)
        name = f"{row.name}-pretrained" if pretrained else row.name
        place = folder / name if len(table.runs) == 1 else folder / name / run.name
        kept = f"{table.name.rpartition('/')[2]}-{row.name}" if pretrained else ""
        result = rows.run(row, recipe, taken, place, kept)
        if isinstance(result, str):
            found.failed[f"{name}/{run.name}"] = result
            continue
        report = os.path.relpath(result.folder / "report.html", folder)
        facts = {"row": name, "data": taken.text, "report": report, "weights": weights}
        found.lines += score_lines(table, row, run, result, facts)
        label = labelled(row.printed, weights)
        found.ran.append(Ran(row.name, label, run.name, pretrained, result.folder))
    return found


def _notes(table: PaperTable, chosen: list[Row], rows: Rows) -> list[str]:
    notes, epochs = list(table.readings), rows.how.epochs
    if rows.pretrained is not None:
        notes = pretrained_notes(rows.pretrained, chosen) + notes
    elif table.from_random and table.runs:
        notes.insert(0, table.from_random)
    if rows.how.quick:
        notes.insert(
            0,
            f"A thin slice, which shows that the table runs and nothing more: {len(chosen)} of "
            f"{len(table.rows)} rows, small networks, {QUICK_SUBJECTS} subjects of each data set, "
            f"{QUICK_FOLDS} folds of each, {QUICK_EPOCHS} epochs, {QUICK_FRAMES} frames of a clip "
            f"where frames are split.",
        )
    elif len(chosen) < len(table.rows):
        notes.append(f"{len(chosen)} of {len(table.rows)} rows were asked for.")
    for network in {row.network for row in chosen} & set(rows.how.trunks):
        notes.append(f"The trunk of {network} begins with {rows.how.trunks[network]}.")
    if epochs is not None:
        notes.append(f"{epochs} epochs instead of the paper's.")
    notes += [f"{row.printed} was not run: {row.reason}" for row in chosen if row.reason]
    taken = [rows.take(run) for run in table.runs.values()]
    notes += [one.note for one in taken if one is not None and one.note]
    return [*notes, *cost_notes(table)]

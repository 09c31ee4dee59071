"""`reproduce`: a table of a paper, row by row, each row an evaluation of its own.

The table is data (`merzoo.reproduction.tables`); what is done with a row is `merzoo.evaluate`, so a
run that was stopped continues, fold by fold. `merzoo.reproduction.figures` writes what comes out.
"""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from merzoo.errors import InputError
from merzoo.evaluation.evaluate import evaluate
from merzoo.reproduction.figures import Line, cost_line, score_lines, write_pages
from merzoo.reproduction.sources import QUICK_SUBJECTS, read_sources, samples_of, take
from merzoo.reproduction.tables import PaperTable, Row, Run, get_table, recipe_of
from merzoo.training.recipes import Recipe, change_recipe

QUICK_EPOCHS = 2
QUICK_BATCH = 8


@dataclass(frozen=True)
class Reproduction:
    """A table of a paper beside ours.

    Args:
        table: the paper's.
        lines: one for each row and part of the data, see `merzoo.reproduction.figures.Line`.
        failed: `"row/run"` -> why it could not be run.
        notes: what differs from the paper, in sentences.
        folder: with `table.md`, `table.json`, `table.html` and a folder for each row.
    """

    table: PaperTable
    lines: list[Line]
    failed: dict[str, str]
    notes: list[str]
    folder: Path


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
    out=None,
) -> Reproduction:
    """Runs the rows of a paper's table and puts the paper's figures beside ours.

    Args:
        table: a name of `merzoo.reproduction.tables.list_tables()`, such as `"dfrnet/table6"`.
        data: text such as `"casme2:FOLDER"`, `Arrays`, or a list of these. A run of the table takes
            those of its own data sets, also out of arrays whose samples carry their names; data of
            no paper (synthetic clips) stand in for them.
        quick: a thin slice that says whether it works, not what it scores: a few rows, small
            networks, few subjects, 2 epochs.
        rows: names of rows; `None` for all.
        labels: label map of stand-in clips; `None` for `"megc3"`.
        epochs: instead of the recipes'.
        parameters: choices of preprocessing over the recipes', as for `merzoo.evaluate`.
        seeds, jobs, cluster: as for `merzoo.evaluate`.
        out: folder for the results; a run that stopped half-way continues in the same folder.

    Returns:
        A `Reproduction`.

    Raises:
        InputError: for an unknown table or row, or if no row could be run.

    Example:

    >>> found = reproduce("dfrnet/table6", "synthetic:easy", quick=True)  # doctest: +SKIP
    >>> [line.figures["uf1"].paper for line in found.lines]  # doctest: +SKIP
    ['0.7333', '0.7657']
    """
    table = get_table(table)
    chosen = [table.row(name) for name in rows or (table.quick if quick else _names(table))]
    sources = read_sources(data)
    folder = Path(out or tempfile.mkdtemp(prefix="merzoo-"))
    notes = _notes(table, chosen, sources, quick, epochs)
    lines, failed = [], {}
    for row in chosen:
        done = {}
        for run in table.runs.values():
            taken = take(sources, run)
            if taken is None:
                failed[f"{row.name}/{run.name}"] = (
                    f"no data given: --data {' --data '.join(f'{k}:FOLDER' for k in run.data)}"
                )
                continue
            recipe = _recipe(table, row, run, quick, epochs)
            if not taken.own:
                recipe = replace(recipe, labels=labels or Recipe("default").labels)
            same = (recipe.labels, recipe.protocol, taken.datasets)
            if not taken.own and same in done:  # it would be the same result
                continue
            place = folder / row.name if len(table.runs) == 1 else folder / row.name / run.name
            try:
                result = evaluate(
                    row.network,
                    samples_of(taken, quick, (parameters or {}).get("on_error", "fail")),
                    recipe=recipe,
                    parameters=parameters,
                    seeds=seeds,
                    jobs=jobs,
                    out=place,
                    cluster=cluster,
                )
            except InputError as error:
                failed[f"{row.name}/{run.name}"] = str(error)
                continue
            done[same] = run.name
            lines += score_lines(table, row, run, result, taken.text)
        if any(column.run is None for column in table.columns):
            lines.append(cost_line(table, row))
    if not any(line.run for line in lines) and table.runs:
        raise InputError(f"{table.name}: no row could be run: {next(iter(failed.values()))}")
    found = Reproduction(table, lines, failed, notes, folder)
    write_pages(found)
    return found


def _names(table: PaperTable) -> list[str]:
    return [row.name for row in table.rows]


def _recipe(table: PaperTable, row: Row, run: Run, quick: bool, epochs: int | None) -> Recipe:
    recipe = change_recipe(recipe_of(table, row, run), epochs=epochs)
    if not quick:
        return recipe
    from merzoo.models.registry import entry

    arguments = recipe.model_arguments | entry(row.network).small | row.arguments
    arguments.pop("weights_backbone", None)  # half a gigabyte from the network
    return replace(
        recipe,
        epochs=min(recipe.epochs, QUICK_EPOCHS),
        batch_size=min(recipe.batch_size, QUICK_BATCH),
        model_arguments=arguments,
    )


def _notes(table: PaperTable, chosen: list[Row], sources, quick: bool, epochs) -> list[str]:
    notes = list(table.readings)
    if quick:
        notes.insert(
            0,
            f"A thin slice, which shows that the table runs and nothing more: {len(chosen)} of "
            f"{len(table.rows)} rows, small networks, {QUICK_SUBJECTS} subjects of each data set, "
            f"{QUICK_EPOCHS} epochs.",
        )
    elif len(chosen) < len(table.rows):
        notes.append(f"{len(chosen)} of {len(table.rows)} rows were asked for.")
    if epochs is not None:
        notes.append(f"{epochs} epochs instead of the paper's.")
    taken = [take(sources, run) for run in table.runs.values()]
    notes += [one.note for one in taken if one is not None and one.note]
    return list(dict.fromkeys(notes))

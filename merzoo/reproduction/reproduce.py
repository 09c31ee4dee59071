"""`reproduce`: a table of a paper, row by row, each row an evaluation of its own.

The table is data (`merzoo.reproduction.tables`); what is done with a row is `merzoo.evaluate`, so a
run that was stopped continues, fold by fold. `merzoo.reproduction.figures` writes what comes out.
"""

import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from merzoo.data.datasets import load_named, parse_data
from merzoo.errors import InputError
from merzoo.evaluation.evaluate import evaluate
from merzoo.preprocessing.arrays import Arrays, join_arrays
from merzoo.reproduction.figures import Line, cost_line, score_lines, write_pages
from merzoo.reproduction.tables import PaperTable, Row, Run, get_table, list_tables, recipe_of
from merzoo.training.recipes import Recipe, change_recipe

QUICK_SUBJECTS = 4  # of each data set
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


@dataclass(frozen=True)
class _Source:
    """One data set that was given: its kind, and how it is named to the user."""

    kind: str
    text: str
    data: object = field(repr=False)  # the text, or `Arrays`


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
            those of its own kinds; data of no paper (synthetic clips, arrays) stand in for them.
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
    sources = _sources(data)
    folder = Path(out or tempfile.mkdtemp(prefix="merzoo-"))
    notes = _notes(table, chosen, sources, quick, epochs)
    lines, failed = [], {}
    for row in chosen:
        done = {}
        for run in table.runs.values():
            taken = _taken(sources, run)
            if not taken:
                failed[f"{row.name}/{run.name}"] = (
                    f"no data given: --data {' --data '.join(f'{k}:FOLDER' for k in run.data)}"
                )
                continue
            recipe = _recipe(table, row, run, quick, epochs)
            stand_in = not _own(taken, run)
            if stand_in:
                recipe = replace(recipe, labels=labels or Recipe("default").labels)
            same = (recipe.labels, recipe.protocol)
            if stand_in and same in done:  # the same data for another run would be the same result
                continue
            place = folder / row.name if len(table.runs) == 1 else folder / row.name / run.name
            try:
                result = evaluate(
                    row.network,
                    _samples(taken, quick, (parameters or {}).get("on_error", "fail")),
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
            lines += score_lines(table, row, run, result, _told(taken, stand_in))
        if any(column.run is None for column in table.columns):
            lines.append(cost_line(table, row))
    if not any(line.run for line in lines) and table.runs:
        raise InputError(f"{table.name}: no row could be run: {next(iter(failed.values()))}")
    found = Reproduction(table, lines, failed, notes, folder)
    write_pages(found)
    return found


def _names(table: PaperTable) -> list[str]:
    return [row.name for row in table.rows]


def _sources(data) -> list[_Source]:
    found = []
    for item in [data] if isinstance(data, str | Arrays) else list(data):
        if isinstance(item, Arrays):
            found.append(_Source("arrays", item.source, item))
        else:
            found.append(_Source(parse_data(item).kind, item, item))
    if not found:
        raise InputError("No data given: use --data KIND:PLACE, such as synthetic:easy.")
    return found


def _paper_kinds() -> set[str]:
    """Kinds of data that some table asks for; the composite's own kind holds three of them."""
    runs = (run for name in list_tables() for run in get_table(name).runs.values())
    return {kind for run in runs for kind in run.data} | {"megc2019"}


def _kinds(run: Run) -> set[str]:
    return set(run.data) | ({"megc2019"} if len(run.data) > 1 else set())


def _taken(sources: list[_Source], run: Run) -> list[_Source]:
    own = [source for source in sources if source.kind in _kinds(run)]
    return own or [source for source in sources if source.kind not in _paper_kinds()]


def _own(taken: list[_Source], run: Run) -> bool:
    return all(source.kind in _kinds(run) for source in taken)


def _told(taken: list[_Source], stand_in: bool) -> str:
    text = " + ".join(source.text for source in taken)
    return f"{text} (stand-in)" if stand_in else text


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


def _samples(taken: list[_Source], quick: bool, on_error: str):
    """What `evaluate` is given: texts and arrays as they came, or the few subjects of a slice."""
    if not quick:
        arrays = [source.data for source in taken if isinstance(source.data, Arrays)]
        if arrays and len(arrays) < len(taken):
            raise InputError("give arrays or text, not both: arrays:FILE.npz names a file.")
        return join_arrays(arrays) if arrays else [source.data for source in taken]
    parts = [_few(source, on_error) for source in taken]
    arrays = [part for part in parts if isinstance(part, Arrays)]
    if arrays and len(arrays) < len(parts):
        raise InputError("--quick takes clips or arrays, not both at a time.")
    return join_arrays(arrays) if arrays else [clip for part in parts for clip in part]


def _few(source: _Source, on_error: str):
    """The samples of the first subjects of each data set of a source."""
    found = source.data
    if isinstance(found, str):
        usual = {"on_error": on_error}
        if source.kind == "synthetic":  # no need to film the others
            usual["subjects"] = QUICK_SUBJECTS
        found = load_named(found, **usual)
    if isinstance(found, Arrays):
        kept = _first_subjects(found.subject.tolist())
        return found.take([i for i, subject in enumerate(found.subject) if subject in kept])
    kept = _first_subjects([clip.subject for clip in found])
    return [clip for clip in found if clip.subject in kept]


def _first_subjects(subjects: list[str]) -> set[str]:
    by_dataset: dict[str, list[str]] = {}
    for subject in dict.fromkeys(subjects):
        by_dataset.setdefault(subject.split("/")[0], []).append(subject)
    return {subject for names in by_dataset.values() for subject in names[:QUICK_SUBJECTS]}


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
    given = {source.kind for source in sources}
    for run in table.runs.values():
        taken = _taken(sources, run)
        if taken and not _own(taken, run):
            notes.append(
                f"{_told(taken, False)} stands in for {', '.join(run.data)}: our figures and the "
                f"paper's are of different data and must not be compared."
            )
        elif taken and "megc2019" not in given and not set(run.data) <= given:
            lacking = sorted(set(run.data) - given)
            notes.append(f"The run {run.name} lacks {', '.join(lacking)}, which were not given.")
    return list(dict.fromkeys(notes))

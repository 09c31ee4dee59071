"""A reproduced table: the paper's figures beside ours, as JSON, Markdown and a page with a plot.

Our figures follow from the predictions of each row's run alone; what they are called and how they
are computed stands in `merzoo.metrics.METRICS`.
"""

import dataclasses
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from merzoo.evaluation.pages.comparison import differences_table, secondary_table
from merzoo.evaluation.pages.plots import training_curves
from merzoo.evaluation.runs.read import read_run
from merzoo.evaluation.scores.bootstrap import subject_bootstrap, subject_matrices
from merzoo.evaluation.scores.predictions import runs_of
from merzoo.files import write_json, write_text
from merzoo.metrics import METRICS
from merzoo.pages.figures import as_svg, close
from merzoo.pages.render import render
from merzoo.reproduction.plot import bars, title
from merzoo.reproduction.tables import PaperTable, Row, Run
from merzoo.surroundings import processor, surroundings

SCALES = {"": 1, "%": 0.01, "million": 1e6, "M": 1e6, "G": 1e9, "ms": 1e-3}
INFERENCE = "inference"  # column of the time that a network takes for one sample


@dataclass(frozen=True)
class Figure:
    """One figure of the paper beside ours.

    Args:
        paper: as printed; `"-"` where the paper prints none.
        unit: of both.
        ours: in the same unit, mean over seeds; `None` where we have none.
        interval: 95 % over subjects, in the same unit, or `None`.
    """

    paper: str
    unit: str = ""
    ours: float | None = None
    interval: tuple[float, float] | None = None

    @property
    def decimals(self) -> int:
        """As many as the paper prints."""
        if self.paper == "-":
            return 2 if self.unit else 4
        return len(self.paper.partition(".")[2])

    def text(self) -> str:
        """Ours, with the paper's number of decimals."""
        return "-" if self.ours is None else f"{self.ours:.{self.decimals}f}"

    def interval_text(self) -> str:
        """Our interval, likewise; empty where there is none."""
        if self.interval is None:
            return ""
        return "-".join(f"{value:.{self.decimals}f}" for value in self.interval)


@dataclass(frozen=True)
class Line:
    """A row of the table on one part of the data; or (`run=None`) the network's costs.

    Args:
        row: its name.
        printed: its name in the paper.
        figures: metric -> `Figure`.
        run, part: of the columns.
        data: what was given for the run, and whether it stands in.
        n, subjects, seeds: of ours.
        paper_n: samples, where the paper prints them.
        report: where the run's own page lies, from the table's folder.
        weights: what it started from, where a row was run from several.
    """

    row: str
    printed: str
    figures: dict[str, Figure]
    run: str | None = None
    part: str = ""
    data: str = ""
    n: int | None = None
    subjects: int | None = None
    seeds: int | None = None
    paper_n: int | None = None
    report: str = ""
    weights: str = ""

    @property
    def label(self) -> str:
        """The row's name in the paper, and what it started from where it was run from several."""
        return labelled(self.printed, self.weights)


def labelled(printed: str, weights: str) -> str:
    """How a row is called.

    >>> labelled("Ours", ""), labelled("Ours", "from random weights")
    ('Ours', 'Ours, from random weights')
    """
    return ", ".join(filter(None, (printed, weights)))


def score_lines(table: PaperTable, row: Row, run: Run, result, facts: dict) -> list[Line]:
    """The lines of one run of a row: the whole data, and each data set that has columns.

    Args:
        table, row, run: of the paper.
        result: of the row's evaluation.
        facts: of `Line`: its `row`, `data`, `report` and `weights`.
    """
    lines = []
    for line in _printed(table, row, run):
        line = dataclasses.replace(line, **facts)
        table_of_part = _part(result.predictions, line.part)
        lines.append(_with_ours(line, table_of_part, result.metrics["classes"]))
    return lines


def printed_lines(table: PaperTable, row: Row) -> list[Line]:
    """The lines of a row that the zoo does not run: the paper's figures alone."""
    return [line for run in table.runs.values() for line in _printed(table, row, run)]


def _printed(table: PaperTable, row: Row, run: Run) -> list[Line]:
    parts: dict[str, dict[str, Figure]] = {}
    for column, printed in zip(table.columns, row.figures, strict=True):
        if column.run == run.name:
            parts.setdefault(column.part, {})[column.metric] = Figure(printed, column.unit)
    return [
        Line(row.name, row.printed, figures, run.name, part, paper_n=run.printed_samples.get(part))
        for part, figures in parts.items()
    ]


def cost_line(table: PaperTable, row: Row) -> Line:
    """Parameters, multiply-adds and inference time of a row's network beside the paper's.

    The first two are counted. The time is the median over calls with one sample, here, and only
    where the table has a column of it; `cost_notes` says on what machine.
    """
    from merzoo.models import create_model
    from merzoo.models.multiply_adds import multiply_adds
    from merzoo.training.latency import compiled, latency

    model = create_model(row.network, **row.arguments)
    ours = {
        "parameters": sum(math.prod(w.shape) for w in model.trainable_weights),
        "multiply-adds": multiply_adds(model),
    }
    if any(column.metric == INFERENCE for column in table.columns):
        ours[INFERENCE] = latency(compiled(model))
    figures = {}
    for column, printed in zip(table.columns, row.figures, strict=True):
        if column.run is None:
            value = ours.get(column.metric)
            scaled = None if value is None else value / SCALES[column.unit]
            figures[column.metric] = Figure(printed, column.unit, scaled)
    return Line(row.name, row.printed, figures)


def cost_notes(table: PaperTable) -> list[str]:
    """On what machine the table's inference times were measured, where it has any."""
    if all(column.metric != INFERENCE for column in table.columns):
        return []
    import keras

    return [
        f"Inference: the median over calls with one sample of random values, the first calls left "
        f"out, on {keras.backend.backend()} and this machine: {processor()}, "
        f"{surroundings()['processors']} processors. The paper's is of another machine: what can "
        f"be compared is one row with another."
    ]


def _part(predictions, part: str):
    if part == "full":
        return predictions
    return predictions[predictions["dataset"].str.lower() == part]  # arrays spell it in their way


def _with_ours(line: Line, predictions, classes: list[str]) -> Line:
    """The line with our figures, from rows of `predictions.csv`."""
    if not len(predictions):
        return line
    rows, label, predicted, probabilities = runs_of(predictions, classes)
    matrices = [subject_matrices(label, run, rows["subject"], len(classes)) for run in predicted]
    pooled = np.stack([np.sum(list(run.values()), axis=0) for run in matrices])
    asked = [METRICS[name] for name in line.figures]
    intervals = subject_bootstrap(matrices, metrics=[m for m in asked if m.of_matrix is not None])
    figures = {}
    for metric in asked:
        figure = line.figures[metric.name]
        scale = SCALES[figure.unit]
        if metric.of_matrix is not None:
            value = metric.of_matrix(pooled).mean()
            interval = tuple(x / scale for x in intervals[metric.name])
        else:
            value, interval = metric.of_probabilities(label, probabilities).mean(), None
        ours = float(value / scale)
        figures[metric.name] = dataclasses.replace(figure, ours=ours, interval=interval)
    return dataclasses.replace(
        line,
        figures=figures,
        n=len(rows),
        subjects=rows["subject"].nunique(),
        seeds=len(predicted),
    )


def metric_notes(lines: list[Line]) -> list[str]:
    """What a reader must know of the lines' metrics, one sentence each."""
    names = dict.fromkeys(name for line in lines for name in line.figures)
    rows = [METRICS[name] for name in names if name in METRICS]
    return [f"{row.label}: {row.note}." for row in rows if row.note]


def columns_and_rows(lines: list[Line], costs: bool) -> tuple[list[str], list[list[str]]]:
    """Column names and text cells of the scores, or of the costs."""
    lines = [line for line in lines if (line.run is None) == costs]
    found = {n: f.unit for line in lines for n, f in line.figures.items()}
    columns = ["row"] if costs else ["row", "data", "N", "N paper", "subjects", "seeds"]
    for name, unit in found.items():
        columns += [f"{title(name, unit)}: paper", "ours"] + ([] if costs else ["95 %"])
    rows = []
    for line in lines:
        cells = [line.label]
        if not costs:
            cells += [_where(line), *_numbers(line)]
        for name in found:
            figure = line.figures.get(name, Figure("-"))
            cells += [figure.paper, figure.text()] + ([] if costs else [figure.interval_text()])
        rows.append(cells)
    return columns, rows


def figure_rows(lines: list[Line]) -> tuple[list[str], list[list[str]]]:
    """Column names and cells with a row for each figure, for a terminal; only where we have one."""
    columns = [
        "row",
        "data",
        "figure",
        "paper",
        "ours",
        "95 %",
        "N",
        "N paper",
        "subjects",
        "seeds",
    ]
    rows = []
    for line in lines:
        for name, figure in line.figures.items():
            if figure.ours is None:
                continue
            where = [_where(line) if line.run else "", title(name, figure.unit)]
            texts = [figure.paper, figure.text(), figure.interval_text()]
            rows.append([line.label, *where, *texts, *_numbers(line)])
    return columns, rows


def _where(line: Line) -> str:
    if not line.n:
        return f"{line.part} (not given)"
    return line.data if line.part == "full" else f"{line.data}: {line.part}"


def _numbers(line: Line) -> list[str]:
    numbers = (line.n, line.paper_n, line.subjects, line.seeds)
    return ["-" if x is None else str(x) for x in numbers]


def write_pages(found, figures: Sequence[tuple[str, str]] = ()) -> None:
    """Writes `table.json`, `table.md` and `table.html` of a `Reproduction` into its folder.

    Args:
        found: the reproduction.
        figures: links and titles of the paper's figures of this table's runs.
    """
    found.folder.mkdir(parents=True, exist_ok=True)
    write_json(found.folder / "table.json", as_dict(found))
    write_text(found.folder / "table.md", markdown(found))
    write_text(found.folder / "table.html", _page(found, figures))


def as_dict(found) -> dict:
    """The content of `table.json`."""
    return {
        "table": found.table.name,
        "title": found.table.title,
        "ours": found.table.ours,
        "lines": json.loads(json.dumps([dataclasses.asdict(line) for line in found.lines])),
        "tests": found.tests,
        "failed": found.failed,
        "notes": found.notes,
    }


def markdown(found) -> str:
    """The content of `table.md`."""
    parts = [f"# {found.table.name}: {found.table.title}", ""]
    for costs in (False, True):
        parts += _markdown_table(*columns_and_rows(found.lines, costs))
    for caption, columns, rows in tests_tables(found.tests):
        parts += [caption, "", *_markdown_table(columns, rows)]
    parts += [f"- {note}" for note in [*found.notes, *metric_notes(found.lines)]]
    parts += [f"- Not run: {name}: {reason}" for name, reason in found.failed.items()]
    parts += ["", "Ours: mean over seeds; 95 % intervals from a bootstrap over subjects.", ""]
    return "\n".join(parts)


def _markdown_table(columns: list[str], rows: list[list[str]]) -> list[str]:
    if not rows:
        return []
    head = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return [*head, *("| " + " | ".join(cells) + " |" for cells in rows), ""]


def tests_tables(tests: list[dict]) -> list[tuple[str, list[str], list[list[str]]]]:
    """Caption, column names and cells of the tests between rows, two tables for each run."""
    tables = []
    for test in tests:
        where = f"{test['run']}, {test['clips']} clips of {test['subjects']} subjects. "
        for caption, columns, rows in (differences_table(test), secondary_table(test)):
            tables.append((f"Between rows on {where}{caption}", columns, rows))
    return tables


def own_curves(found) -> list[tuple[str, str]]:
    """What was run, and its curves of training and validation over the folds, as SVG: of the
    paper's own row, on each run's data."""
    drawn = {}
    for line in found.lines:
        if line.row != found.table.ours or not line.report:
            continue
        folder = (found.folder / line.report).parent
        histories = [h for h in read_run(folder).histories() if {"loss", "accuracy"} <= set(h)]
        caption = f"{line.label}: {line.run}"
        if histories and caption not in drawn:
            figure = training_curves(histories)
            drawn[caption] = as_svg(figure)
            close([figure])
    return list(drawn.items())


def _page(found, figures) -> str:
    tables = []
    for costs in (False, True):
        columns, rows = columns_and_rows(found.lines, costs)
        links = [line.report for line in found.lines if (line.run is None) == costs]
        tables.append((columns, list(zip(links, rows, strict=True))))
    return render(
        "reproduced.html",
        table=found.table,
        notes=[*found.notes, *metric_notes(found.lines)],
        failed=found.failed,
        tables=[(columns, rows) for columns, rows in tables if rows],
        tests=tests_tables(found.tests),
        plot=bars(found.lines),
        curves=own_curves(found),
        figures=figures,
        stand_in=any("(stand-in)" in line.data for line in found.lines),
    )

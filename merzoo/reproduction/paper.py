"""`reproduce_paper`: every table and figure of a paper, with one page that leads to each.

Tables are run one after another; rows that several of them show are run once. What else the paper
shows (`merzoo.reproduction.contents`) is counted, drawn, or said to be missing, and why.
"""

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from merzoo.errors import InputError, unknown
from merzoo.files import check_folder, write_json, write_text
from merzoo.pages.render import render
from merzoo.progress import tell
from merzoo.reproduction.contents import Item, contents_of, counted, settings_beside
from merzoo.reproduction.drawings import DRAWINGS, Given
from merzoo.reproduction.figures import as_dict, write_pages
from merzoo.reproduction.how import How
from merzoo.reproduction.pretrained import read_pretrained
from merzoo.reproduction.reproduce import Reproduction, fill_table
from merzoo.reproduction.rows import Rows
from merzoo.reproduction.sources import read_sources
from merzoo.reproduction.tables import get_table, list_papers, list_tables


@dataclass(frozen=True)
class Shown:
    """A table or figure of the paper, as the page shows it.

    Args:
        name, number, title: `"figure5"`, `"Figure 5"`, and what it shows.
        link: the page of a table of results, from the paper's folder.
        columns, rows: cells of a table of data or settings.
        svg: of a figure.
        notes: how it was read, what stands in, or why there is nothing of ours.
    """

    name: str
    number: str
    title: str
    link: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    svg: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class PaperReproduction:
    """A whole paper beside ours.

    Args:
        paper: name of its network.
        title: authors, title, venue and year.
        tables: of results, in the paper's order.
        shown: all tables and figures.
        folder: with `paper.html`, `paper.json`, and a folder for each table.
    """

    paper: str
    title: str
    tables: list[Reproduction]
    shown: list[Shown]
    folder: Path

    @property
    def failed(self) -> dict[str, str]:
        """`"table6/row/run"` -> why it could not be run."""
        return {
            f"{table.table.name.rpartition('/')[2]}/{name}": reason
            for table in self.tables
            for name, reason in table.failed.items()
        }


def reproduce_paper(
    paper: str, data, *, pretrained=None, pretrain=None, out=None, **how
) -> PaperReproduction:
    """Runs all tables of a paper, and shows every table and figure of it on one page.

    Args:
        paper: a name of `merzoo.reproduction.tables.list_papers()`, such as `"dfrnet"`.
        data: as for `merzoo.reproduce`.
        pretrained, pretrain: as for `merzoo.reproduce`.
        out: folder for the results; a run that stopped half-way continues in the same folder.
        **how: `quick`, `labels`, `epochs`, `parameters`, `seeds`, `jobs`, `cluster` and `trunks`,
            as for `merzoo.reproduce`.

    Returns:
        A `PaperReproduction`.

    Raises:
        InputError: for an unknown paper, or if no row of any table could be run.

    Example:

    >>> found = reproduce_paper("cvanet", "synthetic:easy", quick=True)  # doctest: +SKIP
    >>> [item.name for item in found.shown][:2]  # doctest: +SKIP
    ['table1', 'table2']
    """
    papers = list_papers()
    if paper not in papers:
        raise unknown("paper", paper, papers)
    check_folder(out, file=None)
    how = How(**how)
    sources = read_sources(data)
    folder = Path(out or tempfile.mkdtemp(prefix="merzoo-"))
    papers_tables = [get_table(name) for name in list_tables() if name.startswith(f"{paper}/")]
    chosen = [table.thin() if how.quick else list(table.rows) for table in papers_tables]
    every = [row for own in chosen for row in own]
    weights = read_pretrained(
        pretrained, pretrain, every, paper, sources, how, folder / "pretrained"
    )
    rows, tables = Rows(sources, how, weights), []
    for k, (table, own) in enumerate(zip(papers_tables, chosen, strict=True), start=1):
        tell(f"{table.name}, {k} of {len(chosen)} tables")
        tables.append(fill_table(table, own, rows, folder / table.name.rpartition("/")[2]))
    if not any(line.n for table in tables for line in table.lines):
        raise InputError(f"{paper}: no row could be run: {_first_reason(tables)}")
    for table in tables:
        write_pages(table, _figures_of(table.table.name))
    given = Given(rows, *_runs(tables))
    shown = [_of_table(table) for table in tables]
    shown += [_of_item(item, given) for item in contents_of(paper)]
    shown.sort(key=lambda one: (one.name[0] == "f", int(re.sub(r"\D", "", one.name))))
    found = PaperReproduction(paper, papers[paper], tables, shown, folder)
    _write(found)
    return found


def _first_reason(tables: list[Reproduction]) -> str:
    reasons = [reason for table in tables for reason in (*table.failed.values(), *table.notes)]
    return next(iter(reasons), "it has no table of results.")


def _figures_of(table: str) -> list[tuple[str, str]]:
    """Links, from the table's folder, and titles of the paper's figures of its runs."""
    paper, _, name = table.rpartition("/")
    found = []
    for item in contents_of(paper):
        told = item.arguments.get("runs", [item.arguments.get("run", "")])
        if item.arguments.get("table") == table or any(t.startswith(f"{name}/") for t in told):
            found.append((f"../paper.html#{item.name}", f"{item.number}: {item.title}"))
    return found


def _runs(tables: list[Reproduction]) -> tuple[dict[str, Path], dict[str, str]]:
    """`"table6/all/composite"` -> the folder of the run that a line reports, and its title."""
    folders, titles = {}, {}
    for table in tables:
        for line in table.lines:
            if line.report:
                name = f"{table.folder.name}/{line.row}/{line.run}"
                folders[name] = (table.folder / line.report).parent.resolve()
                titles[name] = f"{line.label}: {line.run}"
    return folders, titles


def _of_table(table: Reproduction) -> Shown:
    name = table.folder.name
    run = sum(1 for line in table.lines if line.n)
    notes = [f"{run} lines with figures of ours"] + [f"{k}: {v}" for k, v in table.failed.items()]
    link = f"{name}/table.html"
    return Shown(name, table.table.number, table.table.title, link, notes=tuple(notes))


def _of_item(item: Item, given: Given) -> Shown:
    cells: tuple = ((), ())
    svg, notes = "", list(item.readings)
    try:
        if item.counts:
            cells = counted(item, given.rows.sources)
        elif item.settings:
            cells = settings_beside(item)
        elif item.drawing:
            svg = DRAWINGS[item.drawing](given, **item.arguments)
        elif item.network:
            svg = _graph(item.network)
            notes.append(f"Ours: the graph of {item.network}, as it is built.")
    except InputError as error:
        notes.append(f"Not drawn: {error}")
    asked = item.arguments.get("runs", ()) if svg else ()
    lacking = [name for name in asked if not given.there([name])]
    if lacking:
        notes.append(f"Not run here, and left out: {', '.join(lacking)}.")
    if item.reason:
        notes.append(item.reason)
    columns, rows = cells
    cells_of = tuple(tuple(row) for row in rows)
    return Shown(
        item.name, item.number, item.title, "", tuple(columns), cells_of, svg, tuple(notes)
    )


def _graph(network: str) -> str:
    from importlib.resources import files

    text = (files("merzoo.models") / "pages" / f"{network}.svg").read_text(encoding="utf-8")
    named = f'<svg role="img" aria-label="stages of {network}"'
    return text[text.index("<svg") :].replace("<svg", named, 1)


def _write(found: PaperReproduction) -> None:
    """Writes `paper.html` and `paper.json`."""
    stand_in = any("(stand-in)" in line.data for table in found.tables for line in table.lines)
    page = render("paper.html", found=found, stand_in=stand_in)
    write_text(found.folder / "paper.html", page)
    write_json(found.folder / "paper.json", paper_as_dict(found))


def paper_as_dict(found: PaperReproduction) -> dict:
    """The content of `paper.json`."""
    return {
        "paper": found.paper,
        "title": found.title,
        "tables": [as_dict(table) for table in found.tables],
        "contents": [
            {"name": one.name, "title": one.title, "link": one.link, "notes": list(one.notes)}
            for one in found.shown
        ],
        "failed": found.failed,
    }

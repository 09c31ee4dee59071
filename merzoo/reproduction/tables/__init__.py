"""The papers' tables as data: a file a paper, an entry a table, a row of it a recipe.

A row says what is built (network and arguments), how it is trained (a recipe, with changes), what
it is trained and tested on (one or several runs: data sets, label map, protocol), and the figures
that the paper prints for it, as printed. `merzoo reproduce` runs a table; a row alone is a recipe
by the name `"dfrnet/table6/none"`, with the name of the run behind it where the row has several:
`"cvanet/table3/vertical/samm"`.

In the files, `"none"` stands for Python's `None`. A column is written `"run part metric"`, where
the part is `full` or a data set within the run, or as the name of a cost, such as
`"parameters, million"`; after a comma stands the unit.
"""

import functools
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from merzoo.errors import InputError, unknown
from merzoo.schema import read_toml
from merzoo.training.recipes import Recipe, get_recipe

FOLDER = Path(__file__).parent


class RunFields(msgspec.Struct, forbid_unknown_fields=True):
    """A run in a paper's file; see `Run`."""

    data: Annotated[list[str], Meta(min_length=1)]
    labels: str
    protocol: str
    printed_samples: dict[str, Annotated[int, Meta(ge=1)]] = {}


class RowFields(msgspec.Struct, forbid_unknown_fields=True):
    """A row in a paper's file; see `Row`. `figures` are parted by blanks."""

    name: str
    printed: str
    figures: str
    network: str = ""
    arguments: dict[str, Any] = {}
    recipe: str = ""
    reason: str = ""


class TableFields(msgspec.Struct, forbid_unknown_fields=True):
    """A table in a paper's file; see `PaperTable`. `columns` names a list of them."""

    title: str
    columns: str
    rows: Annotated[list[RowFields], Meta(min_length=1)]
    ours: str = ""
    quick: list[str] = []
    readings: list[str] = []


class ItemFields(msgspec.Struct, forbid_unknown_fields=True):
    """A table or figure beside the tables of results; see `merzoo.reproduction.contents.Item`."""

    name: Annotated[str, Meta(pattern="^(table|figure)[0-9]+$")]
    title: str
    labels: str = ""
    counts: dict[str, dict[str, int]] = {}
    recipe: str = ""
    settings: dict[str, str] = {}
    network: str = ""
    drawing: str = ""
    arguments: dict[str, Any] = {}
    reason: str = ""
    readings: list[str] = []


class PaperFile(msgspec.Struct, forbid_unknown_fields=True):
    """What the file of a paper holds."""

    network: str
    readings: list[str]
    columns: dict[str, list[str]]
    tables: dict[str, TableFields]
    runs: dict[str, RunFields] = {}
    contents: list[ItemFields] = []
    from_random: str = ""


@dataclass(frozen=True)
class Run:
    """What a figure is trained and tested on.

    Args:
        name: such as `"composite"`.
        data: kinds of `merzoo.data`, all of them together.
        labels: name of the label map.
        protocol: of the folds.
        printed_samples: samples by part as the paper prints them, where it does.
    """

    name: str
    data: tuple[str, ...]
    labels: str
    protocol: str
    printed_samples: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Column:
    """What a printed figure is: a metric of a part of a run, or (`run=None`) a cost of the network.

    Args:
        metric: a name of `merzoo.metrics.METRICS`, such as `"uf1"`; or `"parameters"`,
            `"multiply-adds"`, `"inference"`.
        unit: `""`, `"%"`, `"million"`, `"M"`, `"G"` or `"ms"`.
        run: name of the run.
        part: `"full"`, or a data set within the run.
    """

    metric: str
    unit: str = ""
    run: str | None = None
    part: str = ""


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Args:
        name: short, part of the recipe's name.
        printed: the row's name in the paper.
        network: a name of `merzoo.list_models()`.
        arguments: of the builder.
        recipe: name of the recipe that is changed into the row's.
        figures: one text a column, as printed; `"-"` where the paper prints none.
        reason: why the zoo does not run it, one sentence; empty where it does.
    """

    name: str
    printed: str
    network: str
    arguments: dict
    recipe: str
    figures: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True)
class PaperTable:
    """One table of a paper.

    Args:
        name: such as `"dfrnet/table6"`.
        title: what it compares.
        runs: by name.
        columns: what the figures are.
        rows: in the paper's order; those that the zoo does not run say why.
        ours: name of the paper's own row, which the others are tested against.
        quick: names of the rows of a thin slice.
        readings: how unclear passages were read, and what differs from the paper.
        from_random: what must be known where rows are run from random weights alone.
    """

    name: str
    title: str
    runs: dict[str, Run]
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    ours: str
    quick: tuple[str, ...]
    readings: tuple[str, ...] = ()
    from_random: str = ""

    def thin(self) -> list[Row]:
        """The rows of a thin slice, and those that say why they are not run."""
        return [row for row in self.rows if row.reason or row.name in self.quick]

    @property
    def number(self) -> str:
        """As the paper calls it, such as `"Table 6"`."""
        return number_of(self.name.rsplit("/", 1)[1])

    def row(self, name: str) -> Row:
        """The row called `name`; raises `InputError` with the nearest one."""
        found = {row.name: row for row in self.rows}
        if name not in found:
            raise unknown(f"row of {self.name}", name, found)
        return found[name]


def number_of(name: str) -> str:
    """What a paper calls its table or figure.

    >>> number_of("table6"), number_of("figure10")
    ('Table 6', 'Figure 10')
    """
    return name.replace("table", "Table ").replace("figure", "Figure ")


def list_papers() -> dict[str, str]:
    """The papers whose tables are here: the name of their network, and their title.

    >>> list(list_papers())
    ['broadbentnet', 'cvanet', 'densemixednet', 'dfrnet', 'keyregionnet']
    """
    from merzoo.models.registry import entry

    names = dict.fromkeys(name.partition("/")[0] for name in list_tables())
    return {name: entry(name).reference for name in names}


def list_tables() -> list[str]:
    """Names of all tables, by paper and number.

    >>> list_tables()[:2]
    ['broadbentnet/table3', 'broadbentnet/table4']
    """
    return list(_tables())


def get_table(name: str) -> PaperTable:
    """A table by name, such as `"dfrnet/table6"`.

    Raises:
        InputError: if there is none, with the nearest name.

    >>> get_table("dfrnet/table6").row("sa").figures[:2]
    ('0.7436', '0.7097')
    """
    if name not in _tables():
        raise unknown("table", name, _tables(), "merzoo reproduce --list shows all.")
    return _tables()[name]


def row_recipe(name: str) -> Recipe:
    """The recipe of a table's row: the network's, with the row's arguments, protocol and labels.

    Args:
        name: `"network/table/row"`, or with the name of a run behind it; the table's first run
            otherwise.

    Raises:
        InputError: for a table, row or run that there is not.

    >>> recipe = row_recipe("cvanet/table3/both/samm")
    >>> recipe.optimizer, recipe.labels, recipe.protocol, recipe.model_arguments
    ('adamw', 'samm-5', 'loso', {'direction': 'both'})
    """
    parts = name.split("/")
    if len(parts) not in (3, 4):
        raise InputError(
            f"recipe {name!r}: a row of a table is written NETWORK/TABLE/ROW, such as "
            f"dfrnet/table6/none."
        )
    table = get_table("/".join(parts[:2]))
    row = table.row(parts[2])
    if row.reason:
        raise InputError(f"{name}: {row.printed} is not in the zoo: {row.reason}")
    run = parts[3] if len(parts) == 4 else next(iter(table.runs))
    if run not in table.runs:
        raise unknown(f"run of {table.name}", run, table.runs)
    return recipe_of(table, row, table.runs[run])


def recipe_of(table: PaperTable, row: Row, run: Run) -> Recipe:
    """The recipe of one run of a row."""
    recipe = get_recipe(row.recipe)
    return replace(
        recipe,
        name=f"{table.name}/{row.name}/{run.name}",
        about=f"{table.number}, row {row.printed!r}: {table.title}. {recipe.about}".strip(),
        model_arguments=recipe.model_arguments | row.arguments,
        protocol=run.protocol,
        labels=run.labels,
    )


@functools.cache
def _tables() -> dict[str, PaperTable]:
    found = {}
    for file in sorted(FOLDER.glob("*.toml")):
        content = read_toml(file, PaperFile)
        for name, table in content["tables"].items():
            whole = f"{content['network']}/{name}"
            found[whole] = _read(whole, file, content, table)
    return found


def _read(name: str, file: Path, content: dict, table: dict) -> PaperTable:
    if table["columns"] not in content["columns"]:
        raise unknown(f"columns of {file}, {name}", table["columns"], content["columns"])
    columns = tuple(_column(text, file) for text in content["columns"][table["columns"]])
    rows = tuple(_row(content["network"], row) for row in table["rows"])
    for row in rows:
        if len(row.figures) != len(columns):
            raise InputError(
                f"{file}: the row {row.name!r} of {name} has {len(row.figures)} figures; the table "
                f"has {len(columns)} columns."
            )
    for column in columns:
        if column.run is not None and column.run not in content["runs"]:
            raise unknown(f"run of {file}, {name}", column.run, content["runs"])
    own = [row.name for row in rows if not row.reason]
    ours = table.get("ours") or own[-1]
    if ours not in own:
        raise unknown(f"row of {file}, {name}", ours, own)
    runs = {c.run: _run(c.run, content["runs"][c.run]) for c in columns if c.run}
    return PaperTable(
        name,
        table["title"],
        runs,
        columns,
        rows,
        ours,
        quick=tuple(table.get("quick") or _thin_rows(own, ours)),
        readings=(*content["readings"], *table.get("readings", ())),
        from_random=content.get("from_random", ""),
    )


def _thin_rows(own: list[str], ours: str) -> list[str]:
    """Two rows of the zoo, the paper's own among them."""
    other = own[0] if own[0] != ours else own[-1]
    return list(dict.fromkeys((other, ours)))


def _run(name: str, fields: dict) -> Run:
    return Run(name, **fields | {"data": tuple(fields["data"])})


def _column(text: str, file: Path) -> Column:
    """`"casme2 full accuracy, %"` or `"parameters, million"`."""
    what, _, unit = text.partition(", ")
    words = what.split()
    if len(words) not in (1, 3):
        raise InputError(f"{file}: the column {text!r} is neither 'RUN PART METRIC' nor 'COST'.")
    run, part, metric = words if len(words) == 3 else (None, "", words[0])
    return Column(metric, unit, run, part)


def _row(network: str, fields: dict) -> Row:
    from merzoo.models.registry import entry

    network = fields.get("network", network)
    arguments = {n: None if v == "none" else v for n, v in fields.get("arguments", {}).items()}
    recipe = fields.get("recipe") or entry(network).recipe or "default"
    figures = tuple(fields["figures"].split())
    if "reason" in fields:
        return Row(fields["name"], fields["printed"], "", {}, "", figures, fields["reason"])
    return Row(fields["name"], fields["printed"], network, arguments, recipe, figures)

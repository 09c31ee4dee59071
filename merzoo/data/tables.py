"""Annotation tables: Excel or text sheets as rows that remember their number in the file.

Columns are known by the names that the datasets give them, or that the user says. The header row is
searched, because SAMM's stands on row 14, and so is the sheet of a workbook that holds it.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from merzoo.arguments import named_values
from merzoo.data.cells import Unvalued, file_and_sheet, read_cells, sheet_names
from merzoo.data.tree import Tree
from merzoo.errors import InputError, unknown
from merzoo.limits import check_names

# The field's columns under the names that the datasets give them, without blanks and in small
# letters.
COLUMNS = {
    "dataset": ("dataset", "database"),
    "subject": ("subject", "sub", "participant"),
    "clip": ("filename", "file", "clip"),
    "path": ("path",),
    "onset": ("onsetframe", "onsetf", "onset"),
    "apex": ("apexframe", "apexf", "apexf1", "apex"),
    "second_apex": ("apexf2",),
    "offset": ("offsetframe", "offsetf", "offset"),
    "action_units": ("actionunits", "actionunit", "au", "aus"),
    "label": ("estimatedemotion", "emotion", "label"),
    "objective_class": ("objectiveclasses", "objectiveclass"),
    "fps": ("fps",),
    "bits": ("bits", "bitdepth"),
    "expression": ("expressiontype",),
}
NOTHING = {"", "/", "\\", "-", "nan", "none", "n/a", "null"}
_HEADER_WITHIN = 60  # rows


@dataclass(frozen=True)
class Row:
    """One row: its number in the file (from 1) and its cells as text, by the names of `COLUMNS`."""

    file: str
    number: int
    cells: dict[str, str]

    @property
    def where(self) -> str:
        """`"CASME2-coding.xlsx, row 14"`."""
        return f"{self.file}, row {self.number}"

    def text(self, column: str) -> str | None:
        """The cell, or `None` where it is empty or says "nothing" (`/`)."""
        cell = self.cells.get(column, "")
        return None if cell.lower() in NOTHING else cell

    def check_values(self) -> None:
        """Raises `InputError` if a cell holds a formula whose value was not stored."""
        for column, cell in self.cells.items():
            if isinstance(cell, Unvalued):
                raise InputError(
                    f"{column} is a formula without a stored value: open the workbook in Excel or "
                    "LibreOffice and save it there"
                )

    def whole(self, column: str) -> int | None:
        """The cell as a whole number; `None` where empty; `InputError` for anything else."""
        cell = self.text(column)
        if cell is None:
            return None
        if not re.fullmatch(r"\d{1,9}(\.0+|,0{1,2})?", cell):
            raise InputError(f"{column} {cell!r} is no frame number")
        return int(float(cell.replace(",", ".")))

    def decimal(self, column: str) -> float | None:
        """The cell as frames per second, 1 to 10000, `29.97` or `29,97`; `None` where empty.

        Raises:
            InputError: for anything else, and for `1,000`, which may be one or a thousand.
        """
        cell = self.text(column)
        if cell is None:
            return None
        if re.fullmatch(r"[1-9]\d{0,2},\d{3}", cell):
            plain, point = cell.replace(",", ""), cell.replace(",", ".")
            raise InputError(f"{column} {cell!r} may be {plain} or {point}: write which")
        number = re.fullmatch(r"\d{1,9}([.,]\d+)?", cell)
        if not number or not 1 <= float(cell.replace(",", ".")) <= 10_000:
            raise InputError(f"{column} {cell!r} is no number from 1 to 10000")
        return float(cell.replace(",", "."))


def cell_text(value) -> str:
    """A cell's value as text: whole numbers without `.0`, no blanks around.

    >>> cell_text(6.0), cell_text(" 006 "), cell_text(None)
    ('6', '006', '')
    """
    if value is None:
        return ""
    if isinstance(value, Unvalued):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return " ".join(str(value).split())


def parse_columns(text: str) -> dict[str, str]:
    """`--columns` as a dictionary: merzoo's name of a column -> the name that the table gives it.

    >>> parse_columns("path=file,subject=person,label=Felt emotion")
    {'path': 'file', 'subject': 'person', 'label': 'Felt emotion'}

    Raises:
        InputError: for an unknown name, one that stands twice, or a part without `=`.
    """
    said = named_values("--columns", text.split(","), "path=file,subject=person")
    for name in said:
        if name not in COLUMNS:
            raise unknown("column", name, COLUMNS, "Write --columns NAME=COLUMN OF THE TABLE.")
    return said


def read_table(
    path: str | Path,
    required: Iterable[str],
    sheet: str | None = None,
    said: Mapping[str, str] | None = None,
    also: Mapping[str, Sequence[str]] | None = None,
) -> list[Row]:
    """The annotated rows of a sheet.

    Args:
        path: of an `.xlsx`, `.csv`, `.tsv` or `.txt` file; `FILE.xlsx#SHEET` names a sheet.
        required: names of `COLUMNS` that must be there.
        sheet: of the workbook; `None` for the only one that has these columns.
        said: name of `COLUMNS` -> name of the column in this table, where the user may say them.
        also: name of `COLUMNS` -> further names of the column, without blanks and in small letters,
            that only this set gives it.

    Returns:
        Rows that are not empty, in the order of the file.

    Raises:
        InputError: for a missing, damaged or oversized file, a missing column, or several sheets
            that could be meant.
    """
    path, said_sheet = file_and_sheet(path)
    required, sheet = list(required), said_sheet or sheet
    sheets = sheet_names(path) if sheet is None else [sheet]
    tables = [_Table(path, name, required, said, also or {}) for name in sheets]
    found = [table for table in tables if table.rows]
    if len(found) > 1:
        raise InputError(
            f"{path}: several sheets have these columns: "
            f"{', '.join(str(table.sheet) for table in found)}. Name one: {path}#{found[0].sheet}"
        )
    if found:
        return found[0].rows
    if any(table.columns for table in tables):
        raise InputError(f"{path}: the table has a header but no rows.")
    raise _no_header(path, tables, required, said)


class _Table:
    """One sheet: its rows, and its columns by name; `nearest` is the row most like a header."""

    def __init__(self, path: Path, sheet: str | None, required: list[str], said, also):
        self.sheet, self.rows = sheet, list[Row]()
        self.columns: dict[int, str] = {}
        self.nearest: tuple[int, int, list[str]] = (0, 0, [])  # known names, row, cells
        named_before = 0
        for number, cells in enumerate(read_cells(path, sheet), 1):
            texts = [cell_text(cell) for cell in cells]
            # Under a header of two rows with merged cells, the second one says more.
            if not self.columns or number == named_before + 1:
                named = name_columns(texts, said or {}, also)
                if named and set(required) | set(said or {}) <= set(named.values()):
                    if len(named) > len(self.columns):
                        self.columns, named_before, self.rows = named, number, []
                        continue
                elif not self.columns:
                    self._note(number, texts, len(named))
                    if number >= _HEADER_WITHIN:
                        break
            if self.columns and any(text or isinstance(text, Unvalued) for text in texts):
                self.rows.append(_row(path, number, self.columns, texts))

    def _note(self, number: int, texts: list[str], known: int) -> None:
        written = [text for text in texts if text]
        if len(written) > 1 and known >= self.nearest[0] + bool(self.nearest[2]):
            self.nearest = (known, number, written)


def _no_header(path: Path, tables: list[_Table], required: list[str], said) -> InputError:
    """What is missing, and what there is instead."""
    wanted = [name if name not in (said or {}) else said[name] for name in required]
    wanted += [column for name, column in (said or {}).items() if name not in required]
    if len(tables) > 1:
        sheets = ", ".join(str(table.sheet) for table in tables)
        where = f"in any of its sheets ({sheets})"
    else:
        where = f"among its first {_HEADER_WITHIN} rows"
    _, number, cells = max((table.nearest for table in tables), key=lambda nearest: nearest[0])
    there = f"; row {number} has {', '.join(cells[:12])}" if cells else ""
    hint = ""
    if said is not None and cells:
        missing = [n for n in required if n not in name_columns(cells, said).values()]
        hint = " Say which is which: --columns " + ",".join(f"{n}=NAME" for n in missing)
    return InputError(
        f"{path}: no header row with the columns {', '.join(wanted)} {where}{there}.{hint}"
    )


def read_columns(path: str | Path, columns: Sequence[str], sheet: str | None = None) -> list[Row]:
    """The rows of a sheet whose columns have no names: they are known by their order.

    Args:
        path: as for `read_table`.
        columns: a name for each column in order.
        sheet: of the workbook; its first one if `None`.

    Returns:
        Rows that are not empty, but for a header that somebody put above them: a first row that
        names columns.

    Raises:
        InputError: for a missing, damaged or oversized file, or a sheet that is not there.
    """
    path, said_sheet = file_and_sheet(path)
    rows = []
    for number, cells in enumerate(read_cells(path, said_sheet or sheet), 1):
        texts = [cell_text(cell) for cell in cells]
        if any(texts) and not (number == 1 and len(name_columns(texts, {})) > 2):
            rows.append(_row(path, number, dict(enumerate(columns)), texts))
    return rows


def _row(path: Path, number: int, columns: dict[int, str], texts: list[str]) -> Row:
    """The cells by name; a row that ends early has empty cells."""
    named = {name: texts[i] if i < len(texts) else "" for i, name in columns.items()}
    for name, text in named.items():
        check_names(name, [text], f"{path}, row {number}")
    return Row(path.name, number, named)


def name_columns(
    texts: list[str], said: Mapping[str, str], also: Mapping[str, Sequence[str]] | None = None
) -> dict[int, str]:
    """Index -> name in `COLUMNS` for the cells of a header row; the first of a name counts.

    Args:
        texts: the cells.
        said: names that the user says, which go before the usual ones.
        also: further names, without blanks and in small letters.

    >>> name_columns(["person", "Estimated Emotion", "FPS"], {"subject": "Person"})
    {0: 'subject', 1: 'label', 2: 'fps'}
    """
    as_said = [_folded(text) for text in texts]
    named: dict[int, str] = {}
    for name, column in said.items():
        if _folded(column) in as_said:
            named[as_said.index(_folded(column))] = name
    plain = [re.sub(r"[^a-z0-9]", "", text.lower()) for text in texts]
    for name, spellings in COLUMNS.items():
        if name in said:
            continue
        spellings = (*spellings, *(also or {}).get(name, ()))
        places = [plain.index(spelling) for spelling in spellings if spelling in plain]
        if places:
            named.setdefault(places[0], name)
    return named


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def find_table(
    tree: Tree,
    pattern: str,
    example: str,
    annotation: str | Path | None = None,
    depth: int = 1,
) -> Path:
    """The annotation file: `annotation` if given, else the only file like `pattern`.

    The root and `depth` levels below it are searched. `example` is a name that the authors give
    the file, for messages.

    Raises:
        InputError: if there is none or more than one.
    """
    if annotation is not None:
        path = Path(annotation)
        return path if file_and_sheet(path)[0].is_file() or path.is_absolute() else tree.root / path
    found = tree.find_files(pattern, depth)
    if len(found) != 1:
        what = f"several: {', '.join(str(p) for p in found)}" if found else "none"
        raise InputError(
            f"{tree.root}: looked for the annotation of {tree.dataset}, a file like {example!r}, "
            f"and found {what}; name it with annotation=PATH{tree.about_links()}."
        )
    return found[0]

"""Annotation tables: Excel or CSV sheets as rows that remember their number in the file.

Workbooks are read as stored values only: no macro or formula is run, no link is followed, and a
file that is larger (packed or unpacked) than any real annotation is refused. The header row is
searched, because SAMM's stands on row 14.
"""

import csv
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from merzoo.data.tree import Tree
from merzoo.errors import InputError

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
}
NOTHING = {"", "/", "\\", "-", "nan", "none", "n/a", "null"}

LARGEST_FILE = 50 << 20  # bytes; the real sheets are below 1 MB
LARGEST_UNPACKED = 300 << 20
MOST_ROWS = 200_000
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

    def whole(self, column: str) -> int | None:
        """The cell as a whole number; `None` where empty; `InputError` for anything else."""
        cell = self.text(column)
        if cell is None:
            return None
        if not re.fullmatch(r"\d{1,9}(\.0+)?", cell):
            raise InputError(f"{column} {cell!r} is no frame number")
        return int(float(cell))


def cell_text(value) -> str:
    """A cell's value as text: whole numbers without `.0`, no blanks around.

    >>> cell_text(6.0), cell_text(" 006 "), cell_text(None)
    ('6', '006', '')
    """
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return " ".join(str(value).split())


def read_table(path: str | Path, required: Iterable[str], sheet: str | None = None) -> list[Row]:
    """The annotated rows of a sheet.

    Args:
        path: of an `.xlsx` or `.csv` file.
        required: names of `COLUMNS` that must be there.
        sheet: of the workbook; its first one if `None` or if there is only one.

    Returns:
        Rows that are not empty, in the order of the file.

    Raises:
        InputError: for a missing, damaged or oversized file, or a missing column.
    """
    path, required = Path(path), list(required)
    columns: dict[int, str] | None = None
    rows = []
    for number, cells in enumerate(read_cells(path, sheet), 1):
        texts = [cell_text(cell) for cell in cells]
        if columns is None:
            named = _name_columns(texts)
            if all(column in named.values() for column in required):
                columns = named
            elif number >= _HEADER_WITHIN:
                break
        elif any(texts):
            rows.append(Row(path.name, number, _named(columns, texts)))
    if columns is None:
        raise InputError(
            f"{path}: no header row with the columns {', '.join(required)} among its first "
            f"{_HEADER_WITHIN} rows."
        )
    if not rows:
        raise InputError(f"{path}: the table has a header but no rows.")
    return rows


def _named(columns: dict[int, str], texts: list[str]) -> dict[str, str]:
    """The cells by name; a row that ends early has empty cells."""
    return {name: texts[i] if i < len(texts) else "" for i, name in columns.items()}


def _name_columns(texts: list[str]) -> dict[int, str]:
    """Index -> name in `COLUMNS` for the cells of a header row; the first of a name counts."""
    plain = [re.sub(r"[^a-z0-9]", "", text.lower()) for text in texts]
    named: dict[int, str] = {}
    for name, spellings in COLUMNS.items():
        places = [plain.index(spelling) for spelling in spellings if spelling in plain]
        if places:
            named[places[0]] = name
    return named


def read_cells(path: Path, sheet: str | None = None) -> Iterator[tuple]:
    """The rows of an `.xlsx` or `.csv` file as tuples of cell values, within the size limits."""
    if not path.is_file():
        raise InputError(f"{path}: no such file.")
    if path.stat().st_size > LARGEST_FILE:
        raise InputError(f"{path}: over {LARGEST_FILE >> 20} MB, too large for an annotation.")
    source = _workbook_rows(path, sheet) if path.suffix.lower() == ".xlsx" else _csv_rows(path)
    for count, row in enumerate(source, 1):
        if count > MOST_ROWS:
            raise InputError(f"{path}: over {MOST_ROWS} rows, too many for an annotation.")
        yield row


def _csv_rows(path: Path) -> Iterator[tuple]:
    if path.suffix.lower() not in {".csv", ".txt"}:
        raise InputError(f"{path}: an annotation is an .xlsx or a .csv file.")
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            for row in csv.reader(file):
                yield tuple(row)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a readable CSV file in UTF-8 ({error}).") from None


def _workbook_rows(path: Path, sheet: str | None) -> Iterator[tuple]:
    import openpyxl

    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(part.file_size for part in archive.infolist())
        if unpacked > LARGEST_UNPACKED:
            raise InputError(f"{path}: unpacks to {unpacked >> 20} MB, too large for a sheet.")
        book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
    except InputError:
        raise
    except Exception as error:  # openpyxl raises whatever its XML reader does
        raise InputError(f"{path}: not a readable .xlsx workbook ({error}).") from None
    try:
        names = book.sheetnames
        chosen = sheet if sheet in names else names[0]
        if sheet is not None and sheet not in names and len(names) > 1:
            raise InputError(f"{path}: no sheet {sheet!r}; it holds {', '.join(names)}.")
        page = book[chosen]
        page.reset_dimensions()  # some writers state a range that is too small
        yield from page.iter_rows(values_only=True)
    except InputError:
        raise
    except Exception as error:  # rows are read as they are asked for
        raise InputError(f"{path}: not a readable .xlsx workbook ({error}).") from None
    finally:
        book.close()


def find_table(
    tree: Tree, pattern: str, annotation: str | Path | None = None, depth: int = 1
) -> Path:
    """The annotation file: `annotation` if given, else the only file like `pattern`.

    The root and `depth` levels below it are searched.

    Raises:
        InputError: if there is none or more than one.
    """
    if annotation is not None:
        path = Path(annotation)
        return path if path.is_file() or path.is_absolute() else tree.root / path
    found = tree.find_files(pattern, depth)
    if len(found) != 1:
        what = f"several: {', '.join(str(p) for p in found)}" if found else "none"
        raise InputError(
            f"{tree.root}: looked for the annotation of {tree.dataset}, a file like {pattern!r}, "
            f"and found {what}; name it with annotation=PATH."
        )
    return found[0]

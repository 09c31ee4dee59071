"""The cells of tables as people save them: Excel workbooks, and text with whatever separates it.

Workbooks are read as stored values only: no macro or formula is run, no link is followed; a formula
without a stored value is `Unvalued`. A merged cell counts for every row and column that it covers.
Workbooks of before 2007 (`.xls`) need the package xlrd. Text may be separated by commas, semicolons
or tabs, and be UTF-8, UTF-16, or what Chinese (GBK) and Western (Windows-1252) systems write. A
file that is larger (packed or unpacked) than any real annotation is refused.
"""

import contextlib
import csv
import io
import re
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from merzoo.errors import InputError
from merzoo.limits import bounded_zip, read_bytes, regular_file

LARGEST_FILE = 50 << 20  # bytes; the real sheets are below 1 MB
LARGEST_UNPACKED = 10 << 20  # of a workbook; a larger one to a hundred times its own size
MOST_ROWS = 200_000
MOST_CELLS = 5_000_000  # with those that are empty
_LONGEST_LINE = 1 << 20  # characters
OLD_WORKBOOK = ".xls"
WORKBOOKS, TEXTS = {".xlsx", ".xlsm", OLD_WORKBOOK}, {".csv", ".tsv", ".txt"}
ENDING = r"\.(xlsx|xls|csv)"  # of an annotation, in the patterns of the datasets' files
_MOST_MERGED = 20_000  # ranges
_WIDEST = 1000  # columns that a merged range is followed to
_DELIMITERS = ",;\t"
# The attributes of a cell with a formula and without a value.
_UNVALUED = re.compile(
    rb"<(?:\w+:)?c\s([^<>]*)>\s*<(?:\w+:)?f\b[^<>]*(?:/>|>[^<]*</(?:\w+:)?f>)\s*"
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_CELL = re.compile(rb'\br="([A-Z]{1,3}\d{1,7})"')
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})"')


class Unvalued(str):
    """The empty text of a cell that holds a formula whose value was not stored."""


def is_table(path: str | Path) -> bool:
    """Whether a file is a table by its ending.

    >>> is_table("clips.CSV"), is_table("clips.mp4")
    (True, False)
    """
    return Path(path).suffix.lower() in WORKBOOKS | TEXTS


def file_and_sheet(path: str | Path) -> tuple[Path, str | None]:
    """`FILE.xlsx#SHEET` in its two parts; the sheet is `None` where none is said.

    >>> file_and_sheet("clips.xlsx#Second sheet")[1]
    'Second sheet'
    """
    file, mark, sheet = str(path).rpartition("#")
    if mark and sheet and Path(file).suffix.lower() in WORKBOOKS and not Path(path).exists():
        return Path(file), sheet
    return Path(path), None


def sheet_names(path: str | Path) -> list[str | None]:
    """The sheets of a workbook in order; `[None]` for a table of text."""
    path = _checked(Path(path))
    if path.suffix.lower() not in WORKBOOKS:
        return [None]
    if _is_old(path):
        from merzoo.data.old_workbooks import old_sheet_names

        return [*old_sheet_names(path)]
    with _workbook(path) as book:
        return [*_pages(path, book)]


def read_cells(
    path: str | Path,
    sheet: str | None = None,
    *,
    most: int | None = None,
) -> Iterator[tuple]:
    """The rows of a table as tuples of cell values.

    Args:
        path: `.xlsx`, `.xls`, `.csv`, `.tsv` or `.txt`; `FILE.xlsx#SHEET` names a sheet.
        sheet: of the workbook; its first one if `None` or if there is only one.
        most: rows that it may have (`MOST_ROWS`).

    Raises:
        InputError: for a missing, damaged or oversized file, or a sheet that is not there.
    """
    file, said = file_and_sheet(path)
    sheet = said or sheet
    file = _checked(file)
    most = most or MOST_ROWS
    if file.suffix.lower() in WORKBOOKS:
        source = _sheet_rows(file, sheet)
    else:
        source = text_rows(read_text(file), file)
    cells = 0
    for count, row in enumerate(source, 1):
        cells += len(row)
        if count > most or cells > MOST_CELLS:
            what = f"{most} rows" if count > most else f"{MOST_CELLS} cells"
            raise InputError(f"{file}: over {what}, too many for an annotation.")
        yield row


def _checked(path: Path) -> Path:
    path = regular_file(path)
    if not is_table(path):
        old = " (save it as .xlsx)" if path.suffix.lower() in {".ods", ".numbers"} else ""
        raise InputError(f"{path}: a table is an .xlsx, .xls, .csv, .tsv or .txt file{old}.")
    return regular_file(path, LARGEST_FILE, advice="It is too large for an annotation.")


def _is_old(path: Path) -> bool:
    """Whether a workbook is one of before 2007; some that end in `.xls` are packed as new ones."""
    with open(path, "rb") as file:
        return path.suffix.lower() == OLD_WORKBOOK and file.read(4) != b"PK\x03\x04"


def text_rows(text: str, path: Path) -> Iterator[tuple]:
    """The rows of a text, whatever separates its cells; `path` is for messages."""
    if any(len(line) > _LONGEST_LINE for line in text.splitlines()):
        raise InputError(f"{path}: has a line of over {_LONGEST_LINE} characters; it is no table.")
    said = re.match(r"sep=(.)\r?\n", text)  # Excel's own word for it
    delimiter = said[1] if said else delimiter_of(text)
    lines, begin = list(_lines(text)), 0
    reader = csv.reader(lines, delimiter=delimiter)
    try:
        for number, row in enumerate(reader):
            if reader.line_num - begin > 1 or reader.line_num == len(lines):
                _check_quotes(lines[begin : reader.line_num], delimiter, path, begin + 1)
            begin = reader.line_num
            yield () if said and number == 0 else tuple(row)
    except csv.Error as error:
        raise InputError(f"{path}: not a readable table of text ({error}).") from None


def _check_quotes(lines: list[str], delimiter: str, path: Path, first: int) -> None:
    """Refuses a row of several lines, or the last one, whose quotes are not closed."""
    try:
        list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error as error:
        if len(lines) > 1 or "end of data" in str(error):
            raise InputError(
                f'{path}, line {first}: a quote (") is opened and not closed, so that what follows '
                "is one cell: close it, or write a quote within a cell twice."
            ) from None


def _lines(text: str) -> io.StringIO:
    return io.StringIO(text, newline="")


def delimiter_of(text: str) -> str:
    r"""Comma, semicolon or tab: what splits most of the first rows into equally many cells.

    >>> delimiter_of("path;fps\na.mp4;29,97\n"), delimiter_of("a,b;c\n"), delimiter_of("a\tb\n")
    (';', ',', '\t')
    """

    def agreement(delimiter: str) -> int:
        try:
            rows = list(islice(csv.reader(_lines(text), delimiter=delimiter), 100))
        except csv.Error:
            return 0
        widths = Counter(len(row) for row in rows if len(row) > 1)
        return max(((width - 1) * count for width, count in widths.items()), default=0)

    return max(_DELIMITERS, key=agreement)


def read_text(path: Path, binary: str = "") -> str:
    """A text file in the encoding that it is in; a guess is said by a warning.

    Args:
        path: of the file.
        binary: what to say of one that is binary.

    Raises:
        InputError: if it cannot be read, or is no text.
    """
    data = read_bytes(path, LARGEST_FILE, advice="It is too large for a table.")
    encoding = _encoding(data)
    if binary and "\0" in data.decode(encoding, "replace"):
        raise InputError(f"{path}: a binary file, {binary}.")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a readable text file ({error}); save it as UTF-8.") from None
    if encoding in _GUESSED:
        warnings.warn(
            f"{path}: is not UTF-8; read as {_GUESSED[encoding]}. Save it as UTF-8 if names look "
            "wrong.",
            stacklevel=2,
        )
    return text


_GUESSED = {"gb18030": "Chinese (GBK)", "cp1252": "Western (Windows-1252)"}


def _encoding(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    start = data[:2000]
    if start and start.count(0) >= len(start) // 4:  # UTF-16 of Latin letters without its mark
        return "utf-16-le" if start[1::2].count(0) > start[::2].count(0) else "utf-16-be"
    with contextlib.suppress(UnicodeDecodeError):
        data.decode("utf-8")
        return "utf-8-sig"
    # A Chinese character is two bytes of the upper half; a Western letter is one, most often
    # between two of the lower half.
    runs = re.findall(rb"[\x80-\xff]+", data)
    if sum(len(run) % 2 == 0 for run in runs) > len(runs) / 2:
        with contextlib.suppress(UnicodeDecodeError):
            data.decode("gb18030")
            return "gb18030"
    return "cp1252"


@contextlib.contextmanager
def _workbook(path: Path):
    """An open workbook; whatever is wrong with it is an `InputError`."""
    import openpyxl

    book, source = None, None
    try:
        with bounded_zip(path, LARGEST_UNPACKED):
            pass
        source = open(path, "rb")  # noqa: SIM115 - given by its name, .xls would be refused
        book = openpyxl.load_workbook(source, read_only=True, data_only=True, keep_links=False)
        yield book
    except InputError:
        raise
    except Exception as error:  # openpyxl raises whatever its XML reader does, also between rows
        raise InputError(f"{path}: not a readable .xlsx workbook ({error}).") from None
    finally:
        for opened in (book, source):
            if opened is not None:
                opened.close()


def _pages(path: Path, book) -> dict:
    """The sheets of an open workbook by name, without those of a chart alone."""
    pages = {page.title: page for page in book.worksheets}
    if not pages:
        raise InputError(f"{path}: has no sheet with cells, only charts.")
    return pages


def _sheet_rows(path: Path, sheet: str | None) -> Iterator[tuple]:
    if _is_old(path):
        from merzoo.data.old_workbooks import old_sheet

        rows, merged = old_sheet(path, lambda names: chosen_sheet(path, sheet, names))
        yield from _filled(rows, merged)
        return
    with _workbook(path) as book:
        pages = _pages(path, book)
        page = pages[chosen_sheet(path, sheet, [*pages])]
        with zipfile.ZipFile(path) as archive:
            content = archive.read(page._worksheet_path.lstrip("/"))
        merged = _merged_ranges(path, content)
        page.reset_dimensions()  # some writers state a range that is too small
        yield from _filled(_with_unvalued(page.iter_rows(values_only=True), content), merged)


def chosen_sheet(path: Path, sheet: str | None, names: Sequence[str]) -> str:
    """The sheet asked for, or the first where none is said or there is only one."""
    if sheet is not None and sheet not in names and len(names) > 1:
        raise InputError(f"{path}: no sheet {sheet!r}; it holds {', '.join(names)}.")
    return sheet if sheet is not None and sheet in names else names[0]


def _with_unvalued(rows: Iterator[Sequence], content: bytes) -> Iterator[Sequence]:
    """The rows, with `Unvalued` in the cells whose formulas have no value."""
    from openpyxl.utils.cell import coordinate_to_tuple

    places: dict[int, list[int]] = {}
    for attributes in _UNVALUED.findall(content):
        name = _CELL.search(attributes)
        if name and b't="str"' not in attributes:  # which an empty text is stored as
            row, column = coordinate_to_tuple(name[1].decode())
            places.setdefault(row, []).append(column - 1)
    for number, cells in enumerate(rows, 1):
        columns = places.get(number, ())
        yield [Unvalued() if i in columns else cell for i, cell in enumerate(cells)]


def _merged_ranges(path: Path, content: bytes) -> list[tuple[int, int, int, int]]:
    """First column, first row, last column and last row of the merged cells, by first row."""
    from openpyxl.utils import range_boundaries

    found = [match.decode() for match in _MERGED.findall(content)]
    if len(found) > _MOST_MERGED:
        raise InputError(f"{path}: over {_MOST_MERGED} merged cells, too many for an annotation.")
    return sorted(map(range_boundaries, found), key=lambda bounds: bounds[1])


def _filled(rows: Iterator[Sequence], merged: list[tuple[int, int, int, int]]) -> Iterator[tuple]:
    """The rows, with the value of a merged cell in all that it covers; empty rows stay empty."""
    waiting, active = list(reversed(merged)), []
    for number, row in enumerate(rows, 1):
        while waiting and waiting[-1][1] == number:
            left, _, right, last = waiting.pop()
            value = row[left - 1] if left <= len(row) else None
            active.append((left, min(right, _WIDEST), last, value))
        active = [bounds for bounds in active if bounds[2] >= number]
        if not active or all(cell is None for cell in row):
            yield tuple(row)
            continue
        cells = list(row)
        for left, right, _, value in active:
            cells += [None] * (right - len(cells))
            cells[left - 1 : right] = [value] * max(0, right - left + 1)
        yield tuple(cells)

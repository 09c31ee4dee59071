"""Excel workbooks of before 2007 (`.xls`), as some datasets publish their sheets; xlrd reads them.

Values only: a formula is the value that was stored with it.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path

from merzoo.errors import InputError


def old_sheet_names(path: Path) -> list[str]:
    """The sheets of an `.xls` workbook, in order.

    Raises:
        InputError: if xlrd is not installed, or the file is damaged.
    """
    with _book(path) as book:
        return book.sheet_names()


def old_sheet(
    path: Path, choose: Callable[[Sequence[str]], str]
) -> tuple[Iterator[tuple], list[tuple[int, int, int, int]]]:
    """The rows of one sheet, and its merged cells.

    Args:
        path: of the workbook.
        choose: names of the sheets -> the one that is read.

    Returns:
        Rows as tuples of values, `None` where a cell is empty or an error; first column, first row,
        last column and last row (from 1) of the merged cells, by first row.

    Raises:
        InputError: if xlrd is not installed, or the file is damaged.
    """
    with _book(path) as book:
        page = book.sheet_by_name(choose(book.sheet_names()))
        rows = [
            tuple(_value(cell, book.datemode) for cell in page.row(number))
            for number in range(page.nrows)
        ]
        # xlrd counts from 0 and names the end after the last.
        merged = [(left + 1, top + 1, right, end) for top, end, left, right in page.merged_cells]
    return iter(rows), sorted(merged, key=lambda bounds: bounds[1])


def _value(cell, datemode: int) -> str | float | bool | date | None:
    import xlrd

    if cell.ctype in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK, xlrd.XL_CELL_ERROR):
        return None
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return bool(cell.value)
    if cell.ctype == xlrd.XL_CELL_DATE:
        with contextlib.suppress(ValueError, xlrd.xldate.XLDateError):
            return xlrd.xldate_as_datetime(cell.value, datemode)
    return cell.value


@contextlib.contextmanager
def _book(path: Path) -> Iterator:
    """An open workbook; whatever is wrong with it is an `InputError`."""
    try:
        import xlrd
    except ImportError:
        raise InputError(
            f"{path}: an old workbook, which needs the package xlrd: pip install 'merzoo[xls]', or "
            "save it as .xlsx."
        ) from None
    book = None
    try:
        # Without formatting xlrd does not say which cells are merged.
        book = xlrd.open_workbook(
            str(path), formatting_info=True, on_demand=True, logfile=_Silent()
        )
        yield book
    except InputError:
        raise
    except Exception as error:  # xlrd raises whatever its parsing meets
        raise InputError(f"{path}: not a readable .xls workbook ({error}).") from None
    finally:
        if book is not None:
            book.release_resources()


class _Silent:
    """Takes xlrd's remarks about the file."""

    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None:
        pass

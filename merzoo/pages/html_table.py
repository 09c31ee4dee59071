"""A small table as HTML, which notebooks show in the place of an object."""

import html
from collections.abc import Sequence


def html_table(
    caption: str, columns: Sequence[str], rows: Sequence[Sequence[object]], below: str = ""
) -> str:
    """A table with a caption above and a line below; all of it is text, and escaped.

    >>> html_table("A run", ["data", "UF1"], [["a<b", 0.5]])[:70]
    '<div><p><b>A run</b></p><table><thead><tr><th>data</th><th>UF1</th></t'
    """
    head = "".join(f"<th>{_text(name)}</th>" for name in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    end = f"<p>{_text(below)}</p>" if below else ""
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f"<div><p><b>{_text(caption)}</b></p>{table}{end}</div>"


def _text(value: object) -> str:
    return html.escape(f"{value:.3f}" if isinstance(value, float) else str(value))

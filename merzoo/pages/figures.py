"""Figures that pages and papers share: one look, as SVG for a page or as PNG and PDF files.

In the SVG the ink follows the page's light or dark colours; on paper it is black on white.
"""

import io
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from merzoo.whole import whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Drawn in this colour, nearly black, which becomes `currentColor` in the SVG.
INK = "#010001"
COLOURS = ("#3b82c4", "#d97706", "#2a9d6f", "#b45ca8", "#c2453d", "#6b7f2a", "#5b6abf", "#8a6d3b")


def new_figure(
    rows: int, columns: int, size: tuple[float, float], **options: Any
) -> "tuple[Figure, list[Axes]]":
    """A matplotlib figure in merzoo's look.

    Args:
        rows, columns: of its axes.
        size: width and height, inches.
        options: of `matplotlib.pyplot.subplots`.

    Returns:
        The figure, and its axes as a flat list.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(rows, columns, figsize=size, squeeze=False, **options)
    for axis in axes.flat:
        axis.patch.set_alpha(0)
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
        for spine in axis.spines.values():
            spine.set_color(INK)
        axis.tick_params(colors=INK, labelsize=9)
        for text in (axis.title, axis.xaxis.label, axis.yaxis.label):
            text.set_color(INK)
    return figure, list(axes.flat)


def as_svg(figure: "Figure") -> str:
    """The figure as SVG text for a page, named for those who do not see it by what its axes say."""
    import html

    import matplotlib

    stream = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "merzoo"}):
        figure.savefig(
            stream, format="svg", transparent=True, bbox_inches="tight", metadata={"Date": None}
        )
    text = stream.getvalue()
    width = figure.get_figwidth()
    text = text[text.index("<svg") :].replace(INK, "currentColor")
    name = html.escape(_about(figure), quote=True)
    look = f'role="img" aria-label="{name}" class="{"wide" if width > 6 else "small"}"'
    return text.replace("<svg", f"<svg {look}", 1)


def _about(figure: "Figure") -> str:
    """The titles of a figure's axes, and what they show by what; "plot" where they say nothing."""
    found = []
    for axes in figure.axes:
        sides = [text for text in (axes.get_ylabel(), axes.get_xlabel()) if text]
        found.append(": ".join(part for part in (axes.get_title(), " by ".join(sides)) if part))
    told = "; ".join(dict.fromkeys(text for text in found if text))
    return " ".join(told.split()) or "plot"


def save(figure: "Figure", folder: Path, name: str) -> None:
    """Writes `name.png` (200 dpi) and `name.pdf` (fonts embedded), black on white."""
    import matplotlib

    with matplotlib.rc_context({"pdf.fonttype": 42}):
        for suffix, about in (("png", {"Software": None}), ("pdf", {"CreationDate": None})):
            with whole(folder / f"{name}.{suffix}", f".{suffix}") as temporary:
                figure.savefig(temporary, dpi=200, bbox_inches="tight", metadata=about)


def keep_figures(figures: "dict[str, Figure]", folder: Path) -> dict[str, str]:
    """Saves figures into a folder as PNG and PDF, and returns name -> SVG text for a page."""
    folder.mkdir(exist_ok=True)
    for name, figure in figures.items():
        save(figure, folder, name)
    svg = {name: as_svg(figure) for name, figure in figures.items()}
    close(figures.values())
    return svg


def close(figures: "Iterable[Figure]") -> None:
    """Frees figures."""
    from matplotlib import pyplot

    for figure in figures:
        pyplot.close(figure)

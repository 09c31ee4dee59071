"""The plot of a reproduced table: the paper's bars beside ours, with our intervals."""

import math

import numpy as np

from merzoo.metrics import METRICS
from merzoo.pages.figures import INK, as_svg, close, new_figure

_PAPER, _OURS = "#9aa6b5", "#3b82c4"


def title(name: str, unit: str = "") -> str:
    """A metric or a cost over a column.

    >>> title("uf1"), title("accuracy", "%"), title("parameters", "million")
    ('UF1', 'accuracy, %', 'parameters, million')
    """
    label = METRICS[name].label if name in METRICS else name
    return f"{label}, {unit}" if unit else label


def bars(lines) -> str | None:
    """Horizontal bars as SVG text: a row of panels a part of the data, a column a metric.

    Args:
        lines: `merzoo.reproduction.figures.Line`s; parts without a figure of ours are left out.

    Returns:
        The SVG, or `None` where there is nothing of ours to show.
    """
    shown: dict[tuple, list] = {}
    for line in lines:
        if line.run and line.n:
            shown.setdefault((line.run, line.part), []).append(line)
    if not shown:
        return None
    first = list(next(iter(shown.values()))[0].figures)
    names = [name for name in first if _bounded(name)][:3] or first[:1]
    height = sum(0.5 + 0.42 * len(part) for part in shown.values()) + 0.7
    heights = [len(part) + 1 for part in shown.values()]
    size = (8.4, height)
    figure, axes = new_figure(
        len(shown), len(names), size, height_ratios=heights, layout="constrained"
    )
    panels = np.reshape(axes, (len(shown), len(names)))
    for (run, part), group, row in zip(shown, shown.values(), panels, strict=True):
        for name, axis in zip(names, row, strict=True):
            _draw(axis, group, name)
            unit = group[0].figures[name].unit if name in group[0].figures else ""
            where = run if part == "full" else f"{run}, {part}"
            axis.set_title(f"{title(name, unit)}: {where}", fontsize=9, color=INK)
        for axis in row[1:]:
            axis.set_yticklabels([])
    handles, texts = panels[0][0].get_legend_handles_labels()
    figure.legend(
        handles,
        texts,
        loc="outside lower right",
        ncols=2,
        frameon=False,
        fontsize=9,
        labelcolor=INK,
    )
    svg = as_svg(figure)
    close([figure])
    return svg


def _draw(axis, group, name: str) -> None:
    places = np.arange(len(group))
    figures = [line.figures.get(name) for line in group]
    paper = [np.nan if f is None or f.paper == "-" else float(f.paper) for f in figures]
    ours = np.array([np.nan if f is None or f.ours is None else f.ours for f in figures], float)
    axis.barh(places - 0.19, paper, 0.36, color=_PAPER, label="paper")
    axis.barh(places + 0.19, ours, 0.36, color=_OURS, label="ours, 95 %")
    for place, figure in zip(places, figures, strict=True):
        if figure is not None and figure.interval is not None:
            axis.plot(figure.interval, [place + 0.19] * 2, color=INK, lw=1.4)
    axis.set_yticks(places, [line.label for line in group])
    axis.invert_yaxis()
    if _bounded(name):
        scale = 100 if figures[0] is not None and figures[0].unit == "%" else 1
        axis.set_xlim(METRICS[name].lowest * scale, METRICS[name].highest * scale)


def _bounded(name: str) -> bool:
    return math.isfinite(METRICS[name].highest - METRICS[name].lowest)

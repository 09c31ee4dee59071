"""The plot of a reproduced table: the paper's bars beside ours, with our intervals."""

import io

import numpy as np

_INK = "#123457"  # becomes `currentColor` in the SVG, so text follows the page's theme
_PAPER, _OURS = "#9aa6b5", "#3b82c4"


def bars(lines) -> str | None:
    """Horizontal bars as SVG text: a row of panels a part of the data, a column a metric.

    Args:
        lines: `merzoo.evaluation.reproduced.Line`s; parts without a figure of ours are left out.

    Returns:
        The SVG, or `None` where there is nothing of ours to show.
    """
    shown: dict[tuple, list] = {}
    for line in lines:
        if line.run and line.n:
            shown.setdefault((line.run, line.part), []).append(line)
    if not shown:
        return None
    names = [n for n in next(iter(shown.values()))[0].figures if n != "loss"][:3]
    names = names or ["loss"]
    height = sum(0.5 + 0.42 * len(part) for part in shown.values()) + 0.7
    figure, panels = _figure(len(shown), len(names), height, [len(p) + 1 for p in shown.values()])
    for (run, part), group, row in zip(shown, shown.values(), panels, strict=True):
        for name, axis in zip(names, row, strict=True):
            _draw(axis, group, name)
            title = {"uf1": "UF1", "uar": "UAR"}.get(name, name)
            unit = group[0].figures[name].unit if name in group[0].figures else ""
            where = run if part == "full" else f"{run}, {part}"
            axis.set_title(f"{title}{', ' + unit if unit else ''}: {where}", fontsize=9, color=_INK)
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
        labelcolor=_INK,
    )
    return _svg(figure)


def _draw(axis, group, name: str) -> None:
    places = np.arange(len(group))
    figures = [line.figures.get(name) for line in group]
    paper = [np.nan if f is None or f.paper == "-" else float(f.paper) for f in figures]
    ours = np.array([np.nan if f is None or f.ours is None else f.ours for f in figures], float)
    axis.barh(places - 0.19, paper, 0.36, color=_PAPER, label="paper")
    axis.barh(places + 0.19, ours, 0.36, color=_OURS, label="ours, 95 %")
    for place, figure in zip(places, figures, strict=True):
        if figure is not None and figure.interval is not None:
            axis.plot(figure.interval, [place + 0.19] * 2, color=_INK, lw=1.4)
    axis.set_yticks(places, [line.printed for line in group])
    axis.invert_yaxis()
    largest = 100 if figures[0] is not None and figures[0].unit == "%" else 1
    if name != "loss":
        axis.set_xlim(0, largest)


def _figure(rows: int, columns: int, height: float, heights: list[int]):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(
        rows,
        columns,
        figsize=(8.4, height),
        squeeze=False,
        height_ratios=heights,
        layout="constrained",
    )
    for axis in panels.flat:
        axis.patch.set_alpha(0)
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
        for spine in axis.spines.values():
            spine.set_color(_INK)
        axis.tick_params(colors=_INK, labelsize=9)
    return figure, panels


def _svg(figure) -> str:
    import matplotlib
    from matplotlib import pyplot

    stream = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "merzoo"}):
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    pyplot.close(figure)
    text = stream.getvalue()
    return text[text.index("<svg") :].replace(_INK, "currentColor")

"""Plots of a report, as SVG text whose ink follows the page's light or dark colours."""

import io

import numpy as np

# Drawn in this colour, which becomes `currentColor` in the SVG, so text follows the page's theme.
_INK = "#123456"
_COLOURS = ("#3b82c4", "#d97706", "#2a9d6f", "#b45ca8", "#c2453d", "#6b7f2a", "#5b6abf", "#8a6d3b")


def training_curves(histories: list[dict[str, list[float]]]) -> str:
    """Training loss and accuracy by epoch: the median over folds in a band from 10 to 90 %."""
    figure, axes = _figure(1, 2, (8.4, 2.9))
    for axis, (name, title) in zip(
        axes, (("loss", "training loss"), ("accuracy", "training accuracy")), strict=True
    ):
        curves = np.array([h[name] for h in histories])  # (folds, epochs)
        epochs = np.arange(1, curves.shape[1] + 1)
        low, middle, high = np.quantile(curves, [0.1, 0.5, 0.9], axis=0)
        axis.fill_between(epochs, low, high, color=_COLOURS[0], alpha=0.25, lw=0)
        axis.plot(epochs, middle, color=_COLOURS[0], marker="." if len(epochs) < 30 else None)
        axis.set_xlabel("epoch")
        axis.set_title(f"{title} over {len(curves)} folds", fontsize=10)
        axis.xaxis.get_major_locator().set_params(integer=True)
    return _svg(figure)


def subject_strip(subjects: list[str], correct: list[int], total: list[int]) -> str:
    """One bar a subject: clips right and wrong, grouped by dataset, worst first within each."""
    order = sorted(
        range(len(subjects)),
        key=lambda i: (subjects[i].split("/")[0], correct[i] / total[i], subjects[i]),
    )
    names = [subjects[i] for i in order]
    figure, axes = _figure(1, 1, (8.4, 2.6))
    axis = axes[0]
    places = np.arange(len(order))
    right = np.array([correct[i] for i in order])
    wrong = np.array([total[i] - correct[i] for i in order])
    axis.bar(places, right, color=_COLOURS[2], width=0.85, label="right")
    axis.bar(places, wrong, bottom=right, color=_COLOURS[4], width=0.85, label="wrong")
    axis.set_ylabel("clips (mean over seeds)")
    datasets = [name.split("/")[0] for name in names]
    for dataset in dict.fromkeys(datasets):
        first = datasets.index(dataset)
        middle = first + (datasets.count(dataset) - 1) / 2
        axis.text(middle, -0.06, dataset, ha="center", va="top", transform=_below(axis), color=_INK)
        if first:
            axis.axvline(first - 0.5, color=_INK, lw=0.6, alpha=0.5)
    axis.set_xticks([])
    axis.set_xlim(-0.6, len(order) - 0.4)
    axis.legend(frameon=False, ncols=2, loc="upper right", labelcolor=_INK, fontsize=9)
    axis.margins(y=0.18)
    return _svg(figure)


def _below(axis):
    import matplotlib.transforms

    return matplotlib.transforms.blended_transform_factory(axis.transData, axis.transAxes)


def _figure(rows, columns, size):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(rows, columns, figsize=size, squeeze=False)
    for axis in axes.flat:
        axis.patch.set_alpha(0)
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
        for spine in axis.spines.values():
            spine.set_color(_INK)
        axis.tick_params(colors=_INK, labelsize=9)
        for text in (axis.title, axis.xaxis.label, axis.yaxis.label):
            text.set_color(_INK)
    return figure, list(axes.flat)


def _svg(figure) -> str:
    import matplotlib
    from matplotlib import pyplot

    stream = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "merzoo"}):
        figure.savefig(
            stream, format="svg", transparent=True, bbox_inches="tight", metadata={"Date": None}
        )
    pyplot.close(figure)
    text = stream.getvalue()
    return text[text.index("<svg") :].replace(_INK, "currentColor")

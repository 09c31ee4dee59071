"""`training.png`: loss, accuracy and learning rate of one training, epoch by epoch."""

from pathlib import Path

from merzoo.whole import whole


def draw_curves(rows: list[dict[str, float]], path: Path, title: str = "") -> None:
    """Draws the logs of a training.

    Args:
        rows: one dictionary an epoch, as Keras logs them.
        path: of the picture to write.
        title: above it.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.4, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    epochs = range(1, len(rows) + 1)
    marker = "o" if len(rows) < 40 else None
    for axis, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for key, label, colour in (
            (name, "training", "#3b82c4"),
            (f"val_{name}", "validation", "#d97706"),
        ):
            if key in rows[0]:
                axis.plot(
                    epochs, [r[key] for r in rows], marker=marker, ms=3, color=colour, label=label
                )
        for epoch in _falls(rows):
            axis.axvline(epoch + 0.5, color="#888888", lw=0.8, ls=":")
        axis.set_xlim(0.5, len(rows) + 0.5)
        axis.set_xlabel("epoch")
        axis.set_title(name, fontsize=10)
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(frameon=False, fontsize=9)
    if "val_accuracy" in rows[0]:
        best = max(range(len(rows)), key=lambda i: rows[i]["val_accuracy"])
        axis.plot(best + 1, rows[best]["val_accuracy"], "o", ms=9, mfc="none", color="#c2453d")
        axis.annotate(
            f"kept: epoch {best + 1}",
            (best + 1, rows[best]["val_accuracy"]),
            textcoords="offset points",
            xytext=(0, -16),
            ha="center",
            fontsize=9,
            color="#c2453d",
        )
    figure.suptitle(title, fontsize=11)
    with whole(path, ".png") as temporary:
        figure.savefig(temporary, dpi=110)


def _falls(rows: list[dict[str, float]]) -> list[int]:
    """Epochs after which the learning rate fell.

    >>> _falls([{"learning_rate": 0.1}, {"learning_rate": 0.1}, {"learning_rate": 0.01}])
    [2]
    """
    names = [n for n in rows[0] if n.startswith("learning_rate")]
    if not names:
        return []
    rates = [row[names[0]] for row in rows]
    return [i for i in range(1, len(rates)) if rates[i] < rates[i - 1]]

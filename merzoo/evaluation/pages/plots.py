"""Plots of a report, each drawn once: as SVG for the page, as PNG and PDF for a paper."""

import numpy as np

from merzoo.evaluation.scores.calibration import FALSE_POSITIVE_RATES, reliability, roc_curve
from merzoo.metrics import UF1
from merzoo.pages.figures import COLOURS, INK, new_figure

_NAMED = 48  # subjects whose names have room below their bars


def training_curves(histories: list[dict[str, list[float]]]):
    """Loss and accuracy by epoch: the median over folds in a band from 10 to 90 %.

    Where people inside the training people were watched, the curve of each fold on them too, as far
    as it was trained.
    """
    figure, axes = new_figure(1, 2, (8.4, 2.9))
    watched = all("val_loss" in history for history in histories)
    longest = max(len(history["loss"]) for history in histories)
    epochs = np.arange(1, longest + 1)
    for axis, name in zip(axes, ("loss", "accuracy"), strict=True):
        for key, colour, label in (
            (name, COLOURS[0], "training"),
            (f"val_{name}", COLOURS[1], "inner people"),
        ):
            if not all(key in history for history in histories):
                continue
            curves = np.full((len(histories), longest), np.nan)
            for row, history in zip(curves, histories, strict=True):
                row[: len(history[key])] = history[key]
            if key != name:
                axis.plot(epochs, curves.T, color=colour, alpha=0.25, lw=0.7)
            low, middle, high = np.nanquantile(curves, [0.1, 0.5, 0.9], axis=0)
            axis.fill_between(epochs, low, high, color=colour, alpha=0.2, lw=0)
            marker = "." if longest < 30 else None
            axis.plot(epochs, middle, color=colour, marker=marker, label=label)
        axis.set_xlabel("epoch")
        axis.set_title(f"{name} over {len(histories)} folds", fontsize=10)
        axis.xaxis.get_major_locator().set_params(integer=True)
        if watched:
            _legend(axis)
    return figure


def _short(name: str) -> str:
    return name if len(name) <= 12 else f"{name[:11]}…"


def subject_strip(subjects: list[str], correct: list[int], total: list[int]):
    """One bar a subject: clips right and wrong, grouped by dataset, worst first within each.

    Subjects are named where their names have room.
    """
    order = sorted(
        range(len(subjects)),
        key=lambda i: (subjects[i].split("/")[0], correct[i] / total[i], subjects[i]),
    )
    names = [subjects[i] for i in order]
    figure, axes = new_figure(1, 1, (8.4, 2.6))
    axis = axes[0]
    places = np.arange(len(order))
    right = np.array([correct[i] for i in order])
    wrong = np.array([total[i] - correct[i] for i in order])
    axis.bar(places, right, color=COLOURS[2], width=0.85, label="right")
    axis.bar(places, wrong, bottom=right, color=COLOURS[4], width=0.85, label="wrong")
    axis.set_ylabel("clips (mean over seeds)")
    datasets = [name.split("/")[0] for name in names]
    people = [_short(name.partition("/")[2]) for name in names]
    named = len(people) <= _NAMED
    below = -0.08 - 0.042 * max(map(len, people)) if named else -0.06
    axis.set_xticks(places if named else [], people if named else [], rotation=90, fontsize=8)
    axis.tick_params(axis="x", length=0)
    for dataset in dict.fromkeys(datasets):
        first = datasets.index(dataset)
        middle = first + (datasets.count(dataset) - 1) / 2
        axis.text(middle, below, dataset, ha="center", va="top", transform=_below(axis), color=INK)
        if first:
            axis.axvline(first - 0.5, color=INK, lw=0.6, alpha=0.5)
    axis.set_xlim(-0.6, len(order) - 0.4)
    _legend(axis, ncols=2, loc="lower right", bbox_to_anchor=(1, 1))
    return figure


def roc(label, probabilities, classes: list[str], areas: list[float | None]):
    """ROC curve of each class against the rest, mean over seeds, with its AUC."""
    figure, (axis,) = new_figure(1, 1, (4.4, 4.1))
    axis.plot([0, 1], [0, 1], color=INK, lw=0.8, ls=":")
    for k, (name, area) in enumerate(zip(classes, areas, strict=True)):
        if area is not None:
            curve = roc_curve(label, probabilities, k)
            # Upwards at first, not from the origin in a slope.
            x, y = np.append(0, FALSE_POSITIVE_RATES), np.append(0, curve)
            axis.plot(x, y, color=_colour(k), lw=1.8, label=f"{name}, AUC {area:.3f}")
    axis.set_xlabel("false-positive rate")
    axis.set_ylabel("true-positive rate")
    axis.set_aspect("equal")
    axis.set_xlim(-0.02, 1.02)
    axis.set_ylim(-0.02, 1.02)
    _legend(axis, loc="lower right")
    return figure


def calibration(label, runs: list[tuple[str, np.ndarray, float]]):
    """Reliability diagram of the predicted class, and how many predictions are how confident.

    Args:
        label: (N,) class indices.
        runs: (name, (R, N, K) probabilities, calibration error); the last one's are counted.
    """
    figure, (axis, below) = new_figure(2, 1, (4.4, 4.1), height_ratios=[3, 1], sharex=True)
    axis.plot([0, 1], [0, 1], color=INK, lw=0.8, ls=":", label="calibrated")
    for name, probabilities, error in runs:
        bins = reliability(label, probabilities)
        some = bins["share"] > 0
        x, y = bins["confidence"][some], bins["accuracy"][some]
        colour = COLOURS[0] if name == runs[-1][0] else COLOURS[1]
        style = {"color": colour, "marker": "o", "lw": 1.8, "clip_on": False}  # whole at 1 too
        axis.plot(x, y, label=f"{name}, ECE {error:.3f}", **style)
    axis.set_ylabel("share right")
    axis.set_xlim(-0.02, 1.02)
    axis.set_ylim(-0.02, 1.02)
    _legend(axis, loc="upper left")
    width = 1 / len(bins["share"])
    middles = (np.arange(len(bins["share"])) + 0.5) * width
    below.bar(middles, bins["share"], width=0.9 * width, color=COLOURS[0], alpha=0.6)
    below.set_xlabel("probability of the predicted class")
    below.set_ylabel("clips")
    return figure


def coverage(curves: list[tuple[np.ndarray, np.ndarray]], part: dict):
    """Share of the given answers that is right, by the share that is given: one line a seed, and
    what the thresholds of inner people gave.

    Args:
        curves: of `merzoo.evaluation.scores.confidence.risk_coverage`.
        part: `calibration` of the metrics.
    """
    figure, (axis,) = new_figure(1, 1, (4.4, 2.9))
    for number, (given, right) in enumerate(curves):
        label = "by calibrated confidence" if number == 0 else None
        axis.plot(given, right, color=COLOURS[0], lw=1.6, alpha=0.9, label=label)
    axis.axhline(part["accuracy"], color=INK, lw=0.8, ls=":", label="all answers")
    if part["accuracy_known"] is not None:
        place = part["coverage"], part["accuracy_known"]
        label = "thresholds of inner people"
        axis.plot(*place, "D", color=COLOURS[1], ms=6, clip_on=False, label=label)
    axis.set_xlabel("share of answers that are given")
    axis.set_ylabel("share of these that is right")
    axis.set_xlim(-0.02, 1.02)
    axis.set_ylim(-0.02, 1.02)
    _legend(axis, loc="lower left")
    return figure


def confusions(parts: list[tuple[str, np.ndarray]], classes: list[str]):
    """A confusion matrix for each (title, counts): coloured by the share of the annotated class."""
    columns = min(len(parts), 2 if len(parts) <= 4 else 4)
    rows = -(-len(parts) // columns)
    side = 1.3 + 0.7 * len(classes)
    figure, axes = new_figure(rows, columns, ((side + 0.4) * columns, side * rows))
    for axis, (title, counts) in zip(axes, parts, strict=False):
        counts = np.asarray(counts, float)
        shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
        axis.imshow(shares, cmap="Blues", vmin=0, vmax=1.3)
        for row, column in np.ndindex(*counts.shape):
            text = f"{counts[row, column]:.4g}\n{100 * shares[row, column]:.0f} %"
            axis.text(column, row, text, ha="center", va="center", color=INK, fontsize=9)
        axis.set_xticks(range(len(classes)), classes)
        axis.set_yticks(range(len(classes)), classes)
        axis.set_xlabel("predicted")
        axis.set_ylabel("annotated")
        axis.set_title(title, fontsize=10)
    for axis in axes[len(parts) :]:
        axis.set_axis_off()
    figure.tight_layout()
    return figure


def units(rows: list[dict]):
    """F1 and AUC of each action unit with their intervals, and what needs no network.

    Args:
        rows: `units` of a part of `metrics.json`.
    """
    height = 1.1 + 0.28 * len(rows)
    figure, axes = new_figure(1, 2, (8.4, height), sharey=True)
    places = np.arange(len(rows))
    for axis, name in zip(axes, ("f1", "auc"), strict=True):
        known = [(at, row) for at, row in zip(places, rows, strict=True) if row[name] is not None]
        for at, row in known:
            axis.plot(row[f"{name}_interval"], [at, at], color=COLOURS[0], lw=2, alpha=0.5)
        values = [row[name] for _, row in known]
        axis.plot(values, [at for at, _ in known], "o", color=COLOURS[0], clip_on=False)
        axis.set_xlim(-0.02, 1.02)
        axis.set_xlabel("F1" if name == "f1" else "AUC")
    present = [row["always_present"] for row in rows]
    axes[0].plot(present, places, "|", color=INK, ms=10, label="always present")
    axes[1].axvline(0.5, color=INK, lw=0.8, ls=":")
    axes[0].set_yticks(places, [f"{row['name']} ({row['present']})" for row in rows])
    axes[0].invert_yaxis()
    figure.tight_layout()
    return figure


def oracle_bars(oracle: dict):
    """Honest UF1, what the two rules on the test subjects claim, and random under each."""
    figure, (axis,) = new_figure(1, 1, (4.0, 2.9))
    bars = [("honest", oracle["honest"][UF1.name], None)]
    bars += [(rule, found[UF1.name], found["floor"]) for rule, found in oracle["rules"].items()]
    for place, (_, height, floor) in enumerate(bars):
        honest = floor is None
        colour = COLOURS[0] if honest else COLOURS[1]
        style = {"color": colour} if honest else {"facecolor": "none", "edgecolor": colour}
        axis.barh(-place, height, height=0.62, hatch=None if honest else "///", lw=1.4, **style)
        axis.text(height + 0.015, -place, f"{height:.3f}", va="center", color=INK, fontsize=9)
        if floor:
            middle = floor[UF1.name]
            error = [[middle - floor["low"]], [floor["high"] - middle]]
            label = "random predictions, same rule" if place == 1 else None
            style = {"fmt": "D", "color": COLOURS[4], "ms": 5, "capsize": 3, "zorder": 3}
            axis.errorbar(middle, -place, xerr=error, label=label, **style)
    axis.set_yticks([-i for i in range(len(bars))], [_two_lines(name) for name, _, _ in bars])
    axis.set_xlim(0, 1)
    axis.set_xlabel(f"{UF1.label} (hatched: NOT A RESULT)")
    _legend(axis, loc="lower center", bbox_to_anchor=(0.5, 1))
    return figure


def oracle_epochs(oracle: dict):
    """Pooled UF1 on the test subjects by epoch, one line a seed: what the rules choose from."""
    figure, (axis,) = new_figure(1, 1, (4.4, 2.9))
    for k, curve in enumerate(oracle["uf1_by_epoch"]):
        epochs = np.arange(1, len(curve) + 1)
        best = UF1.best(curve)
        label = f"seed {k}" if len(oracle["uf1_by_epoch"]) > 1 else None
        axis.plot(epochs, curve, color=_colour(k), lw=1.4, label=label)
        axis.plot(best + 1, curve[best], "o", color=_colour(k), markerfacecolor="none")
    honest = oracle["honest"][UF1.name]
    axis.axhline(honest, color=INK, lw=0.8, ls=":")
    axis.text(1, honest, "honest", va="bottom", color=INK, fontsize=9)
    axis.set_xlabel("epoch")
    axis.set_ylabel(f"{UF1.label} on test subjects")
    axis.xaxis.get_major_locator().set_params(integer=True)
    if len(oracle["uf1_by_epoch"]) > 1:
        _legend(axis, loc="lower right")
    return figure


def intervals(rows: list[tuple[str, float, tuple[float, float]]], label: str, zero: bool = False):
    """One line a row (name, value, interval), first on top; `zero` marks no difference."""
    figure, (axis,) = new_figure(1, 1, (4.0, 1.1 + 0.42 * len(rows)))
    for place, (_, value, (low, high)) in enumerate(rows):
        error = [[max(value - low, 0)], [max(high - value, 0)]]
        style = {"fmt": "o", "capsize": 3, "lw": 1.8, "color": COLOURS[0]}
        axis.errorbar(value, -place, xerr=error, **style)
    if zero:
        axis.axvline(0, color=INK, lw=0.8, ls=":")
    axis.set_yticks([-i for i in range(len(rows))], [name for name, _, _ in rows])
    axis.set_ylim(-len(rows) + 0.4, 0.6)
    axis.set_xlabel(label)
    return figure


def subject_differences(subjects: list[str], difference: np.ndarray, label: str):
    """Difference of each subject's accuracy, sorted: above zero the second run is better."""
    order = np.argsort(difference, kind="stable")
    values = np.asarray(difference)[order]
    figure, (axis,) = new_figure(1, 1, (8.4, 2.4))
    colours = [COLOURS[2] if value > 0 else COLOURS[4] for value in values]
    axis.bar(range(len(values)), values, color=colours, width=0.85)
    axis.axhline(0, color=INK, lw=0.8)
    axis.set_xticks([])
    axis.set_xlim(-0.6, len(values) - 0.4)
    axis.set_xlabel(f"{len(subjects)} subjects, sorted")
    axis.set_ylabel(label)
    return figure


def _colour(k: int) -> str:
    return COLOURS[k % len(COLOURS)]


def _legend(axis, **options) -> None:
    axis.legend(frameon=False, labelcolor=INK, fontsize=9, **options)


def _two_lines(name: str) -> str:
    """`"one epoch for all folds"` -> `"one epoch\\nfor all folds"`."""
    words = name.split()
    return " ".join(words[:2]) + "\n" + " ".join(words[2:]) if len(words) > 2 else name


def _below(axis):
    import matplotlib.transforms

    return matplotlib.transforms.blended_transform_factory(axis.transData, axis.transAxes)

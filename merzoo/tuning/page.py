"""`tune.html`: one self-contained page of a search: trials, importance, curves, honest scores."""

from pathlib import Path

import numpy as np

from merzoo.files import write_text
from merzoo.metrics import UF1, headline
from merzoo.pages.figures import COLOURS, INK, as_svg, close, new_figure
from merzoo.pages.render import render

_BACK = "#654321"  # drawn in this colour, which becomes the page's
_FEWEST = 8  # trials, below which importance says nothing


def write_page(folder: Path, summary: dict, plan, trials, losses: dict) -> Path:
    """Writes `tune.html` into a search's folder.

    Args:
        folder: of the search.
        summary: content of `tuning.json`.
        plan: `merzoo.tuning.search.Plan`.
        trials: DataFrame of `trials.csv`.
        losses: trial -> training loss by epoch.

    Returns:
        The path of the page.
    """
    table = trials[trials["search"] == "all"].reset_index(drop=True)
    done = table[table["status"] == "completed"].reset_index(drop=True)
    page = render(
        "tune.html",
        summary=summary,
        settings=plan.settings(),
        names=list(plan.space),
        metrics=[metric for metric in headline() if metric.of_matrix is not None],
        done=done.sort_values(UF1.name, ascending=not UF1.larger_is_better).to_dict("records"),
        failed=table[table["status"] == "failed"].to_dict("records"),
        coordinates=parallel_coordinates(done, plan.space),
        importance=importance_bars(importance(done, plan.space)) if len(done) >= _FEWEST else None,
        fewest=_FEWEST,
        curves=learning_curves(done, losses),
    )
    path = folder / "tune.html"
    write_text(path, page)
    return path


def coded(trials, space: dict) -> np.ndarray:
    """(trials, parameters) numbers: place in the list, or logarithm within a range, each 0..1."""
    from merzoo.tuning.search_spaces import label

    columns = []
    for name, values in space.items():
        if isinstance(values, dict):
            low, high = np.log(values["low"]), np.log(values["high"])
            columns.append((np.log(trials[name].astype(float)) - low) / (high - low))
        else:
            labels = [label(value) for value in values]
            columns.append(trials[name].astype(str).map(labels.index) / max(1, len(labels) - 1))
    return np.stack(columns, axis=1).astype(float)


def importance(trials, space: dict) -> dict[str, float]:
    """Loss of fit when one parameter is shuffled, in a random forest from parameters to UF1.

    Permutation importance (Breiman, "Random Forests", 2001), as a share of the sum. It describes
    these trials: with few of them, much of it is chance.
    """
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance

    x, y = coded(trials, space), trials["uf1"].to_numpy(float)
    forest = RandomForestRegressor(200, random_state=0).fit(x, y)
    found = permutation_importance(forest, x, y, n_repeats=20, random_state=0).importances_mean
    found = np.maximum(found, 0)
    shares = found / found.sum() if found.sum() > 0 else found
    return dict(zip(space, shares.tolist(), strict=True))


def parallel_coordinates(trials, space: dict) -> str:
    """One line a trial through its parameters to its UF1, which also is its colour."""
    import matplotlib

    from merzoo.tuning.search_spaces import label

    names = [*space, "uf1"]
    figure, (axis,) = new_figure(1, 1, (1.25 * len(names) + 1.2, 4.2))
    score = trials["uf1"].to_numpy(float)
    low, high = score.min(), score.max()
    height = (score - low) / (high - low) if high > low else np.full(len(score), 0.5)
    lines = np.column_stack([coded(trials, space), height])
    jitter = np.random.default_rng(0).uniform(-0.02, 0.02, lines.shape)
    jitter[:, -1] = 0
    colours = matplotlib.colormaps["viridis"](0.1 + 0.85 * height)
    best = int(score.argmax())
    for i in np.argsort(score):
        width, alpha = (3.2, 1.0) if i == best else (1.4, 0.75)
        axis.plot(range(len(names)), (lines + jitter)[i], color=colours[i], lw=width, alpha=alpha)
    axis.set_xticks(range(len(names)), [n.replace("_", "\n") for n in space] + ["UF1"])
    axis.set_yticks([])
    axis.spines["left"].set_visible(False)
    axis.spines["bottom"].set_visible(False)
    for place, name in enumerate(names):
        axis.axvline(place, color=INK, lw=0.8, alpha=0.5)
        for y, text in _ticks(space.get(name), low, high, label):
            back = {"facecolor": _BACK, "edgecolor": "none", "alpha": 0.8, "pad": 0.6}
            axis.text(place + 0.06, y, text, fontsize=8, color=INK, va="center", bbox=back)
    axis.set_ylim(-0.08, 1.08)
    axis.set_xlim(-0.1, len(names) - 0.4)
    return _as_svg(figure).replace(_BACK, "var(--page)")


def _ticks(values, low: float, high: float, label) -> list[tuple[float, str]]:
    if values is None:  # the score
        return [(0.0, f"{low:.3f}"), (1.0, f"{high:.3f}")]
    if isinstance(values, dict):
        return [(0.0, f"{values['low']:g}"), (1.0, f"{values['high']:g}")]
    return [(i / max(1, len(values) - 1), label(value)) for i, value in enumerate(values)]


def importance_bars(shares: dict[str, float]) -> str:
    """Importance of each parameter, largest first."""
    names = sorted(shares, key=shares.get)
    figure, (axis,) = new_figure(1, 1, (7.0, 0.32 * len(names) + 0.9))
    axis.barh(names, [shares[name] for name in names], color=COLOURS[0], height=0.7)
    axis.set_xlabel("share of importance")
    axis.margins(y=0.02)
    return _as_svg(figure)


def learning_curves(trials, losses: dict[str, list[float]]) -> str:
    """Training loss of each trial, and the best UF1 so far; the best trial in orange."""
    figure, (left, right) = new_figure(1, 2, (8.4, 3.0))
    best = trials.loc[trials["uf1"].idxmax(), "trial"]
    for number, curve in losses.items():
        style = {"color": COLOURS[0], "alpha": 0.35, "lw": 1.2}
        if number == best:
            style = {"color": COLOURS[1], "lw": 2.4, "zorder": 3}
        left.plot(np.arange(1, len(curve) + 1), curve, **style)
    left.set_xlabel("epoch")
    left.set_title("training loss, median over inner folds", fontsize=10)
    left.xaxis.get_major_locator().set_params(integer=True)
    order = trials.sort_values("trial")
    numbers = order["trial"].astype(int) + 1
    right.plot(numbers, order["uf1"], "o", color=COLOURS[0], alpha=0.7, ms=5)
    right.step(numbers, order["uf1"].cummax(), where="post", color=COLOURS[1], lw=2)
    right.set_xlabel("trial")
    right.set_title("UF1 of each trial, and the best so far", fontsize=10)
    right.xaxis.get_major_locator().set_params(integer=True)
    return _as_svg(figure)


def _as_svg(figure) -> str:
    svg = as_svg(figure)
    close([figure])
    return svg

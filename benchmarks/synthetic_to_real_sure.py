"""How sure may a network be on real faces? Calibration on the real composite.

The weights of invented faces that come with merzoo (as the network says it, before the temperature
in their card), OffApexNet with a temperature chosen on inner people, and the finished runs of
`synthetic_to_real.py`, by the plan of `results/PLAN.md`. Writes
`results/synthetic_to_real_calibration.csv` and `.png`.
"""

import numpy as np
from machine import machine
from synthetic_to_real_parts import RECIPES, Bench, judged, table_of
from synthetic_to_real_report import RESULTS, write

import merzoo
from merzoo.evaluation.scores.bootstrap import DRAWS, subject_weights
from merzoo.evaluation.scores.calibration import expected_calibration_error, reliability
from merzoo.evaluation.scores.confidence import calibrated_runs
from merzoo.evaluation.scores.predictions import classes_in, read_predictions, runs_of
from merzoo.prediction.classify import Classifier
from merzoo.prediction.defaults import DEFAULT_WEIGHTS
from merzoo.preprocessing.samples import load_samples
from merzoo.training.confidence import fit_confidence, tempered

CSV = RESULTS / "synthetic_to_real_calibration.csv"
PLOT = RESULTS / "synthetic_to_real_calibration.png"
BINS, FOLDS = 15, "kfold:10"
NETWORK = "offapexnet"
COMING = ("offapexnet", "ststnet")  # whose weights come with merzoo
INNER = f"{NETWORK}-calibrated"
OTHERS = (f"{NETWORK}-zero-2000", f"{NETWORK}-random", "ensemble-2000", "flow-krr")
GIVEN, CROSSED, CHOSEN = "as given", "of the other people", "of inner people"


def shipped(bench: Bench, network: str) -> str:
    """Real people judged by weights that come with merzoo, one view a sample."""
    name = f"{network}-shipped"
    if not bench.done(name):
        judge = Classifier(network, DEFAULT_WEIGHTS, units="none")
        judge.confidence = None
        samples = load_samples(bench.data, judge.shapes)
        if tuple(judge.classes) != tuple(samples.classes):
            raise SystemExit(f"classes differ: {judge.classes}, {samples.classes}")
        images = np.asarray(samples.modalities["flow_image"], np.float32)
        given = judge.probabilities([{"flow_image": image} for image in images])
        judged(bench, name, table_of(samples, given, 0))
    return name


def inner(bench: Bench, seeds: int) -> str:
    """OffApexNet from random start in ten folds of people, temperatures from inner people."""
    if not bench.done(INNER):
        how = {"recipe": RECIPES[NETWORK], "protocol": FOLDS, "seeds": seeds}
        how |= {"jobs": bench.jobs, "calibrate": True, "out": bench.folder(INNER)}
        merzoo.evaluate(NETWORK, bench.data, **how)
    return INNER


def calibration(bench: Bench) -> list[dict]:
    """The rows of every run that is there, and the picture."""
    rows, drawn = [], {}
    for name in (*(f"{network}-shipped" for network in COMING), INNER, *OTHERS):
        if not bench.done(name):
            continue
        table = read_predictions(bench.folder(name) / "predictions.csv")
        first, label, _, given = runs_of(table, classes_in(table))
        subject = first["subject"].to_numpy()
        for way, probabilities in ways(table, label, subject, given).items():
            row = {"run": name, "temperature": way, "seeds": len(given)}
            rows.append(row | facts(label, subject, probabilities))
            drawn[name, way] = reliability(label, probabilities, BINS), rows[-1]["ece"]
    write(CSV, [row | machine() for row in rows])
    draw(drawn, PLOT)
    return rows


def ways(table, label, subject, given: np.ndarray) -> dict[str, np.ndarray]:
    """How a run's probabilities (R, N, K) are read: as given, and by temperatures."""
    found = {GIVEN: given, CROSSED: np.stack([crossed(label, subject, run) for run in given])}
    chosen = calibrated_runs(table, given)
    return found if chosen is None else found | {CHOSEN: chosen[0]}


def crossed(label, subject, probabilities: np.ndarray) -> np.ndarray:
    """Each person's answers (N, K) by the temperature that all others' would have."""
    found = np.empty(probabilities.shape)
    for person in np.unique(subject):
        own = subject == person
        rest = fit_confidence(label[~own], probabilities[~own])
        found[own] = tempered(probabilities[own], rest.temperature)
    return found


def facts(label, subject, probabilities: np.ndarray) -> dict:
    """Error, and by how much the network is too sure, with its interval; means over seeds."""
    confidence, right = probabilities.max(-1), probabilities.argmax(-1) == label
    low, high = interval(subject, (confidence - right).mean(0))
    row = {"ece": expected_calibration_error(label, probabilities, BINS)}
    row |= {"accuracy": right.mean(), "confidence": confidence.mean()}
    row |= {"too_sure": confidence.mean() - right.mean(), "low": low, "high": high}
    return {name: f"{float(value):.4f}" for name, value in row.items()}


def interval(subject, values: np.ndarray) -> tuple[float, float]:
    """95 % interval of a mean (N,) over samples: the quantiles of a bootstrap over people."""
    people, number = np.unique(subject, return_inverse=True)
    weights = subject_weights(people.tolist(), DRAWS)
    means = (weights @ np.bincount(number, values)) / (weights @ np.bincount(number))
    return tuple(np.quantile(means, (0.025, 0.975)).tolist())


def draw(drawn: dict, path) -> None:
    """Accuracy over confidence, a panel a run; the size of a dot is the share of answers."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(name for name, _ in drawn))
    figure = Figure(figsize=(9.6, 3.3 * -(-len(names) // 3)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(-(-len(names) // 3), 3, squeeze=False).ravel()
    colours = {GIVEN: "#c4673b", CROSSED: "#3b82c4", CHOSEN: "#4a9a5b"}
    for axis, name in zip(axes, names, strict=False):
        axis.plot([0, 1], [0, 1], color="black", lw=0.8, ls=":")
        for way, colour in colours.items():
            if (name, way) in drawn:
                found, ece = drawn[name, way]
                there = found["share"] > 0
                x, y = found["confidence"][there], found["accuracy"][there]
                axis.plot(x, y, color=colour, lw=1, label=f"{way}: {float(ece):.3f}")
                axis.scatter(x, y, 200 * found["share"][there], color=colour, alpha=0.6)
        axis.set_title(name, fontsize=9)
        axis.legend(fontsize=7, title="temperature: error", title_fontsize=7, loc="lower right")
        axis.set(xlim=(0.3, 1.02), ylim=(0, 1.02), xlabel="confidence", ylabel="share right")
        axis.spines[["top", "right"]].set_visible(False)
    for axis in axes[len(names) :]:
        axis.axis("off")
    figure.savefig(path, dpi=100)

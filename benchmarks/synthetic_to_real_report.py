"""What `synthetic_to_real.py` keeps and shows of its runs: rows, tests, the plot."""

import csv
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from machine import machine
from synthetic_to_real_parts import LEVELS, Bench, judged, keep_answers

from merzoo.data.synthetic.vary import FACTORS
from merzoo.evaluation.compare import compare_pairs
from merzoo.evaluation.runs.read import load_run
from merzoo.evaluation.scores.paired_tests import holm
from merzoo.evaluation.scores.predictions import metrics_of, read_predictions

RESULTS = Path(__file__).parent / "results"
ROWS, SEEDS, TESTS, PLOT = (
    RESULTS / f"synthetic_to_real{end}" for end in (".csv", "_seeds.csv", "_tests.csv", ".png")
)
ANSWERS = RESULTS / "synthetic_to_real_answers"
SETS = ("SMIC", "CASME2", "SAMM")
COLOURS = {"offapexnet": "#3b82c4", "ststnet": "#c4673b", "mirrorflownet": "#4a9a5b"}
SIZED = r"-zero-\d+$"
METRICS = ("uf1", "uar")
YARDSTICK, CHOSEN, WHY = "flow-krr", "chosen-on-two-sets", "ststnet-why-random"


def row_of(bench: Bench, name: str) -> dict:
    """A run's scores: pooled with intervals, by set, by class."""
    metrics = load_run(bench.folder(name)).metrics
    full, row = metrics["full"], {"run": name, "seeds": metrics["seeds"]}
    for metric in METRICS:
        low, high = full["interval"][metric]
        row |= {metric: full[metric], f"{metric}_low": low, f"{metric}_high": high}
    row["uf1_spread"] = full["uf1_spread"]
    row |= {f"uf1_{name}": metrics["by_dataset"][name]["uf1"] for name in SETS}
    matrices = np.array(full["confusion"], float)  # (R, K, K)
    hit = np.diagonal(matrices, axis1=1, axis2=2)
    f1 = 2 * hit / np.maximum(matrices.sum(1) + matrices.sum(2), 1)
    row |= {f"f1_{c}": float(f1[:, k].mean()) for k, c in enumerate(metrics["classes"])}
    return {n: f"{v:.6f}" if isinstance(v, float) else v for n, v in row.items()}


def keep(bench: Bench, name: str) -> None:
    """Writes a run's row, those of its seeds and its answers into the results; others stay.

    A run with the answers that are kept keeps its row too, with the machine it was run on.
    """
    row = row_of(bench, name)
    print(f"{name}: UF1 {row['uf1']} UAR {row['uar']} ({row['seeds']} seeds)", flush=True)
    if not keep_answers(bench, name) and name in {known["run"] for known in read(ROWS)}:
        return
    _replace(ROWS, [row | machine()], name)
    per_seed = load_run(bench.folder(name)).metrics["full"]["per_seed"]
    rows = [
        {"run": name, "seed": k, **{m: f"{found[m]:.6f}" for m in METRICS}}
        for k, found in enumerate(per_seed)
    ]
    _replace(SEEDS, rows, name)


def _replace(path: Path, rows: list[dict], name: str) -> None:
    known = read(path) if path.is_file() else []
    write(path, [row for row in known if row["run"] != name] + rows)


def read(path: Path) -> list[dict]:
    """The rows of a result file."""
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def write(path: Path, rows: list[dict]) -> None:
    """All rows of a result file."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, rows[0], lineterminator="\n", restval="")
        writer.writeheader()
        writer.writerows(rows)


def report(bench: Bench) -> None:
    """The choice on two sets, the paired tests and the plot, of all runs that are there.

    Where the folder of a run is gone, the choice and the tests that it has part in stay as they
    were, and a line says so.
    """
    names = [row["run"] for row in read(ROWS)]
    settings = [n for n in names if n.startswith("offapexnet-zero-") and "-no-" not in n]
    if len(settings) > 1 and not _gone(bench, settings):
        keep(bench, chosen_on_two(bench, settings))
    names = [row["run"] for row in read(ROWS)]
    known = read(TESTS) if TESTS.is_file() else []
    rows = [row for found in families(names).items() for row in _family(bench, *found, known)]
    if rows:
        write(TESTS, rows)
    plot()


def _gone(bench: Bench, names: list[str]) -> list[str]:
    """Which of these runs have a row but no folder any more; said."""
    gone = [name for name in names if not bench.done(name)]
    if gone:
        print(f"no folder in {bench.work}, so left as it was: {', '.join(gone)}", file=sys.stderr)
    return gone


def _family(bench: Bench, family: str, pairs: list[tuple], known: list[dict]) -> list[dict]:
    """The tests of a family: new ones of runs that are there, else those known; Holm over all."""
    gone = set(_gone(bench, list(dict.fromkeys(name for pair in pairs for name in pair))))
    fresh = [pair for pair in pairs if not gone & set(pair)]
    found = {(r["first"], r["run"]): r for r in known if r["family"] == family}
    found |= {(r["first"], r["run"]): r for r in (tests(bench, family, fresh) if fresh else ())}
    rows = [found[pair] for pair in pairs if pair in found]
    for metric in METRICS:
        corrected = holm([float(row[f"{metric}_p"]) for row in rows])
        for row, p in zip(rows, corrected, strict=True):
            row[f"{metric}_p_holm"] = f"{p:.4f}"
    return rows


def families(names: list[str]) -> dict[str, list[tuple[str, str]]]:
    """Family -> pairs (reference, other) of runs that are there."""
    whole = [n for n in names if n != YARDSTICK and "varied" not in n and "-why-" not in n]
    tuned = [n for n in names if "-fine-" in n]
    varied = [f"offapexnet-zero-varied-no-{f}" for f in FACTORS]
    found = {
        "against flow-krr": [(YARDSTICK, n) for n in whole],
        "fine-tuned against random start": [(f"{n.split('-fine-')[0]}-random", n) for n in tuned],
        "a factor left out": [("offapexnet-zero-varied", n) for n in varied],
        "why": [(WHY, n) for n in names if "-why-" in n and n != WHY],
    }
    return {
        family: kept
        for family, pairs in found.items()
        if (kept := [pair for pair in pairs if set(pair) <= set(names)])
    }


def tests(bench: Bench, family: str, pairs: list[tuple[str, str]]) -> list[dict]:
    """Paired differences of one family, with Holm's correction over it."""
    names = list(dict.fromkeys(name for pair in pairs for name in pair))
    runs = {name: load_run(bench.folder(name)) for name in names}
    found, _ = compare_pairs(list(runs.values()), [(runs[a], runs[b]) for a, b in pairs])
    rows = []
    for (first, second), one in zip(pairs, found["comparisons"], strict=True):
        row = {"family": family, "first": first, "run": second}
        for metric in METRICS:
            low, high = one[metric]["interval"]
            numbers = {"": one[metric]["difference"], "_low": low, "_high": high}
            row |= {f"{metric}{end}": f"{value:+.6f}" for end, value in numbers.items()}
            row |= {f"{metric}_{p}": f"{one[metric][p]:.4f}" for p in ("p", "p_holm")}
        rows.append(row)
        print(f"{family}: {second} {row['uf1']} [{row['uf1_low']}, {row['uf1_high']}]", flush=True)
    return rows


def chosen_on_two(bench: Bench, settings: list[str]) -> str:
    """For each set, the setting with the best mean UF1 on the other two; pooled over the three."""
    tables = {name: read_predictions(bench.folder(name) / "predictions.csv") for name in settings}
    seeds = min(table["seed"].nunique() for table in tables.values())
    parts = []
    for held in SETS:
        found = {name: _mean_uf1(table, held) for name, table in tables.items()}
        best = max(found, key=found.__getitem__)
        print(f"chosen for {held}: {best} ({found[best]:.3f} on the others)", file=sys.stderr)
        table = tables[best]
        parts.append(table[(table["dataset"] == held) & (table["seed"] < seeds)])
    return judged(bench, CHOSEN, pd.concat(parts))


def _mean_uf1(table, held: str) -> float:
    others = [metrics_of(table[table["dataset"] == name])["full"] for name in SETS if name != held]
    return float(np.mean([other["uf1"] for other in others]))


def show(bench: Bench, names: list[str]) -> None:
    """Prints the table of some runs, with what they are beside the yardstick."""
    from rich.console import Console
    from rich.table import Table

    rows = [row_of(bench, name) for name in names]
    others = [name for name in names if name != YARDSTICK]
    beside = {
        r["run"]: r for r in tests(bench, "against flow-krr", [(YARDSTICK, n) for n in others])
    }
    heads = ("run", "seeds", "UF1", "95 %", "UAR", " / ".join(SETS), "less flow-krr", "95 %")
    table = Table(*heads, title="Invented faces to real ones")
    for row in rows:
        less = beside.get(row["run"], {"uf1": "", "uf1_low": "", "uf1_high": ""})
        table.add_row(
            row["run"],
            str(row["seeds"]),
            row["uf1"],
            f"{row['uf1_low']} to {row['uf1_high']}",
            row["uar"],
            " / ".join(row[f"uf1_{name}"] for name in SETS),
            less["uf1"],
            f"{less['uf1_low']} to {less['uf1_high']}" if less["uf1"] else "",
        )
    Console(width=150).print(table)


def plot() -> None:
    """UF1 over clips: each seed, the mean, and lines for the yardstick and random start."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    seeds = pd.DataFrame(read(SEEDS)).astype({"uf1": float})
    figure = Figure(figsize=(8.5, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    axis = figure.subplots()
    for network, colour in COLOURS.items():
        for kind, mark, told in (("zero", "o", "zero-shot"), ("fine", "s", "fine-tuned")):
            found = seeds[seeds["run"].str.fullmatch(rf"{network}-{kind}-\d+")].copy()
            if found.empty:
                continue
            found["clips"] = found["run"].str.rpartition("-")[2].astype(int)
            axis.plot(found["clips"], found["uf1"], mark, color=colour, alpha=0.35, ms=4)
            mean = found.groupby("clips")["uf1"].mean()
            axis.plot(mean.index, mean, f"-{mark}", color=colour, label=f"{network}, {told}")
        start = seeds[seeds["run"] == f"{network}-random"]["uf1"]
        if len(start):
            axis.axhline(start.mean(), color=colour, ls=":", label=f"{network}, random start")
    for value in seeds[seeds["run"] == YARDSTICK]["uf1"]:
        axis.axhline(value, color="black", lw=1, ls=":", label=YARDSTICK)
    sizes = sorted({int(n.rpartition("-")[2]) for n in seeds["run"] if re.search(SIZED, n)})
    axis.set_xscale("log")
    axis.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axis.set_xticks([], minor=True)
    axis.set_xlabel(f"invented clips ({', '.join(LEVELS)})")
    axis.set_ylabel("UF1 on 442 real flow images")
    figure.legend(fontsize=8, loc="outside right center", frameon=False)
    axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(PLOT, dpi=110)

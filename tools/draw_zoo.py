"""Draws benchmarks/results/zoo.png: UF1 on MEGC 2019 against the time of one sample, by network.

    python tools/draw_zoo.py

Filled, what this project measured, with its interval over people; hollow, what papers print. Times
are of `benchmarks/speed.py`, on the fastest backend. A network that lacks either is not drawn.
"""

import csv
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]
RESULTS = ROOT / "benchmarks" / "results"
NEAR, CLOSE = 1.3, 0.05  # times as long, and this much UF1 apart

import numpy as np  # noqa: E402
from make_tables import printed_scores  # noqa: E402

from merzoo.pages.figures import COLOURS, new_figure  # noqa: E402


def times() -> tuple[dict[str, float], str]:
    """Milliseconds of one sample on the fastest backend, and the machine."""
    found: dict[str, float] = {}
    with (RESULTS / "speed.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        name, value = row["variant"], float(row["latency_ms"])
        found[name] = min(value, found.get(name, value))
    return found, f"{rows[0]['processor']}, {rows[0]['cores']} cores"


def measured_best() -> dict[str, tuple[float, float, float]]:
    """Network -> UF1 and its interval, of the best recipe that was run."""
    found: dict[str, tuple[float, float, float]] = {}
    for file in sorted((RESULTS / "megc2019").glob("*.json")):
        content = json.loads(file.read_text())
        full, name = content["metrics"]["full"], content["protocol"]["model"]
        score = (full["uf1"], *full["interval"]["uf1"])
        found[name] = max(score, found.get(name, score))
    return found


def neighbours(places: dict[str, tuple[float, float]]) -> list[list[str]]:
    """Names in groups whose places (time, UF1) are too near each other for a name each."""
    groups: list[list[str]] = []
    for name in sorted(places, key=places.__getitem__):
        time, score = places[name]
        for group in groups:
            last = places[group[-1]]
            if time < NEAR * last[0] and abs(score - last[1]) < CLOSE:
                group.append(name)
                break
        else:
            groups.append([name])
    return groups


def main() -> None:
    speed, machine = times()
    printed = [(n, float(told)) for n, told in printed_scores() if n in speed]
    measured = {n: score for n, score in measured_best().items() if n in speed}
    figure, (axis,) = new_figure(1, 1, (7.4, 4.6), layout="constrained")
    for name, score in printed:
        axis.plot(speed[name], score, "o", mfc="none", mec="0.45", ms=7, zorder=2)
        if name not in measured:  # which bears the name already
            crowded = any(1 < speed[other] / speed[name] < 1.7 for other in measured)
            shift, side = ((4, 7), "right") if crowded else ((7, -3), "left")
            axis.annotate(name, (speed[name], score), shift, textcoords="offset points",
                          ha=side, fontsize=7 if crowded else 8, color="0.35")  # fmt: skip
    for name, (score, low, high) in measured.items():
        axis.plot([speed[name]] * 2, [low, high], color=COLOURS[0], lw=1.6, zorder=3)
        axis.plot(speed[name], score, "o", color=COLOURS[0], ms=7, zorder=4)
    for names in neighbours({n: (speed[n], low) for n, (_, low, _) in measured.items()}):
        place = (np.exp(np.mean([np.log(speed[name]) for name in names])),
                 min(measured[name][1] for name in names))  # fmt: skip
        axis.annotate("\n".join(names), place, (0, -4), textcoords="offset points",
                      ha="center", va="top", fontsize=8, color=COLOURS[0])  # fmt: skip
    axis.plot([], [], "o", color=COLOURS[0], label="measured here, 95 % over people")
    axis.plot([], [], "o", mfc="none", mec="0.45", label="as papers print it")
    axis.set_xscale("log")
    axis.set_xlim(0.1, 200)
    axis.set_xlabel(f"ms of one sample, fastest backend ({machine})")
    axis.set_ylabel("UF1, MEGC 2019 composite, LOSO")
    axis.set_ylim(0.4, 1)
    axis.grid(alpha=0.25)
    axis.legend(frameon=False, fontsize=8, loc="upper left")
    figure.savefig(RESULTS / "zoo.png", dpi=110)


if __name__ == "__main__":
    main()

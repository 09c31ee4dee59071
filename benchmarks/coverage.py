"""Do the 95 % intervals hold the true score in 95 % of cases? Simulated, where the truth is known.

Invented populations of people, each with a number of clips, a mixture of classes and a skill of the
model on them that differ as widely as in the micro-expression sets. From each population, data
sets of the real ones' sizes are drawn many times; counted is how often the interval of
`merzoo.evaluation.scores.bootstrap` holds the population's own score, and, beside it, the plain
percentile interval of a bootstrap. Differences between two models are counted too. Writes
`results/coverage.csv`.

    python benchmarks/coverage.py --simulations 1000
"""

import argparse
import csv
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from machine import machine  # noqa: E402

from merzoo.evaluation.scores.bootstrap import subject_bootstrap  # noqa: E402
from merzoo.evaluation.scores.paired_tests import difference_intervals  # noqa: E402
from merzoo.metrics import compared  # noqa: E402

SCORES = {metric.name: metric.of_matrix for metric in compared()}
# Subjects, and shares of negative, positive, surprise, of the sets of MEGC 2019.
SETS = {
    "SMIC": (16, (0.43, 0.31, 0.26)),
    "CASME2": (24, (0.61, 0.22, 0.17)),
    "SAMM": (28, (0.69, 0.20, 0.11)),
}
LAYOUTS = {"composite": ("SMIC", "CASME2", "SAMM"), **{name: (name,) for name in SETS}}


@dataclass(frozen=True)
class Population:
    """Skill of a model: recall of each class, and how far people's log-odds spread around it."""

    name: str
    recall: tuple[float, float, float]
    spread: float


POPULATIONS = (
    Population("usual", (0.80, 0.60, 0.70), 0.8),
    Population("weak model", (0.70, 0.50, 0.60), 0.8),
    Population("strong model, unequal people", (0.90, 0.80, 0.85), 1.2),
    Population("people alike", (0.80, 0.60, 0.70), 0.0),
)


def people(rng, count: int, shares, population: Population, better: float = 0.3) -> np.ndarray:
    """(2, count, 3, 3) confusion matrices of two models on the same clips of `count` people."""
    clips = np.minimum(np.ceil(rng.lognormal(1.4, 0.9, count)).astype(int), 60)
    mixture = np.nan_to_num(rng.dirichlet(np.array(shares) * 3, count), nan=1 / 3)
    mixture /= mixture.sum(1, keepdims=True)
    label = rng.multinomial(clips, mixture)  # (count, 3)
    skill = rng.normal(0, population.spread, count)  # shared by both models
    found = np.zeros((2, count, 3, 3))
    for model in range(2):
        own = skill + rng.normal(0, 0.3, count) + better * model
        for k, recall in enumerate(population.recall):
            right = 1 / (1 + np.exp(-(np.log(recall / (1 - recall)) + own)))
            others = np.array(shares, float)
            others[k] = 0
            chances = (1 - right)[:, None] * (others / others.sum())
            chances[:, k] = right
            found[model, :, k] = rng.multinomial(label[:, k], chances)
    return found


def truth(layout, population: Population, count: int = 200_000) -> dict[str, float]:
    """The population's own scores, and their difference between the two models."""
    pooled = np.zeros((2, 3, 3))
    for number, name in enumerate(layout):
        size, shares = SETS[name]
        rng = np.random.default_rng(number)
        pooled += people(rng, count, shares, population).sum(1) * (size / count)
    scores = {name: float(score(pooled[0])) for name, score in SCORES.items()}
    gaps = {f"{n} difference": float(s(pooled[1]) - s(pooled[0])) for n, s in SCORES.items()}
    return scores | gaps


def intervals(counts: np.ndarray, subjects: list[str], draws: int) -> dict:
    """(statistic, method) -> interval, of one simulated data set."""
    first, second = counts[:1], counts[1:]  # (1, S, 3, 3): one run each
    run = dict(zip(subjects, first[0], strict=True))
    found = {(n, "merzoo"): v for n, v in subject_bootstrap([run], draws=draws).items()}
    gaps = difference_intervals(first, second, subjects, draws=draws)
    found |= {(f"{n} difference", "merzoo"): v[:2] for n, v in gaps.items()}
    return found | _percentile(counts, subjects, draws)


def _percentile(counts, subjects, draws) -> dict:
    """Quantiles of resamples of as many subjects as there are: the plain bootstrap."""
    rng = np.random.default_rng(0)
    datasets = np.array([name.split("/")[0] for name in subjects])
    weights = np.zeros((draws, len(subjects)))
    for name in sorted(set(datasets)):
        members = np.flatnonzero(datasets == name)
        n = len(members)
        weights[:, members] = rng.multinomial(n, np.full(n, 1 / n), size=draws)
    pooled = np.einsum("ds,msij->mdij", weights, counts)
    found = {}
    for name, score in SCORES.items():
        values = score(pooled)  # (2, draws)
        for statistic, part in ((name, values[0]), (f"{name} difference", values[1] - values[0])):
            found[statistic, "percentile"] = tuple(np.quantile(part, [0.025, 0.975]))
    return found


def coverage(layout: str, population: Population, simulations: int, draws: int, seed: int = 0):
    """Rows of (statistic, method, share of intervals that hold the truth, mean width)."""
    sets = LAYOUTS[layout]
    true = truth(sets, population)
    subjects = [f"{name}/{i}" for name in sets for i in range(SETS[name][0])]
    rng = np.random.default_rng(seed)
    hits: dict[tuple, list] = {}
    for _ in range(simulations):
        parts = [people(rng, *SETS[name], population) for name in sets]
        found = intervals(np.concatenate(parts, axis=1), subjects, draws)
        for key, (low, high) in found.items():
            hits.setdefault(key, []).append((low <= true[key[0]] <= high, high - low))
    return [
        (*key, float(np.mean([hit for hit, _ in rows])), float(np.mean([w for _, w in rows])))
        for key, rows in hits.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulations", type=int, default=1000)
    parser.add_argument("--draws", type=int, default=500)
    options = parser.parse_args()
    start, rows, facts = time.perf_counter(), [], machine()
    for layout in LAYOUTS:
        for population in POPULATIONS:
            for row in coverage(layout, population, options.simulations, options.draws):
                rows.append((layout, population.name, *row))
                print("{:<10} {:<28} {:<15} {:<10} {:.3f} {:.3f}".format(*rows[-1]), flush=True)
    columns = ["layout", "population", "statistic", "method", "coverage", "width"]
    with (HERE / "results" / "coverage.csv").open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([*columns, "simulations", "draws", *facts])
        for *names, share, width in rows:
            numbers = [f"{share:.3f}", f"{width:.3f}", options.simulations, options.draws]
            writer.writerow([*names, *numbers, *facts.values()])
    for method in ("merzoo", "percentile"):
        found = [row[4] for row in rows if row[3] == method]
        print(f"{method}: {min(found):.3f} to {max(found):.3f}, mean {np.mean(found):.3f}")
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()

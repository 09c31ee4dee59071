"""How well expressions are spotted in long synthetic videos; writes results/spotting.csv.

    python benchmarks/spotting.py              # measure, then rewrite the table
    python benchmarks/spotting.py --table      # the table of merzoo/prediction/README.md only

Each video shows one person with several micro-expressions between neutral parts, blinks, nods and
expressions too long to be micro-expressions. The spotter's defaults were tuned on the seeds
1, 2, 5 and 6; the seeds here are others.
"""

import argparse
import csv
import re
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from machine import machine  # noqa: E402

RESULTS = HERE / "results" / "spotting.csv"
README = HERE.parent / "merzoo" / "prediction" / "README.md"
SEEDS = (101, 102, 103, 104)
SECONDS = 16.0
# Difficulty and frames per second; the low rates show what the warning below 50 is about.
SETTINGS = (("easy", 25), ("easy", 50), ("easy", 100), ("medium", 100), ("hard", 100))


def measure(difficulty: str, fps: float, seed: int) -> dict:
    """One video: rendered, spotted and compared with the truth."""
    from merzoo.data.frames import Frames
    from merzoo.data.synthetic.long import film_long, plan_long
    from merzoo.prediction.motion import measure_motion
    from merzoo.prediction.spotting import spot
    from merzoo.prediction.spotting_scores import spotting_scores
    from merzoo.preprocessing.face import default_detector

    class Film(Frames):
        """The frames as they are rendered: read once, in order."""

        def __init__(self, plan):
            self.numbers, self._frames = range(plan.length), film_long(plan)[1]

        def _read(self, position):
            return next(self._frames)

    plan = plan_long(seed, SECONDS, difficulty, fps)
    start = time.process_time()
    spots, _ = spot(measure_motion(Film(plan), fps, default_detector()))
    seconds = time.process_time() - start
    truth = [(event.onset, event.offset) for event in plan.of_kind("micro")]
    scores = spotting_scores([(s.onset, s.offset) for s in spots], truth)
    return {
        "difficulty": difficulty,
        "fps": f"{fps:g}",
        "seed": seed,
        "seconds": SECONDS,
        "true_segments": scores.truth,
        "found": scores.found,
        "hits": scores.true_positives,
        "cpu_seconds_with_rendering": f"{seconds:.1f}",
        "detector": default_detector(),
    }


def table() -> str:
    """Markdown from the result file: one line a setting, its videos pooled."""
    from merzoo.prediction.spotting_scores import SpottingScores

    pooled: dict[tuple, SpottingScores] = {}
    videos: dict[tuple, int] = {}
    with RESULTS.open(newline="") as file:
        for row in csv.DictReader(file):
            key = (row["difficulty"], row["fps"])
            one = SpottingScores(*(int(row[n]) for n in ("hits", "found", "true_segments")))
            pooled[key] = pooled.get(key, SpottingScores(0, 0, 0)) + one
            videos[key] = videos.get(key, 0) + 1
    lines = [
        "| difficulty | fps | videos | true segments | found | precision | recall | F1 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for key, s in pooled.items():
        cells = [*key, videos[key], s.truth, s.found]
        cells += [f"{value:.2f}" for value in (s.precision, s.recall, s.f1)]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def write_table() -> None:
    pattern = r"(<!-- table: spotting -->\n).*?(<!-- end -->)"
    text = README.read_text()
    README.write_text(re.sub(pattern, lambda m: f"{m[1]}{table()}\n{m[2]}", text, flags=re.S))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", action="store_true", help="rewrite the table only")
    if not parser.parse_args().table:
        facts, rows = machine(), []
        for difficulty, fps in SETTINGS:
            for seed in SEEDS:
                rows.append(measure(difficulty, fps, seed) | facts)
                print({n: v for n, v in rows[-1].items() if n not in facts}, flush=True)
        with RESULTS.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    write_table()


if __name__ == "__main__":
    main()

"""How well intervals were spotted, worked out of the three tables of a run alone.

MEGC (2019 to 2025): a found interval is a true positive if its intersection with a true interval is
at least half of their union, each true interval counting once; true positives, found and true
intervals are added up over all videos, for micro- and macro-expressions apart and together, and
only then become precision, recall and F1. Average precision is the area under the stepwise curve of
precision over recall as the threshold on the score falls, over all candidates of all videos
(Everingham et al., "The Pascal Visual Object Classes Challenge", IJCV 2010, all points).

Beside each figure stands its floor: the same number of intervals of the same lengths, put at random
places of the same videos.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from merzoo.data.long_videos import KINDS
from merzoo.evaluation.scores.bootstrap import subject_bootstrap
from merzoo.evaluation.spotting.intervals import WHERE
from merzoo.evaluation.tasks import SPOT
from merzoo.metrics import Metric
from merzoo.prediction.spotting_scores import matched

if TYPE_CHECKING:
    import pandas

LEAST = 0.5  # intersection over union of a hit
FLOOR_DRAWS = 200
PARTS = ("overall", *KINDS)


def _ratio(top, bottom):
    return np.where(bottom > 0, top / np.maximum(bottom, 1e-12), 0.0)


def _f1(counts):
    hits, wrong, missed = counts[..., 1, 1], counts[..., 0, 1], counts[..., 1, 0]
    return _ratio(2 * hits, 2 * hits + wrong + missed)


def _precision(counts):
    return _ratio(counts[..., 1, 1], counts[..., :, 1].sum(-1))


def _recall(counts):
    return _ratio(counts[..., 1, 1], counts[..., 1, :].sum(-1))


# Of [[0, false alarms], [missed, hits]], the form in which subjects are drawn and swapped.
COMPARED = (
    Metric("f1", "F1", _f1),
    Metric("precision", "precision", _precision),
    Metric("recall", "recall", _recall),
)


@dataclass(frozen=True)
class Tables:
    """The three tables of a run: `videos.csv`, `truth.csv` and `intervals.csv`."""

    videos: "pandas.DataFrame"
    truth: "pandas.DataFrame"
    found: "pandas.DataFrame"

    def of_dataset(self, name: str) -> "Tables":
        """The rows of one dataset."""
        tables = (self.videos, self.truth, self.found)
        return Tables(*(table[table["dataset"] == name] for table in tables))

    def of_seed(self, seed: int) -> "Tables":
        """The rows of one seed."""
        return Tables(self.videos, self.truth, self.found[self.found["seed"] == seed])


def spotting_metrics(tables: Tables, least: float = LEAST, draws: int = FLOOR_DRAWS) -> dict:
    """The content of `metrics.json` of spotting.

    Args:
        tables: of the run.
        least: intersection over union of a hit.
        draws: of random places for the floor.

    Returns:
        `full` (of `overall`, `micro` and `macro` each: `f1`, `precision`, `recall`, `ap`, counts,
        `false_alarms_per_minute`, `onset_error_ms` and `offset_error_ms` of the hits, their
        `interval`s over subjects and their `floor`), the same `by_dataset`, and
        `false_alarms_in` (what was going on where false alarms are).
    """
    seeds = sorted(set(tables.found["seed"].tolist())) or [0]
    datasets = sorted(set(tables.videos["dataset"].tolist()))
    return {
        "task": SPOT,
        "seeds": len(seeds),
        "least_iou": least,
        "full": _parts(tables, seeds, least, draws),
        "by_dataset": {
            name: _parts(tables.of_dataset(name), seeds, least, draws) for name in datasets
        },
        "false_alarms_in": _false_alarms_in(tables, seeds, least),
        "warnings": _warnings(tables),
    }


def _parts(tables: Tables, seeds: list[int], least: float, draws: int) -> dict:
    judged = {
        kind: [_Judged(tables.of_seed(seed), kinds, least) for seed in seeds]
        for kind, kinds in ((part, KINDS if part == "overall" else (part,)) for part in PARTS)
    }
    return {part: _part(runs, least, draws) for part, runs in judged.items()}


class _Judged:
    """One seed's found intervals of some kinds against the true ones, video by video."""

    def __init__(self, tables: Tables, kinds: tuple[str, ...], least: float):
        self.kinds = kinds
        self.videos = [
            (row.dataset, row.subject, row.video, int(row.frames), float(row.fps))
            for row in tables.videos.itertuples()
        ]
        self.subjects = sorted({video[1] for video in self.videos})
        self.truth = _by_place(tables.truth)
        self.found = _by_place(tables.found)
        self.hits: list[tuple] = []  # (fps, found row, true row)
        self.wrong: list[tuple] = []  # (video, found row)
        self.counts = {subject: np.zeros((2, 2)) for subject in self.subjects}
        for video in self.videos:
            for kind in kinds:
                self._judge(video, kind, least)

    def _judge(self, video: tuple, kind: str, least: float) -> None:
        key = (*video[:3], kind)
        found = [row for row in self.found.get(key, []) if row.reported]
        truth = self.truth.get(key, [])
        pairs = dict(matched(_ends(found), _ends(truth), least))
        self.hits += [(video[4], found[i], truth[j]) for i, j in pairs.items()]
        self.wrong += [(video, row) for i, row in enumerate(found) if i not in pairs]
        hits = len(pairs)
        self.counts[video[1]] += [[0, len(found) - hits], [len(truth) - hits, hits]]

    @property
    def total(self) -> np.ndarray:
        """(2, 2): [[0, false alarms], [missed, hits]] of all videos."""
        return sum(self.counts.values(), np.zeros((2, 2)))

    @property
    def minutes(self) -> float:
        return sum(frames / fps for *_, frames, fps in self.videos) / 60

    def average_precision(self, least: float) -> float | None:
        """Over all candidates of these kinds; `None` where some have no score, or none is true."""
        rows = [r for key, rows in self.found.items() for r in rows if key[3] in self.kinds]
        if any(not np.isfinite(row.score) for row in rows):
            return None
        total = sum(len(self.truth.get((*v[:3], k), [])) for v in self.videos for k in self.kinds)
        return average_precision(
            {k: [(*e, r.score) for e, r in zip(_ends(x), x, strict=True)] for k, x in self._mine()},
            {k: _ends(x) for k, x in self.truth.items()},
            total,
            least,
        )

    def _mine(self):
        return ((k, rows) for k, rows in self.found.items() if k[3] in self.kinds)

    def error(self, end: str) -> dict | None:
        """Milliseconds by which an end of the hits is late (+) or early (-)."""
        late = [1000 * (getattr(f, end) - getattr(t, end)) / fps for fps, f, t in self.hits]
        if not late:
            return None
        return {"mean": float(np.mean(late)), "median_absolute": float(np.median(np.abs(late)))}

    def at_random(self, rng: np.random.Generator, least: float) -> np.ndarray:
        """The counts if what was found had been put anywhere in its video."""
        hits = found = 0
        for video in self.videos:
            for kind in self.kinds:
                key = (*video[:3], kind)
                lengths = [r.offset - r.onset for r in self.found.get(key, []) if r.reported]
                found += len(lengths)
                starts = [int(rng.integers(0, max(1, video[3] - n))) for n in lengths]
                placed = [(a, a + n) for a, n in zip(starts, lengths, strict=True)]
                hits += len(matched(placed, _ends(self.truth.get(key, [])), least))
        truth = self.total[1].sum()
        return np.array([[0, found - hits], [truth - hits, hits]])


def average_precision(found: dict, truth: dict, total: int, least: float = LEAST) -> float | None:
    """Area under precision over recall as the threshold on the score falls.

    Candidates are taken in order of their score; each takes the true interval of its place that it
    overlaps most and that no earlier one has taken, if the overlap is enough.

    Args:
        found: place (such as a video) -> (onset, offset, score).
        truth: place -> (onset, offset).
        total: true intervals in all places.
        least: intersection over union of a hit.

    Returns:
        0..1, or `None` where nothing is true.

    Example:

    >>> found = {"a": [(0, 9, 0.9), (20, 29, 0.8), (40, 49, 0.7)]}
    >>> average_precision(found, {"a": [(0, 9), (40, 49)]}, total=2)  # (1 / 1 + 2 / 3) / 2
    0.8333333333333333
    """
    if not total:
        return None
    ranked = sorted(
        ((score, place, (a, b)) for place, rows in found.items() for a, b, score in rows),
        key=lambda one: (-one[0], str(one[1]), one[2]),
    )
    left = {place: list(rows) for place, rows in truth.items()}
    right = np.zeros(len(ranked))
    for rank, (_, place, ends) in enumerate(ranked):
        pair = matched([ends], left.get(place, []), least)
        if pair:
            right[rank] = 1
            left[place].pop(pair[0][1])
    precision = np.cumsum(right) / np.arange(1, len(ranked) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]  # at this recall or a higher one
    return float((best * right).sum() / total)


def _part(runs: list[_Judged], least: float, draws: int) -> dict:
    """Means over seeds, intervals over subjects and the floor of one kind, or of all."""
    totals = np.stack([run.total for run in runs])  # (R, 2, 2)
    rng = np.random.default_rng(0)
    random = np.stack([run.at_random(rng, least) for run in runs for _ in range(draws)])
    areas = [run.average_precision(least) for run in runs]
    known = [area for area in areas if area is not None]
    ends = {f"{end}_error_ms": _mean_error(runs, end) for end in ("onset", "offset")}
    floor = {m.name: float(m.of_matrix(random).mean()) for m in COMPARED}
    floor["f1_95th_percentile"] = float(np.quantile(_f1(random), 0.95))
    return {
        **{m.name: float(m.of_matrix(totals).mean()) for m in COMPARED},
        "ap": float(np.mean(known)) if len(known) == len(areas) else None,
        "hits": float(totals[:, 1, 1].mean()),
        "found": float(totals[:, :, 1].sum(-1).mean()),
        "truth": int(totals[0, 1].sum()),
        "minutes": runs[0].minutes,
        "false_alarms_per_minute": float(totals[:, 0, 1].mean() / runs[0].minutes),
        **ends,
        "interval": subject_bootstrap([run.counts for run in runs], metrics=COMPARED),
        "floor": floor,
        "f1_per_seed": _f1(totals).tolist(),
        "videos": len(runs[0].videos),
        "subjects": len(runs[0].subjects),
    }


def _mean_error(runs: list[_Judged], end: str) -> dict | None:
    errors = [error for run in runs if (error := run.error(end)) is not None]
    if not errors:
        return None
    return {name: float(np.mean([error[name] for error in errors])) for name in errors[0]}


def false_alarms(tables: Tables, least: float = LEAST) -> list[tuple]:
    """(video, found row, what was going on) of what hits nothing, the surest first.

    What was going on: kinds of the truth's rows that it overlaps; an expression of its own kind
    means that the ends are too far off, or that another interval has it already.
    """
    rows = []
    for kind in KINDS:
        for video, row in _Judged(tables, (kind,), least).wrong:
            near = [
                other.kind
                for key, others in _by_place(tables.truth).items()
                if key[:3] == video[:3]
                for other in others
                if other.onset <= row.offset and row.onset <= other.offset
            ]
            rows.append((video, row, sorted(set(near))))
    return sorted(rows, key=lambda one: -np.nan_to_num(one[1].score, nan=0.0))


def _false_alarms_in(tables: Tables, seeds: list[int], least: float) -> dict[str, float]:
    """What was going on -> false alarms during it, mean over seeds; one may count for several."""
    counts: dict[str, float] = {}
    for seed in seeds:
        for _, _, near in false_alarms(tables.of_seed(seed), least):
            for kind in near or ["nothing known"]:
                counts[kind] = counts.get(kind, 0) + 1 / len(seeds)
    return dict(sorted(counts.items()))


def subject_counts(tables: Tables, part: str = "overall", least: float = LEAST) -> list[dict]:
    """For each seed: subject -> [[0, false alarms], [missed, hits]]."""
    kinds = KINDS if part == "overall" else (part,)
    seeds = sorted(set(tables.found["seed"].tolist())) or [0]
    return [_Judged(tables.of_seed(seed), kinds, least).counts for seed in seeds]


def _warnings(tables: Tables) -> list[str]:
    found = []
    expressions = tables.truth[tables.truth["kind"].isin(KINDS)]
    for kind in KINDS:
        count = int((expressions["kind"] == kind).sum())
        if count < 10:
            found.append(f"Only {count} {kind}-expressions: their figures say little.")
    subjects = tables.videos["subject"].nunique()
    if subjects < 5:
        found.append(f"Only {subjects} subjects: the intervals over them say little.")
    return found


def _by_place(table: "pandas.DataFrame") -> dict[tuple, list]:
    """(dataset, subject, video, kind) -> the rows there."""
    places: dict[tuple, list] = {}
    for row in table.itertuples(index=False):
        places.setdefault(tuple(getattr(row, name) for name in (*WHERE, "kind")), []).append(row)
    return places


def _ends(rows) -> list[tuple[int, int]]:
    return [(int(row.onset), int(row.offset)) for row in rows]

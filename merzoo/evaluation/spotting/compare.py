"""`compare` of spotting runs: on the same videos, tested against one another by swapping subjects.

Of F1 over all expressions, over micro- and over macro-expressions: the difference, its interval
over subjects, the p of the subject-swap permutation test, corrected by Holm over the comparisons,
and the difference that these subjects could show.
"""

import math
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from merzoo.errors import InputError
from merzoo.evaluation.scores.paired_tests import (
    PERMUTATIONS,
    detectable,
    difference_intervals,
    holm,
    swap_test,
)
from merzoo.evaluation.spotting.intervals import WHERE
from merzoo.evaluation.spotting.runs import SpottingRun, read_spotting_run
from merzoo.evaluation.spotting.scores import COMPARED, PARTS, subject_counts
from merzoo.evaluation.tasks import SPOT
from merzoo.pages.render import render

F1 = COMPARED[:1]


def compare_spotting(
    runs: Sequence[str | Path],
    *,
    all_pairs: bool = False,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
    out: str | Path | None = None,
) -> dict:
    """Compares spotting runs on the same videos; arguments as for `merzoo.compare`.

    Returns:
        A dict of plain types: `task`, `runs`, `videos`, `subjects`, `comparisons` (each with
        `overall`, `micro` and `macro`: `difference` of F1, second less first, `interval`, `p`,
        `p_holm`, `detectable`) and `notes`.

    Raises:
        InputError: for fewer than two runs, or runs on other videos or another truth.
    """
    if len(runs) < 2:
        raise InputError(f"{len(runs) or 'no'} run given; comparing takes two or more.")
    loaded = _named([read_spotting_run(path) for path in runs])
    for run in loaded[1:]:
        _check_same(loaded[0], run)
    pairs = list(combinations(loaded, 2)) if all_pairs else [(loaded[0], r) for r in loaded[1:]]
    comparisons = [_compare_two(a, b, permutations, seed) for a, b in pairs]
    for part in PARTS:
        corrected = holm([found[part]["p"] for found in comparisons])
        for found, p in zip(comparisons, corrected, strict=True):
            found[part]["p_holm"] = p
    subjects = loaded[0].tables.videos["subject"].nunique()
    result = {
        "task": SPOT,
        "runs": [_summary(run) for run in loaded],
        "videos": len(loaded[0].tables.videos),
        "subjects": subjects,
        "comparisons": comparisons,
        "notes": _notes(loaded, subjects),
    }
    if out is not None:
        _write(Path(out), result)
    return result


def comparison_tables(result: dict) -> list[tuple[str, list[str], list[list[str]]]]:
    """(caption, columns, rows): the runs' F1, and their differences."""
    runs = []
    for run in result["runs"]:
        cells = []
        for part in PARTS:
            low, high = run["interval"][part]
            cells += [f"{run[part]:.3f}", f"{low:.3f}–{high:.3f}", f"{run['floor'][part]:.3f}"]
        runs.append([run["name"], run["model"], *cells])
    heads = [cell for part in PARTS for cell in (f"F1 {part}", "95 %", "at random")]
    differences = []
    for found in result["comparisons"]:
        for part in PARTS:
            one = found[part]
            low, high = one["interval"]
            row = [f"{found['second']} - {found['first']}", part, f"{one['difference']:+.3f}"]
            row += [f"{low:+.3f} to {high:+.3f}", f"{one['p']:.3g}", f"{one['p_holm']:.3g}"]
            differences.append([*row, f"{one['detectable']:.3f}"])
    columns = ["difference of F1", "kind", "value", "95 %", "p", "p (Holm)", "detectable"]
    counts = f"{result['videos']} videos of {result['subjects']} subjects"
    return [
        (f"Spotting on the same {counts}.", ["run", "model", *heads], runs),
        (
            "p by swapping whole subjects; detectable: found with 80 % power on these subjects.",
            columns,
            differences,
        ),
    ]


def _named(loaded: list[SpottingRun]) -> list[SpottingRun]:
    """Runs under names that differ: where folders share theirs, with the folder above."""
    from dataclasses import replace

    names = [run.name for run in loaded]
    for i, run in enumerate(loaded):
        if names.count(names[i]) > 1:
            longer = f"{run.folder.resolve().parent.name}/{names[i]}"
            loaded[i] = replace(run, name=longer)
    if len({run.folder.resolve() for run in loaded}) < len(loaded):
        raise InputError("The same run is given twice; a run can't be compared with itself.")
    return loaded


def _check_same(first: SpottingRun, other: SpottingRun) -> None:
    for what, table in (("videos", "videos"), ("true intervals", "truth")):
        one, two = (set(_rows(run, table)) for run in (first, other))
        if one != two:
            odd = sorted(map(str, one ^ two))[0]
            raise InputError(
                f"{first.name} and {other.name} were judged on different {what}, such as {odd}: "
                f"run both on the same data."
            )


def _rows(run: SpottingRun, table: str):
    columns = [*WHERE, "frames"] if table == "videos" else [*WHERE, "kind", "onset", "offset"]
    found = getattr(run.tables, table)
    return found[columns].itertuples(index=False, name=None)


def _compare_two(a: SpottingRun, b: SpottingRun, permutations: int, seed: int) -> dict:
    subjects = sorted(set(a.tables.videos["subject"].tolist()))
    found: dict = {"first": a.name, "second": b.name}
    for part in PARTS:
        counts = []
        runs = [subject_counts(run.tables, part) for run in (a, b)]
        found["seeds"] = math.lcm(*map(len, runs))
        for seeds in runs:
            repeated = seeds * (found["seeds"] // len(seeds))
            counts.append(np.stack([[run[s] for s in subjects] for run in repeated]))
        test = swap_test(*counts, permutations=permutations, seed=seed, metrics=F1)["f1"]
        low, high, error = difference_intervals(*counts, subjects, seed=seed, metrics=F1)["f1"]
        found[part] = {**test, "interval": (low, high), "detectable": detectable(error)}
    return found


def _summary(run: SpottingRun) -> dict:
    full = run.metrics["full"]
    return {
        "name": run.name,
        "model": run.card["model"],
        "protocol": run.card["protocol"],
        "seeds": run.metrics["seeds"],
        **{part: full[part]["f1"] for part in PARTS},
        "interval": {part: full[part]["interval"]["f1"] for part in PARTS},
        "floor": {part: full[part]["floor"]["f1"] for part in PARTS},
    }


def _notes(loaded: list[SpottingRun], subjects: int) -> list[str]:
    notes = []
    smallest = 2.0 ** (1 - subjects)
    if smallest > 0.05:
        notes.append(
            f"{subjects} subjects are too few: the smallest p that swapping them can give is "
            f"{smallest:.3g}."
        )
    splits = {run.card.get("split_fingerprint") for run in loaded} - {None}
    if len(splits) > 1:
        notes.append("The runs have different splits.")
    return notes


def _write(folder: Path, result: dict) -> None:
    from merzoo.files import write_json, write_text

    write_json(folder / "comparison.json", result)
    page = render("spotting_comparison.html", result=result, tables=comparison_tables(result))
    write_text(folder / "comparison.html", page)

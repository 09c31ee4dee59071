"""`compare`: two or more runs on the same clips, tested against one another.

The first run is the reference, so that an ablation table is one call: the whole model first, then
the model without each of its parts.
"""

import math
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from merzoo.arguments import whole_number
from merzoo.errors import InputError
from merzoo.evaluation.runs.read import Run, load_run
from merzoo.evaluation.scores.bootstrap import subject_matrices
from merzoo.evaluation.scores.judges import judge_of
from merzoo.evaluation.scores.paired_tests import (
    PERMUTATIONS,
    holm,
    mcnemar,
    paired_scores,
    student,
    subject_accuracies,
    wilcoxon,
)
from merzoo.evaluation.scores.units import subject_units
from merzoo.evaluation.spotting.compare import compare_spotting
from merzoo.evaluation.spotting.runs import task_of
from merzoo.evaluation.tasks import SPOTTING
from merzoo.metrics import UNITS, Metric, compared, headline, primary
from merzoo.names import clip_key, dataset_key, one_spelling, plain_subject

KEY = ["dataset", "subject", "clip"]


def compare(
    runs: Sequence[str | Path],
    *,
    all_pairs: bool = False,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
    out: str | Path | None = None,
) -> dict:
    """Compares runs on the same clips: differences with intervals, tests, and what N allows.

    Args:
        runs: two or more folders of runs, or files that `merzoo.score` reads. The first is the
            reference.
        all_pairs: compare each with each instead of each with the first.
        permutations: of the subject-swap test.
        seed: of permutations and bootstrap.
        out: folder for `comparison.html`, `comparison.json` and `plots/`.

    Returns:
        A dict of plain types: `task`, `runs` (name, model, seeds, whether it is deterministic,
        scores, intervals), `clips`, `subjects`, `comparisons` and `notes`. A comparison has
        `first`, `second`, `seeds` (the number of pairs of their runs; where one has fewer seeds,
        they are repeated, so that a difference is that of the mean scores); for each metric of
        `merzoo.metrics.compared` (`uf1`, `uar`) the `difference` (second less first), its 95 %
        `interval`, `p` of the subject-swap permutation test, `p_holm` over all comparisons and the
        `detectable` difference; `secondary` tests (`mcnemar` over clips; `wilcoxon` and `student`
        over subjects' accuracies); and a `note`. Of runs of spotting
        `merzoo.evaluation.spotting.compare` says what is returned.

    Raises:
        InputError: for fewer than two runs, runs of different tasks, or runs on different clips,
            labels or classes.

    Example:

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     one, two = Path(folder) / "one.txt", Path(folder) / "two.txt"
    ...     _ = one.write_text("smic s1\\nx 0 0\\ny 1 2\\nsmic s2\\nz 0 1\\nw 2 2\\n")
    ...     _ = two.write_text("smic s1\\nx 0 0\\ny 1 1\\nsmic s2\\nz 0 1\\nw 2 2\\n")
    ...     found = compare([one, two])["comparisons"][0]
    >>> round(found["uf1"]["difference"], 3), found["uf1"]["p"]
    (0.333, 1.0)
    """
    if out is not None:
        from merzoo.evaluation.pages.comparison import check_comparison

        check_comparison(out)
    whole_number("permutations", permutations)
    whole_number("seed", seed, least=0)
    runs = [runs] if isinstance(runs, str | Path) else runs
    if len(runs) < 2:
        raise InputError(f"{len(runs) or 'no'} run given; comparing takes two or more.")
    if any(task_of(run) in SPOTTING for run in runs):
        how = {"permutations": permutations, "seed": seed, "out": out}
        return compare_spotting(runs, all_pairs=all_pairs, **how)
    loaded = _named(runs)
    pairs = list(combinations(loaded, 2)) if all_pairs else [(loaded[0], r) for r in loaded[1:]]
    result, tables = compare_pairs(loaded, pairs, permutations=permutations, seed=seed)
    if out is not None:
        from merzoo.evaluation.pages.comparison import write_comparison

        write_comparison(Path(out), result, tables)
    return result


def compare_pairs(
    loaded: list[Run],
    pairs: Sequence[tuple[Run, Run]],
    *,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> tuple[dict, dict[str, dict]]:
    """Compares chosen pairs of runs; Holm's correction is over all of them.

    Args:
        loaded: runs on the same clips, each under a name of its own.
        pairs: of these, whose second is compared with its first.
        permutations, seed: as for `compare`.

    Returns:
        What `compare` returns, and name -> the run's labels and predictions in one order of clips.

    Raises:
        InputError: for runs on different clips, labels or classes.
    """
    tables = _aligned(loaded)
    comparisons = [
        _compare_two(tables[a.name], tables[b.name], a, b, permutations, seed) for a, b in pairs
    ]
    task = loaded[0].task
    for metric in compared(task):
        corrected = holm([found[metric.name]["p"] for found in comparisons])
        for found, p in zip(comparisons, corrected, strict=True):
            found[metric.name]["p_holm"] = p
    subjects = len(tables[loaded[0].name]["subjects"])
    for found in comparisons:
        found["note"] = _power_note(found, loaded[0].metrics["full"]["n"], subjects, primary(task))
    result = {
        "task": task,
        "runs": [_summary(run) for run in loaded],
        "clips": loaded[0].metrics["full"]["n"],
        "subjects": subjects,
        "comparisons": comparisons,
        "notes": _notes(loaded) + _spellings(loaded, tables),
    }
    return result, tables


def _named(paths) -> list[Run]:
    """Runs under names that differ: where folders share theirs, with the folder above."""
    loaded = [load_run(path) for path in paths]
    names = [run.name for run in loaded]
    for i, run in enumerate(loaded):
        if names.count(names[i]) > 1:
            longer = f"{run.folder.resolve().parent.name}/{names[i]}"
            loaded[i] = run.renamed(longer)
    if len({run.name for run in loaded}) < len(loaded):
        raise InputError("The same run is given twice; a run can't be compared with itself.")
    return loaded


def _aligned(loaded: list[Run]) -> dict[str, dict]:
    """Each run's labels and predictions in one order of clips; raises where clips differ."""
    first, tables = loaded[0], {}
    for run in loaded:
        if run.task != first.task:
            raise InputError(
                f"{first.name} is of the task {first.task}, {run.name} of {run.task}: only runs of "
                f"one task can be compared."
            )
        if sorted(run.classes) != sorted(first.classes):
            raise InputError(
                f"{first.name} has the classes {', '.join(first.classes)}, {run.name} has "
                f"{', '.join(run.classes)}: only runs on the same classes can be compared."
            )
        found = _table(run, first.classes)
        tables[run.name] = found if run is first else _in_order(tables[first.name], found, run.name)
    return tables


def _table(run: Run, classes: list[str]) -> dict:
    """A run's labels and predictions in the order of its clips' names."""
    rows, label, predicted, _ = judge_of(run.card).runs_of(run.predictions, classes)
    keys = list(rows[KEY].itertuples(index=False, name=None))
    order = sorted(range(len(keys)), key=keys.__getitem__)
    keys = [keys[i] for i in order]
    subject = np.array(one_spelling(*zip(*keys, strict=True))[1])
    return {
        "run": run.name,
        "keys": keys,
        "subject": subject,
        "subjects": sorted(set(subject.tolist())),
        "label": label[order],
        "predicted": predicted[:, order],
    }


def _in_order(a: dict, b: dict, second: str) -> dict:
    """The second run's table in the order and with the names of the first, whose clips it has."""
    order = _places(a["keys"], b["keys"])
    if order is None:
        common = len(set(map(_normal, a["keys"])) & set(map(_normal, b["keys"])))
        hint = ""
        if not common:
            hint = f" ({'/'.join(a['keys'][0])} in one, {'/'.join(b['keys'][0])} in the other)"
        raise InputError(
            f"{a['run']} and {second} were tested on different clips: {len(a['keys'])} and "
            f"{len(b['keys'])}, {common} in common{hint}. Run both on the same data."
        )
    differ = a["label"] != b["label"][order]
    differ = np.flatnonzero(differ.reshape(len(order), -1).any(1))  # of units in any of them
    if differ.size:
        raise InputError(
            f"{a['run']} and {second} have different labels for {differ.size} clips, the first "
            f"{'/'.join(a['keys'][differ[0]])}: use one label map for both."
        )

    own = {"run": second, "keys": [b["keys"][i] for i in order]}
    return a | own | {"predicted": b["predicted"][:, order]}


def _places(first: list[tuple], second: list[tuple]) -> list[int] | None:
    """Where each clip of the first run stands in the second: by the names as they are, else by
    their normal forms; `None` where the clips are not the same."""
    for form in (tuple, _normal):
        wanted, places = list(map(form, first)), {form(key): i for i, key in enumerate(second)}
        if len(first) == len(second) == len(places) and set(wanted) == set(places):
            return [places[key] for key in wanted]
    return None


def _normal(key: tuple[str, str, str]) -> tuple[str, ...]:
    dataset, subject, clip = key
    return dataset_key(dataset), plain_subject(subject), clip_key(subject, clip)


def _spellings(loaded: list[Run], tables: dict[str, dict]) -> list[str]:
    """Which runs name their clips otherwise than the first, with an example."""
    first, notes = loaded[0], []
    for run in loaded[1:]:
        pairs = zip(tables[first.name]["keys"], tables[run.name]["keys"], strict=True)
        one, other = next(((a, b) for a, b in pairs if a != b), (None, None))
        if one is not None:
            notes.append(
                f"{run.name} names clips otherwise than {first.name}: {'/'.join(other[1:])} is "
                f"taken as {'/'.join(one[1:])}."
            )
    return notes


def _compare_two(a: dict, b: dict, first: Run, second: Run, permutations: int, seed: int) -> dict:
    seeds = math.lcm(len(a["predicted"]), len(b["predicted"]))  # so that each counts the same
    counts = []
    for table in (a, b):
        runs = [_by_subject(table, predicted, first) for predicted in table["predicted"]]
        counts.append(runs * (seeds // len(runs)))
    difference = subject_accuracies(b) - subject_accuracies(a)
    found = {"first": first.name, "second": second.name, "seeds": seeds}
    found |= paired_scores(
        *counts, permutations=permutations, seed=seed, metrics=compared(first.task)
    )
    votes = [_right(table, first) for table in (a, b)]
    found["secondary"] = {
        "mcnemar": mcnemar(*votes),
        "wilcoxon": wilcoxon(difference),
        "student": student(difference),
    }
    return found


def _by_subject(table: dict, predicted: np.ndarray, run: Run) -> dict[str, np.ndarray]:
    """The counts of each subject that scores are made of."""
    label, subject = table["label"], table["subject"]
    if run.task == UNITS:
        return subject_units(label, predicted, subject)
    return subject_matrices(label, predicted, subject, len(run.classes))


def _right(table: dict, run: Run) -> np.ndarray:
    """(N,) whether most seeds say the annotated class; of action units, each of them."""
    if run.task == UNITS:
        return ((table["predicted"].mean(0) > 0.5) == table["label"]).all(1)
    return _majority(table["predicted"], len(run.classes)) == table["label"]


def _majority(predicted: np.ndarray, classes: int) -> np.ndarray:
    """(R, N) -> (N,): the class predicted most often over seeds; ties go to the first seed's."""
    votes = np.stack([(predicted == k).sum(0) for k in range(classes)]).astype(float)  # (K, N)
    votes[predicted[0], np.arange(predicted.shape[1])] += 0.5
    return votes.argmax(0)


def _power_note(found: dict, clips: int, subjects: int, metric: Metric) -> str | None:
    smallest = 2.0 ** (1 - subjects)
    if smallest > 0.05:
        return (
            f"{subjects} subjects are too few: the smallest p that swapping them can give is "
            f"{smallest:.3g}."
        )
    least, seen = found[metric.name]["detectable"], abs(found[metric.name]["difference"])
    if found[metric.name]["p_holm"] < 0.05:
        return None
    if least == 0:
        return "Swapping subjects changes no score: the predictions are as good as the same."
    text = (
        f"No difference shown, which is not the same as none: on {clips} clips of {subjects} "
        f"subjects only {metric.label} differences of about {least:.3f} and more are found with "
        f"80 % power"
    )
    if 0 < seen < least:
        needed = int(np.ceil(subjects * (least / seen) ** 2))
        text += (
            f"; {seen:.3f} would take about {needed:,} subjects"
            if needed < 1_000_000
            else "; what was seen is next to nothing"
        )
    return text + "."


def _summary(run: Run) -> dict:
    full = run.metrics["full"]
    return {
        "name": run.name,
        "model": run.card["model"],
        "protocol": run.card["protocol"],
        "seeds": run.metrics["seeds"],
        "deterministic": run.deterministic,
        **{metric.name: full[metric.name] for metric in headline(run.task)},
        "interval": full["interval"],
    }


def _notes(loaded: list[Run]) -> list[str]:
    notes = []
    for key, what in (("protocol", "protocols"), ("split_fingerprint", "splits")):
        values = {run.name: run.card.get(key) for run in loaded}
        known = {value for value in values.values() if value}
        if len(known) > 1:
            named = ", ".join(f"{name}: {str(value)[:40]}" for name, value in values.items())
            notes.append(f"The runs have different {what} ({named}).")
            break
    seeds = {run.name: run.metrics["seeds"] for run in loaded if not run.deterministic}
    if len(seeds) < len(loaded) and max(seeds.values(), default=1) > 1:
        same = ", ".join(run.name for run in loaded if run.deterministic)
        notes.append(f"Deterministic, paired with every seed of the others: {same}.")
    if len(set(seeds.values())) > 1:
        named = ", ".join(f"{name} {count}" for name, count in seeds.items())
        notes.append(
            f"Different numbers of seeds ({named}): the seeds of one are paired with those of the "
            f"other in turn until each has counted equally often."
        )
    return notes

"""The protocol card of a spotting run, `protocol.json`: what was done, and all that reruns it."""

import hashlib
from collections.abc import Sequence

from merzoo.data.long_videos import KINDS, LongVideo
from merzoo.evaluation.runs.workers import threads_of
from merzoo.evaluation.splits.protocols import Fold, split_fingerprint
from merzoo.evaluation.tasks import SPOT
from merzoo.preprocessing.arrays import Arrays
from merzoo.surroundings import surroundings
from merzoo.versions import package_versions

SELECTION = (
    "thresholds and smoothing are chosen in every fold on training people; what is trained is "
    "not trained on them; test people play no part"
)
FUNCTION = "nothing is chosen: the spotter is a function of somebody's own"


def spotting_card(
    spotter,
    videos: Sequence[LongVideo],
    rows: Arrays,
    folds: Sequence[Fold],
    *,
    protocol: str,
    task: str = SPOT,
    named: list[str] | None = None,
    seeds: int = 1,
    jobs: int = 1,
    parameters: dict | None = None,
    subjects: Sequence[str] | None = None,
    more: dict | None = None,
) -> dict:
    """Everything needed to rerun, and to tell whether a rerun continues the same run.

    Args:
        spotter: a `Spotter`.
        videos, rows, folds, protocol: of the run.
        task: one of `merzoo.evaluation.tasks.SPOTTING`.
        named: the data as they were named; `None` for objects.
        seeds, jobs, parameters, subjects: of the evaluation.
        more: facts of the recogniser, where there is one.
    """
    facts = spotter.facts()
    learner = getattr(spotter, "learner", None)
    card = {
        "task": task,
        "model": spotter.name,
        "model_arguments": facts.get("model_arguments"),
        "recipe": facts.get("recipe"),
        "spotter": {n: v for n, v in facts.items() if n not in ("recipe", "model_arguments")},
        "preprocessing": parameters,
        "protocol": protocol,
        "selection": FUNCTION if hasattr(spotter, "function") else SELECTION,
        "source": ", ".join(named or sorted({video.dataset for video in videos})),
        "data": {
            "videos": len(videos),
            "samples": sum(len(video.intervals(None)) for video in videos),
            "samples_per_class": {
                kind: sum(len(video.intervals(kind)) for video in videos) for kind in KINDS
            },
            "subjects": len(set(rows.subject.tolist())),
            "classes": list(KINDS),
            "fingerprint": _fingerprint(videos),
        },
        "split_fingerprint": split_fingerprint(list(folds)),
        "folds": len(folds),
        "seeds": seeds,
        "deterministic": spotter.deterministic,
        "threads": threads_of(jobs) if learner is not None else None,
        "versions": package_versions(),
        "surroundings": surroundings(),
        "rerun": {
            "task": task,
            "model": spotter.origin,
            "data": named,
            "subjects": sorted(subjects) if subjects else None,
            "parameters": parameters,
        },
    }
    return card | (more or {})


def _fingerprint(videos: Sequence[LongVideo]) -> str:
    """SHA-256 of the videos' names, lengths and true intervals."""
    facts = [
        (v.dataset, v.subject, v.id, len(v.frames), v.fps, *(v.intervals(k) for k in KINDS))
        for v in videos
    ]
    return hashlib.sha256(repr(facts).encode()).hexdigest()

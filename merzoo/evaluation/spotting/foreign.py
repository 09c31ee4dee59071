"""`score` of anybody's interval lists: the same figures, floor, intervals and page as merzoo's own.

Two CSV files. A list of found intervals has the columns `dataset`, `subject`, `video`, `onset`,
`offset`, and optionally `kind` (micro), `score`, `apex`, `seed`, `reported`, and `predicted`, the
class of the expression, by which STRS is worked out too. The truth is the folder of a run (`merzoo
evaluate --task spot`) on the same videos, or a list in the same form with `frames` and `fps` of its
video in every row, and `label` where there are classes; a video of which nothing is true stands
there with an empty onset and offset.
"""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from merzoo.data.cells import read_text
from merzoo.data.long_videos import KINDS
from merzoo.errors import InputError, unknown
from merzoo.evaluation.runs.folder import RunFolder
from merzoo.evaluation.spotting.evaluate import SpottingResult, judged_tables, result_of
from merzoo.evaluation.spotting.intervals import FOUND, TRUTH, VIDEOS, WHERE
from merzoo.evaluation.spotting.page import write_spotting_report
from merzoo.evaluation.spotting.recognition import recognition_of_list
from merzoo.evaluation.spotting.runs import read_tables
from merzoo.evaluation.spotting.scores import Tables
from merzoo.evaluation.tasks import RECOGNISE, SPOT
from merzoo.names import one_spelling
from merzoo.surroundings import surroundings
from merzoo.versions import package_versions

DOUBT = (
    "These intervals come from elsewhere: whether test people were kept apart, and on whom the "
    "threshold was chosen, can't be seen in them."
)


def score_intervals(
    found: str | Path | Sequence[str | Path],
    truth: str | Path,
    *,
    labels: str | None = None,
    name: str | None = None,
    out: str | os.PathLike | None = None,
) -> SpottingResult:
    """Judges a list of intervals against the truth.

    Args:
        found: CSV of intervals, or several that are one list.
        truth: folder of a spotting run, or a CSV.
        labels: label map by which true labels become the classes of `predicted`, such as
            `"megc3"`; `None` for the labels as they stand.
        name: of the spotter, for the report; the first file's name where `None`.
        out: folder for the results; `None` makes a temporary one.

    Returns:
        A `SpottingResult`, as `evaluate_spots` gives.

    Raises:
        InputError: for a missing column, a number that is none, an interval of a video that the
            truth lacks or that does not lie in it; the message names file and line. Also for a
            predicted class that is none, or `labels` of a list that predicts no classes.

    Example:

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     truth, mine = Path(folder) / "truth.csv", Path(folder) / "mine.csv"
    ...     head = "dataset,subject,video,kind,onset,offset"
    ...     _ = truth.write_text(f"{head},frames,fps\\nd,s1,a,micro,10,19,300,30\\n")
    ...     _ = mine.write_text(f"{head}\\nd,s1,a,micro,12,21\\nd,s1,a,micro,50,59\\n")
    ...     result = score_intervals(mine, truth, out=Path(folder) / "judged")
    >>> round(result.f1, 3), result.metrics["full"]["micro"]["false_alarms_per_minute"]
    (0.667, 6.0)
    """
    paths = [Path(p) for p in ([found] if isinstance(found, str | Path) else found)]
    known = _truth_of(Path(truth))
    table = _found_in(paths, known)
    tables = Tables(known.videos, known.truth, table)
    more, said = {}, [DOUBT]
    if "predicted" in table:
        more["recognition"], without = recognition_of_list(tables, labels or "annotated")
        said += without
    elif labels:
        raise InputError(f"--labels: {paths[0]} has no column 'predicted' whose classes it names.")
    card = {
        "task": RECOGNISE if more else SPOT,
        "model": name or paths[0].stem,
        "protocol": "unknown",
        "selection": "unknown: intervals of another program",
        "source": f"{', '.join(p.name for p in paths)}; truth: {Path(truth).name}",
        "data": {"videos": len(known.videos), "classes": list(KINDS)},
        "seeds": max(1, table["seed"].nunique()),
        "versions": package_versions(),
        "surroundings": surroundings(),
    }
    with RunFolder.held(out or tempfile.mkdtemp(prefix="merzoo-"), card) as folder:
        metrics = judged_tables(folder.path, tables, said, more)
        write_spotting_report(folder.path)
    return result_of(folder.path, metrics, tables)


def is_interval_list(path: str | Path) -> bool:
    """Whether a file is a list of intervals: a text whose first line names onset and offset."""
    path = Path(path)
    if not path.is_file() or path.suffix.lower() not in (".csv", ".txt", ".tsv"):
        return False
    try:
        heads = _heads(read_text(path))
    except InputError:
        return False
    return {"onset", "offset", "video"} <= set(heads)


def _heads(text: str) -> list[str]:
    first = text.splitlines()[0] if text else ""
    return [cell.strip().lower() for cell in first.split(",")]


def _rows(path: Path, needed: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """(line, column -> text) of a CSV."""
    import csv
    import io

    if not path.is_file():
        raise InputError(f"{path}: no such file.")
    text = read_text(path, f"no list of intervals; give a .csv with {', '.join(needed)}")
    heads = _heads(text)
    for column in needed:
        if column not in heads:
            raise InputError(f"{path}: lacks the column {column!r}; it has {', '.join(heads)}.")
    reader = csv.reader(io.StringIO(text))
    next(reader, None)
    return [
        (line, dict(zip(heads, (cell.strip() for cell in row), strict=False)))
        for line, row in enumerate(reader, 2)
        if any(cell.strip() for cell in row)
    ]


def _number(where: str, row: dict[str, str], column: str, kind: type = int):
    text = row.get(column, "")
    try:
        value = kind(text)
        if value != value or value in (float("inf"), float("-inf")):
            raise ValueError
        return value
    except ValueError:
        raise InputError(f"{where}: {column} {text!r} is no number.") from None


def _kind(where: str, row: dict[str, str]) -> str:
    kind = row.get("kind") or "micro"
    if kind not in KINDS:
        raise unknown("kind of expression", kind, KINDS, f"({where})")
    return kind


def _ends(where: str, row: dict[str, str], frames: int) -> tuple[int, int]:
    onset, offset = (_number(where, row, end) for end in ("onset", "offset"))
    if not 0 <= onset <= offset < frames:
        raise InputError(f"{where}: {onset}..{offset} does not lie in the frames 0..{frames - 1}.")
    return onset, offset


def _truth_of(path: Path) -> Tables:
    if path.is_dir():
        return read_tables(path)
    import pandas as pd

    videos: dict[tuple, tuple] = {}
    truth: list[tuple] = []
    rows = _rows(path, [*WHERE, "onset", "offset", "frames", "fps"])
    people = _subjects([row for _, row in rows])
    for (line, row), subject in zip(rows, people, strict=True):
        where = f"{path}, line {line}"
        place = (row["dataset"], subject, row["video"])
        facts = (_number(where, row, "frames"), _number(where, row, "fps", float))
        if facts[0] < 1 or facts[1] <= 0:
            raise InputError(f"{where}: frames and fps must be above 0.")
        if videos.setdefault(place, facts) != facts:
            raise InputError(f"{where}: another length or rate of the video than above.")
        if row.get("onset"):
            ends = _ends(where, row, facts[0])
            truth.append((*place, _kind(where, row), ends[0], None, ends[1], row.get("label")))
    if not videos:
        raise InputError(f"{path}: names no video.")
    return Tables(
        pd.DataFrame([(*place, *facts) for place, facts in videos.items()], columns=VIDEOS),
        pd.DataFrame(truth, columns=TRUTH).astype({"apex": "Int64"}),
        pd.DataFrame([], columns=FOUND),
    )


def _subjects(rows: list[dict[str, str]]) -> list[str]:
    """`"dataset/subject"` of each row, a person under one spelling."""
    columns = [[row[name] for row in rows] for name in WHERE]
    columns[1] = [s.removeprefix(f"{d}/") for d, s in zip(columns[0], columns[1], strict=True)]
    return one_spelling(*columns)[1]


def _found_in(paths: Sequence[Path], known: Tables):
    import pandas as pd

    frames = {
        (row.dataset, row.video): (row.subject, int(row.frames))
        for row in known.videos.itertuples()
    }
    found: list[tuple] = []
    answers: list[str | None] = []
    for path in paths:
        for line, row in _rows(path, [*WHERE, "onset", "offset"]):
            where = f"{path}, line {line}"
            place = (row["dataset"], row["video"])
            if place not in frames:
                known_names = ["/".join(name) for name in frames]
                raise unknown("video", "/".join(place), known_names, f"({where})")
            subject, count = frames[place]
            onset, offset = _ends(where, row, count)
            score = _number(where, row, "score", float) if row.get("score") else None
            apex = _number(where, row, "apex") if row.get("apex") else None
            seed = _number(where, row, "seed") if row.get("seed") else 0
            reported = row.get("reported", "True").lower() in ("", "true", "1", "yes")
            kind = _kind(where, row)
            names = (place[0], subject, place[1])
            found.append((seed, *names, kind, onset, apex, offset, score, reported))
            answers.append(row.get("predicted"))
    table = pd.DataFrame(found, columns=FOUND)
    if any(answer is not None for answer in answers):
        table["predicted"] = [answer or "" for answer in answers]
    return table.astype({"apex": "Int64", "score": "float64", "seed": "int64"})

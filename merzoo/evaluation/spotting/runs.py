"""A finished spotting run, read back from its files alone."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from merzoo.errors import InputError
from merzoo.evaluation.runs.schema import HINT
from merzoo.evaluation.spotting.intervals import FOUND, TRUTH, VIDEOS
from merzoo.evaluation.spotting.scores import Tables
from merzoo.evaluation.tasks import CLASSIFY, SPOTTING
from merzoo.schema import read_json


@dataclass(frozen=True)
class SpottingRun:
    """One run's folder.

    Args:
        folder: of the run.
        name: for comparisons.
        card: content of `protocol.json`.
        metrics: content of `metrics.json`.
        tables: its three tables.
    """

    folder: Path
    name: str
    card: dict[str, Any]
    metrics: dict[str, Any]
    tables: Tables


def task_of(folder: str | Path) -> str:
    """The task of a run's folder, as its card says; that of classes where it says none.

    Raises:
        InputError: for a card that cannot be read.
    """
    card = Path(folder) / "protocol.json"
    if not card.is_file():
        return CLASSIFY
    return str(read_json(card, dict, HINT).get("task", CLASSIFY))


def read_spotting_run(folder: str | Path) -> SpottingRun:
    """Reads the folder that `merzoo evaluate --task spot` or `merzoo score` wrote.

    Raises:
        InputError: where the folder is missing, unfinished, damaged or of another task.
    """
    folder = Path(folder)
    for name in ("protocol.json", "videos.csv", "truth.csv", "intervals.csv", "metrics.json"):
        if not (folder / name).is_file():
            raise InputError(f"{folder}: holds no {name}: not a finished run of --task spot.")
    card = read_json(folder / "protocol.json", dict, HINT)
    if card.get("task") not in SPOTTING:
        raise InputError(f"{folder}: a run of another task than spotting.")
    return SpottingRun(
        folder,
        folder.resolve().name,
        card,
        read_json(folder / "metrics.json", dict, HINT),
        read_tables(folder),
    )


def read_tables(folder: Path) -> Tables:
    """The three tables of a run."""
    return Tables(
        _read(folder / "videos.csv", VIDEOS),
        _read(folder / "truth.csv", TRUTH),
        _read(folder / "intervals.csv", FOUND),
    )


def _read(path: Path, columns: list[str]):
    import pandas as pd

    texts = {n: str for n in ("dataset", "subject", "video", "kind", "label") if n in columns}
    try:
        table = pd.read_csv(path, dtype=texts | ({"apex": "Int64"} if "apex" in columns else {}))
        missing = [name for name in columns if name not in table]
        if missing:
            raise ValueError(f"it lacks the column {missing[0]!r}")
        numbers = [n for n in ("onset", "offset", "frames", "seed") if n in columns]
        return table.astype({name: "int64" for name in numbers})
    except (ValueError, OSError, pd.errors.ParserError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: cannot be read ({reason}); {HINT}.") from None

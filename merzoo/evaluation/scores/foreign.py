"""Other programs' predictions: read, checked, and judged as merzoo's own.

Two forms are read. A table (text or Excel) has one row a clip (and seed): `dataset`, `subject`,
`clip`, `label`, `predicted`, and optionally `seed`, `fold` and a column `p_<class>` of
probabilities for each class. A log is that of MEGC 2019: a line `casme2 sub01` names dataset and
subject, and the lines below it are `clip truth prediction`, until the next such line; lines that
state figures (`merzoo.evaluation.scores.stated`) are no clips. Classes are written as names or as
their numbers from 0. A table whose probability columns are all of action units (`p_AU4`, ...) is of
the task `au`: its labels and predictions are combinations such as `AU4+AU12`, or `none`.
"""

import re
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from merzoo.arguments import class_names
from merzoo.data.cells import WORKBOOKS, read_cells, read_text, text_rows
from merzoo.data.tables import cell_text
from merzoo.data.unit_labels import NONE, combination, unit_table
from merzoo.errors import InputError
from merzoo.evaluation.scores.predictions import classes_in
from merzoo.evaluation.scores.stated import figures_in
from merzoo.limits import check_names
from merzoo.metrics import UNITS
from merzoo.names import one_spelling, spellings_told

REQUIRED = ("dataset", "subject", "clip", "label", "predicted")
OPTIONAL = ("seed", "fold")
_MOST = 1 << 20  # rows of a workbook; Excel has no more
_BINARY = (
    f"no table of predictions; give a .csv or .xlsx with the columns {', '.join(REQUIRED)}, or a "
    f"log of MEGC 2019"
)
KEY = ["dataset", "subject", "clip"]
LINE = "line"  # column that says where a row stands, for messages


def read_foreign(
    paths: Sequence[str | Path],
    *,
    labels: str | None = None,
    classes: Sequence[str] | None = None,
) -> tuple:
    """Predictions of one or more files as merzoo's own table, and the classes; see `score`."""
    import pandas as pd

    if not paths:
        raise InputError("No file of predictions given.")
    if classes is not None:
        classes = class_names(classes, "classes (--classes)")
    parts = [_read(Path(path)) for path in paths]
    with_probabilities = {tuple(classes_in(part)) for part in parts}
    if len(with_probabilities) > 1:
        raise InputError("The files have different probability columns: score them one by one.")
    table = pd.concat(parts, ignore_index=True)
    if _units(table):
        table, found = _of_units(table), _units(table)
    else:
        table, found = _classes(table, labels, classes)
        for column in ("label", "predicted"):
            table[column] = _names(table, column, found)
        _check_probabilities(table, found)
    table = _settled(table, paths)
    _check_clips(table)
    columns = ["seed", "dataset", "subject", "clip", "fold", "label", "predicted"]
    columns += [f"p_{name}" for name in found if f"p_{name}" in table]
    table = table[columns]
    return table.sort_values(columns[:4], ignore_index=True), found


def foreign_card(name: str, table, classes: list[str], paths) -> dict:
    """What a report says of predictions whose making is unknown, as `protocol.json`."""
    from merzoo.versions import VERSION

    first = table[table["seed"] == table["seed"].iloc[0]]
    counts = first["label"].value_counts()
    units = {"task": UNITS, "units": list(classes)} if _units(table) else {}
    return units | {
        "model": name,
        "protocol": "predictions from elsewhere",
        "selection": "unknown: how they were made is not in the files",
        "source": ", ".join(Path(path).name for path in paths),
        "data": {
            "samples": len(first),
            "subjects": int(first["subject"].nunique()),
            "classes": list(classes),
            "samples_per_class": {name: int(counts.get(name, 0)) for name in classes},
        },
        "seeds": int(table["seed"].nunique()),
        "versions": {"merzoo": VERSION},
    }


def _read(path: Path):
    if path.suffix.lower() in WORKBOOKS:
        return _read_table(path, read_cells(path, most=_MOST))
    text = read_text(path, _BINARY)
    lines = (line for line in text.splitlines() if line.strip() and not figures_in(line))
    first = next(lines, "")
    if not first:
        raise InputError(f"{path}: empty.")
    separated = any(delimiter in first for delimiter in ",;\t")
    return _read_table(path, text_rows(text, path)) if separated else _read_log(path, text)


def _read_table(path: Path, cells: Iterable[Sequence]):
    import pandas as pd

    texts = ([cell_text(cell) for cell in row] for row in cells)
    rows = [(number, row) for number, row in enumerate(texts, 1) if any(row)]
    if not rows:
        raise InputError(f"{path}: holds no rows.")
    columns = rows[0][1]
    while columns and not columns[-1]:  # a separator at the end of each line
        columns.pop()
    twice = next((name for name in columns if columns.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{path}: the column {twice!r} stands twice.")
    rows = [(number, row + [""] * (len(columns) - len(row))) for number, row in rows[1:]]
    long = next((number for number, row in rows if any(row[len(columns) :])), None)
    if long is not None:
        raise InputError(f"{path}, line {long}: has more cells than the table has columns.")
    table = pd.DataFrame([row[: len(columns)] for _, row in rows], columns=columns, dtype=str)
    _check_columns(path, columns)
    missing = [name for name in REQUIRED if name not in table]
    if missing:
        raise InputError(
            f"{path}: lacks the column {missing[0]!r}; it has {', '.join(table.columns)}, and "
            f"{', '.join(REQUIRED)} are needed."
        )
    allowed = {*REQUIRED, *OPTIONAL}
    extra = [c for c in table if c not in allowed and not c.startswith("p_")]
    if extra:
        raise InputError(
            f"{path}: unknown column {extra[0]!r}; besides {', '.join(REQUIRED)} only "
            f"{', '.join(OPTIONAL)} and p_<class> are read."
        )
    if not len(table):
        raise InputError(f"{path}: holds no rows.")
    table[LINE] = [f"{path}, line {number}" for number, _ in rows]
    _check_long(path, table)
    words, units = ["", "nan", "none", "null"], _units(table)
    for column in [c for c in table if c != LINE]:
        known = units and column in ("label", "predicted")  # "none" of the units is there
        empty = [word for word in words if word != NONE or not known]
        gaps = np.flatnonzero(table[column].str.lower().isin(empty))
        if gaps.size:
            raise InputError(f"{table[LINE][gaps[0]]}: {column!r} is empty or NaN.")
    for column in [c for c in table if c.startswith("p_") or c == "seed"]:
        numbers = pd.to_numeric(table[column].str.replace(",", "."), errors="coerce")
        bad = np.flatnonzero(~np.isfinite(numbers.to_numpy(float)))
        if bad.size:
            where, what = table[LINE][bad[0]], table[column][bad[0]]
            raise InputError(f"{where}: {column!r} is {what!r}, not a number.")
        table[column] = numbers
    table["seed"] = _seeds(table)
    table["fold"] = table.get("fold", "-")
    return table


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    """Raises `InputError` for columns that stand twice, or classes that do or have no name."""
    seen: set[str] = set()
    for column in columns:
        if column.casefold() in seen:
            raise InputError(f"{path}: the column {column!r} stands twice; keep one.")
        seen.add(column.casefold())
    named = [column.removeprefix("p_") for column in columns if column.startswith("p_")]
    if named:
        class_names(named, f"{path}, probability columns")


def _seeds(table):
    """(N,) the seeds, whole numbers from 0; 0 where the table says none."""
    if "seed" not in table:
        return 0
    bad = np.flatnonzero((table["seed"] < 0) | (table["seed"] % 1 != 0))
    if bad.size:
        where, what = table[LINE][bad[0]], table["seed"][bad[0]]
        raise InputError(f"{where}: 'seed' must be a whole number from 0, got {what:g}.")
    return table["seed"].astype("int64")


def _read_log(path: Path, text: str):
    import pandas as pd

    rows, dataset, subject = [], None, None
    for number, line in enumerate(text.splitlines(), start=1):
        words, where = line.split(), f"{path}, line {number}"
        if not words or words[0].startswith("#") or figures_in(line):
            continue
        if len(words) == 2:
            dataset, subject = words
        elif len(words) == 3:
            if dataset is None:
                raise InputError(
                    f"{where}: a clip before any line of dataset and subject, such as "
                    f"'casme2 sub01'."
                )
            clip, label, predicted = words
            rows.append((dataset, subject, clip, label, predicted, where))
        else:
            raise InputError(
                f"{where}: {len(words)} words; a log has lines 'dataset subject' and 'clip truth "
                f"prediction' (a table needs commas)."
            )
    if not rows:
        raise InputError(f"{path}: holds no line 'clip truth prediction'.")
    table = pd.DataFrame(rows, columns=[*REQUIRED, LINE])
    _check_long(path, table)
    return table.assign(seed=0, fold=table["dataset"] + "/" + table["subject"])


def _check_long(path: Path, table) -> None:
    """Refuses names that no page could show."""
    check_names("column", table.columns, str(path))
    for column in (*KEY, "label", "predicted"):
        check_names(column, table[column], str(path))


def _classes(table, labels: str | None, classes: Sequence[str] | None) -> tuple:
    """The table and the classes given (names, else a label map's), else those of its probability
    columns, else those of `"megc3"`.

    Columns `p_0`, `p_1`, ... take the names of the classes.
    """
    from merzoo.data.labels import label_map

    named = classes_in(table)
    numbered = sorted(named) == [str(k) for k in range(len(named))]
    if classes is None and labels is None and named and not numbered:
        return table, named
    chosen = list(classes or label_map(labels or "megc3").classes)
    if numbered and len(named) == len(chosen):
        table = table.rename(columns={f"p_{k}": f"p_{name}" for k, name in enumerate(chosen)})
    elif named and sorted(named) != sorted(chosen):
        path = table[LINE][0].rpartition(", line ")[0]
        raise InputError(
            f"{path}: the probability columns are of {', '.join(named)}, but the classes are "
            f"{', '.join(chosen)}: name them with --classes."
        )
    return table, chosen


def _settled(table, paths):
    """The table with every person under one name; folds that are named after people too."""
    dataset, subject, joined = one_spelling(*(table[c].tolist() for c in KEY))
    if joined:
        source = ", ".join(Path(path).name for path in paths)
        warnings.warn(spellings_told(source, joined), stacklevel=4)
    pairs = zip(table["dataset"], table["subject"], strict=True)
    whole = [s if s.startswith(f"{d}/") else f"{d}/{s}" for d, s in pairs]
    named = dict(zip(whole, subject, strict=True))
    fold = [named.get(name, name) for name in table["fold"]]
    return table.assign(dataset=dataset, subject=subject, fold=fold)


def _names(table, column: str, classes: list[str]):
    numbers = {str(k): name for k, name in enumerate(classes)}
    if any(name.isdecimal() for name in classes):  # "1" is a name then, not the second class
        numbers = {}
    names = {name.lower(): name for name in classes}
    found = []
    for value, where in zip(table[column], table[LINE], strict=True):
        name = names.get(value.lower(), numbers.get(value))
        if name is None:
            raise InputError(
                f"{where}: {column!r} is {value!r}, which is no class; the classes are "
                f"{', '.join(classes)}{f' or 0 to {len(classes) - 1}' if numbers else ''} "
                f"(--classes gives others)."
            )
        found.append(name)
    return found


def _units(table) -> list[str]:
    """The action units that the probability columns are of, in order; none where they are of
    classes."""
    named = classes_in(table)
    if not named or not all(re.fullmatch(r"AU\d{1,2}", name) for name in named):
        return []
    return sorted(named, key=lambda name: int(name[2:]))


def _of_units(table):
    """The table, whose labels and predictions are combinations of the units of its columns."""
    units = _units(table)
    for column in ("label", "predicted"):
        for value, where in zip(table[column], table[LINE], strict=True):
            try:
                known = set(unit_table([value])[0]) <= set(units)
            except InputError:
                known = False
            if not known:
                raise InputError(
                    f"{where}: {column!r} is {value!r}; of action units it is a combination of "
                    f"{', '.join(units)} such as {combination([int(units[0][2:])])!r}, or {NONE!r}."
                )
    values = table[[f"p_{name}" for name in units]].to_numpy(float)
    bad = np.flatnonzero(((values < 0) | (values > 1)).any(1))
    if bad.size:
        where, row = table[LINE].iloc[bad[0]], values[bad[0]]
        raise InputError(
            f"{where}: {', '.join(f'{v:g}' for v in row)} are no probabilities: each is 0 to 1."
        )
    return table


def _check_probabilities(table, classes: list[str]) -> None:
    columns = [f"p_{name}" for name in classes if f"p_{name}" in table]
    if not columns:
        return
    values = table[columns].to_numpy(float)
    bad = np.flatnonzero(
        (values < 0).any(1) | (values > 1).any(1) | (abs(values.sum(1) - 1) > 0.01)
    )
    if bad.size:
        where, row = table[LINE].iloc[bad[0]], values[bad[0]]
        raise InputError(
            f"{where}: {', '.join(f'{v:g}' for v in row)} are no probabilities of the "
            f"{len(classes)} classes: each must be 0 to 1, and all together 1."
        )


def _check_clips(table) -> None:
    twice = np.flatnonzero(table.duplicated(["seed", *KEY]))
    if twice.size:
        row = table.iloc[twice[0]]
        same = (table[["seed", *KEY]] == row[["seed", *KEY]]).all(axis=1)
        before = table[LINE][same].iloc[0]
        raise InputError(
            f"{row[LINE]}: clip {row['clip']!r} of {row['subject']} stands twice, first in "
            f"{before}."
        )
    sizes = table.groupby(KEY).agg(seeds=("seed", "size"), labels=("label", "nunique"))
    seeds = table["seed"].nunique()
    for column, most, what in (
        ("seeds", seeds, f"is missing in some of the {seeds} seeds"),
        ("labels", 1, "has different labels in different seeds"),
    ):
        wrong = sizes[sizes[column] != most]
        if len(wrong):
            dataset, subject, clip = wrong.index[0]
            raise InputError(f"clip {clip!r} of {subject} ({dataset}) {what}.")

"""`score`: other programs' predictions, judged as merzoo's own."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from merzoo.data.cells import WORKBOOKS, read_text
from merzoo.errors import InputError
from merzoo.evaluation.pages.report import write_report
from merzoo.evaluation.result import result_of
from merzoo.evaluation.runs.folder import RunFolder
from merzoo.evaluation.scores.foreign import foreign_card, read_foreign
from merzoo.evaluation.scores.predictions import metrics_of
from merzoo.evaluation.scores.stated import stated_told
from merzoo.evaluation.scores.units import metrics_of as unit_metrics_of
from merzoo.evaluation.spotting.foreign import is_interval_list
from merzoo.evaluation.unit_result import unit_result
from merzoo.files import check_folder, write_json, write_table
from merzoo.metrics import METRICS, UNITS

_ELSEWHERE = (
    "These predictions come from elsewhere: whether test subjects were kept apart, and how the "
    "epoch was chosen, can't be seen in them."
)
BESIDE = METRICS["macro_precision"]  # which some logs call recall


def score(
    predictions: str | Path | Sequence[str | Path],
    *,
    labels: str | None = None,
    classes: Sequence[str] | None = None,
    name: str | None = None,
    out: str | os.PathLike | None = None,
):
    """Judges any model's predictions: the same metrics, intervals, warnings and report.

    Beside UAR, the mean recall over the annotated clips of each class, stands the macro precision,
    the mean over the predicted ones: in logs with annotation and prediction exchanged the two are
    swapped. Where a log states figures (`UF1: 0.7353 | UAR: 0.7605`), the warnings say which of
    ours they are.

    Args:
        predictions: one or more files in the forms that the module describes.
        labels: label map whose classes are used; `None` for those that `classes` or probability
            columns name, else those of `"megc3"`.
        classes: names of the classes, in the order of their numbers.
        name: of the model, for the report; the first file's name where `None`.
        out: folder for the results; `None` makes a temporary one.

    Returns:
        An `EvaluationResult`, as `merzoo.evaluate` gives; of action units a `UnitResult`.

    Raises:
        InputError: for a file that can't be read, missing columns, unknown classes, clips that
            stand twice, gaps, or probabilities that are none; the message names file and line.

    Source:
        See et al., "MEGC 2019 - The Second Facial Micro-Expressions Grand Challenge", FG 2019.

    Example:

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log = Path(folder) / "log.txt"
    ...     _ = log.write_text("casme2 sub01\\nEP02_01f 0 0\\nEP03_02 1 0\\nsmic s1\\ns1_01 2 2\\n")
    ...     result = score(log, out=Path(folder) / "judged")
    >>> round(result.uf1, 3), sorted(result.by_dataset)
    (0.556, ['casme2', 'smic'])
    """

    check_folder(out)
    paths = [predictions] if isinstance(predictions, str | Path) else list(predictions)
    if not paths:
        raise InputError("no file of predictions given; score takes one or more.")
    if is_interval_list(paths[0]):
        raise InputError(f"{paths[0]}: a list of intervals: say what is true with --truth.")
    table, found = read_foreign(paths, labels=labels, classes=classes)
    card = foreign_card(name or Path(paths[0]).stem, table, found, paths)
    with RunFolder.held(out or tempfile.mkdtemp(prefix="merzoo-"), card) as folder:
        write_table(folder.path / "predictions.csv", table)
        if card.get("task") == UNITS:
            metrics = unit_metrics_of(table, found)
            metrics["warnings"].append(_ELSEWHERE)
            write_json(folder.path / "metrics.json", metrics)
            write_report(folder.path)
            return unit_result(folder, metrics, table)
        metrics = metrics_of(table, found)
        parts = [metrics["full"], *metrics["by_dataset"].values()]
        for part in [*parts, *([metrics["ensemble"]] if metrics["ensemble"] else [])]:
            matrices = np.array(part["confusion"])  # (R, K, K)
            part[BESIDE.name] = float(BESIDE.of_matrix(matrices).mean())
        metrics["warnings"] += _stated(paths, metrics) + _doubts(table, found)
        write_json(folder.path / "metrics.json", metrics)
        write_report(folder.path)
    return result_of(folder, metrics, table)


def _stated(paths: Sequence[str | Path], metrics: dict) -> list[str]:
    """What figures the files state, and which of ours they are."""
    names = ("uf1", "uar", BESIDE.name, "accuracy")
    parts = {"": metrics["full"]}
    if len(metrics["by_dataset"]) > 1:
        parts |= metrics["by_dataset"]
    texts = [read_text(Path(p)) for p in paths if Path(p).suffix.lower() not in WORKBOOKS]
    lines = (line for text in texts for line in text.splitlines())
    return stated_told(lines, {part: {n: of[n] for n in names} for part, of in parts.items()})


def _doubts(table, classes: list[str]) -> list[str]:
    doubts = [_ELSEWHERE]
    columns = [f"p_{name}" for name in classes if f"p_{name}" in table]
    if columns:
        likeliest = np.array(classes)[table[columns].to_numpy().argmax(1)]
        differ = int((likeliest != table["predicted"]).sum())
        if differ:
            doubts.append(
                f"{differ} of {len(table)} predictions are not the class of the highest "
                f"probability; scores are of the predictions."
            )
    return doubts

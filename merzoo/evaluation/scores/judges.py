"""What writes, reads and scores the predictions of a run: one module a task, with the same names.

`predictions_table(data, results)`, `read_predictions(path, classes)`, `runs_of(table, classes)` and
`metrics_of(table, classes, deterministic)`.
"""

from collections.abc import Mapping

from merzoo.evaluation.scores import predictions, units
from merzoo.metrics import UNITS


def judge_of(card: Mapping):
    """The module for the task that a card or the metrics of a run name.

    >>> judge_of({"task": "au"}).__name__, judge_of({}).__name__
    ('merzoo.evaluation.scores.units', 'merzoo.evaluation.scores.predictions')
    """
    return units if card.get("task") == UNITS else predictions


def outputs_of(card: Mapping) -> list[str]:
    """What the network of a run puts out: the names of its classes, or of its units."""
    return card["units"] if card.get("task") == UNITS else card["data"]["classes"]

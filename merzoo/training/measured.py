"""What recipes reached where this project ran them: figures of result files, beside their names.

`measured.json` is written by `tools/make_tables.py` from `benchmarks/results`; it is never edited.
"""

import functools
import json
from pathlib import Path

FILE = Path(__file__).parent / "measured.json"


@functools.cache
def _rows() -> dict[str, list[dict]]:
    return json.loads(FILE.read_text(encoding="utf-8"))


def reached(recipe: str) -> str:
    """Sentences on the runs of a recipe, each with its data, seeds, scores and intervals.

    Args:
        recipe: its name.

    Returns:
        Text; empty where no result file has the recipe.

    Example:

    >>> reached("merzoo-flow").partition(":")[0]
    'Measured, ststnet on 442 samples of 68 people (MEGC 2019), 5 seeds'
    >>> reached("default")
    ''
    """
    return " ".join(_sentence(row) for row in _rows().get(recipe, []))


def _sentence(row: dict) -> str:
    start = f"Measured, {row['model']} on {row['samples']} samples of {row['people']} people "
    start += f"({row['data']}), {row['seeds']} seed{'s' * (row['seeds'] > 1)}: "
    scores = [
        f"{score['label']} {score['value']:.3f} [{score['low']:.3f}, {score['high']:.3f}]"
        for score in row["scores"]
    ]
    cost = ""
    if row.get("minutes"):
        cost = (
            f"; {row['minutes']:.3g} minutes on {row['processors']} processors ({row['backend']})"
        )
    return f"{start}{', '.join(scores)}{cost}."

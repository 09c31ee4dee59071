"""What recipes reached where this project ran them: figures of result files, beside their names.

`measured.json` is written by `tools/make_tables.py` from `benchmarks/results`; it is never edited.
"""

import functools
import json
from pathlib import Path

FILE = Path(__file__).parent / "measured.json"


@functools.cache
def _found() -> dict[str, dict[str, str]]:
    return json.loads(FILE.read_text(encoding="utf-8"))


def reached(recipe: str) -> str:
    """Sentences on the runs of a recipe: network, data, seeds, scores with intervals, and cost.

    Args:
        recipe: its name.

    Returns:
        Text; empty where nothing was measured.

    Example:

    >>> reached("merzoo-flow").startswith("Measured with ")
    True
    >>> reached("default")
    ''
    """
    return " ".join(f"Measured with {n}: {text}" for n, text in _found().get(recipe, {}).items())

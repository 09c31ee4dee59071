"""What is known of each variant of the zoo without loading its code: `index.json`.

`tools/make_model.py` writes the file from the register and the built networks, so that a question
about a model needs neither Keras nor its file; a test compares the two.
"""

import functools
import json
from pathlib import Path

INDEX = Path(__file__).with_name("index.json")


@functools.cache
def catalogue() -> dict[str, dict]:
    """Name of a variant -> its row: `file`, the module that has it, and `info`, of `model_info`.

    >>> catalogue()["rcn-a"]["file"]
    'rcn'
    """
    if not INDEX.is_file():  # before it is made for the first time
        return {}
    return json.loads(INDEX.read_text(encoding="utf-8"))


def as_text(rows: dict[str, dict]) -> str:
    """The content of the file: a variant a line, sorted.

    >>> print(as_text({"b": {"file": "two"}, "a": {"file": "one"}}), end="")
    {
    "a": {"file": "one"},
    "b": {"file": "two"}
    }
    """
    lines = [f"{json.dumps(name)}: {json.dumps(rows[name])}" for name in sorted(rows)]
    return "{\n" + ",\n".join(lines) + "\n}\n"

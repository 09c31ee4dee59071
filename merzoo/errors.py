"""The one exception for bad input: its message says what is wrong, where, and what to do."""

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Something the user gave cannot be used. The message is one line, complete as it stands."""


def unknown(kind: str, value: str, known: Iterable[str], hint: str = "") -> InputError:
    """An `InputError` for a name that is not among `known`, with the nearest match.

    >>> str(unknown("model", "dfrnett", ["dfrnet", "htnet"], "merzoo list shows all."))
    "Unknown model 'dfrnett'. Did you mean 'dfrnet'? merzoo list shows all."
    """
    known = sorted(known)
    near = difflib.get_close_matches(str(value), known, n=1)
    guess = f"Did you mean '{near[0]}'?" if near else f"Known: {', '.join(known)}."
    return InputError(f"Unknown {kind} '{value}'. {guess} {hint}".strip())

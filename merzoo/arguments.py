"""What callers say, read in one way everywhere: numbers, and texts such as `"kfold:8"`.

Protocols, selection rules, data sets and lists of `name=value` are texts of one grammar: a name,
perhaps a colon with what belongs to it, perhaps a question mark with options. A text that ends
where something must follow is refused: it was meant to say something.
"""

import math
import numbers
import re
from collections.abc import Iterable

from merzoo.errors import InputError
from merzoo.names import check_classes

MOST_JOBS = 4096  # worker processes of one machine
MOST_SEEDS = 10_000  # of one evaluation
LARGEST_SEED = 2**32 - 1  # that NumPy's and Keras' generators take


def whole_number(name: str, value, least: int = 1, most: int | None = None) -> int:
    """A whole number, as an `int`.

    Args:
        name: of the argument, for the message.
        value: given; whole numbers of NumPy are taken, `True` and 3.0 are not.
        least, most: the ends of the range, both allowed.

    Raises:
        InputError: for anything else.

    >>> whole_number("seeds", 3)
    3
    >>> whole_number("seeds", 1.5)
    Traceback (most recent call last):
    ...
    merzoo.errors.InputError: seeds must be a whole number from 1, got 1.5.
    """
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not whole or value < least or (most is not None and value > most):
        end = "" if most is None else f" to {most}"
        raise InputError(f"{name} must be a whole number from {least}{end}, got {_short(value)}.")
    return int(value)


def real_number(
    name: str, value, least: float | None = None, most: float | None = None, above: bool = False
) -> float:
    """A finite number, as a `float`.

    Args:
        name: of the argument, for the message.
        value: given; neither `True` nor text is a number.
        least, most: the ends of the range, both allowed; `None` for no end.
        above: whether the number must be more than `least`.

    Raises:
        InputError: for anything else.

    >>> real_number("budget", 10, least=0, above=True)
    10.0
    >>> real_number("budget", float("nan"), least=0, above=True)
    Traceback (most recent call last):
    ...
    merzoo.errors.InputError: budget must be a number above 0, got nan.
    """
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    fits = real and math.isfinite(value)
    if fits and least is not None:
        fits = value > least if above else value >= least
    if not fits or (most is not None and value > most):
        start = "" if least is None else f" {'above' if above else 'from'} {least:g}"
        end = "" if most is None else f"{' and up' if above else ''} to {most:g}"
        raise InputError(f"{name} must be a number{start}{end}, got {_short(value)}.")
    return float(value)


def split_text(kind: str, text: str, example: str, mark: str = ":") -> tuple[str, str | None]:
    """The name that a text begins with, and what follows the first mark; `None` without a mark.

    Args:
        kind: what the text names, for the message, such as `"protocol"`.
        text: given.
        example: how it is written.
        mark: that parts the two.

    Raises:
        InputError: for what is no text, a missing name, or nothing after the mark.

    >>> split_text("protocol", "kfold:8", "kfold:8"), split_text("protocol", "loso", "kfold:8")
    (('kfold', '8'), ('loso', None))
    >>> split_text("protocol", "kfold:", "kfold:8")
    Traceback (most recent call last):
    ...
    merzoo.errors.InputError: protocol 'kfold:' cannot be read: write kfold:8.
    """
    name, found, rest = text.partition(mark) if isinstance(text, str) else ("", "", "")
    if not name.strip() or (found and not rest.strip()):
        raise InputError(f"{kind} {_short(text)} cannot be read: write {example}.")
    return name, rest if found else None


def number_after(kind: str, text: str, number: str, example: str, least: int = 1) -> int:
    """The whole number that stands after a colon, in plain digits.

    Args:
        kind, text, example: as for `split_text`, for the message.
        number: the digits.
        least: the smallest that is allowed.

    Raises:
        InputError: for other characters, leading zeros, or a number below `least`.

    >>> number_after("protocol", "kfold:8", "8", "kfold:8", least=2)
    8
    """
    if re.fullmatch(r"0|[1-9][0-9]{0,8}", number) is None or int(number) < least:
        raise InputError(
            f"{kind} {_short(text)} cannot be read: write {example}, with a whole number "
            f"from {least}."
        )
    return int(number)


def named_values(kind: str, parts: Iterable[str], example: str) -> dict[str, str]:
    """Texts `name=value` as a dictionary; a value may hold further `=`.

    Args:
        kind: of the texts, for the message, such as `"--argument"`.
        parts: given.
        example: how they are written.

    Raises:
        InputError: for a part without `=`, an empty name or value, or a name that stands twice.

    >>> named_values("option", ["part=vis", "columns=path=file"], "part=vis")
    {'part': 'vis', 'columns': 'path=file'}
    >>> named_values("option", ["part=vis", "part=nir"], "part=vis")
    Traceback (most recent call last):
    ...
    merzoo.errors.InputError: option part=nir: 'part' is said twice.
    """
    found: dict[str, str] = {}
    for part in parts:
        name, value = split_text(kind, part, example, mark="=")
        name = name.strip()
        if value is None:
            raise InputError(f"{kind} {_short(part)} cannot be read: write {example}.")
        if name in found:
            raise InputError(f"{kind} {part}: {name!r} is said twice.")
        found[name] = value.strip()
    return found


def class_names(names, where: str) -> tuple[str, ...]:
    """Names of classes that a caller says: a list of texts, each a name of its own.

    Args:
        names: given, in the order of the classes' numbers.
        where: they stand, for the message.

    Returns:
        The names, without blanks around them.

    Raises:
        InputError: for text instead of a list, what is no text, and as
            `merzoo.names.check_classes`.

    >>> class_names(["negative", "positive "], "--classes")
    ('negative', 'positive')
    """
    if isinstance(names, str):
        raise InputError(f"{where}: {_short(names)} is one text; give a list of names.")
    for number, name in enumerate(names):
        if not isinstance(name, str):
            raise InputError(f"{where}: class {number} has no name, but {_short(name)}.")
    check_classes(names, where)
    return tuple(" ".join(name.split()) for name in names)


def _short(value, length: int = 80) -> str:
    """A value for a message: its kind where it is long."""
    if isinstance(value, numbers.Number):
        return f"{value}"
    text = repr(value)
    return text if len(text) <= length else f"{text[: length - 3]}..."

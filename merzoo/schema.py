"""What a file may hold: its content checked against types, and one line for what is wrong in it.

A type is written as in any Python annotation: `dict[str, list[int]]`, `Literal["a", "b"]`, a
`TypedDict` or a `msgspec.Struct`; limits of numbers and lengths stand in it as
`Annotated[int, msgspec.Meta(ge=1)]`. The message names the file, the field, what it holds and what
is allowed, which is read off the type itself.
"""

import json
import math
import re
import types
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from merzoo.errors import InputError
from merzoo.limits import read_bytes

LARGEST = 256 << 20  # bytes of a file of text: the split of a million samples is smaller
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]|(\[\.\.\.\])")
_SHOWN = 60  # characters of a value in a message
_WORDS = {
    int: "a whole number",
    float: "a number",
    str: "a text",
    bool: "true or false",
    type(None): "null",
    list: "a list",
    tuple: "a list",
    dict: "an object with names and values",
}


def read_json(path: str | Path, kind: Any = dict, hint: str = "", finite: bool = True) -> Any:
    """The content of a JSON file, checked.

    Args:
        path: of the file.
        kind: type of its content.
        hint: what to do about a damaged file, the end of the message.
        finite: refuse NaN and infinity, wherever they stand.

    Returns:
        The content as JSON gives it, with fields that `kind` does not name.

    Raises:
        InputError: for a file that cannot be read, is no JSON, has a name twice in an object (of
            which JSON would take the last), or holds something else than `kind`.
    """
    try:
        content = json.loads(_text(path), object_pairs_hook=_named_once)
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, "JSON", error, hint) from None
    check(content, kind, path, hint, finite)
    return content


def read_toml(path: str | Path, kind: Any = dict, hint: str = "") -> Any:
    """The content of a TOML file, checked as by `read_json`."""
    import tomllib

    try:
        content = tomllib.loads(_text(path).decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, "TOML", error, hint) from None
    check(content, kind, path, hint)
    return content


def check(content: Any, kind: Any, source: str | Path, hint: str = "", finite: bool = True) -> None:
    """Raises `InputError` unless some content of JSON is of a type.

    Args:
        content: dicts, lists, texts, numbers, booleans and `None`.
        kind: the type. Fields that a `TypedDict` does not name are let through; those that a
            `msgspec.Struct` with `forbid_unknown_fields` does not name are not.
        source: names the file in the message.
        hint: the end of the message.
        finite: refuse NaN and infinity, wherever they stand.

    >>> check({"folds": {"s1": {"train": ["a", 1]}}}, dict[str, dict[str, Any]], "split.json")
    >>> check({"folds": {"s1": 3}}, dict[str, dict[str, dict]], "split.json")
    Traceback (most recent call last):
    ...
    merzoo.errors.InputError: split.json: the field 'folds.s1' is 3; it must be an object with ...
    """
    if kind in (dict, list):  # without loading a library, for what answers at once
        fault = None if isinstance(content, kind) else _fault("", content, kind)
    else:
        fault = _found(content, kind)
    if fault is None and finite:
        place = next(_not_finite(content), None)
        fault = None if place is None else f"{_named(place)} is no finite number (NaN or infinity)"
    if fault is not None:
        raise InputError(f"{source}: {fault}{f'; {hint}' if hint else ''}.")


def allowed(kind: Any) -> str:
    """What a type allows, in words.

    >>> allowed(Literal["flip"] | None), allowed(list[int])
    ("'flip' or null", 'a list, each a whole number')
    """
    if get_origin(kind) is Annotated:
        base, *limits = get_args(kind)
        return _limited(allowed(base), limits)
    if get_origin(kind) is Literal:
        return _either(shown(value) for value in get_args(kind))
    if get_origin(kind) in (Union, types.UnionType):
        members = (
            get_args(one) if get_origin(one) is Literal else (one,) for one in get_args(kind)
        )
        flat = [Literal[one] if isinstance(one, str) else one for group in members for one in group]
        return _either(allowed(member) for member in flat)
    if get_origin(kind) in (list, tuple):
        inner = get_args(kind)
        if get_origin(kind) is tuple and inner[-1] is not Ellipsis:
            return f"a list of {len(inner)}: {', '.join(map(allowed, inner))}"
        return f"a list, each {allowed(inner[0])}"
    if _fields(kind):
        return f"an object with the fields {', '.join(_fields(kind))}"
    return _WORDS.get(get_origin(kind) or kind, "anything")


def shown(value: Any) -> str:
    """A value as JSON writes it, short, for a message."""
    try:
        text = repr(value) if isinstance(value, str) else json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        text = f"a {type(value).__name__}"
    text = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
    if isinstance(value, list | tuple):
        return f"the list {text}"
    return f"the object {text}" if isinstance(value, dict) else text


def _text(path: str | Path) -> bytes:
    """The bytes of a file; one that is missing raises `OSError`, what is no file `InputError`."""
    return read_bytes(path, LARGEST) if Path(path).exists() else Path(path).read_bytes()


def _named_once(pairs: list[tuple[str, Any]]) -> dict:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise ValueError(f"the name {twice!r} stands twice in an object")
    return found


def _unreadable(path, form: str, error: Exception, hint: str) -> InputError:
    if isinstance(error, OSError):
        reason = f"cannot be read ({error.strerror or error})"
    elif isinstance(error, UnicodeDecodeError):
        reason = f"damaged: no UTF-8 text at byte {error.start}"
    else:
        why = str(error) if isinstance(error, ValueError) else "nested too deeply"
        reason = f"damaged: not {form} ({why})"
    return InputError(f"{path}: {reason}{f'; {hint}' if hint else ''}.")


def _found(content: Any, kind: Any) -> str | None:
    """What is wrong with some content, or `None`."""
    import msgspec

    try:
        msgspec.convert(content, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        message, _, path = str(error).partition(" - at `$")
        place, content, kind = _walked(content, kind, path.rstrip("`"))
        lacks = re.search("missing required field `(.*)`", message)
        if lacks:
            return f"lacks the field {_joined(place, lacks[1])!r}"
        extra = re.search("unknown field `(.*)`", message)
        if extra:
            known = ", ".join(name for member in _members(kind) for name in _fields(member))
            return f"unknown field {_joined(place, extra[1])!r}; the fields are {known}"
        return _fault(place, content, kind)
    return None


def _fault(place: str, content: Any, kind: Any) -> str:
    return f"{_named(place)} is {shown(content)}; it must be {allowed(kind)}"


def _named(place: str) -> str:
    return f"the field {place!r}" if place else "its content"


def _walked(content: Any, kind: Any, path: str) -> tuple[str, Any, Any]:
    """Name, content and type of the place that a path of msgspec's, such as `.folds[...][0]`,
    means."""
    place = ""
    for name, row, anything in _STEP.findall(path):
        inner = _inner(content, kind, name, row)
        if anything:
            name = next((n for n, value in content.items() if _found(value, inner)), None)
            if name is None:  # the name itself is at fault
                return place, content, kind
        place = f"{place}[{row}]" if row else _joined(place, name)
        content, kind = content[int(row) if row else name], inner
    return place, content, kind


def _inner(content: Any, kind: Any, name: str, row: str) -> Any:
    """The type of a field, of a row or of any value of something of type `kind`."""
    for member in _members(kind):
        inside, origin = get_args(member), get_origin(member)
        if isinstance(content, dict) and name in _fields(member):
            return _fields(member)[name]
        if isinstance(content, dict) and origin is dict and not name:
            return inside[1]
        if isinstance(content, list | tuple) and origin in (list, tuple):
            return inside[0] if origin is list or inside[-1] is Ellipsis else inside[int(row)]
    return Any


def _members(kind: Any) -> list:
    """The types that one allows: those of a union, without their limits."""
    if get_origin(kind) is Annotated:
        return _members(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        return [one for member in get_args(kind) for one in _members(member)]
    return [kind]


def _fields(kind: Any) -> dict[str, Any]:
    """Name -> type of the fields of a `TypedDict`, a struct or a data class."""
    if not isinstance(kind, type) or not getattr(kind, "__annotations__", None):
        return {}
    hints = get_type_hints(kind, include_extras=True)
    return {name: _required(hint) for name, hint in hints.items() if not name.startswith("_")}


def _required(hint: Any) -> Any:
    """A type without the remark that the field may be left out."""
    remark = getattr(get_origin(hint), "_name", "") in ("NotRequired", "Required")
    return get_args(hint)[0] if remark else hint


def _either(words: Iterable[str]) -> str:
    """`"a, b or c"`, each once."""
    *first, last = dict.fromkeys(words)
    return f"{', '.join(first)} or {last}" if first else last


def _limited(words: str, limits: list) -> str:
    """The words of a type with those of its limits."""
    for limit in limits:
        if limit.description:
            return limit.description
        if limit.ge is not None and limit.le is not None:
            words += f" from {limit.ge} to {limit.le}"
        else:
            bounds = {"above": limit.gt, "at least": limit.ge, "below": limit.lt}
            told = [f"{text} {value}" for text, value in bounds.items() if value is not None]
            told += [f"at most {limit.le}"] if limit.le is not None else []
            words = " ".join([words, " and ".join(told)]).strip()
        least = limit.min_length
        if least is not None:
            words += ", not empty" if least == 1 else f", {least} or more of them"
    return words


def _not_finite(content: Any, place: str = "") -> Iterator[str]:
    """Places of NaN and infinity."""
    if isinstance(content, float) and not math.isfinite(content):
        yield place
    elif isinstance(content, dict):
        for name, value in content.items():
            yield from _not_finite(value, _joined(place, name))
    elif isinstance(content, list | tuple):
        for row, value in enumerate(content):
            yield from _not_finite(value, f"{place}[{row}]")


def _joined(place: str, name: object) -> str:
    return f"{place}.{name}" if place else str(name)

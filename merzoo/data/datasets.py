"""The table of dataset kinds, and the front door `merzoo.data.load`.

A new dataset is one module with `load(root, **options) -> list[Clip]` (and `read` for
`merzoo data check`), and one row here. Modules are imported when their kind is asked for.
"""

import importlib
import inspect
import warnings
from pathlib import Path
from typing import Any, NamedTuple

from merzoo.arguments import named_values, split_text
from merzoo.errors import InputError, unknown


class Kind(NamedTuple):
    """Where a kind's loader lives, and what it is in a few words."""

    module: str
    about: str
    function: str = "load"


KINDS: dict[str, Kind] = {
    "arrays": Kind("merzoo.preprocessing.arrays", "samples as arrays, an .npz file", "read_arrays"),
    "synthetic": Kind("merzoo.data.synthetic", "invented clips: easy, medium or hard", "clips"),
    "synthetic-pairs": Kind(
        "merzoo.data.synthetic.pairs", "onset and apex of invented clips, many and fast", "clips"
    ),
    "synthetic-long": Kind(
        "merzoo.data.synthetic.recordings", "invented long videos: easy, medium or hard", "clips"
    ),
    "casme2": Kind("merzoo.data.casme2", "CASME II"),
    "samm": Kind("merzoo.data.samm", "SAMM"),
    "samm_lv": Kind("merzoo.data.samm_lv", "SAMM Long Videos; option split=micro|macro|all"),
    "smic": Kind("merzoo.data.smic", "SMIC; option part=hs|vis|nir|e-hs"),
    "casme": Kind("merzoo.data.casme", "CASME"),
    "casme_sq": Kind("merzoo.data.casme_sq", "CAS(ME)^2; option split=micro|macro|all"),
    "casme3": Kind("merzoo.data.casme3", "CAS(ME)^3; options part=a|c, split=micro|macro"),
    "mmew": Kind("merzoo.data.mmew", "MMEW"),
    "dfme": Kind("merzoo.data.dfme", "DFME; option split=train|testA|testB"),
    "4dme": Kind("merzoo.data.four_dme", "4DME; option frames=grey|color"),
    "megc2019": Kind("merzoo.data.megc2019", "the composite of SMIC-HS, CASME II and SAMM"),
    "manifest": Kind("merzoo.data.manifest", "clips of one's own, listed in a CSV file"),
    "ck_plus": Kind("merzoo.data.ck_plus", "CK+ sequences, or CK+48 images"),
    "raf_db": Kind("merzoo.data.raf_db", "RAF-DB, basic emotions"),
    "fer2013": Kind("merzoo.data.fer2013", "FER-2013, csv or folders; option votes=FER+ csv"),
}


LONG = ("synthetic-long", "casme_sq", "casme3", "samm_lv")  # kinds with `long_videos`


class DataSource(NamedTuple):
    """What `KIND:ROOT?option=value` says."""

    kind: str
    root: str
    options: dict[str, str]


def parse_data(text: str) -> DataSource:
    """Reads the command line's spelling of a dataset.

    Args:
        text: `KIND:ROOT` or `KIND:ROOT?option=value&option=value`; a kind alone where it needs no
            root; a folder or file alone is of the kind that it looks like (`guess_kind`).

    Raises:
        InputError: for an unknown kind (with the nearest one), a place of no or of several kinds,
            or an option without a value or said twice.

    Example:

    >>> parse_data("fer2013:runs/fer")
    DataSource(kind='fer2013', root='runs/fer', options={})
    >>> parse_data("smic:/data/SMIC?part=vis").options
    {'part': 'vis'}
    """
    said, query = split_text("data", text, "KIND:ROOT?option=value", mark="?")
    kind, root = split_text("data", said, "KIND:ROOT")
    if kind not in KINDS:
        kind, root = _guessed(said), said
    parts = [] if query is None else query.split("&")
    options = named_values(f"{text!r}: option", parts, "KIND:ROOT?option=value&option=value")
    return DataSource(kind, root or "", options)


def _guessed(place: str) -> str:
    """The kind of a place that is named without one."""
    if place.endswith(".npz"):
        return "arrays"
    if not Path(place).exists():
        kind, colon, _ = place.partition(":")
        about = "Data is named as KIND:ROOT" + ("." if colon else f", and {place!r} is no folder.")
        raise unknown("kind of data", kind, KINDS, about)
    from merzoo.data.guess import guess_kind

    kind = guess_kind(Path(place), {name: row.module for name, row in KINDS.items()})
    warnings.warn(f"{place} is read as {kind}:{place}.", stacklevel=3)
    return kind


def with_option(text: str, name: str, value: str) -> str:
    """The text that names data, with one more option.

    >>> with_option("smic:/data/SMIC?part=vis", "follow_links", "yes")
    'smic:/data/SMIC?part=vis&follow_links=yes'
    """
    return f"{text}{'&' if '?' in text else '?'}{name}={value}"


def load(kind: str, root: str | Path = "", **options) -> Any:
    """Loads a dataset from the user's own copy of it.

    Args:
        kind: `"casme2"`, `"samm"`, `"fer2013"`, ...: a key of `KINDS`.
        root: the folder (or file) of the copy.
        **options: of that kind; see the `load` of its module, such as `frames="cropped"`. Every
            kind that reads a folder takes `follow_links=True`: links out of it are followed.

    Returns:
        A list of `Clip`; `Arrays` for kinds that hold samples instead of clips.

    Raises:
        InputError: for an unknown kind or option, or a copy that cannot be read.

    Example:

    >>> clips = load("casme2", "/data/CASME2", frames="cropped")  # doctest: +SKIP
    """
    if kind not in KINDS:
        raise unknown("kind of data", kind, KINDS)
    entry = KINDS[kind]
    loader = getattr(importlib.import_module(entry.module), entry.function)
    return call(kind, loader, root, options)


def load_long(kind: str, root: str | Path = "", **options) -> Any:
    """Loads the long recordings of a dataset, with the intervals of the expressions in them.

    Args:
        kind: a name of `LONG`: `"casme_sq"`, `"casme3"`, `"samm_lv"` or `"synthetic-long"`.
        root: the folder of the user's copy; of synthetic videos their difficulty.
        **options: of that kind; see the `long_videos` of its module.

    Returns:
        A list of `merzoo.data.long_videos.LongVideo`.

    Raises:
        InputError: for a kind without long recordings, an unknown option, or a copy that cannot be
            read.

    Example:

    >>> for video in load_long("casme_sq", "/data/CASME_sq"):  # doctest: +SKIP
    ...     print(video.id, len(video.frames), video.intervals("micro"))
    """
    if kind not in LONG:
        raise unknown("kind of data with long recordings", kind, LONG)
    loader = importlib.import_module(KINDS[kind].module).long_videos
    return call(kind, loader, root, options)


def load_named(text: str, **usual):
    """Loads what `KIND:ROOT?option=value` names.

    Args:
        text: see `parse_data`.
        usual: options where the text says nothing; a kind gets those that it has, such as
            `on_error="skip"`.

    Returns:
        As `load`.

    Raises:
        InputError: as `parse_data` and `load`.

    Example:

    >>> len(load_named("synthetic:easy", subjects=2, clips=2, on_error="skip"))  # doctest: +SKIP
    4
    """
    source = parse_data(text)
    entry = KINDS[source.kind]
    loader = getattr(importlib.import_module(entry.module), entry.function)
    taken = inspect.signature(loader).parameters
    options = {name: value for name, value in usual.items() if name in taken} | source.options
    return call(source.kind, loader, source.root, options)


def call(kind: str, function, root: str | Path, options: dict) -> Any:
    """`function(root, **options)`, with an `InputError` for an option that it does not have."""
    parameters = inspect.signature(function).parameters
    first, *others = parameters
    options = dict(options)
    follow = _truth(kind, "follow_links", options.pop("follow_links", False))
    for name, value in options.items():
        if name not in others:
            raise unknown(f"option of {kind}", name, others or ["(none)"])
        if parameters[name].annotation is bool:
            options = options | {name: _truth(kind, name, value)}
        of = _NUMBERS.get(parameters[name].annotation)
        if of is not None and isinstance(value, str):
            options = options | {name: _number(kind, name, value, of)}
    if str(root) != "":
        from merzoo.data.tree import following_links

        with following_links(follow):
            return function(root, **options)
    if parameters[first].default is inspect.Parameter.empty:
        raise InputError(f"{kind} needs the folder of your copy: write {kind}:ROOT.")
    return function(**options)


# What an option is annotated with -> what its text is read as.
_NUMBERS: dict[Any, type] = {int: int, float: float, int | None: int, float | None: float}


def _truth(kind: str, name: str, value: bool | str) -> bool:
    if isinstance(value, str) and value.lower() not in ("yes", "no"):
        raise InputError(f"option {name} of {kind} is yes or no, got {value!r}.")
    return value if isinstance(value, bool) else value.lower() == "yes"


def _number(kind: str, name: str, value: str, of: type):
    try:
        return of(value)
    except ValueError:
        raise InputError(f"option {name} of {kind} must be a number, got {value!r}.") from None

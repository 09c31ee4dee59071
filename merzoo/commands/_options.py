"""Options that several verbs share: the model, the data, and everything about preprocessing.

`add_preprocessing_options` makes the group from the table `PARAMETERS`, an option a row under the
row's own name; `preprocessing_of` reads back what was said. Both are used by every verb that reads
clips, so they all take the same.
"""

import argparse
import contextlib
import datetime
import itertools
import json
from pathlib import Path

from merzoo.arguments import named_values
from merzoo.errors import InputError

MODEL = (
    "a name from merzoo list, module:function or file.py:function of a builder of one's own, or "
    "the path of a .keras file (loaded in safe mode: it runs no code of its own)"
)
CLUSTER = (
    "a Dask scheduler of your own, for folds; it runs the code of whoever reaches it (SECURITY.md)"
)


def add_data_option(parser, required: bool = True, about: str = "", several: bool = True) -> None:
    """`--data KIND:PLACE`, and how it is read; `data_of` gives both together.

    Args:
        parser: of the verb.
        required: whether it must be said.
        about: help, where the usual does not fit.
        several: whether it may be said for several data sets, to join them.
    """
    usual = "such as arrays:file.npz, casme2:FOLDER or synthetic:easy"
    parser.add_argument(
        "--data",
        action="append" if several else "store",
        required=required,
        metavar="KIND:PLACE",
        help=about or usual + ("; repeat to join" if several else ""),
    )
    add_reading_options(parser)


def add_reading_options(parser) -> None:
    """`--columns` and `--follow-links`."""
    parser.add_argument(
        "--columns",
        metavar="NAME=COLUMN,...",
        help="what a table of your own calls its columns, such as path=file,subject=person,"
        "label=emotion",
    )
    parser.add_argument(
        "--follow-links", action="store_true", help="also read what links out of a data set name"
    )


def data_of(options):
    """What `--data` named, with `--columns` and `--follow-links` as options of each text.

    >>> from types import SimpleNamespace
    >>> data_of(SimpleNamespace(data=["manifest:mine"], columns="path=file", follow_links=True))
    ['manifest:mine?columns=path=file&follow_links=yes']

    Raises:
        InputError: for `--columns` without a table of one's own, or either without `--data`.
    """
    if not options.columns and not options.follow_links:
        return options.data
    from merzoo.data.datasets import KINDS, with_option
    from merzoo.data.tables import parse_columns

    texts = [options.data] if isinstance(options.data, str) else list(options.data or ())
    if not texts:
        raise InputError("--columns and --follow-links are about --data: say --data too.")
    if options.columns:
        if "&" in options.columns:
            raise InputError("--columns: a column with & in its name cannot be said; rename it.")
        parse_columns(options.columns)
        kinds = [text.partition(":")[0] for text in texts]
        if not any(kind == "manifest" or kind not in KINDS for kind in kinds):
            raise InputError("--columns is for tables of your own: --data manifest:TABLE.")
        for place, kind in enumerate(kinds):
            if kind == "manifest" or kind not in KINDS:
                text = texts[place] if kind == "manifest" else f"manifest:{texts[place]}"
                texts[place] = with_option(text, "columns", options.columns)
    if options.follow_links:
        texts = [with_option(text, "follow_links", "yes") for text in texts]
    return texts[0] if isinstance(options.data, str) else texts


def add_recipe_options(parser) -> None:
    """The recipe, what may be said instead of its own, and the arguments of the builder."""
    parser.add_argument("--recipe", help="name or .json file; default: the model's own")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's")
    parser.add_argument(
        "--argument",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="of the model's builder, such as input_shape=[48,48,1]; repeat for several",
    )


def add_engine_option(parser) -> None:
    """`--engine`."""
    parser.add_argument(
        "--engine",
        help="how folds are trained: auto (default), together (all folds in one program), scan, "
        "reuse or fresh; the numbers are the same (see merzoo/training/README.md)",
    )


def add_out_option(parser) -> None:
    """`--out FOLDER`; `out_of` reads it."""
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        help="where to write; a stopped run continues (runs/MODEL-DATE, a new one)",
    )


def out_of(options, model) -> Path:
    """The folder of `--out`, else a new one under `runs` that is named after model and time."""
    from merzoo.files import file_name

    if options.out:
        return Path(options.out)
    name = Path(str(model)).name if isinstance(model, str) else getattr(model, "name", "run")
    now = datetime.datetime.now().strftime("%Y-%m-%d-%H%M%S")
    first = Path("runs") / f"{file_name(name or 'run')}-{now}"
    numbered = (first.with_name(f"{first.name}-{n}") for n in itertools.count(2))
    return next(path for path in itertools.chain([first], numbered) if not path.exists())


def add_preprocessing_options(parser, without: tuple[str, ...] = ()) -> None:
    """The group of choices of preprocessing; what is not said is the recipe's, else the default.

    Args:
        parser: of the verb.
        without: rows that cannot be chosen there.
    """
    from merzoo.preprocessing.parameters import PARAMETERS

    group = parser.add_argument_group("preprocessing of clips (default: the recipe's)")
    for name, row in PARAMETERS.items():
        if name in without:
            continue
        choices = f": {', '.join(map(str, row.choices))}" if row.choices else ""
        group.add_argument(
            f"--{name.replace('_', '-')}",
            dest=f"preprocessing_{name}",
            default=argparse.SUPPRESS,
            metavar=name.upper(),
            help=f"{row.about}{choices} ({row.default})".replace("%", "%%"),
        )


def preprocessing_of(options) -> dict:
    """The choices that were said, by the names of `PARAMETERS`; checked at once.

    Raises:
        InputError: for a value that a choice cannot have.
    """
    from merzoo.preprocessing.parameters import check_parameters, checked

    prefix = "preprocessing_"
    said = {
        name.removeprefix(prefix): value
        for name, value in vars(options).items()
        if name.startswith(prefix)
    }
    check_parameters(said)  # what only fits together or not, too
    return {name: checked(name, value) for name, value in said.items()}


def model_arguments(options) -> dict:
    """The builder's arguments from `--argument NAME=VALUE`: JSON values, else text.

    >>> from types import SimpleNamespace
    >>> model_arguments(SimpleNamespace(argument=["input_shape=[48,48,1]", "modality=apex"]))
    {'input_shape': (48, 48, 1), 'modality': 'apex'}
    """
    found = {}
    said = named_values("--argument", options.argument, "NAME=VALUE, such as input_shape=[48,48]")
    for name, value in said.items():
        with contextlib.suppress(ValueError):  # not JSON: text
            value = json.loads(value)
        found[name] = tuple(value) if isinstance(value, list) else value
    return found

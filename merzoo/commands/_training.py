"""Options that `merzoo pretrain` and `merzoo transfer` share."""

import contextlib
import json

from merzoo.errors import InputError


def add_model_options(parser) -> None:
    """The model, its recipe and the arguments of its builder."""
    parser.add_argument("model", help="a name from merzoo list")
    parser.add_argument("--recipe", help="name or .json file; default: the model's own")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's")
    parser.add_argument(
        "--argument",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="of the model's builder, such as input_shape=[48,48,1]; repeat for several",
    )
    parser.add_argument("--quick", action="store_true", help="a thin slice, to see that it works")
    parser.add_argument("--out", metavar="FOLDER", help="where to write; a stopped run continues")


def add_data_options(parser, labels: str, detector: str) -> None:
    """What to train on and how it is prepared."""
    parser.add_argument(
        "--data",
        action="append",
        required=True,
        metavar="KIND:PLACE",
        help="such as fer2013:ROOT or synthetic:easy; repeat to join data sets",
    )
    parser.add_argument("--labels", default=labels, help=f"label map of clips ({labels})")
    parser.add_argument("--detector", help=detector)
    parser.add_argument("--on-error", default="fail", help="fail (default) or skip bad clips")
    parser.add_argument("--jobs", type=int, default=1, help="worker processes (1)")


def model_arguments(options) -> dict:
    """The builder's arguments from `--argument NAME=VALUE`: JSON values, else text.

    >>> from types import SimpleNamespace
    >>> model_arguments(SimpleNamespace(argument=["input_shape=[48,48,1]", "modality=apex"]))
    {'input_shape': (48, 48, 1), 'modality': 'apex'}
    """
    found = {}
    for text in options.argument:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise InputError(f"--argument {text!r} is not NAME=VALUE, such as input_shape=[48,48].")
        with contextlib.suppress(ValueError):  # not JSON: text
            value = json.loads(value)
        found[name] = tuple(value) if isinstance(value, list) else value
    return found

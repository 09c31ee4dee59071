"""Which verbs there are: the modules of `merzoo/commands`, and those of its folders."""

import argparse
import importlib
import pkgutil


def verbs_of(package: str) -> list[str]:
    """Names of the verbs of a package, such as `"merzoo.commands"`, sorted."""
    path = importlib.import_module(package).__path__
    names = [module.name for module in pkgutil.iter_modules(path)]
    return [name for name in names if not name.startswith("_")]


def whole_parser() -> argparse.ArgumentParser:
    """All verbs with all their options in one parser, as completion in a shell needs them.

    >>> whole_parser().parse_args(["weights", "list", "dfr*"]).pattern
    'dfr*'
    """
    parser = argparse.ArgumentParser(prog="merzoo")
    parser.add_argument("--version", action="store_true", help="print the version")
    _add_verbs(parser, "merzoo.commands")
    return parser


def _add_verbs(parser: argparse.ArgumentParser, package: str) -> None:
    below = parser.add_subparsers()
    for verb in verbs_of(package):
        module = importlib.import_module(f"{package}.{verb}")
        own = below.add_parser(verb, help=module.SUMMARY, description=module.SUMMARY)
        if hasattr(module, "__path__"):
            _add_verbs(own, module.__name__)
        else:
            module.arguments(own)

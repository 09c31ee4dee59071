"""The command line: finds the verb, calls it, turns bad input into one line and exit status 2.

A verb is a module `merzoo/commands/<verb>.py` with `SUMMARY` and `EXAMPLE` strings,
`arguments(parser)` that declares its options, and `run(options)` that does the work and returns the
exit status: 0, or 1 where it ran and the answer is "no". A verb that has verbs of its own
(`merzoo data check`) is a package.
"""

import argparse
import importlib
import os
import pkgutil
import sys
import warnings

from merzoo.errors import InputError, unknown
from merzoo.surroundings import set_command


def _verbs(package: str) -> list[str]:
    path = importlib.import_module(package).__path__
    names = [module.name for module in pkgutil.iter_modules(path)]
    return [name for name in names if not name.startswith("_")]


def _parse(package: str, words: list[str], program: str):
    """Walks the verbs named in `words` down to a module; returns it and its parsed options."""
    verbs = _verbs(package)
    if not words or words[0] in ("-h", "--help"):
        print(f"usage: {program} VERB ...\n")
        for verb in verbs:
            print(f"  {verb:<12} {importlib.import_module(f'{package}.{verb}').SUMMARY}")
        print(f"\n{program} VERB --help shows the options of a verb, with an example.")
        return None, None
    if words[0] == "--version":
        print(importlib.import_module("merzoo").__version__)
        return None, None
    verb = words[0].replace("-", "_")
    if verb not in verbs:
        raise unknown("command", f"{program} {words[0]}", [f"{program} {v}" for v in verbs])
    module = importlib.import_module(f"{package}.{verb}")
    program = f"{program} {verb}"
    if hasattr(module, "__path__"):
        return _parse(module.__name__, words[1:], program)
    parser = _Parser(
        prog=program,
        description=module.SUMMARY,
        epilog=f"example:\n  {module.EXAMPLE}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.arguments(parser)
    return module, parser.parse_args(words[1:])


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise InputError(f"{message}. {self.prog} --help shows how.")


def _warnings_shown_once():
    """What shows a warning as one line for people, without the place in the code that it came from;
    the same line once, however often a command that runs many things warns of it."""
    shown: set[str] = set()

    def show(message, category, filename, lineno, file=None, line=None) -> None:
        text = " ".join(str(message).split())
        if text not in shown:
            shown.add(text)
            print(f"merzoo: warning: {text}", file=file or sys.stderr)

    return show


def main(words: list[str] | None = None) -> int:
    """Runs the command line; returns the exit status (0 fine, 1 "no", 2 bad input)."""
    words = sys.argv[1:] if words is None else words
    set_command(words)
    warnings.showwarning = _warnings_shown_once()
    try:
        module, options = _parse("merzoo.commands", words, "merzoo")
        return 0 if module is None else module.run(options) or 0
    except KeyboardInterrupt:
        print("merzoo: stopped; what was finished is kept.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 0
    except Exception as error:
        if os.environ.get("MERZOO_DEBUG") == "1":
            raise
        line = " ".join(str(error).split()) or type(error).__name__
        if not isinstance(error, InputError | OSError):
            line = f"{type(error).__name__}: {line} (MERZOO_DEBUG=1 shows where)"
        print(f"merzoo: error: {line}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())

"""The command line: finds the verb, calls it, turns bad input into one line and exit status 2.

A verb is a module `merzoo/commands/<verb>.py` with `SUMMARY` and `EXAMPLE` strings,
`arguments(parser)` that declares its options, and `run(options)` that does the work and returns the
exit status: 0, or 1 where it ran and the answer is "no". A verb that has verbs of its own
(`merzoo data check`) is a package.
"""

import argparse
import importlib
import os
import sys
import warnings

from merzoo.commands._together import check_together
from merzoo.commands._verbs import verbs_of
from merzoo.errors import InputError, unknown
from merzoo.processes import (
    Terminated,
    ended_in_order,
    open_streams,
    output_is_gone,
    silence_output,
)
from merzoo.surroundings import set_command


def _parse(package: str, words: list[str], program: str):
    """Walks the verbs named in `words` down to a module; returns it and its parsed options."""
    verbs = verbs_of(package)
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
    options = parser.parse_args(words[1:])
    check_together(program.partition(" ")[2], parser.said(words[1:]), options)
    return module, options


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise InputError(f"{message}. {self.prog} --help shows how.")

    def parse_known_args(self, args=None, namespace=None):
        """As argparse does it; an option or argument of no text is refused."""
        found, others = super().parse_known_args(args, namespace)
        for action in self._actions:
            values = getattr(found, action.dest, None)
            if "" in (values if isinstance(values, list) else [values]):
                name = action.option_strings[-1] if action.option_strings else action.metavar
                self.error(f"{name or action.dest} is empty: give a value, or leave it out")
        return found, others

    def said(self, words: list[str]) -> set[str]:
        """Destinations of what stands in `words` itself; the parser has no defaults after it."""
        for action in self._actions:
            action.default = argparse.SUPPRESS
        return set(vars(super().parse_known_args(words)[0]))


def _shortened(line: str) -> str:
    """A message without the middle of a name that nobody could read.

    >>> len(_shortened("no such file: " + "x" * 5000))
    1005
    """
    return line if len(line) <= 1000 else f"{line[:700]} ... {line[-300:]}"


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
    open_streams()
    set_command(words)
    warnings.showwarning = _warnings_shown_once()
    try:
        with ended_in_order():
            module, options = _parse("merzoo.commands", words, "merzoo")
            status = 0 if module is None else module.run(options) or 0
            sys.stdout.flush()
            return status
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # rich ends so, with the status of a "no"
            return 0
        raise
    except Terminated:
        print("merzoo: terminated; what was finished is kept.", file=sys.stderr)
        return 143
    except KeyboardInterrupt:
        print("merzoo: stopped; what was finished is kept.", file=sys.stderr)
        return 130
    except Exception as error:
        if isinstance(error, OSError) and output_is_gone():
            silence_output()
            return 0  # as in `merzoo list | head`
        if os.environ.get("MERZOO_DEBUG") == "1":
            raise
        print(f"merzoo: error: {_shortened(_line(error))}", file=sys.stderr)
        if _output_is_full():
            silence_output()
        return 2


def _line(error: Exception) -> str:
    """One line for people: what is wrong."""
    line = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, MemoryError) or "failed to map segment" in line:  # of a library
        return f"not enough memory ({line}); free some, raise the limit (ulimit -v), or use less."
    if isinstance(error, InputError | OSError):
        return line
    return f"{type(error).__name__}: {line} (MERZOO_DEBUG=1 shows where)"


def _output_is_full() -> bool:
    """Whether standard output takes nothing more: its disk is full."""
    try:
        sys.stdout.flush()
    except OSError:
        return True
    return False


if __name__ == "__main__":
    sys.exit(main())

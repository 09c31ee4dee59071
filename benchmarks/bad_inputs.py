"""Bad inputs over all verbs of the command line: is each refused or said, in one line, unharmed?

The inputs are generated: every file that a verb reads with every damage, wrong contents, every
option of every verb with values that it cannot have, and places that cannot be written. Five things
are counted that should not happen:

tracebacks  a traceback, or an end by anything but exit 0, 1 or 2
catch-alls  a refusal that is not one clear line naming what is wrong
silent      going on without a word
lost        a file of the user's gone or changed, or something left behind by a refusal
over        more than 1 GB, or 5 s of processor time, until it is refused

Writes `results/bad_inputs.csv`; exit 1 if any of the five is not 0.

    python benchmarks/bad_inputs.py                  # one of five, spread over all kinds
    python benchmarks/bad_inputs.py --all
    python benchmarks/bad_inputs.py --only score --keep runs/bad
"""

import argparse
import csv
import os
import sys
import tempfile
import time
from collections import Counter
from fnmatch import fnmatch
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
os.environ["KERAS_BACKEND"] = "jax"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import bad_inputs_good as good_files  # noqa: E402
from bad_inputs_arrays import swelling, wrong_arrays  # noqa: E402
from bad_inputs_contents import JSON, wrong_json, wrong_tables  # noqa: E402
from bad_inputs_files import damaged_files  # noqa: E402
from bad_inputs_options import bad_lines, bad_options  # noqa: E402
from bad_inputs_places import bad_outs, surroundings  # noqa: E402
from bad_inputs_run import COLUMNS, Input, Tried, preload, try_all  # noqa: E402
from machine import machine  # noqa: E402

# Verbs whose inputs are tried without Keras: with --light they take seconds.
LIGHT = ("score", "data check", "data prepare", "data synthesize", "no verb")


def all_inputs(good: Path) -> list[Input]:
    """Every bad input; those of JSON files are made from the fields of the good ones in `good`."""
    found = [
        *damaged_files(),
        *wrong_arrays(),
        *swelling(),
        *wrong_tables(),
        *wrong_json(good),
        *bad_options(),
        *bad_lines(),
        *bad_outs(),
        *surroundings(),
    ]
    names = Counter((one.verb, one.about) for one in found)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise ValueError(f"inputs named alike: {twice[:5]}")
    return found


def print_table(tried: list[Tried]) -> None:
    """Counts by verb, and in all."""
    width = max((len(one.input.verb) for one in tried), default=0)
    print(f"{'':<{width}}  tried  " + "  ".join(COLUMNS))
    for verb in (*sorted({one.input.verb for one in tried}), "all"):
        rows = [one for one in tried if verb in (one.input.verb, "all")]
        counts = [sum(name in one.faults for one in rows) for name in COLUMNS]
        cells = (f"{count:>{len(name)}}" for count, name in zip(counts, COLUMNS, strict=True))
        print(f"{verb:<{width}}  {len(rows):>5}  " + "  ".join(cells))


def write_results(tried: list[Tried], path: Path) -> None:
    """A row for each input: how it ended, and what of the five was wrong."""
    facts = machine()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["verb", "input", "exit", "seconds", *COLUMNS, *facts])
        for one in sorted(tried, key=lambda one: (one.input.verb, one.input.about)):
            faults = [one.faults.get(name, "") for name in COLUMNS]
            row = [one.input.verb, one.input.about, one.status, f"{one.seconds:.2f}", *faults]
            writer.writerow([*row, *facts.values()])


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", metavar="VERB", help="inputs of these verbs; a wildcard")
    parser.add_argument("--about", metavar="WORDS", help="inputs whose description matches")
    parser.add_argument("--light", action="store_true", help="only what needs no Keras")
    parser.add_argument("--list", action="store_true", help="print the inputs, and try none")
    parser.add_argument("--all", action="store_true", help="every input, not one of five")
    parser.add_argument("--every", type=int, default=5, help="try one of so many (5)")
    parser.add_argument("--part", type=int, default=0, help="which of them, from 0 (0)")
    parser.add_argument("--keep", metavar="FOLDER", type=Path, help="where failing tries stay")
    parser.add_argument("--jobs", type=int, default=2, help="tries at a time (2)")
    parser.add_argument("--out", type=Path, help="result file (results/bad_inputs.csv if all)")
    options = parser.parse_args()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="bad-inputs-") as scratch:
        work = options.keep.resolve() if options.keep else Path(scratch)
        good = work / "good"
        good.mkdir(parents=True, exist_ok=True)
        for name in ("MERZOO_HOME", "TMPDIR"):
            (work / name).mkdir(exist_ok=True)
            os.environ[name] = str(work / name)
        if not options.light:
            good_files.make({file.partition("/")[0] for _, _, file in JSON}, good)
        chosen = _chosen(options, all_inputs(good))
        if options.list:
            print("\n".join(f"{one.verb}: {one.about}" for one in chosen))
            return 0
        good_files.make({name for one in chosen for name in one.needed()}, good)
        preload(heavy=not options.light)
        print(f"{len(chosen)} inputs; ready after {time.perf_counter() - start:.0f} s", flush=True)
        tried = []
        for one in try_all(chosen, good, work / "tries", options.jobs):
            tried.append(one)
            for name, why in one.faults.items():
                print(f"{name}: {one.input.verb}: {one.input.about}: {why}", flush=True)
                print(f"    merzoo {' '.join(one.input.words)[:200]}")
                if options.keep:
                    print(f"    {one.folder}")
    print_table(tried)
    parts = options.only or options.about or options.light or options.part or options.every > 5
    if options.out or not parts:
        path = options.out or HERE / "results" / "bad_inputs.csv"
        write_results(tried, path)
        print(f"written: {path}")
    print(f"{time.perf_counter() - start:.0f} s")
    return int(any(one.faults for one in tried))


def _chosen(options, inputs: list[Input]) -> list[Input]:
    if options.only:
        inputs = [one for one in inputs if fnmatch(one.verb, options.only)]
    if options.about:
        inputs = [one for one in inputs if options.about in one.about]
    if options.light:
        inputs = [one for one in inputs if one.verb in LIGHT]
    return inputs if options.all else inputs[options.part :: options.every]


if __name__ == "__main__":
    sys.exit(main())

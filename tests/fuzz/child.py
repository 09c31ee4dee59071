"""Runs mutations of one or more targets in a process of its own, with limits, and reports.

    python -m tests.fuzz.child FOLDER FIRST LAST TARGET...

Prints `target seed` before each mutation, so that a crash names what caused it, and one JSON line
at the end: how many were refused, and every mutation that did anything but load or `InputError`.
"""

import faulthandler
import json
import resource
import signal
import sys
import warnings
from collections import Counter
from pathlib import Path

from tests.fuzz.mutate import mutated
from tests.fuzz.targets import TARGETS

SECONDS = 20  # a mutation may take
MEMORY = 2 << 30  # bytes that it may add


class Hang(BaseException):
    """Not an `Exception`, so that no loader takes it for a damaged file."""


def _late(*_):
    raise Hang(f"over {SECONDS} s")


def run(folder: Path, seeds: range, names: list[str]) -> dict:
    from merzoo.errors import InputError

    counts, faults = Counter(), []
    signal.signal(signal.SIGALRM, _late)
    for name in names:
        suffix, make, load = TARGETS[name]
        home = folder / name.replace(" ", "-")
        home.mkdir()
        seed_file = make(home)
        good = home / f"good{suffix}"
        good.write_bytes(seed_file)
        load(good)  # the file that is damaged is a good one
        _limit_memory()
        for seed in seeds:
            print(name, seed, flush=True)
            path = home / f"bad{suffix}"
            path.write_bytes(mutated(seed_file, seed))
            signal.alarm(SECONDS)
            try:
                load(path)
                counts["loaded"] += 1
            except InputError as error:
                counts["refused"] += 1
                if "\n" in str(error):
                    faults.append([name, seed, "a message of several lines"])
            except BaseException as error:
                faults.append([name, seed, f"{type(error).__name__}: {error}"[:300]])
            finally:
                signal.alarm(0)
    return {"counts": counts, "faults": faults}


def _limit_memory() -> None:
    """Lets the address space grow by `MEMORY` from where it is now."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))


if __name__ == "__main__":
    faulthandler.enable()
    warnings.simplefilter("ignore")
    folder, first, last, *names = sys.argv[1:]
    result = run(Path(folder), range(int(first), int(last)), names)
    print("RESULT " + json.dumps(result), flush=True)

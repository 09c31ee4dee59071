"""What a card says of where and how a run was made, beside the versions of packages."""

import datetime
import os
import platform
import shlex
from pathlib import Path

# What keeps a process that trains at one thread, set before its backend is loaded: networks this
# small gain nothing from more, and several processes do not compete.
ONE_THREAD = {
    "NPROC": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}

_COMMAND: list[str] = []  # of this process, where it is the command line


def set_command(words: list[str]) -> None:
    """Remembers the words of the command line, for the cards of what it runs."""
    _COMMAND[:] = ["merzoo", *words]


def on_command_line() -> bool:
    """Whether this process is the command line, whose user reads what it prints."""
    return bool(_COMMAND)


def surroundings() -> dict:
    """The command (`None` from Python), date and time (UTC), system, and number of processors.

    >>> sorted(surroundings())
    ['command', 'date', 'processors', 'system']
    """
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return {
        "command": shlex.join(_COMMAND) if _COMMAND else None,
        "date": now,
        "system": f"{platform.system()} {platform.machine()}",
        "processors": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
    }


def processor() -> str:
    """The name of this machine's processor, as the system gives it.

    >>> processor() != ""
    True
    """
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = cpuinfo.read_text().splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        if names:
            return names[0]
    return platform.processor() or platform.machine() or "unknown"

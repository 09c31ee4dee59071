"""Tries one bad input: a process forked for it, with limits, and a judgement of what it did.

The parent has imported what the verbs need, so that a try costs a fork instead of the seconds that
an import of Keras takes; no backend has been started in it. A few inputs go through a fresh
`python -m merzoo` all the same.
"""

import ctypes
import hashlib
import importlib
import os
import pkgutil
import re
import resource
import shutil
import signal
import stat
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

COLUMNS = ("tracebacks", "catch-alls", "silent", "lost", "over")
MEMORY = 1 << 30  # bytes that a bad input may take above an idle process
WORK = 3 << 30  # likewise, where going on is right and the verb's own work is done
SPACE = 6 << 30  # bytes of address space that it may add, so that a fault can't stop the machine
SECONDS = 5  # of processor time until it is refused
LONGEST = 60  # seconds that any try may take, and as many times more as the machine is overloaded
LINE = 1500  # characters of a message that someone still reads
HEAVY = ("keras", "jax", "cv2", "sklearn", "pandas", "matplotlib", "rich.table", "openpyxl")
_OVERRIDES = (1, 2)  # Linux capabilities by which root reads and writes what permissions forbid


@dataclass(frozen=True)
class Input:
    """One bad input of the command line, and what is right to do with it.

    Args:
        verb: of the table that is printed, such as `"data check"`.
        about: what is wrong, unique within the verb.
        words: of the command line, relative to the folder of the try; `{good}` is the folder of
            good files.
        make: writes what the words name into the folder of the try, from the good files.
        needs: good files that `make` takes; those that `words` name need not be said.
        said: `None` where it must be refused; a pattern that must be printed where it is not; an
            empty one where going on is right.
        names: pattern that the message of a refusal must hold.
        may_change: patterns of paths of the verb's own that it may write anew where it goes on.
        env: environment variables.
        fresh: in a new process instead of a forked one.
    """

    verb: str
    about: str
    words: tuple[str, ...]
    make: Callable[[Path, Path], None] | None = None
    needs: tuple[str, ...] = ()
    said: str | None = None
    names: str = ""
    may_change: tuple[str, ...] = ()
    env: dict = field(default_factory=dict)
    fresh: bool = False

    def needed(self) -> set[str]:
        """Names of the good files that it takes."""
        return {*self.needs, *re.findall(r"\{good\}/([\w.-]+)", " ".join(self.words))}


@dataclass
class Tried:
    """What became of one input: the exit status, what was printed, what it cost, what is wrong."""

    input: Input
    status: int
    out: str
    err: str
    seconds: float
    memory: float
    faults: dict[str, str]
    folder: Path


def preload(heavy: bool) -> None:
    """Imports the verbs and, with `heavy`, the libraries that they take, for every fork."""
    warnings.filterwarnings("ignore", message=r".*os\.fork")
    for module in HEAVY if heavy else ("cv2", "pandas", "rich.table"):
        importlib.import_module(module)
    package = importlib.import_module("merzoo")
    shut = ("merzoo.app", "merzoo.tuning") + (() if heavy else ("merzoo.training", "merzoo.models"))
    shut += ("merzoo.exporting.formats", "merzoo.__main__")
    if not heavy:
        shut += ("merzoo.evaluation", "merzoo.layers", "merzoo.weights", "merzoo.explain")
    for found in pkgutil.walk_packages(package.__path__, "merzoo."):
        if not found.name.startswith(shut):
            importlib.import_module(found.name)


def try_all(inputs: Iterable[Input], good: Path, work: Path, jobs: int = 2) -> Iterator[Tried]:
    """Tries the inputs, `jobs` at a time, each in a folder of its own below `work`."""
    idle = _finished(_start(Input("", "idle", ()), good, work / "idle"))
    running: dict[int, _Run] = {}
    waiting = enumerate(inputs)
    more = True
    while more or running:
        while more and len(running) < jobs:
            place, chosen = next(waiting, (None, None))
            if chosen is None:
                more = False
                break
            run = _start(chosen, good, work / f"{place:04d}")
            running[run.pid] = run
        for pid, run in list(running.items()):
            if _ended(run):
                del running[pid]
                yield _judged(run, idle.usage.ru_maxrss)
        time.sleep(0.005)


@dataclass
class _Run:
    input: Input
    pid: int
    folder: Path
    good: Path
    before: dict
    start: float
    late: bool = False
    status: int = 0
    usage: resource.struct_rusage | None = None


def _start(chosen: Input, good: Path, folder: Path) -> _Run:
    user = folder / "user"
    user.mkdir(parents=True)
    if chosen.make:
        chosen.make(user, good)
    words = [word.replace("{good}", str(good)) for word in chosen.words]
    before = {"user": snapshot(user), "good": snapshot(good, contents=False)}
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if not pid:
        _child(chosen, words, user)
    return _Run(chosen, pid, folder, good, before, time.perf_counter())


def _child(chosen: Input, words: list[str], user: Path) -> None:
    """What the forked process does; it never returns."""
    status = 70
    try:
        os.setsid()
        for place, name in enumerate((os.devnull, "../out.txt", "../err.txt")):
            flags = os.O_RDONLY if place == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            os.dup2(os.open(user / name, flags), place)
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        os.chdir(user)
        os.environ.update(chosen.env)
        _limit()
        if chosen.fresh:
            command = [sys.executable, "-m", "merzoo", *words]
            os.execve(sys.executable, command, dict(os.environ))
        from merzoo.cli import main

        status = main(words)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _limit() -> None:
    """A limit of address space, and none of the powers that root has over files."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + SPACE
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if os.geteuid() == 0:
        header = (ctypes.c_uint32 * 2)(0x20080522, 0)
        sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; low and high words
        libc = ctypes.CDLL(None, use_errno=True)
        libc.capget(header, sets)
        for power in _OVERRIDES:
            sets[0] &= ~(1 << power)
            sets[1] &= ~(1 << power)
            libc.prctl(24, power, 0, 0, 0)  # PR_CAPBSET_DROP: for a fresh process, too
        libc.capset(header, sets)


def _ended(run: _Run) -> bool:
    pid, status, usage = os.wait4(run.pid, os.WNOHANG)
    if not pid:
        share = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
        if time.perf_counter() - run.start > LONGEST * share and not run.late:
            run.late = True
            os.killpg(run.pid, signal.SIGKILL)
        return False
    run.status, run.usage = os.waitstatus_to_exitcode(status), usage
    return True


def _finished(run: _Run) -> _Run:
    while not _ended(run):
        time.sleep(0.005)
    return run


def snapshot(folder: Path, contents: bool = True) -> dict[str, tuple]:
    """Path -> what it is: kind and SHA-256 (or size and time) of all below `folder`.

    >>> snapshot(Path("/no-such-folder"))
    {}
    """
    found = {}
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(root, name)
            state = path.lstat()
            what: tuple = (stat.S_IFMT(state.st_mode),)
            if stat.S_ISLNK(state.st_mode):
                what += (os.readlink(path),)
            elif stat.S_ISREG(state.st_mode) and contents:
                what += (hashlib.sha256(path.read_bytes()).hexdigest(),)
            elif stat.S_ISREG(state.st_mode):
                what += (state.st_size, state.st_mtime_ns)
            found[str(path.relative_to(folder))] = what
    return found


def _judged(run: _Run, idle: int) -> Tried:
    out, err = ((run.folder / f"{n}.txt").read_text(errors="replace") for n in ("out", "err"))
    cpu = run.usage.ru_utime + run.usage.ru_stime
    memory = (run.usage.ru_maxrss - idle) * 1024
    status, chosen = run.status, run.input
    refused = status == 2
    faults = {}
    if "Traceback (most recent call last)" in out + err:
        faults["tracebacks"] = "a traceback"
    elif not run.late and status not in (0, 1, 2):
        faults["tracebacks"] = f"ended with {status}"
    if (unclear := _unclear(chosen, err)) and refused:
        faults["catch-alls"] = unclear
    if status in (0, 1) and not _said(chosen, status, out + err):
        faults["silent"] = f"exit {status}, without " + (chosen.said or chosen.names or "a word")
    if lost := _lost(run, refused):
        faults["lost"] = lost
    if run.late:
        faults["over"] = f"over {LONGEST} s"
    elif refused and cpu > SECONDS:
        faults["over"] = f"{cpu:.1f} s of processor time"
    elif memory > (WORK if status == 0 and chosen.said == "" else MEMORY):
        faults["over"] = f"{memory / 1e9:.1f} GB"
    tried = Tried(chosen, status, out, err, cpu, memory, faults, run.folder)
    if not faults:
        _remove(run.folder)
    return tried


def _unclear(chosen: Input, err: str) -> str:
    """What of a refusal is not one clear line; empty where it is."""
    lines = [line for line in err.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("merzoo: error: ")]
    if "shows where" in err:
        return "the line for what nobody thought of"
    if len(errors) != 1:
        return f"{len(errors)} lines of error"
    others = [line for line in lines if not line.startswith("merzoo: ")]
    if others:
        return f"chatter: {others[0][:80]}"
    if len(errors[0]) > LINE:
        return f"a line of {len(errors[0])} characters"
    if not re.search(chosen.names, errors[0], re.IGNORECASE):
        return f"does not name {chosen.names}"
    return ""


def _said(chosen: Input, status: int, text: str) -> bool:
    """Whether a run that was not refused may stand as it is."""
    if chosen.said is not None:
        return bool(re.search(chosen.said, text, re.IGNORECASE))
    return bool(status == 1 and chosen.names and re.search(chosen.names, text, re.IGNORECASE))


def _lost(run: _Run, refused: bool) -> str:
    """The first thing of the user's that is gone or changed, or that a refusal left behind."""
    user = snapshot(run.folder / "user")
    before = run.before["user"]
    if snapshot(run.good, contents=False) != run.before["good"]:
        return "the good files"
    for path, what in before.items():
        allowed = any(fnmatch(path, pattern) for pattern in run.input.may_change)
        if user.get(path) != what and (refused or not allowed):
            return f"{'changed' if path in user else 'gone'}: {path[:80]}"
    new = sorted(set(user) - set(before))
    return f"left behind: {new[0][:80]}" if refused and new else ""


def _remove(folder: Path) -> None:
    for root, folders, _ in os.walk(folder):
        for name in folders:
            if not (path := Path(root, name)).is_symlink():
                path.chmod(0o700)
    shutil.rmtree(folder)

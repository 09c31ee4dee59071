"""Runs of the command line as processes of their own, which tests watch, signal and wait for."""

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE = 400.0  # seconds after which a run counts as stuck
# What a run says of itself while it works, before its one line of why it ended.
ON_THE_WAY = ("merzoo: warning: ", "merzoo: results: ", "merzoo: fold ")


class Nursery:
    """The one process that forks all runs; see `tests.faults.nursery`."""

    def __init__(self):
        self.variables = {
            name: value for name, value in os.environ.items() if not name.startswith("MERZOO")
        }
        self.variables |= {"KERAS_BACKEND": "jax", "TF_CPP_MIN_LOG_LEVEL": "3"}
        self.variables["PYTHONPATH"] = str(ROOT)
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.faults.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=self.variables,
        )
        atexit.register(self._process.kill)
        assert self._answer() == "ready"

    def ask(self, request: dict):
        with self._lock:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            return self._answer()

    def _answer(self):
        ready, _, _ = select.select([self._process.stdout], [], [], PATIENCE)
        assert ready, f"the process that forks the runs is silent for {PATIENCE:g} s"
        line = self._process.stdout.readline()
        assert line, "the process that forks the runs has ended"
        return json.loads(line)


_NURSERY: list[Nursery] = []


class Child:
    """One run of `merzoo WORDS`.

    Args:
        words: of the command line.
        folder: it runs in; what it prints is kept there.
        fault: its surroundings, see `tests.faults.nursery.surround`.
        variables: of its environment, over those of the tests.
        loads: what is loaded before it is forked, see `tests.faults.nursery.MODULES`.
    """

    def __init__(
        self, words, folder: Path, fault: dict | None = None, variables=None, loads="training"
    ):
        if not _NURSERY:
            _NURSERY.append(Nursery())
        number = len(list(folder.glob("*.err")))
        self._err = folder / f"run{number}.err"
        self._out = folder / f"run{number}.out"
        self.words = [str(word) for word in words]
        self.start = time.monotonic()
        self.pid = _NURSERY[0].ask(
            {
                "words": self.words,
                "folder": str(folder),
                "out": str(self._out),
                "err": str(self._err),
                "fault": fault,
                "loads": loads,
                "variables": {"MERZOO_HOME": str(folder / "home")} | (variables or {}),
            }
        )
        self._err.touch()

    def poll(self) -> int | None:
        """The exit status, negative for a signal; `None` while it runs."""
        return _NURSERY[0].ask({"ended": self.pid})

    def wait(self) -> int:
        """The exit status, once it has ended."""
        while (status := self.poll()) is None:
            self._check_time()
            time.sleep(0.02)
        return status

    def until(self, condition, step: float = 0.005) -> bool:
        """Waits until something is so; false if the run ended first."""
        while not condition():
            if self.poll() is not None:
                return bool(condition())
            self._check_time()
            time.sleep(step)
        return True

    def _check_time(self) -> None:
        if time.monotonic() - self.start > PATIENCE:
            os.killpg(self.pid, signal.SIGKILL)
            raise stuck(self.words, PATIENCE, self.stdout + self.stderr)

    def listens(self) -> bool:
        """Whether it has set up what it does at SIGTERM; before, it ends at once and has begun
        nothing."""
        try:
            status = Path("/proc", str(self.pid), "status").read_text()
        except OSError:  # it has ended
            return False
        caught = int(status.partition("SigCgt:")[2].split()[0], 16)
        return bool(caught >> signal.SIGTERM - 1 & 1)

    def send(self, number: int) -> None:
        """A signal to the run itself, not to its workers."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def family(self) -> list[int]:
        """The processes of its session that live: the run and its workers."""
        return session(self.pid)

    @property
    def stderr(self) -> str:
        return self._err.read_text(encoding="utf-8", errors="replace")

    @property
    def stdout(self) -> str:
        return self._out.read_text(encoding="utf-8", errors="replace")


def session(leader: int) -> list[int]:
    """The processes of a session that live."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = Path("/proc", entry, "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == leader and fields[0] != "Z":
                found.append(int(entry))
    return found


def stuck(words, seconds: float, said: str) -> AssertionError:
    """What a test fails with whose process does not end, with the last that it printed."""
    return AssertionError(f"{' '.join(words)}: runs after {seconds:g} s; said: {said[-2000:]!r}")


def finished(words, seconds: float = PATIENCE, **options) -> subprocess.CompletedProcess:
    """As `subprocess.run` with what is printed kept; of one that does not end nothing stays."""
    pipes = {name: subprocess.PIPE for name in ("stdout", "stderr")}
    with subprocess.Popen(words, text=True, start_new_session=True, **pipes, **options) as process:
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise stuck(words, seconds, "".join(process.communicate())) from None
    return subprocess.CompletedProcess(words, process.returncode, out, err)


def run(words, folder: Path, **options) -> Child:
    """A run that has ended well."""
    child = Child(words, folder, **options)
    status = child.wait()
    assert status == 0, f"merzoo {' '.join(map(str, words))}: status {status}\n{child.stderr}"
    return child

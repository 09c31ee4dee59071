"""What a process of merzoo is to its surroundings: streams, signals, and the end of its parent."""

import contextlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator

from merzoo.errors import InputError

_BEAT = 0.5  # seconds between two looks at the parent
# Bytes of address space that a process with a backend must be allowed. A small evaluation took
# 3.1 GiB on TensorFlow, 3.2 on JAX and 3.6 on PyTorch (two processors, all three installed).
ADDRESS_SPACE = 4 << 30


class Terminated(KeyboardInterrupt):
    """SIGTERM: the run ends as it does at Ctrl-C, so that temporary files and workers go."""


@contextlib.contextmanager
def ended_in_order() -> Iterator[None]:
    """SIGTERM raises `Terminated` inside the block, where nobody else listens to it."""
    free = signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    if not free or threading.current_thread() is not threading.main_thread():
        yield
        return
    owner = os.getpid()

    def stop(number, frame):
        if os.getpid() == owner:
            raise Terminated
        os._exit(128 + number)  # a forked child that has not set up its own signals

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def open_streams() -> None:
    """Makes standard input, output and error usable, whatever they were started with.

    A closed one goes to the null device: else the next file that is opened would get its number,
    and what a library prints would be written into that file. A letter that the terminal's encoding
    lacks is printed as an escape.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def output_is_gone() -> bool:
    """Whether whoever read standard output has gone away."""
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), select.POLLOUT)
        return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
    except (OSError, ValueError, AttributeError):
        return False


def silence_output() -> None:
    """Sends what is still to be printed nowhere, so that Python does not complain at its end."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def check_address_space() -> None:
    """Refuses to load a backend where `ulimit -v` leaves it too little.

    Its C++ then ends the process without a word that says why, or with none at all.

    Raises:
        InputError: with the limit, and the one that is needed.
    """
    try:
        import resource
    except ModuleNotFoundError:  # Windows has no such limit
        return
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY and limit < ADDRESS_SPACE:
        raise InputError(
            f"not enough memory: this process may use {limit / 2**30:.1f} GiB of address space, "
            f"backends need {ADDRESS_SPACE >> 30}; raise the limit (ulimit -v)."
        )


def end_with_parent(parent: int) -> None:
    """In a worker process: ends it soon after the process that started it is no more.

    Args:
        parent: number of that process, which may have been killed before this one got here.
    """

    def watch():
        while os.getppid() == parent:
            time.sleep(_BEAT)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextlib.contextmanager
def without_interrupts() -> Iterator[None]:
    """A process that is started inside never gets the interrupts of Ctrl-C.

    A terminal sends them to all processes at once. One that still loads Python would print where;
    it is for this process to end those that it started.
    """
    from multiprocessing import resource_tracker

    if not hasattr(signal, "pthread_sigmask"):  # on Windows
        yield
        return
    resource_tracker.ensure_running()  # started inside, it would let them through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def workers(jobs: int, **options) -> contextlib.AbstractContextManager:
    """Inside, joblib runs in that many worker processes, none of which outlives this one.

    They watch from their start on: one that waits for its first task would wait for minutes.

    Args:
        jobs: how many.
        options: further ones of joblib's `LokyBackend`.
    """
    from joblib import parallel_config
    from joblib.parallel import LokyBackend

    class Backend(LokyBackend):
        def submit(self, func, callback=None):
            with without_interrupts():  # the first task starts the workers
                return super().submit(func, callback)

    watched = {"initializer": end_with_parent, "initargs": (os.getpid(),)}
    return parallel_config(Backend(**watched, **options), n_jobs=jobs)

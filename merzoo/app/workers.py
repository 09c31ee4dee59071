"""Processes that do the page's work, so that a crash or an endless job never takes the page down.

A worker is made ready once and takes one job at a time through a pipe. A worker that dies, whose
job is stopped, or that takes longer than it may, is replaced; only its own job is lost. Workers end
with the page, whatever ends it.
"""

import contextlib
import multiprocessing
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator

from merzoo.errors import InputError
from merzoo.processes import without_interrupts

_LOOK = 0.2  # seconds after which it is looked again whether a job is to stop


class WorkerLost(Exception):
    """The worker died, or was ended because its job took too long; the message says which."""


class JobStopped(Exception):
    """The job was to stop; its worker was ended, if it had one."""


class Workers:
    """A few workers, started when first needed and replaced when lost.

    Args:
        make: called once in each worker; returns the function that does a job: it takes the job and
            `progress(what, done, total)` and returns the result. Must be importable by name.
        arguments: of `make`.
        number: of workers, at most.
        seconds: a job may take.
    """

    def __init__(self, make: Callable, arguments: tuple, number: int = 2, seconds: float = 600):
        self.make, self.arguments, self.seconds = make, arguments, seconds
        self._context = multiprocessing.get_context("spawn")
        self._idle: queue.LifoQueue = queue.LifoQueue()
        for _ in range(number):
            self._idle.put(None)  # a place without a worker yet
        self.started: list = []

    def run(self, job, stop: threading.Event | None = None) -> Iterator[tuple]:
        """Does one job in a worker, waiting for a free one.

        Args:
            job: as the workers' function takes it.
            stop: set by whoever wants the job to end before it is done.

        Yields:
            `("progress", what, done, total)` any number of times, then `("done", result)`.

        Raises:
            InputError: that the job ended with.
            JobStopped: if it was stopped.
            WorkerLost: if the worker died or took too long.
        """
        stop = stop or threading.Event()
        worker = self._wait(stop)
        try:
            if worker is None or not worker.process.is_alive():
                worker = self._start()
            yield from worker.run(job, self.seconds, stop)
        except InputError:
            raise
        except BaseException:  # also where the caller goes away and this generator is closed
            if worker is not None:
                worker.end()
            worker = None
            raise
        finally:
            self._idle.put(worker)

    def close(self) -> None:
        """Ends all workers."""
        for worker in self.started:
            worker.end()

    def _wait(self, stop: threading.Event) -> "_Worker | None":
        """A free place, with its worker if it has one."""
        while not stop.is_set():
            with contextlib.suppress(queue.Empty):
                return self._idle.get(timeout=_LOOK)
        raise JobStopped

    def _start(self) -> "_Worker":
        worker = _Worker(self._context, self.make, self.arguments)
        self.started = [w for w in self.started if w.process.is_alive()] + [worker]
        return worker


class _Worker:
    def __init__(self, context, make, arguments):
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, make, arguments), daemon=True)
        with without_interrupts():  # the page ends its workers
            self.process.start()
        theirs.close()

    def run(self, job, seconds: float, stop: threading.Event) -> Iterator[tuple]:
        end = time.monotonic() + seconds
        try:
            self.pipe.send(job)
            while True:
                while not self.pipe.poll(_LOOK):
                    if stop.is_set():
                        raise JobStopped
                    if time.monotonic() > end:
                        raise WorkerLost(f"it took longer than {seconds:g} seconds and was stopped")
                if stop.is_set():
                    raise JobStopped
                word, *content = self.pipe.recv()
                if word == "refused":
                    raise InputError(content[0])
                yield word, *content
                if word == "done":
                    return
        except (EOFError, OSError):
            raise WorkerLost("its process ended unexpectedly") from None

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


def _serve(pipe, make, arguments) -> None:
    """The worker's whole life: jobs in, results out, until the page goes away."""
    threading.Thread(target=_end_with_the_page, daemon=True).start()
    with contextlib.suppress(EOFError, OSError):
        try:
            work = make(*arguments)
        except InputError as error:
            work = _refuse(str(error))
        while True:
            job = pipe.recv()
            try:
                answer = ("done", work(job, _throttled(pipe)))
            except (InputError, OSError) as error:
                answer = ("refused", " ".join(str(error).split()))
            except Exception as error:  # a fault of ours: said in one line, the worker goes on
                answer = ("refused", f"{type(error).__name__}: {' '.join(str(error).split())}")
            pipe.send(answer)


def _end_with_the_page() -> None:
    """Ends this process as soon as the one that started it is gone, killed or not."""
    page = multiprocessing.parent_process()
    if page is not None:
        page.join()
        os._exit(1)


def _refuse(message: str):
    def work(job, progress):
        raise InputError(message)

    return work


def _throttled(pipe, every: float = 0.25):
    """`progress(what, done, total)` that reports a few times a second."""
    last = 0.0

    def progress(what: str, done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= every:
            last = now
            pipe.send(("progress", what, done, total))

    return progress

"""Processes that do the page's work, so that a crash or an endless job never takes the page down.

A worker loads the model once and takes one job at a time through a pipe. A worker that dies, or
that takes longer than it may, is replaced; only its own job is lost.
"""

import contextlib
import multiprocessing
import queue
import time
from collections.abc import Callable, Iterator

from merzoo.errors import InputError


class WorkerLost(Exception):
    """The worker died, or was ended because its job took too long; the message says which."""


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

    def run(self, job) -> Iterator[tuple]:
        """Does one job in a worker, waiting for a free one.

        Yields:
            `("progress", what, done, total)` any number of times, then `("done", result)`.

        Raises:
            InputError: that the job ended with.
            WorkerLost: if the worker died or took too long.
        """
        worker = self._idle.get()
        try:
            if worker is None or not worker.process.is_alive():
                worker = self._start()
            yield from worker.run(job, self.seconds)
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

    def _start(self) -> "_Worker":
        worker = _Worker(self._context, self.make, self.arguments)
        self.started = [w for w in self.started if w.process.is_alive()] + [worker]
        return worker


class _Worker:
    def __init__(self, context, make, arguments):
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, make, arguments), daemon=True)
        self.process.start()
        theirs.close()

    def run(self, job, seconds: float) -> Iterator[tuple]:
        end = time.monotonic() + seconds
        try:
            self.pipe.send(job)
            while True:
                if not self.pipe.poll(max(0.0, end - time.monotonic())):
                    raise WorkerLost(f"it took longer than {seconds:g} seconds and was stopped")
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
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the page ends its workers
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

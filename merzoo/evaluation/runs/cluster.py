"""Folds on the machines of a Dask cluster, through joblib's Dask backend.

The scheduler and its workers are the user's (`dask scheduler`, `dask worker ADDRESS --nthreads 1`
on each machine); Dask sends a fold that was lost with its worker to another one. Results come back
as they finish. A cluster that cannot be used, or is lost half-way, ends in one clear line; finished
folds are kept, and the same command continues.

Folds travel as pickled functions: whoever reaches the scheduler or a worker can run code there, and
they can run code here. Only a cluster of one's own is to be used.
"""

import contextlib
import importlib.metadata
import os
import platform
import queue
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from merzoo.errors import InputError
from merzoo.evaluation.runs.fold import FoldJob, FoldResult, run_fold

CONNECT_S = 5  # for the scheduler's port to open
TIMEOUT_S = 30  # for the scheduler to answer, for a first worker, and for a worker to come back
ATTEMPTS = 3  # to send the samples, which may be lost with the workers that have them
_POLL_S = 1
_CONTINUE = "Finished folds are kept: the same command with the same --out continues."

# Distributions that must be alike here and on every worker, and names that stand for the same.
_PACKAGES = {
    "merzoo": ("merzoo",),
    "keras": ("keras",),
    "numpy": ("numpy",),
    "tensorflow": ("tensorflow-cpu", "tensorflow"),  # feeds the data on every backend
    "dask": ("distributed",),
}
_BACKEND_PACKAGES = {"jax": {"jax": ("jax",)}, "torch": {"torch": ("torch",)}}


@contextlib.contextmanager
def cluster_client(address: str):
    """A connection to a scheduler whose workers can run folds; closed at the end.

    Args:
        address: such as `"tcp://192.168.1.10:8786"`.

    Raises:
        InputError: if Dask is not installed, nothing answers, there are no workers, or a worker has
            other versions or several threads.
    """
    try:
        from distributed import Client
    except ImportError:
        raise InputError("A cluster needs Dask: pip install 'merzoo[distributed]'.") from None
    if not str(address).startswith(("tcp://", "tls://")):
        raise InputError(
            f"cluster={address!r} is no address: write it as the scheduler prints it, such as "
            f"tcp://192.168.1.10:8786."
        )
    _check_port(str(address))
    try:
        client = Client(address, timeout=TIMEOUT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"cluster {address}: no scheduler answers there within {TIMEOUT_S} s "
            f"({' '.join(str(error).split())[:100]}); start one with: dask scheduler"
        ) from None
    try:
        _check_workers(client, address)
        yield client
    finally:
        client.close(timeout=2)


def _check_port(address: str) -> None:
    """Raises `InputError` where nothing listens; Dask itself would ask again and again."""
    place = urlsplit(address)
    try:
        host, port = place.hostname, place.port
    except ValueError:
        host = port = None
    if not host or not port:
        raise InputError(
            f"cluster {address}: names no host and port; write it as the scheduler prints it, such "
            f"as tcp://192.168.1.10:8786."
        )
    reasons: list = []
    asked = threading.Thread(target=_knock, args=(host, port, reasons), daemon=True)
    asked.start()  # looking a name up knows no limit of time
    asked.join(CONNECT_S)
    if reasons != [None]:
        reason = reasons[0] if reasons else f"no answer within {CONNECT_S} s"
        raise InputError(
            f"cluster {address}: no scheduler answers there ({reason}); start one with: dask "
            f"scheduler"
        )


def _knock(host: str, port: int, reasons: list) -> None:
    """Leaves `None` where the port opens, else why not."""
    try:
        socket.create_connection((host, port), timeout=CONNECT_S).close()
        reasons.append(None)
    except (OSError, UnicodeError) as error:
        reasons.append(getattr(error, "strerror", None) or str(error) or "timed out")


def check_cluster(address: str) -> None:
    """Raises `InputError` for a cluster that cannot be used, before any data is prepared for it."""
    with cluster_client(address):
        pass


def run_on_cluster(jobs: list[FoldJob], address: str) -> Iterator[tuple[int, FoldResult]]:
    """Runs fold jobs on a cluster and yields (place in `jobs`, result) as each finishes.

    Args:
        jobs: of one data set.
        address: of the scheduler.

    Raises:
        InputError: as `cluster_client`, if the scheduler or every worker is lost for `TIMEOUT_S`
            seconds, or if a fold ends one worker after another.
    """
    left = list(range(len(jobs)))
    for _ in range(ATTEMPTS):
        with cluster_client(address) as client:
            for number, result in _attempt([(n, jobs[n]) for n in left], client, address):
                left.remove(number)
                yield number, result
        if not left:
            return
    raise InputError(f"cluster {address}: its workers were lost {ATTEMPTS} times. {_CONTINUE}")


def _attempt(jobs: list[tuple[int, FoldJob]], client, address: str) -> Iterator:
    """Yields results until all are there, or the samples were lost with their worker."""
    results: queue.Queue = queue.Queue()
    threading.Thread(target=_collect, args=(jobs, client, results), daemon=True).start()
    for _ in jobs:
        item = _next(results, client, address)
        if item is None:
            return
        yield item


def _collect(jobs: list[tuple[int, FoldJob]], client, results: queue.Queue) -> None:
    """Puts what joblib yields into a queue, so that the main thread can watch the cluster."""
    import cloudpickle
    import keras
    from joblib import Parallel, delayed, parallel_config

    # The arrays, which all folds share, are sent once, to every worker that is there.
    shared = list({id(job.data.modalities): job.data.modalities for _, job in jobs}.values())
    backend = keras.backend.backend()
    tasks = (
        delayed(_run_on_worker)(
            number, job.data.modalities, cloudpickle.dumps(_without_arrays(job)), backend
        )
        for number, job in jobs
    )
    try:
        with parallel_config("dask", client=client, scatter=shared):
            for item in Parallel(return_as="generator_unordered", batch_size=1)(tasks):
                results.put(item)
    except Exception as error:  # raised where the results are read
        results.put(error)


def _next(results: queue.Queue, client, address: str):
    """The next result, or `None` if what is left has to be sent again.

    Raises:
        InputError: if no result can come any more.
    """
    waited = 0
    while True:
        try:
            item = results.get(timeout=_POLL_S)
        except queue.Empty:
            item = None
            waited = 0 if client.status == "running" and client.ncores() else waited + _POLL_S
        if item is not None and not isinstance(item, Exception):
            return item
        states = {future.status for future in client.futures.values()}
        if states & {"lost", "cancelled"}:
            return None
        if item is not None:
            raise item
        if "error" in states:
            raise InputError(
                f"cluster {address}: one fold ended several workers (memory?). {_CONTINUE}"
            )
        if waited >= TIMEOUT_S:
            raise InputError(
                f"cluster {address}: the scheduler or its last worker has been gone for "
                f"{TIMEOUT_S} s. {_CONTINUE}"
            )


def _without_arrays(job: FoldJob) -> FoldJob:
    return replace(job, data=replace(job.data, modalities={}))


def _run_on_worker(
    number: int, modalities: dict, packed: bytes, backend: str
) -> tuple[int, FoldResult]:
    """One fold in the process of a worker, which is set up at its first fold.

    The job comes packed: opening one with weights to start from, or callbacks, loads Keras.
    """
    import cloudpickle

    from merzoo.surroundings import ONE_THREAD

    for name, value in (ONE_THREAD | {"KERAS_BACKEND": backend}).items():
        os.environ.setdefault(name, value)  # before the backend is loaded
    import keras

    if keras.backend.backend() != backend:
        raise InputError(
            f"worker {platform.node()} runs Keras on {keras.backend.backend()}, this command on "
            f"{backend}: start its workers anew, without KERAS_BACKEND."
        )
    job = cloudpickle.loads(packed)
    return number, run_fold(replace(job, data=replace(job.data, modalities=modalities)))


def _check_workers(client, address: str) -> None:
    try:
        client.wait_for_workers(1, timeout=TIMEOUT_S)
    except TimeoutError:
        raise InputError(
            f"cluster {address}: no worker has joined within {TIMEOUT_S} s; on each machine, start "
            f"some with: dask worker {address} --nthreads 1"
        ) from None
    workers = client.nthreads()
    for worker, threads in workers.items():
        if threads != 1:
            raise InputError(
                f"cluster {address}: worker {worker} has {threads} threads; a process trains one "
                f"model at a time: start it with --nthreads 1 (and --nworkers for more)."
            )
    _check_versions(client, address, list(workers))


def _check_versions(client, address: str, workers: list[str]) -> None:
    """All questions go to the same workers: one may join while they are asked."""
    import keras

    packages = _PACKAGES | _BACKEND_PACKAGES.get(keras.backend.backend(), {})
    here = {name: _first(importlib.metadata.version, names) for name, names in packages.items()}
    there: dict[str, dict] = {}
    for name, names in packages.items():
        for distribution in names:
            found = client.run(
                importlib.metadata.version, distribution, workers=workers, on_error="return"
            )
            for worker, version in found.items():
                if isinstance(version, str):
                    there.setdefault(worker, {}).setdefault(name, version)
                elif isinstance(version, importlib.metadata.PackageNotFoundError):
                    there.setdefault(worker, {})  # any other error: a worker that has just ended
    for worker, versions in there.items():
        for name, version in here.items():
            if version is not None and versions.get(name) != version:
                raise InputError(
                    f"cluster {address}: worker {worker} has {name} "
                    f"{versions.get(name, 'not installed')}, this machine {version}: install the "
                    f"same version on both."
                )


def _first(version, names: tuple[str, ...]) -> str | None:
    for name in names:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            return version(name)
    return None

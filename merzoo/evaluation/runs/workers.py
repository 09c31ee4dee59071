"""Folds in one process, in several, or on a cluster: each is kept as it finishes."""

import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator

from merzoo.evaluation.runs.fold import FoldJob, FoldResult, run_fold, trainer_of
from merzoo.evaluation.runs.folder import RunFolder
from merzoo.processes import workers as worker_processes
from merzoo.surroundings import ONE_THREAD


def run_unfinished(
    todo: list[FoldJob], folder: RunFolder, workers: int, cluster: str | None = None
) -> list[tuple[FoldJob, FoldResult]]:
    """The jobs with their results, in order.

    Args:
        todo: all jobs of the run.
        folder: holds the finished folds.
        workers: processes on this machine.
        cluster: address of a Dask scheduler, or `None`.
    """
    from rich.progress import TextColumn

    from merzoo.progress import progress_bar

    results = {(job.seed, job.fold.name): (job, folder.finished(job)) for job in todo}
    left = [job for job in todo if results[job.seed, job.fold.name][1] is None]
    epochs = todo[0].learner.recipe.epochs
    columns = TextColumn("fold {task.fields[fold]} epoch {task.fields[epoch]}/" + str(epochs))
    with progress_bar(columns, TextColumn("loss {task.fields[loss]}")) as bar:
        done = (len(todo) - len(left)) * epochs
        task = bar.add_task(
            todo[0].learner.name,
            total=len(todo) * epochs,
            completed=done,
            fold="-",
            epoch=0,
            loss="-",
        )

        def on_epoch(job, epoch, loss):
            bar.update(task, fold=job.fold.name, epoch=epoch + 1, loss=f"{loss:.3f}")
            bar.advance(task)

        for number, (job, result) in enumerate(
            run_folds(left, workers, on_epoch if left else None, cluster), len(todo) - len(left) + 1
        ):
            folder.write_fold(job, result)
            if bar.disable:  # a log: a line a fold
                said = f"merzoo: fold {number} of {len(todo)}: {job.fold.name}, seed {job.seed}"
                print(f"{said}, {result.seconds:.1f} s", file=sys.stderr)
            results[job.seed, job.fold.name] = (job, result)
            bar.advance(task, epochs - len(result.history.get("loss", ())))  # stopped early
    return [results[job.seed, job.fold.name] for job in todo]


def threads_of(jobs: int, cluster: str | None = None, engine: str | None = None) -> dict:
    """How the folds are spread: processes, and the threads that each computes with; the engine
    `"together"` takes this process alone, whatever `jobs` says.

    Sums of many numbers depend on the number of threads in their last digits, so runs with another
    one may differ in them.
    """
    from merzoo.training.devices import threads_used

    if cluster is not None:
        return threads_used() | {"processes": "of a cluster", "each": 1}
    jobs = 1 if engine == "together" else jobs
    return threads_used() | {"processes": jobs} | ({"each": 1} if jobs > 1 else {})


def run_folds(
    jobs: list[FoldJob],
    workers: int,
    on_epoch: Callable[[FoldJob, int, float], None] | None = None,
    cluster: str | None = None,
) -> Iterator[tuple[FoldJob, FoldResult]]:
    """Runs fold jobs and yields (job, result) as each finishes.

    Args:
        jobs: what to run.
        workers: 1 runs in this process; more start that many worker processes.
        on_epoch: called in this process with (job, epoch, loss).
        cluster: address of a Dask scheduler, whose workers then run all folds.
    """
    if cluster is not None:
        from merzoo.evaluation.runs.cluster import run_on_cluster

        yield from _reported(run_on_cluster(jobs, cluster) if jobs else (), jobs, on_epoch)
        return
    if jobs and jobs[0].engine == "together":
        yield from run_together(jobs, on_epoch)
        return
    if workers == 1 or not jobs:
        for job in jobs:
            report = None if on_epoch is None else _bind(on_epoch, job)
            yield job, run_fold(job, report)
        return
    # The last fold of a resumed run, too, is computed with one thread, as its others were.
    yield from _run_in_workers(jobs, max(2, min(workers, len(jobs))), on_epoch)


def run_together(jobs: list[FoldJob], on_epoch=None) -> Iterator[tuple[FoldJob, FoldResult]]:
    """Folds that are trained together, chunk by chunk; those that differ in more than fold and
    seed, such as the recipes of an outer loop, one group after another."""
    from merzoo.training.together import Replica, train_together

    groups: dict = {}
    for job in jobs:
        arrays = tuple(id(x) for x in job.data.modalities.values())
        key = (arrays, repr((job.learner.token, job.learner.recipe)))
        groups.setdefault(key, []).append(job)
    for group in groups.values():
        replicas = [Replica(job.data.train(), job.fold.test, job.seed) for job in group]

        def report(numbers, epoch, losses, group=group):
            for number, loss in zip(numbers, losses, strict=True):
                on_epoch(group[number], epoch, float(loss))

        start = time.perf_counter()
        chunks = train_together(
            trainer_of(group[0]),
            replicas,
            chunk=group[0].fold_chunk,
            on_epoch=None if on_epoch is None else report,
        )
        for chunk in chunks:
            seconds = (time.perf_counter() - start) / len(chunk)
            for one in chunk:
                result = FoldResult(one.probabilities, one.history, seconds)
                yield group[one.number], result
            start = time.perf_counter()


def _run_in_workers(jobs, workers, on_epoch):
    from joblib import Parallel, delayed

    saved = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)  # inherited by the workers, before they load a backend
    try:
        with (
            warnings.catch_warnings(),
            worker_processes(workers, inner_max_num_threads=1),
        ):
            # joblib replaces workers whose memory has grown, and says so each time.
            warnings.filterwarnings("ignore", message="A worker stopped")
            tasks = (delayed(_run_numbered)(number, job) for number, job in enumerate(jobs))
            results = Parallel(return_as="generator_unordered")(tasks)
            yield from _reported(results, jobs, on_epoch)
    finally:
        for name, value in saved.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _reported(results, jobs, on_epoch):
    """(job, result) of each (number, result), with the epochs of the fold reported at its end."""
    for number, result in results:
        if on_epoch is not None:
            for epoch, loss in enumerate(result.history.get("loss", [])):
                on_epoch(jobs[number], epoch, loss)
        yield jobs[number], result


def _run_numbered(number: int, job: FoldJob) -> tuple[int, FoldResult]:
    return number, run_fold(job)


def _bind(on_epoch, job):
    return lambda epoch, loss: on_epoch(job, epoch, loss)

"""Folds in one process or in several, by joblib; results come back as they finish."""

import os
import warnings
from collections.abc import Callable, Iterator

from merzoo.evaluation.folds import FoldJob, FoldResult, run_fold

# One thread a worker: networks this small gain nothing from more, and workers don't compete.
_ONE_THREAD = {
    "NPROC": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


def run_folds(
    jobs: list[FoldJob], workers: int, on_epoch: Callable[[FoldJob, int, float], None] | None = None
) -> Iterator[tuple[FoldJob, FoldResult]]:
    """Runs fold jobs and yields (job, result) as each finishes.

    Args:
        jobs: what to run.
        workers: 1 runs in this process; more start that many worker processes.
        on_epoch: called in this process with (job, epoch, loss).
    """
    if workers == 1 or len(jobs) <= 1:
        for job in jobs:
            report = None if on_epoch is None else _bind(on_epoch, job)
            yield job, run_fold(job, report)
        return
    yield from _run_in_workers(jobs, min(workers, len(jobs)), on_epoch)


def _run_in_workers(jobs, workers, on_epoch):
    from joblib import Parallel, delayed, parallel_config

    saved = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(_ONE_THREAD)  # inherited by the workers, before they load a backend
    try:
        with (
            warnings.catch_warnings(),
            parallel_config("loky", n_jobs=workers, inner_max_num_threads=1),
        ):
            # joblib replaces workers whose memory has grown, and says so each time.
            warnings.filterwarnings("ignore", message="A worker stopped")
            tasks = (delayed(_run_numbered)(number, job) for number, job in enumerate(jobs))
            results = Parallel(return_as="generator_unordered")(tasks)
            for number, result in results:
                if on_epoch is not None:
                    losses = result.history.get("loss", [])
                    for epoch, loss in enumerate(losses):
                        on_epoch(jobs[number], epoch, loss)
                yield jobs[number], result
    finally:
        for name, value in saved.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _run_numbered(number: int, job: FoldJob) -> tuple[int, FoldResult]:
    return number, run_fold(job)


def _bind(on_epoch, job):
    return lambda epoch, loss: on_epoch(job, epoch, loss)

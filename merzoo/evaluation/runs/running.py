"""Runs the folds that are not finished yet, with a progress bar, and keeps each as it finishes."""

from merzoo.evaluation.runs.fold import FoldJob, FoldResult
from merzoo.evaluation.runs.folder import RunFolder
from merzoo.evaluation.runs.workers import run_folds


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
    epochs = todo[0].recipe.epochs
    columns = TextColumn("fold {task.fields[fold]} epoch {task.fields[epoch]}/" + str(epochs))
    with progress_bar(columns, TextColumn("loss {task.fields[loss]}")) as bar:
        done = (len(todo) - len(left)) * epochs
        task = bar.add_task(
            todo[0].model, total=len(todo) * epochs, completed=done, fold="-", epoch=0, loss="-"
        )

        def on_epoch(job, epoch, loss):
            bar.update(task, fold=job.fold.name, epoch=epoch + 1, loss=f"{loss:.3f}")
            bar.advance(task)

        for job, result in run_folds(left, workers, on_epoch if left else None, cluster):
            folder.write_fold(job, result)
            results[job.seed, job.fold.name] = (job, result)
            if not result.history:
                bar.advance(task, epochs)
    return [results[job.seed, job.fold.name] for job in todo]

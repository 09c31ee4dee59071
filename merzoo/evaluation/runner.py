"""`evaluate`: a model, data and a protocol in; pooled honest scores and a folder of results out."""

import importlib.metadata
import os
import platform
import tempfile
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from merzoo.data.arrays import Arrays
from merzoo.errors import InputError, unknown
from merzoo.evaluation.backbone import backbone_features, check_cacheable
from merzoo.evaluation.cluster import check_cluster
from merzoo.evaluation.folds import FoldJob, build_model
from merzoo.evaluation.parallel import run_folds
from merzoo.evaluation.predictions import metrics_of, predictions_table, read_predictions
from merzoo.evaluation.protocols import make_folds, split_fingerprint
from merzoo.evaluation.run_folder import RunFolder, write_json
from merzoo.preprocessing.samples import load_samples
from merzoo.training.recipes import Recipe, get_recipe, recipe_as_dict

ENGINES = ("auto", "reuse", "fresh")


@dataclass(frozen=True)
class EvaluationResult:
    """Scores of one evaluation.

    Args:
        uf1, uar, accuracy: pooled over folds, mean over seeds, 0..1.
        by_dataset: name -> the same scores, counts and intervals within one dataset.
        metrics: the content of `metrics.json`.
        predictions: pandas DataFrame, one row a clip and seed.
        warnings: what a reader must know.
        folder: where everything was written.
    """

    uf1: float
    uar: float
    accuracy: float
    by_dataset: dict
    metrics: dict = field(repr=False)
    predictions: object = field(repr=False)
    warnings: tuple[str, ...]
    folder: Path


def evaluate(
    model: str,
    data,
    *,
    labels: str | None = None,
    protocol: str | None = None,
    recipe: Recipe | str | None = None,
    engine: str = "auto",
    seeds: int = 1,
    jobs: int = 1,
    subjects: list[str] | None = None,
    out: str | os.PathLike | None = None,
    cluster: str | None = None,
    cache_backbone: bool = False,
) -> EvaluationResult:
    """Trains and tests a model in every fold of a protocol and reports pooled scores.

    The final weights of each fold are scored: no epoch, threshold or weight is chosen on test
    samples. Class weights and everything else that is fitted sees training samples only.

    Args:
        model: a name of `merzoo.list_models()`.
        data: `Arrays`, clips, or text such as `"arrays:file.npz"` or `"synthetic:easy"` (or a list
            of such texts, joined); see `merzoo.preprocessing.load_samples`.
        labels: label map for clips, such as `"megc3"`; `None` for the recipe's.
        protocol: `"loso"` or another of `merzoo.evaluation.protocols.PROTOCOLS`; `None` for the
            recipe's.
        recipe: a `Recipe`, a name of one, a path to a `.json`, or `None` for the model's own.
        engine: `"auto"` and `"reuse"` reset one compiled model for every fold; `"fresh"` builds and
            compiles anew in each (the same numbers, slower; for checks and benchmarks).
        seeds: how many seeds 0, 1, ... to run.
        jobs: folds run at a time, in worker processes if above 1.
        subjects: hold out only these (`"dataset/subject"`); `None` for all.
        out: folder for the results; `None` makes a temporary one. A run that stopped half-way
            continues when called again with the same folder.
        cluster: address of a Dask scheduler, such as `"tcp://192.168.1.10:8786"`, whose workers run
            the folds; see `merzoo.evaluation.cluster`.
        cache_backbone: work out the features of KeyRegionNet's frozen trunk once for every clip;
            for recipes that do not augment frames, such as `"keyregionnet-cached"`.

    Returns:
        An `EvaluationResult`.

    Raises:
        InputError: for an unknown model, recipe or protocol, data that the model cannot take, or a
            folder that holds another protocol's run.

    Source:
        See et al., "MEGC 2019 - The Second Facial Micro-Expressions Grand Challenge", FG 2019.

    Example:

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> y = np.arange(24) % 2
    >>> x = rng.uniform(0, 255, (24, 28, 28, 3)); x[y == 1, :14] *= 0.5
    >>> data = Arrays({"flow_image": x}, y, [f"s{i // 6}" for i in range(24)], ["demo"] * 24,
    ...               [str(i) for i in range(24)], ("negative", "positive"))
    >>> evaluate("flow-krr", data).uf1
    1.0
    """
    if engine not in ENGINES:
        raise unknown("engine", engine, ENGINES)
    if seeds < 1 or jobs < 1:
        raise InputError(f"seeds={seeds} and jobs={jobs} must be at least 1.")
    if cluster is not None:
        check_cluster(cluster)
    if cache_backbone:
        check_cacheable(model, recipe)
    recipe, arguments, inputs = settings_of(model, recipe)
    labels, protocol = labels or recipe.labels, protocol or recipe.protocol
    data = load_samples(data, inputs, labels=labels, jobs=jobs)
    data = fit_together(model, data, recipe, inputs)
    folds = make_folds(protocol, data)
    card = protocol_card(model, data, protocol, folds, recipe, arguments, seeds, subjects)
    folder = RunFolder(out or tempfile.mkdtemp(prefix="merzoo-"), card)
    if subjects:
        folds = [fold for fold in folds if fold.name in _known_subjects(subjects, folds, data)]
    todo = [
        FoldJob(data, fold, seed, model, arguments, recipe, engine)
        for seed in range(seeds)
        for fold in folds
    ]
    if cache_backbone:
        todo = _with_features(todo, seeds)
    results = _run(todo, folder, jobs, cluster)
    predictions = predictions_table(data, results)
    predictions.to_csv(folder.path / "predictions.csv", index=False)
    predictions = read_predictions(folder.path / "predictions.csv")
    metrics = metrics_of(predictions)
    write_json(folder.path / "metrics.json", metrics)
    from merzoo.evaluation.report import write_report

    write_report(folder.path, card, metrics, predictions, results)
    full = metrics["full"]
    return EvaluationResult(
        uf1=full["uf1"],
        uar=full["uar"],
        accuracy=full["accuracy"],
        by_dataset=metrics["by_dataset"],
        metrics=metrics,
        predictions=predictions,
        warnings=tuple(metrics["warnings"]),
        folder=folder.path,
    )


def settings_of(model: str, recipe) -> tuple[Recipe, dict, dict[str, tuple]]:
    """The recipe, the builder's arguments, and name -> shape of the inputs that follow."""
    from merzoo.models.registry import entry

    found = entry(model)
    recipe = get_recipe(recipe, default=found.recipe)
    arguments = dict(recipe.model_arguments)
    return recipe, arguments, _inputs(found, arguments)


def fit_together(model: str, data: Arrays, recipe: Recipe, inputs: dict[str, tuple]) -> Arrays:
    """The modalities of `data` that the model takes, checked against its inputs and classes."""
    classes = recipe.model_arguments.get("classes", len(data.classes))
    if classes != len(data.classes):
        raise InputError(
            f"recipe {recipe.name} asks for a {classes}-class {model}, but {data.source} has "
            f"{len(data.classes)} classes: {', '.join(data.classes)}."
        )
    missing = [name for name in inputs if name not in data.modalities]
    if missing:
        raise InputError(
            f"{model} takes {', '.join(inputs)}, but {data.source} holds "
            f"{', '.join(sorted(data.modalities))}: {missing[0]!r} is missing."
        )
    for name, shape in inputs.items():
        given = data.modalities[name].shape[1:]
        if tuple(shape) != tuple(given):
            raise InputError(
                f"{model} takes {name!r} of shape {tuple(shape)}, but {data.source} holds "
                f"{tuple(given)}."
            )
    return replace(data, modalities={name: data.modalities[name] for name in inputs})


def _inputs(found, arguments) -> dict[str, tuple]:
    try:
        built = found.builder(**{"name": found.name} | found.arguments | arguments)
    except TypeError as error:
        raise InputError(f"{found.name} does not fit the recipe: {error}.") from None
    if found.kind == "estimator":
        return built.inputs
    return {tensor.name: tuple(tensor.shape[1:]) for tensor in built.inputs}


def protocol_card(model, data, protocol, folds, recipe, arguments, seeds, subjects) -> dict:
    """Everything needed to rerun, and to tell whether a rerun continues the same run."""
    import keras

    packages = ("merzoo", "keras", "tensorflow-cpu", "jax", "torch", "numpy", "scikit-learn")
    versions = {"python": platform.python_version()}
    for name in packages:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "model": model,
        "model_arguments": arguments,
        "recipe": recipe_as_dict(recipe),
        "protocol": protocol,
        "selection": "last: the final weights of each fold are scored",
        "source": data.source,
        "held_out_subjects": sorted(subjects) if subjects else "all",
        "data": {
            "fingerprint": data.fingerprint(),
            "samples": len(data),
            "subjects": len(set(data.subject.tolist())),
            "classes": list(data.classes),
            "samples_per_class": data.counts(),
        },
        "split_fingerprint": split_fingerprint(folds),
        "folds": len(folds),
        "seeds": seeds,
        "backend": keras.backend.backend(),
        "versions": versions,
    }


def _with_features(todo: list[FoldJob], seeds: int) -> list[FoldJob]:
    """The jobs on features of the backbone instead of frames."""
    found = backbone_features(partial(build_model, todo[0]), todo[0].data.modalities, seeds)
    return [
        replace(job, data=replace(job.data, modalities=found[job.seed]), cached_backbone=True)
        for job in todo
    ]


def _known_subjects(subjects, folds, data) -> set[str]:
    names = {fold.name for fold in folds}
    for subject in subjects:
        if subject not in names:
            raise unknown("subject", subject, names, f"It has no clips in {data.source}.")
    return set(subjects)


def _run(todo: list[FoldJob], folder: RunFolder, workers: int, cluster: str | None) -> list:
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

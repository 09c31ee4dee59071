"""`evaluate`: a model, data and a protocol in; pooled honest scores and a folder of results out."""

import importlib.metadata
import os
import platform
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from merzoo.data.arrays import Arrays
from merzoo.data.frame_samples import FRAMES
from merzoo.errors import InputError, unknown
from merzoo.evaluation.cluster import check_cluster
from merzoo.evaluation.fold_data import FoldData
from merzoo.evaluation.folds import FoldJob
from merzoo.evaluation.leakage import find_leaks, stop_at_leaks
from merzoo.evaluation.oracle import check_has_epochs, write_oracle
from merzoo.evaluation.parallel import run_folds
from merzoo.evaluation.predictions import metrics_of, predictions_table, read_predictions
from merzoo.evaluation.protocols import Fold, parse_protocol, split_fingerprint, subject_wise
from merzoo.evaluation.run_folder import RunFolder, write_json
from merzoo.evaluation.selection import Selection, parse_selection
from merzoo.evaluation.splits import folds_of, split_as_dict
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
        oracle: with `audit_epochs=True`, what choosing the epoch on test subjects would claim
            (not a result; see `merzoo.evaluation.oracle`).
    """

    uf1: float
    uar: float
    accuracy: float
    by_dataset: dict
    metrics: dict = field(repr=False)
    predictions: object = field(repr=False)
    warnings: tuple[str, ...]
    folder: Path
    oracle: dict | None = None


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
    audit_epochs: bool = False,
    split: str | os.PathLike | list[Fold] | None = None,
    selection: str = "last",
    callbacks: Sequence = (),
    allow_leaks: bool = False,
    start=None,
    cluster: str | None = None,
) -> EvaluationResult:
    """Trains and tests a model in every fold of a protocol and reports pooled scores.

    No epoch, threshold or weight is chosen on test samples: what trains gets the training samples
    of its fold and nothing else. The leak audit looks at data, split, weights and callbacks first.

    Args:
        model: a name of `merzoo.list_models()`.
        data: `Arrays`, clips, or text such as `"arrays:file.npz"` or `"synthetic:easy"` (or a list
            of such texts, joined); see `merzoo.preprocessing.load_samples`.
        labels: label map for clips; `None` for the protocol's own, else the recipe's.
        protocol: `"loso"` or another of `merzoo.evaluation.protocols.PROTOCOLS`, such as
            `"kfold:8"`; `None` for the recipe's. Splits by clip or frame leak, so the score by
            subject is worked out too.
        recipe: a `Recipe`, a name of one, a path to a `.json`, or `None` for the model's own.
        engine: `"auto"` and `"reuse"` reset one compiled model for every fold; `"fresh"` builds and
            compiles anew in each (the same numbers, slower; for checks and benchmarks).
        seeds: how many seeds 0, 1, ... to run.
        jobs: folds run at a time, in worker processes if above 1.
        subjects: hold out only these (`"dataset/subject"`); `None` for all.
        out: folder for the results; `None` makes a temporary one. A run that stopped half-way
            continues when called again with the same folder.
        audit_epochs: also predict the test samples with each epoch's weights, after a fold's
            training has ended, and show what choosing the epoch on them would have claimed (not a
            result).
        split: instead of a protocol's folds, the path of a `split.json`, or a list of `Fold`s.
        selection: which weights are scored: `"last"`, `"fixed:N"` (N epochs) or `"inner"` (the best
            epoch on subjects drawn from the training subjects); see `merzoo.evaluation.selection`.
        callbacks: Keras callbacks of your own, run during training; every fold starts with a copy
            of them as given (networks only).
        allow_leaks: run although the audit found leaks for certain, and mark the result.
        start: a `merzoo.training.start.Start`: every fold begins with its weights instead of
            random ones; `None` for random ones. See `merzoo.transfer`.
        cluster: address of a Dask scheduler, such as `"tcp://192.168.1.10:8786"`, whose workers run
            the folds; see `merzoo.evaluation.cluster`.

    Returns:
        An `EvaluationResult`.

    Raises:
        InputError: for an unknown model, recipe or protocol, data that the model cannot take, a
            folder that holds another protocol's run, or a leak.

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
    recipe, arguments, inputs = settings_of(model, recipe)
    protocol = protocol or recipe.protocol
    chosen, rule = parse_protocol(protocol)[0], parse_selection(selection)
    if audit_epochs:
        check_has_epochs(model)
    recipe = _selected(model, recipe, rule, callbacks)
    labels = labels or chosen.labels or recipe.labels
    frames = FRAMES if chosen.by == "frame" else None
    samples = load_samples(data, inputs, labels=labels, jobs=jobs, frames=frames)
    data = fit_together(model, samples, recipe, inputs)
    folds = folds_of(data, protocol, split)
    by = chosen.by if split is None else "subject"
    weights = None if start is None else start.entry
    findings = find_leaks(
        data, folds, by=by, model=model, recipe=recipe, weights=weights, callbacks=callbacks
    )
    leaks = stop_at_leaks(findings, allow_leaks)
    card = protocol_card(model, data, protocol, folds, recipe, arguments, seeds, subjects)
    card |= _rules(rule, callbacks, protocol, split)
    if start is not None:
        start.check_unseen(data.subject, data.source)
        card["pretrained"] = start.card()
    folder = RunFolder(out or tempfile.mkdtemp(prefix="merzoo-"), card)
    write_json(folder.path / "split.json", split_as_dict(folds, data, card["protocol"]))
    write_json(folder.path / "audit.json", [finding.as_dict() for finding in findings])
    if subjects:
        folds = [fold for fold in folds if fold.name in _known_subjects(subjects, folds, data)]
    parts = [(FoldData.of(data, fold), fold) for fold in folds]
    todo = [
        FoldJob(
            *part,
            seed,
            model,
            arguments,
            recipe,
            engine,
            selection=rule.name,
            callbacks=tuple(callbacks),
            audit_epochs=audit_epochs,
            start=start,
        )
        for seed in range(seeds)
        for part in parts
    ]
    results = _run(todo, folder, jobs, cluster)
    predictions = predictions_table(data, results)
    predictions.to_csv(folder.path / "predictions.csv", index=False)
    predictions = read_predictions(folder.path / "predictions.csv")
    metrics = metrics_of(predictions)
    metrics["warnings"] = leaks + metrics["warnings"]
    beside = subject_wise(protocol, data) if split is None else None
    if beside is not None:
        options = {"labels": labels, "protocol": beside, "recipe": recipe, "engine": engine}
        options |= {"seeds": seeds, "jobs": jobs, "out": folder.path / "by-subject"}
        options |= {"selection": selection, "callbacks": callbacks, "allow_leaks": allow_leaks}
        _show_beside(metrics, protocol, beside, evaluate(model, data, **options))
    write_json(folder.path / "metrics.json", metrics)
    oracle = write_oracle(folder.path, results, data)
    from merzoo.evaluation.report import write_report

    write_report(folder.path, samples)
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
        oracle=oracle,
    )


def _selected(model: str, recipe: Recipe, rule: Selection, callbacks) -> Recipe:
    """The recipe with the epochs of the rule; estimators have neither epochs nor callbacks."""
    from merzoo.models.registry import entry

    if entry(model).kind == "estimator" and (rule.name != "last" or callbacks):
        given = f"selection {rule.name!r}" if rule.name != "last" else "callbacks"
        raise InputError(f"{model} is fitted at once, it has no epochs: {given} cannot be used.")
    return recipe if rule.epochs is None else replace(recipe, epochs=rule.epochs)


def _rules(rule: Selection, callbacks, protocol: str, split) -> dict:
    """What of the protocol card depends on rules and a split of one's own."""
    rules = {"selection": rule.about}
    if split is not None:
        rules["protocol"] = "a split of one's own"
    if callbacks:
        rules["callbacks"] = [type(callback).__name__ for callback in callbacks]
    return rules


def _show_beside(metrics: dict, protocol: str, beside: str, honest: EvaluationResult) -> None:
    """Puts the score by subject, and a warning, into the metrics of a split that leaks."""
    full = honest.metrics["full"]
    names = ("uf1", "uar", "accuracy", "interval")
    metrics["by_subject"] = {"protocol": beside} | {name: full[name] for name in names}
    metrics["warnings"].insert(
        0,
        f"{protocol} puts one person on both sides of a split, so its UF1 "
        f"{metrics['full']['uf1']:.3f} is not that of new people: with subjects held out "
        f"({beside}) it is {full['uf1']:.3f}. Report that one.",
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
    return data.with_modalities({name: data.modalities[name] for name in inputs})


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
        "versions": package_versions(),
    }


def package_versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide a result."""
    packages = ("merzoo", "keras", "tensorflow-cpu", "jax", "torch", "numpy", "scikit-learn")
    versions = {"python": platform.python_version()}
    for name in packages:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


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

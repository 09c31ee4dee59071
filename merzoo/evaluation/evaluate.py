"""`evaluate`: a model, data and a protocol in; pooled honest scores and a folder of results out."""

import os
import tempfile
from collections.abc import Sequence

from merzoo.evaluation.pages.report import write_report
from merzoo.evaluation.result import EvaluationResult, result_of
from merzoo.evaluation.runs.folder import RunFolder, resumed_warning
from merzoo.evaluation.runs.plan import Asked, Plan, plan_of
from merzoo.evaluation.runs.workers import run_unfinished
from merzoo.evaluation.runs.yardstick import yardstick
from merzoo.evaluation.scores.confidence import with_confidence
from merzoo.evaluation.scores.judges import judge_of
from merzoo.evaluation.scores.oracle import write_oracle
from merzoo.evaluation.splits.file import split_as_dict
from merzoo.evaluation.splits.left_out import left_out_told
from merzoo.evaluation.splits.protocols import Fold, subject_wise
from merzoo.evaluation.unit_result import unit_result
from merzoo.files import check_folder, write_json, write_table
from merzoo.metrics import headline
from merzoo.preprocessing.arrays import Arrays
from merzoo.preprocessing.preparation import preparation_told
from merzoo.training.learner import resolve
from merzoo.training.recipes import Recipe


def evaluate(
    model,
    data,
    *,
    labels: str | None = None,
    protocol: str | None = None,
    recipe: Recipe | str | None = None,
    parameters: dict | None = None,
    engine: str = "auto",
    seeds: int = 1,
    jobs: int = 1,
    subjects: str | list[str] | int | None = None,
    out: str | os.PathLike | None = None,
    audit_epochs: bool = False,
    split: str | os.PathLike | list[Fold] | None = None,
    selection: str = "last",
    callbacks: Sequence = (),
    allow_leaks: bool = False,
    start=None,
    cluster: str | None = None,
    cache_backbone: bool = False,
    fold_chunk: int | None = None,
    calibrate: bool = False,
) -> EvaluationResult:
    """Trains and tests a model in every fold of a protocol and reports pooled scores.

    No epoch, threshold or weight is chosen on test samples: what trains gets the training samples
    of its fold and nothing else. The leak audit looks at data, split, weights and callbacks first.
    Where the data hold what `flow-krr` takes, `metrics["yardstick"]` is what that reaches in the
    same folds; see `merzoo.evaluation.runs.yardstick`.

    Args:
        model: a name of `merzoo.list_models()`, a builder, a Keras model (trained afresh in every
            fold), a scikit-learn estimator, `"module:function"` or the path of a `.keras` file;
            see `merzoo.training.learner`.
        data: `Arrays`, clips, or text such as `"arrays:file.npz"` or `"synthetic:easy"` (or a list
            of such texts, joined); see `merzoo.preprocessing.load_samples`.
        labels: label map of clips; `None` for the protocol's own, else the recipe's. Arrays keep
            the classes that they bring, unless a map is asked for here; then it is applied to them.
        protocol: `"loso"` or another of `merzoo.evaluation.splits.protocols.PROTOCOLS`, such as
            `"kfold:8"`; `None` for the recipe's. Splits by clip or frame leak, so the score by
            subject is worked out too.
        recipe: a `Recipe`, a name of one, a path to a `.json`, or `None` for the model's own.
        parameters: choices of preprocessing, for clips, over those of the recipe, such as
            `{"apex": "flow", "on_error": "skip"}`; see `merzoo.preprocessing.parameters`.
        engine: how folds are trained, which changes the time and not the numbers: `"auto"`, or one
            of `merzoo.training.engines`.
        seeds: how many seeds 0, 1, ... to run.
        jobs: folds run at a time, in worker processes if above 1.
        subjects: hold out only these (`"dataset/subject"`, however spelt), or of each data set the
            first so many; where folds are no single subjects, run that many folds; `None` for all.
        out: folder for the results; `None` makes a temporary one. A run that stopped half-way
            continues when called again with the same folder.
        audit_epochs: also predict the test samples with each epoch's weights, after a fold's
            training has ended, and show what choosing the epoch on them would have claimed (not a
            result).
        split: instead of a protocol's folds, the path of a `split.json`, or a list of `Fold`s.
        selection: which weights are scored: `"last"`, `"fixed:N"` (N epochs) or `"inner"` (the best
            epoch on subjects drawn from the training subjects); see
            `merzoo.evaluation.splits.selection`.
        callbacks: Keras callbacks of your own, run during training; every fold starts with a copy
            of them as given (networks only).
        allow_leaks: run although the audit found leaks for certain, and mark the result.
        start: a `merzoo.training.pretrained.Start`: every fold begins with its weights instead of
            random ones; `None` for random ones. See `merzoo.transfer`.
        cluster: address of a Dask scheduler of your own (it runs the code of whoever reaches it),
            such as `"tcp://192.168.1.10:8786"`, whose workers run the folds; see
            `merzoo.evaluation.runs.cluster`.
        cache_backbone: work out the features of KeyRegionNet's frozen trunk once for every clip;
            for recipes that do not augment frames, such as `"keyregionnet-cached"`.
        fold_chunk: how many folds the engine `"together"` trains at a time; `None` for as many as
            the device has room for.
        calibrate: draw inner people in every fold, whatever recipe and selection say, and train on
            the others. Wherever there are inner people, their answers give each fold a temperature
            and a least confidence to answer with, and `metrics["calibration"]` says what these are
            worth on the test people; see `merzoo.training.confidence`.

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
    check_folder(out)
    asked = Asked(
        labels=labels,
        protocol=protocol,
        engine=engine,
        seeds=seeds,
        jobs=jobs,
        subjects=subjects,
        audit_epochs=audit_epochs,
        split=split,
        selection=selection,
        callbacks=callbacks,
        allow_leaks=allow_leaks,
        start=start,
        cluster=cluster,
        cache_backbone=cache_backbone,
        fold_chunk=fold_chunk,
        calibrate=calibrate,
    )
    plan = plan_of(resolve(model, recipe), data, asked, parameters)
    if not RunFolder.begun(out):
        plan.rehearse()
    with RunFolder.held(out or tempfile.mkdtemp(prefix="merzoo-"), plan.card) as folder:
        return _run(plan, folder)


def _run(plan: Plan, folder: RunFolder) -> EvaluationResult:
    """Runs the folds that are not there yet, and writes what follows from all of them."""
    data, asked = plan.data, plan.asked
    split = split_as_dict(plan.folds, data, plan.card["protocol"])
    write_json(folder.path / "split.json", split)
    write_json(folder.path / "audit.json", [finding.as_dict() for finding in plan.findings])
    results = run_unfinished(plan.jobs(), folder, asked.jobs, asked.cluster)
    warnings = [*plan.leaks, *left_out_told(plan.folds, data)]
    metrics, predictions = judged(folder, data, results, warnings)
    found = yardstick(plan.learner, plan.samples, plan.held_out, predictions)
    metrics |= {} if found is None else {"yardstick": found}
    beside = subject_wise(plan.protocol, data) if asked.split is None else None
    if beside is not None:
        how = asked.by_subject(beside)
        honest = evaluate(plan.learner, data, **how, out=folder.path / "by-subject")
        _show_beside(metrics, plan.protocol, beside, honest)
    write_json(folder.path / "metrics.json", metrics)
    oracle = write_oracle(folder.path, results, data)
    write_report(folder.path, plan.samples)
    told = preparation_told(data.preparation)
    if plan.learner.multilabel:
        return unit_result(folder, metrics, predictions, told)
    return result_of(folder, metrics, predictions, oracle, told)


def judged(folder: RunFolder, data: Arrays, results, warnings: Sequence[str] = ()) -> tuple:
    """Writes the predictions of finished folds, and works out what follows from them.

    Args:
        folder: of the run.
        data: all samples, with their labels.
        results: (job, result) pairs.
        warnings: what a reader must know before everything else.

    Returns:
        The content of `metrics.json`, which is not written yet, and of `predictions.csv`.
    """
    judge, file = judge_of(folder.card), folder.path / "predictions.csv"
    table, chosen = with_confidence(judge.predictions_table(data, results), data, results)
    write_table(file, table)
    predictions = judge.read_predictions(file)
    deterministic = bool(folder.card.get("deterministic"))
    metrics = judge.metrics_of(predictions, deterministic=deterministic)
    if chosen is not None:
        metrics["calibration"]["chosen"] = chosen.as_dict()
    resumed = resumed_warning(folder.card)
    metrics["warnings"] = [*warnings, *([resumed] if resumed else []), *metrics["warnings"]]
    return metrics, predictions


def _show_beside(metrics: dict, protocol: str, beside: str, honest: EvaluationResult) -> None:
    """Puts the score by subject, and a warning, into the metrics of a split that leaks."""
    full = honest.metrics["full"]
    names = (*(metric.name for metric in headline()), "interval")
    metrics["by_subject"] = {"protocol": beside} | {name: full[name] for name in names}
    metrics["warnings"].insert(
        0,
        f"{protocol} puts one person on both sides of a split, so its UF1 "
        f"{metrics['full']['uf1']:.3f} is not that of new people: with subjects held out "
        f"({beside}) it is {full['uf1']:.3f}. Report that one.",
    )

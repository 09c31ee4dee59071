"""`evaluate`: a model, data and a protocol in; pooled honest scores and a folder of results out."""

import os
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from merzoo.arguments import MOST_JOBS, MOST_SEEDS, whole_number
from merzoo.errors import InputError, unknown
from merzoo.evaluation.leakage import find_leaks, stop_at_leaks
from merzoo.evaluation.pages.report import write_report
from merzoo.evaluation.result import EvaluationResult, result_of
from merzoo.evaluation.runs.backbone import FEATURES, backbone_features, check_cacheable
from merzoo.evaluation.runs.card import protocol_card
from merzoo.evaluation.runs.cluster import check_cluster
from merzoo.evaluation.runs.fold import FoldData, FoldJob, rehearse
from merzoo.evaluation.runs.folder import RunFolder, resumed_warning
from merzoo.evaluation.runs.samples import samples_for
from merzoo.evaluation.runs.workers import run_unfinished
from merzoo.evaluation.runs.yardstick import yardstick
from merzoo.evaluation.scores.confidence import with_confidence
from merzoo.evaluation.scores.judges import judge_of
from merzoo.evaluation.scores.oracle import check_has_epochs, write_oracle
from merzoo.evaluation.splits.file import folds_of, split_as_dict
from merzoo.evaluation.splits.left_out import left_out, left_out_told
from merzoo.evaluation.splits.protocols import Fold, parse_protocol, subject_wise
from merzoo.evaluation.splits.selection import Selection, parse_selection
from merzoo.evaluation.unit_result import unit_result
from merzoo.files import check_folder, write_json, write_table
from merzoo.metrics import headline
from merzoo.names import known_people
from merzoo.preprocessing.arrays import Arrays
from merzoo.preprocessing.preparation import preparation_told
from merzoo.training.batches import check_feed
from merzoo.training.engines import ENGINES, check_callbacks, choose_engine
from merzoo.training.learner import Learner, check_classes, resolve
from merzoo.training.recipes import Recipe, change_preprocessing


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
    _check_how(engine, seeds, jobs, cluster, fold_chunk)
    check_callbacks(callbacks)
    rule = parse_selection(selection)
    learner = _selected(resolve(model, recipe), rule, callbacks, parameters)
    _check_learner(learner, cache_backbone, audit_epochs)
    protocol = protocol or learner.recipe.protocol
    chosen = parse_protocol(protocol)[0]
    usual = chosen.labels or learner.recipe.labels  # of clips; arrays bring classes of their own
    if learner.multilabel:
        labels = labels or learner.recipe.labels
    samples = samples_for(learner, data, labels, usual, jobs, chosen.by == "frame")
    named, data = _as_text(data), learner.take(samples)
    folds = folds_of(data, protocol, split)
    held_out = _held_out(folds, subjects, data)
    watched = bool(learner.recipe.validation) or rule.name == "inner"
    _check_folds(held_out, data, watched or calibrate, start)
    findings = find_leaks(
        data,
        folds,
        by=chosen.by if split is None else "subject",
        learner=learner,
        weights=None if start is None else start.entry,
        callbacks=callbacks,
    )
    leaks = stop_at_leaks(findings, allow_leaks)
    used = choose_engine(
        engine,
        learner,
        classes=len(learner.outputs(data.classes)),
        size=sum(x.nbytes for x in data.modalities.values()) * (FEATURES if cache_backbone else 1),
        callbacks=callbacks,
        watched=watched or calibrate or audit_epochs,
        cluster=cluster is not None,
    )
    if fold_chunk is not None and used.name != "together":
        raise InputError(
            f"fold_chunk has no effect on the engine {used.name!r} ({used.why}): ask for "
            f"engine='together' (--engine together), or leave it out."
        )
    card = protocol_card(
        learner,
        data,
        protocol if split is None else "a split of one's own",
        folds,
        labels=labels,
        usual=usual,
        seeds=seeds,
        jobs=jobs,
        cluster=cluster,
        subjects=[fold.name for fold in held_out] if subjects else None,
        selection=rule,
        callbacks=callbacks,
        start=start,
        engine=engine,
        used=used,
        cache_backbone=cache_backbone,
        calibrate=calibrate,
        named=named,
    )
    card |= left_out(folds, data)
    settings = {
        "learner": learner,
        "engine": used.name,
        "fold_chunk": fold_chunk,
        "audit_epochs": audit_epochs,
        "selection": rule.name,
        "callbacks": tuple(callbacks),
        "start": start,
        "cached_backbone": cache_backbone,
        "calibrate": calibrate,
    }
    if not RunFolder.begun(out):
        rehearse(FoldJob(FoldData.of(data, held_out[0]), held_out[0], 0, **settings))
    with RunFolder.held(out or tempfile.mkdtemp(prefix="merzoo-"), card) as folder:
        write_json(folder.path / "split.json", split_as_dict(folds, data, card["protocol"]))
        write_json(folder.path / "audit.json", [finding.as_dict() for finding in findings])
        todo = _fold_jobs(data, held_out, seeds, settings)
        results = run_unfinished(todo, folder, jobs, cluster)
        metrics, predictions = judged(folder, data, results, [*leaks, *left_out_told(folds, data)])
        found = yardstick(learner, samples, held_out, predictions)
        metrics |= {} if found is None else {"yardstick": found}
        beside = subject_wise(protocol, data) if split is None else None
        if beside is not None:
            options = {"labels": labels, "protocol": beside, "engine": engine}
            options["subjects"] = subjects if isinstance(subjects, int) else None
            options |= {"seeds": seeds, "jobs": jobs, "out": folder.path / "by-subject"}
            options |= {"selection": selection, "callbacks": callbacks, "allow_leaks": allow_leaks}
            options |= {"calibrate": calibrate, "start": start, "cluster": cluster}
            options |= {"cache_backbone": cache_backbone, "fold_chunk": fold_chunk}
            _show_beside(metrics, protocol, beside, evaluate(learner, data, **options))
        write_json(folder.path / "metrics.json", metrics)
        oracle = write_oracle(folder.path, results, data)
        write_report(folder.path, samples)
        told = preparation_told(data.preparation)
        if learner.multilabel:
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


def _check_how(engine: str, seeds: int, jobs: int, cluster: str | None, chunk=None) -> None:
    if engine not in ENGINES:
        raise unknown("engine", engine, ENGINES)
    whole_number("seeds", seeds, most=MOST_SEEDS)
    whole_number("jobs", jobs, most=MOST_JOBS)
    if chunk is not None:
        whole_number("fold_chunk", chunk)
    if cluster is not None:
        check_cluster(cluster)


def _check_learner(learner: Learner, cache_backbone: bool, audit_epochs: bool) -> None:
    if learner.kind == "network":
        check_feed()
    if cache_backbone:
        check_cacheable(learner)
    if audit_epochs:
        check_has_epochs(learner)


def _check_folds(folds: list[Fold], data: Arrays, watched: bool, start) -> None:
    """Raises `InputError` for folds that cannot be trained on, before a folder is taken: of one
    class, or of one person where people are to be drawn for validation; and for weights to start
    from that have seen who is tested."""
    for fold in folds:
        train = data.with_modalities({}).take(fold.train)
        check_classes(train, fold.name)
        people = set(train.subject.tolist())
        if watched and len(people) < 2:
            raise InputError(
                f"fold {fold.name}: trains on a single subject ({people.pop()}), of which none can "
                f"be drawn; use a recipe without validation, or --selection fixed:N, and no "
                f"--calibrate."
            )
    if start is not None:
        start.check_unseen(data.subject, data.source)


def _selected(learner: Learner, rule: Selection, callbacks, parameters) -> Learner:
    """The learner by the rule's number of epochs and with the choices of preprocessing; estimators
    have neither epochs nor callbacks."""
    if learner.kind == "estimator" and (rule.name != "last" or callbacks):
        given = f"selection {rule.name!r}" if rule.name != "last" else "callbacks"
        raise InputError(
            f"{learner.name} is fitted at once, it has no epochs: {given} cannot be used."
        )
    recipe = change_preprocessing(learner.recipe, parameters)
    if rule.epochs is not None:  # said beforehand: nobody is watched
        unwatched = {"validation": 0.0, "plateau": None, "stop": None}
        recipe = replace(recipe, epochs=rule.epochs, **unwatched)
    return replace(learner, recipe=recipe)


def _as_text(data) -> list[str] | None:
    """The data as they were named, for `--from`; `None` for objects."""
    items = [data] if isinstance(data, str) else data
    if isinstance(items, Arrays) or not all(isinstance(item, str) for item in items):
        return None
    return list(items)


def _fold_jobs(data: Arrays, folds: list[Fold], seeds: int, settings: dict) -> list[FoldJob]:
    """What is to be run, seed by seed; on a frozen trunk's features where they are kept."""
    by_seed = [data] * seeds
    if settings["cached_backbone"]:
        build = partial(settings["learner"].build, len(data.classes))
        by_seed = [
            data.with_modalities(features)
            for features in backbone_features(build, data.modalities, seeds)
        ]
    return [
        FoldJob(FoldData.of(samples, fold), fold, seed, **settings)
        for seed, samples in enumerate(by_seed)
        for fold in folds
    ]


def _held_out(
    folds: list[Fold], subjects: str | list[str] | int | None, data: Arrays
) -> list[Fold]:
    """The folds of the named subjects, or the first ones of each data set; all for `None`."""
    if subjects is None or subjects == []:
        return folds
    if isinstance(subjects, int):
        return _first_folds(folds, whole_number("subjects", subjects))
    subjects = [subjects] if isinstance(subjects, str) else subjects
    names = [fold.name for fold in folds]
    chosen: set[str] = set()
    for subject in subjects:
        found = [subject] if subject in names else known_people(names, [subject])
        if not found:
            raise unknown("subject", subject, names, f"It has no clips in {data.source}.")
        chosen.update(found)
    return [fold for fold in folds if fold.name in chosen]


def _first_folds(folds: list[Fold], count: int) -> list[Fold]:
    """The first folds of each data set; of folds that are of no data set, the first of all."""
    seen: Counter = Counter()
    chosen = []
    for fold in folds:
        dataset = fold.name.rpartition("/")[0]
        seen[dataset] += 1
        if seen[dataset] <= count:
            chosen.append(fold)
    return chosen


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

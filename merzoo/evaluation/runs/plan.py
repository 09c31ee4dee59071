"""What an evaluation will do: all that can be refused is refused here, before a folder is taken."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from merzoo.arguments import MOST_JOBS, MOST_SEEDS, whole_number
from merzoo.errors import InputError, unknown
from merzoo.evaluation.leakage import Finding, find_leaks, stop_at_leaks
from merzoo.evaluation.runs.backbone import FEATURES, backbone_features, check_cacheable
from merzoo.evaluation.runs.card import protocol_card
from merzoo.evaluation.runs.cluster import check_cluster
from merzoo.evaluation.runs.fold import FoldData, FoldJob, rehearse
from merzoo.evaluation.runs.samples import samples_for
from merzoo.evaluation.scores.oracle import check_has_epochs
from merzoo.evaluation.splits.file import folds_of
from merzoo.evaluation.splits.held_out import held_out_folds
from merzoo.evaluation.splits.left_out import left_out
from merzoo.evaluation.splits.protocols import Fold, Protocol, parse_protocol
from merzoo.evaluation.splits.selection import Selection, parse_selection
from merzoo.preprocessing.arrays import Arrays
from merzoo.training.batches import check_feed
from merzoo.training.engines import ENGINES, Engine, check_callbacks, choose_engine
from merzoo.training.learner import Learner, check_classes
from merzoo.training.recipes import change_preprocessing


@dataclass(frozen=True)
class Asked:
    """How `evaluate` was asked to test, each as it explains them.

    Raises:
        InputError: for an engine, a number, a rule or a callback that is none.
    """

    labels: str | None
    protocol: str | None
    engine: str
    seeds: int
    jobs: int
    subjects: str | list[str] | int | None
    audit_epochs: bool
    split: object
    selection: str
    callbacks: Sequence
    allow_leaks: bool
    start: object
    cluster: str | None
    cache_backbone: bool
    fold_chunk: int | None
    calibrate: bool

    def __post_init__(self):
        if self.engine not in ENGINES:
            raise unknown("engine", self.engine, ENGINES)
        whole_number("seeds", self.seeds, most=MOST_SEEDS)
        whole_number("jobs", self.jobs, most=MOST_JOBS)
        if self.fold_chunk is not None:
            whole_number("fold_chunk", self.fold_chunk)
        if self.cluster is not None:
            check_cluster(self.cluster)
        check_callbacks(self.callbacks)
        parse_selection(self.selection)

    @property
    def rule(self) -> Selection:
        """Which weights are scored."""
        return parse_selection(self.selection)

    def by_subject(self, protocol: str) -> dict:
        """The arguments of `evaluate` by which the same is tested by subject."""
        named = self.subjects if isinstance(self.subjects, int) else None
        changed = {"protocol": protocol, "subjects": named, "audit_epochs": False, "split": None}
        return vars(replace(self, **changed))


@dataclass(frozen=True)
class Plan:
    """What will be done.

    Args:
        asked: for what.
        learner: what is trained, by the recipe as it is trained by.
        samples: with all modalities, those of the yardstick too.
        data: what the learner takes of them.
        protocol: of the folds, as typed.
        folds: of the protocol.
        held_out: those of them that are run.
        findings: of the leak audit.
        leaks: warnings about those that were allowed.
        card: for `protocol.json`.
        settings: of every fold.
    """

    asked: Asked
    learner: Learner
    samples: Arrays
    data: Arrays
    protocol: str
    folds: list[Fold]
    held_out: list[Fold]
    findings: list[Finding]
    leaks: list[str]
    card: dict
    settings: dict

    def rehearse(self) -> None:
        """Takes a step of the first fold, so that what cannot be trained is told now."""
        first = self.held_out[0]
        rehearse(FoldJob(FoldData.of(self.data, first), first, 0, **self.settings))

    def jobs(self) -> list[FoldJob]:
        """What is to be run, seed by seed; on a frozen trunk's features where they are kept."""
        by_seed = [self.data] * self.asked.seeds
        if self.asked.cache_backbone:
            build = partial(self.learner.build, len(self.data.classes))
            by_seed = [
                self.data.with_modalities(features)
                for features in backbone_features(build, self.data.modalities, self.asked.seeds)
            ]
        return [
            FoldJob(FoldData.of(samples, fold), fold, seed, **self.settings)
            for seed, samples in enumerate(by_seed)
            for fold in self.held_out
        ]


def plan_of(learner: Learner, data, asked: Asked, parameters: dict | None = None) -> Plan:
    """Prepares the samples and decides everything about the folds.

    Args:
        learner: of the model and the recipe that were named.
        data, parameters: as for `evaluate`.
        asked: how to test.

    Raises:
        InputError: as `evaluate`.
    """
    learner = _selected(learner, asked.rule, asked.callbacks, parameters)
    _check_learner(learner, asked.cache_backbone, asked.audit_epochs)
    protocol = asked.protocol or learner.recipe.protocol
    chosen = parse_protocol(protocol)[0]
    usual = chosen.labels or learner.recipe.labels  # of clips; arrays bring classes of their own
    if learner.multilabel:
        asked = replace(asked, labels=asked.labels or learner.recipe.labels)
    samples = samples_for(learner, data, asked.labels, usual, asked.jobs, chosen.by == "frame")
    named, data = _as_text(data), learner.take(samples)
    folds = folds_of(data, protocol, asked.split)
    held_out = held_out_folds(folds, asked.subjects, data)
    watched = bool(learner.recipe.validation) or asked.rule.name == "inner" or asked.calibrate
    _check_folds(held_out, data, watched, asked.start)
    findings = _leaks(asked, learner, data, folds, chosen)
    leaks = stop_at_leaks(findings, asked.allow_leaks)
    used = _engine(asked, learner, data, watched)
    title = protocol if asked.split is None else "a split of one's own"
    run_alone = [fold.name for fold in held_out] if asked.subjects else None
    card = protocol_card(
        learner,
        data,
        title,
        folds,
        labels=asked.labels,
        usual=usual,
        seeds=asked.seeds,
        jobs=asked.jobs,
        cluster=asked.cluster,
        subjects=run_alone,
        selection=asked.rule,
        callbacks=asked.callbacks,
        start=asked.start,
        engine=asked.engine,
        used=used,
        cache_backbone=asked.cache_backbone,
        calibrate=asked.calibrate,
        named=named,
    )
    card |= left_out(folds, data)
    settings = _settings(asked, learner, used)
    return Plan(
        asked, learner, samples, data, protocol, folds, held_out, findings, leaks, card, settings
    )


def _settings(asked: Asked, learner: Learner, used: Engine) -> dict:
    """What every fold is told."""
    return {
        "learner": learner,
        "engine": used.name,
        "fold_chunk": asked.fold_chunk,
        "audit_epochs": asked.audit_epochs,
        "selection": asked.rule.name,
        "callbacks": tuple(asked.callbacks),
        "start": asked.start,
        "cached_backbone": asked.cache_backbone,
        "calibrate": asked.calibrate,
    }


def _leaks(asked: Asked, learner: Learner, data: Arrays, folds, chosen: Protocol) -> list[Finding]:
    return find_leaks(
        data,
        folds,
        by=chosen.by if asked.split is None else "subject",
        learner=learner,
        weights=None if asked.start is None else asked.start.entry,
        callbacks=asked.callbacks,
    )


def _engine(asked: Asked, learner: Learner, data: Arrays, watched: bool) -> Engine:
    size = sum(x.nbytes for x in data.modalities.values())
    used = choose_engine(
        asked.engine,
        learner,
        classes=len(learner.outputs(data.classes)),
        size=size * (FEATURES if asked.cache_backbone else 1),
        callbacks=asked.callbacks,
        watched=watched or asked.audit_epochs,
        cluster=asked.cluster is not None,
    )
    if asked.fold_chunk is not None and used.name != "together":
        raise InputError(
            f"fold_chunk has no effect on the engine {used.name!r} ({used.why}): ask for "
            f"engine='together' (--engine together), or leave it out."
        )
    return used


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

"""One fold: train on its training samples, predict its test samples. Runs in any process.

What training gets is a `Part`: labels and names of the training samples and nothing of the others,
and their rows in the arrays of all samples, which several processes share as a memory map, so that
no fold costs a copy on its way. The test part is opened after training, as `Unlabelled`: its labels
never leave the process that asked for the evaluation. A process keeps the model that it built, so
that further folds only reset it.
"""

import copy
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from merzoo.errors import InputError
from merzoo.evaluation.splits.protocols import Fold
from merzoo.preprocessing.arrays import Arrays
from merzoo.training.builders import seeded_by
from merzoo.training.learner import Learner, check_classes
from merzoo.training.parts import Part, identity
from merzoo.training.probabilities import Unlabelled


@dataclass(frozen=True)
class FoldData:
    """One fold of some samples, gathered when asked for.

    Args:
        names: of all samples, which all folds of a process share, without labels and modalities;
            in another process, of the training samples alone.
        places: of the training samples in `names`.
        label: (n,) of the training samples.
        samples: number of all samples, training and test, of all folds.
        train_rows, test_rows: of `modalities`.
        modalities: name -> array of all samples.
    """

    names: Arrays
    places: np.ndarray
    label: np.ndarray
    samples: int
    train_rows: np.ndarray
    test_rows: np.ndarray
    modalities: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, data: Arrays, fold: Fold) -> "FoldData":
        """The fold of these samples."""
        names, label = data.with_modalities({}), data.label[fold.train]
        object.__setattr__(names, "label", np.broadcast_to(np.int64(-1), len(data)))
        rows = fold.train, fold.test
        return cls(names, fold.train, label, len(data), *rows, data.modalities)

    def __getstate__(self) -> dict:
        alone = {"names": self.known, "places": np.arange(len(self.label))}
        return self.__dict__ | alone  # names of test samples do not travel

    @property
    def known(self) -> Arrays:
        """Labels and names of the training samples, without modalities."""
        known = self.names.take(self.places)
        object.__setattr__(known, "label", self.label)
        return known

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self.names.classes

    def train(self) -> Part:
        """The training samples; the labels of no others."""
        return Part(self.known, self.train_rows, self.modalities)

    def test(self) -> Unlabelled:
        """The test samples without labels; asked for after training only."""
        return Unlabelled({name: x[self.test_rows] for name, x in self.modalities.items()})


@dataclass(frozen=True)
class FoldJob:
    """All that a process needs to run one fold under one seed; no label of a test sample."""

    data: FoldData
    fold: Fold
    seed: int
    learner: Learner
    engine: str = "reuse"
    fold_chunk: int | None = None  # folds at a time, of those that are trained together
    audit_epochs: bool = False
    selection: str = "last"
    callbacks: tuple = ()
    start: object = None  # a merzoo.training.pretrained.Start, or None for random weights
    cached_backbone: bool = False  # whether `data` holds features of the frozen backbone
    calibrate: bool = False  # whether inner people are drawn whatever recipe and selection say


@dataclass(frozen=True)
class FoldResult:
    """What a fold leaves: (n, K) probabilities of its test samples, and the training history.

    `epochs` holds, for the audit of epochs only, (E, n, K) probabilities of each epoch's weights.
    Where inner people were drawn, `inner` holds which samples (of all) are theirs, and
    `inner_probabilities` the (m, K) probabilities of these.
    """

    probabilities: np.ndarray
    history: dict[str, list[float]] = field(default_factory=dict)
    seconds: float = 0.0
    epochs: np.ndarray | None = None
    inner: np.ndarray | None = None
    inner_probabilities: np.ndarray | None = None


_TRAINERS: dict[str, object] = {}
_SHARED: dict[tuple, tuple] = {}  # what an estimator shares between folds, with whose it is


def run_fold(job: FoldJob, on_epoch=None) -> FoldResult:
    """Trains and tests one fold; `on_epoch(epoch, loss)` is called after each epoch."""
    start = time.perf_counter()
    train = job.data.train()
    check_classes(train, job.fold.name)
    run = _run_estimator if job.learner.kind == "estimator" else _run_network
    result = run(job, train, on_epoch)
    return replace(result, seconds=time.perf_counter() - start)


def _run_estimator(job, train, on_epoch) -> FoldResult:
    import threadpoolctl

    estimator = job.learner.build(len(train.classes))
    estimator.set_params(**dict.fromkeys(seeded_by(estimator), job.seed))
    fit = _fit_shared if hasattr(estimator, "fit_shared") else _fit_alone
    rows, held = slice(None), np.arange(0)
    if job.calibrate:
        from merzoo.training.validation import inner_split

        rows, held = inner_split(train, job.seed, job.fold.name)
        check_classes(train.take(rows), job.fold.name)
    with threadpoolctl.threadpool_limits(1):  # matrices this small lose time to more threads
        found, inner = fit(estimator, job, train, rows, held)
    probabilities = _by_class(estimator, found, job)
    if not job.calibrate:
        return FoldResult(probabilities)
    inner = _by_class(estimator, inner, job)
    return FoldResult(probabilities, inner=job.fold.train[held], inner_probabilities=inner)


def _by_class(estimator, found: np.ndarray, job) -> np.ndarray:
    """Probabilities with a column for every class, also for those that were not trained on."""
    probabilities = np.zeros((len(found), len(job.data.classes)))
    probabilities[:, estimator.classes_] = found
    if not np.isfinite(probabilities).all():
        raise InputError(
            f"fold {job.fold.name}: {job.learner.name} gives probabilities that are not finite."
        )
    return probabilities


def _fit_alone(estimator, job, train, rows, held) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of the test samples, and of the training samples `held`, by an estimator that
    gets arrays, fitted to the training samples `rows`."""
    (features,) = train.arrays().modalities.values()
    features = _as_taken(features, job.learner)
    options = {"groups": train.subject[rows]} if job.learner.takes_maps else {}
    estimator.fit(features[rows], train.label[rows], **options)
    inner = estimator.predict_proba(features[held]) if len(held) else features[:0]
    (tested,) = job.data.test().modalities.values()  # opened only now, without labels
    return estimator.predict_proba(_as_taken(tested, job.learner)), inner


def _as_taken(features: np.ndarray, learner: Learner) -> np.ndarray:
    """Samples in their shape, or, for scikit-learn's own, one row of numbers a sample."""
    return features if learner.takes_maps else features.reshape(len(features), -1)


def _fit_shared(estimator, job, train, rows, held) -> tuple[np.ndarray, np.ndarray]:
    """The same by one that says what follows from samples alone, whatever their labels and folds:
    `share(X)` is worked out once a process, `fit_shared` gets the rows to train on."""
    (features,) = job.data.modalities.values()
    key = (job.learner.token, identity(features))
    if key not in _SHARED:
        _SHARED.clear()  # one at a time in memory
        _SHARED[key] = (estimator.share(features), features)  # kept, so that its id stays its own
    shared = _SHARED[key][0]
    trained = job.data.train_rows
    estimator.fit_shared(shared, trained[rows], train.label[rows], groups=train.subject[rows])
    inner = estimator.predict_proba_shared(shared, trained[held]) if len(held) else held
    return estimator.predict_proba_shared(shared, job.data.test_rows), inner


def _run_network(job, train, on_epoch) -> FoldResult:
    import keras

    callbacks = copy.deepcopy(list(job.callbacks))  # each fold starts with callbacks as given
    if on_epoch is not None:
        callbacks.append(
            keras.callbacks.LambdaCallback(
                on_epoch_end=lambda epoch, logs: on_epoch(epoch, logs["loss"])
            )
        )
    trainer = trainer_of(job)
    kept = None
    if job.audit_epochs:
        from merzoo.evaluation.runs.epoch_weights import EpochWeights

        kept = EpochWeights()
        callbacks.append(kept)
    history = trainer.fit_fold(
        train,
        job.seed,
        job.fold.name,
        callbacks,
        by_uf1=job.selection == "inner",
        draw=job.calibrate,
    )
    test = job.data.test()  # opened only now, without labels
    result = FoldResult(trainer.predict(test), history)
    if trainer.inner is not None:
        inner = trainer.predict(train.take(trainer.inner).arrays())
        places = job.fold.train[trainer.inner]
        result = replace(result, inner=places, inner_probabilities=inner)
    if kept is None:
        return result
    epochs = kept.predictions(trainer, test)
    kept.close()
    return replace(result, epochs=epochs)


def rehearse(job: FoldJob) -> None:
    """Builds what a fold trains, with the weights that it starts from and what is frozen of them,
    so that what cannot be is said before a folder is taken; the first fold goes on with it.

    Raises:
        InputError: for a loss that the outputs are not for, or weights or layers that do not fit.
    """
    if job.learner.kind == "network":
        trainer_of(job).reset(job.seed)


def trainer_of(job: FoldJob):
    """The process' trainer for a job, which further jobs like it share."""
    from merzoo.training.trainer import Trainer

    steps_per_epoch = job.learner.recipe.steps(job.data.samples)
    key = (job.learner.token, job.learner.recipe, job.data.classes, steps_per_epoch)
    key = repr((*key, job.start, job.cached_backbone, job.engine))
    if job.engine == "fresh":
        _TRAINERS.pop(key, None)
    if key not in _TRAINERS:
        _TRAINERS.clear()  # one model at a time in memory
        learner = job.learner
        if job.cached_backbone:
            learner = replace(learner, builder=_WithoutBackbone(learner.builder))
        on_device = job.engine in ("scan", "together")
        _TRAINERS[key] = Trainer(
            learner, job.data.classes, steps_per_epoch, job.start, on_device=on_device
        )
    return _TRAINERS[key]


@dataclass(frozen=True)
class _WithoutBackbone:
    """A builder of the part of a network behind its frozen backbone."""

    builder: object

    def __call__(self, **arguments):
        from merzoo.evaluation.runs.backbone import without_backbone

        return without_backbone(self.builder(**arguments))

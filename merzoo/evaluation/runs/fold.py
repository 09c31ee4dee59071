"""One fold: train on its training samples, predict its test samples. Runs in any process.

A process keeps the model that it built, so that further folds only reset it.
"""

import copy
import time
from dataclasses import dataclass, field

import numpy as np

from merzoo.errors import InputError
from merzoo.evaluation.runs.fold_data import FoldData
from merzoo.evaluation.splits.protocols import Fold
from merzoo.preprocessing.arrays import Arrays
from merzoo.training.recipes import Recipe


@dataclass(frozen=True)
class FoldJob:
    """All that a process needs to run one fold under one seed; no label of a test sample."""

    data: FoldData
    fold: Fold
    seed: int
    model: str
    arguments: dict
    recipe: Recipe
    engine: str = "auto"
    audit_epochs: bool = False
    selection: str = "last"
    callbacks: tuple = ()
    start: object = None  # a merzoo.training.pretrained.Start, or None for random weights
    cached_backbone: bool = False  # whether `data` holds features of the frozen backbone


@dataclass(frozen=True)
class FoldResult:
    """What a fold leaves: (n, K) probabilities of its test samples, and the training history.

    `epochs` holds, for the audit of epochs only, (E, n, K) probabilities of each epoch's weights.
    """

    probabilities: np.ndarray
    history: dict[str, list[float]] = field(default_factory=dict)
    seconds: float = 0.0
    epochs: np.ndarray | None = None


_FITTERS: dict[tuple, object] = {}


def run_fold(job: FoldJob, on_epoch=None) -> FoldResult:
    """Trains and tests one fold; `on_epoch(epoch, loss)` is called after each epoch."""
    start = time.perf_counter()
    train = job.data.train()
    _check_training_classes(train, job.fold)
    run = _run_estimator if _is_estimator(job.model) else _run_network
    probabilities, history, epochs = run(job, train, on_epoch)
    return FoldResult(probabilities, history, time.perf_counter() - start, epochs)


def _check_training_classes(train: Arrays, fold: Fold) -> None:
    if len(set(train.label.tolist())) < 2:
        raise InputError(
            f"fold {fold.name}: its {len(train)} training samples are all of class "
            f"{train.classes[train.label[0]]!r}; nothing can be learnt from one class."
        )


def _is_estimator(model: str) -> bool:
    from merzoo.models.registry import entry

    return entry(model).kind == "estimator"


def _run_estimator(job, train, on_epoch):
    import threadpoolctl

    from merzoo.models import create_model

    estimator = create_model(job.model, **{"classes": len(train.classes)} | job.arguments)
    (modality,) = estimator.inputs
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=job.seed)
    with threadpoolctl.threadpool_limits(1):  # matrices this small lose time to more threads
        estimator.fit(train.modalities[modality], train.label, groups=train.subject)
        test = job.data.test()
        found = estimator.predict_proba(test.modalities[modality])
    probabilities = np.zeros((len(test), len(train.classes)))
    probabilities[:, estimator.classes_] = found
    return probabilities, {}, None


def _run_network(job, train, on_epoch):
    import keras

    callbacks = copy.deepcopy(list(job.callbacks))  # each fold starts with callbacks as given
    if on_epoch is not None:
        callbacks.append(
            keras.callbacks.LambdaCallback(
                on_epoch_end=lambda epoch, logs: on_epoch(epoch, logs["loss"])
            )
        )
    fitter = _fitter(job)
    inner = None
    if job.selection == "inner":
        from merzoo.evaluation.splits.inner_epoch import BestInnerEpoch
        from merzoo.evaluation.splits.selection import inner_split

        rows, validation = inner_split(train, job.seed, job.fold.name)
        inner = BestInnerEpoch(fitter, train.take(validation))
        train, callbacks = train.take(rows), [*callbacks, inner]
        _check_training_classes(train, job.fold)
    kept = None
    if job.audit_epochs:
        from merzoo.evaluation.runs.epoch_weights import EpochWeights

        kept = EpochWeights()
        callbacks.append(kept)
    history = fitter.fit(train, job.seed, callbacks)
    if inner is not None:
        history = history | {"inner_uf1": inner.scores}
    test = job.data.test()  # opened only now, without labels
    probabilities = fitter.predict(test)
    if kept is None:
        return probabilities, history, None
    epochs = kept.predictions(fitter, test)
    kept.close()
    return probabilities, history, epochs


def _fitter(job: FoldJob):
    from merzoo.models import create_model
    from merzoo.training.trainer import Fitter

    steps_per_epoch = -(-job.data.samples // job.recipe.batch_size)
    key = (job.model, repr(job.arguments), job.recipe, job.data.classes, steps_per_epoch)
    key = repr((*key, job.start, job.cached_backbone))
    if job.engine == "fresh":
        _FITTERS.pop(key, None)
    if key not in _FITTERS:
        _FITTERS.clear()  # one model at a time in memory

        def build():
            model = create_model(job.model, **{"classes": len(job.data.classes)} | job.arguments)
            if not job.cached_backbone:
                return model
            from merzoo.evaluation.runs.backbone import without_backbone

            return without_backbone(model)

        _FITTERS[key] = Fitter(build, job.recipe, steps_per_epoch, job.start, job.data.classes)
    return _FITTERS[key]

"""`evaluate --task au`: which action units move, yes or no of each, with subjects held out.

The same run as of classes (`merzoo.evaluation.evaluate`: samples, audit, split, engines, folder)
by a recipe whose loss is of units: every network ends in one sigmoid a unit. What differs is how
its predictions are judged (`merzoo.evaluation.scores.units`) and shown.
"""

from collections.abc import Sequence

from merzoo.data.unit_labels import UNIT_LABELS, is_unit_labels, wanted_units
from merzoo.errors import InputError
from merzoo.evaluation.evaluate import evaluate
from merzoo.evaluation.splits.protocols import parse_protocol
from merzoo.evaluation.unit_result import UnitResult
from merzoo.preprocessing.parameters import check_parameters
from merzoo.training.learner import Learner, resolve
from merzoo.training.recipes import Recipe, change_recipe, multilabel_recipe


def evaluate_units(
    model,
    data,
    *,
    labels: str | None = None,
    recipe: Recipe | str | None = None,
    epochs: int | None = None,
    arguments: dict | None = None,
    protocol: str | None = None,
    parameters: dict | None = None,
    engine: str = "auto",
    seeds: int = 1,
    jobs: int = 1,
    subjects: list[str] | None = None,
    out=None,
    split=None,
    selection: str = "last",
    callbacks: Sequence = (),
    allow_leaks: bool = False,
    cluster: str | None = None,
    fold_chunk: int | None = None,
    calibrate: bool = False,
) -> UnitResult:
    """Trains and tests a network on action units in every fold of a protocol.

    Args:
        model: as of `merzoo.evaluate`; a network, which is built with one sigmoid a unit.
        data: clips with annotated action units, or arrays that say them (classes such as
            `"AU4+AU12"`, or the modality `action_units`).
        labels: which units are scored: `"action_units"` (those that 10 clips of two people show),
            `"action_units:at-least-5"` or `"action_units:1,2,4,12"`; decided by the annotation
            before anything is trained. With a least intensity, `"action_units:from-B"` or
            `"action_units:1,2,4,12:from-B"`, a unit that is coded weaker counts as absent.
        recipe: as of `merzoo.evaluate`; its loss becomes binary cross-entropy, balanced by each
            fold's own training people, unless it is a recipe of such a loss already.
        epochs, arguments: of the recipe, and of the builder, over it.
        protocol, parameters, engine, seeds, jobs, subjects, out, split, selection, callbacks,
            allow_leaks, cluster, fold_chunk, calibrate: as of `merzoo.evaluate`. The protocol
            `"leave-one-dataset-out"` tests on each data set what was trained on the others.

    Returns:
        A `UnitResult`.

    Raises:
        InputError: for an estimator, a protocol that does not hold people out, data without action
            units, a network that is told them as an input, and as `merzoo.evaluate`.

    Source:
        Ekman and Friesen, Facial Action Coding System (1978), for the units; F1 pooled over folds
        as MEGC 2019 does it for classes.

    Example:

    >>> import numpy as np
    >>> from merzoo.preprocessing.arrays import Arrays
    >>> rng = np.random.default_rng(0)
    >>> y = np.arange(48) % 3
    >>> x = rng.uniform(0, 255, (48, 28, 28, 3)); x[y == 1, :14] *= 0.3; x[y == 2, 14:] *= 0.3
    >>> samples = Arrays({"flow_image": x}, y, [f"s{i // 12}" for i in range(48)], ["demo"] * 48,
    ...                  [str(i) for i in range(48)], ("none", "AU4", "AU12"))
    >>> evaluate_units("ststnet", samples, epochs=8).macro_f1 > 0.9
    True
    """
    labels = unit_labels(labels)
    learner = resolve(model, recipe, arguments=arguments)
    learner = unit_learner(
        learner.with_recipe(change_recipe(learner.recipe, epochs=epochs)), labels
    )
    if "action_units" in (learner.inputs or {}) and not _left_out(learner, parameters):
        raise InputError(
            f"{learner.name} takes the annotated action units as an input: it would be told what "
            f"it is asked. --action-units zero leaves them out."
        )
    protocol = protocol or learner.recipe.protocol
    if split is None and parse_protocol(protocol)[0].by != "subject":
        raise InputError(f"protocol {protocol!r} puts one person on both sides; take loso.")
    return evaluate(
        learner,
        data,
        labels=labels,
        protocol=protocol,
        parameters=parameters,
        engine=engine,
        seeds=seeds,
        jobs=jobs,
        subjects=subjects,
        out=out,
        split=split,
        selection=selection,
        callbacks=callbacks,
        allow_leaks=allow_leaks,
        cluster=cluster,
        fold_chunk=fold_chunk,
        calibrate=calibrate,
    )


def unit_labels(labels: str | None) -> str:
    """The label map of action units that is asked for, or the usual one.

    Raises:
        InputError: for a map of something else, or units that cannot be.
    """
    labels = labels or UNIT_LABELS
    if not is_unit_labels(labels):
        raise InputError(f"labels {labels!r} are no action units; leave them out with --task au.")
    wanted_units(labels)
    return labels


def unit_learner(learner: Learner, labels: str = UNIT_LABELS) -> Learner:
    """The same network, trained to say yes or no of each action unit.

    Raises:
        InputError: for an estimator.
    """
    if learner.kind != "network":
        raise InputError(f"{learner.name} is no network: --task au trains a network's heads.")
    return learner.with_recipe(multilabel_recipe(learner.recipe, labels))


def _left_out(learner: Learner, parameters: dict | None) -> bool:
    chosen = check_parameters(learner.recipe.preprocessing | dict(parameters or {}))
    return chosen["action_units"] == "zero"

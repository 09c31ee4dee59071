"""`audit`: the leaks in what `evaluate` would run with the same arguments, without training."""

from collections.abc import Sequence

from merzoo.arguments import MOST_JOBS, whole_number
from merzoo.data.datasets import parse_data
from merzoo.data.unit_labels import is_unit_labels
from merzoo.errors import InputError
from merzoo.evaluation.leakage import Finding, find_leaks
from merzoo.evaluation.runs.samples import samples_for
from merzoo.evaluation.splits.file import folds_of
from merzoo.evaluation.splits.protocols import parse_protocol
from merzoo.evaluation.spotting.spotters import MOTION
from merzoo.evaluation.tasks import RECOGNISE, audit_videos
from merzoo.evaluation.units import unit_labels, unit_learner
from merzoo.metrics import CLASSIFY, UNITS
from merzoo.preprocessing.arrays import Arrays
from merzoo.preprocessing.samples import load_samples
from merzoo.training.engines import check_callbacks
from merzoo.training.learner import resolve
from merzoo.training.recipes import Recipe, change_preprocessing, get_recipe


def audit(
    data,
    model=None,
    *,
    labels: str | None = None,
    protocol: str | None = None,
    split=None,
    recipe: Recipe | str | None = None,
    parameters: dict | None = None,
    callbacks: Sequence = (),
    jobs: int = 1,
    task: str = CLASSIFY,
) -> list[Finding]:
    """Looks for leaks in what `merzoo.evaluate` would run with the same arguments; trains nothing.

    Args:
        data: as for `evaluate`; without a model it must be arrays.
        model: as for `evaluate`, or `None`.
        labels, protocol, split, recipe, parameters, callbacks, jobs: as for `evaluate`.
        task: of `evaluate`: `"au"` for action units, which `labels="action_units"` says too;
            `"spot"` for spotters on long videos: then `model` is a spotter, the motion spotter
            where `None`, and `labels`, `parameters` and `callbacks` play no part; or
            `"spot-recognise"`, whose `model` is such as `"spotter+ststnet"`.

    Returns:
        Findings, errors first; an empty list where nothing was found.

    Raises:
        InputError: for bad input, as `evaluate` does.

    Example:

    >>> import numpy as np
    >>> x = np.random.default_rng(0).uniform(0, 255, (6, 28, 28, 3))
    >>> x[5] = x[0]  # the same picture under another person's name
    >>> data = Arrays({"flow_image": x}, [0, 1] * 3, list("aabbcc"), ["d"] * 6, list("123456"),
    ...               ("negative", "positive"))
    >>> print(audit(data)[0].message)
    identical samples on both sides, 1 pairs: d/1 and d/6 (fold d/a). Keep one.
    """
    whole_number("jobs", jobs, most=MOST_JOBS)
    check_callbacks(callbacks)
    own = audit_videos(task)
    if own is not None:
        how = {"protocol": protocol, "split": split, "recipe": recipe}
        how |= {"labels": labels, "parameters": parameters} if task == RECOGNISE else {}
        return own(data, MOTION if model is None else model, **how)
    if task == UNITS:
        labels = unit_labels(labels)
    if model is None:
        if not isinstance(data, Arrays):
            _only_arrays(data)
        recipe = None if recipe is None else get_recipe(recipe)
        protocol = protocol or ("loso" if recipe is None else recipe.protocol)
        samples = load_samples(data, {}, labels=labels)
        how = {"by": _by(protocol, split), "recipe": recipe, "callbacks": callbacks}
        return find_leaks(samples, folds_of(samples, protocol, split), **how)
    learner = resolve(model, recipe)
    protocol = protocol or learner.recipe.protocol
    chosen, _ = parse_protocol(protocol)
    if parameters:
        learner = learner.with_recipe(change_preprocessing(learner.recipe, parameters))
    if is_unit_labels(labels):
        learner = unit_learner(learner, str(labels))
    samples = samples_for(learner, data, labels, chosen.labels, jobs, chosen.by == "frame")
    samples = learner.take(samples)
    folds = folds_of(samples, protocol, split)
    by = _by(protocol, split)
    return find_leaks(samples, folds, by=by, learner=learner, callbacks=callbacks)


def _by(protocol: str, split) -> str:
    """What the folds part."""
    return parse_protocol(protocol)[0].by if split is None else "subject"


def _only_arrays(data) -> None:
    for text in [data] if isinstance(data, str) else data:
        if not isinstance(text, str) or parse_data(text).kind != "arrays":
            raise InputError(
                f"{text if isinstance(text, str) else 'clips'}: name the model whose inputs are "
                f"to be worked out; without one only arrays:FILE.npz can be audited."
            )

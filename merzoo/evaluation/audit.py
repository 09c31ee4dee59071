"""`audit`: the leaks in what `evaluate` would run with the same arguments, without training."""

from collections.abc import Sequence

from merzoo.data.datasets import parse_data
from merzoo.data.frame_samples import FRAMES
from merzoo.errors import InputError
from merzoo.evaluation.leakage import Finding, find_leaks
from merzoo.evaluation.settings import fit_together, settings_of
from merzoo.evaluation.splits.file import folds_of
from merzoo.evaluation.splits.protocols import parse_protocol
from merzoo.preprocessing.arrays import Arrays
from merzoo.preprocessing.samples import load_samples
from merzoo.training.recipes import Recipe, get_recipe


def audit(
    data,
    model: str | None = None,
    *,
    labels: str | None = None,
    protocol: str = "loso",
    split=None,
    recipe: Recipe | str | None = None,
    callbacks: Sequence = (),
    jobs: int = 1,
) -> list[Finding]:
    """Looks for leaks in what `merzoo.evaluate` would run with the same arguments; trains nothing.

    Args:
        data: as for `evaluate`; without a model it must be arrays.
        model: a name of `merzoo.list_models()`.
        labels, protocol, split, recipe, callbacks, jobs: as for `evaluate`.

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
    chosen, _ = parse_protocol(protocol)
    frames = FRAMES if chosen.by == "frame" else None
    inputs = {}
    if model is not None:
        recipe, _, inputs = settings_of(model, recipe)
    elif recipe is not None:
        recipe = get_recipe(recipe)
    elif not isinstance(data, Arrays):
        _only_arrays(data)
    labels = labels or chosen.labels or "megc3"
    samples = load_samples(data, inputs, labels=labels, jobs=jobs, frames=frames)
    if model is not None:
        samples = fit_together(model, samples, recipe, inputs)
    folds = folds_of(samples, protocol, split)
    by = chosen.by if split is None else "subject"
    return find_leaks(samples, folds, by=by, model=model, recipe=recipe, callbacks=callbacks)


def _only_arrays(data) -> None:
    for text in [data] if isinstance(data, str) else data:
        if not isinstance(text, str) or parse_data(text).kind != "arrays":
            raise InputError(
                f"{text if isinstance(text, str) else 'clips'}: name the model whose inputs are "
                f"to be worked out; without one only arrays:FILE.npz can be audited."
            )

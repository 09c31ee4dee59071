"""`find_leaks` asks every check; `stop_at_leaks` decides what follows."""

from collections.abc import Sequence

from merzoo.errors import InputError
from merzoo.evaluation.leakage import code, copies, groups, history
from merzoo.evaluation.leakage.findings import Finding, Sides
from merzoo.evaluation.splits.protocols import Fold
from merzoo.preprocessing.arrays import Arrays
from merzoo.training.learner import Learner
from merzoo.training.recipes import Recipe
from merzoo.weights import WeightsEntry
from merzoo.weights.load import locate


def find_leaks(
    data: Arrays,
    folds: Sequence[Fold],
    *,
    by: str = "subject",
    learner: Learner | None = None,
    recipe: Recipe | None = None,
    weights: WeightsEntry | None = None,
    callbacks: Sequence = (),
) -> list[Finding]:
    """Everything by which test samples could reach training.

    Args:
        data: the samples.
        folds: the split.
        by: what the protocol keeps on one side; what it says openly that it does not keep is
            a warning instead of an error.
        learner: whose builder is looked at if it is not merzoo's own.
        recipe: where there is no learner. Its class weights, the weights that training starts
            from, and whom a search judged it on are looked at.
        weights: what is known of those weights; `None` looks for the `weights.json` beside them.
        callbacks: Keras callbacks that run during training.

    Returns:
        The findings, errors first.

    Example:

    >>> import numpy as np
    >>> data = Arrays({}, [0, 1] * 4, ["s1", "1"] * 4, ["x"] * 8, list("12345678"),
    ...               ("no", "yes"))
    >>> folds = [Fold("s1", np.arange(1, 8, 2), np.arange(0, 8, 2))]
    >>> [(f.kind, f.severity, len(f.samples)) for f in find_leaks(data, folds)]
    [('one person, two names', 'error', 8)]
    """
    sides = Sides(data, folds)
    things = {f"callbacks[{i}]": callback for i, callback in enumerate(callbacks)}
    start = None
    recipe = recipe if learner is None else learner.recipe
    if recipe is not None:
        start = recipe.model_arguments.get("weights")
        things["model_arguments"] = {
            n: v for n, v in recipe.model_arguments.items() if n != "weights"
        }
    if learner is not None:
        things |= _builder(learner)
    in_code, vectors = code.reachable_test_samples(sides, things)
    if recipe is not None and isinstance(recipe.class_weights, tuple):
        vectors[f"recipe {recipe.name}"] = recipe.class_weights
    if start is not None and weights is None:
        weights = locate(start, "" if learner is None else learner.name)[1]
    findings = [
        *groups.shared_groups(sides, by),
        *groups.spelling_variants(sides),
        *copies.copied_samples(sides, by),
        *history.starting_weights(sides, start if weights is None else weights.id, weights),
        *history.chosen_settings(sides, recipe),
        *history.fitted_features(sides),
        *history.annotation_at_test(sides),
        *history.class_priors(sides, vectors),
        *in_code,
    ]
    return sorted(findings, key=lambda finding: finding.severity)


def _builder(learner: Learner) -> dict[str, object]:
    """A builder of somebody's own; merzoo's hold no samples."""
    builder = getattr(learner.builder, "func", learner.builder)  # of a variant: partial
    if (getattr(builder, "__module__", None) or "").partition(".")[0] == "merzoo":
        builder = getattr(builder, "config", None) or getattr(builder, "estimator", None)
    return {} if builder is None else {f"builder of {learner.name}": builder}


def stop_at_leaks(findings: Sequence[Finding], allow: bool) -> list[str]:
    """One line a finding, for a result's warnings.

    Raises:
        InputError: for errors, unless they are allowed.
    """
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors and not allow:
        more = f" And {len(errors) - 1} more." if len(errors) > 1 else ""
        raise InputError(
            f"leak: {errors[0].message}{more} merzoo audit shows all; --allow-leaks "
            f"(allow_leaks=True) runs all the same and marks the result."
        )
    word = {"error": "LEAK", "warning": "leak audit"}
    return [f"{word[finding.severity]}: {finding.message}" for finding in findings]

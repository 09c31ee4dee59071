"""`find_leaks` asks every check; `stop_at_leaks` decides what follows."""

from collections.abc import Sequence

import numpy as np

from merzoo.errors import InputError
from merzoo.evaluation.leakage import code, copies, fitted, groups, history
from merzoo.evaluation.leakage.findings import Finding, Sides
from merzoo.evaluation.leakage.inputs import label_in_inputs
from merzoo.evaluation.leakage.mixes import mixed_samples
from merzoo.evaluation.leakage.own import builder_of
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
        things |= builder_of(learner, len(learner.outputs(data.classes)))
    in_code, numbers = code.reachable_test_samples(sides, things)
    if recipe is not None and isinstance(recipe.class_weights, tuple):
        numbers[f"recipe {recipe.name}"] = np.asarray(recipe.class_weights)
    if start is not None and weights is None:
        weights = locate(start, "" if learner is None else learner.name)[1]
    findings = [
        *groups.shared_groups(sides, by),
        *groups.spelling_variants(sides),
        *copies.copied_samples(sides, by),
        *mixed_samples(sides),
        *label_in_inputs(sides),
        *history.starting_weights(sides, start if weights is None else weights.id, weights),
        *history.chosen_settings(sides, recipe),
        *fitted.declared_features(sides),
        *fitted.fitted_inputs(sides),
        *fitted.fitted_constants(sides, numbers),
        *history.annotation_at_test(sides),
        *history.asked_units(sides),
        *history.class_priors(sides, numbers),
        *in_code,
    ]
    return sorted(findings, key=lambda finding: finding.severity)


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

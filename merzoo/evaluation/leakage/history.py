"""Leaks through what happened before: weights, settings, features, annotation, class priors."""

import numpy as np

from merzoo.evaluation.leakage.findings import Finding, Sides, some
from merzoo.names import known_people
from merzoo.weights import WeightsEntry

_FEATURES = 4096  # of each modality that are looked at
_CENTRED = 1e-4  # |mean| / standard deviation over the samples, which chance does not reach
_PRIOR_AGREES = 2e-3  # relative; numbers rounded to three digits agree


def _tested(sides: Sides, patterns) -> tuple[list[str], tuple[str, ...]]:
    """Subjects among names or patterns such as `"fer2013/*"`, however spelt, that are tested, and
    the names of their tested samples."""
    subjects = sides.data.subject
    seen = known_people(subjects[sides.tested].tolist(), patterns)
    return seen, sides.names(np.isin(subjects, seen) & sides.tested)


def starting_weights(sides: Sides, weights, entry: WeightsEntry | None) -> list[Finding]:
    """Whether the weights that training starts from have seen subjects that are tested.

    Args:
        sides: of the split.
        weights: what the recipe names, or `None` for fresh weights.
        entry: what is known of them, or `None`.
    """
    if weights is None:
        return []
    if entry is None:
        message = (
            f"nothing says which subjects the weights {weights} have seen; keep the weights.json "
            f"of their training beside them."
        )
        return [Finding("weights of unknown origin", "warning", message)]
    seen, samples = _tested(sides, entry.subjects)
    if not seen:
        return []
    message = (
        f"the weights {entry.id} were trained on {len(seen)} subjects that are tested here: "
        f"{some(seen)}. Use weights of other people."
    )
    return [Finding("weights know test subjects", "error", message, samples)]


def chosen_settings(sides: Sides, recipe) -> list[Finding]:
    """Whether a search chose the recipe by its scores on subjects that are tested.

    Args:
        sides: of the split.
        recipe: to train by, or `None`.
    """
    seen, samples = _tested(sides, () if recipe is None else recipe.chosen_on)
    if not seen:
        return []
    message = (
        f"a search chose the recipe {recipe.name} by its scores on {len(seen)} subjects that are "
        f"tested here: {some(seen)}. The result is optimistic; merzoo tune --nested is not."
    )
    return [Finding("settings chosen on test subjects", "warning", message, samples)]


def fitted_features(sides: Sides) -> list[Finding]:
    """Features that were fitted on tested samples: said so, or seen from their exact zero mean."""
    data, kind, findings = sides.data, "features fitted before the split", []
    seen, samples = _tested(sides, data.fitted_on)
    if seen:
        message = (
            f"something in these features was fitted on {len(seen)} subjects that are tested: "
            f"{some(seen)}. Fit it inside each fold."
        )
        findings.append(Finding(kind, "error", message, samples))
    for name, array in data.modalities.items():
        if array.dtype.kind == "f" and len(array) >= 8 and _is_centred(array):
            message = (
                f"the mean of every value of {name!r} over all samples is 0: they were centred or "
                f"standardised over the tested ones too. Do it inside the model or each fold."
            )
            findings.append(Finding(kind, "warning", message, sides.names(sides.tested)))
    return findings


def _is_centred(array: np.ndarray) -> bool:
    flat = array.reshape(len(array), -1)
    start = max(0, (flat.shape[1] - _FEATURES) // 2)
    part = np.asarray(flat[:, start : start + _FEATURES], "float64")
    spread = part.std(0)
    varied = spread > 1e-9
    if varied.sum() < 8:
        return False
    return bool(np.all(np.abs(part.mean(0)[varied]) < _CENTRED * spread[varied]))


def annotation_at_test(sides: Sides) -> list[Finding]:
    """Features that need annotation, which nobody has of a clip that is to be recognised."""
    data, used = sides.data, set(sides.data.annotated)
    units = data.modalities.get("action_units")
    if units is None:
        used.discard("action_units")
    elif np.any(units):
        used.add("action_units")
    findings = []
    for name, advice in (
        ("apex", "the annotated apex frame; --apex flow spots it"),
        ("action_units", "the annotated action units; action_units='zero' leaves them out"),
    ):
        if name in used:
            message = f"test samples are described with {advice}. Say so with the result."
            samples = sides.names(sides.tested)
            findings.append(Finding("annotation at test time", "warning", message, samples))
    return findings


def class_priors(sides: Sides, numbers: dict[str, np.ndarray]) -> list[Finding]:
    """Weights of classes that equal those of all samples, but not those of any training part.

    Args:
        sides: of the split.
        numbers: where it was found -> vector of one number a class.
    """
    findings, data = [], sides.data
    classes = len(data.classes)
    everyone = np.flatnonzero((sides.train | sides.test).any(0))
    whole = _priors(data.label[everyone], classes)
    parts = [_priors(data.label[fold.train], classes) for fold in sides.folds]
    for place, vector in numbers.items():
        vector = _scaled(vector)
        if vector is None or np.ptp(vector) < 0.01:  # equal weights know nothing
            continue
        fits = [_close(vector, prior) for prior in whole]
        honest = [any(_equal(vector, prior) for prior in part) for part in parts]
        if any(fits) and not all(honest):
            message = (
                f"{place} holds the class weights of all {len(everyone)} samples, tested ones "
                f"included. Use class_weights='balanced' or 'sqrt': they see training samples only."
            )
            kind = "class priors of test samples"
            findings.append(Finding(kind, "warning", message, sides.names(sides.tested)))
    return findings


def _priors(label: np.ndarray, classes: int) -> list[np.ndarray]:
    """The shares of the classes, and the usual weights made of them, each with mean 1."""
    counts = np.bincount(label, minlength=classes).astype(float)
    if not counts.all():
        return []
    return [v / v.mean() for v in (counts, 1 / counts, 1 / np.sqrt(counts), np.sqrt(counts))]


def _scaled(vector) -> np.ndarray | None:
    vector = np.asarray(vector, float)
    if vector.ndim != 1 or not np.isfinite(vector).all() or not (vector > 0).all():
        return None
    return vector / vector.mean()


def _close(vector, prior) -> bool:
    return vector.shape == prior.shape and bool(np.allclose(vector, prior, rtol=_PRIOR_AGREES))


def _equal(vector, prior) -> bool:
    return vector.shape == prior.shape and bool(np.allclose(vector, prior, rtol=1e-6))

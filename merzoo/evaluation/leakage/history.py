"""Leaks through what happened before: weights, settings, annotation, class priors."""

import re

import numpy as np

from merzoo.data.unit_labels import unit_table
from merzoo.errors import InputError
from merzoo.evaluation.leakage.findings import Finding, Sides, some
from merzoo.names import known_people, plain_subject
from merzoo.preprocessing.extract import EXTRACTORS
from merzoo.weights import WeightsEntry

_NAMESAKES = 5  # people of the same names in two sets, below which it is chance
_ALIKE = 0.9  # share of all people of both sets that have the same names
_SHORT_NUMBER = re.compile(r"\d{1,3}")  # by which most sets name people
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
        return _renamed_set(sides, entry)
    message = (
        f"the weights {entry.id} were trained on {len(seen)} subjects that are tested here: "
        f"{some(seen)}. Use weights of other people."
    )
    return [Finding("weights know test subjects", "error", message, samples)]


def _renamed_set(sides: Sides, entry: WeightsEntry) -> list[Finding]:
    """Whether the weights have seen a set of another name whose people have the names of ours.

    Sets number their people alike, `s01` onwards, so that is a hint only where names are more than
    such a row of numbers, or where exactly those numbers that are here are there.
    """
    ours, theirs = _people_by_set(sides.data.subject[sides.tested]), _people_by_set(entry.subjects)
    for name, people in ours.items():
        for other, known in theirs.items():
            shared = people & known
            if len(shared) < _NAMESAKES or len(shared) < _ALIKE * len(people | known):
                continue
            telling = {person for person in shared if not _SHORT_NUMBER.fullmatch(person)}
            if people != known and len(telling) < _NAMESAKES:
                continue
            message = (
                f"the weights {entry.id} were trained on {other!r}, {len(shared)} of whose people "
                f"have the names of people of {name!r}, which is tested here: make sure that it is "
                f"not the same set under another name."
            )
            rows = np.flatnonzero((sides.data.dataset == name) & sides.tested)
            return [
                Finding("weights may know test subjects", "warning", message, sides.names(rows))
            ]
    return []


def _people_by_set(subjects) -> dict[str, set[str]]:
    """Set -> its people's names as they are looked for in other sources; no patterns."""
    found: dict[str, set[str]] = {}
    for subject in subjects:
        person = plain_subject(str(subject)).partition("/")[2]
        if not any(c in person for c in "*?["):
            found.setdefault(str(subject).partition("/")[0], set()).add(person)
    return found


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


def annotation_at_test(sides: Sides) -> list[Finding]:
    """Features that need annotation, which nobody has of a clip that is to be recognised."""
    data, used = sides.data, set(sides.data.annotated)
    units = data.modalities.get("action_units")
    if units is None:
        used.discard("action_units")
    elif np.any(units):
        used.add("action_units")
    if not any(_uses_apex(name) for name in data.modalities):
        used.discard("apex")
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


def asked_units(sides: Sides) -> list[Finding]:
    """Action units among the inputs of a network that is asked for them."""
    units = sides.data.modalities.get("action_units")
    if units is None or not np.any(units):
        return []
    try:
        unit_table(sides.data.classes)
    except InputError:
        return []
    message = (
        "the annotated action units are an input of the network that is asked for them: it copies "
        "them. action_units='zero' (--action-units zero) leaves them out."
    )
    return [Finding("asked units among inputs", "error", message, sides.names(sides.tested))]


def _uses_apex(modality: str) -> bool:
    """Whether a modality is worked out with the apex; one of somebody's own may be."""
    return modality not in EXTRACTORS or "apex" in EXTRACTORS[modality].parameters


def class_priors(sides: Sides, numbers: dict[str, np.ndarray]) -> list[Finding]:
    """Weights of classes that equal those of all samples, but not those of any training part.

    Args:
        sides: of the split.
        numbers: where it was found -> numbers; those that are one a class are looked at.
    """
    findings, data = [], sides.data
    classes = len(data.classes)
    everyone = np.flatnonzero((sides.train | sides.test).any(0))
    whole = _priors(data.label[everyone], classes)
    parts = [_priors(data.label[fold.train], classes) for fold in sides.folds]
    for place, vector in numbers.items():
        if any(_knows(form, whole, parts) for form in _forms(vector, classes)):
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


def _forms(vector, classes: int) -> list[np.ndarray]:
    """One number a class with mean 1, as it is and as the logarithm that it may be."""
    vector = np.asarray(vector)
    if vector.dtype.kind not in "uif" or vector.size != classes:
        return []
    vector = vector.astype(float).ravel()
    if not np.isfinite(vector).all():
        return []
    forms = [vector] if (vector > 0).all() else []
    if np.abs(vector).max() < 50:
        forms += [np.exp(vector), np.exp(-vector)]
    return [form / form.mean() for form in forms]


def _knows(vector: np.ndarray, whole: list, parts: list[list]) -> bool:
    """Whether one number a class is that of all samples, but not of every training part."""
    if np.ptp(vector) < 0.01:  # equal weights know nothing
        return False
    honest = [any(_equal(vector, prior) for prior in part) for part in parts]
    return any(_close(vector, prior) for prior in whole) and not all(honest)


def _close(vector, prior) -> bool:
    return vector.shape == prior.shape and bool(np.allclose(vector, prior, rtol=_PRIOR_AGREES))


def _equal(vector, prior) -> bool:
    return vector.shape == prior.shape and bool(np.allclose(vector, prior, rtol=1e-6))

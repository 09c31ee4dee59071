"""The protocol card of an evaluation, `protocol.json`."""

from collections.abc import Sequence

from merzoo.evaluation.splits.protocols import Fold, split_fingerprint
from merzoo.preprocessing.arrays import Arrays
from merzoo.training.recipes import Recipe, recipe_as_dict
from merzoo.versions import package_versions


def protocol_card(
    model: str,
    data: Arrays,
    protocol: str,
    folds: list[Fold],
    recipe: Recipe,
    arguments: dict,
    *,
    seeds: int = 1,
    subjects: list[str] | None = None,
    selection: str = "last: the final weights of each fold are scored",
    callbacks: Sequence = (),
    start=None,
) -> dict:
    """Everything needed to rerun, and to tell whether a rerun continues the same run."""
    import keras

    card = {
        "model": model,
        "model_arguments": arguments,
        "recipe": recipe_as_dict(recipe),
        "protocol": protocol,
        "selection": selection,
        "source": data.source,
        "held_out_subjects": sorted(subjects) if subjects else "all",
        "data": {
            "fingerprint": data.fingerprint(),
            "samples": len(data),
            "subjects": len(set(data.subject.tolist())),
            "classes": list(data.classes),
            "samples_per_class": data.counts(),
        },
        "split_fingerprint": split_fingerprint(folds),
        "folds": len(folds),
        "seeds": seeds,
        "backend": keras.backend.backend(),
        "versions": package_versions(),
    }
    if callbacks:
        card["callbacks"] = [type(callback).__name__ for callback in callbacks]
    if start is not None:
        card["pretrained"] = start.card()
    return card

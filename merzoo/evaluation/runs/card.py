"""The protocol card of an evaluation, `protocol.json`: what was done, and all that reruns it."""

from collections.abc import Sequence

from merzoo.data.labels import LabelMap, label_map
from merzoo.data.unit_labels import is_unit_labels
from merzoo.errors import InputError
from merzoo.evaluation.runs.schema import RerunCard, RerunTaskCard
from merzoo.evaluation.runs.workers import threads_of
from merzoo.evaluation.splits.protocols import Fold, split_fingerprint
from merzoo.evaluation.splits.selection import Selection
from merzoo.metrics import UNITS
from merzoo.preprocessing.arrays import Arrays
from merzoo.schema import check
from merzoo.surroundings import surroundings
from merzoo.training.builders import settings_fingerprint
from merzoo.training.engines import Engine
from merzoo.training.learner import Learner
from merzoo.training.recipes import recipe_as_dict
from merzoo.versions import package_versions

OWN_CLASSES = "of the arrays"  # instead of a label map


def protocol_card(
    learner: Learner,
    data: Arrays,
    protocol: str,
    folds: list[Fold],
    *,
    labels: str | LabelMap | None = None,
    usual: str | None = None,
    seeds: int = 1,
    jobs: int = 1,
    cluster: str | None = None,
    subjects: list[str] | None = None,
    selection: Selection = Selection("last"),  # noqa: B008 - frozen
    callbacks: Sequence = (),
    start=None,
    engine: str = "auto",
    used: Engine | None = None,
    cache_backbone: bool = False,
    calibrate: bool = False,
    named: list[str] | None = None,
) -> dict:
    """Everything needed to rerun, and to tell whether a rerun continues the same run.

    Args:
        learner: with the recipe as it is trained by.
        data: the samples.
        protocol: of the folds, as typed.
        folds: of the protocol.
        labels: label map that was asked for, or `None`.
        usual: label map of clips where none was; `None` for the recipe's.
        seeds, jobs, cluster, subjects, selection, callbacks, start, engine, cache_backbone,
            calibrate: of `merzoo.evaluate`.
        used: the engine that was chosen.
        named: the data as they were named; `None` for objects, which cannot be found again.
    """
    import keras

    card = {
        "model": learner.name,
        "model_arguments": learner.recipe.model_arguments,
        "recipe": recipe_as_dict(learner.recipe),
        "preprocessing": data.preparation.get("parameters"),
        "labels": _labels_told(labels, usual or learner.recipe.labels, data),
        "protocol": protocol,
        "selection": _selection_told(selection, learner, calibrate),
        "source": data.source,
        "held_out_subjects": sorted(subjects) if subjects else "all",
        "data": {
            "fingerprint": data.fingerprint(),
            "samples": len(data),
            "subjects": len(set(data.subject.tolist())),
            "classes": list(data.classes),
            "samples_per_class": data.counts(),
            "preparation": {n: v for n, v in data.preparation.items() if n != "parameters"},
        },
        "split_fingerprint": split_fingerprint(folds),
        "folds": len(folds),
        "seeds": seeds,
        "deterministic": learner.deterministic,
        "backend": keras.backend.backend(),
        "engine": None if used is None else used.as_dict(),
        "threads": threads_of(jobs, cluster, None if used is None else used.name),
        "versions": package_versions(),
        "surroundings": surroundings(),
        "rerun": {
            "model": learner.origin,
            "data": named,
            "labels": labels if isinstance(labels, str) else None,
            "selection": selection.text,
            "subjects": sorted(subjects) if subjects else None,
            "engine": engine,
            "cache_backbone": cache_backbone,
            "calibrate": calibrate,
            "start": None if start is None else start.named(),
            "callbacks": len(callbacks),
        },
    }
    if learner.multilabel:
        card |= {"task": UNITS, "units": list(learner.outputs(data.classes))}
    own = learner.fingerprint(len(learner.outputs(data.classes)))
    if own is not None:
        card["model_fingerprint"] = own
    if callbacks:
        card["callbacks"] = [type(callback).__name__ for callback in callbacks]
        card["callbacks_fingerprint"] = settings_fingerprint(*map(vars, callbacks))
    if start is not None:
        card["pretrained"] = start.card()
    return card


def _selection_told(selection: Selection, learner: Learner, calibrate: bool) -> str:
    recipe = learner.recipe
    if selection.name == "inner":
        return selection.about
    if selection.name != "last" or not recipe.validation:
        return selection.about + (_DRAWN if calibrate else "")
    return (
        f"by the recipe: of each fold's training subjects {recipe.validation:.0%} are drawn for "
        f"validation, the rest is trained on, and the epoch with the best {recipe.monitor} on the "
        f"drawn ones is scored; test subjects play no part"
    )


_DRAWN = (
    "; of its training subjects a share is drawn to calibrate on, the rest is trained on; test "
    "subjects play no part"
)


def _labels_told(labels, usual: str, data: Arrays) -> dict | str:
    """The label map in full, as it was applied to clips, and to arrays where it was asked for."""
    if labels is None and not data.preparation:
        return OWN_CLASSES
    labels = usual if labels is None else labels
    if labels == "annotated" or is_unit_labels(labels):
        return {"name": labels, "classes": list(data.classes)}
    chosen = label_map(labels) if isinstance(labels, str) else labels
    if chosen.classes != data.classes:  # of arrays that were prepared under another map
        return OWN_CLASSES
    names = [name for name in sorted(set(data.dataset.tolist())) if chosen.serves(name)]
    return {
        "name": chosen.name,
        "classes": list(chosen.classes),
        "reads": chosen.reads,
        "tables": {name: dict(chosen.table(name)) for name in names},
    }


def rerun_options(card: dict, file: str) -> dict:
    """The arguments of `merzoo.evaluate` that run a card's evaluation again.

    Args:
        card: content of `protocol.json`.
        file: where it was read, for messages and for the `split.json` beside it.

    Raises:
        InputError: for a card that does not say enough, naming what is missing.
    """
    from pathlib import Path

    from merzoo.training.pretrained import find_start
    from merzoo.training.recipes import recipe_from_dict

    if "rerun" not in card:
        raise InputError(f"{file}: not the protocol.json of an evaluation that can be rerun.")
    if isinstance(card["rerun"], dict) and card["rerun"].get("task", "classify") != "classify":
        check(card, RerunTaskCard, file)
        return _of_another_task(card, file)
    check(card, RerunCard, file)
    again = card["rerun"]
    if again.get("callbacks"):
        raise InputError(f"{file}: the run had callbacks of Python's, which no file holds.")
    options: dict = {
        "model": again["model"],
        "data": again["data"],
        "labels": None if card.get("labels") == OWN_CLASSES else again["labels"],
        "recipe": recipe_from_dict(card["recipe"], file),
        "seeds": card["seeds"],
        "selection": again["selection"],
        "subjects": again["subjects"],
        "engine": again["engine"],
    }
    if again["cache_backbone"]:
        options["cache_backbone"] = True
    if card.get("task"):
        options["task"] = card["task"]
    if card["protocol"] == "a split of one's own":
        options["split"] = str(Path(file).with_name("split.json"))
    else:
        options["protocol"] = card["protocol"]
    if again.get("calibrate"):
        options["calibrate"] = True
    if again.get("start"):
        options["start"] = find_start(**again["start"])
    return options


def _of_another_task(card: dict, file: str) -> dict:
    """The same of a card of spotting, whose `rerun` says task, model and data."""
    from pathlib import Path

    from merzoo.training.recipes import recipe_from_dict

    options = {name: value for name, value in card["rerun"].items() if value is not None}
    recipe = card.get("recipe")
    if "recogniser" in card:  # whose recipe is said; a learnt spotter beside it goes by its own
        recipe = card["recogniser"]["recipe"]
    if recipe:
        options["recipe"] = recipe_from_dict(recipe, file)
    if card.get("protocol") == "a split of one's own":
        options["split"] = str(Path(file).with_name("split.json"))
    else:
        options["protocol"] = card.get("protocol")
    if card.get("seeds", 1) > 1:
        options["seeds"] = card["seeds"]
    return options

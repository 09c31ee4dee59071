"""Recipes by name: one per paper, and merzoo's own.

The papers' tables, with the changes that each row makes, are in `merzoo/reproduction/tables/`. The
final weights are scored; no recipe looks at test data to stop or choose.
"""

import importlib
from dataclasses import replace
from pathlib import Path

from merzoo.errors import unknown
from merzoo.schema import read_json
from merzoo.training.measured import reached
from merzoo.training.recipe import (
    MULTILABEL_LOSS,
    Recipe,
    change_preprocessing,
    change_recipe,
    multilabel_recipe,
    recipe_as_dict,
    recipe_from_dict,
    recipe_settings,
)

__all__ = [
    "MULTILABEL_LOSS",
    "RECIPES",
    "Recipe",
    "change_preprocessing",
    "change_recipe",
    "get_recipe",
    "multilabel_recipe",
    "recipe_as_dict",
    "recipe_from_dict",
    "recipe_settings",
]

PAPERS = "merzoo.reproduction.tables"  # whose `row_recipe` knows the papers' rows; it stands above

_INNER = (
    "watched on a fifth of the people of each fold's training part, drawn for it: the test person "
    "plays no part, and the weights of the epoch that is best on them are scored"
)
_FIXED = "with a fixed number of epochs on all training people; the final weights are scored"

_MAGNIFIED_VIDEO = {"magnification": "ideal+butterworth", "magnification_at": "video"}
_DC_ROIS = {"apex": "annotated+dc_rois"}
_EQ_16_17 = {"apex": "pixel_ratio", "alignment": "local_weighted_mean"}

RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "merzoo-flow",
            "merzoo's own, for networks that take a flow image: prepared input, flip with u "
            "negated in training and at test time, square-root class weights, cosine schedule, "
            "final weights.",
            learning_rate=2e-3,
            schedule="cosine",
            batch_size=32,
            epochs=12,
            class_weights="sqrt",
            augment=("flip",),
            test_time="flip",
            model_arguments={"preparation": "flow"},
        ),
        Recipe(
            "ststnet",
            "A short form of the authors' settings, a tenth of their steps: Adam at 1e-3, batch "
            "32, 12 epochs. 5e-4 was tried too and scored lower on the MEGC 2019 flow images.",
            epochs=12,
        ),
        Recipe(
            "ststnet-paper",
            "The settings of the authors' public code: Adam 5e-5, batch 256, 800 epochs, no "
            "augmentation.",
            learning_rate=5e-5,
            batch_size=256,
            epochs=800,
        ),
        Recipe(
            "offapexnet",
            "Adam 1e-4 as in a public re-implementation; batch and epochs are choices.",
            learning_rate=1e-4,
            epochs=40,
        ),
        Recipe(
            "dualinception",
            "The authors' code: Adam 1e-4, batch 3, 40 epochs.",
            learning_rate=1e-4,
            batch_size=3,
            epochs=40,
        ),
        Recipe(
            "rcn",
            "The authors' code: SGD 5e-4, momentum 0.9, halved every 10 epochs (smoothly here), "
            "batch 64, 100 epochs.",
            optimizer="sgd",
            optimizer_arguments={"momentum": 0.9},
            learning_rate=5e-4,
            schedule="exponential",
            decay=0.5**0.1,
            batch_size=64,
            epochs=100,
        ),
        Recipe(
            "softnet",
            "Choices: Adam 1e-3, batch 32, 10 epochs, square-root class weights; the authors' code "
            "has SGD 5e-4, batch 12, 10 epochs, half of the windows without an expression.",
            epochs=10,
            class_weights="sqrt",
        ),
        Recipe(
            "abpn",
            "Choices: Adam 2e-3 with a cosine schedule, batch 64, 20 epochs, square-root class "
            "weights, mirrored windows; the authors' code has a rate of 0.01 and 100 epochs.",
            learning_rate=2e-3,
            schedule="cosine",
            batch_size=64,
            epochs=20,
            class_weights="sqrt",
            augment=("flip",),
        ),
        Recipe("sssn", "Choices; the paper fine-tunes AlexNet weights.", learning_rate=1e-4),
        Recipe("dssn", "Choices; the paper fine-tunes AlexNet weights.", learning_rate=1e-4),
        Recipe("resnet18", "Choices: Adam 1e-4, flip.", learning_rate=1e-4, augment=("flip",)),
        Recipe("alexnet", "Choices: Adam 1e-4, flip.", learning_rate=1e-4, augment=("flip",)),
        Recipe(
            "htnet",
            "The authors' code: Adam 5e-5, batch 256, 800 epochs.",
            learning_rate=5e-5,
            batch_size=256,
            epochs=800,
        ),
        Recipe(
            "mmnet",
            "The authors' code: AdamW 8e-4, weight decay 0.6, rate times 0.987 to epoch 50, batch "
            "32, 74 epochs, flip, crop with padding 15, rotation by 0 to 3 degrees.",
            optimizer="adamw",
            optimizer_arguments={"weight_decay": 0.6},
            learning_rate=8e-4,
            schedule="exponential",
            decay=0.987,
            decay_until=50,
            epochs=74,
            augment=("flip", "crop-15", "rotate-3"),
        ),
        Recipe(
            "cvanet",
            "The paper: AdamW 8e-4, weight decay 0.6, exponential decay for 50 of 75 epochs, batch "
            "16 with gradients of 2 steps added up, flip, crop with padding 15, rotation by 0 to 3 "
            "degrees (decay factor from its ancestor MMNet).",
            optimizer="adamw",
            optimizer_arguments={"weight_decay": 0.6, "gradient_accumulation_steps": 2},
            learning_rate=8e-4,
            schedule="exponential",
            decay=0.987,
            decay_until=50,
            batch_size=16,
            epochs=75,
            augment=("flip", "crop-15", "rotate-3"),
        ),
        Recipe(
            "broadbentnet",
            "The paper: Adam 1e-3, batch 32, 25 epochs, random brightness and contrast (their "
            "strengths are choices); all frames of a clip where frames are split.",
            epochs=25,
            augment=("brightness", "contrast"),
            preprocessing={"frames": "all"},
        ),
        Recipe(
            "densemixednet",
            "The paper: videos magnified 15 times at 0.1-0.4 Hz (0.5-10 Hz if too short for it), "
            "Adam 0.01, batch 32, 200 epochs, the rate times 0.1 when validation stalls and an end "
            "after 20 epochs without a better one (its patience is 20 for both, so that the lower "
            f"rate would never be used: 10 for the rate here), {_INNER}.",
            learning_rate=0.01,
            epochs=200,
            validation=0.2,
            plateau=10,
            stop=20,
            preprocessing=_MAGNIFIED_VIDEO,
        ),
        Recipe(
            "densemixednet-fixed",
            f"As densemixednet, {_FIXED}.",
            learning_rate=0.01,
            epochs=200,
            preprocessing=_MAGNIFIED_VIDEO,
        ),
        Recipe(
            "densemixednet-pretraining",
            "Table 3 of the paper: 0.01, batch 16, 200 epochs, the rate times 0.1 when validation "
            "stalls (see merzoo.pretrain); Adam, as its section 4.2 says of fine-tuning.",
            learning_rate=0.01,
            batch_size=16,
            epochs=200,
        ),
        Recipe(
            "dfrnet",
            "The paper: D&C-RoIs where no apex is annotated, Adam 1e-5, batch 32, 100 epochs, flip "
            "and random crop (padding 15 is a choice), an end after 10 epochs without a lower "
            f"validation loss, which is {_INNER}.",
            learning_rate=1e-5,
            epochs=100,
            augment=("flip", "crop-15"),
            validation=0.2,
            monitor="loss",
            stop=10,
            preprocessing=_DC_ROIS,
        ),
        Recipe(
            "dfrnet-fixed",
            f"As dfrnet, {_FIXED}.",
            learning_rate=1e-5,
            epochs=100,
            augment=("flip", "crop-15"),
            preprocessing=_DC_ROIS,
        ),
        Recipe(
            "keyregionnet",
            "The paper: the apex of every clip by Eq. 16-17, faces by the local weighted mean, "
            "Adam 1e-4, batch 16, 100 epochs, 1e-5 times the L2 norm of the weights, rotation by "
            "up to 8 degrees and random crop (padding 15 is a choice).",
            learning_rate=1e-4,
            batch_size=16,
            epochs=100,
            augment=("rotate-8", "crop-15"),
            l2=1e-5,
            preprocessing=_EQ_16_17,
        ),
        Recipe(
            "keyregionnet-cached",
            "As keyregionnet, without its augmentations: the frozen trunk then sees every clip in "
            "one form only, so its features can be computed once (cache_backbone).",
            learning_rate=1e-4,
            batch_size=16,
            epochs=100,
            l2=1e-5,
            preprocessing=_EQ_16_17,
        ),
        Recipe(
            "capsulenet",
            "The authors' code: Adam 1e-4, rate times 0.9 an epoch, batch 32, 30 epochs, margin "
            "loss on the capsules' lengths.",
            learning_rate=1e-4,
            schedule="exponential",
            decay=0.9,
            epochs=30,
            loss="margin",
            model_arguments={"classifier_activation": None},
        ),
        Recipe(
            "emr",
            "The authors' code: Adam 1e-3, halved every 10 epochs (smoothly here), batch 32, 100 "
            "epochs, weight decay 1e-6. Its 1e-5 for a pretrained trunk, clipped gradients, "
            "rotations (a flow image cannot be rotated), colour jitter and crops are left out.",
            schedule="exponential",
            decay=0.5**0.1,
            epochs=100,
            l2=5e-7,
        ),
        Recipe(
            "elrcn",
            "The authors' code: Adam 1e-5; batch and epochs are choices.",
            learning_rate=1e-5,
        ),
        Recipe("default", "For networks without a recipe of their own."),
    )
}
_FLOW = RECIPES["merzoo-flow"]
_SMALL = {"input_shape": [28, 28, 3], "filters": 32, "pool_size": 5}
for _recipe in (
    replace(_FLOW, name="merzoo-flow-8", about="As merzoo-flow, with 8 epochs.", epochs=8),
    replace(
        _FLOW,
        name="merzoo-flow-slow",
        about="As merzoo-flow, with 8 epochs at a rate of 5e-4, for networks of many weights.",
        learning_rate=5e-4,
        epochs=8,
    ),
    replace(
        _FLOW,
        name="merzoo-flow-small",
        about="As merzoo-flow, for an RCN of 32 filters on 28 x 28 pixels.",
        model_arguments=_FLOW.model_arguments | _SMALL,
    ),
):
    RECIPES[_recipe.name] = _recipe
for _name in ("keyregionnet", "keyregionnet-cached", "dfrnet", "densemixednet"):
    _own = {"about": f"As {_name}, on clips prepared by merzoo's defaults.", "preprocessing": {}}
    RECIPES[f"{_name}-merzoo"] = replace(RECIPES[_name], name=f"{_name}-merzoo", **_own)
for _name in RECIPES:
    _own = {"about": f"{RECIPES[_name].about} {reached(_name)}".rstrip()}
    RECIPES[_name] = replace(RECIPES[_name], **_own)


def get_recipe(name: str | Path | Recipe | None, default: str = "default") -> Recipe:
    """A recipe by name, of a row of a paper's table, from a `.json` file, or as it is.

    Raises:
        InputError: for an unknown name (with the nearest one) or a damaged file.
    """
    if isinstance(name, Recipe):
        return name
    if name is None:
        name = default or "default"
    if str(name).endswith(".json"):
        return recipe_from_dict(read_json(name, finite=False), name)
    if "/" in str(name):  # a row of a paper's table, such as "dfrnet/table6/none"
        return importlib.import_module(PAPERS).row_recipe(str(name))
    if name not in RECIPES:
        raise unknown("recipe", str(name), RECIPES)
    return RECIPES[name]

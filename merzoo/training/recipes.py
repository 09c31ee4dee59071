"""Recipes: how a network is trained, as data. One per paper, and merzoo's own.

The papers' tables, with the changes that each row makes, are in `merzoo/reproduction/tables/`. A
recipe's `epochs` are epochs of the whole data set at its batch size, so that every fold takes the
same number of steps. The final weights are scored; no recipe looks at test data to stop or choose.
"""

import importlib
import json
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

from merzoo.data.labels import check_label_map
from merzoo.data.unit_labels import UNIT_LABELS
from merzoo.errors import InputError, unknown
from merzoo.preprocessing.augment import augmentation_names
from merzoo.preprocessing.mixing import MIXINGS
from merzoo.schema import check, read_json
from merzoo.training.measured import reached
from merzoo.training.recipe_limits import check_arguments, check_fields

MULTILABEL_LOSS = "binary-cross-entropy"  # by which a network says yes or no of each unit
PAPERS = "merzoo.reproduction.tables"  # whose `row_recipe` knows the papers' rows; it stands above


@dataclass(frozen=True)
class Recipe:
    """Hyper-parameters of one way to train.

    Args:
        name: of the recipe.
        about: where it comes from and what it costs and reaches.
        optimizer: class name in `keras.optimizers`, lower case.
        learning_rate: at the start.
        optimizer_arguments: further arguments of the optimizer, such as `{"momentum": 0.9}`.
        schedule: `"constant"`, `"cosine"` (to zero over all steps) or `"exponential"` (times
            `decay` after each epoch, up to epoch `decay_until`).
        decay: factor of the exponential schedule.
        decay_until: epoch after which the rate stays.
        batch_size: samples a step.
        epochs: passes over the data.
        class_weights: `None`, `"balanced"` (N / (K n_c)), `"sqrt"` (its square root), or one number
            a class, which then must not come from the test samples' counts either. Of action units
            the two classes are a unit's presence and absence.
        augment: names from `AUGMENTATIONS` of `merzoo.preprocessing.augment`, and `"mixup"` or
            `"cutmix"`.
        test_time: `None`, `"flip"` (mean over a sample and its mirror image) or `"ten-crop"` (over
            five crops and their mirror images).
        model_arguments: arguments of the builder that belong to the recipe.
        loss: `"cross-entropy"`, `"focal"` or `"margin"`; or `"binary-cross-entropy"`, of a network
            that says of each action unit whether it is there (`multilabel_recipe`): see
            `merzoo.training.losses`.
        loss_arguments: of the loss, such as `{"label_smoothing": 0.1}`.
        l2: times the sum of squares of all trained weights, added to the loss. (Decoupled weight
            decay is an optimizer's argument: `{"weight_decay": 0.6}`.)
        validation: share of people (of a fold's training people, in an evaluation) who are not
            trained on but watched: the weights of the epoch that is best on them are kept; 0 for
            none, and then the last epoch's weights are.
        monitor: what is watched on them, `"accuracy"` or `"loss"`.
        plateau: epochs without a better validation after which the rate falls; `None` for never.
        factor: by which it falls then.
        stop: epochs without a better validation after which training ends; `None` for never.
        protocol: folds, where `evaluate` is not told.
        labels: label map of clips, where `evaluate` is not told.
        preprocessing: choices of `merzoo.preprocessing.parameters` that are not the defaults, such
            as `{"apex": "annotated+dc_rois"}`.
        chosen_on: `"dataset/subject"` of all on whom a search judged these settings; a test on them
            is optimistic, and the leak audit says so.
    """

    name: str
    about: str = ""
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    optimizer_arguments: dict = field(default_factory=dict)
    schedule: str = "constant"
    decay: float = 1.0
    decay_until: int = 10_000
    batch_size: int = 32
    epochs: int = 30
    class_weights: str | tuple[float, ...] | None = None
    augment: tuple[str, ...] = ()
    test_time: str | None = None
    model_arguments: dict = field(default_factory=dict)
    loss: str = "cross-entropy"
    loss_arguments: dict = field(default_factory=dict)
    l2: float = 0.0
    validation: float = 0.0
    monitor: str = "accuracy"
    plateau: int | None = None
    factor: float = 0.1
    stop: int | None = None
    protocol: str = "loso"
    labels: str = "megc3"
    chosen_on: tuple[str, ...] = ()
    preprocessing: dict = field(default_factory=dict)

    def __post_init__(self):
        try:
            self._settle()
        except InputError as error:
            raise InputError(f"recipe {self.name}: {error}") from None

    def check_classes(self, count: int) -> None:
        """Raises `InputError` where a value for each class is said for another number of them.

        >>> Recipe("mine", class_weights=(1, 2)).check_classes(3)
        Traceback (most recent call last):
        ...
        merzoo.errors.InputError: recipe mine: class_weights has 2 values for 3 classes: give one \
a class.
        """
        each = {"class_weights": self.class_weights}
        each["loss_arguments.alpha"] = self.loss_arguments.get("alpha")
        for name, values in each.items():
            if isinstance(values, list | tuple) and len(values) != count:
                raise InputError(
                    f"recipe {self.name}: {name} has {len(values)} values for {count} classes: "
                    f"give one a class."
                )

    def _settle(self):
        """Checks the fields, alone and together, and gives lists and choices their one form."""
        check_fields({f.name: getattr(self, f.name) for f in fields(self)})
        check_arguments(self.optimizer, self.optimizer_arguments, self.loss, self.loss_arguments)
        check_label_map(self.labels)
        if (self.plateau or self.stop) and not self.validation:
            raise InputError("plateau and stop watch a validation; give validation=0.2.")
        if self.plateau and self.schedule != "constant":
            raise InputError("plateau lowers the rate itself; use schedule='constant'.")
        if self.preprocessing:
            from merzoo.preprocessing.parameters import checked

            chosen = {n: checked(n, value) for n, value in self.preprocessing.items()}
            object.__setattr__(self, "preprocessing", chosen)
        object.__setattr__(self, "augment", augmentation_names(self.augment))
        if self.loss == "margin" and not MIXINGS.keys().isdisjoint(self.augment):
            raise InputError(
                f"{' and '.join(MIXINGS)} give each sample shares of two classes, which the margin "
                f"loss cannot take; use loss='cross-entropy'."
            )
        object.__setattr__(self, "chosen_on", tuple(self.chosen_on))
        if isinstance(self.class_weights, list):
            object.__setattr__(self, "class_weights", tuple(self.class_weights))


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


def change_recipe(recipe: Recipe, **changes) -> Recipe:
    """A copy with the given fields changed; `None` values are ignored."""
    changes = {name: value for name, value in changes.items() if value is not None}
    return replace(recipe, **changes) if changes else recipe


def multilabel_recipe(recipe: Recipe, labels: str = UNIT_LABELS) -> Recipe:
    """The same way to train, for action units: one yes or no a unit instead of one class.

    Loss, balance and label map are replaced: presence and absence of each unit weigh the same in
    training, as they count in its F1. A recipe of such a loss keeps what it says of them.

    Args:
        recipe: of classes or of units.
        labels: see `merzoo.data.unit_labels`.

    >>> made = multilabel_recipe(RECIPES["ststnet"])
    >>> made.loss, made.class_weights, made.labels, made.epochs
    ('binary-cross-entropy', 'balanced', 'action_units', 12)
    """
    if recipe.loss == MULTILABEL_LOSS:
        return replace(recipe, labels=labels)
    changed = {"loss": MULTILABEL_LOSS, "loss_arguments": {}, "class_weights": "balanced"}
    return replace(recipe, labels=labels, **changed)


def change_preprocessing(recipe: Recipe, parameters: dict | None) -> Recipe:
    """A copy with these choices of preprocessing over its own."""
    if not parameters:
        return recipe
    return replace(recipe, preprocessing=recipe.preprocessing | dict(parameters))


def recipe_as_dict(recipe: Recipe) -> dict:
    """The recipe as plain JSON types."""
    return json.loads(json.dumps(asdict(recipe)))


def recipe_settings(recipe: Recipe) -> dict:
    """What of a recipe decides a result, as plain JSON types: all but its name and its words.

    >>> recipe_settings(Recipe("a")) == recipe_settings(Recipe("b", about="the same"))
    True
    """
    return {n: v for n, v in recipe_as_dict(recipe).items() if n not in ("name", "about")}


def recipe_from_dict(content: dict, source: str | Path) -> Recipe:
    """A recipe from `recipe_as_dict`'s form; `source` names the file in error messages.

    Raises:
        InputError: for a field that a recipe does not have, or a value that it cannot have.
    """
    check(content, dict, source, finite=False)
    known = [f.name for f in fields(Recipe)]
    if not content:
        raise InputError(f"{source}: holds no field of a recipe; those are {', '.join(known)}.")
    extra = sorted(set(content) - set(known))
    if extra:
        raise InputError(f"{source}: unknown field {extra[0]!r}; a recipe has {', '.join(known)}.")
    content = {"name": Path(source).stem} | content
    try:
        return Recipe(**content)
    except InputError as error:
        message = str(error).removeprefix(f"recipe {content['name']}: ")
        raise InputError(f"{source}: {message}") from None

"""`Recipe`: how a network is trained, as data. A recipe's `epochs` are epochs of the whole data set
at its batch size, so that every fold takes the same number of steps.
"""

import json
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

from merzoo.data.labels import check_label_map
from merzoo.data.unit_labels import UNIT_LABELS
from merzoo.errors import InputError
from merzoo.preprocessing.augment import augmentation_names
from merzoo.preprocessing.mixing import MIXINGS
from merzoo.schema import check
from merzoo.training.recipe_limits import check_arguments, check_fields

MULTILABEL_LOSS = "binary-cross-entropy"  # by which a network says yes or no of each unit


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

    def steps(self, samples: int) -> int:
        """Gradient steps of an epoch of so many samples; the last batch counts, full or not.

        >>> Recipe("mine", batch_size=32).steps(40)
        2
        """
        return max(1, -(-samples // self.batch_size))

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

    >>> from merzoo.training.recipes import get_recipe
    >>> made = multilabel_recipe(get_recipe("ststnet"))
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

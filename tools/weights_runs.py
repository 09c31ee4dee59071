"""The weights that come with merzoo: which network, on which data, by which recipe.

`tools/train_weights.py` makes them.
"""

from dataclasses import dataclass, field, replace

from merzoo.training.recipes import Recipe, change_recipe, get_recipe, multilabel_recipe


@dataclass(frozen=True)
class Run:
    """One file of weights: which network, on which data, by which recipe.

    Args:
        data: a key of `weights_data.SPLITS`.
        labels: label map.
        recipe: how to train.
        arguments: of the builder.
        start: tag of the network's weights to start from; `None` for random ones.
        scored: the test-time views that the tests are scored by, where after every epoch fewer
            are looked through; `None` for those of the recipe.
    """

    data: str
    recipe: Recipe
    labels: str = "megc3"
    arguments: dict = field(default_factory=dict)
    start: str | None = None
    scored: str | None = None


_FLOW = get_recipe("merzoo-flow")
_ONE_VIEW = replace(_FLOW, name="merzoo-flow, one view", test_time=None)
_FRAMES = Recipe(
    "frames",
    "Adam 1e-3 with a cosine schedule, batch 32, flip, square-root class weights.",
    schedule="cosine",
    epochs=20,
    class_weights="sqrt",
    augment=("flip",),
)
_FACES = change_recipe(
    _FRAMES,
    name="faces",
    about="Adam 1e-3 with a cosine schedule, flip and crop, square-root class weights.",
    batch_size=64,
    augment=("flip", "crop-15"),
)
# For a graphics card, where more epochs are affordable.
_FACES_GPU = Recipe(
    "faces-gpu-small",
    "AdamW 2e-3 with weight decay 0.05 and a cosine schedule, batch 128, label smoothing, flip and "
    "crop, the mean of a picture and its mirror image.",
    optimizer="adamw",
    learning_rate=2e-3,
    optimizer_arguments={"weight_decay": 0.05},
    schedule="cosine",
    batch_size=128,
    epochs=61,
    augment=("flip", "crop-15"),
    test_time="flip",
    loss_arguments={"label_smoothing": 0.1},
)
_FACES_GPU_MORE = change_recipe(
    _FACES_GPU, augment=("flip", "crop-15", "rotate-8", "brightness", "contrast")
)

# Action units that at least ten clips of the training show.
_UNITS = "action_units:1,2,4,5,6,7,9,12"

RUNS = {
    "ststnet.synthetic": Run("synthetic", change_recipe(_ONE_VIEW, epochs=40)),
    "ststnet.synthetic-au": Run(
        "synthetic-units", multilabel_recipe(change_recipe(_ONE_VIEW, epochs=60), _UNITS), _UNITS
    ),
    "offapexnet.synthetic": Run(
        "synthetic", change_recipe(_ONE_VIEW, epochs=20, learning_rate=5e-4)
    ),
    "dfrnet.synthetic": Run(
        "synthetic",
        change_recipe(_FRAMES, learning_rate=5e-4, epochs=7),
        arguments={"input_shape": [64, 64, 1]},
    ),
    "densemixednet.synthetic": Run(
        "synthetic",
        change_recipe(_FRAMES, epochs=20),
        arguments={"input_shape": [48, 48, 1]},
    ),
    "broadbentnet.synthetic": Run(
        "synthetic", change_recipe(_FRAMES, epochs=40), arguments={"input_shape": [64, 64, 1]}
    ),
    "ststnet.megc2019": Run("megc2019", _FLOW),
    "offapexnet.megc2019": Run("megc2019", get_recipe("merzoo-flow-slow")),
    "mirrorflownet.megc2019": Run("megc2019", _FLOW),
    "rcn-s.megc2019": Run("megc2019", get_recipe("merzoo-flow-small")),
    "broadbentnet.fer2013-7": Run(
        "fer2013", _FACES_GPU, "macro7", {"input_shape": [48, 48, 1], "dropout": 0.2}
    ),
    "broadbentnet.fer2013-3": Run(
        "fer2013",
        change_recipe(_FACES_GPU, epochs=6, learning_rate=4e-4),
        "macro3",
        {"input_shape": [48, 48, 1], "dropout": 0.2},
        start="fer2013-7",
    ),
    "resnet18.fer2013-7": Run(
        "fer2013",
        change_recipe(_FACES_GPU_MORE, epochs=31, learning_rate=1e-3),
        "macro7",
        {"input_shape": [96, 96, 1]},
    ),
    "resnet18.fer2013-3": Run(
        "fer2013",
        change_recipe(_FACES_GPU_MORE, epochs=6, learning_rate=2e-4),
        "macro3",
        {"input_shape": [96, 96, 1]},
        start="fer2013-7",
    ),
    "densemixednet.fer2013-7": Run(
        "fer2013",
        _FACES_GPU_MORE,
        "macro7",
        {"input_shape": [48, 48, 1], "modality": "apex"},
    ),
    "densemixednet.fer2013-3": Run(
        "fer2013",
        change_recipe(_FACES_GPU_MORE, epochs=6, learning_rate=4e-4),
        "macro3",
        {"input_shape": [48, 48, 1], "modality": "apex"},
        start="fer2013-7",
    ),
}


def _longer(run: Run, **arguments) -> Run:
    """For as long as a graphics card is at hand: averaged weights, CutMix, ten crops at the end."""
    more = {"use_ema": True, "ema_momentum": 0.999}
    recipe = change_recipe(
        run.recipe,
        name=f"{run.recipe.name}, longer",
        about="As the recipe without that word, with a moving average of the weights, CutMix by "
        "halves of the face where the weights start at random, and ten crops at the test.",
        optimizer_arguments=run.recipe.optimizer_arguments | more,
        augment=run.recipe.augment if run.start else (*run.recipe.augment, "cutmix"),
    )
    arguments = run.arguments | arguments
    return replace(run, recipe=recipe, arguments=arguments, scored="ten-crop")


# Instead of these rows where `--minutes` says for how long; the epochs are those that end in time.
LONGER = {
    name: _longer(run, **({"input_shape": [112, 112, 1]} if "resnet18" in name else {}))
    for name, run in RUNS.items()
    if run.data == "fer2013"
}

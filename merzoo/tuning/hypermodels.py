"""`hypermodel`: a network as a KerasTuner `HyperModel`, for those who bring their own tuner."""

import keras_tuner

from merzoo.preprocessing.arrays import Arrays
from merzoo.training.recipes import Recipe, get_recipe
from merzoo.tuning.search_spaces import (
    hyperparameters,
    network,
    recipe_of,
    search_space,
    with_defaults,
)


def hypermodel(
    model: str,
    *,
    classes: int = 3,
    samples: int = 400,
    recipe: Recipe | str | None = None,
    space: dict | None = None,
    **arguments,
) -> "NetworkHyperModel":
    """A network and how it is trained, as a KerasTuner `HyperModel`.

    KerasTuner's own tuners judge by a metric of one validation set, such as `"val_accuracy"`; pick
    its subjects apart from those trained on. `merzoo.tune` does this by itself.

    Args:
        model: a network of `merzoo.list_models(kind="network")`.
        classes: their number.
        samples: how many are trained on, which schedules go by.
        recipe: to start from; `None` for the network's own.
        space: what is searched, see `search_spaces`; `None` for the network's.
        **arguments: of the builder, such as `input_shape`.

    Returns:
        A `keras_tuner.HyperModel`. `build(hp)` gives a compiled model; `fit` takes `Arrays` for
        `x` and `validation_data` and trains by the recipe (batches, augmentation, class weights,
        epochs), and anything else as `keras.Model.fit` does.

    Raises:
        InputError: for an unknown network, recipe or search parameter.

    Example:

    >>> import keras_tuner
    >>> made = hypermodel("ststnet", classes=5)
    >>> hp = keras_tuner.HyperParameters()
    >>> made.build(hp).output_shape, hp.get("epochs")
    ((None, 5), '12')
    """
    recipe = get_recipe(recipe, default=network(model).recipe)
    space = search_space(model, recipe) if space is None else with_defaults(space, model, recipe)
    return NetworkHyperModel(model, {"classes": classes} | arguments, samples, recipe, space)


class NetworkHyperModel(keras_tuner.HyperModel):
    """See `hypermodel`."""

    def __init__(self, model: str, arguments: dict, samples: int, recipe: Recipe, space: dict):
        super().__init__(name=model)
        self.arguments, self.samples = arguments, samples
        self.recipe, self.space = recipe, space

    def recipe_of(self, hp) -> Recipe:
        """The recipe that hyper-parameters stand for; declares them where they are new."""
        for parameter in hyperparameters(self.space, self.name, self.recipe).space:
            hp._retrieve(parameter)
        return recipe_of(self.space, hp.values, self.recipe)

    def build(self, hp):
        """The compiled network."""
        from merzoo.models import create_model
        from merzoo.training.optimizers import make_optimizer
        from merzoo.training.trainer import compile_model

        recipe = self.recipe_of(hp)
        model = create_model(self.name, **self.arguments | recipe.model_arguments)
        compile_model(model, recipe, make_optimizer(recipe, recipe.steps(self.samples)))
        return model

    def fit(self, hp, model, x, *args, validation_data=None, **kwargs):
        """Trains by the recipe; returns Keras' history."""
        from merzoo.training.batches import training_graph
        from merzoo.training.losses import sample_weights, target_rows

        recipe = self.recipe_of(hp)
        options = {"epochs": recipe.epochs, "verbose": 0}
        if isinstance(x, Arrays):
            options |= {"steps_per_epoch": recipe.steps(len(x)), "shuffle": False}
            x = training_graph(
                x,
                batch_size=recipe.batch_size,
                augment=recipe.augment,
                sample_weight=sample_weights(x, recipe),
                targets=target_rows(x, recipe),
            )
        if isinstance(validation_data, Arrays):
            label, rows = validation_data.label, target_rows(validation_data, recipe, False)
            label = label if rows is None else rows[label]
            validation_data = (validation_data.modalities, label)
        return model.fit(x, *args, validation_data=validation_data, **options | kwargs)

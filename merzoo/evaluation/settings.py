"""What an evaluation runs with: the recipe, the builder's arguments, and data that fits them."""

from dataclasses import replace

from merzoo.errors import InputError
from merzoo.evaluation.splits.selection import Selection
from merzoo.preprocessing.arrays import Arrays
from merzoo.training.recipes import Recipe, get_recipe


def settings_of(model: str, recipe) -> tuple[Recipe, dict, dict[str, tuple]]:
    """The recipe, the builder's arguments, and name -> shape of the inputs that follow."""
    from merzoo.models.registry import entry

    found = entry(model)
    recipe = get_recipe(recipe, default=found.recipe)
    arguments = dict(recipe.model_arguments)
    return recipe, arguments, _inputs(found, arguments)


def selected_recipe(model: str, recipe: Recipe, rule: Selection, callbacks) -> Recipe:
    """The recipe with the epochs of the rule; estimators have neither epochs nor callbacks."""
    from merzoo.models.registry import entry

    if entry(model).kind == "estimator" and (rule.name != "last" or callbacks):
        given = f"selection {rule.name!r}" if rule.name != "last" else "callbacks"
        raise InputError(f"{model} is fitted at once, it has no epochs: {given} cannot be used.")
    return recipe if rule.epochs is None else replace(recipe, epochs=rule.epochs)


def fit_together(model: str, data: Arrays, recipe: Recipe, inputs: dict[str, tuple]) -> Arrays:
    """The modalities of `data` that the model takes, checked against its inputs and classes."""
    classes = recipe.model_arguments.get("classes", len(data.classes))
    if classes != len(data.classes):
        raise InputError(
            f"recipe {recipe.name} asks for a {classes}-class {model}, but {data.source} has "
            f"{len(data.classes)} classes: {', '.join(data.classes)}."
        )
    missing = [name for name in inputs if name not in data.modalities]
    if missing:
        raise InputError(
            f"{model} takes {', '.join(inputs)}, but {data.source} holds "
            f"{', '.join(sorted(data.modalities))}: {missing[0]!r} is missing."
        )
    for name, shape in inputs.items():
        given = data.modalities[name].shape[1:]
        if tuple(shape) != tuple(given):
            raise InputError(
                f"{model} takes {name!r} of shape {tuple(shape)}, but {data.source} holds "
                f"{tuple(given)}."
            )
    return data.with_modalities({name: data.modalities[name] for name in inputs})


def _inputs(found, arguments) -> dict[str, tuple]:
    try:
        built = found.builder(**{"name": found.name} | found.arguments | arguments)
    except TypeError as error:
        raise InputError(f"{found.name} does not fit the recipe: {error}.") from None
    if found.kind == "estimator":
        return built.inputs
    return {tensor.name: tuple(tensor.shape[1:]) for tensor in built.inputs}

"""`merzoo recipes`: the ways to train that have a name, and what is in one."""

from merzoo.commands._shared import add_json_option, print_json, print_table
from merzoo.errors import unknown

SUMMARY = "list the recipes, or show one"
EXAMPLE = "merzoo recipes merzoo-flow"


def arguments(parser) -> None:
    parser.add_argument(
        "pattern",
        nargs="?",
        default="*",
        help="wildcard, such as 'ststnet*'; one name, also NETWORK/TABLE/ROW of a paper, shows all "
        "of that recipe, in the form that --recipe FILE.json takes",
    )
    add_json_option(parser)


def run(options) -> int:
    import fnmatch

    from merzoo.training.recipes import RECIPES, get_recipe, recipe_as_dict

    names = sorted(name for name in RECIPES if fnmatch.fnmatch(name, options.pattern))
    if not names and "/" not in options.pattern:
        raise unknown("recipe", options.pattern, RECIPES, "merzoo recipes shows all.")
    if options.pattern in RECIPES or not names:
        print_json(recipe_as_dict(get_recipe(options.pattern)))
        return 0
    if options.json:
        print_json([recipe_as_dict(RECIPES[name]) for name in names])
        return 0
    users = _users()
    print_table(
        f"{len(names)} recipes: merzoo evaluate MODEL --recipe NAME",
        ["recipe", "epochs", "batch", "optimizer", "rate", "loss", "default of"],
        [_row(RECIPES[name], users.get(name, [])) for name in names],
        wrap="default of",
    )
    print(
        "merzoo recipes NAME shows all of one; merzoo reproduce lists those of the papers' tables."
    )
    return 0


def _row(recipe, users: list[str]) -> list[str]:
    numbers = [recipe.epochs, recipe.batch_size, recipe.optimizer, f"{recipe.learning_rate:g}"]
    return [recipe.name, *map(str, numbers), recipe.loss, ", ".join(users) or "-"]


def _users() -> dict[str, list[str]]:
    """Recipe -> the models that use it where nothing else is said."""
    from merzoo.models import list_models, model_info

    found: dict[str, list[str]] = {}
    for name in list_models():
        found.setdefault(model_info(name)["recipe"], []).append(name)
    return found

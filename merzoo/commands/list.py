"""`merzoo list`: the models."""

from merzoo.commands._shared import add_json_option, print_json, print_table

SUMMARY = "list the models"
EXAMPLE = "merzoo list 'dfr*'"


def arguments(parser):
    parser.add_argument("pattern", nargs="?", default="*", help="wildcard, such as 'rcn*'")
    add_json_option(parser)


def run(options) -> int:
    from merzoo.models import list_models, model_info

    names = list_models(options.pattern)
    if options.json:
        print_json(names)
    else:
        print_table(
            f"{len(names)} models",
            ["model", "parameters", "recipe", "reference"],
            [_row(model_info(name)) for name in names],
            wrap="reference",
        )
    return 0 if names else 1


def _row(info: dict) -> list[str]:
    counts = info["parameters"]
    number = f"{counts['trainable']:,}" if counts else "-"
    return [info["name"], number, info["recipe"] or "-", info["reference"]]

"""`merzoo list`: the models."""

from merzoo.commands._shared import add_json_option, choose_backend, print_json, print_table

SUMMARY = "list the models"
EXAMPLE = "merzoo list 'dfr*'"


def arguments(parser):
    parser.add_argument("pattern", nargs="?", default="*", help="wildcard, such as 'rcn*'")
    add_json_option(parser)


def run(options) -> int:
    choose_backend(training=False)
    from merzoo.models import list_models
    from merzoo.models.registry import entry

    names = list_models(options.pattern)
    if options.json:
        print_json(names)
    else:
        found = [entry(name) for name in names]
        print_table(
            f"{len(names)} models",
            ["model", "parameters", "recipe", "reference"],
            [
                [e.name, f"{e.trainable:,}" if e.trainable else "-", e.recipe or "-", e.reference]
                for e in found
            ],
            wrap="reference",
        )
    return 0 if names else 1

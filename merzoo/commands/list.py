"""`merzoo list`: the models, one a line."""

from merzoo.commands._shared import add_json_option, print_json, print_table

SUMMARY = "list the models"
EXAMPLE = "merzoo list 'dfr*'"


def arguments(parser):
    parser.add_argument("pattern", nargs="?", default="*", help="wildcard, such as 'rcn*'")
    add_json_option(parser)


def run(options) -> int:
    from merzoo.models import list_models, model_info
    from merzoo.weights.manifest import entries

    names = list_models(options.pattern)
    if options.json:
        print_json(names)
        return 0 if names else 1
    if not names:
        print(f"No model matches {options.pattern!r}; merzoo list shows all.")
        return 1
    tags: dict[str, list[str]] = {}
    for entry in entries():
        tags.setdefault(entry.network, []).append(entry.id.rpartition(".")[2])
    print_table(
        f"{len(names)} models: merzoo info MODEL has the paper",
        ["model", "inputs", "parameters", "MB", "trained weights"],
        [_row(model_info(name), tags.get(name, [])) for name in names],
        wrap="inputs",
    )
    return 0


def _row(info: dict, tags: list[str]) -> list[str]:
    counts = info["parameters"]
    sizes = (
        [f"{counts['trainable']:,}", f"{counts['total'] * 4 / 1e6:.3g}"] if counts else ["-"] * 2
    )
    inputs = " ".join(f"{n} {'x'.join(map(str, shape))}" for n, shape in info["inputs"].items())
    return [info["name"], inputs, *sizes, " ".join(tags) or "-"]

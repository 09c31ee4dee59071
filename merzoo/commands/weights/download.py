"""`merzoo weights download`: brings weights onto this machine, for work without a network."""

from merzoo.commands._shared import add_json_option, print_json
from merzoo.errors import unknown

SUMMARY = "download trained weights and check them"
EXAMPLE = "merzoo weights download dfrnet.synthetic"


def arguments(parser) -> None:
    parser.add_argument(
        "ids", nargs="+", metavar="ID", help="from merzoo weights list, or a wildcard such as '*'"
    )
    add_json_option(parser)


def run(options) -> int:
    from merzoo.weights.download import fetch
    from merzoo.weights.manifest import entries

    chosen = {}
    for pattern in options.ids:
        found = entries(pattern)
        if not found:
            hint = "merzoo weights list shows all."
            raise unknown("weights", pattern, [entry.id for entry in entries()], hint)
        chosen |= {entry.id: entry for entry in found}
    files = {name: str(fetch(entry)) for name, entry in chosen.items()}
    if options.json:
        print_json(files)
    else:
        for name, file in files.items():
            print(f"{name}: {file}")
    return 0

"""`merzoo weights list`: the trained weights there are, and where they are."""

from merzoo.commands._shared import add_json_option, print_json, print_table

SUMMARY = "list the trained weights"
EXAMPLE = "merzoo weights list 'dfr*'"


def arguments(parser) -> None:
    parser.add_argument("pattern", nargs="?", default="*", help="wildcard, such as '*.synthetic'")
    add_json_option(parser)


def run(options) -> int:
    from merzoo.weights.manifest import entries

    found = entries(options.pattern)
    if options.json:
        print_json([entry.as_dict() | {"here": _place(entry) != "no"} for entry in found])
    elif not found:
        print(f"No weights match {options.pattern!r}; merzoo weights list shows all.")
    else:
        print_table(
            f"{len(found)} weights: merzoo.create_model(NETWORK, weights=TAG)",
            ["network.tag", "MB", "classes", "trained on", "here", "licence"],
            [
                [e.id, f"{e.bytes / 1e6:.2f}", len(e.classes), _data(e), _place(e), e.licence]
                for e in found
            ],
            wrap="licence",
        )
    return 0 if found else 1


def _data(entry) -> str:
    return ", ".join(entry.trained_on)


def _place(entry) -> str:
    """In which place its file is, or "no" (by size; verify looks at the hash)."""
    from merzoo.weights.manifest import places

    for path, name in places(entry).items():
        if path.is_file() and path.stat().st_size == entry.bytes:
            return name
    return "no"

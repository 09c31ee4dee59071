"""`merzoo weights verify`: are the weights here whole, and do they still give the same outputs?"""

from merzoo.commands._shared import add_json_option, choose_backend, print_json, print_table
from merzoo.errors import unknown

SUMMARY = "check files, hashes, loading and outputs of the trained weights"
EXAMPLE = "merzoo weights verify"


def arguments(parser) -> None:
    parser.add_argument("pattern", nargs="?", default="*", help="wildcard, such as '*.synthetic'")
    add_json_option(parser)


def run(options) -> int:
    choose_backend()
    from merzoo.models import create_model
    from merzoo.progress import progress_bar
    from merzoo.weights.manifest import entries
    from merzoo.weights.verify import verify

    found = entries(options.pattern)
    if not found:
        hint = "merzoo weights list shows all."
        raise unknown("weights", options.pattern, [entry.id for entry in entries()], hint)
    with progress_bar() as bar:
        faults = {e.id: verify(e, create_model) for e in bar.track(found, description="weights")}
    bad = sum(wrong is not None for wrong in faults.values())
    if options.json:
        print_json(faults)
    else:
        size = sum(entry.bytes for entry in found) / 1e6
        rows = [[name, wrong or "fine"] for name, wrong in faults.items()]
        print_table(f"{len(found)} weights, {size:.1f} MB", ["network.tag", "found"], rows, "found")
        print(f"{bad} of {len(found)} are not as they should be." if bad else "All are fine.")
    return 1 if bad else 0

"""`merzoo compare RUN_A RUN_B ...`: is one better than the other, and could this N tell?"""

from pathlib import Path

from merzoo.commands._shared import add_json_option, print_json, print_table

SUMMARY = "test runs on the same clips against one another"
EXAMPLE = "merzoo compare runs/flow-krr runs/ststnet --out runs/krr-or-ststnet"


def arguments(parser):
    parser.add_argument(
        "runs", nargs="+", metavar="RUN", help="folders of runs, or files that merzoo score reads"
    )
    parser.add_argument(
        "--all-pairs", action="store_true", help="each with each, not each with the first"
    )
    parser.add_argument(
        "--permutations", type=int, default=10_000, help="of the subject-swap test (10000)"
    )
    parser.add_argument("--format", help="print tables as markdown or latex")
    parser.add_argument("--out", metavar="FOLDER", help="where to write comparison.html and plots")
    add_json_option(parser)


def run(options) -> int:
    from merzoo.errors import unknown
    from merzoo.evaluation.compare import compare
    from merzoo.evaluation.pages.comparison import (
        differences_table,
        runs_table,
        secondary_table,
    )
    from merzoo.evaluation.pages.paper_tables import FORMATS, as_text
    from merzoo.evaluation.spotting.compare import comparison_tables
    from merzoo.evaluation.tasks import SPOT

    if options.format and options.format not in FORMATS:
        raise unknown("format", options.format, FORMATS)
    result = compare(
        options.runs,
        all_pairs=options.all_pairs,
        permutations=options.permutations,
        out=options.out,
    )
    if options.json:
        print_json(result)
        return 0
    if result.get("task") == SPOT:
        tables = comparison_tables(result)
    else:
        tables = [runs_table(result), differences_table(result), secondary_table(result)]
    if options.format:
        print("\n\n".join(as_text(table, options.format) for table in tables))
        return 0
    for caption, columns, rows in tables:
        print_table("", columns, rows)
        print(f"{caption}\n")
    for note in result["notes"]:
        print(f"warning: {note}")
    for found in result["comparisons"]:
        if found.get("note"):
            print(f"{found['second']} and {found['first']}: {found['note']}")
    if options.out:
        print(f"page: {Path(options.out) / 'comparison.html'}")
    return 0

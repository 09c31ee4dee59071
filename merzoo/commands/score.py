"""`merzoo score FILE ...`: judge any model's predictions as merzoo judges its own."""

from merzoo.commands._shared import add_json_option, print_json, print_table

SUMMARY = "judge predictions of any model: a table of clips or MEGC logs"
EXAMPLE = "merzoo score predictions.csv --out runs/theirs"


def arguments(parser):
    parser.add_argument(
        "predictions",
        nargs="+",
        metavar="FILE",
        help="a .csv with dataset, subject, clip, label, predicted (and p_<class>), or MEGC logs; "
        "or, with --truth, one with dataset, subject, video, onset, offset (kind, score, "
        "predicted)",
    )
    parser.add_argument(
        "--truth",
        metavar="RUN_OR_CSV",
        help="of intervals: a run of --task spot on the same videos, or a .csv with frames and fps",
    )
    parser.add_argument("--labels", help="label map that names the classes (megc3)")
    parser.add_argument("--classes", nargs="+", help="names of the classes instead, in order")
    parser.add_argument("--name", help="of the model, for the report")
    parser.add_argument("--out", metavar="FOLDER", help="where to write")
    add_json_option(parser)


def run(options) -> int:
    from merzoo.evaluation.pages import paper_tables, unit_tables
    from merzoo.evaluation.runs.read import read_run
    from merzoo.evaluation.score import score
    from merzoo.metrics import UNITS

    if options.truth:
        return _score_intervals(options)
    result = score(
        options.predictions,
        labels=options.labels,
        classes=options.classes,
        name=options.name,
        out=options.out,
    )
    if options.json:
        print_json(result.metrics)
        return 0
    card = read_run(result.folder).card
    makers = [paper_tables.results_table]
    if card.get("task") == UNITS:
        makers = [unit_tables.results_table, unit_tables.units_table]
    for make in makers:
        caption, columns, rows = make(card, result.metrics)
        print_table("", columns, rows)
        print(caption)
    for warning in result.warnings:
        print(f"warning: {warning}")
    print(f"report: {result.folder / 'report.html'}")
    return 0


def _score_intervals(options) -> int:
    from merzoo.errors import InputError
    from merzoo.evaluation.spotting.foreign import score_intervals

    if options.classes:
        raise InputError("--classes: with --truth, --labels names the classes.")
    result = score_intervals(
        options.predictions,
        options.truth,
        labels=options.labels,
        name=options.name,
        out=options.out,
    )
    if options.json:
        print_json(result.metrics)
        return 0
    for table in result.tables():
        print_table(*table)
    for warning in result.warnings:
        print(f"warning: {warning}")
    print(f"report: {result.folder / 'report.html'}")
    return 0

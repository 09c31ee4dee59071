"""`merzoo report RUN`: the report again, or its tables for a paper, from a run's files alone."""

SUMMARY = "make a run's report again, or print its tables for a paper"
EXAMPLE = "merzoo report runs/ststnet --format latex"


def arguments(parser):
    parser.add_argument("run", metavar="RUN", help="folder of merzoo evaluate or merzoo score")
    parser.add_argument(
        "--format",
        default="html",
        help="html writes report.html and plots/; markdown and latex print tables (html)",
    )
    parser.add_argument(
        "--no-pictures", action="store_true", help="html without pictures of clips, to publish it"
    )


def run(options) -> int:
    from merzoo.errors import unknown
    from merzoo.evaluation.pages import paper_tables, unit_tables
    from merzoo.evaluation.pages.paper_tables import FORMATS, as_text
    from merzoo.evaluation.pages.report import write_report
    from merzoo.evaluation.runs.read import read_run
    from merzoo.evaluation.spotting.page import spotting_tables, write_spotting_report
    from merzoo.evaluation.spotting.runs import read_spotting_run, task_of
    from merzoo.evaluation.tasks import SPOTTING
    from merzoo.metrics import UNITS

    spotting = task_of(options.run) in SPOTTING
    if options.format == "html":
        write = write_spotting_report if spotting else write_report
        print(write(options.run, pictures=not options.no_pictures))
        return 0
    if options.format not in FORMATS:
        raise unknown("format", options.format, ("html", *FORMATS))
    if spotting:
        tables = spotting_tables(read_spotting_run(options.run).metrics)
        print("\n\n".join(as_text(table, options.format) for table in tables))
        return 0
    found = read_run(options.run)
    makers = (paper_tables.results_table, paper_tables.classes_table)
    if found.task == UNITS:
        makers = (unit_tables.results_table, unit_tables.units_table)
    tables = [make(found.card, found.metrics) for make in makers]
    print("\n\n".join(as_text(table, options.format) for table in tables))
    return 0

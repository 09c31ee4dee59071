"""`merzoo reproduce NETWORK/TABLE`, or `NETWORK`: a paper's tables, their figures beside ours."""

import time

from merzoo.arguments import split_text
from merzoo.commands._options import (
    CLUSTER,
    add_data_option,
    add_out_option,
    add_preprocessing_options,
    data_of,
    preprocessing_of,
)
from merzoo.commands._shared import add_json_option, choose_backend, print_json, print_table
from merzoo.errors import InputError

SUMMARY = "run a table of a paper, or all of it, and print its figures beside ours"
EXAMPLE = "merzoo reproduce dfrnet/table6 --data synthetic:easy --quick --out runs/t6"


def arguments(parser):
    parser.add_argument(
        "table", nargs="?", help="such as dfrnet/table6; or dfrnet, the whole paper"
    )
    parser.add_argument("--list", action="store_true", help="show all tables and their rows")
    about = "such as casme2:FOLDER; repeat for each data set of the table"
    add_data_option(parser, required=False, about=about)
    parser.add_argument("--quick", action="store_true", help="a thin slice, to see that it runs")
    parser.add_argument("--rows", nargs="+", metavar="ROW", help="only these rows")
    parser.add_argument("--labels", help="label map of stand-in clips (megc3)")
    parser.add_argument("--epochs", type=int, help="instead of the recipes'")
    parser.add_argument("--seeds", type=int, default=1, help="number of seeds (default 1)")
    parser.add_argument("--jobs", type=int, default=1, help="folds at a time, in worker processes")
    parser.add_argument("--cluster", metavar="tcp://HOST:PORT", help=CLUSTER)
    parser.add_argument(
        "--pretrained",
        metavar="FOLDER|FILE|TAG",
        help="weights as for merzoo transfer: run their network's rows from random ones and these",
    )
    parser.add_argument(
        "--pretrain",
        nargs="+",
        action="extend",
        metavar="KIND:PLACE",
        help="likewise, from weights that are trained here on such data (as for merzoo pretrain)",
    )
    parser.add_argument(
        "--trunk",
        nargs="+",
        action="extend",
        default=[],
        metavar="NETWORK=FILE",
        help="weights that the trunk of a network begins with (tools/convert_trunk_torch.py)",
    )
    add_preprocessing_options(parser)
    add_out_option(parser)
    add_json_option(parser)


def run(options) -> int:
    if options.list:
        return _list(options)
    if not options.table or not options.data:
        raise InputError(
            "name a table and its data, such as dfrnet/table6 --data synthetic:easy; "
            "merzoo reproduce --list shows the tables."
        )
    parameters = preprocessing_of(options)
    choose_backend(few_steps=options.quick)
    from merzoo.evaluation.pages.comparison import differences_table
    from merzoo.reproduction.figures import as_dict, figure_rows
    from merzoo.reproduction.paper import paper_as_dict, reproduce_paper
    from merzoo.reproduction.reproduce import reproduce

    start = time.perf_counter()
    how = {
        "quick": options.quick,
        "labels": options.labels,
        "epochs": options.epochs,
        "parameters": parameters,
        "seeds": options.seeds,
        "jobs": options.jobs,
        "cluster": options.cluster,
        "trunks": dict(_trunk(text) for text in options.trunk),
        "pretrained": options.pretrained,
        "pretrain": options.pretrain,
        "out": options.out,
    }
    if "/" in options.table:
        found = reproduce(options.table, data_of(options), rows=options.rows, **how)
        tables, page, content = [found], "table.html", as_dict(found)
    elif options.rows:
        raise InputError("--rows are those of one table: name it, such as dfrnet/table6.")
    else:
        whole = reproduce_paper(options.table, data_of(options), **how)
        found, tables, page, content = whole, whole.tables, "paper.html", paper_as_dict(whole)
    if options.json:
        print_json(content)
        return 1 if found.failed else 0
    for table in tables:
        print_table(f"{table.table.name}: {table.table.title}", *figure_rows(table.lines))
        for test in table.tests:
            caption, columns, cells = differences_table(test)
            print_table(f"{table.table.name}, {test['run']}: {caption}", columns, cells)
    for note in dict.fromkeys(note for table in tables for note in table.notes):
        print(f"note: {note}")
    for name, reason in found.failed.items():
        print(f"not run: {name}: {reason}")
    print(f"{time.perf_counter() - start:.0f} s; page: {found.folder / page}")
    return 1 if found.failed else 0


def _trunk(text: str) -> tuple[str, str]:
    network, file = split_text("--trunk", text, "capsulenet=resnet18.npz", mark="=")
    if file is None:
        raise InputError(f"--trunk {text!r} cannot be read: write capsulenet=resnet18.npz.")
    return network, file


def _list(options) -> int:
    choose_backend(training=False)
    from merzoo.reproduction.tables import get_table, list_tables

    tables = [get_table(name) for name in list_tables()]
    if options.json:
        print_json({table.name: _facts(table) for table in tables})
        return 0
    print_table(
        "",
        ["table", "title", "rows", "data", "protocol"],
        [
            [
                table.name,
                table.title,
                " ".join(row.name for row in table.rows),
                "; ".join(" ".join(run.data) for run in table.runs.values()),
                " ".join(dict.fromkeys(run.protocol for run in table.runs.values())),
            ]
            for table in tables
        ],
        wrap="rows",
    )
    return 0


def _facts(table) -> dict:
    runs = {n: [run.protocol, run.labels, *run.data] for n, run in table.runs.items()}
    return {"title": table.title, "rows": [row.name for row in table.rows], "runs": runs}

"""`merzoo data check`: is this copy of a dataset whole, and what is wrong with it?"""

import argparse
import json
from collections import Counter
from typing import TYPE_CHECKING

from merzoo.commands._options import add_reading_options, data_of

if TYPE_CHECKING:
    from merzoo.data.checks import Report

SUMMARY = "compare a copy of a dataset with the published counts and list every fault"
EXAMPLE = "merzoo data check casme2 /data/CASME2"


def arguments(parser: argparse.ArgumentParser) -> None:
    from merzoo.data.datasets import KINDS

    kinds = ", ".join(kind for kind, row in KINDS.items() if row.function == "load")
    parser.add_argument("kind", metavar="KIND", help=f"one of {kinds}; options as smic?part=vis")
    parser.add_argument("root", metavar="ROOT", help="folder (or manifest file) of your copy")
    add_reading_options(parser)
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument(
        "--fix-known",
        action="store_true",
        help="list the known corrections that loading applies, and count only what they leave",
    )
    parser.add_argument(
        "--partial",
        action="store_true",
        help="the copy is a part of the dataset on purpose: show the published counts, but do not "
        "count a difference as a fault",
    )
    parser.add_argument(
        "--no-images", action="store_true", help="do not decode the images (much faster)"
    )


def run(options) -> int:
    from merzoo.data.checks import check
    from merzoo.data.datasets import parse_data

    kind, _, query = options.kind.partition("?")
    options.data = f"{kind}:{options.root}" + (f"?{query}" if query else "")
    source = parse_data(data_of(options))
    report = check(source.kind, source.root, images=not options.no_images, **source.options)
    faults = report.open_faults(options.fix_known)
    off = len(faults) + (0 if options.partial else len(report.differences))
    if options.json:
        print(json.dumps(report.as_dict() | {"ok": off == 0}, indent=1))
    else:
        _print(report, options, off)
    return 1 if off else 0


def _print(report: "Report", options, off: int) -> None:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    subjects = f", {report.subjects} subjects" if report.by_subject else ""
    console.print(f"{report.kind} in {report.root}: {report.clips} samples{subjects}", markup=False)
    _print_classes(console, report)
    _print_subjects(console, report)
    for note in report.notes:
        console.print(f"note: {note}", markup=False)
    _print_known(console, report)
    corrected = [f for f in report.faults if f.correction and not f.published]
    corrected = corrected if options.fix_known else []
    for fault in corrected:
        console.print(f"corrected: {fault} -> {fault.correction}", markup=False)
    word = "partial" if options.partial else "differs"
    for line in report.differences:
        console.print(f"{word}: {line}", markup=False)
    faults = report.open_faults(options.fix_known)
    for fault in faults:
        taken = f" -> {fault.taken}" if fault.taken else ""
        console.print(f"fault: {fault}{taken}", markup=False)
    kinds = ", ".join(f"{n} {kind}" for kind, n in Counter(f.kind for f in faults).items())
    console.print(f"{off} faults or differences. {kinds}" if off else "All is as it should be.")


def _print_known(console, report: "Report") -> None:
    """A line for each kind of fault that the published set has."""
    kinds: dict[str, list] = {}
    for fault in report.faults:
        if fault.published:
            kinds.setdefault(fault.kind, []).append(fault)
    for kind, found in kinds.items():
        what = f" -> {found[0].correction}" if found[0].correction else ""
        places = found[0].where + (f" and {len(found) - 1} more" if found[1:] else "")
        console.print(f"known of the set: {kind}: {places}{what}", markup=False)


def _print_classes(console, report: "Report") -> None:
    """Samples per class, with a column per split and the published figures beside them."""
    from rich.table import Table

    published = report.published
    splits = list(published.splits) if published else []
    splits = [s for s in splits if s in report.by_split] or list(report.by_split)
    table = Table("class", box=None, pad_edge=False)
    columns = splits or ["samples"]
    for name in columns:
        table.add_column(name, justify="right")
        table.add_column("published", justify="right", style="dim")
    for label in report.classes:
        table.add_row(label, *_cells(report, columns, label))
    table.add_row("all", *_cells(report, columns, None))
    console.print(table)


def _cells(report: "Report", columns: list[str], label: str | None) -> list[str]:
    cells = []
    for column in columns:
        counts = report.by_split.get(column, report.classes)
        found = sum(counts.values()) if label is None else counts.get(label, 0)
        cells += [f"{found:,}", _published(report, column, label)]
    return cells


def _published(report: "Report", column: str, label: str | None) -> str:
    known = report.published
    if known is None:
        return ""
    if column in known.splits:
        wanted = known.splits[column]
        if label is not None:
            wanted = known.split_classes.get(column, {}).get(label)
    else:
        wanted = known.clips if label is None else known.classes.get(label)
    return "" if wanted is None else f"{wanted:,}"


def _print_subjects(console, report: "Report") -> None:
    from rich.table import Table

    if not report.by_subject:
        return
    table = Table("subject", "samples", "per class", box=None, pad_edge=False)
    for subject, counts in report.by_subject.items():
        per_class = ", ".join(f"{label} {n}" for label, n in counts.items())
        table.add_row(subject, str(sum(counts.values())), per_class)
    console.print(table)

"""Tables of a run of action units: by data set and by unit, for the page, terminal and papers."""

from merzoo.evaluation.pages.paper_tables import as_score, seeds_told
from merzoo.metrics import UNITS, headline

Rows = tuple[list[str], list[list[str]]]


def part_rows(metrics: dict) -> Rows:
    """Columns, and a row for all data, each data set, and the seeds' averaged probabilities."""
    columns = ["data"]
    for metric in headline(UNITS):
        columns += [metric.label, "95 %"]
    columns += ["clips", "subjects"]
    parts = [("all", metrics["full"]), *sorted(metrics["by_dataset"].items())]
    if metrics["ensemble"]:
        parts.append((f"all, ensemble of {metrics['seeds']} seeds", metrics["ensemble"]))
    rows = []
    for name, part in parts:
        cells = [name]
        for metric in headline(UNITS):
            cells += [as_score(part[metric.name]), _span(part["interval"].get(metric.name))]
        rows.append([*cells, str(part["n"]), str(part["subjects"])])
    return columns, rows


def unit_rows(part: dict) -> Rows:
    """Columns, and a row for each unit: how often it is there, its scores, and what needs no
    network: always saying that it is there (F1), and that it is absent (accuracy). Where
    intensities are coded, also how the probability goes with them."""
    columns = ["unit", "clips", "prevalence", "subjects", "F1", "95 %", "always present: F1"]
    columns += ["AUC", "95 %", "accuracy", "always absent: accuracy"]
    rows = [
        [
            unit["name"],
            str(unit["present"]),
            f"{unit['prevalence']:.1%}",
            str(unit["subjects"]),
            as_score(unit["f1"]),
            _span(unit["f1_interval"]),
            as_score(unit["always_present"]),
            as_score(unit["auc"]),
            _span(unit["auc_interval"]),
            as_score(unit["accuracy"]),
            as_score(unit["always_absent"]),
        ]
        for unit in part["units"]
    ]
    if any(unit.get("graded") for unit in part["units"]):
        columns += ["clips with intensity", "rank correlation with it"]
        for row, unit in zip(rows, part["units"], strict=True):
            row += [str(unit.get("graded", 0)), as_score(unit.get("intensity_correlation"))]
    return columns, rows


def results_table(card: dict, metrics: dict) -> tuple[str, list[str], list[list[str]]]:
    """`part_rows` with a caption that says what the scores stand on."""
    mean = ", mean over seeds" if metrics["seeds"] > 1 else ""
    caption = (
        f"{card['model']}, action units, {card['protocol']}, {seeds_told(card, metrics)}; scores "
        f"pooled over folds{mean}, then averaged over units; 95 % intervals over subjects. "
        f"Selection: {card['selection']}."
    )
    return caption, *part_rows(metrics)


def units_table(card: dict, metrics: dict) -> tuple[str, list[str], list[list[str]]]:
    """`unit_rows` with a caption."""
    caption = (
        f"{card['model']}: by action unit. Always saying absent has F1 0, and AUC 0.5 is chance."
    )
    return caption, *unit_rows(metrics["full"])


def _span(interval) -> str:
    return "-" if interval is None else "–".join(map(as_score, interval))

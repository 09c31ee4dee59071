"""What the result files say of a network, for its page: its scores and its cost, nothing else.

Scores are of `benchmarks/results/megc2019`, figures that papers print of `merzoo.reproduction`,
times of `benchmarks/results/speed.csv` and `folds.csv`. What no file holds was not measured, and
the page says so.
"""

import csv
import json
from pathlib import Path

from merzoo.metrics import METRICS, compared
from merzoo.models import list_models
from merzoo.reproduction.tables import get_table, list_tables

RESULTS = Path(__file__).resolve().parent.parent / "benchmarks" / "results"
Table = tuple[list[str], list[list[str]]]


def _rows(file: str) -> list[dict[str, str]]:
    with (RESULTS / file).open() as stream:
        return list(csv.DictReader(stream))


def measured(names: list[str]) -> Table:
    """The scores of leave-one-subject-out runs of the variants, as this project measured them."""
    columns = ["variant", "recipe", "data", "samples", "people", "seeds"]
    columns += [cell for metric in compared() for cell in (metric.heading, "95 %")]
    rows = []
    for file in sorted((RESULTS / "megc2019").glob("*.json")):
        content = json.loads(file.read_text())
        card, metrics = content["protocol"], content["metrics"]
        if card["model"] not in names:
            continue
        full = metrics["full"]
        row = [f"`{card['model']}`", f"`{card['recipe']['name']}`", "MEGC 2019"]
        row += [str(full["n"]), str(full["subjects"]), str(metrics["seeds"])]
        for metric in compared():
            if metric.name in full:
                low, high = full["interval"][metric.name]
                row += [f"{full[metric.name]:.3f}", f"{low:.3f}-{high:.3f}"]
            else:  # recorded before the metric was known
                row += ["-", "-"]
        rows.append(row)
    return columns, rows


def printed(names: list[str]) -> Table:
    """What the papers that the zoo reproduces print for the variants, without switches."""
    rows = []
    for table_name in list_tables():
        table = get_table(table_name)
        for row in table.rows:
            if row.network not in names or set(row.arguments) - {"modality"}:
                continue
            figures = [
                f"{_heading(column)} {figure}{column.unit and ' ' + column.unit}"
                for column, figure in zip(table.columns, row.figures, strict=True)
                if figure != "-"
            ]
            rows.append([f"`{table_name}`", table.title, row.printed, ", ".join(figures)])
    return ["table", "of what", "row", "figures as printed"], rows


def _heading(column) -> str:
    metric = METRICS[column.metric].label if column.metric in METRICS else column.metric
    part = column.part if column.part != "full" else ""
    return " ".join(dict.fromkeys(x for x in (column.run, part, metric) if x))


def times(names: list[str]) -> Table:
    """Milliseconds of one sample and of a training step, on each backend."""
    columns = ["variant", "backend", "ms a sample alone", "samples/s, batch", "ms a training step"]
    columns += ["machine"]
    rows = []
    for row in _rows("speed.csv"):
        if row["variant"] in names:
            speed = float(row["samples_per_s"])
            rate = f"{speed:,.0f}" if speed >= 10 else f"{speed:.2g}"
            machine = f"{row['processor']}, {row['cores']} cores"
            rates = f"{rate}, {row['batch']}"
            values = (row["latency_ms"], rates, row["training_step_ms"], machine)
            rows.append([f"`{row['variant']}`", row["backend"], *values])
    return columns, rows


def training_cost(names: list[str]) -> Table:
    """CPU seconds of a whole evaluation, where the engines were timed on it."""
    rows = []
    for row in _rows("folds.csv"):
        if row["network"] in names and row["way"].startswith("merzoo"):
            what = f"{row['folds']} folds x {row['seeds']} seeds"
            minutes = f"{float(row['whole_cpu_s']) / 60:.1f}"
            machine = f"{row['processor']}, {row['cores']} cores"
            rows.append([f"`{row['network']}`", f"`{row['recipe']}`", what, minutes, machine])
    return ["variant", "recipe", "MEGC 2019", "CPU minutes", "machine"], rows


def reached(name: str, recipe: str) -> str:
    """What a variant reaches and costs by a recipe; empty where neither was measured."""
    scores = [row for row in measured([name])[1] if row[1] == f"`{recipe}`"]
    costs = [row for row in training_cost([name])[1] if row[1] == f"`{recipe}`"]
    parts = []
    for _, _, data, samples, people, seeds, *cells in scores:
        pairs = zip(compared(), cells[::2], cells[1::2], strict=True)
        text = " and ".join(f"{m.label} {value} ({spread})" for m, value, spread in pairs)
        seeds = f"{seeds} seed" + ("s" if seeds != "1" else "")
        parts.append(f"{data}, {samples} samples of {people} people, {seeds}: {text}.")
    for _, _, what, minutes, machine in costs:
        parts.append(f"{what} take {minutes} CPU minutes ({machine}).")
    return " ".join(parts)


def reached_by_recipes() -> dict[str, dict[str, str]]:
    """Recipe -> network -> what it reaches and costs by it, of all that was measured."""
    networks = list_models(kind="network")
    names = [(row[1], row[0]) for row in measured(networks)[1]]
    names += [(row[1], row[0]) for row in training_cost(networks)[1]]
    found: dict[str, dict[str, str]] = {}
    for recipe, name in sorted({(a.strip("`"), b.strip("`")) for a, b in names}):
        found.setdefault(recipe, {})[name] = reached(name, recipe)
    return found

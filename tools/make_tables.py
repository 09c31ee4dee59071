"""Writes the READMEs' tables from result files; no figure there is typed by hand.

python tools/make_tables.py                      # rewrite the tables
python tools/make_tables.py --collect runs/x     # take a finished run into benchmarks/results first
python tools/make_tables.py --check              # exit 1 if README is out of date
"""

import argparse
import csv
import json
import re
import sys
from dataclasses import asdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

from model_results import measured, reached_by_recipes  # noqa: E402
from real_faces_table import looked_at, sure  # noqa: E402
from synthetic_to_real_table import rows_of, synthetic_to_real, told  # noqa: E402

from merzoo.metrics import UF1, compared  # noqa: E402
from merzoo.models import list_models, model_info  # noqa: E402
from merzoo.models.registry import compared_figures  # noqa: E402
from merzoo.reproduction.tables import get_table, list_tables  # noqa: E402
from merzoo.training.measured import FILE as MEASURED  # noqa: E402
from merzoo.training.recipes import RECIPES, get_recipe  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "megc2019"
ORACLES = ROOT / "benchmarks" / "results" / "oracle"
INSTALL = ROOT / "benchmarks" / "results" / "install.csv"
GOALS = ROOT / "benchmarks" / "results" / "goals.csv"
# Rows of the README's table whose names in `benchmarks/synthetic_to_real.py` are not
# NETWORK-random-RECIPE; and runs of that benchmark alone that the table shows.
PAIRED = {
    "mirrorflownet-merzoo-flow": "mirrorflownet-random",
    "offapexnet-merzoo-flow-slow": "offapexnet-random",
    "ststnet-merzoo-flow": "ststnet-random",
}
BESIDE = ("offapexnet-shipped", "ensemble-real")
SETS = ("SMIC", "CASME2", "SAMM")
COVERAGE = ROOT / "benchmarks" / "results" / "coverage.csv"


def collect(run: Path) -> None:
    """Keeps what the tables need of a run: its protocol and metrics, without the predictions."""
    card = json.loads((run / "protocol.json").read_text())
    metrics = json.loads((run / "metrics.json").read_text())
    card["source"] = Path(card["source"]).name  # and no place of the machine it ran on
    named = [text.partition(":") for text in card["rerun"]["data"] or ()]
    card["rerun"]["data"] = [f"{kind}:{Path(place).name}" for kind, _, place in named]
    card["recipe"]["name"] = _public(card["recipe"])
    RESULTS.mkdir(parents=True, exist_ok=True)
    name = f"{card['model']}-{card['recipe']['name']}.json"
    content = {"protocol": card, "metrics": metrics}
    (RESULTS / name).write_text(json.dumps(content, indent=1) + "\n")


def _public(recipe: dict) -> str:
    """The name under which anybody has a recipe of these settings; its own where nobody has."""
    settings = {k: v for k, v in recipe.items() if k not in ("name", "about")}
    for name in (recipe["name"], *RECIPES):
        today = json.loads(json.dumps(asdict(RECIPES[name]))) if name in RECIPES else {}
        if today | settings == today:
            return name
    return recipe["name"]


def collect_oracle(run: Path) -> None:
    """Keeps the oracle gap of a run with `--audit-epochs`."""
    card = json.loads((run / "protocol.json").read_text())
    oracle = json.loads((run / "oracle.json").read_text())
    ORACLES.mkdir(parents=True, exist_ok=True)
    name = f"{card['model']}-{card['recipe']['name']}.json"
    (ORACLES / name).write_text(json.dumps(oracle, indent=1) + "\n")


def oracle() -> str:
    """Honest, oracle and random UF1 of every run whose epochs were audited."""
    lines = [
        "| run | seeds | epoch chosen | UF1 | above honest | random, same rule |",
        "|---|---:|---|---:|---:|---:|",
    ]
    for file in sorted(ORACLES.glob("*.json")):
        found = json.loads(file.read_text())
        name = f"| {file.stem}, {found['epochs']} epochs | {found['seeds']} |"
        lines.append(f"{name} by the protocol (honest) | {found['honest']['uf1']:.3f} | | |")
        for rule, part in found["rules"].items():
            claim = f"{part['uf1']:.3f} | {part['gap']:+.3f} | {part['floor']['uf1']:.3f}"
            lines.append(f"{name} not a result: {rule} | {claim} |")
    return "\n".join(lines)


def coverage() -> str:
    """How often the intervals hold the truth: mean and range over populations and scores."""
    with COVERAGE.open() as stream:
        rows = list(csv.DictReader(stream))
    lines = ["| data like | these intervals | plain percentile bootstrap |", "|---|---:|---:|"]
    for layout in dict.fromkeys(row["layout"] for row in rows):
        cells = []
        for method in ("merzoo", "percentile"):
            found = [
                100 * float(row["coverage"])
                for row in rows
                if row["layout"] == layout and row["method"] == method
            ]
            mean = sum(found) / len(found)
            cells.append(f"{mean:.1f} % ({min(found):.1f} to {max(found):.1f})")
        lines.append(f"| {layout} | {' | '.join(cells)} |")
    return "\n".join(lines)


def megc2019() -> str:
    """The table of results on the composite, best first, each with what runs it again.

    Where a run has part in `benchmarks/synthetic_to_real.py` its paired difference from the
    yardstick stands beside it; of the runs of that benchmark alone, some are shown. A run of one
    seed is left out where the same network was run with several.
    """
    columns = ["run again with `--data arrays:flow.npz`", "seeds"]
    columns += [column for metric in compared() for column in (metric.heading, "95 %")]
    both = " / ".join(metric.label for metric in compared())
    columns += [f"SMIC / CASME II / SAMM {UF1.label}", f"`--ensemble`: {both}"]
    columns += [f"{UF1.label} less flow-krr, 95 %; p"]
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    beside = {r["run"]: r for r in rows_of("_tests") if r["family"] == "against flow-krr"}
    rows = [
        (float(row[UF1.name]), _row_beside(row, beside))
        for row in rows_of("")
        if row["run"] in BESIDE
    ]
    found = {file.stem: json.loads(file.read_text()) for file in sorted(RESULTS.glob("*.json"))}
    several = {c["protocol"]["model"] for c in found.values() if c["metrics"]["seeds"] > 1}
    for content in found.values():
        card, metrics = content["protocol"], content["metrics"]
        if metrics["seeds"] > 1 or card["model"] not in several:
            test = beside.get(_name_beside(card))
            rows.append((metrics["full"][UF1.name], _row(card, metrics, test)))
    rows.sort(reverse=True)
    return "\n".join(lines + [row for _, row in rows])


def _name_beside(card: dict) -> str:
    """A run's name in `benchmarks/synthetic_to_real.py`, where it has part in it."""
    network, recipe = card["model"], card["recipe"]["name"]
    return PAIRED.get(f"{network}-{recipe}", f"{network}-random-{recipe}")


def _row_beside(row: dict, tests: dict) -> str:
    cells = [f"{told(row['run'])}: `python benchmarks/synthetic_to_real.py`", row["seeds"]]
    for metric in compared():
        low, high = (float(row[f"{metric.name}_{end}"]) for end in ("low", "high"))
        cells += [f"{float(row[metric.name]):.3f}", f"{low:.3f}-{high:.3f}"]
    cells.append(" / ".join(f"{float(row[f'{UF1.name}_{s}']):.3f}" for s in SETS))
    return "| " + " | ".join([*cells, "", _less(tests.get(row["run"]))]) + " |"


def _less(test: dict | None) -> str:
    """A run's difference from the yardstick, and p by Holm over all runs compared with it."""
    if test is None:
        return ""
    value, low, high = (f"{float(test[f'{UF1.name}{end}']):+.3f}" for end in ("", "_low", "_high"))
    return f"{value} ({low} to {high}); {float(test[f'{UF1.name}_p_holm']):.3f}"


def _row(card, metrics, test) -> str:
    part, together, seeds = metrics["full"], metrics["ensemble"], str(metrics["seeds"])
    cells = [f"`{_command(card, seeds)}`", seeds]
    for metric in compared():
        if metric.name in part:
            low, high = part["interval"][metric.name]
            cells += [f"{part[metric.name]:.3f}", f"{low:.3f}-{high:.3f}"]
        else:  # recorded before the metric was known
            cells += ["-", "-"]
    cells.append(" / ".join(f"{metrics['by_dataset'][s][UF1.name]:.3f}" for s in SETS))
    cells.append(" / ".join(f"{together[m.name]:.3f}" for m in compared()) if together else "")
    return "| " + " | ".join([*cells, _less(test)]) + " |"


def _command(card, seeds: str) -> str:
    """What a reader types for a row; its recipe has to say today what the run's said."""
    name = card["recipe"]["name"]
    today = asdict(get_recipe(name))
    for field, value in card["recipe"].items():
        now = today.get(field, value)
        if field != "about" and json.loads(json.dumps(now)) != value:
            sys.exit(f"recipe {name}: {field} is {now}, but was {value} in the run of the table")
    words = ["merzoo evaluate", card["model"]]
    words += [] if card["model"] == "flow-krr" else ["--recipe", name]
    return " ".join(words + ([] if seeds == "1" else ["--seeds", seeds]))


def recipes() -> str:
    """What `merzoo.training.measured` tells of each recipe, as JSON."""
    return json.dumps(reached_by_recipes(), indent=1) + "\n"


def install() -> str:
    """What the first two commands cost."""
    rows = list(csv.DictReader(INSTALL.open()))
    lines = ["| | CPU time | disk |", "|---|---|---|"]
    for row in rows:
        time, disk = f"{row['run_cpu_s']} s", ""
        if row["install_cpu_s"]:
            time = f"{row['install_cpu_s']} s to install, beside the download; then {time}"
            disk = f"{row['environment_mb']} MB of packages, {row['written_mb']} MB of results"
        lines.append(f"| `{row['command']}` | {time} | {disk} |")
    facts = rows[0]
    where = f"{facts['processor']}, {facts['cores']} cores, {facts['date']}"
    lines += ["", f"Measured by `python benchmarks/install.py` ({where})."]
    return "\n".join(lines)


def goals() -> str:
    """The goals of speed, as `benchmarks/run.py` measured them last."""
    rows = list(csv.DictReader(GOALS.open()))
    text = ["| benchmark | goal | measured | |", "|---|---|---|---|"]
    for row in rows:
        text.append(
            "| " + " | ".join(row[n] for n in ("benchmark", "goal", "measured", "met")) + " |"
        )
    facts = rows[0]
    text += [
        "",
        f"{facts['date']}, {facts['processor']}, {facts['cores']} cores, {facts['versions']}.",
    ]
    return "\n".join(text)


def printed_scores() -> dict[tuple[str, str], list[str]]:
    """(network, UF1 on the composite as printed) -> the papers' tables that print it."""
    found: dict[tuple[str, str], list[str]] = {}
    for name in list_tables():
        table = get_table(name)
        for row in table.rows:
            for column, figure in zip(table.columns, row.figures, strict=True):
                score = (column.metric, column.run, column.part) == (UF1.name, "composite", "full")
                if score and figure != "-" and not set(row.arguments) - {"modality"}:
                    found.setdefault((row.network, figure), []).append(name)
    return {key: names for key, names in sorted(found.items()) if key[0]}


def claims() -> str:
    """UF1 on the composite as papers print it for each network, beside what was measured."""
    lines = ["| network | UF1 as printed | printed in | UF1 measured here | 95 % | recipe, seeds |"]
    lines.append("|---|---|---|---|---|---|")
    for (network, claimed), names in printed_scores().items():
        for ours in measured([network])[1] or [[""] * 8]:
            _, recipe, _, _, _, seeds, *scores = ours
            where = ", ".join(f"`{name}`" for name in names)
            how = f"{recipe}, {seeds}" if recipe else ""
            lines.append(
                "| " + " | ".join([f"`{network}`", claimed, where, *scores[:2], how]) + " |"
            )
    return "\n".join(lines)


def sizes() -> str:
    """Parameters and multiply-adds that papers print, beside ours."""
    lines = ["| network | figure | the paper | ours | difference |", "|---|---|---:|---:|---:|"]
    for name in list_models():
        for found in compared_figures(model_info(name)):
            if found["ours"] is not None:
                cells = [f"`{name}`", found["figure"].replace("_", "-"), f"{found['paper']:,.0f}"]
                cells += [f"{found['ours']:,}", f"{100 * found['difference']:+.2f} %"]
                lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


TABLES = {
    "claims": (ROOT / "docs" / "claims.md", claims),
    "sizes": (ROOT / "docs" / "claims.md", sizes),
    "install": (ROOT / "README.md", install),
    "goals": (ROOT / "benchmarks" / "README.md", goals),
    "synthetic_to_real": (ROOT / "benchmarks" / "README.md", synthetic_to_real),
    "looked_at": (ROOT / "benchmarks" / "README.md", looked_at),
    "sure": (ROOT / "benchmarks" / "README.md", sure),
    "megc2019": (ROOT / "README.md", megc2019),
    "oracle": (ROOT / "merzoo" / "evaluation" / "README.md", oracle),
    "coverage": (ROOT / "merzoo" / "evaluation" / "README.md", coverage),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--collect", nargs="+", type=Path, default=[], metavar="RUN")
    parser.add_argument("--collect-oracle", nargs="+", type=Path, default=[], metavar="RUN")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    for run in options.collect:
        collect(run)
    for run in options.collect_oracle:
        collect_oracle(run)
    old = 0
    for name, (page, make) in TABLES.items():
        before = page.read_text()
        pattern = rf"(<!-- table: {name} -->\n).*?(<!-- end -->)"
        table = make()
        after = re.sub(pattern, lambda m, table=table: f"{m[1]}{table}\n{m[2]}", before, flags=re.S)
        if not options.check:
            page.write_text(after)
        elif after != before:
            print(f"{page.relative_to(ROOT)} is out of date: run tools/make_tables.py")
            old = 1
    if not options.check:
        MEASURED.write_text(recipes())
    elif MEASURED.read_text() != recipes():
        print(f"{MEASURED.relative_to(ROOT)} is out of date: run tools/make_tables.py")
        old = 1
    return old


if __name__ == "__main__":
    sys.exit(main())

"""The tables and sentences of `benchmarks/README.md` on invented faces and real ones.

From `benchmarks/results/synthetic_to_real*.csv`, which `benchmarks/synthetic_to_real.py` writes.
"""

import csv
import re
from pathlib import Path

RESULTS = Path(__file__).resolve().parent.parent / "benchmarks" / "results"
FAMILIES = {
    "fine-tuned against random start": "Fine-tuned less random start, same recipe, same steps",
    "a factor left out": "Zero-shot without a factor less with all",
    "why": "Parts of fine-tuning less random start, in ten folds of people",
}
WAYS = {
    "random": "random start",
    "planned": "fine-tuned, 2,000 clips",
    "head": "fine-tuned, 2,000 clips, fresh head",
    "frozen": "fine-tuned, 2,000 clips, frozen body",
    "mixed": "real people and 560 clips at once",
    "chosen": "fine-tuned, 2,000 clips, rate and freezing by inner people",
}
KERNELS = {
    "kernels-mean": "kernel ridge, mean of 72 kernels",
    "kernels-chosen": "kernel ridge, one of 72 kernels chosen in each fold",
    "ensemble-of-kernels": "ensemble: mean of 72 kernels, mirrorflownet, offapexnet random start",
}
YARDSTICK, MAIN, CHOSEN = "flow-krr", "offapexnet", "chosen-on-two-sets"
GOALS = {"zero": (0.74, 0.76), "best": (0.77, 0.79)}


def rows_of(end: str) -> list[dict]:
    """The rows of one of the result files; none where it is not there."""
    path = RESULTS / f"synthetic_to_real{end}.csv"
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def synthetic_to_real() -> str:
    """All runs, the tests of both other families, and what became of the goals."""
    rows, tests = rows_of(""), rows_of("_tests")
    if not rows:
        return "Not measured yet."
    parts = [_scores(rows, tests)]
    parts += [_family(tests, name, title) for name, title in FAMILIES.items()]
    if (RESULTS / "synthetic_to_real.png").is_file():
        parts.append("![UF1 by the number of invented clips](results/synthetic_to_real.png)")
    parts.append("\n".join([*_differing(tests), _goals(rows, tests)]))
    return "\n\n".join(part for part in parts if part)


def _scores(rows: list[dict], tests: list[dict]) -> str:
    beside = {row["run"]: row for row in tests if row["family"] == "against flow-krr"}
    heads = ["run", "seeds", "UF1 (spread)", "95 %", "UAR", "95 %", "SMIC / CASME II / SAMM"]
    heads += ["F1 negative / positive / surprise", "UF1 less flow-krr, 95 %", "p, Holm"]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for row in sorted(rows, key=lambda row: -float(row["uf1"])):
        spread = f" ({_three(row['uf1_spread'])})" if int(row["seeds"]) > 1 else ""
        cells = [told(row["run"]), row["seeds"], _three(row["uf1"]) + spread, _reach(row, "uf1")]
        cells += [_three(row["uar"]), _reach(row, "uar")]
        cells.append(" / ".join(_three(row[f"uf1_{s}"]) for s in ("SMIC", "CASME2", "SAMM")))
        classes = ("negative", "positive", "surprise")
        cells.append(" / ".join(_three(row[f"f1_{c}"]) for c in classes))
        cells += _less(beside.get(row["run"]))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _family(tests: list[dict], name: str, title: str) -> str:
    found = [row for row in tests if row["family"] == name]
    if not found:
        return ""
    lines = [f"| {title} | UF1, 95 % | p, Holm | UAR, 95 % |", "|---|---|---|---|"]
    for row in found:
        cells = [told(row["run"]), *_less(row), *_less(row, "uar")[:1]]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _differing(tests: list[dict]) -> list[str]:
    """Of each family, which differences are told from chance."""
    lines = []
    for family in dict.fromkeys(row["family"] for row in tests):
        found = [row for row in tests if row["family"] == family]
        sure = [row for row in found if float(row["uf1_p_holm"]) < 0.05]
        named = "; ".join(f"{told(row['run'])} {float(row['uf1']):+.3f}" for row in sure)
        beside = f": {named}" if named else ""
        lines.append(
            f"- {family}: {len(sure)} of {len(found)} differences of UF1 are told from chance at "
            f"5 % by Holm{beside}."
        )
    return lines


def _goals(rows: list[dict], tests: list[dict]) -> str:
    """One sentence a goal, from the figures."""
    zero = [row for row in rows if re.fullmatch(rf"{MAIN}-zero-\d+", row["run"])]
    lines = []
    if zero:
        row = max(zero, key=lambda row: int(row["run"].rpartition("-")[2]))
        lines.append(_goal(f"Zero-shot at the largest size, {told(row['run'])}", row, "zero"))
    held = [r for r in rows if not re.search("-zero-|-shipped$", r["run"])]
    held = [row for row in held if row["run"] not in (YARDSTICK, CHOSEN)]
    if held:
        row = max(held, key=lambda row: float(row["uf1"]))
        test = next((t for t in tests if t["run"] == row["run"] and "krr" in t["family"]), None)
        above = test is not None and float(test["uf1_low"]) > 0
        lines.append(
            _goal(f"Best run that saw real people, {told(row['run'])}", row, "best", above)
        )
    return "\n".join(lines)


def _goal(what: str, row: dict, name: str, other: bool = True) -> str:
    uf1, uar = GOALS[name]
    met = float(row["uf1"]) >= uf1 and float(row["uar"]) >= uar and other
    beside = " and an interval against flow-krr above 0" if name == "best" else ""
    return (
        f"- {what}: {_three(row['uf1'])} / {_three(row['uar'])}; goal {_three(uf1)} / "
        f"{_three(uar)}{beside}: {'met' if met else 'not met'}."
    )


def told(run: str) -> str:
    """A run's name in words.

    >>> told("offapexnet-zero-2000"), told("offapexnet-zero-varied-no-blur")
    ('offapexnet, zero-shot, 2,000 clips', 'offapexnet, zero-shot, varied without blur')
    >>> told("offapexnet-zero-helped-2000")
    'offapexnet, zero-shot, 2,000 clips in which four factors vary'
    >>> told("rcn-s-random-merzoo-flow-small")
    'rcn-s, random start, by merzoo-flow-small'
    """
    if run in KERNELS:
        return KERNELS[run]
    if run == "ensemble-real":
        return "ensemble: flow-krr, offapexnet random start"
    if run == "ensemble-of-four":
        return "ensemble: flow-krr, mirrorflownet and offapexnet random start, offapexnet zero-shot"
    if run.startswith("ensemble-"):
        members = "ensemble: flow-krr, offapexnet random start, offapexnet zero-shot"
        return f"{members}, {int(run[9:]):,} clips"
    if "-why-" in run:
        network, _, way = run.partition("-why-")
        return f"{network}, ten folds: {WAYS[way]}"
    if run.endswith("-shipped"):
        return f"{run.removesuffix('-shipped')}, zero-shot, one view, weights that come with merzoo"
    if run == CHOSEN:
        return "zero-shot, setting chosen on the two other sets"
    found = re.fullmatch(r"([\w-]+?)-(zero|fine|random)(?:-(.+))?", run)
    if not found:
        return run
    network, start, rest = found.groups()
    start = {"zero": "zero-shot", "fine": "fine-tuned", "random": "random start"}[start]
    rest, _, rate = (rest or "").partition("-at-")
    rest = rest.replace("varied-no-", "varied without ")
    kind, _, clips = rest.rpartition("-")
    if clips.isdigit():
        rest = f"{int(clips):,} clips" + (" in which four factors vary" if kind else "")
    rest = f"by {rest}" if rest and run.startswith(f"{network}-random-") else rest
    return ", ".join(part for part in (network, start, rest, rate and f"at {rate}") if part)


def _three(value) -> str:
    return f"{float(value):.3f}"


def _reach(row: dict, metric: str) -> str:
    return f"{_three(row[f'{metric}_low'])}-{_three(row[f'{metric}_high'])}"


def _less(row: dict | None, metric: str = "uf1") -> list[str]:
    """Difference with its interval, and p by Holm."""
    if row is None:
        return ["", ""]
    value, low, high = (f"{float(row[f'{metric}{end}']):+.3f}" for end in ("", "_low", "_high"))
    return [f"{value} ({low} to {high})", _three(row[f"{metric}_p_holm"])]

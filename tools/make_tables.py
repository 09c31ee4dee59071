"""Writes README's tables from result files; no figure there is typed by hand.

python tools/make_tables.py                      # rewrite the tables
python tools/make_tables.py --collect runs/x     # take a finished run into benchmarks/results first
python tools/make_tables.py --check              # exit 1 if README is out of date
"""

import argparse
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "megc2019"


def collect(run: Path) -> None:
    """Keeps what the tables need of a run: its protocol and metrics, without the predictions."""
    card = json.loads((run / "protocol.json").read_text())
    metrics = json.loads((run / "metrics.json").read_text())
    card["source"] = Path(card["source"]).name
    RESULTS.mkdir(parents=True, exist_ok=True)
    name = f"{card['model']}-{card['recipe']['name']}.json"
    content = {"protocol": card, "metrics": metrics}
    (RESULTS / name).write_text(json.dumps(content, indent=1) + "\n")


def megc2019() -> str:
    """The table of results on the composite, best first."""
    lines = [
        "| model | recipe | seeds | UF1 | 95 % | UAR | 95 % | SMIC / CASME II / SAMM UF1 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    rows = []
    for file in sorted(RESULTS.glob("*.json")):
        content = json.loads(file.read_text())
        card, metrics = content["protocol"], content["metrics"]
        parts = [(str(metrics["seeds"]), metrics["full"])]
        if metrics["ensemble"]:
            parts.append((f"ensemble of {metrics['seeds']}", metrics["ensemble"]))
        for seeds, part in parts:
            by = metrics["by_dataset"] if part is metrics["full"] else None
            rows.append((part["uf1"], _row(card, seeds, part, by)))
    rows.sort(reverse=True)
    return "\n".join(lines + [row for _, row in rows])


def _row(card, seeds, part, by_dataset) -> str:
    recipe = "-" if card["model"] == "flow-krr" else card["recipe"]["name"]
    cells = [card["model"], recipe, seeds]
    for key in ("uf1", "uar"):
        low, high = part["interval"][key]
        cells += [f"{part[key]:.3f}", f"{low:.3f}-{high:.3f}"]
    sets = ("SMIC", "CASME2", "SAMM")
    cells.append(" / ".join(f"{by_dataset[s]['uf1']:.3f}" for s in sets) if by_dataset else "")
    return "| " + " | ".join(cells) + " |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--collect", nargs="+", type=Path, default=[], metavar="RUN")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    for run in options.collect:
        collect(run)
    readme = ROOT / "README.md"
    before = readme.read_text()
    pattern = r"(<!-- table: megc2019 -->\n).*?(<!-- end -->)"
    after = re.sub(pattern, lambda m: f"{m[1]}{megc2019()}\n{m[2]}", before, flags=re.S)
    if options.check:
        if after != before:
            print("README.md is out of date: run tools/make_tables.py")
        return int(after != before)
    readme.write_text(after)
    return 0


if __name__ == "__main__":
    sys.exit(main())

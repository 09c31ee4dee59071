"""Writes the tables of `merzoo/tuning/README.md` from result files.

python tools/make_tuning_table.py                      # rewrite the tables
python tools/make_tuning_table.py --collect runs/tune  # keep a finished search in the results
python tools/make_tuning_table.py --check              # exit 1 if the page is out of date
"""

import argparse
import csv
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "merzoo" / "training" / "tuning" / "README.md"
RESULTS = ROOT / "benchmarks" / "results"


def collect(run: Path) -> None:
    """Keeps what the tables need of a search, and its trials, without where they ran."""
    summary = json.loads((run / "tuning.json").read_text())
    summary["data"] = Path(summary["data"]).name
    summary["recipe"] = json.loads((run / "best_recipe.json").read_text())
    protocol = run / "nested" / "protocol.json"
    if protocol.is_file():
        card = json.loads(protocol.read_text())
        summary |= {name: card[name] for name in ("seeds", "backend", "versions")}
    folder = RESULTS / "tuning"
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{summary['model']}-{summary['tuner']}"
    (folder / f"{name}.json").write_text(json.dumps(summary, indent=1) + "\n")
    with (run / "trials.csv").open() as stream:
        rows = [{k: v for k, v in row.items() if k != "worker"} for row in csv.DictReader(stream)]
    with (folder / f"{name}.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def searches() -> str:
    """What each collected search found, and whether it helped."""
    lines = ["| search | settings | judged on | UF1 | 95 % |", "|---|---|---|---|---|"]
    verdicts = []
    for file in sorted((RESULTS / "tuning").glob("*.json")):
        found = json.loads(file.read_text())
        finished = found["trials"]["all"].get("completed", 0)
        name = f"{found['model']}, {found['tuner']}, {finished} trials"
        inner = f"inner folds ({found['inner_folds']} groups), which chose it: optimistic"
        lines.append(f"| {name} | best found | {inner} | {found['uf1']:.3f} | - |")
        if found["default_uf1"] is not None:
            score = f"{found['default_uf1']:.3f}"
            lines.append(f"| | started from | the same inner folds | {score} | - |")
        if found["nested"] is None:
            continue
        for settings, key in (("tuned in each fold", "nested"), ("started from", "default")):
            low, high = found[key]["interval"]["uf1"]
            where = f"{found['outer']} outer folds, {found['seeds']} seeds"
            score = f"{found[key]['uf1']:.3f} | {low:.3f}-{high:.3f}"
            lines.append(f"| | {settings} | {where} | {score} |")
        verdicts.append(f"{found['model']}, {found['tuner']}: {verdict(found)}")
    return "\n".join([*lines, "", *verdicts])


def verdict(found: dict) -> str:
    """Did the search help, as far as its outer folds can tell?"""
    trials = [c.get("completed", 0) for name, c in found["trials"].items() if name != "all"]
    gain = found["difference"]["uf1"]
    low, high = gain["interval"]
    if gain["p"] >= 0.05:
        answer = "it is not shown that it helped"
    else:
        answer = "it helped" if gain["difference"] > 0 else "it harmed"
    low_count, high_count = min(trials), max(trials)
    count = f"{low_count}" if low_count == high_count else f"{low_count} to {high_count}"
    optimism = found["uf1"] - found["nested"]["uf1"]
    return (
        f"{answer}. On subjects that it never saw, the search changed UF1 by "
        f"{gain['difference']:+.3f} (95 % {low:+.3f} to {high:+.3f}, p {gain['p']:.3f}), with "
        f"{count} finished trials in each outer fold. The best trial's own "
        f"score differs from the honest one by {optimism:+.3f}."
    )


def speed() -> str:
    """What sharing one compiled model saves."""
    with (RESULTS / "tuning.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    first = rows[0]
    title = (
        f"{first['trials']} trials of {first['folds']} folds and {first['epochs']} epochs, "
        f"{first['backend']}"
    )
    lines = [f"| {title} | CPU s | times merzoo's |", "|---|---|---|"]
    for row in rows:
        lines.append(
            f"| {row['way']} | {float(row['cpu_s']):.0f} | {float(row['over_merzoo']):.2f} |"
        )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--collect", nargs="+", type=Path, default=[], metavar="RUN")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    for run in options.collect:
        collect(run)
    before = after = PAGE.read_text()
    for name, table in (("searches", searches), ("speed", speed)):
        pattern = rf"(<!-- table: {name} -->\n).*?(<!-- end -->)"
        after = re.sub(pattern, lambda m, t=table: f"{m[1]}{t()}\n{m[2]}", after, flags=re.S)
    if options.check:
        if after != before:
            print(f"{PAGE.name} is out of date: run tools/make_tuning_table.py")
        return int(after != before)
    PAGE.write_text(after)
    return 0


if __name__ == "__main__":
    sys.exit(main())

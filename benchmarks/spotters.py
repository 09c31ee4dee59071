"""How well spotters find expressions in long synthetic videos, by difficulty and by nuisance.

    python benchmarks/spotters.py --videos 100           # run, then rewrite results/spotters.csv
    python benchmarks/spotters.py --spotters softnet abpn --difficulties easy --videos 6
    python benchmarks/spotters.py --finished runs/spot runs/softnet
    python benchmarks/spotters.py --table                # the table of evaluation/README.md only

Each video is of another person, who is left out while the spotter is settled on the others (in
`--folds` folds of several people where there are more people than that). In all of them blinks,
nods, speech, turns of the head and macro-expressions come between the micro-expressions; the
columns `in_...` count the false alarms during each. Rows of other runs than those asked for are
kept, but for those of the same spotter on fewer videos of the same difficulty.
"""

import argparse
import csv
import json
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from machine import machine  # noqa: E402

RESULTS = HERE / "results" / "spotters.csv"
README = HERE.parent / "merzoo" / "evaluation" / "README.md"
NUISANCES = ("blink", "nod", "speech", "turn", "macro", "micro", "nothing known")
DIFFICULTIES = ("easy", "medium", "hard")
FIGURES = ("f1", "precision", "recall", "ap", "false_alarms_per_minute")


def run(
    spotter: str,
    difficulty: str,
    videos: int,
    folds: int = 20,
    epochs: int | None = None,
    runs: Path | None = None,
) -> Path:
    """Evaluates one spotter on the videos of one difficulty; the folder of the run."""
    from merzoo.evaluation.spotting.evaluate import evaluate_spots

    result = evaluate_spots(
        spotter,
        f"synthetic-long:{difficulty}?subjects={videos}",
        epochs=None if spotter == "spotter" else epochs,
        protocol="loso" if videos <= folds else f"kfold:{folds}",
        out=None if runs is None else runs / f"{spotter}-{difficulty}-{videos}",
    )
    return result.folder


def rows_of(folder: Path) -> list[dict]:
    """A row for each kind of expression, from the files of a run."""
    card, metrics = (
        json.loads((folder / n).read_text()) for n in ("protocol.json", "metrics.json")
    )
    alarms, rows = metrics["false_alarms_in"], []
    recipe = card.get("recipe") or {}
    for kind, part in metrics["full"].items():
        low, high = part["interval"]["f1"]
        row = {"spotter": card["model"], "epochs": recipe.get("epochs", ""), "data": card["source"]}
        row |= {"protocol": card["protocol"], "videos": part["videos"]}
        row |= {"minutes": f"{part['minutes']:.1f}", "kind": kind, "truth": part["truth"]}
        row |= {name: "" if part[name] is None else f"{part[name]:.3f}" for name in FIGURES}
        row |= {"low": f"{low:.3f}", "high": f"{high:.3f}"}
        row |= {"at_random": f"{part['floor']['f1']:.3f}"}
        row |= {f"in_{n.replace(' ', '_')}": f"{alarms.get(n, 0):g}" for n in NUISANCES}
        rows.append(row)
    return rows


def table() -> str:
    """Markdown from the result file."""
    heads = ["spotter", "difficulty", "videos", "F1 micro", "95 %", "at random", "AP", "F1 macro"]
    heads += ["false alarms/min", *(f"in {name}/min" for name in NUISANCES[:5])]
    lines = ["| " + " | ".join(heads) + " |", "|---|---|" + "---:|" * (len(heads) - 2)]
    runs: dict[tuple, dict] = {}
    with RESULTS.open(newline="") as file:
        for row in csv.DictReader(file):
            key = (row["spotter"], row["epochs"], row["data"], row["videos"])
            runs.setdefault(key, {})[row["kind"]] = row
    ordered = sorted(runs.items(), key=lambda run: DIFFICULTIES.index(difficulty_of(run[0][2])))
    for (spotter, epochs, data, videos), kinds in ordered:
        micro, overall = kinds["micro"], kinds["overall"]
        name = f"`{spotter}`" + (f", {epochs} epochs" if epochs else "")
        cells = [name, difficulty_of(data), videos, micro["f1"], f"{micro['low']}–{micro['high']}"]
        cells += [micro["at_random"], micro["ap"], kinds["macro"]["f1"]]
        cells += [overall["false_alarms_per_minute"]]
        minutes = float(overall["minutes"])
        cells += [f"{float(overall[f'in_{name}']) / minutes:.2f}" for name in NUISANCES[:5]]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def write_table() -> None:
    pattern = r"(<!-- table: spotters -->\n).*?(<!-- end -->)"
    text = README.read_text()
    README.write_text(re.sub(pattern, lambda m: f"{m[1]}{table()}\n{m[2]}", text, flags=re.S))


def difficulty_of(data: str) -> str:
    """`easy` of `synthetic-long:easy?subjects=6`."""
    return data.partition("?")[0].partition(":")[2]


def kept(fresh: list[dict]) -> list[dict]:
    """The rows of the result file that are not measured anew, on as many videos or more."""
    if not RESULTS.is_file():
        return []
    asked = {(row["spotter"], difficulty_of(row["data"])): int(row["videos"]) for row in fresh}
    with RESULTS.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        row
        for row in rows
        if int(row["videos"]) > asked.get((row["spotter"], difficulty_of(row["data"])), 0)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", action="store_true", help="rewrite the table only")
    parser.add_argument("--videos", type=int, default=100)
    parser.add_argument("--folds", type=int, default=20)
    parser.add_argument("--spotters", nargs="+", default=["spotter", "softnet", "abpn"])
    parser.add_argument("--difficulties", nargs="+", default=DIFFICULTIES)
    parser.add_argument("--epochs", type=int, help="of networks; default: their recipes'")
    parser.add_argument(
        "--finished", nargs="+", type=Path, default=[], help="rows of these finished runs instead"
    )
    parser.add_argument("--runs", type=Path, help="folder where runs are kept and go on")
    options = parser.parse_args()
    if not options.table:
        folders = list(options.finished)
        if not folders:
            for difficulty in options.difficulties:
                for spotter in options.spotters:
                    how = (options.videos, options.folds, options.epochs, options.runs)
                    folders.append(run(spotter, difficulty, *how))
        facts = machine()
        fresh = [row | facts for folder in folders for row in rows_of(folder)]
        rows = kept(fresh) + fresh
        with RESULTS.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    write_table()


if __name__ == "__main__":
    main()

"""Does pretraining on full expressions help with micro-expressions? One network, three beginnings.

A reduced DenseMixedNet on the magnified apex of synthetic micro clips, every person held out once,
three seeds: from random weights, from synthetic pictures of full expressions (forms CK+, RAF-DB and
FER-2013, other people), and, with `--fer ROOT`, from FER-2013. One recipe, set beforehand, for all.
Writes `results/transfer.csv`, and from it the table and the picture of `merzoo/training`.

    python benchmarks/transfer.py --fer FER2013 --work runs/transfer-benchmark
    python benchmarks/transfer.py --draw     # only the table and the picture, from the csv

With `--data` it asks the same of a set of one's own, with the weights of FER-2013 that come with
merzoo, and prints the paired answer (`transfer_own.py`); nothing here is written.

    python benchmarks/transfer.py --data casme2:CASME2
    python benchmarks/transfer.py --data casme2:CASME2 --model broadbentnet --seeds 1 --epochs 5
"""

import argparse
import csv
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
RESULT = HERE / "results" / "transfer.csv"
PAGES = HERE.parent / "merzoo" / "training"
sys.path.insert(0, str(HERE))

from machine import machine  # noqa: E402

SEEDS = 3
MODEL = "densemixednet"
NETWORK = {"input_shape": (48, 48, 1), "growth": 8, "blocks": 3}
MICRO = "synthetic:medium"
# People and pictures of each synthetic macro set; the seed makes their people.
MACRO = {"fer2013": (60, 3, 101), "raf_db": (45, 3, 102), "ck_plus": (6, 3, 103)}
FER_EVERY = 4  # of the 28,709 training pictures: one in so many
EPOCHS = {"synthetic macro": 30, "FER-2013": 8}
FIELDS = ("start", "pretrained_on", "validation_uar", "uf1", "low", "high", "seeds", "difference")
FIELDS += ("difference_low", "difference_high", "clips", "subjects")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fer", metavar="ROOT", help="a copy of FER-2013")
    parser.add_argument("--work", type=Path, default=Path("runs/transfer-benchmark"))
    parser.add_argument("--jobs", type=int, default=1, help="worker processes")
    parser.add_argument("--draw", action="store_true")
    parser.add_argument(
        "--data", metavar="SET:ROOT", help="a set of one's own, such as casme2:ROOT"
    )
    parser.add_argument("--model", default=MODEL, help="with --data: a network with such weights")
    parser.add_argument("--weights", default="fer2013-3", help="with --data: tag or folder")
    parser.add_argument("--labels", default="megc3", help="with --data: label map")
    parser.add_argument("--protocol", default="loso", help="with --data")
    parser.add_argument("--epochs", type=int, default=12, help="with --data")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="with --data")
    parser.add_argument("--on-error", default="fail", choices=("fail", "skip"), help="with --data")
    options = parser.parse_args()
    if options.data:
        from transfer_own import own

        own(options)
        return
    if not options.draw:
        measure(options)
    with RESULT.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    write_table(rows)
    draw(rows)


def measure(options) -> None:
    """Pretrains, runs every fold, and writes the csv; a run that was stopped goes on."""
    from merzoo.commands._shared import choose_backend

    choose_backend()
    import merzoo
    from merzoo.training.recipes import Recipe

    recipe = Recipe(
        "transfer-benchmark",
        "Adam 1e-3, batch 32, flip, square-root class weights; set before the first run.",
        epochs=12,
        augment=("flip",),
        class_weights="sqrt",
        model_arguments=NETWORK,
    )
    starts = {"random weights": None, "synthetic macro": synthetic_macro(options)}
    if options.fer:
        clips = merzoo.data.load("fer2013", options.fer, split="Training")
        starts["FER-2013"] = clips[::FER_EVERY]
    rows, results, facts = [], {}, machine()
    for name, data in starts.items():
        folder = options.work / name.replace(" ", "-").lower()
        common = {"recipe": recipe, "seeds": SEEDS, "jobs": options.jobs, "out": folder / "folds"}
        row = {"start": name, "pretrained_on": "", "validation_uar": ""}
        if data is None:
            result = merzoo.evaluate(MODEL, MICRO, **common)
        else:
            found = merzoo.pretrain(
                MODEL,
                data,
                recipe=recipe,
                epochs=EPOCHS[name],
                arguments=NETWORK,
                parameters={"jobs": options.jobs},
                out=folder / "weights",
            )
            row["pretrained_on"] = sum(map(sum, map(dict.values, _counts(found.card))))
            row["validation_uar"] = f"{found.entry.metrics['validation_uar']:.3f}"
            result = merzoo.transfer(MODEL, found.folder, MICRO, **common)
        results[name] = result
        full = result.metrics["full"]
        low, high = full["interval"]["uf1"]
        row |= {"uf1": f"{full['uf1']:.3f}", "low": f"{low:.3f}", "high": f"{high:.3f}"}
        row |= {"seeds": SEEDS, "clips": full["n"], "subjects": full["subjects"]}
        if data is not None:
            row |= difference(result, results["random weights"])
        rows.append(row | facts)
        print(f"{name}: UF1 {row['uf1']} ({row['low']}-{row['high']})", flush=True)
    with RESULT.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, [*FIELDS, *facts], restval="")
        writer.writeheader()
        writer.writerows(rows)


def synthetic_macro(options) -> list[str]:
    """Pictures and sequences of invented people, none of whom is in the micro clips."""
    from merzoo.data.synthetic import synthesize

    names = []
    for form, (subjects, clips, seed) in MACRO.items():
        out = options.work / "macro" / form
        synthesize(out, subjects, clips, "medium", form=form, seed=seed, jobs=options.jobs)
        names.append(f"{form}:{out}")
    return names


def _counts(card) -> list[dict]:
    data = card["data"]
    return [*data["trained_on"].values(), *data["validated_on"].values()]


def difference(result, other) -> dict:
    """UF1 of `result` less that of `other`, with a 95 % interval: `merzoo compare` on both."""
    from merzoo.evaluation.compare import compare

    found = compare([other.folder, result.folder])["comparisons"][0]["uf1"]
    low, high = found["interval"]
    names = ("difference", "difference_low", "difference_high")
    return {n: f"{v:+.3f}" for n, v in zip(names, (found["difference"], low, high), strict=True)}


def write_table(rows) -> None:
    """The table of the page, between its two marks, with what it says of the question."""
    lines = [
        "| start | pictures of full expressions | validation UAR there | LOSO UF1 | 95 % "
        "| less random weights | 95 % |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        apart = ["", ""]
        if row["pretrained_on"]:
            apart = [row["difference"], f"{row['difference_low']} to {row['difference_high']}"]
        cells = [row["start"], row["pretrained_on"], row["validation_uar"], row["uf1"]]
        lines.append("| " + " | ".join([*cells, f"{row['low']}-{row['high']}", *apart]) + " |")
    first = rows[0]
    lines.append("")
    lines.append(
        f"{first['clips']} synthetic micro clips (`{MICRO}`) of {first['subjects']} people, mean "
        f"over {first['seeds']} seeds; intervals from a bootstrap over people. {verdict(rows)}"
    )
    lines += ["", "![scores and intervals](transfer.png)"]
    page = PAGES / "README.md"
    pattern = r"(<!-- table: transfer -->\n).*?(<!-- end -->)"
    text = page.read_text()
    page.write_text(
        re.sub(pattern, lambda m: f"{m[1]}{chr(10).join(lines)}\n{m[2]}", text, flags=re.S)
    )


def verdict(rows) -> str:
    """What the intervals of the differences allow to say, in words."""
    said = []
    for row in rows[1:]:
        low, high = float(row["difference_low"]), float(row["difference_high"])
        if low > 0:
            said.append(f"Pretraining on {row['start']} helped here.")
        elif high < 0:
            said.append(f"Pretraining on {row['start']} did harm here.")
        else:
            said.append(f"Whether pretraining on {row['start']} helps cannot be told from these.")
    return " ".join(said)


def draw(rows) -> None:
    """`transfer.png`: the scores and their intervals."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 0.7 + 0.55 * len(rows)), layout="constrained")
    FigureCanvasAgg(figure)
    axis = figure.subplots()
    for place, row in enumerate(reversed(rows)):
        middle, low, high = (float(row[n]) for n in ("uf1", "low", "high"))
        axis.plot([low, high], [place, place], color="#3b82c4", lw=2)
        axis.plot(middle, place, "o", color="#3b82c4")
        axis.annotate(f"{middle:.3f}", (middle, place), (0, 7), textcoords="offset points",
                      ha="center", fontsize=9)  # fmt: skip
    axis.set_yticks(range(len(rows)), [row["start"] for row in reversed(rows)])
    axis.set_ylim(-0.5, len(rows) - 0.4)
    axis.set_xlabel(f"LOSO UF1 on synthetic micro clips, 95 % interval ({SEEDS} seeds)")
    axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(PAGES / "transfer.png", dpi=110)


if __name__ == "__main__":
    main()

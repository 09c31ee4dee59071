"""Writes a card for each file of weights, and the table of weights/README.md, from the manifest.

python tools/make_weight_cards.py            # write them
python tools/make_weight_cards.py --check    # exit 1 if one is out of date
"""

import argparse
import json
import re
import sys
from collections import Counter
from pathlib import Path

import h5py
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from merzoo.data.unit_labels import is_unit_labels, unit_table  # noqa: E402
from merzoo.metrics import MACRO_F1, UF1, UNITS, headline  # noqa: E402
from merzoo.preprocessing.views import TEST_TIME  # noqa: E402
from merzoo.weights import WeightsEntry  # noqa: E402
from merzoo.weights.entry import REAL, read_entries  # noqa: E402
from merzoo.weights.manifest import MANIFEST, files_folder, places  # noqa: E402

WEIGHTS = ROOT / "weights"
NOTE = "<!-- Written by tools/make_weight_cards.py from manifest.json and logs/; do not edit. -->"
NEVER = (
    "Not for deciding about people: no lie detection, hiring, policing, school, insurance or "
    "medical use. The EU AI Act forbids inferring emotions at work and in education in most cases."
)


def card(entry: WeightsEntry) -> str:
    """The card of one entry, in Markdown."""
    log = json.loads((WEIGHTS / "logs" / f"{entry.id}.json").read_text())
    tag = entry.id.rpartition(".")[2]
    parts = [
        NOTE,
        f"# {entry.id}",
        f'```python\nmodel = merzoo.create_model("{entry.network}", weights="{tag}")\n```',
        _table(["", ""], _facts(entry, log)),
        "## Data",
        _data(entry, log),
        "## How it was trained and chosen",
        _training(entry, log),
        "## What it reaches, on data it was never trained on",
        _metrics(entry),
        *([_validation(log)] if log["validation"] else []),
        *([_again(log)] if "measured_again" in log else []),
        "## Not to be used for",
        "\n".join(f"- {line}" for line in _limits(entry)),
    ]
    return "\n\n".join(parts) + "\n"


def table(entries: list[WeightsEntry]) -> str:
    """The table of all weights."""
    rows = []
    for entry in entries:
        found = [f"{_reached(scores)} ({data})" for data, scores in entry.metrics.items()]
        rows.append(
            [
                f"[{entry.id}](cards/{entry.id}.md)",
                f"{entry.bytes / 1e6:.2f}",
                "download" if entry.url else "package",
                str(len(entry.classes)),
                ", ".join(entry.trained_on),
                "; ".join(found),
                entry.licence,
            ]
        )
    packaged = sum(entry.bytes for entry in entries if entry.url is None)
    total = (
        "*against always the most frequent class; of action units macro F1 against always present. "
        + f"{sum(entry.bytes for entry in entries) / 1e6:.1f} MB in all, of which "
        + f"{packaged / 1e6:.1f} come with the package."
    )
    columns = ["weights", "MB", "in", "classes", "trained on"]
    columns += ["UF1 on data never trained on*", "licence"]
    return f"{_table(columns, rows)}\n\n{total}"


def _reached(scores: dict) -> str:
    """The score of one test part, and the one that needs no network."""
    if MACRO_F1.name in scores:
        return f"macro F1 {scores['macro_f1']:.3f} against {scores['always_present_macro_f1']:.3f}"
    return f"{scores['uf1']:.3f} against {scores['most_frequent_uf1']:.3f}"


def _facts(entry: WeightsEntry, log: dict) -> list[list[str]]:
    difference = log["float16_difference"]
    path = next(path for path in places(entry) if path.is_file())
    with h5py.File(path) as file:
        short = _compressed(file)
    rounded = " rounded to 5 fraction bits" if short else ""
    stored = f"kernels as float16{rounded}, loaded as float32"
    if difference is not None:
        stored += f" (moves a probability by about {difference:.2g} at the most)"
    return [
        ["network", f"`{entry.network}`"],
        ["arguments", f"`{json.dumps(entry.model_arguments)}`"],
        ["classes", f"{', '.join(entry.classes)} (label map `{entry.labels}`)"],
        ["licence", entry.licence],
        ["file", f"`{entry.file}`, {entry.bytes:,} bytes, SHA-256 `{entry.sha256}`"],
        ["from", f"`{entry.url}`" if entry.url else "comes with merzoo"],
        ["stored", stored],
        ["confidence", _confidence(entry)],
        ["merzoo", entry.merzoo_version],
    ]


def _confidence(entry: WeightsEntry) -> str:
    chosen = entry.confidence
    if chosen is None:
        return "as the network says it, not calibrated"
    return (
        f"temperature {chosen['temperature']:.3g}, answers from {chosen['threshold']:.3g} on: "
        f"chosen on {chosen['answers']} answers about {chosen['people']} people not trained on"
    )


def _compressed(file) -> bool:
    """Whether the kernels of a file were shortened and compressed (`train_weights.shrink`)."""
    return bool(file.visititems(lambda _, item: getattr(item, "compression", None)))


def _data(entry: WeightsEntry, log: dict) -> str:
    data = log["data"]
    lines = [f"`{data['source']}`. " + " ".join(f"{note}." for note in data["notes"])]
    rows = [
        [part, f"{data[part]['samples']:,}", *(f"{n:,}" for n in _counts(entry, data[part]))]
        for part in ("train", "validation")
        if data[part]
    ]
    lines.append(_table(["", "samples", *entry.classes], rows))
    lines.append(f"Subjects seen: {_subjects(entry)}. They are named in `manifest.json`.")
    return "\n\n".join(line.strip() for line in lines)


def _counts(entry: WeightsEntry, part: dict) -> list[int]:
    """Samples of each class; of action units, those that show each."""
    counts = part["classes"]
    if not is_unit_labels(entry.labels):
        return list(counts.values())
    _, shown = unit_table(list(counts))
    return (np.array(list(counts.values())) @ shown).tolist()


def _subjects(entry: WeightsEntry) -> str:
    counts = Counter(subject.partition("/")[0] for subject in entry.subjects)
    return ", ".join(
        f"all of {data} (it names none)" if f"{data}/*" in entry.subjects else f"{n} of {data}"
        for data, n in sorted(counts.items())
    )


def _training(entry: WeightsEntry, log: dict) -> str:
    recipe = log["recipe"]
    words = {
        "optimizer": f"{recipe['optimizer']}, learning rate {recipe['learning_rate']:g}, "
        f"{recipe['schedule']} schedule",
        "batch": recipe["batch_size"],
        "epochs": recipe["epochs"],
        "augmentation": ", ".join(recipe["augment"]) or "none",
        "class weights": recipe["class_weights"] or "none",
        "scored": TEST_TIME.get(recipe["test_time"], "one view a sample"),
        "backend": f"Keras {log['versions']['keras']} on {log['backend']}",
    }
    lines = "\n".join(f"- {name}: {value}" for name, value in words.items())
    remarks = "".join(f"\n\n{remark}" for remark in log.get("remarks", ()))
    return f"{entry.protocol[0].upper()}{entry.protocol[1:]}.\n\n{lines}{remarks}"


def _metrics(entry: WeightsEntry) -> str:
    if is_unit_labels(entry.labels):
        return _unit_metrics(entry)
    found = list(entry.metrics.values())
    shown = [metric for metric in headline() if all(metric.name in s for s in found)]
    keys = [*(metric.name for metric in shown), "most_frequent_uf1"]
    rows = [
        [data, str(s["n"]), *(f"{s[key]:.3f}" for key in keys)] for data, s in entry.metrics.items()
    ]
    columns = ["data", "samples", *(metric.heading for metric in shown)]
    columns.append(f"{UF1.label} of always the most frequent class")
    return _table(columns, rows) + _left_out(entry)


def _left_out(entry: WeightsEntry) -> str:
    if "leave one" not in next(iter(entry.metrics)):
        return ""
    return (
        "\n\nThis file was trained on every subject, so nothing is left to test it on: the "
        "figure is that of the same recipe trained anew without each subject in turn."
    )


def _unit_metrics(entry: WeightsEntry) -> str:
    """Scores of all units, then of each beside the F1 of always saying that it is there."""
    names = [metric.name for metric in headline(UNITS)]
    columns = ["data", "samples", *(metric.heading for metric in headline(UNITS))]
    columns.append(f"{MACRO_F1.label} of always saying present")
    keys = [*names, "always_present_macro_f1"]
    rows = [
        [data, str(s["n"]), *(f"{s[key]:.3f}" for key in keys)] for data, s in entry.metrics.items()
    ]
    tables = [_table(columns, rows)]
    for data, scores in entry.metrics.items():
        rows = [
            [name, str(u["n"]), f"{u['f1']:.3f}", f"{u['always_present']:.3f}"]
            for name, u in scores["units"].items()
        ]
        tables.append(f"By unit, on {data}:")
        tables.append(_table(["unit", "samples with it", "F1", "F1 of always present"], rows))
    return "\n\n".join(tables) + _left_out(entry)


def _validation(log: dict) -> str:
    scores = log["validation"][log["kept_epoch"] - 1]
    return (
        f"On the validation part, by which the epoch was chosen (so slightly too good): UF1 "
        f"{scores['uf1']:.3f}, accuracy {scores['accuracy']:.3f}."
    )


def _again(log: dict) -> str:
    """What was found on another machine than that of the training."""
    found = [f"{part} {one['accuracy']:.4f}" for part, one in log["measured_again"].items()]
    return f"Measured again on another machine, accuracy: {', '.join(found)}."


def _limits(entry: WeightsEntry) -> list[str]:
    lines = [NEVER]
    if entry.licence.startswith("research"):
        lines.append(f"Nothing but research: {entry.licence}.")
    if set(entry.trained_on) == {"synthetic"}:
        real = [name for name in entry.metrics if name.startswith(REAL)]
        lines.append(
            "Real faces unlike those measured above: it has seen painted ones only."
            if real
            else "Real faces: it has seen painted ones only, and is for examples and tests."
        )
    if "fer2013" in entry.trained_on:
        lines.append(
            "Micro-expressions as it stands: it has seen single pictures of strong, often posed "
            "expressions; it is a start for fine-tuning. Labels of FER-2013 are noisy."
        )
    lines.append("Testing on the subjects it has seen (above): such figures would be too good.")
    return lines


def _table(columns: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows])


def _pages() -> dict[Path, str]:
    """Path -> content of everything that is written."""
    entries = read_entries(files_folder() / MANIFEST)
    pages = {WEIGHTS / "cards" / f"{entry.id}.md": card(entry) for entry in entries}
    readme = WEIGHTS / "README.md"
    pattern = r"(<!-- table: weights -->\n).*?(<!-- end -->)"
    text = readme.read_text()
    pages[readme] = re.sub(pattern, lambda m: f"{m[1]}{table(entries)}\n{m[2]}", text, flags=re.S)
    return pages


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    pages = _pages()
    old = {path for path in (WEIGHTS / "cards").glob("*.md")} - set(pages)
    stale = [p for p, text in pages.items() if not p.exists() or p.read_text() != text]
    if options.check:
        for path in [*stale, *old]:
            print(f"{path.relative_to(ROOT)} is out of date: run tools/make_weight_cards.py")
        return int(bool(stale or old))
    for path in stale:
        path.parent.mkdir(exist_ok=True)
        path.write_text(pages[path])
    for path in old:
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())

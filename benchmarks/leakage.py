"""The leakage lesson: one small network on raw pixels, split over frames and split over people.

Frames of one clip are near copies of one another. Splitting frames at random puts copies on both
sides, and a network that has learnt who sits there scores as if it had learnt expressions; that is
the protocol of the frame-level 8-fold results in the literature. Leaving people out shows what it
has learnt. Same frames, same network, same training, by merzoo's own protocols. Writes
`results/leakage.csv` and `results/leakage.html`.

    python benchmarks/leakage.py
"""

import argparse
import csv
import os
import sys
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from machine import machine  # noqa: E402

from merzoo.evaluation import evaluate  # noqa: E402
from merzoo.metrics import confusion_matrix, scores  # noqa: E402
from merzoo.models.registry import register  # noqa: E402
from merzoo.training.recipes import Recipe  # noqa: E402

SIDE = 64  # pixels, as in the frame-level papers
FRAMES_APART = "kfold-frames:8"  # whose run has the one by subject, kfold:8, beside
PEOPLE_APART = "loso"


@register("frame-network", title="Small network on single frames")
def frame_network(name="frame-network", classes=3):
    """A small convolutional network; 0..255 pixels."""
    import keras
    from keras import layers

    frame = keras.Input((SIDE, SIDE, 1), name="apex")
    x = layers.Rescaling(1 / 255)(frame)
    x = layers.Conv2D(12, 5, strides=4, activation="relu")(x)  # (15, 15, 12)
    x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.Conv2D(24, 3, strides=2, activation="relu")(x)  # (7, 7, 24)
    x = layers.Flatten()(x)
    x = layers.Dense(48, activation="relu")(x)
    x = layers.Dense(classes, activation="softmax")(x)
    return keras.Model([frame], x, name=name)


def single_frames(difficulty: str, subjects: int, clips: int, count: int):
    """Grey frames around the apex of synthetic clips, whole pictures, as samples."""
    from merzoo.data import synthetic
    from merzoo.data.frame_samples import expand_frames
    from merzoo.preprocessing import prepare

    found = synthetic.clips(difficulty, subjects, clips)
    inputs = {"apex": (SIDE, SIDE, 1)}
    return len(found), prepare(expand_frames(found, count), inputs, "megc3", detector="none")


def shared_clips(data, protocol: str) -> str:
    """Share of test samples whose clip has frames in the training set, mean over folds."""
    from merzoo.data.frame_samples import clip_of
    from merzoo.evaluation.splits.protocols import make_folds

    clips = clip_of(data.clip)
    shares = [np.isin(clips[f.test], clips[f.train]).mean() for f in make_folds(protocol, data)]
    return f"{np.mean(shares):.2f}"


def row_of(data, protocol: str, folds: int, found: dict) -> dict:
    """One row of the result file from the scores of a run."""
    row = {"protocol": protocol, "folds": folds, "frames": len(data)}
    return row | {name: f"{found[name]:.3f}" for name in ("accuracy", "uf1")}


def write_page(path: Path, rows: list[dict]) -> None:
    """A self-contained page: the two protocols side by side as bars and as a table."""
    bars, table = [], []
    for index, row in enumerate(rows):
        width, y = 520 * float(row["accuracy"]), 14 + 44 * index
        colour = "#b5482f" if "frames" in row["protocol"] else "#2f6fb5"
        colour = "#8a8a8a" if row["protocol"].startswith("always") else colour
        bars.append(
            f'<rect x="10" y="{y}" width="{width:.0f}" height="20" fill="{colour}"/>'
            f'<text x="{width + 18:.0f}" y="{y + 15}">{row["accuracy"]}</text>'
            f'<text x="10" y="{y + 34}" class="name">{row["protocol"]}</text>'
        )
        cells = (row["protocol"], row["folds"], row["frames"], row["accuracy"], row["uf1"])
        table.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    path.write_text(
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>Leakage</title>"
        "<style>body{font:15px sans-serif;max-width:44em;margin:2em auto}td,th{padding:.2em .8em;"
        "text-align:left}text{font:13px sans-serif}.name{fill:#555}</style>"
        "<h1>Same frames, same network, two protocols</h1>"
        "<p>Accuracy on frames that were left out. A network on raw pixels of single frames can "
        "hardly know the expression: it has never seen that face at rest. Split over frames it "
        "seems to, because a near copy of each test frame was in the training set.</p>"
        f"<svg width='640' height='{20 + 44 * len(rows)}'>{''.join(bars)}</svg>"
        "<table><tr><th>protocol</th><th>folds</th><th>frames</th><th>accuracy</th><th>UF1</th>"
        f"</tr>{''.join(table)}</table>"
        f"<p>{rows[0]['data']}; {rows[0]['processor']}; {rows[0]['versions']}</p></html>\n",
        encoding="utf-8",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--difficulty", default="medium")
    parser.add_argument("--subjects", type=int, default=20)
    parser.add_argument("--clips", type=int, default=7)
    parser.add_argument("--frames", type=int, default=8, help="of each clip (8)")
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args()

    count, data = single_frames(options.difficulty, options.subjects, options.clips, options.frames)
    recipe = Recipe("frames", "Adam 1e-3, batch 64", batch_size=64, epochs=options.epochs)
    rows = []
    for protocol in (FRAMES_APART, PEOPLE_APART):
        start = time.perf_counter()
        result = evaluate("frame-network", data, protocol=protocol, recipe=recipe)
        seconds = f"{time.perf_counter() - start:.1f}"
        runs = [(protocol, result.predictions["fold"].nunique(), result.metrics["full"])]
        beside = result.metrics.get("by_subject")
        if beside:
            runs.append((beside["protocol"], int(beside["protocol"].split(":")[1]), beside))
        for name, folds, found in runs:
            row = row_of(data, name, folds, found) | {"epochs": options.epochs}
            seen = {"test_clips_seen_in_training": shared_clips(data, name)}
            rows.append(row | seen | {"seconds": seconds})
            seconds = ""  # the run by subject is part of the same
    constant = np.full(len(data), np.bincount(data.label).argmax())
    found = scores(confusion_matrix(data.label, constant, len(data.classes)))
    row = row_of(data, "always the most frequent class", 0, found) | {"epochs": options.epochs}
    rows.append(row | {"test_clips_seen_in_training": "", "seconds": "0.0"})
    facts = {"data": f"synthetic:{options.difficulty}, {count} clips", **machine()}
    rows = [row | facts for row in rows]

    options.out.mkdir(parents=True, exist_ok=True)
    with open(options.out / "leakage.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    write_page(options.out / "leakage.html", rows)
    for row in rows:
        print(f"{row['protocol']:<32} accuracy {row['accuracy']}  UF1 {row['uf1']}")
    print(f"written: {options.out / 'leakage.csv'}, {options.out / 'leakage.html'}")


if __name__ == "__main__":
    main()

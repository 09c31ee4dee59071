"""The leakage lesson: one small network on raw pixels, split over frames and split over people.

Frames of one clip are near copies of one another. Splitting frames at random puts copies on both
sides, and a network that has learnt who sits there scores as if it had learnt expressions; that is
the protocol of the frame-level 8-fold results in the literature. Leaving out one person at a time
(LOSO) shows what it has learnt. Same frames, same network, same training. Writes
`results/leakage.csv` and `results/leakage.html`.

    python benchmarks/leakage.py
"""

import argparse
import csv
import sys
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from machine import machine  # noqa: E402

SIDE = 64  # pixels, as in the frame-level papers
CLASSES = ("negative", "positive", "surprise")
LABELS = {"happiness": 1, "surprise": 2}  # all other emotions are negative
FOLDS = 8


def frames_near_apex(clips, count: int):
    """Grey 64x64 frames around each clip's apex, their labels, subjects and clips."""
    import cv2

    images, labels, subjects, names = [], [], [], []
    for clip in clips:
        first, last = clip.onset, clip.offset
        middle = np.linspace((first + clip.apex) / 2, (clip.apex + last) / 2, count)
        for position in np.unique(np.rint(middle).astype(int)):
            frame = clip.frames[int(position)]
            grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) if frame.shape[-1] == 3 else frame
            images.append(cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA))
            labels.append(LABELS.get(clip.label, 0))
            subjects.append(clip.subject)
            names.append(clip.id)
    images = np.stack(images).astype("float32")
    return images[..., None], np.array(labels), np.array(subjects), np.array(names)


def network():
    """A small convolutional network; 0..1 pixels, three classes."""
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(12, 5, strides=4, activation="relu"),  # (15, 15, 12)
            layers.BatchNormalization(momentum=0.9),
            layers.Conv2D(24, 3, strides=2, activation="relu"),  # (7, 7, 24)
            layers.Flatten(),
            layers.Dense(48, activation="relu"),
            layers.Dense(len(CLASSES), activation="softmax"),
        ]
    )


def cross_validate(images, labels, splits, epochs: int, name: str) -> np.ndarray:
    """Predictions for every frame, each from the fold in which it was left out.

    One compiled network is reset for each fold; an optimizer's first state is all zeros.
    """
    import keras

    from merzoo.progress import progress_bar

    keras.utils.set_random_seed(0)
    model = network()
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    model.optimizer.build(model.trainable_variables)
    start = model.get_weights()
    optimizer = [np.array(v.value) for v in model.optimizer.variables]
    predicted = np.full(len(labels), -1)
    with progress_bar() as bar:
        for train, test in bar.track(splits, description=name):
            model.set_weights(start)
            for variable, value in zip(model.optimizer.variables, optimizer, strict=True):
                variable.assign(value)
            model.fit(images[train], labels[train], batch_size=64, epochs=epochs, verbose=0)
            predicted[test] = model.predict(images[test], batch_size=256, verbose=0).argmax(-1)
    return predicted


def splits_over_frames(count: int):
    """Shuffled 8-fold over frames: frames of one clip stand on both sides."""
    order = np.random.default_rng(0).permutation(count)
    return [(np.setdiff1d(order, part), part) for part in np.array_split(order, FOLDS)]


def splits_over_people(subjects):
    """Each person in turn is left out."""
    everyone = np.arange(len(subjects))
    return [
        (everyone[subjects != name], everyone[subjects == name]) for name in np.unique(subjects)
    ]


def scores(labels, predicted) -> dict:
    from sklearn.metrics import f1_score

    uf1 = f1_score(labels, predicted, average="macro", labels=range(len(CLASSES)))
    return {"accuracy": f"{(labels == predicted).mean():.3f}", "uf1": f"{uf1:.3f}"}


def write_page(path: Path, rows: list[dict]) -> None:
    """A self-contained page: the two protocols side by side as bars and as a table."""
    bars, table = [], []
    for index, row in enumerate(rows):
        width, y = 520 * float(row["accuracy"]), 14 + 44 * index
        colour = "#b5482f" if row["protocol"].startswith("frames") else "#2f6fb5"
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
    from merzoo.data.synthetic import clips

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--difficulty", default="medium")
    parser.add_argument("--subjects", type=int, default=20)
    parser.add_argument("--clips", type=int, default=7)
    parser.add_argument("--frames", type=int, default=8, help="of each clip (8)")
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args()

    found = clips(options.difficulty, options.subjects, options.clips)
    images, labels, subjects, names = frames_near_apex(found, options.frames)
    protocols = {
        f"frames, shuffled {FOLDS}-fold": splits_over_frames(len(labels)),
        "people, leave one out (LOSO)": splits_over_people(subjects),
    }
    facts = {"data": f"synthetic:{options.difficulty}, {len(found)} clips", **machine()}
    common = {"frames": len(labels), "epochs": options.epochs}
    rows = []
    for name, splits in protocols.items():
        start = time.perf_counter()
        predicted = cross_validate(images, labels, splits, options.epochs, name)
        seconds = f"{time.perf_counter() - start:.1f}"
        shared = np.mean([np.isin(names[test], names[train]).mean() for train, test in splits])
        row = {"protocol": name, "folds": len(splits), **common, **scores(labels, predicted)}
        rows.append({**row, "test_clips_seen_in_training": f"{shared:.2f}", "seconds": seconds})
    constant = np.full(len(labels), np.bincount(labels).argmax())
    row = {"protocol": "always the most frequent class", "folds": 0, **common}
    row |= scores(labels, constant)
    rows.append({**row, "test_clips_seen_in_training": "", "seconds": "0.0"})
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

"""Exports with their preprocessing: agreement with Keras and with the pipeline, size, latency.

    python benchmarks/export.py                          # both networks, all formats, 100 clips
    python benchmarks/export.py --networks ststnet --formats onnx --clips 12 --quick

Every export takes raw 8-bit face crops of synthetic people that the weights have not seen. It is
compared with the Keras model of the same graph (`keras`), with the Keras model on what
`merzoo.preprocessing` makes of the same crops (`crops`), with the Keras model on what it makes of
the raw clips, face detection and all (`clips`), and with `merzoo.predict` on the onset and apex
pictures as files (`predict`). Writes `results/export.csv`.
"""

import argparse
import csv
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]
os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from machine import machine  # noqa: E402
from speed import seconds  # noqa: E402

RESULTS = HERE / "results" / "export.csv"
README = HERE.parent / "merzoo" / "exporting" / "README.md"
NETWORKS = ("ststnet", "dfrnet")
AGAINST = ("crops", "clips", "predict")
PATHS = {"saved_model": "saved", "onnx": "m.onnx", "litert": "m.tflite", "openvino": "m.xml"}


def worker(path: str, crops: str, budget: float) -> None:
    """Runs an export alone in a process: milliseconds for one pair, and all outputs."""
    from merzoo.exporting import load_export

    run = load_export(path)
    with np.load(crops) as archive:
        pairs = dict(archive)
    one = {name: x[:1] for name, x in pairs.items()}
    milliseconds = 1e3 * seconds({"it": lambda: run(one)}, budget)["it"]
    outputs = run(pairs)
    print(json.dumps({"latency_ms": milliseconds, "outputs": outputs.tolist()}))


def measure(network: str, options, folder: Path) -> list[dict]:
    """One row a format."""
    from merzoo.data.labels import map_labels
    from merzoo.data.synthetic import clips
    from merzoo.exporting import export
    from merzoo.exporting.exporter import TOLERANCE
    from merzoo.exporting.graph import default_crop_size
    from merzoo.exporting.probes import face_pairs
    from merzoo.models import create_model
    from merzoo.preprocessing import prepare

    model = create_model(network, weights=options.weights)
    chosen = map_labels(clips(options.difficulty, 40, 7, seed=1000), "megc3").clips[: options.clips]
    pairs = face_pairs(chosen, model, default_crop_size(model))
    np.savez(folder / "crops.npz", **pairs.crops)
    raw = prepare(chosen, model.inputs, "megc3", jobs=1)
    by_clips = model.predict(dict(raw.modalities), batch_size=8, verbose=0)
    by_crops = model.predict(dict(pairs.data.modalities), batch_size=8, verbose=0)
    by_predict = predicted(chosen, network, options.weights, folder)
    rows = []
    for format in options.formats:
        path = folder / PATHS[format]
        done = export(model, path, format, preprocessing=True, data=chosen)
        command = [sys.executable, __file__, "--worker", str(path), str(folder / "crops.npz")]
        command += ["0.3" if options.quick else "3"]
        answer = subprocess.run(command, capture_output=True, text=True, check=True)
        found = json.loads(answer.stdout.strip().splitlines()[-1])
        outputs = np.array(found["outputs"])
        row = {"network": network, "format": format, "megabytes": f"{done.bytes / 1e6:.2f}"}
        row["largest_difference_keras"] = max(x.difference for x in done.parity if x.enforced)
        row |= _against("crops", outputs, by_crops) | _against("clips", outputs, by_clips)
        row |= _against("predict", outputs, by_predict)
        row |= {"pairs": len(outputs), "latency_ms": found["latency_ms"]}
        rows.append({k: f"{v:.3g}" if isinstance(v, float) else v for k, v in row.items()})
        print(rows[-1], f"allowed {TOLERANCE:.0e}", flush=True)
    return rows


def predicted(clips, network: str, weights: str, folder: Path) -> np.ndarray:
    """Probabilities that `merzoo.predict` gives for the onset and apex of each clip, as files."""
    import cv2

    import merzoo
    from merzoo.prediction import Classifier

    classifier = Classifier(network, weights)
    pair = (folder / "onset.png", folder / "apex.png")
    rows = []
    for clip in clips:
        for path, position in zip(pair, (clip.onset, clip.apex), strict=True):
            cv2.imwrite(str(path), clip.frames[position][..., ::-1])
        (segment,) = merzoo.predict(pair, classifier)
        rows.append([segment.probabilities[name] for name in classifier.classes])
    return np.array(rows)


def _against(name: str, outputs, expected) -> dict:
    same = int((outputs.argmax(-1) == expected.argmax(-1)).sum())
    return {
        f"same_class_{name}": same,
        f"largest_difference_{name}": float(np.abs(outputs - expected).max()),
    }


def write_table() -> None:
    """Writes the README's table from the result file."""
    with RESULTS.open(newline="") as file:
        rows = list(csv.DictReader(file))
    lines = [
        "| network | format | MB | one pair, ms | from Keras, at most | same class as the pipeline "
        "on the same crops | on the raw clips | as `merzoo.predict` |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [row["network"], f"`{row['format']}`", row["megabytes"], row["latency_ms"]]
        cells.append(row["largest_difference_keras"])
        cells += [f"{row[f'same_class_{name}']} of {row['pairs']}" for name in AGAINST]
        lines.append("| " + " | ".join(cells) + " |")
    facts = f"\n{rows[0]['processor']}, {rows[0]['cores']} cores."
    text = "\n".join([*lines, facts])
    pattern = r"(<!-- table: export -->\n).*?(<!-- end -->)"
    README.write_text(
        re.sub(pattern, lambda m: f"{m[1]}{text}\n{m[2]}", README.read_text(), flags=re.S)
    )


def main() -> None:
    if sys.argv[1:2] == ["--worker"]:
        path, crops, budget = sys.argv[2:]
        worker(path, crops, float(budget))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", default=NETWORKS)
    parser.add_argument("--formats", nargs="+", default=tuple(PATHS), choices=PATHS)
    parser.add_argument("--weights", default="synthetic", help="tag (synthetic)")
    parser.add_argument("--difficulty", default="easy", help="of the synthetic clips (easy)")
    parser.add_argument("--clips", type=int, default=100, help="number of pairs (100)")
    parser.add_argument("--quick", action="store_true", help="short runs, nothing is written")
    parser.add_argument("--table", action="store_true", help="only rewrite the README's table")
    options = parser.parse_args()
    if options.table:
        write_table()
        return
    rows = []
    for network in options.networks:
        with tempfile.TemporaryDirectory() as folder:
            rows += measure(network, options, Path(folder))
    if not options.quick:
        facts = machine()
        with RESULTS.open("w", newline="") as file:
            writer = csv.DictWriter(file, [*rows[0], *facts])
            writer.writeheader()
            writer.writerows(row | facts for row in rows)
        write_table()


if __name__ == "__main__":
    main()

"""What preprocessing costs, one section for each question; writes results/preprocessing.csv.

    python benchmarks/preprocessing.py                      # all sections
    python benchmarks/preprocessing.py --only farneback     # one of them

Each section is a function that yields rows (what was measured, its setting, value, unit); a new
section is one function and one line in `SECTIONS`. Times are medians over repetitions, after a
warm-up, with what is compared run in turn.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import plain_magnification as plain  # noqa: E402
import preparing  # noqa: E402
from machine import machine  # noqa: E402

RESULTS = HERE / "results" / "preprocessing.csv"
BACKENDS = ("tensorflow", "jax", "torch")


def seconds(*functions, repeats: int) -> list[float]:
    """Median seconds of each function, called in turn after one warm-up each."""
    times = [[] for _ in functions]
    for turn in range(repeats + 1):
        for function, record in zip(functions, times, strict=True):
            start = time.perf_counter()
            function()
            if turn:
                record.append(time.perf_counter() - start)
    return [float(np.median(record)) for record in times]


def moving_texture(count: int, height: int, width: int):
    """Pairs of frames (count, height, width) uint8: a texture, and the same moved by up to 3 px."""
    import cv2

    rng = np.random.default_rng(0)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    onsets, apexes = [], []
    for _ in range(count):
        layers = [cv2.GaussianBlur(rng.normal(size=(height, width)), (0, 0), s) for s in (1, 3, 9)]
        texture = 128 + 35 * sum(layer / layer.std() for layer in layers)
        shift = cv2.GaussianBlur(rng.normal(size=(height, width, 2)), (0, 0), width / 12)
        shift = (3 * shift / np.abs(shift).max()).astype(np.float32)
        moved = cv2.remap(
            texture.astype(np.float32), x + shift[..., 0], y + shift[..., 1], cv2.INTER_CUBIC
        )
        onsets.append(texture)
        apexes.append(moved)
    return tuple(np.rint(np.clip(frames, 0, 255)).astype(np.uint8) for frames in (onsets, apexes))


def farneback(quick: bool):
    """`FarnebackFlow` on each backend, each in a process of its own, beside OpenCV in a loop."""
    for backend in BACKENDS:
        for size in (112,) if quick else (112, 224):
            command = [sys.executable, __file__, "--worker", json.dumps(["farneback", size, 32])]
            answer = subprocess.run(
                command,
                env=os.environ | {"KERAS_BACKEND": backend},
                capture_output=True,
                text=True,
            )
            if answer.returncode:
                yield f"FarnebackFlow on {backend}", f"{size} px", "not run", "pairs/s"
                print(answer.stderr.strip().splitlines()[-1], file=sys.stderr)
                continue
            found = json.loads(answer.stdout.strip().splitlines()[-1])
            setting = f"{size} px, batch 32"
            yield f"FarnebackFlow on {backend}", setting, found["layer"], "pairs/s"
            yield f"OpenCV beside {backend}", setting, found["opencv"], "pairs/s"
            yield f"FarnebackFlow on {backend}", setting, found["layer"] / found["opencv"], "ratio"
            yield f"difference from OpenCV on {backend}", setting, found["mean"], "px, mean"
            yield f"difference from OpenCV on {backend}", setting, found["p99"], "px, p99"


def farneback_worker(size: int, batch: int) -> dict:
    """Runs in a process whose KERAS_BACKEND is set: speed of the layer and of OpenCV."""
    from keras import ops

    onset, apex = moving_texture(batch, size, size)
    compiled, inputs = compiled_farneback(onset, apex)

    def in_graph():
        return ops.convert_to_numpy(compiled(*inputs))

    difference = np.abs(in_graph() - opencv_farneback(onset, apex))
    layer_time, opencv_time = seconds(in_graph, lambda: opencv_farneback(onset, apex), repeats=9)
    return {
        "layer": batch / layer_time,
        "opencv": batch / opencv_time,
        "mean": float(difference.mean()),
        "p99": float(np.quantile(difference, 0.99)),
    }


def compiled_farneback(onset, apex):
    """`FarnebackFlow` compiled for frames (N, H, W), and these frames on the device."""
    import keras
    from keras import ops

    from merzoo.layers import FarnebackFlow

    layer = FarnebackFlow()
    layer.build([(*onset.shape, 1)] * 2)
    inputs = [ops.convert_to_tensor(x[..., None].astype("float32")) for x in (onset, apex)]
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        compiled = tf.function(lambda a, b: layer([a, b]), jit_compile=True)
    elif keras.backend.backend() == "jax":
        import jax

        compiled = jax.jit(lambda a, b: layer([a, b]))
    else:
        import torch

        compiled = torch.inference_mode()(lambda a, b: layer([a, b]))

    return compiled, inputs


def opencv_farneback(onset, apex) -> np.ndarray:
    """(N, H, W, 2) flow of the same frames by OpenCV, one pair after another."""
    import cv2

    parameters = (0.5, 3, 15, 3, 5, 1.2, 0)
    pairs = zip(onset, apex, strict=True)
    return np.stack([cv2.calcOpticalFlowFarneback(a, b, None, *parameters) for a, b in pairs])


def magnification(quick: bool):
    """Eulerian magnification beside a plain NumPy and SciPy version of the same maths."""
    from merzoo.preprocessing import magnify

    count, height, width = (24, 140, 170) if quick else (68, 280, 340)
    rng = np.random.default_rng(0)
    clip = rng.integers(60, 200, (count, height, width, 3), "uint8")
    apex, setting = count // 2, f"{count} frames of {width} x {height}, RGB"
    difference = np.abs(magnify.magnify(clip[:6], 200) - plain.magnify(clip[:6], 200)).max()
    yield "difference from the plain version", setting, float(difference), "grey levels, largest"
    for case, ours, theirs in (
        ("whole clip", lambda: magnify.magnify(clip, 200), lambda: plain.magnify(clip, 200)),
        (
            "apex frame",
            lambda: magnify.magnified_frame(clip, apex, 200),
            lambda: plain.magnified_frame(clip, apex, 200),
        ),
    ):
        fast, slow = seconds(ours, theirs, repeats=3)
        yield f"magnify, {case}", setting, fast, "s"
        yield f"plain NumPy and SciPy, {case}", setting, slow, "s"
        yield f"magnify, {case}", setting, slow / fast, "times faster"


SECTIONS = {
    "farneback": farneback,
    "magnification": magnification,
    "speed": preparing.speed,
    "second run": preparing.second_run,
    "memory": preparing.memory,
    "apex error": preparing.apex_error,
}
WORKERS = {"farneback": farneback_worker, "memory": preparing.memory_worker}


def write(rows: list[dict]) -> None:
    """Writes the result file; sections that were not run keep the rows of the last run."""
    fresh = {row["section"] for row in rows}
    if RESULTS.is_file():
        with RESULTS.open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["section"] not in fresh] + rows
    rows.sort(key=lambda row: list(SECTIONS).index(row["section"]))
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", choices=SECTIONS, nargs="+", help="sections to run (all)")
    parser.add_argument("--quick", action="store_true", help="small sizes, nothing is written")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        name, *arguments = json.loads(options.worker)
        print(json.dumps(WORKERS[name](*arguments)))
        return
    facts, rows = machine(), []
    for section in options.only or SECTIONS:
        print(f"\n{section}: {SECTIONS[section].__doc__.strip().splitlines()[0]}")
        for what, setting, value, unit in SECTIONS[section](options.quick):
            value = value if isinstance(value, str) else f"{value:.3g}"
            print(f"  {what:<44} {setting:<36} {value:>9} {unit}", flush=True)
            rows.append(
                {"section": section, "what": what, "setting": setting, "value": value, "unit": unit}
                | facts
            )
    if not options.quick:
        write(rows)


if __name__ == "__main__":
    main()

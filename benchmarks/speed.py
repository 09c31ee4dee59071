"""Speed and memory of every variant on every backend; DFR-Net beside plain PyTorch.

    python benchmarks/speed.py                                      # everything
    python benchmarks/speed.py --models 'rcn*' --backends jax torch
    python benchmarks/speed.py --models dfrnet --quick              # short, writes nothing
    python benchmarks/speed.py --only dfrnet                        # only the comparison

Writes `results/speed.csv`, one row a variant and backend, and `results/speed_dfrnet.csv`. Each row
is measured in a process of its own. Times are medians after a warm-up. Throughput and training run
at batch 32, or at the largest power of two below it whose forward pass stays under 150 G
multiply-adds; the file says at which. What is compared runs in turn, in one process.
"""

import argparse
import csv
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from machine import machine  # noqa: E402

from merzoo.models.random_inputs import random_inputs  # noqa: E402
from merzoo.training.latency import compiled, latency, seconds  # noqa: E402

BACKENDS = ("jax", "tensorflow", "torch")
LARGEST_BATCH, LARGEST_WORK = 32, 150e9  # samples; multiply-adds of one forward pass
COLUMNS = {
    "trainable": "parameters",
    "multiply_adds": "of one sample",
    "latency_ms": "batch 1, prediction",
    "batch": "of the columns that follow",
    "samples_per_s": "prediction",
    "training_step_ms": "Adam, forward and backward",
    "peak_prediction_mb": "of the whole process",
    "peak_training_mb": "of the whole process",
}


def peak_mb() -> float:
    """Largest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def batch_for(work: int, largest: int = LARGEST_BATCH, limit: float = LARGEST_WORK) -> int:
    """The batch of a network of `work` multiply-adds a sample: `largest`, or the largest power of
    two below it that `limit` multiply-adds allow.

    >>> batch_for(10**9), batch_for(10 * 10**9), batch_for(10**12)
    (32, 8, 1)
    """
    batch = largest
    while batch > 1 and batch * work > limit:
        batch //= 2
    return batch


def measure_model(name: str, budget: float) -> dict:
    """One row of the table. Runs in a process whose KERAS_BACKEND is set."""
    from merzoo.models import create_model
    from merzoo.models.multiply_adds import multiply_adds

    model = compiled(create_model(name))
    work = multiply_adds(model)
    batch = batch_for(work)
    many = random_inputs(model, batch)
    labels = np.zeros(batch, "int32")
    row = {"trainable": sum(int(np.prod(w.shape)) for w in model.trainable_weights)}
    row |= {"multiply_adds": work, "batch": batch}
    row["latency_ms"] = 1e3 * latency(model, budget)
    row["samples_per_s"] = batch / _alone(lambda: model.predict_on_batch(many), budget)
    row["peak_prediction_mb"] = peak_mb()
    row["training_step_ms"] = 1e3 * _alone(lambda: model.train_on_batch(many, labels), budget)
    row["peak_training_mb"] = peak_mb()
    return row


def _alone(function, budget: float) -> float:
    return seconds({"it": function}, budget)["it"]


def measure_dfrnet(way: str, budget: float) -> dict:
    """DFR-Net at batch 1, ours by `way` and the plain network in turn; runs like measure_model."""
    import torch
    from dfrnet_torch import from_keras

    from merzoo.models import create_model

    model = create_model("dfrnet")
    inputs = random_inputs(model, 1)
    names = ("apex", "difference", "flow")
    plain = from_keras(model)
    tensors = [torch.tensor(inputs[name].transpose(0, 3, 1, 2).copy()) for name in names]

    def run_plain():
        with torch.inference_mode():
            return plain(*tensors).numpy()

    if way == "onnxruntime":
        run_ours = _onnx(model, inputs)
    else:
        compiled(model, jit=None if way in ("jax", "torch") else way.endswith("jit"))

        def run_ours():
            return model.predict_on_batch(inputs)

    difference = float(np.abs(run_ours() - run_plain()).max())
    found = seconds({"ours": run_ours, "plain": run_plain}, budget)
    return {
        "merzoo_ms": 1e3 * found["ours"],
        "pytorch_ms": 1e3 * found["plain"],
        "ratio": found["ours"] / found["plain"],
        "largest_difference": difference,
    }


def _onnx(model, inputs):
    """Exports through TensorFlow and returns a function that runs the file."""
    import keras
    import onnxruntime

    for layer in model.layers:  # tf2onnx would turn captured tensors into inputs of the file
        if isinstance(layer, keras.layers.Normalization):
            layer.mean, layer.variance = np.array(layer.mean), np.array(layer.variance)
    model(inputs)  # Keras exports no model that was never called
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "dfrnet.onnx"
        model.export(path, format="onnx", verbose=False)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    named = {tensor.name: inputs[tensor.name] for tensor in session.get_inputs()}
    return lambda: session.run(None, named)[0]


# Way of running merzoo's DFR-Net -> the Keras backend of its process.
DFRNET_WAYS = {
    "jax": "jax",
    "tensorflow": "tensorflow",
    "tensorflow, jit": "tensorflow",
    "torch": "torch",
    "onnxruntime": "tensorflow",
}


def in_process(measure: str, subject: str, backend: str, options) -> dict | None:
    """Runs a measurement in a process of its own; its row, or None where it failed."""
    budget = 0.3 if options.quick else 3.0
    command = [sys.executable, __file__, "--worker", json.dumps([measure, subject, budget])]
    environment = os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        answer = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=options.timeout
        )
    except subprocess.TimeoutExpired:
        print(f"  {subject} on {backend}: stopped after {options.timeout} s", file=sys.stderr)
        return None
    if answer.returncode:
        reason = (answer.stderr.strip().splitlines() or [f"status {answer.returncode}"])[-1]
        print(f"  {subject} on {backend}: not run ({reason})", file=sys.stderr)
        return None
    return json.loads(answer.stdout.strip().splitlines()[-1])


def models_section(options) -> list[dict]:
    """All variants asked for, on all backends asked for."""
    os.environ.setdefault("KERAS_BACKEND", "numpy")
    import merzoo

    names = [n for p in options.models for n in merzoo.list_models(p, kind="network")]
    print(f"{'variant':<16} {'backend':<11}" + "".join(f" {name:>18}" for name in COLUMNS))
    rows = []
    for name in dict.fromkeys(names):
        for backend in options.backends:
            row = in_process("model", name, backend, options)
            if row is None:
                continue
            row = {"variant": name, "backend": backend} | {c: _short(row[c]) for c in COLUMNS}
            rows.append(row)
            cells = "".join(f" {row[column]:>18}" for column in COLUMNS)
            print(f"{name:<16} {backend:<11}{cells}", flush=True)
    return rows


def dfrnet_section(options) -> list[dict]:
    """DFR-Net at batch 1 by each way, beside the plain PyTorch network in the same process."""
    rows = []
    for way, backend in DFRNET_WAYS.items():
        if backend not in options.backends:
            continue
        row = in_process("dfrnet", way, backend, options)
        if row:
            rows.append(
                {"variant": "dfrnet", "backend": way} | {k: _short(v) for k, v in row.items()}
            )
            print(
                f"dfrnet, {way:<16} {rows[-1]['merzoo_ms']} ms, plain PyTorch "
                f"{rows[-1]['pytorch_ms']} ms, ratio {rows[-1]['ratio']}; outputs differ by "
                f"{rows[-1]['largest_difference']}",
                flush=True,
            )
    return rows


def _short(value) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _plain(value: str) -> str:
    """Three digits, without an exponent."""
    return f"{float(value):.3g}" if float(value) < 100 else f"{float(value):,.0f}"


SECTIONS = {
    "models": (models_section, HERE / "results" / "speed.csv"),
    "dfrnet": (dfrnet_section, HERE / "results" / "speed_dfrnet.csv"),
}


def write_table() -> None:
    """Writes the tables of `benchmarks/README.md` from the result files."""
    found = {}
    with (HERE / "results" / "speed.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["variant"], {})[row["backend"]] = row
    lines = [
        f"| variant | parameters | multiply-adds | {' / '.join(BACKENDS)}: one sample, ms "
        "| samples/s | training step, ms | batch |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, rows in found.items():
        first = next(iter(rows.values()))
        millions = int(first["multiply_adds"]) / 1e6
        cells = [name, f"{int(first['trainable']):,}", f"{millions:,.1f} M"]
        for column in ("latency_ms", "samples_per_s", "training_step_ms"):
            figures = (_plain(rows[b][column]) if b in rows else "-" for b in BACKENDS)
            cells.append(" / ".join(figures))
        lines.append("| " + " | ".join([*cells, first["batch"]]) + " |")
    with (HERE / "results" / "speed_dfrnet.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    fastest = min(float(row["pytorch_ms"]) for row in rows)
    lines += [
        "",
        "| DFR-Net, batch 1 | merzoo, ms | plain PyTorch in that process, ms | ratio "
        f"| ratio to its fastest, {fastest:.1f} ms |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        ours = float(row["merzoo_ms"])
        cells = [row["backend"], f"{ours:.1f}", f"{float(row['pytorch_ms']):.1f}"]
        cells += [f"{float(row['ratio']):.2f}", f"{ours / fastest:.2f}"]
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", f"{rows[0]['processor']}, {rows[0]['cores']} cores."]
    page = HERE / "README.md"
    pattern = r"(<!-- table: speed -->\n).*?(<!-- end -->)"
    text = re.sub(
        pattern, lambda m: f"{m[1]}{chr(10).join(lines)}\n{m[2]}", page.read_text(), flags=re.S
    )
    page.write_text(text)


def write(rows: list[dict], results: Path) -> None:
    """Writes the result file; variants and backends that were not run keep their last rows."""
    facts = machine()
    rows = [row | facts for row in rows]
    fresh = {(row["variant"], row["backend"]) for row in rows}
    if results.is_file():
        with results.open(newline="") as file:
            kept = [r for r in csv.DictReader(file) if (r["variant"], r["backend"]) not in fresh]
        rows = sorted(kept + rows, key=lambda row: (row["variant"], row["backend"]))
    results.parent.mkdir(exist_ok=True)
    with results.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=["*"], help="names or wildcards (all)")
    parser.add_argument("--backends", nargs="+", default=BACKENDS, choices=BACKENDS)
    parser.add_argument("--only", choices=SECTIONS, help="one section (both)")
    parser.add_argument("--quick", action="store_true", help="short runs, nothing is written")
    parser.add_argument("--timeout", type=float, default=900, help="seconds a process (900)")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        measure, subject, budget = json.loads(options.worker)
        function = {"model": measure_model, "dfrnet": measure_dfrnet}[measure]
        print(json.dumps(function(subject, budget)))
        return
    for name in [options.only] if options.only else SECTIONS:
        section, results = SECTIONS[name]
        rows = section(options)
        if rows and not options.quick:
            write(rows, results)
    if not options.quick:
        write_table()


if __name__ == "__main__":
    main()

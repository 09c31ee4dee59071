"""CPU time of a step of training, with Keras' convolutions and pooling and with merzoo's forms.

    python benchmarks/convolutions.py                       # every network, all ways
    python benchmarks/convolutions.py --networks offapexnet --ways loop
    python benchmarks/convolutions.py --quick               # OffApexNet and RCN in a loop
    python benchmarks/convolutions.py --forms               # single layers, each form

JAX on a CPU, one thread, batch 32 or what memory and patience allow (`batch`); inputs as large as
the networks' defaults, or smaller where the file says so. A step is the forward pass, the gradient
and Adam, compiled. Ways: `step` is one program a step, as `fit` runs it; `loop` is a `lax.scan`
over steps, as a fold is trained; `replicas` is that loop under `vmap`, times for one of 4 replicas.
`library` has Keras' own forms everywhere, `chosen` those of `merzoo.layers.forms`. OffApexNet
stands beside the same network as a plain PyTorch loop. All of a network runs in turn, in one
process; figures are medians of CPU time, and the spread is (largest - smallest) / median. Writes
`results/convolutions.csv` and `results/forms.csv`.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import numpy as np  # noqa: E402
from machine import machine  # noqa: E402

from merzoo.surroundings import ONE_THREAD  # noqa: E402

REPLICAS = 4
WAYS = ("step", "loop", "replicas")
# Network -> batch, and arguments where its default size would take minutes.
NETWORKS = {
    "offapexnet": (32, {}),
    "ststnet": (32, {}),
    "dualinception": (32, {}),
    "broadbentnet": (32, {}),
    "rcn-s": (8, {}),
    "rcn-w": (8, {}),
    "htnet": (8, {"dim": 64}),
    "dfrnet": (4, {"input_shape": (64, 64, 3)}),
    "mmnet": (8, {"input_shape": (64, 64, 3)}),
    "cvanet": (4, {"input_shape": (64, 64, 3), "window": 2}),
    "resnet18": (8, {"input_shape": (64, 64, 3)}),
    "densemixednet": (8, {"input_shape": (64, 64, 3)}),
    "dssn": (8, {"input_shape": (99, 99, 3)}),
    "capsulenet": (1, {"input_shape": (129, 129, 3)}),
    "alexnet": (8, {"input_shape": (99, 99, 3)}),
}
QUICK = ("offapexnet", "rcn-s")
# Layers whose forms are measured: batch, side, channels, filters, kernel, strides, padding.
LAYERS = (
    (32, 28, 1, 6, 5, 1, "same"),  # OffApexNet
    (32, 14, 6, 16, 5, 1, "same"),
    (32, 32, 3, 16, 3, 1, "valid"),  # STSTNet
    (32, 28, 6, 6, 3, 1, "same"),  # Dual-Inception
    (32, 28, 6, 6, 5, 1, "same"),
    (32, 14, 24, 16, 1, 1, "same"),
    (32, 14, 16, 16, 3, 1, "same"),
    (32, 14, 16, 16, 5, 1, "same"),
    (32, 64, 1, 16, 3, 1, "same"),  # BroadbentNet
    (32, 32, 16, 32, 3, 1, "same"),
    (8, 60, 3, 64, 5, 1, "valid"),  # RCN
    (8, 28, 64, 64, 3, 1, "same"),
    (8, 28, 64, 64, 1, 1, "same"),
    (32, 14, 2, 1, 7, 1, "same"),  # DFR-Net's attention
    (4, 56, 64, 128, 3, 2, "same"),  # its residual blocks
    (4, 56, 64, 128, 1, 2, "valid"),
)
POOLS = (("max", 32, 28, 6, 2), ("max", 8, 56, 64, 2), ("max", 8, 224, 16, 4))


def cpu_ms(functions: dict, rounds: int) -> dict[str, tuple[float, float]]:
    """Median and spread of CPU milliseconds of each function, in turn, after one call of each."""
    found = {name: [] for name in functions}
    for turn in range(rounds + 1):
        for name, function in functions.items():
            start = time.process_time()
            function()
            if turn:
                found[name].append(1e3 * (time.process_time() - start))
    return {n: (float(np.median(x)), float(np.ptp(x) / np.median(x))) for n, x in found.items()}


def training(name: str, batch: int, arguments: dict, way: str, form: str | None, steps: int):
    """A function that trains `steps` steps; all layers take `form`, or what the table says."""
    import contextlib

    import jax
    import jax.numpy as jnp
    import keras

    from merzoo.layers.forms import forced
    from merzoo.models import create_model
    from merzoo.models.random_inputs import random_inputs

    model, optimizer = create_model(name, **arguments), keras.optimizers.Adam(1e-3)
    optimizer.build(model.trainable_variables)
    loss = keras.losses.SparseCategoricalCrossentropy()
    x = {key: jnp.asarray(value) for key, value in random_inputs(model, batch).items()}
    y = jnp.zeros(batch, "int32")

    def step(state, _):
        trainable, others, optimizing = state

        def value(trainable, others):
            outputs, others = model.stateless_call(trainable, others, x, training=True)
            return loss(y, outputs), others

        (_, others), gradients = jax.value_and_grad(value, has_aux=True)(trainable, others)
        trainable, optimizing = optimizer.stateless_apply(optimizing, gradients, trainable)
        return (trainable, others, optimizing), None

    def loop(state):
        return jax.lax.scan(step, state, None, length=steps)[0]

    variables = (model.trainable_variables, model.non_trainable_variables, optimizer.variables)
    state = tuple([v.value for v in some] for some in variables)
    program = {"step": lambda state: step(state, None)[0], "loop": loop}.get(way)
    if way == "replicas":
        state = jax.tree.map(lambda value: jnp.stack([value] * REPLICAS), state)
        program = jax.vmap(loop)
    with forced(form) if form else contextlib.nullcontext():
        compiled = jax.jit(program).lower(state).compile()

    def run():
        now = state
        for _ in range(steps if way == "step" else 1):
            now = compiled(now)
        jax.block_until_ready(now)

    return run


def torch_offapexnet(batch: int, steps: int):
    """The same steps of OffApexNet as a plain PyTorch loop."""
    import torch
    from torch import nn

    torch.set_num_threads(1)

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.streams = nn.ModuleList(
                nn.Sequential(
                    *(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
                    *(nn.Conv2d(6, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
                )
                for _ in "uv"
            )
            self.head = nn.Sequential(
                *(nn.Flatten(), nn.Linear(1568, 1024), nn.ReLU(), nn.Dropout(0.5)),
                *(nn.Linear(1024, 1024), nn.ReLU(), nn.Dropout(0.5), nn.Linear(1024, 3)),
            )

        def forward(self, x):
            maps = [stream(x[:, i : i + 1]) for i, stream in enumerate(self.streams)]
            return self.head(torch.cat(maps, 1))

    network, loss_of = Network(), nn.CrossEntropyLoss()
    assert sum(p.numel() for p in network.parameters()) == 2_664_475
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    x, y = torch.rand(batch, 3, 28, 28), torch.zeros(batch, dtype=torch.int64)

    def run():
        for _ in range(steps):
            optimizer.zero_grad()
            loss_of(network(x), y).backward()
            optimizer.step()

    return run


def measure_network(name: str, way: str, rounds: int) -> dict:
    """One row. Runs in a process of its own, with one thread."""
    batch, arguments = NETWORKS[name]
    steps = 4 if name == "offapexnet" or name == "ststnet" else 2
    functions = {
        "library": training(name, batch, arguments, way, "library", steps),
        "chosen": training(name, batch, arguments, way, None, steps),
    }
    if name == "offapexnet" and way != "replicas":
        functions["torch"] = torch_offapexnet(batch, steps)
    found = cpu_ms(functions, rounds)
    each = steps * (REPLICAS if way == "replicas" else 1)
    library, chosen = (found[key][0] / each for key in ("library", "chosen"))
    row = {"network": name, "arguments": json.dumps(arguments), "batch": batch, "way": way}
    row |= {"library_ms": library, "chosen_ms": chosen, "ratio": chosen / library}
    row |= {"spread": max(spread for _, spread in found.values())}
    plain = found["torch"][0] / each if "torch" in found else None
    row |= {"torch_ms": plain or "", "ratio_to_torch": chosen / plain if plain else ""}
    return row


def measure_forms(rounds: int) -> list[dict]:
    """A row a layer: CPU milliseconds of its gradients in a loop, and of 4 replicas, by form."""
    import jax
    import jax.numpy as jnp
    from keras import ops

    from merzoo.layers import Conv2D, MaxPooling2D
    from merzoo.layers.forms import forced, form_of

    steps, rng, rows = 2, np.random.default_rng(0), []

    def function(layer, form, x, kernel, replicas):
        def step(carry, _):
            def loss(x, kernel):
                y = layer.convolution_op(x, kernel) if kernel is not None else layer(x)
                return ops.sum(ops.sin(y) ** 2)

            if kernel is None:
                return (carry[0] - 1e-9 * jax.grad(loss)(carry[0], None),), None
            gradients = jax.grad(loss, (0, 1))(*carry)
            return tuple(a - 1e-9 * b for a, b in zip(carry, gradients, strict=True)), None

        def loop(*carry):
            return jax.lax.scan(step, carry, None, length=steps)[0]

        state = tuple(v for v in (x, kernel) if v is not None)
        if replicas > 1:
            state = tuple(jnp.stack([v] * replicas) for v in state)
            loop = jax.vmap(loop)
        with forced(form):
            compiled = jax.jit(loop).lower(*state).compile()
        return lambda: jax.block_until_ready(compiled(*state))

    def times(layer, forms, x, kernel, replicas):
        functions = {form: function(layer, form, x, kernel, replicas) for form in forms}
        found = cpu_ms(functions, rounds)
        return {form: found[form][0] / steps / replicas for form in forms}

    def row(kind, layer, shape, forms, x, kernel, chosen):
        fields = ("batch", "side", "channels", "filters", "kernel", "strides", "padding")
        facts = {"layer": kind} | dict(zip(fields, shape, strict=True)) | {"chosen": chosen}
        one, many = (times(layer, forms, x, kernel, n) for n in (1, REPLICAS))
        for form in ("library", "ordered", "patches", "slices"):
            facts[f"{form}_ms"] = one.get(form, "")
            facts[f"{form}_replica_ms"] = many.get(form, "")
        rows.append(facts)
        print(" ".join(f"{v:.3g}" if isinstance(v, float) else str(v) for v in facts.values()))

    for shape in LAYERS:
        batch, side, channels, filters, size, strides, padding = shape
        x = jnp.asarray(rng.normal(size=(batch, side, side, channels)), "float32")
        layer = Conv2D(filters, size, strides=strides, padding=padding)
        layer.build(x.shape)
        chosen = form_of("convolution", (size, size), channels, filters)
        forms = ("library", "ordered", "patches")
        row("convolution", layer, shape, forms, x, layer.kernel.value, chosen)
    for kind, batch, side, channels, size in POOLS:
        x = jnp.asarray(rng.normal(size=(batch, side, side, channels)), "float32")
        layer = MaxPooling2D(size)
        chosen = form_of(kind, (size, size), channels)
        shape = (batch, side, channels, "", size, size, "valid")
        row(kind, layer, shape, ("library", "slices"), x, None, chosen)
    return rows


def in_process(arguments: list) -> list[dict] | None:
    """Runs a measurement in a process of its own, with one thread; its rows, or None: it failed."""
    environment = os.environ | ONE_THREAD | {"KERAS_BACKEND": "jax", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, __file__, "--worker", json.dumps(arguments)]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True)
    if answer.returncode:
        reason = (answer.stderr.strip().splitlines() or [f"status {answer.returncode}"])[-1]
        print(f"  {arguments}: not run ({reason})", file=sys.stderr)
        return None
    return json.loads(answer.stdout.strip().splitlines()[-1])


def measured(networks, ways, rounds: int) -> list[dict]:
    """The rows of networks by ways, printed as they come."""
    rows = []
    for name in networks:
        for way in ways:
            for row in in_process(["network", name, way, rounds]) or []:
                rows.append(row)
                shown = {k: f"{v:.3g}" for k, v in row.items() if isinstance(v, float)}
                print(name, way, *(f"{k}={v}" for k, v in shown.items()), flush=True)
    return rows


def quick() -> list[dict]:
    """Goals of this benchmark, measured in about a minute: goal, measured, met."""
    rows = {row["network"]: row for row in measured(QUICK, ["loop"], 3)}
    facts = [
        (f"{name} on JAX in a loop: CPU time at most .45 of Keras' forms", row["ratio"], 0.45)
        for name, row in rows.items()
    ]
    text = "offapexnet on JAX in a loop: CPU time at most that of a plain PyTorch loop"
    if "offapexnet" in rows:
        facts.append((text, rows["offapexnet"]["ratio_to_torch"], 1.0))
    return [{"goal": text, "measured": x, "met": x <= most} for text, x, most in facts]


def write(rows: list[dict], path: Path, keys: tuple[str, ...]) -> None:
    """Writes rows; those of other `keys` that were not measured now keep their last figures."""
    rows = [
        {k: f"{v:.4g}" if isinstance(v, float) else str(v) for k, v in row.items()} | machine()
        for row in rows
    ]
    fresh = {tuple(row[key] for key in keys) for row in rows}
    if path.is_file():
        with path.open(newline="") as file:
            old = [r for r in csv.DictReader(file) if tuple(r[key] for key in keys) not in fresh]
        rows = sorted(old + rows, key=lambda row: tuple(row[key] for key in keys))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=NETWORKS)
    parser.add_argument("--ways", nargs="+", default=WAYS, choices=WAYS)
    parser.add_argument("--rounds", type=int, default=5, help="calls that are counted (5)")
    parser.add_argument("--forms", action="store_true", help="single layers instead of networks")
    parser.add_argument("--quick", action="store_true", help="the goals alone; writes nothing")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        what, *rest = json.loads(options.worker)
        rows = [measure_network(*rest)] if what == "network" else measure_forms(*rest)
        print(json.dumps(rows))
    elif options.quick:
        for fact in quick():
            met = "met" if fact["met"] else "not met"
            print(f"{fact['goal']}: {fact['measured']:.2f}, {met}")
    elif options.forms:
        rows = in_process(["forms", options.rounds])
        if rows:
            keys = ("layer", "batch", "side", "channels", "filters", "kernel", "strides")
            write(rows, HERE / "results" / "forms.csv", keys)
    else:
        rows = measured(options.networks, options.ways, options.rounds)
        if rows:
            write(rows, HERE / "results" / "convolutions.csv", ("network", "way"))


if __name__ == "__main__":
    main()

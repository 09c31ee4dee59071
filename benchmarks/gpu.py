"""What merzoo does on a graphics card, in one command under six minutes that needs no network.

    python benchmarks/gpu.py                       # results/gpu.csv
    python benchmarks/gpu.py --only flow engines   # some parts
    python benchmarks/gpu.py --tiny                # a small form on a CPU: does the script work?

On JAX, with random data. Parts, in the order in which they are run: the engines of
leave-one-subject-out in seconds a fold and seed, `FarnebackFlow` beside one OpenCV thread,
pretraining with the share of time that its input pipeline costs, and batch training of every
network with XLA in float32 and mixed_bfloat16 (steps on samples that lie on the device). What does
not fit in `--budget` seconds is named as left out; rows are written as they come.

A row says how many folds were trained (a few by `reuse` and `scan`), and which figure is scaled up
from them; compiling is measured apart.
Every process runs with `--xla_gpu_enable_triton_gemm=false`, as the engines compile.
"""

import argparse
import csv
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "numpy")  # here the networks are only listed
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from machine import machine  # noqa: E402

PARTS = ("engines", "flow", "pretrain", "training")
CASES = ("ststnet", "offapexnet", "dfrnet-64", "dfrnet-224", "keyregionnet-head")
FIRST = ("engines/ststnet", "engines/offapexnet", "engines/dfrnet-64", "flow")  # with goals
PRECISIONS = ("float32", "mixed_bfloat16")
TINY_CASES = ("ststnet", "broadbentnet-32", "keyregionnet-head")
TINY_NETWORKS = ("ststnet", "offapexnet", "broadbentnet")

# (what is compared, of which row, at least so many times)
GOALS = (
    ("ststnet: seconds a fold, reuse / together", "ststnet, together over reuse", 50),
    ("offapexnet: seconds a fold, reuse / together", "offapexnet, together over reuse", 20),
    ("dfrnet at 64 px: seconds a fold, reuse / together", "dfrnet-64, together over reuse", 3),
    (
        "flow at 112 px, pairs/s: FarnebackFlow / one OpenCV thread",
        "FarnebackFlow, products at default precision, over OpenCV",
        100,
    ),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", type=float, default=340, help="seconds for everything (340)")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="some parts (all)")
    parser.add_argument("--out", type=Path, help="folder of gpu.csv (results; a new one if tiny)")
    parser.add_argument("--tiny", action="store_true", help="a small form on a CPU")
    options = parser.parse_args()
    end = time.monotonic() + options.budget
    device = device_name(options.tiny)
    if device is None:
        print("There is no graphics card that JAX can use: nothing was measured.", file=sys.stderr)
        return 2
    out = options.out or (
        Path(tempfile.mkdtemp(prefix="gpu-")) if options.tiny else HERE / "results"
    )
    record = Record(out / "gpu.csv", device)
    run(record, options.only, end, options.tiny)
    for item, why in record.left.items():
        print(f"left out: {item} ({why})")
    if not options.tiny:  # whose figures say nothing
        for goal in goals(record.rows):
            print(f"{goal['goal']}: {goal['measured']}, {'met' if goal['met'] else 'NOT MET'}")
    print(f"written: {record.file}" if record.rows else "nothing was measured in that time")
    return 0


def quick() -> list[dict]:
    """Goals with what was measured, for run.py; none where there is no graphics card."""
    end, device = time.monotonic() + 150, device_name(tiny=False)
    if device is None:
        print("no graphics card that JAX can use: its goals were not measured")
        return []
    record = Record(HERE / "results" / "gpu.csv", device)
    run(record, ("engines", "flow"), end, tiny=False)
    return goals(record.rows)


def device_name(tiny: bool) -> str | None:
    """The graphics card that JAX finds, asked for in a process that ends, for its memory's sake."""
    code = "import jax; print(jax.default_backend(), jax.devices()[0].device_kind, sep='|')"
    answer = subprocess.run(
        [sys.executable, "-c", code], env=environment(tiny), capture_output=True, text=True
    )
    backend, _, kind = (answer.stdout.strip().splitlines() or [""])[-1].partition("|")
    return (kind or None) if backend == "gpu" or tiny else None


def environment(tiny: bool, several: bool = False) -> dict[str, str]:
    """Of a process that measures; `several` share the card's memory."""
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_gpu_enable_triton_gemm=false".strip()
    found = os.environ | {"KERAS_BACKEND": "jax", "TF_CPP_MIN_LOG_LEVEL": "3", "XLA_FLAGS": flags}
    found |= {"JAX_PLATFORMS": "cpu"} if tiny else {}
    return found | ({"XLA_PYTHON_CLIENT_PREALLOCATE": "false"} if several else {})


class Record:
    """Rows that were measured, in a file, and what was left out.

    Args:
        file: rows of parts that were not run again stay in it.
        device: name, for a column.
    """

    def __init__(self, file: Path, device: str):
        self.file, self.rows, self.left = file, [], {}
        self.facts = machine() | {"device": device, "date": time.strftime("%Y-%m-%d")}
        self._before = []
        if file.is_file():
            with file.open(newline="") as stream:
                self._before = list(csv.DictReader(stream))

    def add(self, row: dict) -> None:
        print(f"{row['what']:<62} {row['setting']:<44} {row['value']:>9} {row['unit']}", flush=True)
        self.rows.append(row | self.facts)
        parts = {row["part"] for row in self.rows}
        rows = [row for row in self._before if row["part"] not in parts] + self.rows
        self.file.parent.mkdir(parents=True, exist_ok=True)
        partial = self.file.with_suffix(".partial")
        with partial.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, list(self.rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        partial.replace(self.file)


class Process:
    """A process that measures items; see `gpu_parts.py`."""

    def __init__(self, items: list[str], tiny: bool, prepare_s: float = 0):
        until = time.time() + prepare_s if prepare_s else 0
        given = json.dumps({"items": items, "tiny": tiny, "prepare_until": until})
        self.left, self.now = list(items), None  # items without an end; the one that is measured
        self.why = "no time left"
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "gpu_parts.py"), given],
            env=environment(tiny, several=bool(prepare_s)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self._lines: queue.Queue = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self._process.stdout:
            if line.startswith("{"):
                self._lines.put(json.loads(line))
        self._lines.put(None)

    def follow(self, record: Record, end: float, limit: float | None = None) -> bool:
        """Records what the process tells, until it is ready (True) or ends or is stopped (False).

        Args:
            end: when it is stopped.
            limit: seconds that one item may take.
        """
        begun = time.monotonic()
        while True:
            stop = end if limit is None else min(end, begun + limit)
            try:
                event = self._lines.get(timeout=max(0.0, stop - time.monotonic()))
            except queue.Empty:
                self.why = "no time left" if stop == end else f"stopped after {limit:.0f} s"
                self.stop()
                return False
            if event is None:
                self.why = f"its process ended: {self._last_error()}"
                return False
            if "ready" in event:
                return True
            if "row" in event:
                record.add(event["row"])
            elif "begin" in event:
                self.now, begun = event["begin"], time.monotonic()
            elif "end" in event or "failed" in event:
                self.left.remove(event.get("end") or event["failed"])
                if "failed" in event:
                    record.left[event["failed"]] = event["why"]

    def go(self) -> None:
        """Lets a process that is ready measure."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def _last_error(self) -> str:
        self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().strip().splitlines() or [f"{self._process.returncode}"]
        return lines[-1][:200]


def run(record: Record, parts, end: float, tiny: bool) -> None:
    """Measures parts in the order of their importance, until a moment."""
    items = [f"engines/{name}" for name in (TINY_CASES if tiny else CASES)] + ["flow", "pretrain"]
    items = [item for item in items if item.partition("/")[0] in parts]
    items.sort(key=lambda item: item not in FIRST)
    alone(record, items, end, tiny)
    if "training" in parts:
        compiled_first(record, training_items(tiny), end, tiny)


def alone(record: Record, items: list[str], end: float, tiny: bool) -> None:
    """One item after another in one process; in another one after an item that broke it."""
    limit = None if tiny else max(60.0, 0.3 * (end - time.monotonic()))
    while items and time.monotonic() < end:
        process = Process(items, tiny)
        process.follow(record, end, limit)
        items = process.left
        if process.now in items and time.monotonic() < end:
            record.left[process.now] = process.why
            items.remove(process.now)
        elif items and process.why != "no time left":  # it did not even begin
            record.left |= dict.fromkeys(items, process.why)
            return
    record.left |= dict.fromkeys(items, "no time left")


def compiled_first(record: Record, items: list[str], end: float, tiny: bool) -> None:
    """Compiles all items in several processes, and then lets one process at a time measure."""
    left_s = end - time.monotonic()
    if left_s < 20:
        record.left |= dict.fromkeys(items, "no time left")
        return
    count = min(len(items), max(1, min(8, len(os.sched_getaffinity(0)) // 2)))
    compile_s = 0.6 * left_s
    processes = [Process(items[i::count], tiny, compile_s) for i in range(count)]
    until = time.monotonic() + compile_s + 0.2 * left_s  # for what is being compiled by then
    try:
        ready = [process for process in processes if process.follow(record, until)]
        for process in ready:
            process.go()
            process.follow(record, end)
    finally:
        for process in processes:
            process.stop()
    for process in processes:
        for item in process.left:
            record.left[item] = process.why if process.now == item else "no time left"


def training_items(tiny: bool) -> list[str]:
    """Networks by precision, those that are no variants of another first."""
    from merzoo.models.registry import REGISTRY, list_models

    names = TINY_NETWORKS if tiny else list_models(kind="network")
    names = sorted(names, key=lambda name: bool(REGISTRY[name].arguments))
    return [f"training/{name}/{precision}" for name in names for precision in PRECISIONS]


def goals(rows: list[dict]) -> list[dict]:
    """Each goal with what was measured of it.

    >>> goals([{"what": "ststnet, together over reuse", "value": "60"}])[0]["met"]
    True
    """
    found = {row["what"]: float(row["value"]) for row in rows}
    return [
        {
            "goal": f"{goal} >= {wanted}",
            "measured": f"{found[what]:.3g}" if what in found else "not measured",
            "met": found.get(what, 0.0) >= wanted,
        }
        for goal, what, wanted in GOALS
    ]


if __name__ == "__main__":
    sys.exit(main())

"""How CPU time and memory grow with clips and subjects: `prepare`, then leave-one-subject-out.

Invented clips of three frames, each with a texture of its own of which one part moves, are prepared
and evaluated in a process of their own, for 100 to 6400 clips of 8 to 128 subjects. Written are
`results/growth.csv` and the plot `results/growth.png`. CPU seconds are the process' own, of each
step; memory is what only the process holds (its anonymous pages: what lies in the cache's files is
the system's to keep or drop), looked at every 20 ms.

    python benchmarks/growth.py             # 100, 400, 1600, 6400 clips; 8, 32, 128 subjects
    python benchmarks/growth.py --quick     # 400 and 1600 clips of 8 subjects; under a minute
"""

import argparse
import csv
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from math import log
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from machine import machine  # noqa: E402

RESULTS = HERE / "results"
CLIPS, SUBJECTS = (100, 400, 1600, 6400), (8, 32, 128)
QUICK = ((400, 1600), (8,))
MODELS = ("flow-krr", "ststnet")
FROM = 400  # clips from which on growth is judged: below, starting up is most of the time
LINEAR = 1.1  # the largest exponent of time over clips that counts as linear
SIDE = 96  # pixels of a frame
LOOK_S = 0.02


def made_clips(count: int, subjects: int) -> list:
    """Clips whose frames are made when they are asked for: they take no memory."""
    from merzoo.data.clip import Clip
    from merzoo.data.sequence import Frames

    class Made(Frames):
        numbers = (0, 1, 2)

        def __init__(self, seed, place):
            self.seed, self.place, self.name = seed, place, f"clip {seed}"

        def _read(self, position):
            import cv2

            rng = np.random.default_rng(self.seed)
            texture = cv2.resize(rng.uniform(0, 255, (16, 16)).astype("float32"), (SIDE, SIDE))
            if position == 1:
                y, x = np.mgrid[:SIDE, :SIDE].astype("float32") / SIDE
                near = np.exp(-((x - self.place[0]) ** 2 + (y - self.place[1]) ** 2) / 0.02)
                columns = (x * SIDE - 2 * near).astype("float32")
                texture = cv2.remap(texture, columns, y * SIDE, cv2.INTER_LINEAR)
            return texture.astype(np.uint8)[..., None]

    places = {"negative": (0.3, 0.3), "positive": (0.7, 0.3), "surprise": (0.5, 0.75)}
    clips = []
    for i in range(count):
        label = list(places)[(i + i // subjects) % 3]
        name, facts = f"s{i % subjects:03d}", {"fps": 100, "onset": 0, "apex": 1, "offset": 2}
        clips.append(
            Clip("made", f"made/{name}", f"{name}/{i}", Made(i, places[label]), label, **facts)
        )
    return clips


def work(model: str, count: int, subjects: int) -> None:
    """Prepares and evaluates, and prints the CPU seconds and the end of each step."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from merzoo.evaluation import evaluate
    from merzoo.preprocessing import prepare
    from merzoo.training.learner import resolve
    from merzoo.training.recipes import change_recipe

    learner = resolve(model)
    if learner.kind == "network":
        learner = learner.with_recipe(change_recipe(learner.recipe, epochs=1))
    clips = made_clips(count, subjects)
    marks = [("start", time.process_time(), time.monotonic())]
    with tempfile.TemporaryDirectory() as folder:
        options = {"cache": folder, "jobs": 1, "detector": "none"}
        data = prepare(clips, learner.inputs, "annotated", **options)
        marks.append(("prepare", time.process_time(), time.monotonic()))
        evaluate(learner, data, out=Path(folder) / "run")
        marks.append(("evaluate", time.process_time(), time.monotonic()))
    print(json.dumps(marks))


def measure(model: str, count: int, subjects: int) -> list[dict]:
    """One row a step: CPU seconds, and the peak of memory during it."""
    words = [sys.executable, __file__, "--worker", json.dumps([model, count, subjects])]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    looks = []
    while process.poll() is None:
        looks.append((time.monotonic(), own_memory(process.pid)))
        time.sleep(LOOK_S)
    out, err = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{model}, {count} clips, {subjects} subjects: {err[-2000:]}")
    marks = json.loads(out.strip().splitlines()[-1])
    rows = [
        {
            "model": model,
            "step": "start",
            "clips": count,
            "subjects": subjects,
            "cpu_s": marks[0][1],
            "peak_mib": max(m for t, m in looks if t <= marks[0][2]),
        }
    ]
    for (_, cpu, start), (step, cpu_end, end) in itertools.pairwise(marks):
        peak = max((m for t, m in looks if start < t <= end), default=rows[-1]["peak_mib"])
        rows.append(rows[0] | {"step": step, "cpu_s": cpu_end - cpu, "peak_mib": peak})
    return rows


def own_memory(process: int) -> float:
    """MiB of a process that lie in no file."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:  # it has ended meanwhile
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon:")) / 1024


def sizes(clips, subjects) -> list[tuple[int, int]]:
    """Clips and subjects that go together: at least two clips of each subject."""
    return [(n, s) for s in subjects for n in clips if n >= 2 * s]


def grown(rows: list[dict], model: str, step: str, subjects: int) -> tuple[float, float, int]:
    """Exponent of CPU seconds over clips and MiB a thousand clips, from `FROM` clips on, and the
    most clips."""
    found = [r for r in rows if (r["model"], r["step"], r["subjects"]) == (model, step, subjects)]
    found = {r["clips"]: r for r in found if r["clips"] >= FROM}
    few, most = found[min(found)], found[max(found)]
    more = most["clips"] - few["clips"]
    exponent = log(most["cpu_s"] / few["cpu_s"]) / log(most["clips"] / few["clips"])
    return exponent, 1000 * (most["peak_mib"] - few["peak_mib"]) / more, most["clips"]


def facts(rows: list[dict]) -> list[dict]:
    """Each goal with what was measured, and whether it is met."""
    found = []
    done = {(r["model"], r["step"], r["subjects"]): r for r in rows if r["clips"] > FROM}
    for model, step, subjects in done:
        if step == "start":
            continue
        exponent, slope, most = grown(rows, model, step, subjects)
        where = f"{step}, {model}, {subjects} subjects, {FROM} to {most} clips"
        found.append(
            {
                "goal": f"{where}: CPU time grows no faster than clips^{LINEAR}",
                "measured": f"clips^{exponent:.2f}; {slope:.0f} MiB a thousand clips",
                "met": exponent <= LINEAR,
            }
        )
    return found


def draw(rows: list[dict], path: Path) -> None:
    """CPU time and memory over clips, one line a model, step and number of subjects."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.2), layout="constrained")
    time_axes, memory_axes = figure.subplots(1, 2)
    colours = {"prepare": "C2", "flow-krr": "C0", "ststnet": "C1"}
    styles = dict(zip(SUBJECTS, ("-", "--", ":"), strict=True))
    drawn = {(r["model"], r["step"], r["subjects"]) for r in rows if r["step"] != "start"}
    for model, step, subjects in sorted(drawn, key=str):
        if step == "prepare" and model != MODELS[0]:
            continue  # the same work for every model
        line = [r for r in rows if (r["model"], r["step"]) == (model, step)]
        line = sorted((r for r in line if r["subjects"] == subjects), key=lambda r: r["clips"])
        name = "prepare" if step == "prepare" else model
        look = {"color": colours[name], "linestyle": styles[subjects], "marker": "o", "ms": 3}
        label = f"{name}, {subjects} subjects"
        clips = [r["clips"] for r in line]
        time_axes.plot(clips, [r["cpu_s"] for r in line], label=label, **look)
        memory_axes.plot(clips, [r["peak_mib"] for r in line], label=label, **look)
    ends = np.array([min(r["clips"] for r in rows), max(r["clips"] for r in rows)])
    for level in (1e-3, 1e-2, 1e-1):
        time_axes.plot(ends, level * ends, color="0.85", linewidth=0.8, zorder=0)
    time_axes.set(xscale="log", yscale="log", xlabel="clips", ylabel="CPU seconds")
    time_axes.set_title("CPU time of each step (grey: linear)", fontsize=10)
    memory_axes.set(xscale="log", xlabel="clips", ylabel="MiB", ylim=(0, None))
    memory_axes.set_title("Peak of the process' own memory in each step", fontsize=10)
    for axes in (time_axes, memory_axes):
        ticks = sorted({r["clips"] for r in rows})
        axes.set_xticks(ticks, list(map(str, ticks)))
        axes.minorticks_off()
    memory_axes.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    figure.savefig(path, dpi=110)


def run(clips, subjects, models=MODELS) -> list[dict]:
    """The rows of all sizes."""
    rows = []
    for model in models:
        for count, people in sizes(clips, subjects):
            found = measure(model, count, people)
            rows += found
            told = ", ".join(
                f"{r['step']} {r['cpu_s']:.1f} s {r['peak_mib']:.0f} MiB" for r in found
            )
            print(f"{model}, {count} clips, {people} subjects: {told}", flush=True)
    return rows


def quick() -> list[dict]:
    """Goals, measured in under a minute."""
    return facts(run(*QUICK))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer sizes; writes nothing")
    parser.add_argument("--models", nargs="+", default=MODELS, help="flow-krr ststnet")
    parser.add_argument("--clips", nargs="+", type=int, default=CLIPS, help="100 400 1600 6400")
    parser.add_argument("--subjects", nargs="+", type=int, default=SUBJECTS, help="8 32 128")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(*json.loads(options.worker))
        return
    chosen = QUICK if options.quick else (options.clips, options.subjects)
    rows = run(*chosen, options.models)
    for fact in facts(rows):
        print(f"{'met' if fact['met'] else 'NOT MET'}: {fact['goal']}: {fact['measured']}")
    if options.quick:
        return
    draw(rows, RESULTS / "growth.png")
    about = machine()
    with (RESULTS / "growth.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, [*rows[0], *about], lineterminator="\n")
        writer.writeheader()
        for row in rows:
            row = {k: f"{v:.3f}" if isinstance(v, float) else v for k, v in row.items()}
            writer.writerow(row | about)


if __name__ == "__main__":
    main()

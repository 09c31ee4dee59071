"""From a picture to its label: CPU time of a prediction by stage; long videos beside real time.

    python benchmarks/latency.py                       # all sections
    python benchmarks/latency.py --only clip           # one of them
    python benchmarks/latency.py --quick               # few repetitions, nothing is written

A synthetic person at 640 x 480 pixels, filmed into real files. `pair` and `clip` call
`merzoo.predict` with DFR-Net, loaded and compiled before, on two PNG files and on a video of 30
frames; every file is opened anew each time. CPU milliseconds are those of the whole process, all
of its threads, and each belongs to the innermost stage that was running. `onnx` runs the same
network on the same sample through ONNX Runtime. `video` runs `merzoo predict` with its own choice
of a network, as a process of its own on one core, from its start to its end, on 10 and 60 seconds
at 30 frames a second (ten seconds of film, played to and fro). CPU seconds are compared with the
film's: on a core that nobody else uses they are the wall's. Writes `results/latency.csv`.
"""

import argparse
import csv
import functools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]
os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from machine import machine  # noqa: E402

RESULTS = HERE / "results" / "latency.csv"
README = HERE.parent / "merzoo" / "prediction" / "README.md"
SIZE = 640, 480  # pixels
MODEL, WEIGHTS = "dfrnet", "synthetic"
GOALS = {"pair": 200.0, "clip": 300.0}  # CPU ms, median
REPEATS, QUICK_REPEATS, WARM_UP = 50, 15, 3
FILM_FPS, FILM_SECONDS = 30.0, 10
STAGES = ("decode", "face", "alignment", "apex", "flow", "network", "rest")
# Where each stage is entered: module, attribute, stage.
ENTRANCES = (
    ("merzoo.data.videos.VideoFrames", "__init__", "decode"),
    ("merzoo.data.videos.VideoFrames", "_grab", "decode"),
    ("merzoo.data.videos.VideoFrames", "_read", "decode"),
    ("merzoo.data.frames.ImageFrames", "_stored", "decode"),
    ("merzoo.prediction.whole", "find_face", "face"),
    ("merzoo.preprocessing.aligned_clip", "find_face", "face"),
    ("merzoo.prediction.whole", "align", "alignment"),
    ("merzoo.preprocessing.aligned_clip", "align", "alignment"),
    ("merzoo.preprocessing.align.Alignment", "apply", "alignment"),
    ("merzoo.prediction.whole", "spot_apex", "apex"),
    ("merzoo.preprocessing.flow", "optical_flow", "flow"),
    ("merzoo.preprocessing.flow", "flow_with_strain", "flow"),
    ("merzoo.prediction.classify.Classifier", "probabilities", "network"),
)


class Stages:
    """CPU milliseconds by stage: a clock that always runs for the innermost stage."""

    def __init__(self):
        self.spent: dict[str, float] = {}
        self.running: list[str] = []
        self.since = 0.0

    def _book(self) -> None:
        now = time.process_time()
        if self.running:
            stage = self.running[-1]
            self.spent[stage] = self.spent.get(stage, 0.0) + 1e3 * (now - self.since)
        self.since = now

    def timed(self, function, stage: str):
        """The function, whose time belongs to a stage."""

        @functools.wraps(function)
        def run(*arguments, **named):
            self._book()
            self.running.append(stage)
            try:
                return function(*arguments, **named)
            finally:
                self._book()
                self.running.pop()

        return run

    def enter(self) -> None:
        """Puts the clock before every entrance."""
        for place, attribute, stage in ENTRANCES:
            owner = _named(place)
            setattr(owner, attribute, self.timed(getattr(owner, attribute), stage))

    def once(self, function) -> dict[str, float]:
        """CPU milliseconds of one call by stage, and their `total`."""
        self.spent = {}
        self.timed(function, "rest")()
        return self.spent | {"total": sum(self.spent.values())}


def _named(place: str):
    """A module, or a class of one."""
    import importlib

    try:
        return importlib.import_module(place)
    except ModuleNotFoundError:
        module, _, name = place.rpartition(".")
        return getattr(importlib.import_module(module), name)


def filmed(fps: float, seconds: float) -> list[np.ndarray]:
    """Frames (480, 640, 3) uint8 BGR of a long synthetic film with several expressions."""
    from merzoo.data.synthetic.long import film_long, plan_long

    plan = plan_long(7, seconds, "easy", fps)
    return [frame[..., ::-1] for frame in film_long(plan, SIZE)[1]]


def write_film(path: Path, frames, fps: float) -> Path:
    """Writes frames as a video of MPEG-4, as cameras do."""
    import cv2

    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), fps, SIZE)
    for frame in frames:
        writer.write(frame)
    writer.release()
    return path


def one_expression(folder: Path) -> tuple[tuple[Path, Path], Path]:
    """Onset and apex of an expression as PNG files, and 30 frames around them as a video."""
    import cv2

    from merzoo.data.synthetic.film import film
    from merzoo.data.synthetic.plan import Setting, plan_clips

    plan = plan_clips(Setting(1, 1, "easy", 7, 60.0))[0]
    frames = [frame[..., ::-1] for frame in film(plan, SIZE)[1]]
    pair = folder / "onset.png", folder / "apex.png"
    for path, position in zip(pair, (plan.onset, plan.apex), strict=True):
        cv2.imwrite(str(path), frames[position])
    first = max(0, min(plan.apex - 15, len(frames) - 30))
    assert len(frames) >= 30, len(frames)
    return pair, write_film(folder / "clip.mp4", frames[first : first + 30], 60.0)


def measure_stages(repeats: int) -> list[dict]:
    """Rows of `pair` and `clip`; runs in a process of its own."""
    import merzoo
    from merzoo.prediction import Classifier

    classifier = Classifier(MODEL, WEIGHTS)
    stages, rows = Stages(), []
    stages.enter()
    with tempfile.TemporaryDirectory() as folder:
        pair, clip = one_expression(Path(folder))
        for section, source in (("pair", pair), ("clip", clip)):
            ask = functools.partial(merzoo.predict, source, classifier, progress=_silent)
            found = [stages.once(ask) for _ in range(WARM_UP + repeats)][WARM_UP:]
            for stage in (*STAGES, "total"):
                times = [one.get(stage, 0.0) for one in found]
                rows.append(_row(section, stage, times))
    return rows


def _silent(what: str, done: int, total: int) -> None:
    pass


def measure_onnx(repeats: int) -> list[dict]:
    """The network alone, on JAX and in ONNX Runtime, in turn on the same sample."""
    import merzoo
    from merzoo.exporting import export, load_export
    from merzoo.models.random_inputs import random_inputs
    from merzoo.training.probabilities import Unlabelled, predict

    model = merzoo.create_model(MODEL, weights=WEIGHTS)
    sample = random_inputs(model, 1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        export(model, path, "onnx")
        run = load_export(path)
        ways = {
            f"network, {os.environ['KERAS_BACKEND']}": lambda: predict(
                model, Unlabelled(sample), batch_size=1
            ),
            "network, onnxruntime": lambda: run(sample),
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(WARM_UP + repeats):
            for name, way in ways.items():
                start = time.process_time()
                way()
                if turn >= WARM_UP:
                    times[name].append(1e3 * (time.process_time() - start))
    return [_row("onnx", name, found) for name, found in times.items()]


def _row(section: str, what: str, times) -> dict:
    middle, slow = np.percentile(times, [50, 95])
    row = {"section": section, "what": what, "p50": f"{middle:.1f}", "p95": f"{slow:.1f}"}
    return row | {"unit": "CPU ms", "of": len(times)}


def measure_video(seconds: int, annotated: str | None) -> dict:
    """CPU and wall seconds of a film's second, and peak memory, of one process on one core."""
    frames = filmed(FILM_FPS, FILM_SECONDS)
    shown = [frames, frames[::-1]]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        film = [frame for turn in range(seconds // FILM_SECONDS) for frame in shown[turn % 2]]
        write_film(path, film, FILM_FPS)
        del frames, shown, film
        command = [sys.executable, "-m", "merzoo.cli", "predict", str(path)]
        command += ["--out", str(Path(folder) / "out")]
        command += ["--annotated", annotated] if annotated else []
        start = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            preexec_fn=lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}),
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
    if status:
        raise RuntimeError(f"{' '.join(command)} ended with {status}.")
    return {
        "cpu": (used.ru_utime + used.ru_stime) / seconds,
        "wall": wall / seconds,
        "megabytes": used.ru_maxrss / 1024,
    }


def video_section(options) -> list[dict]:
    """`merzoo predict` on films of two lengths, without an annotated video and with each size."""
    lengths = [(30, "none")] if options.quick else [(10, "none"), (60, "none")]
    lengths += [] if options.quick else [(60, "half"), (60, "full")]
    rows = []
    for seconds, annotated in lengths:
        found = measure_video(seconds, annotated)
        what = f"{seconds} s, annotated video: {annotated}"
        for name, unit in (
            ("cpu", "CPU s a second of film"),
            ("wall", "s a second of film, one core"),
            ("megabytes", "MB at most"),
        ):
            row = {"section": "video", "what": what, "p50": f"{found[name]:.3g}", "p95": ""}
            rows.append(row | {"unit": unit, "of": 1})
    return rows


def in_process(measure: str, repeats: int) -> list[dict]:
    """Runs a measurement in a process of its own."""
    command = [sys.executable, __file__, "--worker", json.dumps([measure, repeats])]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(answer.stdout.strip().splitlines()[-1])


def stages_section(options) -> list[dict]:
    """A pair of pictures and a clip, by stage."""
    return in_process("stages", options.repeats)


def onnx_section(options) -> list[dict]:
    """The network on Keras and in ONNX Runtime."""
    return in_process("onnx", options.repeats)


SECTIONS = {"stages": stages_section, "onnx": onnx_section, "video": video_section}
WORKERS = {"stages": measure_stages, "onnx": measure_onnx}


def goals(rows: list[dict]) -> list[dict]:
    """Goal, measured, met: for each goal that the rows tell of."""
    found = []
    for section, most in GOALS.items():
        for row in rows:
            if (row["section"], row["what"]) == (section, "total"):
                goal = f"DFR-Net from a {section}: under {most:.0f} CPU ms (median)"
                value = float(row["p50"])
                found.append({"goal": goal, "measured": f"{value:.0f}", "met": value < most})
    for row in rows:
        if row["section"] == "video" and "none" in row["what"] and "CPU" in row["unit"]:
            goal = f"predict on {row['what']}: under 1 CPU s a second of film (real time)"
            found.append({"goal": goal, "measured": row["p50"], "met": float(row["p50"]) < 1})
    memory = [float(row["p50"]) for row in rows if row["unit"] == "MB at most"]
    if len(memory) > 1:
        ratio = memory[1] / memory[0]
        goal = "memory of 60 s over that of 10 s of film: at most 1.1"
        found.append({"goal": goal, "measured": f"{ratio:.2f}", "met": ratio <= 1.1})
    return found


def quick() -> list[dict]:
    """Goals, what was measured in a short run, and whether they are met."""
    options = argparse.Namespace(quick=True, repeats=QUICK_REPEATS)
    return goals([*stages_section(options), *video_section(options)])


def write(rows: list[dict]) -> None:
    """Writes the result file; sections that were not run keep the rows of the last run."""
    facts = machine()
    rows = [row | facts for row in rows]
    fresh = {row["section"] for row in rows}
    if RESULTS.is_file():
        with RESULTS.open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["section"] not in fresh] + rows
    with RESULTS.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_table() -> None:
    """Writes the table of the README from the result file."""
    with RESULTS.open(newline="") as file:
        rows = list(csv.DictReader(file))
    lines = ["| of | what | p50 | p95 | unit |", "|---|---|---|---|---|"]
    for row in rows:
        lines.append(f"| {' | '.join(row[n] for n in ('section', 'what', 'p50', 'p95', 'unit'))} |")
    lines += ["", f"{rows[0]['processor']}, {rows[0]['cores']} cores."]
    pattern = r"(<!-- table: latency -->\n).*?(<!-- end -->)"
    text = re.sub(
        pattern, lambda m: f"{m[1]}{chr(10).join(lines)}\n{m[2]}", README.read_text(), flags=re.S
    )
    README.write_text(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=SECTIONS, nargs="+", help="sections to run (all)")
    parser.add_argument("--repeats", type=int, help=f"of pair, clip and onnx ({REPEATS})")
    parser.add_argument("--quick", action="store_true", help="short runs, nothing is written")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        measure, repeats = json.loads(options.worker)
        print(json.dumps(WORKERS[measure](repeats)))
        return
    options.repeats = options.repeats or (QUICK_REPEATS if options.quick else REPEATS)
    rows = []
    for section in options.only or SECTIONS:
        for row in SECTIONS[section](options):
            print(f"  {row['section']:<6} {row['what']:<34}", end=" ")
            print(f"{row['p50']:>8} {row['p95']:>8} {row['unit']}", flush=True)
            rows.append(row)
    for one in goals(rows):
        print(f"{'met    ' if one['met'] else 'not met'} {one['goal']}: {one['measured']}")
    if not options.quick:
        write(rows)
        write_table()


if __name__ == "__main__":
    main()

"""What `prepare` costs in time and memory, and how well apexes are spotted: four sections of
`preprocessing.py`, all on invented clips at 100 frames per second."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

SCRIPT = Path(__file__).with_name("preprocessing.py")
FPS = 100
# Inputs as the published networks have them.
SHAPES = {
    "onset": (224, 224, 3),
    "apex": (224, 224, 3),
    "magnified_apex": (224, 224, 3),
    "flow": (224, 224, 3),
    "flow_image": (28, 28, 3),
    "difference": (112, 112, 1),
    "signed_difference": (112, 112, 1),
    "sequence": (16, 112, 112, 1),
    "regions": (24, 4),
    "action_units": (21,),
}
NOISE = (0.0, 3.0, 6.0)  # grey levels; the sets easy, medium and hard have 2, 6 and 6


def measurable() -> dict[str, tuple[int, ...]]:
    """The shapes that can be had here: regions need the landmark file."""
    from merzoo.preprocessing.face import has_landmarks

    return {n: s for n, s in SHAPES.items() if n != "regions" or has_landmarks()}


def numbered(clips, count: int) -> list:
    """`count` clips that the cache tells apart, from fewer films: their frame rates differ."""
    return [
        replace(clip, id=f"{clip.id}-{i}", fps=clip.fps * (1 + 1e-6 * i))
        for i, clip in ((i, clips[i % len(clips)]) for i in range(count))
    ]


def timed_prepare(clips, shapes, jobs: int, cache) -> float:
    from merzoo.preprocessing import prepare

    start = time.perf_counter()
    prepare(clips, shapes, cache=cache, jobs=jobs)
    return time.perf_counter() - start


def speed(quick: bool):
    """Clips a second of each modality at 1 and 2 workers, from files to arrays, nothing cached."""
    import cv2

    from merzoo.data.synthetic import clips as synthetic_clips

    films = synthetic_clips("medium", subjects=2, clips=3, fps=FPS)
    clips = numbered(films, 6 if quick else 40)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # as in a worker process
    for name, shape in measurable().items():
        for jobs in (1, 2):
            with tempfile.TemporaryDirectory() as cache:
                # Starts the workers, and hashes the files, which the cache then knows.
                timed_prepare(films, {"apex": (32, 32, 1), name: shape}, jobs, cache)
                taken = timed_prepare(clips, {name: shape}, jobs, cache)
            setting = f"{len(clips)} clips of 280 x 340, {jobs} worker{'s' * (jobs > 1)}"
            yield f"{name} {'x'.join(map(str, shape))}", setting, len(clips) / taken, "clips/s"
    cv2.setNumThreads(threads)


def second_run(quick: bool):
    """Time of a second run, which finds all in the cache, as a share of the first (goal 2 %)."""
    from merzoo.data.synthetic import clips as synthetic_clips

    clips = synthetic_clips("medium", subjects=2 if quick else 20, clips=7, fps=FPS)
    for case, shapes in (
        ("flow image", {"flow_image": SHAPES["flow_image"]}),
        ("all modalities", measurable()),
    ):
        setting = f"{len(clips)} clips, 1 worker"
        with tempfile.TemporaryDirectory() as warm:  # imports are no part of the first run
            timed_prepare(clips[:1], shapes, 1, warm)
        with tempfile.TemporaryDirectory() as cache:
            first = timed_prepare(clips, shapes, 1, cache)
            second = np.median([timed_prepare(clips, shapes, 1, cache) for _ in range(3)])
        yield f"first run, {case}", setting, first, "s"
        yield f"second run, {case}", setting, second, "s"
        yield f"second run, {case}", setting, 100 * second / first, "% of the first"


def memory(quick: bool):
    """Peak memory of `prepare` and its two workers at 50 and 200 clips (goal: ratio 1.1)."""
    if not Path("/proc/self/smaps_rollup").is_file():
        yield "peak memory", "needs Linux's /proc", "not run", "MiB"
        return
    peaks = []
    for count in (10, 20) if quick else (50, 200):
        command = [sys.executable, str(SCRIPT), "--worker", json.dumps(["memory", count])]
        answer = subprocess.run(command, capture_output=True, text=True)
        if answer.returncode:
            raise RuntimeError(answer.stderr)
        peaks.append(json.loads(answer.stdout.strip().splitlines()[-1])["peak"])
        yield "peak memory, workers included", f"{count} clips, 2 workers", peaks[-1], "MiB"
    yield "peak memory, workers included", "most clips over fewest", peaks[1] / peaks[0], "ratio"


def memory_worker(count: int) -> dict:
    """Prepares `count` clips in this process and two workers: the peak of their memory in MiB.

    Memory is that which belongs to the processes (private, plus their share of what they share).
    """
    from merzoo.data.synthetic import clips as synthetic_clips

    clips = numbered(synthetic_clips("medium", subjects=2, clips=3, fps=FPS), count)
    peak, done = 0, threading.Event()

    def watch():
        nonlocal peak
        while not done.wait(0.05):
            peak = max(peak, proportional_memory(os.getpid()))

    watcher = threading.Thread(target=watch)
    with tempfile.TemporaryDirectory() as cache:
        watcher.start()
        try:
            timed_prepare(clips, {n: SHAPES[n] for n in ("onset", "apex", "flow")}, 2, cache)
        finally:
            done.set()
            watcher.join()
    return {"peak": peak / 1024}


def proportional_memory(process: int) -> int:
    """Memory in KiB of a process and all of its descendants, shared pages counted once."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        tasks = Path(f"/proc/{process}/task").glob("*/children")
        children = [int(child) for task in tasks for child in task.read_text().split()]
    except OSError:  # it has ended meanwhile
        return 0
    own = sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return own + sum(proportional_memory(child) for child in children)


def apex_error(quick: bool):
    """Mean distance of each spotter from the true apex, at three levels of sensor noise."""
    import joblib

    from merzoo.data.synthetic.plan import Setting, plan_clips

    setting = Setting(subjects=2 if quick else 8, clips=2, difficulty="easy", fps=FPS)
    plans = plan_clips(setting)
    people = [[p for p in plans if p.subject == s] for s in range(setting.subjects)]
    found = joblib.Parallel(len(os.sched_getaffinity(0)))(map(joblib.delayed(errors_of), people))
    errors = [row for rows in found for row in rows]
    for level in NOISE:
        where = f"{len(plans)} clips at {FPS} fps, noise {level:g}"
        for method in dict.fromkeys(method for _, method, _ in errors):
            mean = np.mean([e for noise, name, e in errors if (noise, name) == (level, method)])
            yield f"apex by {method}", where, float(mean), "frames"


def errors_of(plans) -> list[tuple[float, str, int]]:
    """Noise, spotter, and frames between its apex and the true one, for clips of one person."""
    import cv2

    from merzoo.data.clip import Clip
    from merzoo.data.frames import ArrayFrames
    from merzoo.data.synthetic.film import film, sensor_noise
    from merzoo.preprocessing.aligned_clip import AlignedClip
    from merzoo.preprocessing.apex import SPOTTERS
    from merzoo.preprocessing.parameters import check_parameters

    cv2.setNumThreads(1)
    errors = []
    for plan in plans:
        still = np.stack(list(film(replace(plan, noise=0.0), (280, 340))[1]))
        rng = np.random.default_rng(plan.seed)
        for level in NOISE:
            noise = [sensor_noise(rng, still.shape[1:3], level) for _ in still] if level else [0]
            frames = still + np.stack(noise)[..., None]
            frames = ArrayFrames(np.clip(frames, 0, 255).astype(np.uint8))
            times = {"fps": FPS, "onset": plan.onset, "offset": plan.offset}
            clip = Clip(
                "synthetic", f"synthetic/s{plan.subject}", f"c{plan.index}", frames, **times
            )
            aligned = AlignedClip(clip, check_parameters({}))
            for name in SPOTTERS:
                index = plan.onset + aligned.spot(name).index
                errors.append((level, name, abs(index - plan.apex)))
            middle = (plan.onset + plan.offset) // 2
            errors.append((level, "the middle frame", abs(middle - plan.apex)))
    return errors

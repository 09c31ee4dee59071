"""`synthesize`: plans all clips, renders the unfinished ones in worker processes, annotates.

The bytes depend on the arguments alone, not on the number of workers or on how often the run was
interrupted: each clip has a seed of its own, and appears whole or not at all.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from merzoo import files
from merzoo.arguments import LARGEST_SEED, real_number, whole_number
from merzoo.data.synthetic.film import film
from merzoo.data.synthetic.forms import Faults, Form, form_named
from merzoo.data.synthetic.macro import film_expression, plan_macro
from merzoo.data.synthetic.plan import ClipPlan, Setting, difficulty_named, plan_clips
from merzoo.data.videos import place_video
from merzoo.errors import InputError
from merzoo.listing import is_empty, left_by_system
from merzoo.processes import workers
from merzoo.progress import progress_bar
from merzoo.schema import read_json
from merzoo.whole import alone, sweep, temporary_beside, unfinished

# Raised when the same arguments give other bytes than before.
RECIPE = 3
MEDIA = ("frames", "video")


@dataclass(frozen=True)
class _Job:
    """What a worker needs to know beside the clip's plan."""

    out: Path
    form: str
    size: tuple[int, int]
    fps: float | None  # `None` for still images
    media: str

    @property
    def truth(self) -> Path:
        return truth_folder(self.out, self.form)

    @property
    def workshop(self) -> Path:
        return self.out.with_name(self.out.name + ".partial")


def truth_folder(out: Path, form: str = "native") -> Path:
    """Where the ground truth of a tree stands: inside a native one, beside any other."""
    return out / "truth" if form == "native" else out.with_name(out.name + ".truth")


def synthesize(
    out: str | os.PathLike,
    subjects: int = 20,
    clips: int = 7,
    difficulty: str = "medium",
    form: str = "native",
    seed: int = 0,
    size: tuple[int, int] | None = None,
    fps: float | None = None,
    media: str = "frames",
    quirks: bool = False,
    jobs: int | None = None,
) -> Path:
    """Generates a dataset of invented people with exact ground truth.

    Args:
        out: folder to write; a run that was stopped there is continued.
        subjects: number of people, 1..999.
        clips: clips (or images) of each person, 1..99.
        difficulty: `"easy"`, `"medium"` or `"hard"`.
        form: `"native"`, `"casme2"`, `"samm"`, ...: one of `merzoo.data.synthetic.forms.FORMS`.
        seed: from 0; the same seed gives the same bytes.
        size: (width, height) of the images in pixels; `None` for the form's own.
        fps: frames per second; `None` for the form's own.
        media: `"frames"`, or `"video"` for one lossless video a clip (native form only).
        quirks: plant the known annotation faults of the form; `OUT.quirks.json` lists them.
        jobs: worker processes; `None` for one a core.

    Returns:
        The folder. The truth of each clip is an `.npz` file in `OUT/truth` (native) or
        `OUT.truth`: `landmarks` (T, 68, 2), `flow` (H, W, 2) from onset to apex in pixels,
        `onset`, `apex`, `offset`, and `action_units`, `sides`, `amplitudes`, `intensities`.

    Raises:
        InputError: for an impossible argument, or a folder that holds something else.

    Example:

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     out = synthesize(f"{folder}/faces", subjects=1, clips=1, size=(70, 85), fps=50, jobs=1)
    ...     sorted(p.name for p in out.iterdir())
    ['clips', 'clips.csv', 'synthesis.json', 'truth']
    """
    out = Path(out)
    layout = form_named(form)
    difficulty_named(difficulty)
    size, fps = size or layout.size, layout.fps if fps is None else fps
    _check_numbers(subjects, clips, seed, size, fps, jobs)
    _check_media(media, layout)
    setting = setting_of(form, subjects, clips, difficulty, seed, fps)
    width, height = size
    job = _Job(out, form, (width, height), fps, media)
    facts = {
        "recipe": RECIPE,
        "form": form,
        "subjects": subjects,
        "clips": clips,
        "difficulty": difficulty,
        "seed": seed,
        "size": list(size),
        "fps": fps,
        "media": media,
        "quirks": quirks,
    }
    try:
        with alone(out, wait=True):
            _run(job, layout, setting, facts, jobs or _cores())
    except OSError as error:
        raise InputError(
            f"{error.filename or out}: cannot be written: {error.strerror or error}."
        ) from None
    return out


def _run(job: _Job, layout: Form, setting: Setting, facts: dict, jobs: int) -> None:
    _claim(job, facts)
    if not _finished(job):
        plans = _plan(setting, layout)
        _render_all(job, plans, jobs)
        _annotate(job, layout, plans, facts["quirks"])
        _settings(job, facts | {"finished": True})
    files.clean_workshop(job.workshop)


def _plan(setting: Setting, layout: Form) -> list[ClipPlan]:
    if layout.content == "clips":
        return plan_clips(setting)
    return plan_macro(setting, layout.content)


def _cores() -> int:
    import joblib

    return joblib.cpu_count()


def _check_numbers(subjects, clips, seed, size, fps, jobs) -> None:
    for name, value, low, high in (
        ("subjects", subjects, 1, 999),
        ("clips", clips, 1, 99),
        ("seed", seed, 0, LARGEST_SEED),
        ("width", size[0], 32, 4096),
        ("height", size[1], 32, 4096),
        ("jobs", 1 if jobs is None else jobs, 1, 1024),
    ):
        whole_number(name, value, least=low, most=high)
    if fps is not None:
        real_number("fps", fps, least=20, most=1000)


def _check_media(media: str, layout: Form) -> None:
    if media not in MEDIA:
        raise InputError(f"Unknown medium {media!r}: choose 'frames' or 'video'.")
    if media == "video" and layout.name != "native":
        raise InputError(
            f"The form {layout.name!r} consists of image files: choose 'frames', or form 'native'."
        )


def _settings_path(job: _Job) -> Path:
    return (job.out if job.form == "native" else job.truth) / "synthesis.json"


def _settings(job: _Job, facts: dict) -> None:
    files.write_text(_settings_path(job), json.dumps(facts, indent=2) + "\n")


def _finished(job: _Job) -> bool:
    """Whether all of it is there; the truth of other forms outlives a tree that was removed."""
    return bool(read_json(_settings_path(job)).get("finished")) and not is_empty(job.out)


def _claim(job: _Job, facts: dict) -> None:
    """Takes an empty folder, or one in which the same run was begun."""
    path = _settings_path(job)
    sweep(job.out, deep=True)
    names = [p for p in job.out.iterdir() if not left_by_system(p.name)] if job.out.is_dir() else []
    occupied = not all(map(unfinished, names))
    if path.is_file():
        known = read_json(path, hint="remove the folder or choose another")
        for name, value in facts.items():
            if known.get(name) != value:
                raise InputError(
                    f"{job.out}: holds clips with {name} {known.get(name)!r}, not {value!r}; "
                    f"choose another folder."
                )
    elif occupied:
        raise InputError(f"{job.out}: is not empty; choose another folder.")
    else:
        job.out.mkdir(parents=True, exist_ok=True)
        _settings(job, facts)


def _render_all(job: _Job, plans: list[ClipPlan], jobs: int) -> None:
    layout = form_named(job.form)
    todo = [plan for plan in plans if not _rendered(_target(job, layout, plan))]
    with progress_bar() as bar:
        task = bar.add_task("clips", total=len(plans), completed=len(plans) - len(todo))
        if jobs == 1 or len(todo) < 2:
            for plan in todo:
                _render(job, plan)
                bar.advance(task)
        elif todo:
            from joblib import Parallel, delayed

            with workers(min(jobs, len(todo))):
                done = Parallel(return_as="generator_unordered")(
                    delayed(_render_alone)(job, plan) for plan in todo
                )
            for _ in done:
                bar.advance(task)


def _rendered(target: Path) -> bool:
    return target.is_dir() or (target.is_file() and target.stat().st_size > 0)


def _render_alone(job: _Job, plan: ClipPlan) -> None:
    """In a worker process: OpenCV keeps to one thread, as the others have theirs."""
    import cv2

    cv2.setNumThreads(1)
    _render(job, plan)


def _target(job: _Job, layout: Form, plan: ClipPlan) -> Path:
    """The folder of a clip's frames, or its one file."""
    folder = job.out / layout.folder(plan)
    if layout.content == "images":
        return folder / f"{layout.file(plan, 0)}{layout.suffix}"
    return folder.with_name(folder.name + ".avi") if job.media == "video" else folder


def _render(job: _Job, plan: ClipPlan) -> None:
    """One clip: the truth first, so that a clip that is there has its truth."""
    layout = form_named(job.form)
    target = _target(job, layout, plan)
    if layout.content == "clips":
        motion, frames = film(plan, job.size)
        truth = _truth(motion)
    else:
        truth, frames = film_expression(plan, job.size, layout.zoom)
    files.write_arrays(_truth_path(job, plan), **truth)
    images = (_grey(frame) if layout.grey else frame for frame in frames)
    if layout.content == "images":
        files.write_bytes(target, files.encode_image(next(images), layout.suffix))
    elif job.media == "video":
        _write_video(target, images, job)
    else:
        with files.new_folder(target, job.workshop) as folder:
            for position, image in enumerate(images):
                name = f"{layout.file(plan, position)}{layout.suffix}"
                (folder / name).write_bytes(files.encode_image(image, layout.suffix))


def _truth_path(job: _Job, plan: ClipPlan) -> Path:
    return job.truth / f"s{plan.subject + 1:02d}" / f"c{plan.index + 1:02d}.npz"


def _grey(frame: np.ndarray) -> np.ndarray:
    import cv2

    return cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)


def _write_video(target: Path, frames, job: _Job) -> None:
    """FFV1, which is lossless and which every OpenCV wheel writes."""
    import cv2

    job.workshop.mkdir(parents=True, exist_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_beside(job.workshop / target.name, ".avi")
    try:
        code = cv2.VideoWriter_fourcc(*"FFV1")
        writer = cv2.VideoWriter(str(temporary), code, job.fps, job.size)
        if not writer.isOpened():
            raise OSError("this build of OpenCV cannot write FFV1 video")
        written = 0
        for frame in frames:
            writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
            written += 1
        writer.release()
        place_video(temporary, target, written)
    finally:
        temporary.unlink(missing_ok=True)


def setting_of(
    form: str, subjects: int, clips: int, difficulty: str, seed: int, fps: float | None
) -> Setting:
    """What the clips of a form are planned for."""
    layout = form_named(form)
    emotions = tuple(layout.emotions.items())
    return Setting(subjects, clips, difficulty, seed, fps, emotions, layout.timing, layout.context)


def _truth(motion) -> dict:
    plan = motion.plan
    return {
        "landmarks": motion.landmarks(),
        # A thousandth of a pixel is enough, and packs well.
        "flow": (np.rint(motion.flow(plan.onset, plan.apex) * 1024) / 1024).astype(np.float32),
        "onset": plan.onset,
        "apex": plan.apex,
        "offset": plan.offset,
        "emotion": plan.emotion,
        "action_units": np.array([unit.number for unit in plan.units]),
        "sides": np.array([unit.side for unit in plan.units]),
        "amplitudes": np.array([unit.amplitude for unit in plan.units]),
        "intensities": np.array([unit.intensity for unit in plan.units]),
        "distractors": np.array([unit.text for unit in plan.distractor], dtype=str),
    }


def _annotate(job: _Job, layout: Form, plans: list[ClipPlan], quirks: bool) -> None:
    faults = Faults(job.out) if quirks else None
    layout.annotate(job.out, plans, job.fps, faults)
    if faults:
        faults.save(job.out.with_name(job.out.name + ".quirks.json"))

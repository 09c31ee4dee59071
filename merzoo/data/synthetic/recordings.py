"""The long synthetic videos that merzoo films once and keeps: recordings that everybody has.

Micro-expressions and macro-expressions of invented people, with blinks, nods, speech and turns of
the head between them, in the form in which the long recordings of the real sets are read. The truth
is exact: it is the plan by which they are filmed.
"""

from functools import partial
from pathlib import Path

from merzoo.arguments import LARGEST_SEED, real_number, whole_number
from merzoo.data.clip import Clip
from merzoo.data.frames import VideoFrames
from merzoo.data.long_videos import Disturbance, LongVideo
from merzoo.data.synthetic.action_units import as_text
from merzoo.data.synthetic.long import NUISANCES, LongPlan, plan_long, write_long
from merzoo.data.synthetic.plan import difficulty_named
from merzoo.errors import InputError
from merzoo.home import home
from merzoo.processes import workers
from merzoo.progress import progress_bar

RECIPE = 1  # raised when the same arguments give other videos than before
DATASET = "synthetic-long"
GAP = (1.0, 3.0)  # seconds between two expressions
SIZE = (210, 255)  # width and height


def long_videos(
    difficulty: str = "easy",
    subjects: int = 6,
    videos: int = 1,
    seconds: float = 15.0,
    fps: float = 30.0,
    nuisances: str = "all",
    seed: int = 0,
    jobs: int = 2,
) -> list[LongVideo]:
    """Long synthetic videos, filmed at the first call into merzoo's home folder.

    Args:
        difficulty: `"easy"`, `"medium"` or `"hard"`.
        subjects: number of people.
        videos: of each.
        seconds: length of each.
        fps: frames per second; 30 as in CAS(ME)^2 and CAS(ME)^3.
        nuisances: what comes between the micro-expressions: `"all"`, `"none"`, or names of
            `merzoo.data.synthetic.long.NUISANCES` with commas, such as `"blink,speech"`.
        seed: the same seed gives the same videos.
        jobs: worker processes that film.

    Returns:
        One `LongVideo` each, with the expressions and, as disturbances, everything else.

    Raises:
        InputError: for an impossible argument.

    Example:

    >>> import os, tempfile
    >>> os.environ["MERZOO_HOME"] = tempfile.mkdtemp()
    >>> (video,) = long_videos(subjects=1, seconds=4, fps=25, jobs=1)
    >>> video.subject, len(video.frames), video.intervals("micro")
    ('synthetic-long/s01', 100, [(15, 22), (59, 65)])
    """
    difficulty_named(difficulty)
    whole_number(f"subjects of {DATASET}", subjects, most=999)
    whole_number(f"videos of {DATASET}", videos, most=99)
    whole_number(f"seed of {DATASET}", seed, least=0, most=LARGEST_SEED)
    whole_number(f"jobs of {DATASET}", jobs, most=64)
    real_number(f"fps of {DATASET}", fps, least=10, most=1000)
    if not 4 <= seconds <= 3600:
        raise InputError(f"seconds of {DATASET} must be 4 to 3600, got {seconds:g}.")
    disturbing = _nuisances(nuisances)
    name = f"recipe{RECIPE}-{difficulty}-{'+'.join(disturbing) or 'none'}"
    folder = home(DATASET, f"{name}-seed{seed}-{seconds:g}s-{fps:g}fps")
    plan = partial(plan_long, seed, seconds, difficulty, fps, nuisances=disturbing, gap=GAP)
    plans = {(s, v): plan(subject=s, video=v) for s in range(subjects) for v in range(videos)}
    _film({folder / f"s{s + 1:02d}-{v + 1}.avi": plan for (s, v), plan in plans.items()}, jobs)
    return [_recording(folder, s, v, plan) for (s, v), plan in plans.items()]


def clips(
    difficulty: str = "easy",
    subjects: int = 6,
    videos: int = 1,
    seconds: float = 15.0,
    fps: float = 30.0,
    nuisances: str = "all",
    seed: int = 0,
    jobs: int = 2,
) -> list[Clip]:
    """The expressions of `long_videos` (same arguments) as clips, labelled with their emotions."""
    found = long_videos(difficulty, subjects, videos, seconds, fps, nuisances, seed, jobs)
    return [clip for video in found for clip in video.expressions]


def _nuisances(text: str) -> tuple[str, ...]:
    """The nuisances that a text names, in the table's order."""
    if text in ("all", "none"):
        return NUISANCES if text == "all" else ()
    said = text.split(",")
    for name in said:
        if name not in NUISANCES:
            known = ", ".join(NUISANCES)
            raise InputError(f"nuisances of {DATASET}: {name!r} is none of all, none, {known}.")
    return tuple(name for name in NUISANCES if name in said)


def _film(plans: dict[Path, LongPlan], jobs: int) -> None:
    """Films what is not there yet."""
    from joblib import Parallel, delayed

    missing = {path: plan for path, plan in plans.items() if not path.is_file()}
    with progress_bar() as bar:
        task = bar.add_task("filming long videos", total=len(missing))
        if jobs == 1 or len(missing) < 2:
            for path, plan in missing.items():
                write_long(path, plan, SIZE)
                bar.advance(task)
            return
        with workers(min(jobs, len(missing))):
            filming = (delayed(write_long)(path, plan, SIZE) for path, plan in missing.items())
            for _ in Parallel(return_as="generator_unordered")(filming):
                bar.advance(task)


def _recording(folder: Path, subject: int, video: int, plan: LongPlan) -> LongVideo:
    name = f"s{subject + 1:02d}"
    frames = VideoFrames(folder / f"{name}-{video + 1}.avi")
    person, film = f"{DATASET}/{name}", f"{name}/{video + 1}"
    expressions = tuple(
        Clip(
            DATASET,
            person,
            f"{film}/{event.onset}",
            frames,
            label=event.emotion,
            fps=plan.fps,
            onset=event.onset,
            apex=event.apex,
            offset=event.offset,
            action_units=as_text(event.units),
            split="micro" if event.kind == "micro" else "macro",
        )
        for event in plan.events
        if event.emotion
    )
    others = tuple(
        Disturbance(event.kind, event.onset, event.offset)
        for event in plan.events
        if not event.emotion
    )
    return LongVideo(DATASET, person, film, frames, plan.fps, expressions, others)

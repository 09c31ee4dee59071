"""The synthetic clips that merzoo generates once and keeps: a dataset that everybody has."""

import csv

from merzoo.data.clip import Clip
from merzoo.data.frames import ImageFrames
from merzoo.data.synthetic.action_units import as_text
from merzoo.data.synthetic.generate import RECIPE, setting_of, synthesize
from merzoo.data.synthetic.plan import plan_clips
from merzoo.home import home


def clips(
    difficulty: str = "medium",
    subjects: int = 20,
    clips: int = 7,
    seed: int = 0,
    fps: float = 100.0,
    intensities: bool = False,
    jobs: int | None = None,
) -> list[Clip]:
    """Synthetic clips, generated at the first call into merzoo's home folder.

    Args:
        difficulty: `"easy"`, `"medium"` or `"hard"`.
        subjects: number of people.
        clips: clips of each.
        seed: the same seed gives the same clips.
        fps: frames per second; 100 as in SMIC, which halves the time to generate.
        intensities: whether action units are annotated with theirs, by their amplitudes: `"12C"`.
        jobs: worker processes; `None` for one a core.

    Returns:
        One `Clip` for each, of dataset `"synthetic"`, with lazily read frames.

    Raises:
        InputError: for an impossible argument.

    Example:

    >>> import os, tempfile
    >>> os.environ["MERZOO_HOME"] = tempfile.mkdtemp()
    >>> found = clips(subjects=1, clips=2, fps=25, jobs=1)
    >>> len(found), found[0].subject, found[0].frames[0].shape
    (2, 'synthetic/s01', (340, 280, 3))
    """
    name = f"recipe{RECIPE}-{difficulty}-{subjects}x{clips}-seed{seed}-{fps:g}fps"
    folder = home("synthetic", name)
    synthesize(folder, subjects, clips, difficulty, seed=seed, fps=fps, jobs=jobs)
    with open(folder / "clips.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if intensities:
        plans = plan_clips(setting_of("native", subjects, clips, difficulty, seed, fps))
        for row, plan in zip(rows, plans, strict=True):
            row["action_units"] = as_text(plan.units, intensities=True)
    return [
        Clip(
            dataset=row["dataset"],
            subject=f"{row['dataset']}/{row['subject']}",
            id=row["clip"],
            frames=ImageFrames.from_folder(folder / row["path"]),
            label=row["label"],
            fps=float(row["fps"]),
            onset=int(row["onset"]),
            apex=int(row["apex"]),
            offset=int(row["offset"]),
            action_units=row["action_units"],
        )
        for row in rows
    ]

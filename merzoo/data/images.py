"""Sets of single images in folders named by their class: what FER-2013 and RAF-DB share.

Such sets name no persons. Every image is given a subject of its own, so a split by subject is a
split by image: whether one person stands on both sides cannot be known, and cards say so.
"""

from pathlib import Path

from merzoo.data.clip import Clip
from merzoo.data.frames import Frames, ImageFrames
from merzoo.errors import unknown


def image_clip(
    dataset: str, name: str, path: Path, label: str, split: str, where: str | None = None
) -> Clip:
    """A `Clip` of one image file, which is onset, apex and offset at once.

    `where` says in which file and row it is annotated; `None` where its folder says the class.
    """
    frames = ImageFrames([path], [0], name=str(path))
    return frame_clip(dataset, name, frames, label, split, where or str(path))


def frame_clip(
    dataset: str, name: str, frames: Frames, label: str | None, split: str, where: str
) -> Clip:
    """A `Clip` of one frame, with a subject of its own."""
    return Clip(
        dataset,
        f"{dataset}/{name}",
        name,
        frames,
        label=label,
        onset=0,
        apex=0,
        offset=0,
        split=split,
        source=where,
    )


def chosen_splits(split: str | None, splits: tuple[str, ...]) -> tuple[str, ...]:
    """The splits to read: all for `None`, else the one named, whatever its case.

    >>> chosen_splits("train", ("train", "test"))
    ('train',)
    """
    if split is None:
        return splits
    for name in splits:
        if name.lower() == split.lower():
            return (name,)
    raise unknown("split", split, splits)

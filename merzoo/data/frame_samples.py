"""Clips as several samples of one frame each, for models that take single images.

Papers that classify frames (such as Broadbent's on SAMM) cut each clip into its frames and split
those at random. `expand_frames` makes such samples: each is its clip with another frame in the
place of the apex, so every modality can be worked out for it. A frame sample is named
`"clip#frame"`, by which splits and the leak audit know which samples are of one clip.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from merzoo.data.clip import Clip
from merzoo.errors import InputError

FRAMES = 8  # samples made of each clip where nobody says how many
ALL = "all"  # or every frame from onset to offset
MARK = "#"


def expand_frames(clips: Sequence[Clip], count: int | str = FRAMES) -> list[Clip]:
    """Samples of single frames, spread around the apex of each clip.

    Args:
        clips: with onset, apex and offset, or none of them for a single image. Samples that are
            frames already stay as they are.
        count: frames of each clip, from halfway onset..apex to halfway apex..offset; fewer where
            the clip is shorter. `"all"` takes every frame from onset to offset.

    Returns:
        One `Clip` a frame, that frame being its apex and `"clip#frame"` its id.

    Raises:
        InputError: for a count below 1, or a clip without an apex where one is needed.

    Example:

    >>> clip = Clip("mine", "mine/s1", "s1/a", (None,) * 21, "joy", onset=0, apex=10, offset=20)
    >>> [(c.id, c.apex) for c in expand_frames([clip], 3)]
    [('s1/a#5', 5), ('s1/a#10', 10), ('s1/a#15', 15)]
    """
    if not isinstance(count, str) and count < 1:
        raise InputError(f"frames={count}: take at least one frame of each clip.")
    found = []
    for clip in clips:
        if MARK in clip.id or len(clip.frames) == 1:
            found.append(clip)
            continue
        for place in _places(clip, count):
            found.append(replace(clip, id=f"{clip.id}{MARK}{place}", apex=place))
    return found


def _places(clip: Clip, count: int | str) -> list[int]:
    first = 0 if clip.onset is None else clip.onset
    last = len(clip.frames) - 1 if clip.offset is None else clip.offset
    if isinstance(count, str):
        return list(range(first, last + 1))
    if clip.apex is None:
        raise InputError(
            f"{clip.dataset} {clip.id}: has no apex, around which frames would be taken."
        )
    places = np.linspace((first + clip.apex) / 2, (clip.apex + last) / 2, count)
    return np.unique(np.rint(places).astype(int)).tolist()


def clip_of(names) -> np.ndarray:
    """(N,) the clip of each sample: its name without what follows the last `#`.

    >>> clip_of(["s1/a#5", "s1/b"]).tolist()
    ['s1/a', 's1/b']
    """
    return np.array([str(name).rsplit(MARK, 1)[0] for name in names])

"""What `predict` may be given besides a file: pictures in memory, and folders of videos."""

import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from merzoo.data.frames import IMAGE_SUFFIXES, HeldFrames
from merzoo.data.videos import VIDEO_SUFFIXES
from merzoo.errors import InputError
from merzoo.listing import entries

_DEEPEST = 4  # folders below one that is given
WANTED = (
    "give a video, a folder, two images, or pictures as a (T, H, W, 3) or (T, H, W) uint8 array "
    "or one by one"
)


def pictures(given: Sequence[np.ndarray] | np.ndarray) -> HeldFrames:
    """Pictures in memory as frames, without a copy.

    Args:
        given: a (T, H, W, 3) uint8 array of RGB pictures or a (T, H, W) one of grey ones, or a
            sequence of T pictures (H, W, 3) or (H, W), all of one size.

    Raises:
        InputError: for anything else, naming the picture that is at fault.

    Example:

    >>> pictures(np.zeros((5, 40, 30), "uint8"))[2].shape
    (40, 30, 1)
    """
    kept: list[np.ndarray] = []
    name = f"{len(given)} pictures"
    for number, one in enumerate(given):
        picture = np.asarray(one)
        picture = picture[..., None] if picture.ndim == 2 else picture
        shape = "x".join(map(str, picture.shape))
        if picture.ndim != 3 or picture.shape[-1] not in (1, 3) or min(picture.shape[:2]) < 8:
            raise InputError(f"{name}: number {number} is {shape or 'no array'}: {WANTED}.")
        if picture.dtype != np.uint8:
            raise InputError(
                f"{name}: number {number} is {picture.dtype}: give uint8 of 0 to 255, as of "
                "(255 * frames).astype('uint8') where they go from 0 to 1."
            )
        if kept and picture.shape != kept[0].shape:
            first = "x".join(map(str, kept[0].shape))
            raise InputError(f"{name}: number {number} is {shape}, number 0 is {first}.")
        kept.append(picture)
    if not kept:
        raise InputError(f"no pictures were given: {WANTED}.")
    return HeldFrames(kept, name)


def expand(given) -> list:
    """The clips of an input: of a folder of videos each of them, of anything else itself.

    A folder that holds no pictures is gone through with the folders below it; each folder of
    pictures there is a clip too.
    """
    if not isinstance(given, str | os.PathLike) or not Path(given).is_dir():
        return [given]
    try:
        return _clips_below(Path(given), _DEEPEST) or [given]
    except InputError:
        return [given]  # opening it says what is wrong


def _clips_below(folder: Path, levels: int) -> list[str]:
    images, videos, folders = held(folder)
    if len(images) > len(videos):
        return [str(folder)]
    if images:
        warnings.warn(
            f"{folder}: {len(images)} pictures beside {len(videos)} videos are left out.",
            stacklevel=4,
        )
    below = [clip for f in folders if levels for clip in _clips_below(f, levels - 1)]
    return [str(video) for video in videos] + below


def held(folder: Path) -> tuple[list[Path], list[Path], list[Path]]:
    """Images, videos and folders directly inside a folder."""
    found = entries(folder)
    files = [Path(entry.path) for entry in found if entry.is_file()]
    images = [path for path in files if path.suffix.lower() in IMAGE_SUFFIXES]
    videos = [path for path in files if path.suffix.lower() in VIDEO_SUFFIXES]
    return images, videos, [Path(entry.path) for entry in found if entry.is_dir()]

"""Samples for a model from whatever names them: arrays, clips, or text as on the command line."""

import warnings
from collections.abc import Sequence
from functools import partial

from merzoo.data.clip import Clip
from merzoo.data.datasets import load_named
from merzoo.errors import InputError
from merzoo.preprocessing.arrays import Arrays, join_arrays
from merzoo.preprocessing.frame_samples import prepare_frames
from merzoo.preprocessing.pipeline import prepare


def load_samples(
    data: Arrays | str | Sequence[str] | Sequence[Clip],
    inputs: dict[str, tuple[int, ...]],
    *,
    labels: str = "megc3",
    jobs: int | None = None,
    on_error: str = "fail",
    frames: int | None = None,
    **parameters,
) -> Arrays:
    """Samples as `Arrays`; clips are prepared for the inputs that a model has.

    Args:
        data: `Arrays` (returned as they are), clips, or text such as `"arrays:file.npz"` or
            `"casme2:FOLDER"`; several texts are joined, and their subjects never collide, because
            a subject is named `"dataset/subject"`.
        inputs: modality name -> shape of one sample, for clips.
        labels: label map, for clips.
        frames: make each clip into this many samples of one frame each, for clips (see
            `merzoo.data.frame_samples`).
        jobs, on_error, parameters: see `merzoo.preprocessing.prepare`, for clips.

    Raises:
        InputError: for an unknown kind, a missing place, or samples that cannot be used.
    """
    if isinstance(data, Arrays):
        return data
    if isinstance(data, str):
        data = [data]
    parts, clips, notes = [], [], []
    for item in data:
        if isinstance(item, Clip | Arrays):
            (clips if isinstance(item, Clip) else parts).append(item)
            continue
        with warnings.catch_warnings(record=True) as noted:
            warnings.simplefilter("always")
            found = load_named(item, on_error=on_error)
        for warning in noted:
            notes.append(str(warning.message))
            warnings.warn(notes[-1], warning.category, stacklevel=3)
        if isinstance(found, Arrays):
            parts.append(found)
        else:
            clips.extend(found)
    if clips:
        options = {"jobs": jobs, "on_error": on_error} | parameters
        ready = prepare if frames is None else partial(prepare_frames, count=frames)
        prepared = ready(clips, inputs, labels, **options)
        prepared.preparation["notes"][:0] = notes
        parts.append(prepared)
    if not parts:
        raise InputError("No data given: use --data KIND:PLACE, such as arrays:file.npz.")
    return parts[0] if len(parts) == 1 else join_arrays(parts)

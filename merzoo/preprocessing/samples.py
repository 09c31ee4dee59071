"""Samples for a model from whatever names them: arrays, clips, or text as on the command line."""

import warnings
from collections.abc import Iterable, Sequence
from functools import partial

from merzoo.data.clip import Clip
from merzoo.data.datasets import KINDS, load_named
from merzoo.data.labels import LabelMap
from merzoo.errors import InputError
from merzoo.preprocessing.arrays import Arrays, join_arrays
from merzoo.preprocessing.frame_samples import prepare_frames
from merzoo.preprocessing.pipeline import prepare
from merzoo.preprocessing.relabel import relabel

_PUBLISHED = KINDS.keys() - {"manifest"}  # whose parts have people in common, as is known


def load_samples(
    data: Arrays | str | Sequence[str] | Sequence[Clip],
    inputs: dict[str, tuple[int, ...]],
    *,
    labels: str | LabelMap | None = None,
    usual: str | LabelMap = "megc3",
    jobs: int | None = None,
    on_error: str = "fail",
    frames: int | None = None,
    **parameters,
) -> Arrays:
    """Samples as `Arrays`; clips are prepared for the inputs that a model has.

    Args:
        data: `Arrays`, clips, or text such as `"arrays:file.npz"` or
            `"casme2:FOLDER"`; several texts are joined. A subject is named `"dataset/subject"`, so
            those of different sets never collide; a warning names those of manifests of one name.
        inputs: modality name -> shape of one sample, for clips.
        labels: label map that is asked for: applied to clips, and to the classes that arrays bring
            (see `merzoo.preprocessing.relabel`); `None` where none is.
        usual: label map of clips where none is asked for.
        frames: make each clip into this many samples of one frame each, for clips (see
            `merzoo.data.frame_samples`).
        jobs, on_error, parameters: see `merzoo.preprocessing.prepare`, for clips.

    Raises:
        InputError: for an unknown kind, a missing place, samples that cannot be used, or arrays to
            whose classes the label map cannot be applied.
    """
    if isinstance(data, Arrays | str):
        data = [data]
    if not isinstance(data, Iterable):
        raise InputError(
            f"{data!r} is no data: give text, such as 'arrays:file.npz', or arrays, or clips."
        )
    parts, clips, notes = [], [], []
    for item in data:
        if isinstance(item, Clip):
            clips.append(item)
            continue
        if isinstance(item, Arrays):
            parts.append(relabel(item, labels))
            continue
        with warnings.catch_warnings(record=True) as noted:
            warnings.simplefilter("always")
            found = load_named(item, on_error=on_error)
        for warning in noted:
            notes.append(str(warning.message))
            warnings.warn(notes[-1], warning.category, stacklevel=3)
        if isinstance(found, Arrays):
            parts.append(relabel(found, labels))
            continue
        if met := _met_before(item, found, clips):
            notes.append(met)
            warnings.warn(met, stacklevel=3)
        clips.extend(found)
    if clips:
        options = {"jobs": jobs, "on_error": on_error} | parameters
        ready = prepare if frames is None else partial(prepare_frames, count=frames)
        prepared = ready(clips, inputs, usual if labels is None else labels, **options)
        prepared.preparation["notes"][:0] = notes
        parts.append(prepared)
    if not parts:
        raise InputError("No data given: use --data KIND:PLACE, such as arrays:file.npz.")
    samples = parts[0] if len(parts) == 1 else join_arrays(parts)
    if told := _empty_classes(samples):
        warnings.warn(told, stacklevel=3)
        if clips:
            samples.preparation["notes"].append(told)
    return samples


def _empty_classes(samples: Arrays) -> str:
    """What to say of classes that no sample has; nothing where there is none."""
    empty = [name for name, count in samples.counts().items() if not count]
    if not empty:
        return ""
    return (
        f"no clip of the class {', '.join(empty)}: scores over all classes count it as 0; another "
        "label map may fit."
    )


def _met_before(text: str, found: Sequence[Clip], before: Sequence[Clip]) -> str:
    """What to say where a set of one's own names people as an earlier one does; else nothing."""
    own = {clip.subject for clip in found if clip.dataset not in _PUBLISHED}
    met = sorted(own & {clip.subject for clip in before})
    if not met:
        return ""
    more = f" and {len(met) - 3} more" if len(met) > 3 else ""
    return (
        f"{text}: taken as the people of the same names before: {', '.join(met[:3])}{more}; "
        "if they are others, name each set in a column 'dataset'."
    )

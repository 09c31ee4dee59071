"""Clips as samples of single frames, for protocols that split frames.

The frames of a clip are spread around its apex (`merzoo.data.frame_samples`), so the apex comes
first: as annotated, or spotted as the parameter `apex` says, on the face as it is aligned for the
samples. Each sample's own frame then stands in the place of the apex. Where all frames are taken,
no apex is asked for, and the onset itself is a sample only for inputs that show no motion.
"""

import warnings
from collections.abc import Sequence
from dataclasses import replace

from merzoo.data.clip import Clip
from merzoo.data.frame_samples import ALL, MARK, expand_frames
from merzoo.data.labels import LabelMap, map_labels
from merzoo.errors import InputError
from merzoo.modalities import input_shapes, names
from merzoo.preprocessing.aligned_clip import AlignedClip
from merzoo.preprocessing.apex import annotated as check_annotated
from merzoo.preprocessing.arrays import Arrays
from merzoo.preprocessing.cache import Cache
from merzoo.preprocessing.detector import choose_detectors
from merzoo.preprocessing.parameters import check_parameters
from merzoo.preprocessing.pipeline import Failure, PrepareError, prepare
from merzoo.preprocessing.preparation import uses_annotated_apex


def prepare_frames(
    clips: Sequence[Clip],
    inputs,
    labels: str | LabelMap = "annotated",
    *,
    count: int | str,
    cache=None,
    jobs: int | None = None,
    on_error: str = "fail",
    **parameters,
) -> Arrays:
    """Works out the modalities of several frames of each clip.

    Args:
        clips, inputs, labels, cache, jobs, on_error, parameters: of
            `merzoo.preprocessing.prepare`. Samples that are frames already, and single images,
            stay as they are.
        count: frames of each clip, or `"all"`.

    Returns:
        As `prepare`; `preparation` counts the apexes of clips, not of frames.

    Raises:
        PrepareError: if clips failed (with `"skip"`: if all did).
        InputError: as `prepare`.
    """
    chosen = check_parameters(parameters | {"on_error": on_error})
    store = cache if isinstance(cache, Cache) else Cache(cache)
    mapped = map_labels(list(clips), labels, on_error)
    of_map = {id(clip) for clip in mapped.clips}
    samples = [clip for clip in clips if id(clip) not in of_map]  # by its map
    if count == ALL:
        with_apex, counts, failed = mapped.clips, {}, []
    else:
        with_apex, counts, failed = _with_apexes(mapped.clips, chosen, store)
    if failed and (on_error == "fail" or not with_apex):
        raise PrepareError(failed, len(mapped.clips))
    for failure in failed:
        warnings.warn(f"left out {failure.clip}: {failure.reason}", stacklevel=2)
    frames = expand_frames(with_apex, count)
    if count == ALL and not {"onset", *names(still=True)}.issuperset(input_shapes(inputs)):
        frames = [one for one in frames if one.apex != one.onset]  # there is no motion yet
    samples += frames
    own = parameters | {"apex": "annotated"}  # of a sample: its own frame
    data = prepare(samples, inputs, labels, cache=store, jobs=jobs, on_error=on_error, **own)
    data.preparation["parameters"] |= {"apex": chosen["apex"], "frames": count}
    data.preparation["left_out"][:0] = [[one.clip, one.reason] for one in failed]
    if data.preparation["apex"]:
        data.preparation["apex"] = counts
        if not any(row["annotated"] for row in counts.values()):
            return replace(data, annotated=tuple(n for n in data.annotated if n != "apex"))
    return data


def _with_apexes(clips: Sequence[Clip], chosen: dict, store: Cache):
    """The clips with the apex that is chosen for them, how many of each data set were spotted, and
    those for which there is none."""
    detectors = None
    found, counts, failed = [], {}, []
    for clip in clips:
        if MARK in clip.id or len(clip.frames) == 1:
            found.append(clip)
            continue
        annotated = uses_annotated_apex(clip, chosen["apex"])
        try:
            if not annotated:
                if detectors is None:
                    detectors = choose_detectors(clips, chosen["detector"], store)
                way = chosen | {"detector": detectors[clip.dataset].detector}
                clip = replace(clip, apex=AlignedClip(clip, way).apex)
            elif chosen["apex"] == "annotated":
                check_annotated(clip)
        except (InputError, OSError) as error:
            name = f"{clip.dataset} {clip.id}"
            failed.append(Failure(name, str(error).removeprefix(f"{name}: ")))
            continue
        row = counts.setdefault(clip.dataset, {"annotated": 0, "spotted": 0})
        row["annotated" if annotated else "spotted"] += 1
        found.append(clip)
    return found, counts, failed

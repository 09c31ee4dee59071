"""`prepare`: from clips to the arrays that a model's named inputs ask for.

Clips are shared out to worker processes, which write their modalities into the cache; nothing but
names travels between processes, and the result is read from disk through memory maps, so memory
does not grow with the number of clips. A clip that cannot be used is reported with its reason.
"""

import functools
import os
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from merzoo.arguments import MOST_JOBS, whole_number
from merzoo.data.clip import Clip
from merzoo.data.frame_samples import MARK
from merzoo.data.labels import NO_LABEL, LabelMap, map_labels
from merzoo.errors import InputError
from merzoo.modalities import input_shapes
from merzoo.preprocessing.aligned_clip import AlignedClip
from merzoo.preprocessing.arrays import Arrays
from merzoo.preprocessing.cache import Batch, Cache, CacheError, contents_of, key
from merzoo.preprocessing.detector import Choice, check_landmarks, choose_detectors
from merzoo.preprocessing.extract import EXTRACTORS, extractor
from merzoo.preprocessing.face import detector_files
from merzoo.preprocessing.parameters import check_parameters, recorded
from merzoo.preprocessing.preparation import (
    bits_told,
    excluded_by_dataset,
    preparation_of,
    used_annotation,
)
from merzoo.processes import workers
from merzoo.progress import progress_bar
from merzoo.whole import exhausted

_SHOWN = 5  # failures that an error message spells out
# Of so many a worker process gets at once, and no more processes are started than have so many.
_PICTURES, _PAIRS, _CLIPS = 512, 64, 4


@dataclass(frozen=True)
class Failure:
    """A clip that could not be prepared, and why (one line)."""

    clip: str
    reason: str


class PrepareError(InputError):
    """Clips failed; `failures` lists them all, the message the first few."""

    def __init__(self, failures: Sequence[Failure], total: int):
        self.failures = tuple(failures)
        shown = "; ".join(f"{f.clip}: {f.reason.rstrip('.')}" for f in failures[:_SHOWN])
        more = f"; and {len(failures) - _SHOWN} more" if len(failures) > _SHOWN else ""
        end = "." if len(failures) == total else "; on_error='skip' leaves them out."
        super().__init__(f"{len(failures)} of {total} clips failed: {shown}{more}{end}")


def prepare(
    clips: Sequence[Clip],
    inputs,
    labels: str | LabelMap = "annotated",
    *,
    cache: str | Path | Cache | None = None,
    jobs: int | None = None,
    on_error: str = "fail",
    **parameters,
) -> Arrays:
    """Works out exactly the modalities that named inputs ask for.

    Args:
        clips: as an adapter loads them.
        inputs: `model.inputs`, or a dict of modality name -> shape of one sample.
        labels: name of a label map (`merzoo.data.labels`), a `LabelMap`, or `"annotated"` for the
            labels as they stand. Clips that the map leaves out are not prepared.
        cache: folder, `Cache`, or `None` for the one in merzoo's home.
        jobs: worker processes; `None` means one per processor, as far as there is work for them,
            1 works in this process.
        on_error: `"fail"` ends with an error that lists the clips that failed; `"skip"` leaves
            them out and warns of each. What did not fail is in the cache either way.
        parameters: choices of `merzoo.preprocessing.parameters.PARAMETERS`, such as
            `apex="annotated+flow"`.

    Returns:
        `Arrays` whose modalities are read-only memory maps of cached files, float32.

    Raises:
        PrepareError: if clips failed (with `"skip"`: if all did).
        InputError: for inputs, parameters or labels that cannot be used, or a full disk.

    Example:

    >>> import tempfile
    >>> from merzoo.data.frames import ArrayFrames
    >>> frames = ArrayFrames(np.arange(3 * 64 * 64, dtype="uint8").reshape(3, 64, 64, 1))
    >>> clips = [Clip("mine", "mine/s1", "s1/a", frames, "joy", onset=0, apex=1)]
    >>> data = prepare(clips, {"difference": (32, 32, 1)}, detector="none",
    ...                cache=tempfile.mkdtemp(), jobs=1)
    >>> data.modalities["difference"].shape, data.classes
    ((1, 32, 32, 1), ('joy',))
    """
    if jobs is not None:
        whole_number("jobs", jobs, most=MOST_JOBS)
    shapes = input_shapes(inputs)
    for name in shapes:
        extractor(name)  # or an error now
    chosen: dict = check_parameters(parameters | {"on_error": on_error})
    store = cache if isinstance(cache, Cache) else Cache(cache)
    mapped = map_labels(list(clips), labels, on_error)
    if not mapped.clips:
        raise InputError(
            f"no clip is left of {len(clips)} under the label map {mapped.name!r}; choose another."
        )
    excluded = excluded_by_dataset(mapped.excluded)
    bare = ", ".join(f"{row[NO_LABEL]} of {n}" for n, row in excluded.items() if NO_LABEL in row)
    if bare:
        warnings.warn(f"left out, for the label map finds no label: {bare} clips.", stacklevel=2)
    store.sweep()
    detectors = _detectors(mapped.clips, shapes, chosen, store)
    contents, failures = _contents(mapped.clips, store)
    ways = {d: chosen | {"detector": choice.detector} for d, choice in detectors.items()}
    of_clips = [ways.get(clip.dataset, chosen) for clip in mapped.clips]
    keys = _keys(mapped.clips, contents, shapes, of_clips)
    missing = _missing(keys, store)
    failures |= _extract(mapped.clips, contents, keys, missing, shapes, of_clips, store, jobs)
    failed = [Failure(*unknown) for unknown in mapped.failed]
    failed += [_failure(mapped.clips[i], failures[i]) for i in sorted(failures)]
    _report(failed, on_error, len(mapped.failed) + len(mapped.clips))
    kept = [i for i in range(len(mapped.clips)) if i not in failures]
    modalities = {n: _assemble([keys[i][n] for i in kept], shapes[n], store) for n in shapes}
    clips = [mapped.clips[i] for i in kept]
    guessed = _guessed_bits(clips, [contents[i] for i in kept], store)
    left_out = [[failure.clip, failure.reason] for failure in failed]
    preparation = preparation_of(clips, shapes, chosen, detectors, left_out)
    if guessed:
        preparation["notes"].append(bits_told(guessed))
        warnings.warn(bits_told(guessed), stacklevel=2)
    preparation["excluded"] = excluded
    preparation["notes"][:0] = [mapped.note] if mapped.note else []
    annotated = used_annotation(shapes, chosen, preparation["apex"])
    return _arrays(mapped, kept, modalities, annotated, preparation)


def _detectors(clips, names, chosen: dict, store: Cache) -> dict[str, Choice]:
    """Data set -> its detector; none where no modality shows a face."""
    takers = [name for name in names if EXTRACTORS[name].landmarks]
    check_landmarks(takers, chosen["alignment"], {chosen["detector"]})
    if not any("detector" in EXTRACTORS[name].parameters for name in names):
        return {}
    detectors = choose_detectors(clips, chosen["detector"], store)
    used = {choice.detector for choice in detectors.values()}
    check_landmarks(takers, chosen["alignment"], used)
    return detectors


def _contents(clips, store: Cache) -> tuple[list[str | None], dict[int, str]]:
    """The hash of each clip's frames; and why for those whose files cannot be read."""
    contents: list[str | None] = []
    failures = {}
    found = contents_of([clip.frames for clip in clips], store)
    with progress_bar() as bar:
        for i, content in enumerate(bar.track(found, len(clips), description="reading")):
            if isinstance(content, Exception):
                failures[i] = _reason(content)
            contents.append(None if i in failures else content)
    return contents, failures


def _keys(clips, contents, shapes, of_clips) -> list[dict[str, str]]:
    """The cache key of each modality of each clip; none for clips that cannot be read."""
    keys: list[dict[str, str]] = [{} for _ in clips]
    for i, content in enumerate(contents):
        if content is not None:
            for name, shape in shapes.items():
                keys[i][name] = _key(clips[i], content, name, shape, of_clips[i])
    return keys


def _missing(keys, store: Cache) -> dict[int, list[str]]:
    """What the cache lacks: number of the clip -> modalities."""
    held = store.held(one for names in keys for one in names.values())
    found = {}
    for i, names in enumerate(keys):
        missing = [name for name, one in names.items() if one not in held]
        if missing:
            found[i] = missing
    return found


def _key(clip: Clip, content: str, name: str, shape, parameters) -> str:
    row = EXTRACTORS[name]
    annotation = (clip.onset, clip.apex, clip.offset, clip.fps, clip.action_units)
    chosen = recorded({p: parameters[p] for p in row.parameters})
    detector = chosen.get("detector")
    files = [_landmark_files()] if row.landmarks or detector == "dlib" else []
    files += [detector_files(detector)] if detector == "yunet" else []
    return key(
        content=content,
        annotation=annotation,
        modality=name,
        shape=shape,
        parameters=chosen,
        version=row.version,
        landmarks=" ".join(files),
    )


@functools.cache
def _landmark_files() -> str:
    """Name and size of the landmark file: another file gives other landmarks."""
    return detector_files("dlib")


def _guessed_bits(clips, contents, store: Cache) -> dict[int, int]:
    """Bits that 16-bit pictures are taken as of, where that is a guess -> how many clips."""
    pairs = zip(clips, contents, strict=True)
    names = {(clip.dataset, clip.id.split(MARK)[0]): _bits_key(content) for clip, content in pairs}
    found = {name: int(row[0]) for name, row in store.found(set(names.values())).items()}
    counts = Counter(found[name] for name in names.values() if name in found)
    return dict(sorted(counts.items()))


def _bits_key(content: str | None) -> str:
    return key(guessed_bits=content)


def _extract(
    clips, contents, keys, missing, shapes, of_clips, store: Cache, jobs
) -> dict[int, str]:
    """Works out what the cache lacks; returns the reason for each clip that failed."""
    if not missing:
        return {}
    rows = {n: (shape, EXTRACTORS[n]) for n, shape in shapes.items()}  # workers lack one's own
    tasks = [
        (i, clips[i], {n: (keys[i][n], *rows[n]) for n in names}, of_clips[i], contents[i])
        for i, names in missing.items()
    ]
    failures = {}
    results = _run(tasks, jobs, store)
    with progress_bar() as bar:
        for i, reason, note in bar.track(results, len(missing), description="preparing"):
            if reason is not None:
                failures[i] = reason
            if note:
                warnings.warn(f"{clips[i].dataset} {clips[i].id}: {note}", stacklevel=4)
    return failures


def _run(tasks: list[tuple], jobs: int | None, store: Cache):
    """Runs tasks here or in worker processes, yielding each result as it comes."""
    import joblib
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    longest = max(len(clip.frames) for _, clip, *_ in tasks)
    worth = {1: _PICTURES, 2: _PAIRS}.get(longest, _CLIPS)  # a process costs about as much to start
    jobs = jobs or min(joblib.cpu_count(), -(-len(tasks) // worth))
    if jobs == 1:
        with Batch(store) as batch:
            yield from (_work(*task, batch) for task in tasks)
        return
    size = max(1, min(worth, len(tasks) // (4 * jobs)))
    parts = (tasks[start : start + size] for start in range(0, len(tasks), size))
    try:
        with workers(jobs):
            parallel = joblib.Parallel(return_as="generator_unordered", pre_dispatch="2*n_jobs")
            done = parallel(joblib.delayed(_work_in_worker)(part, store) for part in parts)
        for results in done:
            yield from results
    except TerminatedWorkerError:
        raise InputError(
            f"a worker process was killed, perhaps for want of memory; use fewer than {jobs} jobs."
        ) from None


def _work_in_worker(tasks: list[tuple], store: Cache) -> list[tuple]:
    import cv2

    cv2.setNumThreads(1)  # one processor per worker
    with Batch(store) as batch:
        return [_work(*task, batch) for task in tasks]


def _work(index: int, clip: Clip, wanted: dict, parameters, content: str, batch: Batch):
    """Extracts the wanted modalities of one clip into the cache, and its bits if they are guessed.

    Returns its index, why it failed or `None`, and what the user should know of it or `None`.
    """
    try:
        aligned = AlignedClip(clip, parameters)
        for name, (one, shape, row) in wanted.items():
            array = row.extract(aligned, shape, parameters)
            if array.shape != shape or not np.isfinite(array).all():
                raise RuntimeError(f"{name} came out as {array.shape}, or with NaN")
            batch.add(one, array.astype(np.float32, copy=False))
        bits = getattr(clip.frames, "guessed_bits", None)
        if bits is not None:
            batch.add(_bits_key(content), np.array([bits], np.uint8))
    except CacheError:
        raise
    except Exception as error:
        if exhausted(error) or os.environ.get("MERZOO_DEBUG") == "1":
            raise  # the clip is not at fault
        return index, _reason(error), None
    return index, None, _note(clip)


def _note(clip: Clip) -> str | None:
    """A warning for a clip that was prepared all the same."""
    if getattr(clip.frames, "variable_rate", False):
        return (
            "its frame rate varies, but frames are taken as evenly spaced; "
            "convert it to a constant rate."
        )
    return None


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, InputError | OSError) else f"{type(error).__name__}: {text}"


def _failure(clip: Clip, reason: str) -> Failure:
    name = f"{clip.dataset} {clip.id}"
    return Failure(name, reason.removeprefix(f"{name}: "))


def _report(failures: list[Failure], on_error: str, total: int) -> None:
    if failures and (on_error == "fail" or len(failures) == total):
        raise PrepareError(failures, total)
    for failure in failures:
        warnings.warn(f"left out {failure.clip}: {failure.reason}", stacklevel=3)


def _assemble(keys: list[str], shape: tuple[int, ...], store: Cache) -> np.ndarray:
    """The samples of one modality, in order, as one memory map of a file of the cache."""
    name = key(samples=keys)
    if name not in store:
        store.put_rows(name, store.rows(keys), (len(keys), *shape), np.float32)
    return store.get(name)


def _arrays(
    mapped, kept: list[int], modalities: Mapping, used: tuple[str, ...], preparation: dict
) -> Arrays:
    clips = [mapped.clips[i] for i in kept]
    data = Arrays(
        {},
        label=mapped.indices[kept],
        subject=[clip.subject for clip in clips],
        dataset=[clip.dataset for clip in clips],
        clip=[clip.id for clip in clips],
        classes=mapped.classes,
        source=" + ".join(sorted({clip.dataset for clip in clips})),
        annotated=used,
        preparation=preparation,
    )
    # The workers checked every value; a second look would read the whole file into memory.
    data.modalities.update(modalities)
    return data

"""Which face detector serves a data set: decided from a few of its clips, before any work.

A set of face crops has no face that a detector would find in each of its frames. So a few clips,
spread over the set, are looked at first: what fails for all of them fails for the set, and that is
said at once, not after hundreds of clips.
"""

import json
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from merzoo.data.clip import Clip
from merzoo.errors import InputError
from merzoo.preprocessing.align import BY_LANDMARKS
from merzoo.preprocessing.apex import clip_range
from merzoo.preprocessing.cache import Cache, content_of, key
from merzoo.preprocessing.face import (
    advice,
    check_detector,
    default_detector,
    detector_files,
    fills_frame,
    find_boxes,
    is_crop,
    look_again,
    missing_for_landmarks,
)
from merzoo.schema import check
from merzoo.whole import exhausted

LOOKED_AT = 5  # clips of each data set
LARGEST_CROP = 256  # pixels of the shorter side up to which frames without a face may be crops
_RULE = 1  # raised whenever another detector would be chosen


@dataclass(frozen=True)
class Choice:
    """The detector of one data set.

    Args:
        detector: `"dlib"`, `"haar"`, `"yunet"` or `"none"`; `"auto"` where the frames themselves
            say where the eyes are.
        note: what a reader must know of it, or `""`.
        guessed: whether it may be wrong, so that the note must be seen.
    """

    detector: str
    note: str = ""
    guessed: bool = False


def choose_detectors(clips: Sequence[Clip], asked: str, store: Cache) -> dict[str, Choice]:
    """Data set -> its detector.

    Args:
        clips: of all data sets.
        asked: a detector, or `"auto"`.
        store: remembers what was decided for the same frames.

    Raises:
        InputError: where no face is found in any of the clips that are looked at, and their frames
            do not look like crops (or a detector was asked for), naming what to choose instead;
            for the detector `"yunet"` without its model file.
    """
    chosen = {}
    files: dict[
        str, str
    ] = {}  # said of detectors that came late, so that earlier answers are found again
    if asked == "yunet":
        check_detector(asked)
        files = {"files": detector_files(asked)}
    for dataset in dict.fromkeys(clip.dataset for clip in clips):
        if asked == "none":
            chosen[dataset] = Choice("none")
            continue
        looked_at = _spread([clip for clip in clips if clip.dataset == dataset])
        if asked == "auto" and all(clip.frames.eyes is not None for clip in looked_at):
            chosen[dataset] = Choice("auto", f"{dataset}: the frames say where the eyes are.")
            continue
        name = key(
            rule=_RULE,
            asked=asked,
            detector=default_detector(),
            looked_at=[(_content(clip, store), clip.onset, clip.offset) for clip in looked_at],
            **files,
        )
        found = _remembered(store, name)
        if found is None:
            found = _looked_at(dataset, looked_at, asked)
            store.put(name, np.frombuffer(json.dumps(asdict(found)).encode(), np.uint8))
        if found.guessed:
            warnings.warn(found.note, stacklevel=3)
        chosen[dataset] = found
    return chosen


def _remembered(store: Cache, name: str) -> Choice | None:
    """A choice that the cache holds; `None` where it has none, or something damaged."""
    known = store.get(name)
    try:
        content = None if known is None else json.loads(bytes(known))
        check(content, Choice, name)
        return Choice(**content)
    except (InputError, ValueError, TypeError):
        return None


def _content(clip: Clip, store: Cache) -> str | None:
    try:
        return content_of(clip.frames, store)
    except (InputError, OSError) as error:
        if exhausted(error):
            raise
        return None  # reported with the others that cannot be read


def check_landmarks(takers: Sequence[str], alignment: str, detectors: Iterable[str]) -> None:
    """Stops where landmarks are needed and cannot be found here, saying what to install.

    Args:
        takers: names of the modalities that take landmarks.
        alignment: of `merzoo.preprocessing.align`.
        detectors: those that are used, as far as it is known.

    Raises:
        InputError: before any work.
    """
    searched = set(detectors) - {"none", "auto"}
    aligned = alignment in BY_LANDMARKS and bool(searched)
    if not takers and not aligned:
        return
    what = f"the input {takers[0]!r}" if takers else f"the alignment {alignment!r}"
    missing = missing_for_landmarks()
    if missing:
        other = "" if takers else "; or choose the alignment 'similarity'"
        raise InputError(f"{what} needs 68 landmarks of each face: {missing}{other}.")
    without = searched - {"dlib"}
    if aligned and without:
        raise InputError(
            f"the alignment {alignment!r} needs 68 landmarks, which {min(without)!r} does not "
            "find: choose the detector 'dlib', or the alignment 'similarity'."
        )


def _spread(items: list) -> list:
    """A few of a list, evenly: first, last, and between."""
    places = np.linspace(0, len(items) - 1, LOOKED_AT).round().astype(int)
    return [items[i] for i in places] if len(items) > LOOKED_AT else items


def _onsets(clips: Sequence[Clip]):
    """The onset frames of clips, without those that cannot be read: they are reported later."""
    for clip in clips:
        try:
            yield clip.frames[clip_range(clip)[0]]
        except (InputError, OSError) as error:
            if exhausted(error):
                raise


def _looked_at(dataset: str, clips: Sequence[Clip], asked: str) -> Choice:
    """The detector for a data set of which these clips are a few."""
    detector = default_detector() if asked == "auto" else asked
    frames = []
    for frame in _onsets(clips):
        if asked == "auto" and not frames and is_crop(frame):
            return Choice(
                "none", f"{dataset}: frames of {_size(frame)} pixels are taken as face crops."
            )
        if find_boxes(frame, detector):
            return Choice(detector)
        frames.append(frame)
    if asked == "auto" and frames and all(_fills(frame) for frame in frames):
        return Choice(
            "none",
            f"{dataset}: {detector!r} finds no face in {len(frames)} clips; their frames of "
            f"{_size(frames[0])} pixels are filled by one and are taken as face crops.",
            guessed=True,
        )
    if len(frames) < LOOKED_AT:
        return Choice(detector)  # few clips: each of them says what it lacks
    if any(look_again(frame, detector) for frame in frames):
        return Choice(detector)
    raise InputError(
        f"{dataset}: {detector!r} finds no face in any of {len(frames)} clips spread over it "
        f"(frames of {_size(frames[0])} pixels); {advice(frames, detector)}"
    )


def _fills(frame: np.ndarray) -> bool:
    """Whether a small frame is filled by a face."""
    return min(frame.shape[:2]) <= LARGEST_CROP and fills_frame(frame)


def _size(frame: np.ndarray) -> str:
    return f"{frame.shape[1]}x{frame.shape[0]}"

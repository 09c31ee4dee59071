"""Which face detector serves a data set: decided from a few of its clips, before any work.

A set of face crops has no face that a detector would find in each of its frames. So a few clips,
spread over the set, are looked at first: what fails for all of them fails for the set, and that is
said at once, not after hundreds of clips.
"""

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from merzoo.data.clip import Clip
from merzoo.errors import InputError
from merzoo.preprocessing.align import BY_LANDMARKS
from merzoo.preprocessing.apex import clip_range
from merzoo.preprocessing.cache import Cache, key
from merzoo.preprocessing.face import (
    default_detector,
    find_boxes,
    is_crop,
    missing_for_landmarks,
)

LOOKED_AT = 5  # clips of each data set
LARGEST_CROP = 256  # pixels of the shorter side up to which frames without a face may be crops
_RULE = 1  # raised whenever another detector would be chosen


@dataclass(frozen=True)
class Choice:
    """The detector of one data set.

    Args:
        detector: `"dlib"`, `"haar"` or `"none"`.
        note: what a reader must know of it, or `""`.
        guessed: whether it may be wrong, so that the note must be seen.
    """

    detector: str
    note: str = ""
    guessed: bool = False


def choose_detectors(
    clips: Sequence[Clip], contents: Sequence[str | None], asked: str, store: Cache
) -> dict[str, Choice]:
    """Data set -> its detector.

    Args:
        clips: of all data sets.
        contents: hash of the frames of each; `None` where they cannot be read.
        asked: a detector, which then serves all, or `"auto"`.
        store: remembers what was decided for the same frames.

    Raises:
        InputError: where `"auto"` finds no face in a set whose frames do not look like crops.
    """
    chosen = {}
    for dataset in dict.fromkeys(clip.dataset for clip in clips):
        if asked != "auto":
            chosen[dataset] = Choice(asked)
            continue
        rows = [i for i, c in enumerate(clips) if c.dataset == dataset and contents[i] is not None]
        rows = _spread(rows)
        looked_at = [clips[i] for i in rows]
        name = key(
            rule=_RULE,
            detector=default_detector(),
            looked_at=[(contents[i], clips[i].onset, clips[i].offset) for i in rows],
        )
        known = store.get(name)
        if known is None:
            chosen[dataset] = _decided(dataset, looked_at)
            content = json.dumps(asdict(chosen[dataset])).encode()
            store.put(name, np.frombuffer(content, np.uint8))
        else:
            chosen[dataset] = Choice(**json.loads(bytes(known)))
        if chosen[dataset].guessed:
            warnings.warn(chosen[dataset].note, stacklevel=3)
    return chosen


def check_faces(clips: Sequence[Clip], chosen: Mapping[str, Choice]) -> None:
    """Stops where the detector of a data set finds a face in none of a few of these clips.

    Raises:
        InputError: naming what to choose instead.
    """
    for dataset, choice in chosen.items():
        if choice.detector == "none":
            continue
        looked_at = _spread([clip for clip in clips if clip.dataset == dataset])
        if len(looked_at) == LOOKED_AT:
            frames = list(_onsets(looked_at))
            if frames and not any(find_boxes(frame, choice.detector) for frame in frames):
                raise _no_face(dataset, choice.detector, frames)


def check_landmarks(names, alignment: str, chosen: Mapping[str, Choice]) -> None:
    """Stops where landmarks are needed and cannot be found here, saying what to install.

    Args:
        names: of the modalities.
        alignment: of `merzoo.preprocessing.align`.
        chosen: as `choose_detectors` gives it.
    """
    searched = [choice.detector for choice in chosen.values() if choice.detector != "none"]
    aligned = alignment in BY_LANDMARKS and bool(searched)
    if "regions" not in names and not aligned:
        return
    what = "the input 'regions'" if "regions" in names else f"the alignment {alignment!r}"
    missing = missing_for_landmarks()
    if missing:
        other = "" if "regions" in names else "; or choose the alignment 'similarity'"
        raise InputError(f"{what} needs 68 landmarks of each face: {missing}{other}.")
    if aligned and "haar" in searched:
        raise InputError(
            f"the alignment {alignment!r} needs 68 landmarks, which 'haar' does not find: choose "
            "the detector 'dlib', or the alignment 'similarity'."
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
        except (InputError, OSError):
            continue


def _decided(dataset: str, looked_at: Sequence[Clip]) -> Choice:
    frames = []
    for frame in _onsets(looked_at):
        if not frames and is_crop(frame):
            return Choice(
                "none", f"{dataset}: frames of {_size(frame)} pixels are taken as face crops."
            )
        frames.append(frame)
        if find_boxes(frame, default_detector()):
            return Choice(default_detector())
    if not frames:
        return Choice(default_detector())
    if all(_fills(frame) for frame in frames):
        return Choice(
            "none",
            f"{dataset}: {default_detector()!r} finds no face in {len(frames)} clips; their frames "
            f"of {_size(frames[0])} pixels are filled by one and are taken as face crops.",
            guessed=True,
        )
    if len(frames) < LOOKED_AT:
        return Choice(default_detector())  # few clips: each of them says what it lacks
    raise _no_face(dataset, default_detector(), frames)


def _fills(frame: np.ndarray) -> bool:
    """Whether a small frame is filled by a face that a detector sees once it has surroundings."""
    import cv2

    height, width = frame.shape[:2]
    if min(height, width) > LARGEST_CROP:
        return False
    margin = max(height, width) // 3
    wide = cv2.copyMakeBorder(frame, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
    boxes = find_boxes(wide.reshape(*wide.shape[:2], frame.shape[-1]), "haar")
    return any((y2 - y1) * (x2 - x1) > height * width / 2 for y1, x1, y2, x2 in boxes)


def _no_face(dataset: str, detector: str, frames: Sequence[np.ndarray]) -> InputError:
    return InputError(
        f"{dataset}: {detector!r} finds no face in any of {len(frames)} clips spread over it "
        f"(frames of {_size(frames[0])} pixels); if they are face crops already, choose the "
        f"detector 'none' (--detector none)."
    )


def _size(frame: np.ndarray) -> str:
    return f"{frame.shape[1]}x{frame.shape[0]}"

"""A short clip as one expression: from its first frame with a face, with the apex spotted."""

from dataclasses import replace

import cv2
import numpy as np

from merzoo.errors import InputError
from merzoo.prediction.classify import Classifier
from merzoo.prediction.sources import Source
from merzoo.preprocessing.align import align
from merzoo.preprocessing.aligned_clip import WORKING_SIZE
from merzoo.preprocessing.apex import Apex, spot_apex
from merzoo.preprocessing.face import Face, NoFaceError, find_face

# Pixels; the apex of a short clip is looked for on crops of this side: a quarter of the time of the
# whole crop, and nearer to the true apex (see the README of this folder).
SPOTTING_SIZE = 112
LONGEST_WHOLE = 400  # frames; a longer clip is surely not one expression
_STARTS = 16  # places where the first face of a clip is looked for, then between two of them


def take_whole(source: Source, model: Classifier, step) -> tuple[int, Face, Apex]:
    """Takes a clip as one expression, from its first frame with a face to its last frame.

    Args:
        source: a video or frames.
        model: knows the detector, and which face is taken.
        step: called with a word, frames done and frames in all.

    Returns:
        The number of the first frame with a face, the face, and the apex from there on.

    Raises:
        InputError: for too few or too many frames, frames without a face, or without movement.
    """
    frames = source.frames
    if not 3 <= len(frames) <= LONGEST_WHOLE:
        raise InputError(
            f"{source.name}: one expression has 3 to {LONGEST_WHOLE} frames, this has "
            f"{len(frames)}; how='spot' (--how spot) looks for expressions in a video."
        )
    start, face = _first_face(frames, model)
    first = frames[start]
    alignment = align(face, WORKING_SIZE, WORKING_SIZE)
    crops, side = [], (SPOTTING_SIZE, SPOTTING_SIZE)
    for position in range(start, len(frames)):
        frame = frames[position]
        if frame.shape != first.shape:
            raise InputError(
                f"{source.name}: frame {position} is of another size than frame {start}."
            )
        crops.append(cv2.resize(alignment.apply(frame), side, interpolation=cv2.INTER_AREA))
        step("looking for the apex", position + 1, len(frames))
    apex = spot_apex(crops, "flow")
    if apex.index == 0:
        after = f"frame {start}" if start else "its first frame"
        raise InputError(f"{source.name}: nothing moves after {after}.")
    return start, face, replace(apex, curve=apex.curve * (WORKING_SIZE / SPOTTING_SIZE))


def _first_face(frames, model: Classifier) -> tuple[int, Face]:
    """The first frame with a face, at least two before the last; and the face.

    Without one in frame 0, it is looked for in steps, and from there back by halves: what is found
    is a frame with a face after one without.
    """
    try:
        return 0, face_in(frames[0], model, "frame 0")
    except NoFaceError as error:
        reason = error
    last = len(frames) - 3
    stride = max(1, last // _STARTS)
    without, start = 0, 0
    face: Face | None = None
    for position in dict.fromkeys((*range(stride, last, stride), last)):
        face = _seen(frames, position, model)
        if face is not None:
            start = position
            break
        without = position
    if face is None:
        raise reason
    while start - without > 1:
        middle = (start + without) // 2
        found = _seen(frames, middle, model)
        if found is None:
            without = middle
        else:
            start, face = middle, found
    return start, face


def _seen(frames, position: int, model: Classifier) -> Face | None:
    try:
        return face_in(frames[position], model, f"frame {position}")
    except NoFaceError:
        return None


def face_in(frame: np.ndarray, model: Classifier, where: str) -> Face:
    """The face of a frame by the detector, and of several the one, that the model's choices say."""
    return find_face(frame, model.parameters["detector"], where, model.parameters["face"])

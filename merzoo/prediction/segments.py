"""From what was spotted to segments with their class: the same for films and for what is live."""

from collections.abc import Iterator, Sequence

import numpy as np

from merzoo.errors import InputError
from merzoo.prediction.classify import Classifier, clips_of
from merzoo.prediction.results import Segment, shown_units
from merzoo.prediction.spotting import Spot


def classify_spots(
    frames,
    fps: float | None,
    times: np.ndarray | None,
    model: Classifier,
    spots: Sequence[Spot],
    faces: Sequence,
    warnings: list[str],
) -> Iterator[Segment | None]:
    """A segment for each spot; `None`, and a line among the warnings, for one that cannot be used.

    Args:
        frames: of the video, by position.
        fps: frames per second, or `None`.
        times: (T,) seconds of each frame, or `None`.
        model: that says the class.
        spots: in order of time.
        faces: (position, `Face`), not empty.
        warnings: what a reader must know; added to.
    """
    for one, (clip, face, near) in zip(spots, clips_of(frames, spots, faces, fps), strict=True):
        try:
            sample = model.inputs(clip, face, near)
        except InputError as error:
            warnings.append(f"the segment around frame {one.apex} was left out: {error}")
            yield None
            continue
        (row,) = model.probabilities([sample])
        yield segment_of(one, row, model, times, model.told_units(sample, clip, face, near))


def segment_of(
    one: Spot, row: np.ndarray, model: Classifier, times: np.ndarray | None, units: dict | None
) -> Segment:
    """The segment of a spot, from the probabilities (K,) that a model gives it."""
    onset, apex, offset = (
        None if times is None else float(times[i]) for i in (one.onset, one.apex, one.offset)
    )
    shares = dict(zip(model.classes, map(float, row), strict=True))
    label = max(shares, key=lambda name: shares[name])
    if model.of_units:
        units, label = shares, shown_units(shares)
    places = (one.onset, one.apex, one.offset, onset, apex, offset)
    return Segment(*places, shares, label, one.score, units, model.knows(shares))

"""How each modality is worked out of a clip; what it is stands in `merzoo.modalities`.

A row names the function that extracts a modality from an `AlignedClip` at the shape that a model's
input has, the parameters that it depends on, and a version that changes when its values would.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from merzoo.data.clip import Clip
from merzoo.errors import InputError
from merzoo.modalities import modality
from merzoo.preprocessing.aligned_clip import WORKING_SIZE, AlignedClip
from merzoo.preprocessing.apex import clip_range
from merzoo.preprocessing.landmarks import reference_face
from merzoo.preprocessing.region_motion import SIDE, region_flow
from merzoo.preprocessing.regions import PAPER_SIZE, REGIONS, REGIONS_LITERAL, four_areas

_FACE = ("detector", "face", "alignment")
_APEX = (*_FACE, "apex")
_MAGNIFICATION = tuple(f"magnification{end}" for end in ("", "_band", "_order", "_gain", "_at"))


@dataclass(frozen=True)
class Extractor:
    """One row of the table.

    Args:
        extract: (aligned clip, shape, parameters) -> float32 array of that shape.
        parameters: names of the rows of `PARAMETERS` that its values depend on.
        version: raised whenever the values change, so that caches forget the old ones.
        landmarks: whether it takes 68 landmarks of the face.
    """

    extract: Callable[[AlignedClip, tuple[int, ...], Mapping], np.ndarray]
    parameters: tuple[str, ...]
    version: int
    landmarks: bool = False


def _images(clip: AlignedClip, positions: Sequence[int], shape) -> np.ndarray:
    """Crops of several frames: (T, H, W, C) float32, 0..255."""
    return np.stack([clip.crop(i, *shape) for i in positions]).astype(np.float32)


def _onset(clip, shape, parameters):
    return _images(clip, [clip.onset], shape)[0]


def _apex(clip, shape, parameters):
    return _images(clip, [clip.apex], shape)[0]


def _magnified_apex(clip, shape, parameters):
    from merzoo.preprocessing.magnify import magnified_frame

    onset, apex = clip.moving()
    if clip.clip.fps is None:
        raise InputError(
            "its frames per second are unknown, which magnification needs; a manifest says them "
            "in a column 'fps'."
        )
    kind, low, high = magnification_of(clip.clip, parameters)
    how = {"temporal_filter": kind, "low": low, "high": high}
    how |= {name: parameters[f"magnification_{end}"] for name, end in _MAGNIFYING}
    if parameters["magnification_at"] == "video":
        frame = magnified_frame(clip.clip.frames, apex, clip.clip.fps, **how)
        return clip.cropped(frame, *shape).astype(np.float32)
    frames = _images(clip, range(onset, clip.range[1] + 1), shape)
    return magnified_frame(frames, apex - onset, clip.clip.fps, **how)


_MAGNIFYING = (("order", "order"), ("alpha", "gain"))  # argument of `magnified_frame`, parameter


def magnification_of(clip: Clip, parameters: Mapping) -> tuple[str, float, float]:
    """The temporal filter and band that a clip is magnified with.

    Args:
        clip: with its frames per second.
        parameters: as `check_parameters` gives them.
    """
    from merzoo.preprocessing.magnify import fitting_filter

    first, last = clip_range(clip)
    whole = parameters["magnification_at"] == "video"
    length = len(clip.frames) if whole else last + 1 - first
    band = parameters["magnification_band"]
    return fitting_filter(parameters["magnification"], length, clip.fps, *band)


def _signed_difference(clip, shape, parameters):
    onset, apex = _images(clip, clip.moving(), shape)
    return apex - onset


def _difference(clip, shape, parameters):
    return np.abs(_signed_difference(clip, shape, parameters))


def working_factor(step: float, height: int, width: int) -> int:
    """How many times larger than its input a flow is worked out.

    Args:
        step: pixels of the frame for one pixel of the input; enlarged frames mislead the flow.
        height, width: of the input.

    Example:

    >>> working_factor(8.0, 28, 28), working_factor(2.9, 28, 28), working_factor(0.5, 224, 224)
    (8, 2, 1)
    """
    largest = round(WORKING_SIZE / min(height, width))
    return max(1, min(largest, int(step + 1e-6)))


def _working_flow(clip, height, width, parameters) -> np.ndarray:
    """Flow at the input's size, or larger by a whole factor if that is small and the frame fine."""
    from merzoo.preprocessing.flow import optical_flow

    factor = working_factor(clip.alignment(height, width).step, height, width)
    size = (height * factor, width * factor, 1)
    onset, apex = _images(clip, clip.moving(), size)
    return optical_flow(onset, apex, parameters["flow"])


def _flow(clip, shape, parameters):
    import cv2

    from merzoo.preprocessing.flow import flow_with_strain

    height, width, _ = shape
    large = _working_flow(clip, height, width, parameters)
    factor = large.shape[0] / height
    flow = cv2.resize(large, (width, height), interpolation=cv2.INTER_AREA) / factor
    return flow_with_strain(flow, parameters["strain"])  # u, v in pixels of this crop


def _flow_image(clip, shape, parameters):
    from merzoo.preprocessing.flow import flow_image

    height, width, _ = shape
    large = _working_flow(clip, height, width, parameters)
    return flow_image(large, (height, width), parameters["strain"])


def _flow_regions(clip, shape, parameters):
    """The four areas of the flow image, as they lie on an aligned face, put side by side."""
    height, width, _ = shape
    image = _flow_image(clip, shape, parameters)
    boxes = four_areas(reference_face(height, width), height, width)
    areas = [image[y1:y2, x1:x2] for y1, x1, y2, x2 in boxes]
    return np.block([[[areas[0]], [areas[2]]], [[areas[1]], [areas[3]]]])


def _sequence(clip, shape, parameters):
    return _resampled(clip, *clip.moving(), shape, parameters)


def _clip_sequence(clip, shape, parameters):
    first, last = clip.range
    if last <= first:
        raise InputError("has a single frame, so no motion; only 'apex' can be taken from it.")
    return _resampled(clip, first, last, shape, parameters)


def _resampled(clip, first, last, shape, parameters):
    from merzoo.preprocessing import interpolate

    frames = _images(clip, range(first, last + 1), shape[1:])
    resample = {"tim": interpolate.tim, "linear": interpolate.linear}[parameters["interpolation"]]
    return np.clip(resample(frames, shape[0]), 0, 255).astype(np.float32)


def _regions(clip, shape, parameters):
    table = {"corrected": REGIONS, "literal": REGIONS_LITERAL}[parameters["regions"]]
    blocks = table[shape[-2]]
    if len(shape) == 2:
        positions = [clip.onset]
    else:  # the frames nearest to the positions of the resampled sequence
        positions = np.linspace(*clip.moving(), shape[0]).round().astype(int)
    size = (PAPER_SIZE, PAPER_SIZE)
    boxes = np.stack([blocks(clip.landmarks(int(i), *size), *size) for i in positions])
    return boxes.reshape(shape)


def _region_motion(clip, shape, parameters):
    from merzoo.preprocessing.apex import without_head_motion
    from merzoo.preprocessing.flow import optical_flow

    clip.moving()  # of what has no motion nothing can be said
    places = np.linspace(*clip.range, shape[0]).round().astype(int).tolist()
    onset = _images(clip, [clip.onset], (SIDE, SIDE, 1))[0]
    moved = {
        place: region_flow(
            without_head_motion(
                optical_flow(onset, _images(clip, [place], (SIDE, SIDE, 1))[0], parameters["flow"])
            )
        )
        for place in set(places)
    }
    motion = np.stack([moved[place] for place in places])
    return (motion - np.median(motion, axis=0)).astype(np.float32)


def _action_units(clip, shape, parameters):
    from merzoo.data.action_units import action_unit_vector

    if parameters["action_units"] == "zero":
        return np.zeros(shape, np.float32)
    if clip.clip.action_units is None:
        raise InputError("has no annotated action units; choose action_units='zero'.")
    return action_unit_vector(clip.clip.action_units)


EXTRACTORS: dict[str, Extractor] = {
    "onset": Extractor(_onset, _FACE, 1),
    "apex": Extractor(_apex, _APEX, 1),
    "magnified_apex": Extractor(_magnified_apex, (*_APEX, *_MAGNIFICATION), 2),
    "flow": Extractor(_flow, (*_APEX, "flow", "strain"), 1),
    "flow_image": Extractor(_flow_image, (*_APEX, "flow", "strain"), 1),
    "flow_regions": Extractor(_flow_regions, (*_APEX, "flow", "strain"), 1),
    "difference": Extractor(_difference, _APEX, 1),
    "signed_difference": Extractor(_signed_difference, _APEX, 1),
    "sequence": Extractor(_sequence, (*_APEX, "interpolation"), 1),
    "clip_sequence": Extractor(_clip_sequence, (*_FACE, "interpolation"), 1),
    "regions": Extractor(_regions, (*_APEX, "regions"), 1, landmarks=True),
    "region_motion": Extractor(_region_motion, (*_APEX, "flow"), 1),
    "action_units": Extractor(_action_units, ("action_units",), 1),
}


def extractor(name: str) -> Extractor:
    """The row of a modality; raises `InputError` where there is none to work it out by."""
    modality(name)
    if name not in EXTRACTORS:
        raise InputError(
            f"modality {name!r} has no extractor: give samples as arrays, or register one with "
            f"merzoo.preprocessing.extract.register_extractor({name!r}, Extractor(...))."
        )
    return EXTRACTORS[name]


def register_extractor(name: str, row: Extractor) -> Extractor:
    """Adds the extractor of a registered modality of one's own, for as long as the program runs.

    Raises:
        InputError: if there is no such modality, or it has an extractor.
    """
    modality(name)
    if name in EXTRACTORS:
        raise InputError(f"modality {name!r} has an extractor already: give yours another name.")
    EXTRACTORS[name] = row
    return row


@contextmanager
def registered(name: str, row: Extractor) -> Iterator[Extractor]:
    """`register_extractor` within a `with` block; the table is as before after it."""
    register_extractor(name, row)
    try:
        yield row
    finally:
        del EXTRACTORS[name]

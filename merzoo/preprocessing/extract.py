"""The table of modalities: what a model's named inputs stand for and how each is worked out.

A modality is one row: its name, the function that extracts it from an `AlignedClip` at the shape
the input has, the parameters it depends on, its rule for shapes, and a version that changes when
its values would. Everything is in physical units, float32; normalisation belongs to the models.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from merzoo.data.clip import Clip
from merzoo.errors import InputError, unknown
from merzoo.preprocessing.aligned_clip import WORKING_SIZE, AlignedClip
from merzoo.preprocessing.apex import clip_range
from merzoo.preprocessing.regions import PAPER_SIZE, REGIONS, REGIONS_LITERAL

_FACE = ("detector", "alignment")
_APEX = (*_FACE, "apex")
_MAGNIFICATION = tuple(f"magnification{end}" for end in ("", "_band", "_order", "_gain", "_at"))


@dataclass(frozen=True)
class Modality:
    """One row of the table.

    Args:
        extract: (aligned clip, shape, parameters) -> float32 array of that shape.
        shape: the rule, one entry per axis: a name stands for any size, a tuple of numbers for the
            sizes allowed; alternatives where a modality comes in two forms.
        parameters: names of the rows of `PARAMETERS` that its values depend on.
        version: raised whenever the values change, so that caches forget the old ones.
        about: unit and range, one line.
    """

    extract: Callable[[AlignedClip, tuple[int, ...], Mapping], np.ndarray]
    shape: tuple[tuple, ...]
    parameters: tuple[str, ...]
    version: int
    about: str


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
        raise InputError("its frames per second are unknown, which magnification needs.")
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


def _sequence(clip, shape, parameters):
    from merzoo.preprocessing import interpolate

    onset, apex = clip.moving()
    frames = _images(clip, range(onset, apex + 1), shape[1:])
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


def _action_units(clip, shape, parameters):
    from merzoo.data.action_units import action_unit_vector

    if parameters["action_units"] == "zero":
        return np.zeros(shape, np.float32)
    if clip.clip.action_units is None:
        raise InputError("has no annotated action units; choose action_units='zero'.")
    return action_unit_vector(clip.clip.action_units)


_IMAGE = (("height", "width", (1, 3)),)
_FLOW = (("height", "width", (3,)),)
_BLOCKS = tuple(REGIONS)

MODALITIES: dict[str, Modality] = {
    "onset": Modality(_onset, _IMAGE, _FACE, 1, "aligned face of the onset frame, 0..255"),
    "apex": Modality(_apex, _IMAGE, _APEX, 1, "aligned face of the apex frame, 0..255"),
    "magnified_apex": Modality(
        _magnified_apex,
        _IMAGE,
        (*_APEX, *_MAGNIFICATION),
        2,
        "apex of the Eulerian-magnified clip, 0..255",
    ),
    "flow": Modality(
        _flow,
        _FLOW,
        (*_APEX, "flow", "strain"),
        1,
        "u, v in pixels of the crop from onset to apex, optical strain",
    ),
    "flow_image": Modality(
        _flow_image,
        _FLOW,
        (*_APEX, "flow", "strain"),
        1,
        "u, v, strain, each min-max scaled to 0..255",
    ),
    "difference": Modality(_difference, _IMAGE, _APEX, 1, "absolute apex - onset, 0..255"),
    "signed_difference": Modality(_signed_difference, _IMAGE, _APEX, 1, "apex - onset, -255..255"),
    "sequence": Modality(
        _sequence,
        (("frames", *_IMAGE[0]),),
        (*_APEX, "interpolation"),
        1,
        "frames onset..apex resampled to T, 0..255",
    ),
    "regions": Modality(
        _regions,
        ((_BLOCKS, (4,)), ("frames", _BLOCKS, (4,))),
        (*_APEX, "regions"),
        1,
        "identification blocks as y1 x1 y2 x2 in 0..1 of the crop",
    ),
    "action_units": Modality(
        _action_units, (((21,),),), ("action_units",), 1, "0 or 1 for each of 21 units"
    ),
}


def input_shapes(inputs) -> dict[str, tuple[int, ...]]:
    """Modality name -> shape of one sample, from a model's inputs.

    Args:
        inputs: `model.inputs` (tensors with `name` and `shape`, batch axis first), or a dict of
            name -> shape of one sample.

    Returns:
        The shapes, checked against the table.

    Raises:
        InputError: for a name that is no modality, a side that is not fixed, or a shape that the
            modality cannot have.

    Example:

    >>> input_shapes({"flow_image": (28, 28, 3)})
    {'flow_image': (28, 28, 3)}
    """
    if isinstance(inputs, Mapping):
        shapes = {str(name): tuple(shape) for name, shape in inputs.items()}
    else:
        shapes = {tensor.name: tuple(tensor.shape)[1:] for tensor in inputs}
    if not shapes:
        raise InputError("no inputs: name at least one modality.")
    for name, shape in shapes.items():
        _check_shape(name, shape)
    frames = {shapes[n][0] for n in ("sequence", "regions") if len(shapes.get(n, ())) > 2}
    if len(frames) > 1:
        raise InputError(
            f"inputs 'sequence' {shapes['sequence']} and 'regions' {shapes['regions']} must have "
            "the same number of frames."
        )
    image = shapes.get("sequence", shapes.get("apex", (1, 1, 1)))
    if "regions" in shapes and image[-3] != image[-2]:
        raise InputError(f"input 'regions' needs square crops, the images are {image}.")
    return shapes


def _check_shape(name: str, shape: tuple) -> None:
    if name not in MODALITIES:
        raise unknown("modality", name, MODALITIES, "A model's inputs are named after modalities.")
    if not all(isinstance(side, int) and side > 0 for side in shape):
        raise InputError(
            f"input {name!r} has the shape {shape}: build the model with a fixed input shape."
        )
    rules = MODALITIES[name].shape
    if not any(_fits(shape, rule) for rule in rules):
        words = " or ".join(f"({', '.join(map(_rule_text, rule))})" for rule in rules)
        raise InputError(f"input {name!r} cannot have the shape {shape}, only {words}.")


def _fits(shape, rule) -> bool:
    return len(shape) == len(rule) and all(
        isinstance(part, str) or side in part for side, part in zip(shape, rule, strict=True)
    )


def _rule_text(part) -> str:
    return part if isinstance(part, str) else " or ".join(map(str, part))

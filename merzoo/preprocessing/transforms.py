"""The maths of augmentation: one transform of all modalities of a sample, geometry kept true.

What is done to a face is done to every picture of it, to the vectors of its flow and to the regions
on it. Each function takes a batch {modality: (B, ...) float32} and one value a sample; what
`merzoo.preprocessing.augment` draws at random is decided there. The arrays may be NumPy's,
TensorFlow's, JAX's or PyTorch's (`merzoo.preprocessing.neutral`), and so are those that come out.
"""

import math

import numpy as np

from merzoo.errors import InputError
from merzoo.modalities import Modality, rows_of
from merzoo.preprocessing.neutral import Operations, operations_of, static_shape


def flip(sample: dict) -> dict:
    """Mirrors a batch left to right.

    Pictures are mirrored; horizontal flow u changes sign (in a 0..255 `flow_image`, whose scaling
    is min-max, u becomes 255 - u); regions move along; action units are bilateral flags and stay.

    >>> flow = np.zeros((1, 1, 2, 3), "float32"); flow[0, 0, 0] = (1, 2, 3)
    >>> flip({"flow": flow})["flow"][0, 0, 1].tolist()
    [-1.0, 2.0, 3.0]
    """
    mirrored = {}
    for name, row in rows_of(sample).items():
        x = sample[name]
        ops = operations_of(x)
        if row.is_image:
            x = ops.mirror(x)
        if row.mirror_sign:
            x = x * ops.array(np.array(row.mirror_sign, "float32"), x)
            x = x + ops.array(np.array(row.mirror_shift, "float32"), x)
        if row.mirror_order:
            x = ops.parts(x, row.mirror_order)
        if row.kind == "regions":
            y1, x1, y2, x2 = (x[..., i : i + 1] for i in range(4))
            x = ops.concatenate([y1, 1 - x2, y2, 1 - x1])
        mirrored[name] = x
    return mirrored


def flip_chosen(sample: dict, chosen) -> dict:
    """Mirrors those samples of a batch that are `chosen`, (B,) booleans.

    >>> sequence = np.arange(4, dtype="float32").reshape(2, 1, 1, 2, 1)
    >>> flip_chosen({"sequence": sequence}, [False, True])["sequence"].ravel().tolist()
    [0.0, 1.0, 3.0, 2.0]
    """
    changed = {}
    for name, mirrored in flip(sample).items():
        x = sample[name]
        changed[name] = _where(chosen, mirrored, x) if mirrored is not x else x
    return changed


def translate(sample: dict, shift) -> dict:
    """Moves each sample of a batch, as a crop of the padded picture does.

    What comes in from outside is 0: black in pictures of intensity, no motion in differences and
    flow. In a min-max scaled `flow_image`, where no motion has no known value, the border is
    repeated; its scaling stays that of the whole picture. Regions are clamped to the picture.

    Args:
        sample: {modality: (B, ...) float32}.
        shift: (B, 2) of y and x, as shares of the picture's height and width, so that pictures of
            different sizes move together; positive is down and right.

    >>> apex = np.zeros((1, 4, 4, 1), "float32"); apex[0, 1, 1] = 9
    >>> float(translate({"apex": apex}, [[0.25, 0.5]])["apex"][0, 2, 3, 0])
    9.0
    """
    moved = {}
    for name, row in rows_of(sample).items():
        ops, x, by = _with(sample[name], shift)
        if row.is_image:
            x = _slide(ops, row, x, by)
        if row.kind == "regions":
            x = ops.clip(x + _each(ops, ops.concatenate([by, by]), x), 0.0, 1.0)
        moved[name] = x
    return moved


def rotate(sample: dict, angle) -> dict:
    """Turns each sample of a batch about the centre of its pictures, bilinearly.

    Pictures turn, filled with 0 as in `translate`; the vectors of `flow` turn by the same angle,
    while its strain is the same in every frame of reference. The centres of regions move along;
    their sides keep their lengths and stay upright; regions are clamped to the picture.

    Args:
        sample: {modality: (B, ...) float32}; where there is no picture, regions are taken to lie
            on a square one.
        angle: (B,) in radians; positive is clockwise as seen (from x to y, y pointing down).

    Raises:
        InputError: for a `flow_image`. Turning a vector mixes u and v, and the min-max scaling of
            each channel has lost the zero and the scale that this takes.

    >>> flow = np.zeros((1, 3, 3, 3), "float32"); flow[0, 1, 1] = (1, 0, 0.5)
    >>> turned = rotate({"flow": flow}, [np.pi / 3])["flow"]
    >>> [round(float(value), 2) for value in turned[0, 1, 1]]
    [0.5, 0.87, 0.5]
    """
    rows = rows_of(sample)
    scaled = [name for name, row in rows.items() if row.kind == "flow_picture"]
    if scaled:
        raise InputError(
            f"{scaled[0]} cannot be rotated: its min-max scaling has lost the zero and the scale "
            f"of u and v; augment without rotation, or use the modality 'flow'."
        )
    height, width = _picture_size(sample)
    turned = {}
    for name, row in rows.items():
        ops, x, turn = _with(sample[name], angle)
        cos, sin = ops.cos(turn), ops.sin(turn)  # (B,)
        if row.is_image:
            x = _turn(ops, row, x, cos, sin)
        c, s = _each(ops, cos, x), _each(ops, sin, x)
        if row.kind == "flow":
            u, v, strain = x[..., :1], x[..., 1:2], x[..., 2:]
            x = ops.concatenate([c * u - s * v, s * u + c * v, strain])
        if row.kind == "series":
            u, v = x[..., :1], x[..., 1:]
            x = ops.concatenate([c * u - s * v, s * u + c * v])
        if row.kind == "regions":
            centre, half = (x[..., :2] + x[..., 2:]) / 2, (x[..., 2:] - x[..., :2]) / 2
            y, x_ = (centre[..., :1] - 0.5) * height, (centre[..., 1:] - 0.5) * width
            y, x_ = (s * x_ + c * y) / height, (c * x_ - s * y) / width
            centre = ops.concatenate([y, x_]) + 0.5
            x = ops.clip(ops.concatenate([centre - half, centre + half]), 0.0, 1.0)
        turned[name] = x
    return turned


def brighten(sample: dict, shift) -> dict:
    """Adds to every picture of intensity of a sample, clipped to its range.

    Differences of two pictures and flow do not see a shared shift, and stay.

    Args:
        sample: {modality: (B, ...) float32}.
        shift: (B,) grey levels of 0..255; as large a share of another range.
    """
    brightened = {}
    for name, row in rows_of(sample).items():
        x = sample[name]
        if row.is_intensity:
            low, high = row.range
            grey = (high - low) / 255
            ops, x, by = _with(x, shift)
            x = ops.clip(x + grey * _each(ops, by, x), low, high)
        brightened[name] = x
    return brightened


def stretch_contrast(sample: dict, factor) -> dict:
    """Multiplies contrast: pictures about the middle of their range (127.5), differences about 0.

    One fixed centre, rather than the mean of each picture, keeps pictures of a sample comparable:
    where nothing is clipped to the range, the difference of two stretched pictures is the stretched
    difference. Flow does not depend on contrast, and stays.

    Args:
        sample: {modality: (B, ...) float32}.
        factor: (B,) above 0.
    """
    stretched = {}
    for name, row in rows_of(sample).items():
        x = sample[name]
        if row.is_intensity or row.kind == "difference":
            low, high = row.range
            centre = (low + high) / 2 if row.is_intensity else 0.0
            ops, x, by = _with(x, factor)
            x = ops.clip(centre + _each(ops, by, x) * (x - centre), low, high)
        stretched[name] = x
    return stretched


def strengthen_motion(sample: dict, factor) -> dict:
    """Multiplies the motion from the onset, linearly in the grey levels of pictures.

    Flow, strain and differences are multiplied; a picture becomes rest + factor (picture - rest),
    clipped to its range, which is how Eulerian magnification treats one band. At rest is the onset,
    or the first frame of a sequence. A min-max scaled `flow_image` has no magnitude and stays.

    Args:
        sample: {modality: (B, ...) float32}.
        factor: (B,) from 0.

    Raises:
        InputError: for an `apex` or `magnified_apex` without its `onset`, and for a picture whose
            row says of no modality that it shows the same at rest.
    """
    strengthened = {}
    for name, row in rows_of(sample).items():
        ops, x, by = _with(sample[name], factor)
        by = _each(ops, by, x)
        if row.kind in ("flow", "difference"):
            x = x * by
        elif row.is_intensity:
            rest = x[:, :1] if row.kind == "sequence" else _at_rest(row, sample)
            rest = ops.array(rest, x)
            x = rest + by * (x - rest) if row.at_rest != name else x
        if row.is_intensity or row.kind == "difference":
            x = ops.clip(x, *row.range)
        strengthened[name] = x
    return strengthened


def _at_rest(row: Modality, sample: dict):
    if not row.at_rest:
        raise InputError(
            f"the motion of {row.name!r} cannot be changed: its row of merzoo.modalities names no "
            f"picture at rest (at_rest); augment without 'magnification'."
        )
    if row.at_rest not in sample:
        raise InputError(
            f"the motion of {row.name!r} cannot be changed without its {row.at_rest!r}; augment "
            f"without 'magnification'."
        )
    return sample[row.at_rest]


def _picture_size(sample: dict) -> tuple[int, int]:
    sizes = [sample[name].shape[-3:-1] for name, row in rows_of(sample).items() if row.is_image]
    return sizes[0] if sizes else (1, 1)


def _with(x, values) -> tuple:
    """The operations for x and values (B, ...), x, and the values as float32 of the same kind."""
    ops = operations_of(x, values)
    x = ops.array(x, values) if isinstance(x, np.ndarray) else x
    return ops, x, ops.cast(ops.array(values, x), "float32")


def _each(ops: Operations, values, x):
    """(B,) or (B, last) values, one set a sample, shaped to broadcast against x."""
    last = tuple(values.shape[1:])
    return ops.reshape(values, (-1, *[1] * (len(x.shape) - 1 - len(last)), *last))


def _where(chosen, x, y):
    """(B, ...) of x where (B,) `chosen` says so, of y elsewhere."""
    ops = operations_of(x, chosen)
    return ops.where(_each(ops, ops.array(chosen, x), x), x, y)


def _slide(ops: Operations, row: Modality, x, shift):
    """Moves pictures (B, [T,] H, W, C) by shares (B, 2), along one axis after the other."""
    shape, (height, width, channels) = static_shape(x), x.shape[-3:]
    frames = math.prod(x.shape[1:-3])
    for size, by, lines, values in (
        (width, shift[:, 1:], frames * height, channels),
        (height, shift[:, :1], frames, width * channels),
    ):
        place = ops.cast(ops.arange(size, x), "float32") - by * size  # (B, size)
        x = ops.reshape(x, (-1, lines, size, values))
        low, high = _two_nearest(ops, place, size, row)
        x = _weighed(ops, x, *low) + _weighed(ops, x, *high)
    return ops.reshape(x, shape)


def _turn(ops: Operations, row: Modality, x, cos, sin):
    """Turns pictures (B, [T,] H, W, C) about their centres."""
    shape, (height, width, channels) = static_shape(x), x.shape[-3:]
    cos, sin = (ops.reshape(v, (-1, 1)) for v in (cos, sin))
    y0, x0 = (height - 1) / 2, (width - 1) / 2
    place = ops.arange(height * width, x)
    y, x_ = (ops.cast(v, "float32") for v in (place // width, place % width))
    across = cos * x_ + sin * y + (x0 - cos * x0 - sin * y0)  # (B, H W), where each comes from
    down = cos * y - sin * x_ + (y0 + sin * x0 - cos * y0)
    left, right = _two_nearest(ops, across, width, row)
    x = ops.reshape(x, (-1, math.prod(x.shape[1:-3]), height * width, channels))
    corners = [
        _weighed(ops, x, line * width + column, part * share)
        for line, share in _two_nearest(ops, down, height, row)
        for column, part in (left, right)
    ]
    turned = (corners[0] + corners[1]) + (corners[2] + corners[3])
    return ops.reshape(turned, shape)


def _two_nearest(ops: Operations, place, size: int, row: Modality):
    """The two pixels that each place lies between, and their shares in it.

    Outside the picture a pixel's share is 0, so that it counts as 0, except in a `flow_image`,
    which its border continues.

    Args:
        place: (B, M) float32, in pixels from the first one.
        size: pixels of the axis.

    Returns:
        Two pairs of numbers of pixels, (B, M) int32 from 0 to size - 1, and shares (B, M) float32.
    """
    if row.kind == "flow_picture":
        place = ops.clip(place, 0, size - 1)
    below = ops.floor(place)
    pairs = ((below, below + 1 - place), (below + 1, place - below))
    return [
        (
            ops.cast(ops.clip(pixel, 0, size - 1), "int32"),
            share * ops.cast((pixel >= 0) & (pixel <= size - 1), "float32"),
        )
        for pixel, share in pairs
    ]


def _weighed(ops: Operations, x, index, share):
    """Of x (B, A, N, C) what is at (B, M) places along N, times (B, M) shares: (B, A, M, C)."""
    lines, size, values = x.shape[1:]
    first = ops.arange(ops.length(x) * lines, x) * size
    rows = ops.reshape(first, (-1, lines, 1)) + ops.reshape(index, (-1, 1, index.shape[-1]))
    return _spread(ops, share) * ops.take(ops.reshape(x, (-1, values)), rows)


def _spread(ops: Operations, share):
    return ops.reshape(share, (-1, 1, share.shape[-1], 1))  # (B, M) -> (B, 1, M, 1)

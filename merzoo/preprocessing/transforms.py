"""The maths of augmentation: one transform of all modalities of a sample, geometry kept true.

What is done to a face is done to every picture of it, to the vectors of its flow and to the regions
on it. Each function takes a batch {modality: (B, ...) float32} and one value a sample; what
`merzoo.preprocessing.augment` draws at random is decided there. All but `flip` need TensorFlow.
"""

import numpy as np

from merzoo.errors import InputError
from merzoo.modalities import Modality, rows_of

# (y1, x1, y2, x2) -> (y1, 1 - x2, y2, 1 - x1)
_MIRROR_REGION = np.array([[1, 0, 0, 0], [0, 0, 0, -1], [0, 0, 1, 0], [0, -1, 0, 0]], "float32")


def flip(sample: dict) -> dict:
    """Mirrors a batch left to right; works on TensorFlow and NumPy arrays (float32) alike.

    Pictures are mirrored; horizontal flow u changes sign (in a 0..255 `flow_image`, whose scaling
    is min-max, u becomes 255 - u); regions move along; action units are bilateral flags and stay.

    >>> flow = np.zeros((1, 1, 2, 3), "float32"); flow[0, 0, 0] = (1, 2, 3)
    >>> flip({"flow": flow})["flow"][0, 0, 1].tolist()
    [-1.0, 2.0, 3.0]
    """
    mirrored = {}
    for name, row in rows_of(sample).items():
        x = sample[name]
        if row.is_image:
            x = x[..., ::-1, :]
        if row.mirror_sign:
            x = x * np.array(row.mirror_sign, "float32")
            x = x + np.array(row.mirror_shift, "float32")
        if row.kind == "regions":
            x = x @ _MIRROR_REGION + np.array([0, 1, 0, 1], "float32")
        mirrored[name] = x
    return mirrored


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
    import tensorflow as tf

    shift = tf.cast(shift, "float32")
    moved = {}
    for name, row in rows_of(sample).items():
        x = sample[name]
        if row.is_image:
            size = tf.cast(tf.shape(x)[-3:-1], "float32")
            one, zero = tf.ones_like(shift[:, 0]), tf.zeros_like(shift[:, 0])
            y, x_ = tf.unstack(-shift * size, axis=-1)
            x = _project(row, x, tf.stack([one, zero, x_, zero, one, y, zero, zero], -1))
        if row.kind == "regions":
            x = tf.clip_by_value(x + _each(tf.tile(shift, [1, 2]), x, axes=1), 0.0, 1.0)
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
    import tensorflow as tf

    rows = rows_of(sample)
    scaled = [name for name, row in rows.items() if row.kind == "flow_picture"]
    if scaled:
        raise InputError(
            f"{scaled[0]} cannot be rotated: its min-max scaling has lost the zero and the scale "
            f"of u and v; augment without rotation, or use the modality 'flow'."
        )
    cos, sin = tf.cos(tf.cast(angle, "float32")), tf.sin(tf.cast(angle, "float32"))
    zero = tf.zeros_like(cos)
    height, width = _picture_size(sample)
    turned = {}
    for name, row in rows.items():
        x = sample[name]
        if row.is_image:
            y, x_ = tf.unstack((tf.cast(tf.shape(x)[-3:-1], "float32") - 1) / 2)
            offsets = (x_ - cos * x_ - sin * y, y + sin * x_ - cos * y)
            matrix = [cos, sin, offsets[0], -sin, cos, offsets[1], zero, zero]
            x = _project(row, x, tf.stack(matrix, -1))
        if row.kind == "flow":
            c, s = _each(cos, x), _each(sin, x)
            u, v, strain = x[..., :1], x[..., 1:2], x[..., 2:]
            x = tf.concat([c * u - s * v, s * u + c * v, strain], -1)
        if row.kind == "regions":
            centre, half = (x[..., :2] + x[..., 2:]) / 2, (x[..., 2:] - x[..., :2]) / 2
            y, x_ = (centre[..., :1] - 0.5) * height, (centre[..., 1:] - 0.5) * width
            c, s = _each(cos, x), _each(sin, x)
            y, x_ = (s * x_ + c * y) / height, (c * x_ - s * y) / width
            centre = tf.concat([y, x_], -1) + 0.5
            x = tf.clip_by_value(tf.concat([centre - half, centre + half], -1), 0.0, 1.0)
        turned[name] = x
    return turned


def brighten(sample: dict, shift) -> dict:
    """Adds to every picture of intensity of a sample, clipped to its range.

    Differences of two pictures and flow do not see a shared shift, and stay.

    Args:
        sample: {modality: (B, ...) float32}.
        shift: (B,) grey levels of 0..255; as large a share of another range.
    """
    import tensorflow as tf

    brightened = {}
    for name, row in rows_of(sample).items():
        x = sample[name]
        if row.is_intensity:
            low, high = row.range
            grey = (high - low) / 255
            x = tf.clip_by_value(x + grey * _each(shift, x), low, high)
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
    import tensorflow as tf

    stretched = {}
    for name, row in rows_of(sample).items():
        x = sample[name]
        if row.is_intensity or row.kind == "difference":
            low, high = row.range
            centre = (low + high) / 2 if row.is_intensity else 0.0
            x = centre + _each(factor, x) * (x - centre)
            x = tf.clip_by_value(x, low, high)
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
    import tensorflow as tf

    strengthened = {}
    for name, row in rows_of(sample).items():
        x = sample[name]
        if row.kind in ("flow", "difference"):
            x = x * _each(factor, x)
        elif row.is_intensity:
            rest = x[:, :1] if row.kind == "sequence" else _at_rest(row, sample)
            x = rest + _each(factor, x) * (x - rest) if row.at_rest != name else x
        if row.is_intensity or row.kind == "difference":
            x = tf.clip_by_value(x, *row.range)
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


def _each(values, x, axes: int = 0):
    """(B, ...) values, one set a sample, shaped to broadcast against x; `axes` of them are kept."""
    import tensorflow as tf

    values = tf.cast(values, "float32")
    ones = [1] * (len(x.shape) - 1 - axes)
    return tf.reshape(values, tf.concat([tf.shape(values)[:1], ones, tf.shape(values)[1:]], 0))


def _project(row: Modality, x, transforms):
    """Samples pictures (B, [T,] H, W, C) bilinearly where projective transforms (B, 8) say."""
    import tensorflow as tf

    x = tf.convert_to_tensor(x)
    shape = tf.shape(x)
    frames = tf.reshape(x, tf.concat([[-1], shape[-3:]], 0))
    transforms = tf.repeat(transforms, tf.shape(frames)[0] // shape[0], axis=0)
    frames = tf.raw_ops.ImageProjectiveTransformV3(
        images=frames,
        transforms=transforms,
        output_shape=shape[-3:-1],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST" if row.kind == "flow_picture" else "CONSTANT",
    )
    return tf.ensure_shape(tf.reshape(frames, shape), x.shape)

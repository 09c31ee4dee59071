"""A model that takes raw face crops: what `merzoo.preprocessing` does on the way in, as layers.

The wrapped model's named inputs say what to compute, by the same rules as the table of modalities,
so that an exported graph and `merzoo.preprocessing` give the same numbers from the same crops.
"""

from typing import TYPE_CHECKING

from merzoo.errors import InputError
from merzoo.modalities import input_shapes, modality
from merzoo.preprocessing.aligned_clip import WORKING_SIZE
from merzoo.preprocessing.extract import working_factor

if TYPE_CHECKING:
    import keras


def default_crop_size(model) -> tuple[int, int]:
    """The largest whole multiple of a model's pictures that fits into 224 pixels.

    Then a crop is averaged down over whole cells, as `merzoo.preprocessing` does with a frame.

    Example:

    >>> import merzoo
    >>> default_crop_size(merzoo.create_model("ststnet"))
    (224, 224)
    """
    shapes = input_shapes(model.inputs)
    sizes = [shape[:2] for name, shape in shapes.items() if modality(name).from_frames]
    height, width = max(sizes, default=(WORKING_SIZE, WORKING_SIZE))
    factor = max(1, WORKING_SIZE // max(height, width))
    return height * factor, width * factor


def with_preprocessing(model, crop_size: tuple[int, int] | None = None) -> "keras.Model":
    """Wraps a model so that it takes 8-bit crops `onset` and `apex` in place of modalities.

    Resizing, grey levels, Farneback flow, strain, difference and scaling become layers in front of
    the model and give what `merzoo.preprocessing.prepare(..., detector="none")` computes from the
    same two crops. Other inputs (`action_units`) keep their names and shapes.

    Args:
        model: a network of merzoo, or any functional model whose inputs are named modalities.
        crop_size: (height, width) of the crops that the wrapped model will take; `None` for
            `default_crop_size(model)`.

    Returns:
        A `keras.Model` from `onset` and `apex` (B, *crop_size, 3), RGB, uint8, whichever of them
        the model needs, and the inputs that remain, to the model's output.

    Raises:
        InputError: where no input can be made of two frames (`sequence`, `regions`,
            `magnified_apex` need the whole clip or landmarks).

    Example:

    >>> import merzoo
    >>> wrapped = with_preprocessing(merzoo.create_model("ststnet"))
    >>> {x.name: (x.shape[1:], x.dtype) for x in wrapped.inputs}["onset"]
    ((224, 224, 3), 'uint8')
    """
    import keras

    shapes = input_shapes(model.inputs)
    height, width = crop_size or default_crop_size(model)
    made = [name for name in shapes if modality(name).from_frames]  # others stay as they are
    if not made:
        raise InputError(
            f"preprocessing: {model.name} takes {', '.join(shapes)}, and none of them can be made "
            f"of an onset and an apex alone; export it without preprocessing."
        )
    needed = (
        ("apex",) if made == ["apex"] else ("onset",) if made == ["onset"] else ("onset", "apex")
    )
    crops = {name: keras.Input((height, width, 3), dtype="uint8", name=name) for name in needed}
    rest = {
        tensor.name: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=tensor.name)
        for tensor in model.inputs
        if tensor.name not in made
    }
    frames = _Frames(crops, (height, width))
    values = [
        _maker(name)(frames, shape) if name in made else rest[name]
        for name, shape in shapes.items()
    ]
    outputs = model(values if len(values) > 1 else values[0])
    return keras.Model([*crops.values(), *rest.values()], outputs, name=model.name)


class _Frames:
    """The two crops, resized once for each size and number of channels that is asked for."""

    def __init__(self, crops: dict, size: tuple[int, int]):
        self.crops, self.size = crops, size
        self._made: dict = {}

    def frame(self, name: str, height: int, width: int, channels: int):
        from merzoo.layers import FaceResize

        key = (name, height, width, channels)
        if key not in self._made:
            layer = FaceResize((height, width), channels, name="_".join(map(str, key)))
            self._made[key] = layer(self.crops[name])
        return self._made[key]

    def pair(self, height: int, width: int, channels: int) -> list:
        return [self.frame(name, height, width, channels) for name in ("onset", "apex")]

    def flow(self, height: int, width: int):
        """Flow (B, height f, width f, 2) and f; see `merzoo.preprocessing.extract`."""
        from merzoo.layers import FarnebackFlow
        from merzoo.preprocessing.align import align
        from merzoo.preprocessing.face import Face

        factor = working_factor(align(Face((0, 0, *self.size)), height, width).step, height, width)
        key = ("flow", height * factor, width * factor)
        if key not in self._made:
            pair = self.pair(height * factor, width * factor, 1)
            self._made[key] = FarnebackFlow(name=f"flow_{key[1]}_{key[2]}")(pair)
        return self._made[key], factor


def _image(name):
    return lambda frames, shape: frames.frame(name, *shape)


def _difference(frames, shape):
    from merzoo.layers import FrameDifference

    return FrameDifference(name="frame_difference")(frames.pair(*shape))


def _signed_difference(frames, shape):
    from keras import layers

    onset, apex = frames.pair(*shape)
    return layers.Subtract(name="frame_signed_difference")([apex, onset])


def _flow(frames, shape):
    from keras import layers

    from merzoo.layers import OpticalStrain

    flow, factor = frames.flow(*shape[:2])
    if factor > 1:  # averaged over cells, in pixels of the small crop
        flow = layers.AveragePooling2D(factor, name="flow_mean")(flow)
        flow = layers.Rescaling(1 / factor, name="flow_pixels")(flow)
    strain = OpticalStrain(name="strain")(flow)
    return layers.Concatenate(name="flow_with_strain")([flow, strain])


def _flow_image(frames, shape):
    from merzoo.layers import FlowImage

    flow, _ = frames.flow(*shape[:2])
    return FlowImage(shape[:2], name="flow_picture")(flow)


_MAKERS = {
    "onset": _image("onset"),
    "apex": _image("apex"),
    "difference": _difference,
    "signed_difference": _signed_difference,
    "flow": _flow,
    "flow_image": _flow_image,
}


def _maker(name: str):
    if name not in _MAKERS:
        raise InputError(
            f"preprocessing: no layers make {name!r} of an onset and an apex; export it without "
            f"preprocessing, or register it with from_frames=False."
        )
    return _MAKERS[name]

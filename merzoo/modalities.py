"""The table of modalities: what a model's named inputs stand for, with every fact of each.

A model's input is named after a row here, and nothing else links a model to the data. Augmentation,
mixing, the leak audit, random inputs, exports and stills read this table; how a modality is worked
out of a clip (which needs OpenCV) is the row of the same name in `merzoo.preprocessing.extract`.
Everything is in physical units, float32; normalisation belongs to the models.

A modality of one's own is one row more: `with modalities.register(Modality("depth", ...)): ...`, or
`modalities.add(...)` for good.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from merzoo.errors import InputError, unknown

KINDS = {
    "picture": "intensities, which brightness and contrast change",
    "sequence": "several pictures, one after another",
    "difference": "of two pictures: no brightness; contrast and motion scale it about 0",
    "flow": "vectors u, v and the strain, in pixels: they turn and scale with the picture",
    "flow_picture": "u, v and the strain, each min-max scaled: zero and scale are lost",
    "regions": "boxes y1 x1 y2 x2 as shares of the picture, which move along",
    "flags": "one number a unit of the whole face; they stay where a picture moves",
}


@dataclass(frozen=True)
class Modality:
    """One row of the table.

    Args:
        name: as models name their inputs.
        kind: one of `KINDS`, by which it is moved, mirrored, brightened and mixed.
        shape: rules for the shape of one sample, one entry an axis: a name stands for any size, a
            tuple of numbers for the sizes allowed; alternatives where it comes in two forms.
        range: smallest and largest value; `None` for a side without a limit.
        about: unit and meaning, one line.
        mirror_sign, mirror_shift: of each channel in a mirror, beside the picture's own turning:
            x -> x * sign + shift; empty where only the picture turns.
        still: whether a single picture gives it.
        from_frames: whether onset and apex alone give it, so that an export can work it out.
        face: whether it shows the face itself, so that two people can be told apart by it.

    Raises:
        InputError: for an unknown kind, no shape, or a range that is none.
    """

    name: str
    kind: str
    shape: tuple[tuple, ...]
    range: tuple[float | None, float | None]
    about: str = ""
    mirror_sign: tuple[float, ...] = ()
    mirror_shift: tuple[float, ...] = ()
    still: bool = False
    from_frames: bool = False
    face: bool = False

    def __post_init__(self):
        if self.kind not in KINDS:
            raise unknown("kind of modality", self.kind, KINDS)
        low, high = self.range
        if not self.shape or (low is not None and high is not None and not low < high):
            raise InputError(f"modality {self.name!r}: give a shape, and a range low < high.")

    @property
    def ranks(self) -> tuple[int, ...]:
        """Numbers of axes that one sample may have."""
        return tuple(dict.fromkeys(len(rule) for rule in self.shape))

    @property
    def is_image(self) -> bool:
        """Whether its last axes are height, width and channels of a picture."""
        return self.kind not in ("regions", "flags")

    @property
    def is_intensity(self) -> bool:
        """Whether it is pictures as a camera gives them."""
        return self.kind in ("picture", "sequence")


_IMAGE = ("height", "width", (1, 3))
_FLOW = ("height", "width", (3,))
_GREY = (0.0, 255.0)

MODALITIES: dict[str, Modality] = {
    row.name: row
    for row in (
        Modality(
            "onset",
            "picture",
            (_IMAGE,),
            _GREY,
            "aligned face of the onset frame, 0..255",
            from_frames=True,
            face=True,
        ),
        Modality(
            "apex",
            "picture",
            (_IMAGE,),
            _GREY,
            "aligned face of the apex frame, 0..255",
            still=True,
            from_frames=True,
            face=True,
        ),
        Modality(
            "magnified_apex",
            "picture",
            (_IMAGE,),
            _GREY,
            "apex of the Eulerian-magnified clip, 0..255",
            face=True,
        ),
        Modality(
            "flow",
            "flow",
            (_FLOW,),
            (None, None),
            "u, v in pixels of the crop from onset to apex, optical strain",
            mirror_sign=(-1, 1, 1),
            mirror_shift=(0, 0, 0),
            from_frames=True,
        ),
        Modality(
            "flow_image",
            "flow_picture",
            (_FLOW,),
            _GREY,
            "u, v, strain, each min-max scaled to 0..255",
            mirror_sign=(-1, 1, 1),
            mirror_shift=(255, 0, 0),
            from_frames=True,
        ),
        Modality(
            "difference",
            "difference",
            (_IMAGE,),
            _GREY,
            "absolute apex - onset, 0..255",
            from_frames=True,
        ),
        Modality(
            "signed_difference",
            "difference",
            (_IMAGE,),
            (-255.0, 255.0),
            "apex - onset, -255..255",
            from_frames=True,
        ),
        Modality(
            "sequence",
            "sequence",
            (("frames", *_IMAGE),),
            _GREY,
            "frames onset..apex resampled to T, 0..255",
            face=True,
        ),
        Modality(
            "regions",
            "regions",
            (((24, 10), (4,)), ("frames", (24, 10), (4,))),
            (0.0, 1.0),
            "identification blocks as y1 x1 y2 x2 in 0..1 of the crop",
        ),
        Modality("action_units", "flags", (((21,),),), (0.0, 1.0), "0 or 1 for each of 21 units"),
    )
}


def modality(name: str) -> Modality:
    """The row of a name; raises `InputError` with the nearest one.

    >>> modality("flow").ranks, modality("sequence").kind
    ((3,), 'sequence')
    """
    if name not in MODALITIES:
        raise unknown("modality", name, MODALITIES, "A model's inputs are named after modalities.")
    return MODALITIES[name]


def names(**facts) -> tuple[str, ...]:
    """Names of the modalities with these facts, in the table's order.

    >>> names(still=True), names(kind="flow")
    (('apex',), ('flow',))
    """
    return tuple(
        name
        for name, row in MODALITIES.items()
        if all(getattr(row, fact) == value for fact, value in facts.items())
    )


def rows_of(sample: Iterable[str]) -> dict[str, Modality]:
    """The rows of the modalities of a sample; raises `InputError` for a name that is none."""
    return {name: modality(name) for name in sample}


def add(row: Modality) -> None:
    """Adds a modality of one's own; raises `InputError` if the name is taken."""
    if row.name in MODALITIES:
        raise InputError(f"modality {row.name!r} is there already: give yours another name.")
    MODALITIES[row.name] = row


@contextmanager
def register(row: Modality) -> Iterator[Modality]:
    """Adds a modality of one's own as long as the block runs."""
    add(row)
    try:
        yield row
    finally:
        MODALITIES.pop(row.name, None)


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
    rules = modality(name).shape
    if not all(isinstance(side, int) and side > 0 for side in shape):
        raise InputError(
            f"input {name!r} has the shape {shape}: build the model with a fixed input shape."
        )
    if not any(_fits(shape, rule) for rule in rules):
        words = " or ".join(f"({', '.join(map(_rule_text, rule))})" for rule in rules)
        raise InputError(f"input {name!r} cannot have the shape {shape}, only {words}.")


def _fits(shape, rule) -> bool:
    return len(shape) == len(rule) and all(
        isinstance(part, str) or side in part for side, part in zip(shape, rule, strict=True)
    )


def _rule_text(part) -> str:
    return part if isinstance(part, str) else " or ".join(map(str, part))

"""The table of modalities: what a model's named inputs stand for, with every fact of each.

A model's input is named after a row here, and nothing else links a model to the data. Augmentation,
mixing, the leak audit, random inputs, exports and stills read this table; how a modality is worked
out of a clip (which needs OpenCV) is the row of the same name in `merzoo.preprocessing.extract`.
Everything is in physical units, float32; normalisation belongs to the models.

A modality of one's own is one row more: `register_modality(Modality("depth", ...))`. Where clips
are to be turned into it, `merzoo.preprocessing.extract.register_extractor` takes its extractor.
Worker processes learn of both.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from merzoo.errors import InputError, unknown
from merzoo.limits import check_size

KINDS = {
    "picture": "intensities, which brightness and contrast change",
    "sequence": "several pictures, one after another",
    "difference": "of two pictures: no brightness; contrast and motion scale it about 0",
    "flow": "vectors u, v and the strain, in pixels: they turn and scale with the picture",
    "flow_picture": "u, v and the strain, each min-max scaled: zero and scale are lost",
    "regions": "boxes y1 x1 y2 x2 as shares of the picture, which move along",
    "series": "vectors u, v of parts of the face over time: left and right change in a mirror",
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
        mirror_order: of a series, the part that each part changes places with in a mirror.
        at_rest: of a picture, the modality that shows the same before anything moves, from which
            its motion is measured; its own name where it is that itself; empty where there is none.
        still: whether a single picture gives it.
        from_frames: whether onset and apex alone give it, so that an export can work it out.
        face: whether it shows the face itself, so that two people can be told apart by it.

    Raises:
        InputError: for an unknown kind, or a shape, range or mirror that the kind cannot have.

    Example:

    >>> Modality("depth", "picture", (("height", "width", (1,)),), (0.0, 1.0), "metres").ranks
    (3,)
    """

    name: str
    kind: str
    shape: tuple[tuple, ...]
    range: tuple[float | None, float | None]
    about: str = ""
    mirror_sign: tuple[float, ...] = ()
    mirror_shift: tuple[float, ...] = ()
    mirror_order: tuple[int, ...] = ()
    at_rest: str = ""
    still: bool = False
    from_frames: bool = False
    face: bool = False

    def __post_init__(self):
        if self.kind not in KINDS:
            raise unknown("kind of modality", self.kind, KINDS)
        low, high = self.range
        faults = {
            "a name that is a word": not str(self.name).isidentifier(),
            "a shape": not self.shape,
            "a range low < high": low is not None and high is not None and not low < high,
        }
        if self.is_image:
            axes = 4 if self.kind == "sequence" else 3
            faults[f"a shape of {axes} axes"] = self.ranks != (axes,)
            # Brightness, contrast and a mirrored scaling are told by the two ends.
            faults["both ends of its range"] = self.kind != "flow" and None in self.range
            faults["its mirror_sign: u turns round"] = self.is_flow and not self.mirror_sign
        if self.kind == "series":
            parts = {rule[-2] for rule in self.shape if len(rule) == 3}
            places = tuple(sorted(self.mirror_order)) == tuple(range(len(self.mirror_order)))
            known = places and parts == {(len(self.mirror_order),)}
            faults["its mirror_sign and mirror_order"] = not (known and self.mirror_sign)
        if self.mirror_sign or self.mirror_shift:
            length = len(self.mirror_sign)
            channels = {rule[-1] for rule in self.shape if rule}
            one_each = len(self.mirror_shift) == length and channels == {(length,)}
            faults["one mirror_sign and one mirror_shift for each channel"] = not one_each
        for needed, fault in faults.items():
            if fault:
                raise InputError(f"modality {self.name!r} of kind {self.kind!r}: give {needed}.")

    @property
    def ranks(self) -> tuple[int, ...]:
        """Numbers of axes that one sample may have."""
        return tuple(dict.fromkeys(len(rule) for rule in self.shape))

    @property
    def is_image(self) -> bool:
        """Whether its last axes are height, width and channels of a picture."""
        return self.kind not in ("regions", "series", "flags")

    @property
    def is_intensity(self) -> bool:
        """Whether it is pictures as a camera gives them."""
        return self.kind in ("picture", "sequence")

    @property
    def is_flow(self) -> bool:
        """Whether its channels are u, v and strain, in pixels or scaled."""
        return self.kind in ("flow", "flow_picture")

    def usable(self, shape: Sequence[int]) -> tuple[float, float]:
        """Smallest and largest value that samples of a shape may hold.

        Beyond them a number is no measurement but a fault of what wrote it, and a network that is
        given it learns nothing else. Of a modality with a range its whole width more on either
        side is let pass (pictures about zero, overshoot of a filter); flow of at most four times
        the longer side of the picture, for nothing in it moves farther; else a million.

        Args:
            shape: of one sample.

        >>> modality("apex").usable((28, 28, 3)), modality("flow").usable((28, 20, 3))
        ((-255.0, 510.0), (-112.0, 112.0))
        """
        low, high = self.range
        if low is not None and high is not None:
            return 2 * low - high, 2 * high - low
        most = 4.0 * max(shape[-3:-1]) if self.kind == "flow" else 1e6
        return -most if low is None else low, most if high is None else high


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
            at_rest="onset",
            from_frames=True,
            face=True,
        ),
        Modality(
            "apex",
            "picture",
            (_IMAGE,),
            _GREY,
            "aligned face of the apex frame, 0..255",
            at_rest="onset",
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
            at_rest="onset",
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
            "flow_regions",
            "flow_picture",
            (_FLOW,),
            _GREY,
            "flow image of four areas of half its sides: eyes above, corners of the mouth below",
            mirror_sign=(-1, 1, 1),
            mirror_shift=(255, 0, 0),
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
            "clip_sequence",
            "sequence",
            (("frames", *_IMAGE),),
            _GREY,
            "frames onset..offset resampled to T, 0..255",
            face=True,
        ),
        Modality(
            "regions",
            "regions",
            (((24, 10), (4,)), ("frames", (24, 10), (4,))),
            (0.0, 1.0),
            "identification blocks as y1 x1 y2 x2 in 0..1 of the crop",
        ),
        Modality(
            "region_motion",
            "series",
            (("frames", (14,), (2,)),),
            (None, None),
            "u, v of 14 regions of the face over T frames, less the head's, pixels of 128",
            mirror_sign=(-1, 1),
            mirror_shift=(0, 0),
            mirror_order=(1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 12, 13),
        ),
        Modality("action_units", "flags", (((21,),),), (0.0, 1.0), "0 or 1 for each of 21 units"),
    )
}

_OURS = frozenset(MODALITIES)


def modality(name: str) -> Modality:
    """The row of a name; raises `InputError` with the nearest one.

    >>> modality("flow").ranks, modality("sequence").kind
    ((3,), 'sequence')
    """
    if name not in MODALITIES:
        hint = (
            "Inputs are named after modalities; merzoo.modalities.register_modality adds one of "
            "your own."
        )
        raise unknown("modality", name, MODALITIES, hint)
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


def register_modality(row: Modality) -> Modality:
    """Adds a modality of one's own to `MODALITIES`, for as long as the program runs.

    Raises:
        InputError: if the name is taken.

    Example:

    >>> row = Modality("depth", "picture", (("height", "width", (1,)),), (0.0, 1.0), "metres")
    >>> with registered(row):  # `register_modality(row)` keeps it
    ...     input_shapes({"depth": (28, 28, 1)})
    {'depth': (28, 28, 1)}
    >>> "depth" in MODALITIES
    False
    """
    if row.name in MODALITIES:
        raise InputError(f"modality {row.name!r} is there already: give yours another name.")
    MODALITIES[row.name] = row
    return row


@contextmanager
def registered(row: Modality) -> Iterator[Modality]:
    """`register_modality` within a `with` block; the table is as before after it."""
    register_modality(row)
    try:
        yield row
    finally:
        del MODALITIES[row.name]


def own() -> tuple[Modality, ...]:
    """The rows that this program has registered: what another process has to learn of."""
    return tuple(row for name, row in MODALITIES.items() if name not in _OURS)


def learn(rows: Iterable[Modality]) -> None:
    """Registers the rows of another process (`own`) that this one does not have."""
    for row in rows:
        MODALITIES.setdefault(row.name, row)


def input_shapes(inputs) -> dict[str, tuple[int, ...]]:
    """Modality name -> shape of one sample, from a model's inputs.

    Args:
        inputs: `model.inputs` (tensors with `name` and `shape`, batch axis first), or a dict of
            name -> shape of one sample.

    Returns:
        The shapes, checked against the table.

    Raises:
        InputError: for a name that is no modality, a side that is not fixed, a shape that the
            modality cannot have, or more values than `merzoo.limits.LARGEST_SAMPLE`.

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
    _check_together(shapes)
    return shapes


def _check_shape(name: str, shape: tuple) -> None:
    rules = modality(name).shape
    if not all(isinstance(side, int) and side > 0 for side in shape):
        raise InputError(
            f"input {name!r} has the shape {shape}: build the model with a fixed input shape."
        )
    check_size(f"input {name!r}", shape)
    if not any(_fits(shape, rule) for rule in rules):
        words = " or ".join(f"({', '.join(map(_rule_text, rule))})" for rule in rules)
        raise InputError(f"input {name!r} cannot have the shape {shape}, only {words}.")


def _check_together(shapes: Mapping[str, tuple]) -> None:
    """Whether modalities with frames have as many, and regions lie on square crops."""
    rows = rows_of(shapes)
    framed = {n: s for n, s in shapes.items() if _rule(rows[n], s)[0] == "frames"}
    if len({shape[0] for shape in framed.values()}) > 1:
        words = " and ".join(f"{name!r} {shape}" for name, shape in framed.items())
        raise InputError(f"inputs {words} must have the same number of frames.")
    regions = next((name for name, row in rows.items() if row.kind == "regions"), None)
    for name, row in rows.items():
        if regions and row.is_image and shapes[name][-3] != shapes[name][-2]:
            raise InputError(
                f"input {regions!r} needs square crops, but {name!r} is {shapes[name]}."
            )


def _rule(row: Modality, shape) -> tuple:
    """The rule that a shape follows."""
    return next(rule for rule in row.shape if _fits(shape, rule))


def _fits(shape, rule) -> bool:
    return len(shape) == len(rule) and all(
        isinstance(part, str) or side in part for side, part in zip(shape, rule, strict=True)
    )


def _rule_text(part) -> str:
    return part if isinstance(part, str) else " or ".join(map(str, part))

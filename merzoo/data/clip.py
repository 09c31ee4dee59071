"""`Clip`: one sample of a dataset as its authors annotated it, before any preprocessing."""

from dataclasses import dataclass
from numbers import Integral

from merzoo.data.action_units import parse_action_units
from merzoo.data.frames import Frames
from merzoo.errors import InputError


@dataclass(frozen=True)
class Clip:
    """One annotated clip (or single image) of a dataset.

    Args:
        dataset: name of the dataset, such as `"casme2"`.
        subject: `"dataset/subject"`, so that subjects of different datasets never collide.
        id: unique within the dataset, such as `"sub01/EP02_01f"`.
        frames: lazy sequence of frames (see `merzoo.data.frames`).
        label: the emotion as annotated, such as `"happiness"`; `None` if the clip has none.
        fps: frames per second, or `None` if unknown.
        onset, apex, offset: 0-based positions in `frames` (not annotation numbers), or `None`.
        action_units: the action units as annotated, such as `"4+L10"`, or `None`.
        flags: known faults of this clip's annotation, such as `"apex outside onset..offset"`.
        objective_class: 1..7 where the dataset gives AU-based classes (Davison et al. 2018).
        split: the dataset's own part that this sample belongs to, such as `"train"`, or `None`.
        replaced: annotated values that cannot be used, and what stands for each, such as
            `"onset: the first frame"`.
        source: where the annotation stands, such as `"CASME2-coding.xlsx, row 14"`, for messages.

    Raises:
        InputError: for an onset, apex or offset that is no whole number.

    Example:

    >>> import numpy as np
    >>> from merzoo.data.frames import ArrayFrames
    >>> clip = Clip("mine", "mine/s1", "s1/a", ArrayFrames(np.zeros((9, 8, 8, 1), "uint8")),
    ...             label="surprise", fps=100, onset=0, apex=4, offset=8)
    >>> len(clip.frames), clip.frames[clip.apex].shape
    (9, (8, 8, 1))
    """

    dataset: str
    subject: str
    id: str
    frames: Frames
    label: str | None = None
    fps: float | None = None
    onset: int | None = None
    apex: int | None = None
    offset: int | None = None
    action_units: str | None = None
    flags: tuple[str, ...] = ()
    objective_class: int | None = None
    split: str | None = None
    replaced: tuple[str, ...] = ()
    source: str = ""

    def __post_init__(self):
        for column in ("onset", "apex", "offset"):
            value = getattr(self, column)
            if value is not None and (isinstance(value, bool) or not isinstance(value, Integral)):
                raise InputError(
                    f"{self.dataset} {self.id}: its {column} is {value!r}, not the position of a "
                    "frame."
                )

    @property
    def unit_intensities(self) -> dict[int, float] | None:
        """Number of each annotated action unit -> its intensity, 1 (A) to 5 (E), NaN where none is
        given; `None` where units are not annotated at all. What is not named is absent.

        Raises:
            InputError: naming the row, for units that cannot be read.

        >>> Clip("ck_plus", "ck_plus/S005", "S005/001", (), action_units="4C+L12").unit_intensities
        {4: 3.0, 12: nan}
        """
        if self.action_units is None:
            return None
        return parse_action_units(self.action_units, self.source or f"clip {self.id}").intensities
